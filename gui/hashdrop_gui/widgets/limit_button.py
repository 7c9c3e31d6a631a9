"""The bandwidth limit: a quiet button that says it, and a menu that changes it or pauses for a while."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QPushButton

from hashdrop_gui.models.timed_pause import Pause
from hashdrop_gui.models.timed_pause import pause_words
from hashdrop_gui.models.wording import speed_text
from hashdrop_gui.models.wording import tr

MB = 1_000_000
CHOICES = (1 * MB, 2 * MB, 5 * MB, 10 * MB, 20 * MB, 50 * MB)


class LimitButton(QPushButton):
    """Says the limit, or until when all is paused.

    Signals:
        limit_chosen: Bytes a second, `None` for no limit.
        own_limit_requested: Another value is wanted.
        pause_chosen: How long to pause, a `Pause`.
    """

    limit_chosen = Signal(object)
    own_limit_requested = Signal()
    pause_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("quiet")
        self._limit: float | None = None
        self._until = ""
        menu = QMenu(self)
        self._group = QActionGroup(self)
        for limit in (None, *CHOICES):
            words = tr("No limit") if limit is None else speed_text(limit)
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setData(limit)
            action.triggered.connect(lambda *_, chosen=limit: self.limit_chosen.emit(chosen))
            self._group.addAction(action)
        self._own = menu.addAction(tr("Other limit…"))
        self._own.setCheckable(True)
        self._own.triggered.connect(self._on_own_triggered)
        self._group.addAction(self._own)
        menu.addSeparator()
        for pause in Pause:
            menu.addAction(pause_words(pause)).triggered.connect(
                lambda *_, one=pause: self.pause_chosen.emit(one)
            )
        self.setMenu(menu)
        self.show_limit(None)

    def show_limit(self, bytes_per_s: float | None) -> None:
        """Say another limit."""
        self._limit = bytes_per_s
        known = [one for one in self._group.actions() if one is not self._own]
        chosen = next((one for one in known if one.data() == bytes_per_s), self._own)
        chosen.setChecked(True)
        self._own.setText(
            tr("Other limit: {speed}…").format(speed=limit_text(bytes_per_s))
            if chosen is self._own
            else tr("Other limit…")
        )
        self._show()

    def show_pause(self, until: str) -> None:
        """Say until when all is paused, "" for no such pause."""
        self._until = until
        self._show()

    def _show(self) -> None:
        words = tr("Limit: {speed}").format(speed=limit_text(self._limit))
        if self._until:
            words = tr("Paused until {time}").format(time=self._until)
        self.setText(words)
        self.setAccessibleName(
            tr("Bandwidth limit: {speed}").format(speed=limit_text(self._limit))
            if not self._until
            else words
        )
        self.setToolTip(tr("Limit the bandwidth of all uploads, or pause them for a while"))

    def _on_own_triggered(self) -> None:
        self.show_limit(self._limit)  # it is chosen when a value was given
        self.own_limit_requested.emit()


def limit_text(bytes_per_s: float | None) -> str:
    """Return a limit in words, with its decimals where it has some."""
    if bytes_per_s is None:
        return tr("none")
    return tr("{n} MB/s").format(n=f"{bytes_per_s / MB:,.2f}".rstrip("0").rstrip("."))
