"""Tells once, whatever the number of files, that a disk or a bucket is full, with the way on in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from hashdrop.errors import CatalogFull
from hashdrop.errors import StoreFull
from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import BatchHeld
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.errors import HashdropError
    from hashdrop.service import Service
    from hashdrop_gui.models.transfers import TransfersModel
    from hashdrop_gui.widgets.banner import Banner

_FULL = "full"
_FEWEST = 2
"""Files: of one its row says it all."""


class FullDisk(QObject):
    """Watches for files that failed for want of room; the banner goes when none is left.

    Args:
        banner: Tells it.
        model: The transfers; has taken the events before.
        service: Tries again.
        parent: The window.
    """

    def __init__(
        self, banner: Banner, model: TransfersModel, *, service: Service, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._banner = banner
        self._list = model.list
        self._service = service
        self._sizes: dict[int, int] = {}
        """Of the files without room, by their ids."""
        self._total = 0
        self._error: HashdropError | None = None
        """Of the newest one."""
        self._is_told = False
        banner.acted.connect(self._on_banner_acted)
        model.modelReset.connect(self._forget_removed)

    def take(self, events: list[Event]) -> None:
        """Take the events of a tick."""
        before = len(self._sizes), self._is_told
        for event in events:
            if isinstance(event, (BatchScanned, BatchHeld, BatchDismissed)):
                continue
            size = self._sizes.pop(event.id, None)
            if size is not None:
                self._total -= size
                self._is_told = False  # it was retried: that it failed again is to be seen
            row = self._list.files.get(event.id)
            if (
                row is not None
                and isinstance(event, Failed)
                and isinstance(event.error, (StoreFull, CatalogFull))
            ):
                self._sizes[event.id] = row.size or 0
                self._total += row.size or 0
                self._error = event.error
        if before != (len(self._sizes), self._is_told):
            self._show()

    def _show(self) -> None:
        if self._error is None or len(self._sizes) < _FEWEST:
            self._is_told = False
            self._banner.withdraw(_FULL)
        elif self._is_told:  # who put it away knows
            self._banner.change(self._words(self._error), about=_FULL)
        else:
            self._is_told = True
            words = self._words(self._error)
            self._banner.say(words, about=_FULL, action=tr("Retry all"), lasts=True)

    def _words(self, error: HashdropError) -> str:
        files, size = files_text(len(self._sizes)), size_text(self._total)
        if isinstance(error, StoreFull):
            words = tr("{what}: {files}, {size}. {hint}")
            return words.format(
                what=error.title.rstrip("."), files=files, size=size, hint=error.hint
            )
        words = tr(
            "This computer's disk has no room to note what is stored: {files}, {size}. "
            "Make room, then retry."
        )
        return words.format(files=files, size=size)

    def _forget_removed(self) -> None:
        gone = [number for number in self._sizes if number not in self._list.files]
        for number in gone:
            self._total -= self._sizes.pop(number)
        if gone:
            self._show()

    def _on_banner_acted(self, about: str) -> None:
        if about == _FULL:
            self._service.retry(list(self._sizes))
