"""A folder whose newcomers are taken, when they have stopped growing.

It is looked at in a thread, over and over. The system's own notices are not used: they say nothing of a file
that grows, and nothing of what another machine does on a shared drive.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

if TYPE_CHECKING:
    from hashdrop_gui.tasks import Tasks

_LOOK_MS = 2_000
_RESTS = 20
"""A look may take at most this part of the time: a folder with very many files is looked at seldom."""
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".swp", "~")


@dataclass(frozen=True, slots=True)
class Shape:
    """What changes while a file, or anything in a folder, is written."""

    files: int
    size: int
    newest_ns: int


class WatchedFolder(QObject):
    """Looks at one folder. What is in it when the watching begins is left alone.

    Args:
        tasks: Runs the looking.
        parent: The window.

    Signals:
        arrived: Paths that have stopped growing: files, and folders with all that is in them.
        lost: The folder is not there any more; it is still waited for.
    """

    arrived = Signal(list)
    lost = Signal()

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self.folder: Path | None = None
        """What is watched; `None` for nothing."""
        self._known: dict[Path, Shape] | None = None
        """What was there, or was taken; `None` before the first look."""
        self._growing: dict[Path, Shape] = {}
        self._is_lost = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer_timeout)
        self.look_ms = _LOOK_MS
        """Between two looks; what is the same in both has stopped growing."""

    def watch(self, folder: Path | None) -> None:
        """Watch another folder from now on, or none."""
        self.folder = folder
        self._known = None
        self._growing = {}
        self._is_lost = False
        self._timer.stop()
        if folder is not None:
            self._timer.start(0)

    def _on_timer_timeout(self) -> None:
        if self.folder is not None:
            self._tasks.spawn(self._look, self.folder)

    async def _look(self, folder: Path) -> None:
        began = time.monotonic()
        shapes = await run_sync(shapes_in, folder)
        if folder != self.folder:  # another one was chosen meanwhile
            return
        if shapes is None:
            if not self._is_lost:
                self._is_lost = True
                self.lost.emit()
        else:
            self._is_lost = False
            self._compare(shapes)
        took_ms = (time.monotonic() - began) * 1000
        self._timer.start(max(self.look_ms, round(took_ms * _RESTS)))

    def _compare(self, shapes: dict[Path, Shape]) -> None:
        if self._known is None:
            self._known = shapes
            return
        known = {path: shape for path, shape in self._known.items() if path in shapes}
        news = {path: shape for path, shape in shapes.items() if known.get(path) != shape}
        settled = [path for path, shape in news.items() if self._growing.get(path) == shape]
        self._known = known | {path: shapes[path] for path in settled}
        self._growing = {path: shape for path, shape in news.items() if path not in settled}
        if settled:
            self.arrived.emit(sorted(settled))


def shapes_in(folder: Path) -> dict[Path, Shape] | None:
    """Return the shapes of what is in a folder, `None` if there is no such folder; blocking.

    Hidden and half-written files, as browsers and editors name them, are left out, and so are empty folders.
    """
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if not _is_unfinished(entry.name)]
    except OSError:
        return None
    found: dict[Path, Shape] = {}
    for entry in listed:
        states = list(_states(entry))
        if states:
            found[Path(entry.path)] = Shape(
                files=len(states),
                size=sum(state.st_size for state in states),
                newest_ns=max(state.st_mtime_ns for state in states),
            )
    return found


def _states(entry: os.DirEntry[str]) -> Iterator[os.stat_result]:
    try:
        if entry.is_file():
            yield entry.stat()
        elif entry.is_dir(follow_symlinks=False):
            for root, _, names in os.walk(entry.path):
                for name in names:
                    yield os.lstat(os.path.join(root, name))  # noqa: PTH118  # as os.walk gives it
    except OSError:  # it goes away while it is looked at: the next look sees it as it is then
        return


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)
