"""A pause that ends by itself, by the clock on the wall: a laptop that slept over it goes on at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from enum import IntEnum

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from hashdrop_gui.models.wording import tr

_LOOK_MS = 1_000
_MORNING = 8
"""The hour at which "until tomorrow" ends."""


class Pause(IntEnum):
    """The pauses that are offered, in minutes."""

    QUARTER = 15
    HOUR = 60
    TOMORROW = 0
    """Until the next morning."""


def pause_words(pause: Pause) -> str:
    """Return the words of a menu for a pause."""
    match pause:
        case Pause.QUARTER:
            return tr("Pause for 15 minutes")
        case Pause.HOUR:
            return tr("Pause for 1 hour")
        case Pause.TOMORROW:
            return tr("Pause until tomorrow, 8:00")


class TimedPause(QObject):
    """Waits for a time of day.

    Signals:
        ended: The time has come.
    """

    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.now: Callable[[], datetime] = _now
        """Gives the time; tests have their own."""
        self.until: datetime | None = None
        """When it ends; `None` where nothing is waited for."""
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._on_timer_timeout)

    def begin(self, pause: Pause) -> None:
        """Begin to wait from now on, instead of what was waited for."""
        now = self.now()
        if pause is Pause.TOMORROW:
            day = now + timedelta(days=1)
            self.wait(day.replace(hour=_MORNING, minute=0, second=0, microsecond=0))
        else:
            self.wait(now + timedelta(minutes=pause))

    def wait(self, until: datetime) -> None:
        """Wait for a time of day, instead of what was waited for."""
        self.until = until
        self._timer.start()

    def forget(self) -> None:
        """Wait no more."""
        self.until = None
        self._timer.stop()

    def _on_timer_timeout(self) -> None:
        if self.until is not None and self.now() >= self.until:
            self.forget()
            self.ended.emit()


def _now() -> datetime:
    return datetime.now().astimezone()
