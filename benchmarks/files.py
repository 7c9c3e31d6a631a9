"""Files for the benchmarks, made once in a folder and kept for the next run."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 1024 * 1024


def large(folder: Path, *, count: int, mib: int) -> Path:
    """Return a folder with some large files of random bytes."""
    return _made(folder / f"large-{count}x{mib}", count, mib * MIB, ".bin")


def small(folder: Path, *, count: int, size: int) -> Path:
    """Return a folder with many small files of random bytes."""
    return _made(folder / f"small-{count}x{size}", count, size, ".dat")


def _made(folder: Path, count: int, size: int, ending: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:05}{ending}"
        if path.exists() and path.stat().st_size == size:
            continue
        with path.open("wb") as file:
            left = size
            while left:
                left -= file.write(os.urandom(min(left, 8 * MIB)))
    return folder
