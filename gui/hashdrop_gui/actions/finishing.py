"""What happens at an end: a notification for each batch, and what the person wanted after the last one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from hashdrop.transfers.events import Event
from hashdrop.transfers.events import State
from hashdrop_gui.desktop.tray import Tray
from hashdrop_gui.models.finishing import AfterLast
from hashdrop_gui.models.finishing import AllEnded
from hashdrop_gui.models.finishing import Ends
from hashdrop_gui.models.finishing import was_cancelled
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import TransferList
from hashdrop_gui.models.transfer_words import batch_text
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks


class Finishing(QObject):
    """Watches for ends.

    Args:
        listed: The transfers.
        tray: Tells the end of a batch.
        is_watched: Whether the person has the list before the eyes, and needs no notification.
        service: Keeps what is wanted after the last upload.
        tasks: Runs the keeping.
        parent: The window.

    Signals:
        copy_requested: A text for the clipboard, and what to say that it is.
        quit_requested: All is stored, and quitting was wanted.
        told: A sentence for the bottom line.
        batch_ended: How a batch ended, in a few words.
    """

    copy_requested = Signal(str, str)
    quit_requested = Signal()
    told = Signal(str)
    batch_ended = Signal(str)

    def __init__(
        self,
        listed: TransferList,
        tray: Tray,
        is_watched: Callable[[], bool],
        *,
        service: Service,
        tasks: Tasks,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._ends = Ends(listed)
        self._tray = tray
        self._is_watched = is_watched
        self._service = service
        self._tasks = tasks
        wants_copies = service.preferences.copies_pointers
        self.after_last = AfterLast.COPY if wants_copies else AfterLast.NOTHING
        """What to do after the last upload."""

    def want(self, after_last: AfterLast) -> None:
        """Choose what to do after the last upload; quitting is for this run only."""
        self.after_last = after_last
        keeps = after_last is AfterLast.COPY
        self._tasks.spawn(partial(self._service.prefer, copies_pointers=keeps))

    def take(self, events: list[Event]) -> None:
        """Take events that the list knows by now."""
        batches, end = self._ends.take(events)
        for batch in batches:
            if was_cancelled(batch):
                continue
            self.batch_ended.emit(notice_title(batch))
            if not self._is_watched():
                self._tray.notify(batch.number, notice_title(batch), batch_text(batch))
        if end is not None:
            self._act(end)

    def _act(self, end: AllEnded) -> None:
        if self.after_last is AfterLast.COPY and end.pointers:
            count = len(end.pointers)
            what = tr("pointer JSON") if count == 1 else tr("{n} pointers").format(n=f"{count:,}")
            self.copy_requested.emit("\n".join(one.to_json() for one in end.pointers), what)
        elif self.after_last is AfterLast.QUIT and end.failed:
            self.told.emit(tr("Hashdrop stays open: not everything was stored"))
        elif self.after_last is AfterLast.QUIT and end.pointers:
            self.quit_requested.emit()


def notice_title(batch: BatchRow) -> str:
    """Return how a batch ended, in a few words."""
    name = batch.title or files_text(len(batch.files))
    failed = batch.count(State.FAILED)
    if failed == len(batch.files):
        return tr("{name} failed").format(name=name)
    if failed:
        return tr("{name}: {n} failed").format(name=name, n=f"{failed:,}")
    return tr("{name} stored").format(name=name)
