"""The buffer that a part of a stream waits in: memory of the system's, given back but for a little.

A `BytesIO` grows by copying itself, and what it frees stays with the allocator of the thread that filled it:
8 parts of 16 MiB in flight took 345 MiB. Segments of the system's own pages take 135 (benchmarks/README.md).
"""

from __future__ import annotations

import io
import mmap
import socket
from collections import deque
from contextlib import AbstractContextManager
from typing import IO
from typing import Any
from typing import cast

from hashdrop.s3.sockets import send_all

_SEGMENT_SIZE = 4 * 1024 * 1024
"""Bytes mapped at once; pages that are never written to cost nothing."""
_SPARE: deque[mmap.mmap] = deque()
_MOST_SPARE = 16
"""Segments that are kept for the next part: a page of the system's costs a fault and is cleared first."""


def memory_buffer() -> AbstractContextManager[IO[bytes]]:
    """Return a new `PartBuffer`, as a part wants its buffer."""
    return cast("AbstractContextManager[IO[bytes]]", PartBuffer())


class PartBuffer(io.RawIOBase):
    """A file in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._segments: list[mmap.mmap] = []
        self._at = 0
        self._size = 0
        self._is_sending = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read again."""
        return True

    def write(self, data: Any, /) -> int:
        """Write at the position; all of it."""
        with memoryview(data) as whole, whole.cast("B") as view:
            done = 0
            if (gap := self._at - self._size) > 0 and len(
                view
            ):  # a segment may have been another's
                self._at = self._size
                self.write(bytes(gap))
            while done < len(view):
                index, offset = divmod(self._at, _SEGMENT_SIZE)
                while index >= len(self._segments):
                    self._segments.append(_segment())
                count = min(len(view) - done, _SEGMENT_SIZE - offset)
                self._segments[index][offset : offset + count] = view[done : done + count]
                done += count
                self._at += count
            if done:
                self._size = max(self._size, self._at)
            return done

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, all that are left by default."""
        left = max(0, self._size - self._at)
        count = left if size is None or size < 0 else min(size, left)
        pieces: list[bytes] = []
        while count:
            index, offset = divmod(self._at, _SEGMENT_SIZE)
            piece = self._segments[index][offset : min(offset + count, _SEGMENT_SIZE)]
            pieces.append(piece)
            self._at += len(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def can_send_to(self, *, is_checked: bool) -> bool:  # noqa: ARG002
        """Always: what is in memory does not change."""
        return True

    def send_to(self, sock: socket.socket, count: int) -> int:
        """Send the next bytes without a copy of them.

        Args:
            sock: Connected.
            count: Bytes to send at most.

        Returns:
            How many were sent; 0 at the end.

        Raises:
            OSError: The network failed.
        """
        index, offset = divmod(self._at, _SEGMENT_SIZE)
        count = min(count, self._size - self._at, _SEGMENT_SIZE - offset)
        if count <= 0:
            return 0
        self._is_sending = True
        with memoryview(self._segments[index]) as segment, segment[offset : offset + count] as part:
            send_all(sock, part)
        self._is_sending = False
        self._at += count
        return count

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def close(self) -> None:
        """Give the memory back; the system takes its time, so rather in a worker thread."""
        while self._segments:
            try:
                segment = self._segments.pop()  # by one thread only, should two close it
            except IndexError:
                break
            if self._is_sending:
                continue  # a thread that was left behind still reads it: it is freed when that ends
            if len(segment) == _SEGMENT_SIZE and len(_SPARE) < _MOST_SPARE:
                _SPARE.append(segment)
            else:
                segment.close()
        super().close()


def _segment() -> mmap.mmap:
    try:
        return _SPARE.pop()
    except IndexError:
        return mmap.mmap(-1, _SEGMENT_SIZE)
