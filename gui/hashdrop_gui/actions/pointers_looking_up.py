"""“Have I stored this?”: files are hashed and looked up; nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog

from hashdrop.errors import HashdropError
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import progress_text
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.service import Service
    from hashdrop.stored.looking_up import Answer
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks
    from hashdrop_gui.widgets.work_strip import WorkStrip

_SHOWN_EVERY_MS = 100
_SHOWN_AT_ONCE = 100


class LookingUp(QObject):
    """Looks up what is dropped on the page, or chosen.

    Args:
        page: The page of pointers.
        service: Hashes and looks up.
        tasks: Runs it.
    """

    def __init__(self, page: PointersPage, *, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._service = service
        self._tasks = tasks
        self._scope: anyio.CancelScope | None = None
        self._answers: list[Answer] = []
        self._found = self._size = self._read = 0
        self._strip: WorkStrip | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_SHOWN_EVERY_MS)
        self._timer.timeout.connect(self._show)
        page.look_up_requested.connect(self.look_up)
        page.choose_look_up_requested.connect(self.choose)
        page.answers.closed.connect(self._on_closed)
        page.answers.upload_requested.connect(self._on_upload_requested)

    def choose(self) -> None:
        """Ask which files are to be looked up."""
        dialog = QFileDialog(self._page, tr("Have I stored this?"))
        dialog.setObjectName("lookUpDialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, tr("Look up"))
        dialog.filesSelected.connect(lambda names: self.look_up([Path(name) for name in names]))
        dialog.open()

    def look_up(self, paths: Sequence[Path]) -> None:
        """Look up files and folders; what was looked up before is forgotten."""
        if self._scope is not None:
            self._scope.cancel()
        self._scope = anyio.CancelScope()
        self._tasks.spawn(self._look_up, list(paths), self._scope)

    async def _look_up(self, paths: Sequence[Path], scope: anyio.CancelScope) -> None:
        self._answers = []
        self._found = self._size = self._read = 0
        page = self._page
        page.show_answers()
        page.answers.begin()
        strip = self._strip = page.begin_work(tr("Looking up. Nothing is sent."))
        strip.cancelled.connect(scope.cancel)
        self._timer.start()
        answers: list[Answer] = []

        def on_answer(answer: Answer) -> None:
            if not scope.cancel_called:
                self._answers.append(answer)
                answers.append(answer)

        def on_found(_: Path, size: int) -> None:
            self._found += 1
            self._size += size

        def on_read(size: int) -> None:  # in a thread of the hashing: only counted
            self._read += size

        fault = ""
        with scope:
            try:
                await self._service.stored.look_up_all(
                    paths, on_answer=on_answer, on_found=on_found, on_read=on_read
                )
            except HashdropError as error:
                fault = error.sentence
        if self._scope is not scope:
            strip.deleteLater()
            return  # another one has begun
        self._timer.stop()
        self._scope = None
        while self._answers:
            self._show()
            await anyio.lowlevel.checkpoint()
        page.answers.finish()
        if fault:
            strip.end(fault)
        elif scope.cancelled_caught:
            strip.end(tr("Cancelled: not all files were looked up"))
        else:
            strip.deleteLater()
        self._strip = None

    def _show(self) -> None:
        shown, self._answers = self._answers[:_SHOWN_AT_ONCE], self._answers[_SHOWN_AT_ONCE:]
        if shown:
            self._page.answers.add(shown)
        if self._strip is not None and self._size:
            words = tr("Looking up {files}: {done}. Nothing is sent.").format(
                files=files_text(self._found), done=progress_text(self._read, self._size)
            )
            self._strip.tell(words, min(1.0, self._read / self._size))

    def _on_closed(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
        self._page.hide_answers()

    def _on_upload_requested(self, paths: list[Path]) -> None:
        self._page.hide_answers()
        self._page.upload_paths_requested.emit(paths)
