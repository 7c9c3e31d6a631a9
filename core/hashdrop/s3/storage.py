"""S3Storage: the storage that labox's page describes; what does the work is `writing.ContentWriter`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labox.core.storage import Storage

from hashdrop.s3.buffers import memory_buffer
from hashdrop.s3.copying import DEFAULT_COPY_PART
from hashdrop.s3.copying import MAX_SINGLE_COPY
from hashdrop.s3.multipart import MIN_PART_SIZE
from hashdrop.s3.options import WriteOptions
from hashdrop.s3.parts import StreamBufferType
from hashdrop.s3.progress import Progress
from hashdrop.s3.routing import S3Pointer
from hashdrop.s3.routing import S3Router
from hashdrop.s3.writing import ContentWriter
from hashdrop.s3.writing import WriteOutcome

if TYPE_CHECKING:
    from labox.core.storage import Digest
    from labox.core.storage import GetStreamDigest
    from types_boto3_s3 import S3Client

MIB = 1024**2


class S3Storage(Storage[S3Pointer]):
    """Storage for S3, by labox's interface and under its name, so that each reads the other's records.

    Args:
        s3_client: A boto3 S3 client; shared by all threads.
        s3_router: Decides the place of content; `None` makes the storage read-only.
        max_writers: Threads that write at once; `None` for anyio's own limit.
        max_readers: Threads that read at once, bodies included.
        stream_writer_min_part_size: Bytes of a part of a stream, 5 MiB to 5 GiB. All parts are equal
            but the last; far above 10 GiB of unknown length they grow.
        stream_writer_buffer_type: Makes the buffer that a part waits in; in memory by default.
        stream_reader_max_part_size: Bytes that `read_data_stream` yields at once, at most.
        max_parts_in_flight: Parts in memory at once; by default `max_writers`, or 8.
        object_tags: Whether tags go to S3; off for stores that lack tagging.
        checksums: Whether to send CRC-32 headers of our own and to compare the store's. By default as
            the client is configured (`request_checksum_calculation`).
        equal_parts: Whether the store refuses parts that grow (R2).
        copy_part_threshold: Bytes above which a server-side copy goes in parts; S3's limit is 5 GiB.
        copy_part_size: Bytes of such a part.
        cleanup_timeout: Seconds that the clean-up after a failure or cancellation may take.
        own_connections: Whether the hot requests go by sockets of our own where a plain bucket allows it:
            a tenth of botocore's cost, but event handlers of the client are not asked. By default they do
            if nobody hooked into the client before the first request.
        patience: Seconds that a store which was reached before is waited for when it is out of reach.

    Raises:
        ValueError: The part size is not one that S3 takes, or a limit is below 1.
    """

    name = "labox.aws.s3@v1"

    def __init__(
        self,
        *,
        s3_client: S3Client,
        s3_router: S3Router | None,
        max_writers: int | None = None,
        max_readers: int | None = None,
        stream_writer_min_part_size: int = MIN_PART_SIZE,
        stream_writer_buffer_type: StreamBufferType | None = None,
        stream_reader_max_part_size: int = 5 * MIB,
        max_parts_in_flight: int | None = None,
        object_tags: bool = True,
        checksums: bool | None = None,
        equal_parts: bool = False,
        copy_part_threshold: int = MAX_SINGLE_COPY,
        copy_part_size: int = DEFAULT_COPY_PART,
        cleanup_timeout: float = 30.0,
        own_connections: bool | None = None,
        patience: float = 0.0,
    ) -> None:
        self.writer = ContentWriter(
            s3_client,
            s3_router,
            WriteOptions(
                max_writers=max_writers,
                max_readers=max_readers,
                part_size=stream_writer_min_part_size,
                buffer_type=stream_writer_buffer_type or memory_buffer,
                read_size=stream_reader_max_part_size,
                max_parts_in_flight=max_parts_in_flight,
                object_tags=object_tags,
                checksums=checksums,
                equal_parts=equal_parts,
                copy_part_threshold=copy_part_threshold,
                copy_part_size=copy_part_size,
                cleanup_timeout=cleanup_timeout,
                own_connections=own_connections,
                patience_s=patience,
            ),
        )

    async def write_data(
        self, data: bytes, digest: Digest, tags: Mapping[str, str], /
    ) -> S3Pointer:
        """Store bytes with one PUT.

        Args:
            data: The content.
            digest: Its digest; size and SHA-256 are checked against the data.
            tags: Become tags of the object.

        Raises:
            NotImplementedError: The storage is read-only.
            ContentMismatch: The digest is not that of the data.
            HashdropError: It cannot be stored.
        """
        return (await self.writer.write_bytes(data, digest, tags)).pointer

    async def read_data(self, pointer: S3Pointer, /) -> bytes:
        """Return the whole of an object.

        Raises:
            ObjectMissing: There is none (labox's `NoStorageData`).
            HashdropError: It cannot be read.
        """
        return await self.writer.read(pointer)

    async def write_data_stream(
        self,
        data_stream: AsyncIterable[bytes],
        get_digest: GetStreamDigest,
        tags: Mapping[str, str],
        /,
        *,
        content_size: int | None = None,
    ) -> S3Pointer:
        """Store a stream: in parts to a temporary object, then copied to its final key.

        Args:
            data_stream: The content, in chunks of any size.
            get_digest: Gives its digest when it was read.
            tags: Become tags of the object.
            content_size: Bytes of the whole if they are known ahead; decides the part size.

        Raises:
            NotImplementedError: The storage is read-only.
            RouterError: The router failed at the end; the error names where the bytes are.
            HashdropError: It cannot be stored; nothing of it is left.
        """
        outcome = await self.writer.write_digested_stream(
            data_stream, get_digest, tags, size=content_size
        )
        return outcome.pointer

    async def read_data_stream(self, pointer: S3Pointer, /) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of an object as fast as they are taken.

        Raises:
            ObjectMissing: There is none (labox's `NoStorageData`).
            ContentMismatch: It was replaced while it was read.
            HashdropError: It cannot be read to its end.
        """
        stream = self.writer.read_stream(pointer)
        try:
            async for chunk in stream:
                yield chunk
        finally:
            await stream.aclose()

    # --- ours ------------------------------------------------------------------------------------

    async def write_file(
        self,
        path: Path,
        *,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        single_pass: bool = False,
        repair: bool = False,
    ) -> WriteOutcome:
        """Store a file: hash it, ask for its final key, send it only if it is not there.

        See `ContentWriter.write_file` for the arguments and errors.
        """
        return await self.writer.write_file(
            path,
            content_type=content_type,
            tags=tags,
            progress=progress,
            single_pass=single_pass,
            repair=repair,
        )

    async def write_stream(
        self,
        stream: AsyncIterable[bytes],
        *,
        content_type: str,
        tags: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        lookahead: int = 64 * MIB,
    ) -> WriteOutcome:
        """Store a stream that comes once; see `ContentWriter.write_stream` for the arguments and errors."""
        return await self.writer.write_stream(
            stream, content_type=content_type, tags=tags, progress=progress, lookahead=lookahead
        )


__all__ = ("S3Storage", "WriteOutcome")
