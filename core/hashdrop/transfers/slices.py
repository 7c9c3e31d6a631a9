"""What is asked of many transfers, done a slice at a time, in the order in which it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

Act = Callable[[Sequence[int]], None]


class Slices:
    """Does something with a few transfers at once, and with many of them so that the loop is not held.

    Args:
        group: Runs the rest.
        at_once: Transfers in a slice.
    """

    def __init__(self, group: TaskGroup, at_once: int) -> None:
        self._group = group
        self._at_once = at_once
        self._waiting: deque[tuple[Act, list[int]]] = deque()
        self._idle = anyio.Event()
        self._idle.set()

    def do(self, act: Act, ids: Iterable[int]) -> None:
        """Call a function with some ids: now, if they are few and nothing that was asked before waits."""
        ids = list(ids)
        if self._idle.is_set() and len(ids) <= self._at_once:
            act(ids)
            return
        for at in range(0, max(1, len(ids)), self._at_once):
            self._waiting.append((act, ids[at : at + self._at_once]))
        if self._idle.is_set():
            self._idle = anyio.Event()
            self._group.start_soon(self._run)

    async def done(self) -> None:
        """Wait until nothing that was asked waits."""
        await self._idle.wait()

    async def _run(self) -> None:
        try:
            while self._waiting:
                act, ids = self._waiting.popleft()
                act(ids)
                await anyio.lowlevel.checkpoint()
        finally:
            self._idle.set()
