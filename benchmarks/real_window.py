"""The real window on an endpoint, used by a benchmark, and how long its loop is held meanwhile."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path

import anyio
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication
from servers import CREDENTIALS

from hashdrop.connection import Choice
from hashdrop.paths import Paths
from hashdrop.service import Service
from hashdrop.service import open_service
from hashdrop_gui.app import open_window
from hashdrop_gui.loop import run
from hashdrop_gui.main_window import MainWindow

LONGEST_S = 0.050
"""The longest that the loop may be held."""
BEAT_S = 0.001


class Beats:
    """What each beat waited beyond its time, in seconds; and what of it the system withheld."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.starved: list[float] = []

    async def run(self) -> None:
        """Beat until cancelled."""
        last, withheld = time.perf_counter(), _withheld()
        while True:
            await anyio.sleep(BEAT_S)
            now, withheld_now = time.perf_counter(), _withheld()
            self.late.append(max(0.0, now - last - BEAT_S))
            self.starved.append(withheld_now - withheld)
            last, withheld = now, withheld_now

    def held(self) -> list[float]:
        """Return what each beat waited for others of this process, in seconds."""
        return [max(0.0, a - b) for a, b in zip(self.late, self.starved, strict=True)]

    def forget(self) -> None:
        """Begin anew."""
        self.late.clear()
        self.starved.clear()


def _withheld() -> float:
    """Seconds for which this thread was ready and got no processor."""
    try:
        name = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        with open(name, encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def share(values: list[float], part: float) -> float:
    """Return the value below which a part of all of them are."""
    return sorted(values)[int(len(values) * part)]


def use_window(url: str, use: Callable[[Service, MainWindow], Awaitable[None]]) -> None:
    """Open the window on a new data folder, and use it.

    Args:
        url: Endpoint of the store.
        use: Called when the window is ready; the program ends the window after it.
    """
    os.environ |= CREDENTIALS
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setQuitOnLastWindowClosed(False)
    changes = {"name": "bench", "bucket": "lab-data", "prefix": "raw", "endpoint_url": url}

    async def run_it() -> int:
        async with (
            open_service(
                paths, choice=Choice(changes=changes, own=True), for_people=True
            ) as service,
            open_window(app, service) as window,
        ):
            while service.status.state == "starting":
                await anyio.sleep(0.05)
            await anyio.sleep(1)
            await use(service, window)
        return 0

    with tempfile.TemporaryDirectory() as scratch:
        paths = Paths(config=Path(scratch) / "config", data=Path(scratch) / "data")
        run(app, run_it, lambda: os._exit(1))


async def scroll(view) -> None:
    """Scroll down and up again, a row at each picture."""
    bar, step = view.verticalScrollBar(), 60
    while True:
        await anyio.sleep(1 / 60)
        if not 0 <= bar.value() + step <= bar.maximum():
            step = -step
        bar.setValue(bar.value() + step)


def drop(window: MainWindow, paths: list[Path]) -> None:
    """Let files go over the window."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(400, 300), action, data, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), action, data, left, none))


def resident() -> str:
    """Return what this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return f"{pages * os.sysconf('SC_PAGESIZE') / 2**20:.0f} MiB"


def peak() -> str:
    """Return the most that this process ever had in memory."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"
