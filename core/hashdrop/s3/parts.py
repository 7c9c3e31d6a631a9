"""Cutting content into parts: a stream as it comes, or a source that can be read at any offset."""

from __future__ import annotations

import errno
import io
import os
import socket
import ssl
import threading
from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import IO
from typing import Protocol
from typing import cast

from anyio.to_thread import run_sync

from hashdrop.digest import crc32
from hashdrop.errors import SourceChanged
from hashdrop.s3.sockets import is_writable
from hashdrop.s3.sockets import send_all
from hashdrop.snapshot import FileSnapshot
from hashdrop.snapshot import source_error

StreamBufferType = Callable[[], AbstractContextManager[IO[bytes]]]
"""Makes the buffer that one part of a stream waits in; labox's name and form."""

_HAS_SENDFILE = hasattr(os, "sendfile")
_NO_SENDFILE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
_OF_THE_FILE = frozenset({errno.EIO, errno.ESTALE, errno.EBADF})
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
            self.crc = crc32(piece, self.crc)
            self.size += len(piece)
        pieces.clear()

    def check(self) -> None:
        """What is buffered does not change."""

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

    def slice(self, offset: int, size: int, crc: int) -> IO[bytes]:
        """Return a file over a part; reading to its end raises where the bytes are not those of the CRC."""
        ...

    def check_part(self, offset: int, size: int, crc: int) -> None:
        """Raise `SourceChanged` if a part has not the bytes of its CRC any more; blocking."""
        ...

    def check(self) -> None:
        """Raise `SourceChanged` if the content is not what it was; blocking."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class MemorySource:
    """Content in memory.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def slice(self, offset: int, size: int, crc: int) -> IO[bytes]:
        """Return a file over a part; bytes in memory do not change."""
        del crc
        whole = offset == 0 and size == len(self._data)
        return BytesIO(self._data if whole else self._data[offset : offset + size])

    def check_part(self, offset: int, size: int, crc: int) -> None:
        """Bytes in memory do not change."""

    def check(self) -> None:
        """Bytes in memory do not change."""

    def close(self) -> None:
        """Nothing is open."""


class FileSource:
    """A file on this computer, opened once and read at offsets by many threads.

    Args:
        path: The file.
        snapshot: What it was before it was hashed.
    """

    def __init__(self, path: Path, snapshot: FileSnapshot) -> None:
        self._path = path
        self._snapshot = snapshot
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def slice(self, offset: int, size: int, crc: int) -> IO[bytes]:
        """Return a file over a part.

        Raises:
            SourceChanged: Another file stands in its place.
            SourceError: It cannot be opened.
        """
        with self._lock:
            if self._file is None:
                self._file = self._snapshot.open_again(self._path)
        reader = FileSlice(self._file, self._path, offset=offset, size=size, crc=crc)
        return cast("IO[bytes]", reader)

    def check_part(self, offset: int, size: int, crc: int) -> None:
        """Read a part and compare it with its CRC-32.

        Raises:
            SourceChanged: Its bytes are others.
            SourceError: It cannot be read.
        """
        with self.slice(offset, size, crc) as part:
            while part.read(_HOP_SIZE):
                pass

    def check(self) -> None:
        """Compare size, time and identity with the snapshot.

        Raises:
            SourceChanged: It is not the same any more.
        """
        self._snapshot.check(self._path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the whole, read in threads."""
        with await run_sync(self._snapshot.open_again, self._path) as file:
            while chunk := await run_sync(file.read, _HOP_SIZE):
                yield chunk


class FileSlice(io.RawIOBase):
    """A part of a file, read by offset, without a copy of it in memory.

    What is read is held against the CRC-32 of the hashed bytes: where they differ, the last read raises, so
    that the part, though sent, never becomes a part of an object. What `send_to` sends is not looked at: that
    is for stores which are known to refuse bytes that are not those of the CRC.

    Args:
        file: Open; shared with other slices.
        path: Of the file, for errors.
        offset: Where the part begins.
        size: Its bytes.
        crc: Its CRC-32, as hashed.
    """

    def __init__(self, file: IO[bytes], path: Path, *, offset: int, size: int, crc: int) -> None:
        super().__init__()
        self._file = file
        self._path = path
        self._offset = offset
        self._size = size
        self._expected = crc
        self._at: int = 0
        self._crc = 0
        self._checked_to = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read again."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes.

        Raises:
            SourceChanged: The file is shorter than it was, or its bytes are others.
            SourceError: It cannot be read any more.
        """
        data = self._next(size)
        if self._checked_to == self._at:
            self._crc = crc32(data, self._crc)
            self._checked_to += len(data)
        self._at += len(data)
        if data and self._checked_to == self._size and self._crc != self._expected:
            raise _changed(self._path)
        return data

    def _next(self, size: int) -> bytes:
        left = self._size - self._at
        count = left if size < 0 else min(size, left)
        if count <= 0:
            return b""
        try:
            data = os.pread(self._file.fileno(), count, self._offset + self._at)
        except (OSError, ValueError) as error:  # ValueError: closed after a cancellation
            raise source_error(
                self._path, error if isinstance(error, OSError) else OSError()
            ) from error
        if not data:
            raise _changed(self._path)
        return data

    def can_send_to(self, *, is_checked: bool) -> bool:
        """Whether it goes to a store that checks what it gets."""
        return is_checked

    def send_to(self, sock: socket.socket, count: int) -> int:
        """Send the next bytes unseen; unencrypted ones the system sends, without a copy in this process.

        Args:
            sock: With a timeout.
            count: Bytes to send at most.

        Returns:
            How many were sent; 0 at the end, and -1 where the system cannot do it with this file.

        Raises:
            SourceChanged: The file is shorter than it was.
            SourceError: It cannot be read any more.
            OSError: The network failed.
        """
        if isinstance(sock, ssl.SSLSocket) or not _HAS_SENDFILE:
            data = self._next(count)
            send_all(sock, data)
            self._at += len(data)
            return len(data)
        left = min(count, self._size - self._at)
        sent = 0
        while sent < left:
            try:
                step = os.sendfile(
                    sock.fileno(), self._file.fileno(), self._offset + self._at, left - sent
                )
            except BlockingIOError:
                if not is_writable(sock, sock.gettimeout()):
                    raise TimeoutError("the store takes no more bytes") from None
                continue
            except ValueError as error:  # closed after a cancellation
                raise source_error(self._path, OSError()) from error
            except OSError as error:
                if error.errno in _NO_SENDFILE and not sent:
                    return -1
                if error.errno in _OF_THE_FILE:
                    raise source_error(self._path, error) from error
                raise
            if not step:
                raise _changed(self._path)
            sent += step
            self._at += step
        return sent

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; going back to the start begins the check anew."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, min(base + offset, self._size))
        if self._at == 0:
            self._crc = self._checked_to = 0
        return self._at


def _changed(path: Path) -> SourceChanged:
    return SourceChanged(f"“{path.name}” changed while it was read.", hint="Retry hashes it again.")
