"""Deletes names, or their objects too: asks before, offers to take it back afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtGui import QKeySequence

from hashdrop.errors import HashdropError
from hashdrop_gui.dialogs.deleting import DeletingDialog
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop.stored.deleting import Deletion
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks
    from hashdrop_gui.widgets.work_strip import WorkStrip

_MOST_FORESEEN = 200
_BACK_UNTOLD = 500
"""Names and objects that are back within a second: nobody is told how far it is."""


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
        self._is_asking = False
        self._strips: dict[int, WorkStrip] = {}
        """Of deletions, by their ids, as long as they are shown."""
        page.menu.addSeparator()
        page.add_action(tr("Delete…"), self.ask, "Del")
        self._undo = QAction(tr("Undo the last deletion"), page)
        self._undo.setShortcut(QKeySequence.StandardKey.Undo)
        self._undo.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._undo.setEnabled(False)
        self._undo.triggered.connect(lambda *_: self.undo())
        page.menu.addAction(self._undo)
        page.addAction(self._undo)
        page.view.addAction(self._undo)  # listed with its keys

    def ask(self) -> None:
        """Find out what hangs on the selected rows, and ask."""
        rows = self._page.selected()
        if rows and not self._is_asking:
            self._is_asking = True
            self._tasks.spawn(self._ask, rows)

    def undo(self) -> None:
        """Take the last deletion back that can be; once more the one before it."""
        if self._service.stored.deletions:
            self._tasks.spawn(self._take_back, self._service.stored.deletions[-1])

    async def _ask(self, rows: Sequence[PointerRow]) -> None:
        prospects = []
        try:
            if len(rows) <= _MOST_FORESEEN:
                prospects = await self._service.stored.foresee(rows)
        finally:
            self._is_asking = False
        dialog = DeletingDialog(rows, prospects, self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(lambda objects: self._tasks.spawn(self._delete, rows, objects))
        dialog.open()

    async def _delete(self, rows: Sequence[PointerRow], objects: bool) -> None:  # noqa: FBT001
        from hashdrop.stored.deleting import Deletion  # its libraries are loaded by now

        deletion, done = Deletion(), 0
        strip = self._page.begin_work(_doing(0, len(rows)))

        def on_object() -> None:
            nonlocal done
            done += 1
            strip.tell(_doing(done, len(rows)), min(1.0, done / len(rows)))

        with anyio.CancelScope() as scope:
            strip.cancelled.connect(scope.cancel)
            try:
                await self._service.stored.delete(
                    rows, objects=objects, into=deletion, on_object=on_object
                )
            except HashdropError as error:
                self._page.warned.emit(error.sentence)
        await self._page.forget_rows(deletion.names, [*deletion.objects, *deletion.absent])
        strip.acted.connect(lambda: self._tasks.spawn(self._take_back, deletion))
        self._strips[id(deletion)] = strip
        strip.destroyed.connect(lambda *_: self._strips.pop(id(deletion), None))
        words = _told(deletion)
        if scope.cancelled_caught:
            words = tr("Cancelled. {done}").format(done=words)
        strip.end(words, tr("Undo") if deletion.can_be_undone else "")
        self._show_undo()
        if deletion.refused:
            place, error = deletion.refused[0]
            count = len(deletion.refused)
            words = tr("{n} were not deleted. {name}: {why}")
            if count == 1:
                words = tr("{n} was not deleted. {name}: {why}")
            self._page.warned.emit(
                words.format(n=f"{count:,}", name=place.file_name, why=error.sentence)
            )

    async def _take_back(self, deletion: Deletion) -> None:
        strip = self._strips.get(id(deletion))
        total = len(deletion.names) + len(deletion.marks)
        work: WorkStrip | None = None

        def on_back(count: int) -> None:
            nonlocal work
            if work is None and total > _BACK_UNTOLD:
                work = self._page.begin_work(_bringing(count, total))
                work.cancel.hide()
            if work is not None:
                work.tell(_bringing(count, total), count / total)

        try:
            await self._service.stored.undo(deletion, on_back=on_back)
        finally:
            if work is not None:
                work.deleteLater()
            self._show_undo()
            self._page.reload()
        if strip is not None and id(deletion) in self._strips:
            strip.deleteLater()
        self._page.told.emit(tr("Brought back"))

    def _show_undo(self) -> None:
        self._undo.setEnabled(bool(self._service.stored.deletions))


def _doing(done: int, total: int) -> str:
    return tr("Deleting: {done} of {total}").format(done=f"{done:,}", total=f"{total:,}")


def _bringing(done: int, total: int) -> str:
    return tr("Bringing back: {done} of {total}").format(done=f"{done:,}", total=f"{total:,}")


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
