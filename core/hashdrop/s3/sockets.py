"""Waiting for a socket of ours."""

from __future__ import annotations

import select
import socket
import ssl
import sys


def is_readable(sock: socket.socket, timeout_s: float | None) -> bool:
    """Whether something comes, or the other end closes, within a time.

    Args:
        sock: Connected.
        timeout_s: Seconds; `None` for however long.
    """
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    return _is_ready(sock, timeout_s, to_write=False)


def is_writable(sock: socket.socket, timeout_s: float | None) -> bool:
    """Whether it takes more bytes within a time; as `is_readable`."""
    return _is_ready(sock, timeout_s, to_write=True)


def send_all(sock: socket.socket, data: bytes | memoryview) -> None:
    """Send bytes; the timeout is for each step, not for all of them as that of `sendall` is."""
    with memoryview(data) as view:
        at = 0
        while at < len(view):
            at += sock.send(view[at:])


def on_its_way(sock: socket.socket) -> int:
    """Return how many bytes were sent that the other end has not yet; 0 where the system does not say."""
    try:
        import fcntl
        import termios

        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (ImportError, OSError, ValueError):  # closed meanwhile
        return 0
    return int.from_bytes(answer, sys.byteorder)


def _is_ready(sock: socket.socket, timeout_s: float | None, *, to_write: bool) -> bool:
    if hasattr(select, "poll"):  # select() takes no descriptor above 1,023
        poll = select.poll()
        poll.register(sock, select.POLLOUT if to_write else select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
    readers, writers = ([], [sock]) if to_write else ([sock], [])
    return any(select.select(readers, writers, [], timeout_s))
