"""How fast bytes went out in the last minutes. Pure Python, no Qt."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable

from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading

SECONDS = 180
"""As far back as it remembers."""
_RECENT = 5
"""Seconds that the present speed is taken of."""


class SpeedLog:
    """Counts what was sent, a number a second.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: deque[int] = deque([0] * SECONDS, maxlen=SECONDS)
        self._stored: deque[int] = deque([0] * SECONDS, maxlen=SECONDS)
        self._second = int(clock())
        self._seen: dict[int, tuple[int, int]] = {}
        """Of each file on its way: where it was told to be, and how much of it was counted."""

    def take(self, events: Iterable[Event]) -> None:
        """Count what events tell."""
        self.advance()
        for event in events:
            match event:
                case Uploading(id=number, done=done):
                    # What is told first may have been sent by an earlier run.
                    last, counted = self._seen.get(number, (done, 0))
                    gained = max(0, done - last)
                    self._seen[number] = (done, counted + gained)
                    self._sent[-1] += gained
                case Stored() | AlreadyStored():
                    _, counted = self._seen.pop(event.id, (0, 0))
                    self._sent[-1] += max(0, event.sent_bytes - counted)
                    self._stored[-1] += event.sent_bytes > 0
                case Paused() | Failed() | Cancelled():
                    self._seen.pop(event.id, None)
                case _:
                    pass

    def advance(self) -> None:
        """Begin the seconds that have come."""
        now = int(self._clock())
        for _ in range(min(SECONDS, now - self._second)):
            self._sent.append(0)
            self._stored.append(0)
        self._second = now

    @property
    def samples(self) -> list[int]:
        """Bytes in each second, the oldest first, the present one (not yet over) left out."""
        return list(self._sent)[:-1]

    @property
    def rate(self) -> float:
        """Bytes a second now."""
        recent = self.samples[-_RECENT:]
        while len(recent) > 1 and not recent[0]:  # what has just begun is no slower for that
            del recent[0]
        return sum(recent) / len(recent)

    @property
    def is_silent(self) -> bool:
        """Whether nothing was sent in all this time."""
        return not any(self._sent)

    def estimate_s(self, files: int, size: int) -> float | None:
        """Return how long files will take at the speed of the last minutes, at most; `None`: not known.

        Larger files than those of the last minutes go out at least as fast by bytes, smaller ones by number.

        Args:
            files: How many.
            size: Bytes of all.
        """
        sent, stored = sum(self._sent), sum(self._stored)
        busy = sum(1 for some in zip(self._sent, self._stored, strict=True) if any(some))
        if not (sent and files):
            return None
        if not stored or size / files >= sent / stored:
            return size * busy / sent
        return files * busy / stored
