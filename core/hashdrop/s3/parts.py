"""Cutting content into parts: a stream as it comes, or a source that can be read at any offset."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import IO
from typing import Protocol

from anyio.to_thread import run_sync

from hashdrop.errors import SourceChanged
from hashdrop.snapshot import FileSnapshot

StreamBufferType = Callable[[], AbstractContextManager[IO[bytes]]]
"""Makes the buffer that one part of a stream waits in; labox's name and form."""

_HOP_SIZE = 1024 * 1024
"""Bytes gathered on the event loop before a thread takes them."""


class Part:
    """One part: its bytes in a buffer, its size and CRC-32.

    Args:
        buffer_type: Makes the buffer.
    """

    def __init__(self, buffer_type: StreamBufferType = BytesIO) -> None:
        self._stack = ExitStack()
        self.buffer = self._stack.enter_context(buffer_type())
        self.size = 0
        self.crc = 0

    def absorb(self, pieces: list[memoryview]) -> None:
        """Take bytes, in a worker thread; the list is emptied."""
        for piece in pieces:
            self.buffer.write(piece)
            self.crc = zlib.crc32(piece, self.crc)
            self.size += len(piece)
        pieces.clear()

    def take(self) -> bytes:
        """Return the bytes and close the part."""
        self.buffer.seek(0)
        data = self.buffer.read()
        self.close()
        return data

    def close(self) -> None:
        """Let go of the buffer."""
        self._stack.close()


class PartCutter:
    """Cuts a stream, whatever its chunks, into parts of exact sizes; only the last is shorter.

    Args:
        stream: Iterated once.
        buffer_type: Makes the buffer of a part.
    """

    def __init__(self, stream: AsyncIterable[bytes], buffer_type: StreamBufferType) -> None:
        self._chunks = aiter(stream)
        self._buffer_type = buffer_type
        self._rest = memoryview(b"")

    async def has_more(self) -> bool:
        """Whether at least one more byte comes; waits for it."""
        while not self._rest:
            try:
                self._rest = memoryview(await anext(self._chunks)).cast("B")
            except StopAsyncIteration:
                return False
        return True

    async def cut(self, size: int) -> Part:
        """Return the next part.

        Args:
            size: Its bytes; fewer only at the end of the stream.
        """
        part = Part(self._buffer_type)
        try:
            gathered: list[memoryview] = []
            waiting = 0
            while part.size + waiting < size and await self.has_more():
                piece = self._rest[: size - part.size - waiting]
                self._rest = self._rest[len(piece) :]
                gathered.append(piece)
                waiting += len(piece)
                del piece
                if waiting >= _HOP_SIZE:
                    await run_sync(part.absorb, gathered)
                    waiting = 0
            if gathered:
                await run_sync(part.absorb, gathered)
        except BaseException:
            part.close()
            raise
        return part

    async def rest(self) -> AsyncGenerator[bytes, None]:
        """Yield all that was not cut, as it comes."""
        while await self.has_more():
            piece, self._rest = self._rest, memoryview(b"")
            yield bytes(piece)


class PartSource(Protocol):
    """Content that can be read again at any offset."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes; blocking, for a worker thread."""
        ...

    def check(self) -> None:
        """Raise `SourceChanged` if the content is not what it was; blocking."""
        ...

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the whole from its start."""
        ...


class MemorySource:
    """Content in memory.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, size: int) -> bytes:
        """Return a slice."""
        if offset == 0 and size >= len(self._data):
            return self._data
        return self._data[offset : offset + size]

    def check(self) -> None:
        """Bytes in memory do not change."""

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the whole."""
        yield self._data


class FileSource:
    """A file on this computer.

    Args:
        path: The file.
        snapshot: What it was before it was hashed.
    """

    def __init__(self, path: Path, snapshot: FileSnapshot) -> None:
        self._path = path
        self._snapshot = snapshot

    def read_at(self, offset: int, size: int) -> bytes:
        """Read a slice.

        Raises:
            SourceChanged: The file is shorter than it was.
            SourceError: It cannot be read any more.
        """
        with self._snapshot.open_again(self._path) as file:
            file.seek(offset)
            data = file.read(size)
        if len(data) != size:
            raise SourceChanged(
                "The file changed while it was read.", hint="Retry hashes it again."
            )
        return data

    def check(self) -> None:
        """Compare size, time and identity with the snapshot.

        Raises:
            SourceChanged: It is not the same any more.
        """
        self._snapshot.check(self._path)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the whole, read in threads."""
        with await run_sync(self._snapshot.open_again, self._path) as file:
            while chunk := await run_sync(file.read, _HOP_SIZE):
                yield chunk
