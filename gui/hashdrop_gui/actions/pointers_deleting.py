"""Deletes names, or their objects too: asks before, offers to take it back afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt

from hashdrop_gui.dialogs.deleting import DeletingDialog
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop.stored.deleting import Deletion
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks

_MOST_FORESEEN = 200


class Deleting(QObject):
    """Adds the deletion to the page.

    Args:
        page: The page of pointers.
        service: Deletes.
        tasks: Runs it.
    """

    def __init__(self, page: PointersPage, *, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._service = service
        self._tasks = tasks
        page.menu.addSeparator()
        page.add_action(tr("Delete…"), self.ask, "Del")

    def ask(self) -> None:
        """Find out what hangs on the selected rows, and ask."""
        rows = self._page.selected()
        if rows:
            self._tasks.spawn(self._ask, rows)

    async def _ask(self, rows: Sequence[PointerRow]) -> None:
        prospects = []
        if len(rows) <= _MOST_FORESEEN:
            prospects = await self._service.stored.foresee(rows)
        dialog = DeletingDialog(rows, prospects, self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(lambda objects: self._tasks.spawn(self._delete, rows, objects))
        dialog.open()

    async def _delete(self, rows: Sequence[PointerRow], objects: bool) -> None:  # noqa: FBT001
        deletion = await self._service.stored.delete(rows, objects=objects)
        self._page.forget_rows(deletion.names, [*deletion.objects, *deletion.absent])
        strip = self._page.begin_work("")
        strip.acted.connect(lambda: self._tasks.spawn(self._undo, deletion, strip.deleteLater))
        strip.end(_told(deletion), tr("Undo") if deletion.can_be_undone else "")
        if deletion.refused:
            place, error = deletion.refused[0]
            count = len(deletion.refused)
            words = tr("{n} were not deleted. {name}: {why}")
            if count == 1:
                words = tr("{n} was not deleted. {name}: {why}")
            self._page.warned.emit(
                words.format(n=f"{count:,}", name=place.file_name, why=error.sentence)
            )

    async def _undo(self, deletion: Deletion, done: object) -> None:
        await self._service.stored.undo(deletion)
        if callable(done):
            done()
        self._page.told.emit(tr("Brought back"))
        self._page.reload()


def _told(deletion: Deletion) -> str:
    names, objects = len(deletion.names), len(deletion.objects)
    parts: list[str] = []
    if names:
        parts.append(tr("1 name") if names == 1 else tr("{n} names").format(n=f"{names:,}"))
    if objects:
        parts.append(tr("1 object") if objects == 1 else tr("{n} objects").format(n=f"{objects:,}"))
    if not parts:
        return tr("Nothing was deleted")
    return tr("Deleted {what}").format(what=tr(" and ").join(parts))
