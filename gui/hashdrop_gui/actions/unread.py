"""Tells what of a drop has no row: what could not be read, and drops that hold no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Event
from hashdrop_gui.dialogs.report import ReportDialog
from hashdrop_gui.models.batch_actions import fault_lines
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop_gui.widgets.banner import Banner

_UNREAD = "unread"


class Unread(QObject):
    """Watches for it; a drop of nothing else has no row whose report could be opened.

    Args:
        banner: Tells the first, and opens the report of all.
        window: Parent of the report.

    Signals:
        told: A sentence for the bottom line.
        copy_requested: A text for the clipboard, and what to say that it is.
    """

    told = Signal(str)
    copy_requested = Signal(str, str)

    def __init__(self, banner: Banner, window: QWidget) -> None:
        super().__init__(window)
        self._banner = banner
        self._window = window
        self._lines: list[str] = []
        banner.acted.connect(self._on_banner_acted)

    def take(self, events: list[Event]) -> None:
        """Take the events of a tick."""
        for event in events:
            if not isinstance(event, BatchScanned):
                continue
            if len(event.faults) == 1:
                self._banner.say(event.faults[0].sentence)
            elif event.faults:
                self._lines = fault_lines(event.faults)
                sentence = tr("{n} items could not be read. {first}").format(
                    n=f"{len(event.faults):,}", first=event.faults[0].sentence
                )
                self._banner.say(sentence, about=_UNREAD, action=tr("Report"))
            elif not event.files:
                self.told.emit(tr("There are no files in what was dropped"))

    def _on_banner_acted(self, about: str) -> None:
        if about != _UNREAD:
            return
        dialog = ReportDialog(tr("The last drop"), self._lines, self._window)
        dialog.copy_requested.connect(lambda text: self.copy_requested.emit(text, tr("report")))
        dialog.open()
