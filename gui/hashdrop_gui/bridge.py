"""From the core's events to Qt's signals: gathered, and told at most some twelve times a second."""

from __future__ import annotations

import time
from collections import deque

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Uploading

_TICK_MS = 80
_AT_ONCE = (60, 600)
"""Events that are told without a break: at least, and at most where that is quick."""
_QUICK_S = 0.004


class EventBridge(QObject):
    """Gathers events between two ticks; of each transfer's progress only the newest is kept.

    Signals:
        arrived: The events of a tick, in order.
        ticked: A tick while something is on its way, for what moves evenly.
    """

    arrived = Signal(list)
    ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gathered: list[Event | None] = []
        self._progress_at: dict[int, int] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._at_once = _AT_ONCE[0]
        self._to_tell: deque[Event] = deque()
        self._tell_on = QTimer(self)
        """Tells the rest of many events after whatever else waits for its turn."""
        self._tell_on.setSingleShot(True)
        self._tell_on.setInterval(0)
        self._tell_on.timeout.connect(self._tell_some)

    def take(self, event: Event) -> None:
        """Take an event of the core, on the loop; returns at once."""
        if isinstance(event, (Hashing, Uploading)):
            earlier = self._progress_at.get(event.id)
            if earlier is not None:
                self._gathered[earlier] = None
            self._progress_at[event.id] = len(self._gathered)
        self._gathered.append(event)
        if not self._timer.isActive():
            self._timer.start()

    def rest(self) -> None:
        """Stop ticking until the next event: nothing moves any more."""
        if not (self._gathered or self._to_tell):
            self._timer.stop()

    def _pick_up(self) -> None:
        self._to_tell.extend(event for event in self._gathered if event is not None)
        self._gathered.clear()
        self._progress_at.clear()

    def _tell_some(self) -> None:
        """Tell some, so that a thousand events do not hold the window."""
        told = [self._to_tell.popleft() for _ in range(min(self._at_once, len(self._to_tell)))]
        if told:
            began = time.perf_counter()
            self.arrived.emit(told)
            took = time.perf_counter() - began
            wanted = self._at_once + 30 if took < _QUICK_S else self._at_once // 2
            self._at_once = max(_AT_ONCE[0], min(_AT_ONCE[1], wanted))
        if self._to_tell:
            self._tell_on.start()

    def _on_timer_timeout(self) -> None:
        self._pick_up()
        if not self._tell_on.isActive():
            self._tell_some()
        self.ticked.emit()
