"""Selects all rows, also those that are not loaded: says how far it is, and stops when told to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from PySide6.QtCore import QObject

from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.widgets.work_strip import WorkStrip


class Selecting(QObject):
    """Loads what is to be selected.

    Args:
        page: The page of pointers.
        **_: What other actions need.
    """

    def __init__(self, page: PointersPage, **_: Any) -> None:
        super().__init__(page)
        self._page = page
        self._strip: WorkStrip | None = None
        page.view.all_wanted.connect(self._on_all_wanted)
        page.view.escaped.connect(self._stop)

    def _on_all_wanted(self) -> None:
        self._page.told.emit(tr("Selecting all…"))
        self._page.feed.all(self._on_page, self._on_ended)

    def _on_page(self) -> bool:
        """Say how far it is; return whether more is wanted."""
        view = self._page.view
        if not view.takes_all:
            return False
        words = _selecting(view.chosen_count())
        if self._strip is None:
            self._strip = self._page.begin_work(words)
            self._strip.cancelled.connect(self._stop)
        self._strip.tell(words, None)
        return True

    def _on_ended(self) -> None:
        view = self._page.view
        if self._strip is not None:
            self._strip.deleteLater()
            self._strip = None
        if view.takes_all and self._page.model.is_complete:
            files = files_text(view.chosen_count())
            self._page.told.emit(tr("{files} selected").format(files=files))
        view.takes_all = False

    def _stop(self) -> None:
        """Leave it at what is selected."""
        view = self._page.view
        if view.takes_all:
            view.takes_all = False
            files = files_text(view.chosen_count())
            self._page.told.emit(tr("{files} selected. There are more.").format(files=files))


def _selecting(count: int) -> str:
    return tr("Selecting all: {files} so far").format(files=files_text(count))
