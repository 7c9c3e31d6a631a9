"""The ways in beside the drop: dialogs, the clipboard, other starts, a watched folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QWidget

from hashdrop_gui.desktop.pasted import PastedFiles
from hashdrop_gui.desktop.pasted import Write
from hashdrop_gui.desktop.pasted import writable
from hashdrop_gui.desktop.watched_folder import WatchedFolder
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks


class Intake(QObject):
    """Takes files in.

    Args:
        service: Queues them.
        tasks: Runs what slots cannot await.
        window: Parent of the dialogs.

    Signals:
        added: Something was queued because the person asked for it.
        told: A sentence for the bottom line.
        warned: A sentence for the banner.
        watch_changed: Another folder is watched; "" for none.
    """

    added = Signal()
    told = Signal(str)
    warned = Signal(str)
    watch_changed = Signal(str)

    def __init__(self, service: Service, tasks: Tasks, window: QWidget) -> None:
        super().__init__(window)
        self._service = service
        self._tasks = tasks
        self._window = window
        self._pasted = PastedFiles(service.paths.pasted, tasks)
        self.end = service.transfers.subscribe(self._pasted.take)
        """Ends the listening."""
        self.watched = WatchedFolder(tasks, self)
        self.watched.arrived.connect(self._service.add)
        self.watched.lost.connect(self._on_watched_lost)

    def add(self, paths: Sequence[Path]) -> None:
        """Queue files and folders."""
        if paths:
            self._service.add(list(paths), asks=True)
            self.added.emit()

    async def clean(self) -> None:
        """Delete pasted files that nothing waits for; to be called when the queue is restored."""
        await self._pasted.clean()

    # --- dialogs ---------------------------------------------------------------------------------

    def choose_files(self) -> None:
        """Open the dialog that chooses files."""
        dialog = self._dialog(QFileDialog.FileMode.ExistingFiles, tr("Upload files"))
        dialog.filesSelected.connect(lambda chosen: self.add([Path(path) for path in chosen]))
        dialog.open()

    def choose_folder(self) -> None:
        """Open the dialog that chooses a folder."""
        dialog = self._dialog(QFileDialog.FileMode.Directory, tr("Upload folder"))
        dialog.filesSelected.connect(lambda chosen: self.add([Path(path) for path in chosen]))
        dialog.open()

    def _dialog(self, mode: QFileDialog.FileMode, title: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title)
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    # --- the clipboard ---------------------------------------------------------------------------

    def paste(self) -> None:
        """Take what is on the clipboard: files, else an image or a text, which is stored as a file."""
        data = QGuiApplication.clipboard().mimeData()
        paths = local_paths(data)
        found = None if paths else writable(data)
        if paths:
            self.add(paths)
        elif found is None:
            self.told.emit(tr("There is nothing on the clipboard that can be stored"))
        else:
            self._tasks.spawn(self._paste, *found)

    async def _paste(self, extension: str, write: Write) -> None:
        self.add([await self._pasted.keep(extension, write)])

    # --- the watched folder ----------------------------------------------------------------------

    def watch_as_before(self) -> None:
        """Watch what the person chose in an earlier run, if anything."""
        folder = self._service.preferences.watched_folder
        if folder:
            self.watched.watch(Path(folder))
            self.watch_changed.emit(folder)

    def choose_watched_folder(self) -> None:
        """Open the dialog that chooses the folder to watch."""
        dialog = self._dialog(QFileDialog.FileMode.Directory, tr("Watch a folder"))
        dialog.filesSelected.connect(lambda chosen: self._watch(chosen[0]))
        dialog.open()

    def stop_watching(self) -> None:
        """Watch no folder any more."""
        self._watch("")

    def _watch(self, folder: str) -> None:
        self.watched.watch(Path(folder) if folder else None)
        self._tasks.spawn(partial(self._service.prefer, watched_folder=folder))
        self.watch_changed.emit(folder)
        if folder:
            words = tr("What arrives in “{name}” is stored from now on")
            self.told.emit(words.format(name=Path(folder).name))
        else:
            self.told.emit(tr("No folder is watched any more"))

    def _on_watched_lost(self) -> None:
        words = tr(
            "The watched folder is not there. What arrives when it is back is stored. {path}"
        )
        self.warned.emit(words.format(path=self.watched.folder))


def local_paths(data: QMimeData | None) -> list[Path]:
    """Return the files and folders of this computer that data holds."""
    return [_local_path(url) for url in data.urls() if url.isLocalFile()] if data else []


def _local_path(url: QUrl) -> Path:
    path = url.toLocalFile()
    if "\N{REPLACEMENT CHARACTER}" in path:  # Qt's way with bytes that are no Unicode
        path = os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded)))
    return Path(path)
