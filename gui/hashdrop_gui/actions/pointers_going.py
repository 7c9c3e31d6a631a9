"""Goes to what a person pastes: an address of any kind, a hash, pointer JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from hashdrop.errors import HashdropError
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks


class Going(QObject):
    """Finds the object, and shows it in the catalog, or else in the bucket.

    Args:
        page: The page of pointers.
        service: Finds it.
        tasks: Runs the finding.
    """

    def __init__(self, page: PointersPage, *, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._service = service
        self._tasks = tasks
        page.bar.go_to.wanted.connect(lambda text: tasks.spawn(self._go, text))

    async def _go(self, text: str) -> None:
        page = self._page
        try:
            place = await self._service.stored.find(text)
            names = await self._service.stored.names_at(place)
        except HashdropError as error:
            page.show_fault(error.sentence)
            return
        page.show_fault("")
        page.bar.go_to.clear()
        if names:
            quoted = place.key.replace('"', "")
            page.go(is_bucket=False, text=f'key:"{quoted}"', place=place)
            return
        current = self._service.connection
        if place.bucket == current.bucket and place.connection in {"", current.name}:
            page.go(is_bucket=True, text=f"/{place.key}", place=place)
        elif place.connection:
            words = tr("{place} is in the connection “{name}”, and the catalog does not know it.")
            page.show_fault(words.format(place=place.uri, name=place.connection))
        else:
            words = tr("No connection leads to the bucket {bucket}. Make one at the left.")
            page.show_fault(words.format(bucket=place.bucket))
