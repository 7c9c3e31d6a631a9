"""The page of pointers on a bucket of a million keys: how long its loop is held while one scrolls to the end.

    xvfb-run -a python benchmarks/bucket_listing.py [KEYS] [SECONDS]

The bucket is a listing that a program of its own makes up; the window is the real one. The scroll bar is
put to its end at each picture, so that page follows page, until all keys came or the seconds (600) are
over. The limit is 50 ms for the longest hold; above it the program ends with 1. The beats are those of
`window.py`.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import anyio
import window as bench
from made_up_bucket import made_up_bucket
from PySide6.QtWidgets import QApplication

from hashdrop.connection import Choice
from hashdrop.paths import Paths
from hashdrop.service import open_service
from hashdrop_gui.app import open_window
from hashdrop_gui.loop import run


def main() -> None:
    """Measure and print."""
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark-secret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with made_up_bucket(keys) as url, tempfile.TemporaryDirectory() as scratch:
        sys.exit(not measured(keys, seconds, url, Path(scratch)))


def measured(keys: int, seconds: float, url: str, scratch: Path) -> bool:
    """Open the window on the bucket and scroll to its end; whether no hold was too long."""
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setQuitOnLastWindowClosed(False)
    longest: list[float] = []

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
            window.show_page(1)
            await anyio.sleep(1)
            print(f"before: {resident()}")
            await use(window.pointers, keys, seconds, longest)
        return 0

    run(app, run_it, lambda: os._exit(1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak of resident memory: {peak:.0f} MiB; load: {os.getloadavg()[0]:.1f}")
    return max(longest) < bench.LONGEST_S


async def use(page, keys: int, seconds: float, longest: list[float]) -> None:
    """List the bucket, scroll to its end, through all of it, and go back to the catalog."""
    rows = page.model.rowCount
    beats = bench.Beats()

    def told(title: str) -> None:
        held = [max(0.0, a - b) for a, b in zip(beats.late, beats.starved, strict=True)]
        beats.tell(f"{title}: {rows():,} keys, {resident()}")
        longest.append(max(held))
        beats.late.clear()
        beats.starved.clear()

    async with anyio.create_task_group() as group:
        group.start_soon(beats.run)
        await anyio.sleep(0.3)
        began = time.perf_counter()
        page.bar.bucket.click()
        while not rows():
            await anyio.sleep(0.001)
        first = time.perf_counter() - began
        await anyio.sleep(0.5)
        told(f"first page {first * 1000:.0f} ms")
        bar, step = page.view.verticalScrollBar(), keys // 5
        began, mark = time.perf_counter(), step
        while rows() < keys and time.perf_counter() - began < seconds:
            bar.setValue(bar.maximum())
            await anyio.sleep(1 / 60)
            if rows() >= mark:
                told(f"after {time.perf_counter() - began:.0f} s")
                mark += step
        if rows() < keys:
            print(f"the seconds are over: {rows():,} of {keys:,} keys were listed")
        if beats.late:
            told(f"to the end in {time.perf_counter() - began:.0f} s")
        for number in range(100):  # by the bar's handle, to and fro
            bar.setValue(bar.maximum() * (number * 37 % 100) // 100)
            await anyio.sleep(1 / 60)
        told("by the handle to any place")
        page.view.selectAll()
        await anyio.sleep(0.5)
        told("all selected")
        page.bar.catalog.click()
        await anyio.sleep(3)
        told("back to the catalog")
        group.cancel_scope.cancel()


def resident() -> str:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return f"{pages * os.sysconf('SC_PAGE_SIZE') / 2**20:.0f} MiB"


if __name__ == "__main__":
    main()
