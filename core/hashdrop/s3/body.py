"""The body of one request: it counts what is sent, and stops when told to."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable
from typing import IO
from typing import Any
from typing import Protocol
from typing import cast

from hashdrop.s3.sockets import send_all

_SEND_SIZE = 256 * 1024
"""Bytes handed to the socket at once: http.client asks for 16 KiB, which costs time."""
_PACED_SIZE = 32 * 1024
"""The same under a bandwidth limit: small, so that a slow pace is an even one."""


class Interrupted(Exception):  # not an error: the way out of a thread that was told to stop
    """Raised in a worker thread after its transfer was stopped."""


class Stop:
    """Tells the worker threads of one transfer to end."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    def set(self) -> None:
        """End them: at their next read, or now where they wait for the store on a socket of ours."""
        with self._lock:
            self._event.set()
            for one in self._sockets:
                with contextlib.suppress(OSError):  # closed by the other end already
                    # The plain socket's: a TLS one would forget its state under the waiting thread.
                    socket.socket.shutdown(one, socket.SHUT_RDWR)

    def attach(self, sock: socket.socket) -> Callable[[], None]:
        """Shut a socket down when they are to end; returns what detaches it."""
        with self._lock:
            self._sockets.add(sock)
            if self._event.is_set():  # told to end between its look and now
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

        def detach() -> None:
            with self._lock:
                self._sockets.discard(sock)

        return detach

    def wait(self, seconds: float) -> None:
        """Wait some seconds, or end the calling thread's work.

        Raises:
            Interrupted: The transfer was stopped.
        """
        if self._event.wait(seconds):
            raise Interrupted

    @property
    def is_set(self) -> bool:
        """Whether they are to end."""
        return self._event.is_set()

    def check(self) -> None:
        """Return, or end the calling thread's work.

        Raises:
            Interrupted: The transfer was stopped.
        """
        if self._event.is_set():
            raise Interrupted


class SendsItself(Protocol):
    """A source that can put its next bytes on a socket without a copy of them."""

    def can_send_to(self, *, is_checked: bool) -> bool:
        """Whether it can; `is_checked` as of `Body`."""
        ...

    def send_to(self, sock: socket.socket, count: int) -> int:
        """Send at most so many bytes; returns how many, 0 at the end, -1 where it cannot after all."""
        ...


class Pace(Protocol):
    """Holds sending threads to a bandwidth limit."""

    @property
    def limits(self) -> bool:
        """Whether there is a limit now."""
        ...

    def take(self, count: int, stop: Stop) -> None:
        """Wait until so many bytes may be sent; blocking.

        Raises:
            Interrupted: The transfer was stopped meanwhile.
        """
        ...


class Body(io.RawIOBase):
    """A seekable request body.

    botocore reads it for signing and checksums, seeks back, and reads it again to send; what counts
    as sent is only what is read after `arm`, which `arm_body` calls just before sending. A retry
    seeks back: then the count goes back, too.

    Args:
        source: The bytes, from position 0; not closed.
        size: Bytes in the source.
        stop: Checked at each read.
        on_sent: Told each change of the number of bytes sent; called in the sending thread.
        pace: The bandwidth limit.
        is_checked: Whether the store is known to refuse bytes that are not those of the checksum.
    """

    def __init__(
        self,
        source: IO[bytes],
        size: int,
        *,
        stop: Stop,
        on_sent: Callable[[int], None] | None = None,
        pace: Pace | None = None,
        is_checked: bool = False,
    ) -> None:
        super().__init__()
        source.seek(0)
        self._source = source
        # A cast, for `isinstance` with a protocol costs more than a small file's body.
        self._itself = cast("SendsItself", source) if hasattr(source, "send_to") else None
        self._is_checked = is_checked
        self._size = size
        self._at = 0
        self._stop = stop
        self._on_sent = on_sent
        self._pace = pace
        self._armed = False
        self._counted = 0
        self.attempts = 0
        """How often sending was begun."""

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return True

    def arm(self) -> None:
        """Count from here on: the request is being sent."""
        self._armed = True
        self.attempts += 1

    def retract(self) -> None:
        """Take back what was counted: it did not arrive."""
        if self._counted and self._on_sent:
            self._on_sent(-self._counted)
        self._counted = 0
        self._armed = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be sent again."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes; when being sent, in pieces of a good size for a socket."""
        self._stop.check()
        count = -1 if size is None or size < 0 else size
        if self._armed and count >= 0:
            count = max(count, _SEND_SIZE)
        if self._armed and self._pace is not None and self._pace.limits:
            left = self._size - self._at
            count = min(left if count < 0 else count, _PACED_SIZE)
            self._pace.take(min(count, left), self._stop)
        piece = self._source.read(count)
        self._at += len(piece)
        if self._armed and self._on_sent and piece:
            self._counted += len(piece)
            self._on_sent(len(piece))
        return piece

    def send_to(self, sock: socket.socket, size: int) -> bool:
        """Send the next bytes on a socket of ours.

        Args:
            sock: Connected, with a timeout.
            size: Bytes to send at most.

        Returns:
            Whether there was something to send.

        Raises:
            Interrupted: The transfer was stopped.
            OSError: The network failed.
        """
        if self._itself is not None and self._itself.can_send_to(is_checked=self._is_checked):
            self._stop.check()
            count = min(size, self._size - self._at)
            if self._pace is not None and self._pace.limits:
                count = min(count, _PACED_SIZE)
                self._pace.take(count, self._stop)
            sent = self._itself.send_to(sock, count)
            if sent >= 0:
                self._at += sent
                if self._on_sent and sent:
                    self._counted += sent
                    self._on_sent(sent)
                return sent > 0
            self._itself = None
        piece = self.read(size)
        if piece:
            send_all(sock, piece)
        return bool(piece)

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; going back to the start takes back what was counted as sent."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = self._source.seek(max(0, min(base + offset, self._size)))
        if self._at == 0:
            self.retract()
        return self._at


def arm_body(request: Any, **_: Any) -> None:
    """Count the body of a request that is about to be sent (botocore's `before-send`)."""
    body = getattr(request, "body", None)
    if isinstance(body, Body):
        body.arm()
