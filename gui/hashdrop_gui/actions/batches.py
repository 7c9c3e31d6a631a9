"""What is done with whole batches: export of their pointers, their report, taking them off the list."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QWidget

from hashdrop.pointer_export import ExportFormat
from hashdrop.pointer_export import NamedPointer
from hashdrop.pointer_export import export_pointers
from hashdrop.pointer_export import relative_path
from hashdrop.transfers.events import State
from hashdrop_gui.dialogs.report import ReportDialog
from hashdrop_gui.models.batch_actions import BatchAction
from hashdrop_gui.models.batch_actions import report_of
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfer_words import batch_title
from hashdrop_gui.models.transfers import TransfersModel
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks


Pointers = Callable[[], Awaitable[Iterable[NamedPointer]]]


class Batches(QObject):
    """Does what is asked of batches.

    Args:
        model: The transfers.
        service: Does what concerns the queue.
        tasks: Runs what slots cannot await.
        window: Parent of the dialogs.

    Signals:
        told: A sentence for the bottom line.
        copy_requested: A text for the clipboard, and what to say that it is.
    """

    told = Signal(str)
    copy_requested = Signal(str, str)

    def __init__(
        self, model: TransfersModel, *, service: Service, tasks: Tasks, window: QWidget
    ) -> None:
        super().__init__(window)
        self._model = model
        self._service = service
        self._tasks = tasks
        self._window = window

    def act(self, action: str, number: int) -> None:
        """Do something with a batch."""
        batch = self._model.list.batches.get(number)
        if batch is None:
            return
        files = batch.files
        match BatchAction(action):
            case BatchAction.PAUSE:
                self._service.transfers.pause_drop(number)
            case BatchAction.RESUME:
                self._service.transfers.resume_drop(number)
            case BatchAction.CANCEL:
                self._service.transfers.cancel_drop(number)
            case BatchAction.RETRY:
                self._service.retry([one.id for one in files if one.state is State.FAILED])
            case BatchAction.REMOVE:
                self.remove(files)
            case BatchAction.REPORT:
                self.report(number)
            case BatchAction.EXPORT:
                self.choose_export(files, batch_title(batch))

    def remove(self, rows: Iterable[FileRow]) -> None:
        """Take files that are at their end off the list; nothing that is stored is touched."""
        gone = [row for row in rows if row.state.is_final]
        self._service.transfers.forget([row.id for row in gone])
        self._model.remove(gone)

    def remove_finished(self) -> None:
        """Take all batches off the list of which nothing is left to do or to see to."""
        done = [
            batch
            for batch in self._model.list.batches.values()
            if batch.is_finished and not batch.count(State.FAILED)
        ]
        self.remove([row for batch in done for row in batch.files])

    # --- report ----------------------------------------------------------------------------------

    def report(self, number: int) -> None:
        """Show what of a batch was not stored."""
        batch = self._model.list.batches[number]
        dialog = ReportDialog(batch_title(batch), report_of(batch), self._window)
        dialog.copy_requested.connect(lambda text: self.copy_requested.emit(text, tr("report")))
        dialog.open()

    # --- export ----------------------------------------------------------------------------------

    def choose_export(self, rows: Iterable[FileRow], title: str) -> None:
        """Ask where, and how, the pointers of files are to be written."""
        files = list(rows)

        async def pointers() -> Iterable[NamedPointer]:  # they are made of the rows in the thread
            return _pointers(files)

        self._choose_file(title, pointers)

    def export_history(self, title: str, drop: int) -> None:
        """Ask where, and how, the pointers of a drop of the history are to be written."""
        self._choose_file(title, partial(self._service.history_pointers, drop))

    def _choose_file(self, title: str, pointers: Pointers) -> None:
        dialog = QFileDialog(self._window, tr("Export pointers"))
        dialog.setObjectName("export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        filters = {
            tr("CSV table (*.csv)"): ExportFormat.CSV,
            tr("JSON (*.json)"): ExportFormat.JSON,
            tr("List for sha256sum -c (*.sha256)"): ExportFormat.SHA256SUM,
        }
        dialog.setNameFilters(list(filters))
        dialog.setDefaultSuffix(ExportFormat.CSV)
        name = "".join(" " if char in '/\\:*?"<>|\n\r' else char for char in title).strip(" .")
        dialog.selectFile(f"{name[:60] or 'pointers'}.csv")
        dialog.filterSelected.connect(lambda chosen: _rename(dialog, filters[chosen]))
        dialog.fileSelected.connect(
            lambda path: self._tasks.spawn(
                self._export,
                Path(path),
                _form_of(path, filters[dialog.selectedNameFilter()]),
                pointers,
            )
        )
        dialog.open()

    async def _export(self, target: Path, form: ExportFormat, pointers: Pointers) -> None:
        count = await run_sync(export_pointers, target, form, await pointers())
        words = (
            tr("Exported 1 pointer to {name}")
            if count == 1
            else tr("Exported {n} pointers to {name}")
        )
        self.told.emit(words.format(n=f"{count:,}", name=target.name))


def _form_of(path: str, chosen: ExportFormat) -> ExportFormat:
    """Return the format of a file: what its extension says counts more than the filter."""
    suffix = Path(path).suffix.lstrip(".").lower()
    return next((form for form in ExportFormat if form == suffix), chosen)


def _rename(dialog: QFileDialog, form: ExportFormat) -> None:
    """Let the name follow the format that is chosen."""
    dialog.setDefaultSuffix(form)
    for path in dialog.selectedFiles()[:1]:
        dialog.selectFile(Path(path).with_suffix(f".{form}").name)


def _pointers(files: list[FileRow]) -> Iterator[NamedPointer]:
    for row in files:
        if row.pointer is not None:
            yield NamedPointer(relative_path(row.folder, row.name), row.pointer)
