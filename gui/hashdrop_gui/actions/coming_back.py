"""Goes on with what an earlier run left in the queue, and says so as long as it is news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from hashdrop.transfers.events import State
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import time_text
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.actions.holding import Holding
    from hashdrop_gui.models.transfers import TransfersModel
    from hashdrop_gui.widgets.banner import Banner

_CAME_BACK = "came-back"
_NEWS_MS = 30_000


class ComingBack(QObject):
    """Says what came back: for a while, or until it is so no more.

    Args:
        banner: Tells it.
        model: The transfers.
        holding: Knows until when all is paused.
        service: Goes on.
        parent: The window.

    Signals:
        told: A sentence for the bottom line.
    """

    told = Signal(str)

    def __init__(
        self,
        banner: Banner,
        model: TransfersModel,
        holding: Holding,
        *,
        service: Service,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._banner = banner
        self._list = model.list
        self._holding = holding
        self._service = service
        self._words = ""
        """What is so whatever became of it."""
        self._is_listed = False
        """Whether what came back is in the list by now."""
        self._is_held = False
        """Whether it was said that some of it is paused."""
        self._news = QTimer(self)
        self._news.setSingleShot(True)
        self._news.setInterval(_NEWS_MS)
        self._news.timeout.connect(self.forget)
        model.counted.connect(self._on_counted)

    async def restore(self) -> None:
        """Queue again what an earlier run left, and say so.

        Raises:
            CatalogError: The journal cannot be read.
        """
        count = await self._service.restore()
        if not count:
            return
        files = files_text(count)
        paused, until = self._service.transfers.paused_count, self._holding.timed_pause.until
        rest = tr("Uploading goes on.")
        if paused:
            rest = tr("{n} of them are paused.").format(n=f"{paused:,}")
        if paused == count:
            rest = tr("All of it is paused.")
        if until is not None:
            rest = tr("All is paused until {time}.").format(time=time_text(until))
        self._is_held = bool(paused or until)
        if self._service.was_suspended and not self._is_held:
            self.told.emit(tr("Going on with {files} from last time").format(files=files))
            return
        words = tr("Hashdrop ended before everything was stored. {files} came back.")
        if self._service.was_suspended:
            words = tr("{files} came back from last time.")
        self._words = words.format(files=files)
        self._banner.say(f"{self._words} {rest}", about=_CAME_BACK)
        if not self._is_held:
            self._news.start()

    def forget(self) -> None:
        """Say it no more: something else happens."""
        self._news.stop()
        self._banner.withdraw(_CAME_BACK)

    def _on_counted(self) -> None:
        # Before it is said, too: it may be listed by then, and stored between two looks.
        self._is_listed = self._is_listed or self._list.active > 0
        if not self._banner.says(_CAME_BACK):
            return
        held = self._service.transfers.is_paused or self._list.counts[State.PAUSED] > 0
        if not self._is_listed:
            return
        if self._is_held and not held:
            self.forget()
        elif not self._list.active:  # nothing goes on any more
            self._banner.change(self._words, about=_CAME_BACK)
