"""The page of pointers on a bucket of a million keys: how long its loop is held while one scrolls to the end.

    xvfb-run -a python benchmarks/bucket_listing.py [KEYS] [SECONDS]

The bucket is a listing that a program of its own makes up; the window is the real one. The scroll bar is
put to its end at each picture, so that page follows page, until all keys came or the seconds (600) are
over. The limit is 50 ms for the longest hold; above it the program ends with 1.
"""

from __future__ import annotations

import os
import sys
import time

import anyio
import real_window
from real_window import LONGEST_S
from real_window import resident
from servers import made_up_bucket


def main() -> None:
    """Measure and print."""
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    longest: list[float] = []

    async def work(_, window) -> None:
        window.show_page(1)
        await anyio.sleep(1)
        print(f"before: {resident()}")
        await use(window.pointers, keys, seconds, longest)

    with made_up_bucket(keys) as url:
        real_window.use_window(url, work)
    print(f"peak of resident memory: {real_window.peak()}; load: {os.getloadavg()[0]:.1f}")
    sys.exit(max(longest) >= LONGEST_S)


async def use(page, keys: int, seconds: float, longest: list[float]) -> None:
    """List the bucket, scroll to its end, through all of it, and go back to the catalog."""
    rows = page.model.rowCount
    beats = real_window.Beats()

    def told(title: str) -> None:
        held = beats.held()
        print(
            f"{title}: {rows():,} keys, {resident()}; longest hold {max(held) * 1000:.1f} ms of 50, "
            f"p99 {real_window.share(held, 0.99) * 1000:.1f} ms; with what the system withheld: "
            f"{max(beats.late) * 1000:.1f} ms"
        )
        longest.append(max(held))
        beats.forget()

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


if __name__ == "__main__":
    main()
