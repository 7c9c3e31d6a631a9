"""Digests: of bytes, of a file with its parts' checksums, of a stream as it passes.

Hashing runs in worker threads; `hashlib` and `zlib_ng` release the interpreter's lock for large buffers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from anyio.to_thread import run_sync
from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from labox.core.storage import Digest
    from labox.core.storage import GetStreamDigest
    from labox.core.storage import StreamDigest

ALGORITHM = "sha256"
_READ_SIZE = 1024 * 1024
_HOP_SIZE = 64 * 1024
"""Chunks below this many bytes are hashed where they are: a thread would cost more."""


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What one pass over a file gives."""

    content_hash: str
    size: int
    """Bytes read."""
    part_size: int
    """Bytes of each part but the last."""
    part_crcs: tuple[int, ...]
    """CRC-32 of each part; of an empty file none."""

    @property
    def crc(self) -> int:
        """CRC-32 of the whole, put together from its parts'."""
        if not self.part_crcs:
            return 0
        whole = self.part_crcs[0]
        left = self.size - self.part_size
        for crc in self.part_crcs[1:]:
            whole = joined_crc(whole, crc, min(self.part_size, left))
            left -= self.part_size
        return whole


def crc32(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """Return the CRC-32 of bytes behind those whose CRC-32 is `value`; see docs/decisions/crc.md."""
    return zlib_ng.crc32(data, value)  # pyright: ignore[reportUnknownMemberType]  # half typed


def make_digest(
    content_hash: str, size: int, *, content_type: str, content_encoding: str | None = None
) -> Digest:
    """Return labox's digest of content whose hash is known.

    Args:
        content_hash: Hexadecimal SHA-256.
        size: Bytes.
        content_type: MIME type.
        content_encoding: As of HTTP; `None` for none.
    """
    return {
        "content_encoding": content_encoding,
        "content_hash": content_hash,
        "content_hash_algorithm": ALGORITHM,
        "content_size": size,
        "content_type": content_type,
    }


def digest_file(
    path: Path,
    *,
    part_size: int,
    on_read: Callable[[int], None] | None = None,
    check: Callable[[], None] | None = None,
) -> FileDigest:
    """Hash a file in one pass; blocking, for a worker thread.

    Args:
        path: A regular file.
        part_size: Bytes of a part; each part's CRC-32 is computed on the way.
        on_read: Told the bytes of each read.
        check: Called before each read; ends the pass by raising.

    Raises:
        OSError: The file cannot be opened or read.
    """
    whole = hashlib.sha256()
    part_crc = size = filled = 0
    crcs: list[int] = []
    buffer = bytearray(min(part_size, _READ_SIZE))
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        _advise_sequential(file.fileno())
        while True:
            if check:
                check()
            count = file.readinto(view[: min(len(buffer), part_size - filled)])
            if not count:
                break
            chunk = view[:count]
            whole.update(chunk)
            part_crc = crc32(chunk, part_crc)
            size += count
            filled += count
            if on_read:
                on_read(count)
            if filled == part_size:
                crcs.append(part_crc)
                filled = part_crc = 0
    if filled:
        crcs.append(part_crc)
    return FileDigest(
        content_hash=whole.hexdigest(),
        size=size,
        part_size=part_size,
        part_crcs=tuple(crcs),
    )


def digest_memory(data: bytes, part_size: int) -> FileDigest:
    """Hash bytes in memory as `digest_file` does a file; in a thread for more than a little."""
    view = memoryview(data)
    return FileDigest(
        content_hash=hashlib.sha256(data).hexdigest(),
        size=len(data),
        part_size=part_size,
        part_crcs=tuple(
            crc32(view[start : start + part_size]) for start in range(0, len(data), part_size)
        ),
    )


def joined_crc(first: int, second: int, length: int) -> int:
    """Return the CRC-32 of two pieces of content, one behind the other.

    A CRC is a remainder: the first is moved up by the length of the second, and the second added to it.

    Args:
        first: CRC-32 of the first piece.
        second: CRC-32 of the second piece.
        length: Bytes of the second piece.
    """
    return _times(_moved_by(length), first) ^ second


def digest_stream(
    stream: AsyncIterable[bytes], *, content_type: str, content_encoding: str | None = None
) -> tuple[AsyncGenerator[bytes, None], GetStreamDigest]:
    """Wrap a stream so that it is hashed, in threads, as it passes.

    Args:
        stream: The bytes; closed with the wrapper if it can be.
        content_type: MIME type of the whole.
        content_encoding: As of HTTP; `None` for none.

    Returns:
        The stream to read, and labox's `get_digest`, which raises `ValueError` before the end
        unless called with `allow_incomplete=True`.
    """
    whole = hashlib.sha256()
    size = 0
    complete = False

    async def passing() -> AsyncGenerator[bytes, None]:
        nonlocal size, complete
        if hasattr(stream, "aclose"):
            closing = aclosing(cast("AsyncGenerator[bytes, None]", stream))
            async with closing as source:
                async for chunk in source:
                    await absorb(chunk)
                    yield chunk
        else:
            async for chunk in stream:
                await absorb(chunk)
                yield chunk
        complete = True

    async def absorb(chunk: bytes) -> None:
        nonlocal size
        if len(chunk) > _HOP_SIZE:
            await run_sync(whole.update, chunk)
        else:
            whole.update(chunk)
        size += len(chunk)

    def get_digest(*, allow_incomplete: bool = False) -> StreamDigest:
        if not complete and not allow_incomplete:
            raise ValueError("The stream has not been read to its end.")
        digest: Any = make_digest(
            whole.hexdigest(), size, content_type=content_type, content_encoding=content_encoding
        )
        digest["is_complete"] = complete
        return cast("StreamDigest", digest)

    return passing(), get_digest


_POLYNOMIAL = 0xEDB88320  # of CRC-32, bits reversed
_ONE = 1 << 31


def _times(a: int, b: int) -> int:
    """Multiply two polynomials modulo that of CRC-32."""
    product = 0
    bit = _ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


@lru_cache(maxsize=64)
def _moved_by(length: int) -> int:
    """Return what a remainder is multiplied by when so many bytes follow."""
    result = _ONE
    power = _ONE >> 8  # one byte
    while length:
        if length & 1:
            result = _times(result, power)
        power = _times(power, power)
        length >>= 1
    return result


def _advise_sequential(descriptor: int) -> None:
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
