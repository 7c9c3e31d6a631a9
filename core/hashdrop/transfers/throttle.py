"""One bandwidth limit for all transfers, changeable while they run."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashdrop.s3.body import Stop

_BURST_S = 0.25
"""Seconds of the limit that may be sent at once after a silence."""
_LOOK_S = 0.2
"""A waiting thread looks at least this often whether the limit was changed."""


class Throttle:
    """Holds the sending threads of all transfers to a rate.

    Each piece is given its time in line; a thread sleeps until its piece's turn.

    Args:
        bytes_per_s: The limit; `None` for none.
    """

    def __init__(self, bytes_per_s: float | None = None) -> None:
        self._lock = threading.Lock()
        self._rate = bytes_per_s
        self._next = 0.0
        """`time.monotonic()` at which the next byte may go."""

    @property
    def limits(self) -> bool:
        """Whether there is a limit now."""
        return self._rate is not None

    @property
    def rate(self) -> float | None:
        """Bytes a second; `None` for no limit."""
        return self._rate

    def change(self, bytes_per_s: float | None) -> None:
        """Set another limit, or none; threads that wait notice it at once."""
        with self._lock:
            self._rate = bytes_per_s
            self._next = 0.0

    def take(self, count: int, stop: Stop) -> None:
        """Wait until so many bytes may be sent; blocking.

        Raises:
            Interrupted: The transfer was stopped meanwhile.
        """
        with self._lock:
            rate = self._rate
            if rate is None:
                return
            now = time.monotonic()
            turn = max(self._next, now - _BURST_S)
            self._next = turn + count / rate
        while (left := turn - time.monotonic()) > 0:
            stop.wait(min(left, _LOOK_S))
            if self._rate != rate:
                return
