"""The labox storable of a dropped file, so that plain labox loads what Hashdrop stored.

registry = Registry(
    modules=["hashdrop.catalog.stored_file"],
    storages=[S3Storage(s3_client=client, s3_router=None)],
)
async with AsyncExitStack() as stack:
    file = await load_one(manifest, StoredFile, registry=registry, session=session, stack=stack)
    async for chunk in file.content: ...
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from labox.core.serializer import SerializedDataStream
from labox.core.serializer import StreamSerializer
from labox.core.storable import Storable
from labox.core.unpacker import UnpackedValueStream
from labox.core.unpacker import Unpacker

from hashdrop.catalog.noting import CLASS_ID
from hashdrop.catalog.noting import CONTENT_KEY
from hashdrop.catalog.noting import SERIALIZER_NAME
from hashdrop.catalog.noting import UNPACKER_NAME
from hashdrop.content_types import DEFAULT_CONTENT_TYPE

if TYPE_CHECKING:
    from labox.core.registry import Registry


class FileSerializer(StreamSerializer[bytes, None]):
    """Passes the bytes of a file as they are.

    Args:
        content_type: Of the file.
    """

    name = SERIALIZER_NAME

    def __init__(self, content_type: str = DEFAULT_CONTENT_TYPE) -> None:
        self._content_type = content_type

    def serialize_data_stream(self, stream: AsyncIterable[bytes], /) -> SerializedDataStream[None]:
        """Return the stream with the file's content type."""
        return {
            "data_stream": _generator(stream),
            "content_encoding": None,
            "content_type": self._content_type,
        }

    def deserialize_data_stream(
        self, content: SerializedDataStream[None], /
    ) -> AsyncGenerator[bytes, None]:
        """Return the stream."""
        return content["data_stream"]


class StoredFileUnpacker(Unpacker["StoredFile", Any]):
    """Takes a stored file apart: one stream."""

    name = UNPACKER_NAME

    def unpack_object(
        self, obj: StoredFile, registry: Registry, /
    ) -> Mapping[str, UnpackedValueStream[bytes]]:
        """Return the file's bytes as one content."""
        del registry
        return {
            CONTENT_KEY: {
                "value_stream": obj.content,
                "serializer": FileSerializer(obj.content_type),
            }
        }

    def repack_object(
        self,
        cls: type[StoredFile],
        contents: Mapping[str, UnpackedValueStream[bytes]],
        registry: Registry,
        /,
    ) -> StoredFile:
        """Return the file around its stream."""
        del registry
        return cls(content=contents[CONTENT_KEY]["value_stream"])


@dataclass(frozen=True)
class StoredFile(Storable, class_id=CLASS_ID, unpacker=StoredFileUnpacker()):
    """A file: its bytes, to be read once."""

    content: AsyncIterable[bytes]
    """The bytes."""
    content_type: str = DEFAULT_CONTENT_TYPE
    """Used when it is saved; what is loaded has it in its record."""


async def _generator(stream: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    async for chunk in stream:
        yield chunk


stored_file_unpacker = cast("StoredFileUnpacker", StoredFile.storable_config().unpacker)
file_serializer = FileSerializer()

__all__ = ("StoredFile", "file_serializer", "stored_file_unpacker")
