"""Holding and slowing all transfers: pause, resume, the pause that ends by itself, the bandwidth limit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from hashdrop_gui.dialogs.limit import LimitDialog
from hashdrop_gui.models.timed_pause import Pause
from hashdrop_gui.models.timed_pause import TimedPause
from hashdrop_gui.models.totals import is_held
from hashdrop_gui.models.transfer_list import TransferList
from hashdrop_gui.models.wording import time_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.widgets.bottom_bar import BottomBar

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks


class Holding(QObject):
    """Does what the bottom bar offers, and lets it show how it stands.

    Args:
        listed: The transfers.
        bar: The bottom bar.
        service: Holds and slows.
        tasks: Runs what slots cannot await.
        window: Parent of the dialog.

    Signals:
        changed: Something is held, or held no more.
    """

    changed = Signal()

    def __init__(
        self,
        listed: TransferList,
        bar: BottomBar,
        *,
        service: Service,
        tasks: Tasks,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._list = listed
        self._bar = bar
        self._service = service
        self._tasks = tasks
        self._window = window
        self.timed_pause = TimedPause(self)
        self.timed_pause.ended.connect(self._on_pause_ended)
        bar.pause_requested.connect(self.pause_all)
        bar.resume_requested.connect(self.resume_all)
        bar.cancel_requested.connect(lambda: tasks.spawn(service.transfers.cancel_all))
        bar.limit.limit_chosen.connect(self.limit)
        bar.limit.own_limit_requested.connect(self._on_own_limit_requested)
        bar.limit.pause_chosen.connect(self.pause_for)
        self._show_limit(service.preferences.limit_bytes_per_s)
        self._pause_as_before()

    @property
    def is_held(self) -> bool:
        """Whether all is held: at once, or file by file."""
        return self._service.transfers.is_paused or is_held(self._list, all_paused=False)

    @property
    def words(self) -> str:
        """Why nothing is begun; "" where it is."""
        if not self._service.transfers.is_paused:
            return ""
        until = self.timed_pause.until
        if until is None:
            return tr("all is paused")
        return tr("all is paused until {time}").format(time=time_text(until))

    def pause_all(self) -> None:
        """Pause everything, and what is dropped from now on."""
        self._service.transfers.pause_all()
        self.show()

    def resume_all(self) -> None:
        """Go on with everything."""
        self.timed_pause.forget()
        self._keep_pause()
        self._service.transfers.resume_all()
        self.show()

    def pause_for(self, pause: Pause) -> None:
        """Pause everything for a while, also over the end of the program."""
        self.timed_pause.begin(pause)
        self._keep_pause()
        self._service.transfers.pause_all(lasts=False)
        self.show()

    def resume(self, ids: list[int]) -> None:
        """Go on with some files."""
        self._service.transfers.resume(ids)
        self.show()

    def limit(self, bytes_per_s: float | None) -> None:
        """Set the bandwidth limit of all uploads, those that run too, and keep it."""
        self._show_limit(bytes_per_s)
        self._tasks.spawn(partial(self._service.prefer, limit_bytes_per_s=bytes_per_s))

    def show(self) -> None:
        """Let the bar show how it stands, and offer what can be done now."""
        until = self.timed_pause.until
        self._bar.limit.show_pause(time_text(until) if until else "")
        self._bar.show_paused(paused=self.is_held)
        self._bar.cancel.setVisible(self._list.active > 0)
        self.changed.emit()

    def _pause_as_before(self) -> None:
        """Wait for the end of a pause that an earlier run began; a past one is no more."""
        until = self._service.preferences.paused_until
        if until is not None and until > self.timed_pause.now():
            self.timed_pause.wait(until)
            self._service.transfers.pause_all(lasts=False)
            self.show()
        else:
            self._keep_pause()

    def _keep_pause(self) -> None:
        """Keep for the next start until when all is paused."""
        until = self.timed_pause.until
        if until != self._service.preferences.paused_until:
            self._tasks.spawn(partial(self._service.prefer, paused_until=until))

    def _on_pause_ended(self) -> None:
        self._keep_pause()
        self._service.transfers.end_pause()
        self.show()

    def _show_limit(self, bytes_per_s: float | None) -> None:
        self._service.throttle.change(bytes_per_s)
        self._bar.limit.show_limit(bytes_per_s)

    def _on_own_limit_requested(self) -> None:
        dialog = LimitDialog(self._service.throttle.rate, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.limit)
        dialog.open()
