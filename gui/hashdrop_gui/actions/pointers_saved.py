"""Keeps searches of the pointers under names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt

from hashdrop_gui.dialogs.naming import NameDialog
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks


class KeptSearches(QObject):
    """Saves and deletes what the page's menu asks for.

    Args:
        page: The page of pointers.
        service: Keeps them with the preferences.
        tasks: Runs the keeping.
    """

    def __init__(self, page: PointersPage, *, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._service = service
        self._tasks = tasks
        self._searches = dict(service.preferences.saved_searches)
        page.saved.show_searches(self._searches)
        page.saved.save_requested.connect(self._on_save_requested)
        page.saved.delete_requested.connect(self._on_delete_requested)

    def _on_save_requested(self) -> None:
        text = self._page.search_text.strip()
        dialog = NameDialog(
            tr("Save this search"), tr("Name of the search"), text, tr("Save"), self._page
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.named.connect(lambda name: self._keep({**self._searches, name: text}))
        dialog.open()

    def _on_delete_requested(self, name: str) -> None:
        self._keep({one: text for one, text in self._searches.items() if one != name})

    def _keep(self, searches: dict[str, str]) -> None:
        self._searches = searches
        self._page.saved.show_searches(searches)
        self._tasks.spawn(self._prefer, searches)

    async def _prefer(self, searches: dict[str, str]) -> None:
        try:
            await self._service.prefer(saved_searches=searches)
        finally:
            if self._searches is searches:  # what could not be saved is not listed
                self._searches = dict(self._service.preferences.saved_searches)
                self._page.saved.show_searches(self._searches)
