"""Asks about drops that are larger than a person may have meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import BatchHeld
from hashdrop.transfers.events import Event
from hashdrop_gui.dialogs.large_drop import LargeDropQuestion
from hashdrop_gui.models.speed import SpeedLog
from hashdrop_gui.models.transfer_list import TransferList

if TYPE_CHECKING:
    from hashdrop.service import Service


class LargeDrops(QObject):
    """Opens a question for each drop that is held.

    Args:
        listed: The transfers.
        speed: Of the last minutes.
        service: Holds the drops.
        window: Parent of the questions.
    """

    def __init__(
        self, listed: TransferList, speed: SpeedLog, *, service: Service, window: QWidget
    ) -> None:
        super().__init__(window)
        self._list = listed
        self._speed = speed
        self._service = service
        self._window = window
        self._questions: dict[int, LargeDropQuestion] = {}

    def take(self, events: list[Event]) -> None:
        """Take events that the list knows by now."""
        for event in events:
            if isinstance(event, BatchHeld) and event.held:
                self._ask(event.batch)
            elif isinstance(event, BatchDismissed):
                self._questions.pop(event.batch, None)

    def show(self) -> None:
        """Let the questions say what is counted by now."""
        for number, question in self._questions.items():
            batch = self._list.batches.get(number)
            if batch is not None:
                count, size = len(batch.files), batch.total
                seconds = self._speed.estimate_s(count, size)
                question.show_count(count, size, seconds, counted=batch.scanned)

    def _ask(self, number: int) -> None:
        place = self._service.status.connection.destination
        question = self._questions[number] = LargeDropQuestion(place, self._window)
        question.answered.connect(lambda upload, one=number: self._on_answered(one, upload=upload))
        self.show()
        question.open()

    def _on_answered(self, number: int, *, upload: bool) -> None:
        del self._questions[number]
        if upload:
            self._service.transfers.release(number)
        else:
            self._service.transfers.dismiss(number)
