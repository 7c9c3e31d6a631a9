"""How far a write is: worker threads add, the event loop reads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashdrop.s3.routing import S3Pointer


class Phase(Enum):
    """What a write is doing."""

    WAITING = "waiting"
    HASHING = "hashing"
    SENDING = "sending"
    VERIFYING = "verifying"


class Progress:
    """The counts of one write.

    Args:
        on_phase: Told each new phase, on the event loop.
        on_keyed: Told the final place and the content hash as soon as they are known, on the loop.

    A small file is written in one go in a worker thread, which only notes phase and place: whoever wants to
    tell them looks at the attributes.
    """

    def __init__(
        self,
        *,
        on_phase: Callable[[Phase], None] | None = None,
        on_keyed: Callable[[S3Pointer, str], None] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._on_phase = on_phase
        self._on_keyed = on_keyed
        self.phase = Phase.WAITING
        self.place: S3Pointer | None = None
        """Where it will stand, when that is known."""
        self.content_hash = ""
        self.hashed = 0
        """Bytes hashed."""
        self.sent = 0
        """Bytes that the store has or gets: goes back when a part is sent again."""
        self.resumed = 0
        """Of these, bytes that an earlier run had sent."""
        self.is_unheard = False
        """Whether all was sent once and no answer came: what stands there may be this write's own."""

    @property
    def sent_now(self) -> int:
        """Bytes that this run sent."""
        return self.sent - self.resumed

    def add_hashed(self, count: int) -> None:
        """Count bytes that were hashed; from any thread."""
        with self._lock:
            self.hashed += count

    def add_sent(self, count: int) -> None:
        """Count bytes that were sent, negative for those that did not arrive; from any thread."""
        with self._lock:
            self.sent += count

    def add_resumed(self, count: int) -> None:
        """Count bytes that the store had already."""
        with self._lock:
            self.sent += count
            self.resumed += count

    def retract_sent(self) -> None:
        """Begin to count anew: nothing of what was sent is of use."""
        with self._lock:
            self.sent = self.resumed = 0

    def enter(self, phase: Phase) -> None:
        """Begin a phase, on the loop."""
        if phase is not self.phase:
            self.phase = phase
            if self._on_phase:
                self._on_phase(phase)

    def keyed(self, pointer: S3Pointer, content_hash: str) -> None:
        """Tell the final place, on the loop."""
        self.note_keyed(pointer, content_hash)
        if self._on_keyed:
            self._on_keyed(pointer, content_hash)

    def note(self, phase: Phase) -> None:
        """Begin a phase, in any thread; nobody is told."""
        self.phase = phase

    def note_keyed(self, pointer: S3Pointer, content_hash: str) -> None:
        """Note the final place, in any thread; nobody is told."""
        self.content_hash = content_hash
        self.place = pointer
