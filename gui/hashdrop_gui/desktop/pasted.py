"""An image or a text from the clipboard, kept as a file until it is stored."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage

from hashdrop.errors import SourceUnreadable
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored

if TYPE_CHECKING:
    from hashdrop_gui.tasks import Tasks

_LOG = logging.getLogger(__name__)

Write = Callable[[Path], None]
"""Writes a content into an empty file; blocking."""


def writable(data: QMimeData | None) -> tuple[str, Write] | None:
    """Return the extension and the writing of what is on the clipboard, `None` for nothing that can be kept.

    Where there is a text beside an image it is the text: a spreadsheet puts a picture of its cells there.
    """
    if data is None:
        return None
    text = data.text() if data.hasText() else ""
    if text.strip():
        return ".txt", partial(_write_text, text)
    image = QImage(data.imageData()) if data.hasImage() else QImage()
    return None if image.isNull() else (".png", partial(_write_image, image))


class PastedFiles:
    """Owns the folder of pasted files.

    Args:
        folder: Made when something is pasted.
        tasks: Runs the deleting.
    """

    def __init__(self, folder: Path, tasks: Tasks) -> None:
        self._folder = folder
        self._folder_name = str(folder)
        self._tasks = tasks
        self._queued: dict[int, Path] = {}
        self._own: set[Path] = set()

    async def keep(self, extension: str, write: Write) -> Path:
        """Make a file of what was pasted.

        Raises:
            SourceUnreadable: The disk does not take it.
        """
        return await run_sync(self._keep, extension, write)

    def _keep(self, extension: str, write: Write) -> Path:
        name = f"pasted-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
        number = 1
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            while True:
                path = self._folder / f"{name}{f'-{number}' if number > 1 else ''}{extension}"
                try:
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                    break
                except FileExistsError:
                    number += 1
            self._own.add(path)
            write(path)
        except OSError as error:
            raise SourceUnreadable(
                "What was pasted cannot be kept.", detail=f"{self._folder}: {error.strerror}."
            ) from error
        return path

    def take(self, event: Event) -> None:
        """Notice what becomes of pasted files: what is stored need not be kept."""
        if isinstance(event, Queued):
            if os.path.dirname(event.path) == self._folder_name:  # noqa: PTH120  # of each file of a drop
                path = Path(event.path)
                self._queued[event.id] = path
                self._own.add(path)
        elif isinstance(event, (Stored, AlreadyStored)) and event.id in self._queued:
            self._tasks.spawn(run_sync, _delete, self._queued.pop(event.id))

    async def clean(self) -> None:
        """Delete what an earlier run left and nothing waits for any more; to be called behind `restore`."""
        await run_sync(self._clean)

    def _clean(self) -> None:
        if self._folder.is_dir():
            for path in set(self._folder.iterdir()) - self._own:
                _delete(path)


def _write_text(text: str, path: Path) -> None:
    path.write_bytes(text.encode())


def _write_image(image: QImage, path: Path) -> None:
    if not image.save(str(path), "PNG"):  # pyright: ignore[reportArgumentType, reportCallIssue]
        raise OSError(0, "the image cannot be written")


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("A pasted file stays: %s", error)
