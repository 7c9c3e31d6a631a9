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
import sys
import tempfile
import time
from pathlib import Path

import anyio
import files
import real_window
from real_window import LONGEST_S
from servers import sink

P99_S = 0.016


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
    results: list[bool] = []

    async def use(service, window) -> None:
        """Drop the folders twice."""
        for title in ("stored", "already stored"):
            beats = real_window.Beats()
            began = time.perf_counter()
            async with anyio.create_task_group() as group:
                group.start_soon(beats.run)
                group.start_soon(real_window.scroll, window.transfers.view)
                real_window.drop(window, sources)
                await anyio.sleep(0.1)
                while service.transfers.active_count:
                    await anyio.sleep(0.02)
                await anyio.sleep(0.5)
                group.cancel_scope.cancel()
            results.append(tell(beats, f"{title} in {time.perf_counter() - began:.1f} s"))

    with sink() as port:
        real_window.use_window(f"http://127.0.0.1:{port}", use)
    sys.exit(not all(results))


def tell(beats: real_window.Beats, title: str) -> bool:
    """Print the figures; whether they are within the limits."""
    held, late = beats.held(), beats.late
    p99, longest = real_window.share(held, 0.99), max(held)
    is_fine = longest < LONGEST_S and p99 < P99_S
    print(
        f"{title}: {len(held):,} beats; longest hold {longest * 1000:.1f} ms of 50, "
        f"p99 {p99 * 1000:.1f} ms of 16 ({'ok' if is_fine else 'TOO LONG'}); with what the system "
        f"withheld: longest {max(late) * 1000:.1f} ms, p99 {real_window.share(late, 0.99) * 1000:.1f} ms"
    )
    return is_fine


if __name__ == "__main__":
    main()
