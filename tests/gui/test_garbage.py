"""What Qt made is never destroyed in a worker thread."""

from __future__ import annotations

import gc
import threading

from anyio.to_thread import run_sync
from PySide6.QtCore import QObject

from support.window import until


class Cycle:
    """Something of Qt's in a cycle that Python has to search for."""

    def __init__(self, ended_in: list[int]) -> None:
        self.itself = self
        self.thing = QObject()
        self._ended_in = ended_in

    def __del__(self) -> None:
        self._ended_in.append(threading.get_ident())


async def test_garbage_is_found_on_the_windows_thread(driver):
    """However much a worker thread allocates meanwhile."""
    ended_in: list[int] = []
    for _ in range(20):
        Cycle(ended_in)

    def allocate() -> None:
        kept = [[number] for number in range(200_000)]
        assert len(kept) == 200_000

    await run_sync(allocate)
    kept = [[number] for number in range(5_000)]
    await until(lambda: len(ended_in) == 20)

    assert set(ended_in) == {threading.get_ident()}
    assert len(kept) == 5_000
    assert not gc.isenabled()
