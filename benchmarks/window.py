"""How long the event loop of the real window is held while files are dropped, hashed, sent and painted.

    xvfb-run -a python benchmarks/window.py          # 4 files of 512 MiB and 2,000 of 16 KiB, to the sink
    xvfb-run -a python benchmarks/window.py --small 20000

A beat asks for its turn each millisecond; what it waits beyond that, somebody held the loop (or the
processor: what the system did not give to the thread at all is told apart, by /proc/self/schedstat). The
list scrolls meanwhile, as somebody looks through it. The limits are 50 ms for the longest hold and 16 ms
for 99 of 100 beats; above them the program ends with 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import anyio
import files
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from hashdrop.connection import Choice
from hashdrop.paths import Paths
from hashdrop.service import open_service
from hashdrop_gui.app import open_window
from hashdrop_gui.loop import run

HERE = Path(__file__).parent
LONGEST_S = 0.050
P99_S = 0.016
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

    def tell(self, title: str) -> bool:
        """Print the figures; whether they are within the limits."""
        held = sorted(max(0.0, a - b) for a, b in zip(self.late, self.starved, strict=True))
        late = sorted(self.late)
        p99, longest = held[int(len(held) * 0.99)], held[-1]
        is_fine = longest < LONGEST_S and p99 < P99_S
        print(
            f"{title}: {len(held):,} beats; longest hold {longest * 1000:.1f} ms of 50, "
            f"p99 {p99 * 1000:.1f} ms of 16 ({'ok' if is_fine else 'TOO LONG'}); with what the system "
            f"withheld: longest {late[-1] * 1000:.1f} ms, p99 {late[int(len(late) * 0.99)] * 1000:.1f} ms"
        )
        return is_fine


def _withheld() -> float:
    """Seconds for which this thread was ready and got no processor."""
    try:
        name = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        with open(name, encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "hashdrop-bench"
    )
    parser.add_argument("--small", type=int, default=2000, help="How many of 16 KiB.")
    parser.add_argument("--large", type=int, default=4, help="How many of 512 MiB.")
    options = parser.parse_args()
    sources = [files.small(options.folder, count=options.small, size=16 * 1024)]
    if options.large:
        sources.append(files.large(options.folder, count=options.large, mib=512))
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark-secret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    sink = subprocess.Popen([sys.executable, HERE / "sink.py"], stdout=subprocess.PIPE, text=True)
    try:
        port = sink.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as scratch:
            sys.exit(not measured(sources, f"http://127.0.0.1:{port}", Path(scratch)))
    finally:
        sink.terminate()
        sink.communicate()


def measured(sources: list[Path], url: str, scratch: Path) -> bool:
    """Open the window, drop the folders twice; whether both drops were within the limits."""
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setQuitOnLastWindowClosed(False)
    results: list[bool] = []

    async def run_it() -> int:
        choice = Choice(
            changes={"name": "bench", "bucket": "lab-data", "prefix": "raw", "endpoint_url": url},
            own=True,
        )
        paths = Paths(config=scratch / "config", data=scratch / "data")
        async with (
            open_service(paths, choice=choice, for_people=True) as service,
            open_window(app, service) as window,
        ):
            while service.status.state == "starting":
                await anyio.sleep(0.05)
            await anyio.sleep(1)
            for title in ("stored", "already stored"):
                beats = Beats()
                began = time.perf_counter()
                async with anyio.create_task_group() as group:
                    group.start_soon(beats.run)
                    group.start_soon(scroll, window.transfers.view)
                    drop(window, sources)
                    await anyio.sleep(0.1)
                    while service.active_count:
                        await anyio.sleep(0.02)
                    await anyio.sleep(0.5)
                    group.cancel_scope.cancel()
                results.append(beats.tell(f"{title} in {time.perf_counter() - began:.1f} s"))
        return 0

    run(app, run_it, lambda: os._exit(1))
    return all(results)


async def scroll(view) -> None:
    """Scroll down and up again, a row at each picture."""
    bar, step = view.verticalScrollBar(), 60
    while True:
        await anyio.sleep(1 / 60)
        if not 0 <= bar.value() + step <= bar.maximum():
            step = -step
        bar.setValue(bar.value() + step)


def drop(window, paths: list[Path]) -> None:
    """Let files go over the window."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(400, 300), action, data, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), action, data, left, none))


if __name__ == "__main__":
    main()
