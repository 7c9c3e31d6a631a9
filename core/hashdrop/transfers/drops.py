"""Drops: walked for their files, which are queued as they are found; held where somebody is to be asked."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Protocol

import anyio
import anyio.lowlevel
from anyio.to_thread import run_sync

from hashdrop.errors import SourceError
from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import BatchHeld
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import State
from hashdrop.transfers.holding import AskAbove
from hashdrop.transfers.holding import HeldDrop
from hashdrop.transfers.sources import find_files
from hashdrop.transfers.transfer import Transfer

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from hashdrop.transfers.history import History
    from hashdrop.transfers.recording import QueueNotes
    from hashdrop.transfers.reporting import Reporter

_STEP = 100
"""Files found in one visit to the thread that walks folders; what follows for each holds the event loop."""
_HELD_STEP = 200
"""Files of a held drop that are seen to without a break."""


class Line(Protocol):
    """Where the files of drops wait; the engine's."""

    holds_all: bool
    """Whether the person paused all."""

    def take(self, transfer: Transfer) -> None:
        """Know a transfer, and let it wait unless it is held."""
        ...

    def line_up(self, transfer: Transfer) -> None:
        """Let a transfer wait that was held."""
        ...

    def go_on(self) -> None:
        """Begin what can be begun."""
        ...

    def let_go(self, transfer: Transfer) -> None:
        """Know no more of a transfer that was held."""
        ...

    def cancel(self, ids: Iterable[int]) -> None:
        """Cancel transfers."""
        ...


class Drops:
    """The drops of an engine.

    Args:
        line: Where their files wait.
        group: Runs the walks.
        ids: Numbers for transfers.
        reporter: Tells what happens.
        notes: Of the queue, in the journal.
        forget: Takes transfers out of the journal's queue.
        history: Told what becomes of drops; `None` for nobody.
    """

    def __init__(
        self,
        line: Line,
        group: TaskGroup,
        *,
        ids: Iterator[int],
        reporter: Reporter,
        notes: QueueNotes,
        forget: Callable[..., Awaitable[None]],
        history: History | None,
    ) -> None:
        self._line = line
        self._group = group
        self._ids = ids
        self._reporter = reporter
        self._notes = notes
        self._forget = forget
        self._history = history
        self._held: dict[int, HeldDrop] = {}
        """By the numbers of their batches."""
        self._walks: dict[int, anyio.CancelScope] = {}
        """By the numbers of their batches."""
        self._paused: set[int] = set()
        """Numbers of batches of which what is still found is paused."""
        self._dismissed = 0
        self.walking = 0
        """Drops that are still being walked."""

    @property
    def is_busy(self) -> bool:
        """Whether one is being walked, or taken back."""
        return bool(self.walking or self._dismissed)

    def add(self, paths: Sequence[Path], like: Transfer, ask_above: AskAbove | None) -> None:
        """Walk a drop.

        Args:
            paths: Files and folders.
            like: What all of its files have in common.
            ask_above: As of `Engine.add`.
        """
        self.walking += 1
        if ask_above is not None:
            self._held[like.batch] = HeldDrop(ask_above)
        held = self._held.get(like.batch)
        self._walks[like.batch] = held.walk if held else anyio.CancelScope()
        self._group.start_soon(self._walk, list(paths), like)

    def stop_walks(self) -> None:
        """End all walks: what was not found yet is not looked for."""
        for batch in tuple(self._walks):
            self.stop_walk(batch)

    def stop_walk(self, batch: int) -> None:
        """End the walk of a drop, if it goes on; what is just being queued of it is cancelled."""
        if batch in self._walks:
            self._walks[batch].cancel()

    def pause(self, batch: int) -> None:
        """Pause what is still found of a drop, if its walk goes on."""
        if batch in self._walks:
            self._paused.add(batch)

    def resume(self, batch: int) -> None:
        """Let what is still found of a drop wait for its turn."""
        self._paused.discard(batch)

    def resume_all(self) -> None:
        """Let what is still found of any drop wait for its turn."""
        self._paused.clear()

    def release(self, batch: int) -> None:
        """Begin a drop that is held: the person wants it."""
        held = self._held.pop(batch, None)
        if held is not None:
            held.is_released = True
            self._group.start_soon(self._begin_held, batch, held)

    def dismiss(self, batch: int) -> None:
        """Forget a drop that is held: the person does not want it. `BatchDismissed` tells when it is gone."""
        held = self._held.pop(batch, None)
        if held is not None:
            held.is_dismissed = True
            held.walk.cancel()
            self._dismissed += 1
            self._group.start_soon(self._dismiss, batch, held)

    def tell_scanned(self, event: BatchScanned) -> None:
        """Tell what a drop consists of."""
        if self._history is not None:
            self._history.scanned(event.batch, len(event.faults))
        self._reporter.emit(event)

    # --- inside ----------------------------------------------------------------------------------

    async def _begin_held(self, batch: int, held: HeldDrop) -> None:
        if held.is_asked:
            self._reporter.emit(BatchHeld(batch=batch, held=False))
        waiting = held.transfers
        for at in range(0, len(waiting), _HELD_STEP):
            for transfer in waiting[at : at + _HELD_STEP]:
                transfer.is_held = False
                if transfer.state is State.QUEUED:
                    self._line.line_up(transfer)
            self._line.go_on()
            await anyio.lowlevel.checkpoint()
        if held.is_asked:
            wanted = [
                one.id for one in waiting if not (one.is_noted_paused or one.state is State.PAUSED)
            ]
            await self._notes.paused(wanted, paused=False)

    async def _dismiss(self, batch: int, held: HeldDrop) -> None:
        await held.walked.wait()
        found = held.transfers
        for at in range(0, len(found), _HELD_STEP):
            for transfer in found[at : at + _HELD_STEP]:
                self._line.let_go(transfer)
            await anyio.lowlevel.checkpoint()
        await self._forget(*(one.id for one in found))
        self._dismissed -= 1
        if self._history is not None:
            self._history.dismissed(batch)
        self._reporter.emit(BatchDismissed(batch=batch))

    async def _walk(self, paths: list[Path], like: Transfer) -> None:
        files = total = 0
        faults: list[SourceError] = []
        found = find_files(paths)
        held = self._held.get(like.batch)
        walk = self._walks[like.batch]
        try:
            with walk:
                while step := await run_sync(lambda: list(islice(found, _STEP))):
                    queued: list[Transfer] = []
                    for item in step:
                        if isinstance(item, SourceError):
                            faults.append(item)
                            continue
                        files += 1
                        total += item.size
                        queued.append(
                            Transfer(
                                id=next(self._ids),
                                batch=like.batch,
                                name=item.path.name,
                                folder=item.folder,
                                size=item.size,
                                target=like.target,
                                path=str(item.path),
                                tags=like.tags,
                                single_pass=like.single_pass,
                                repair=like.repair,
                                is_noted_paused=self._line.holds_all,
                            )
                        )
                    with anyio.CancelScope(shield=True):  # noted and queued, or neither
                        await self._take(like.batch, queued, held)
                        if held is not None:
                            await self._ask(like.batch, held, files, total)
                    if walk.cancel_called and not (held and held.is_dismissed):
                        self._line.cancel([transfer.id for transfer in queued])
                    self._line.go_on()
        finally:
            del self._walks[like.batch]
            self._paused.discard(like.batch)
            self.walking -= 1
            if held is not None:
                held.walked.set()
        if held is not None and held.is_dismissed:
            return
        if held is not None and not (held.is_asked or walk.cancelled_caught):
            self.release(like.batch)
        self.tell_scanned(
            BatchScanned(batch=like.batch, files=files, total_size=total, faults=tuple(faults))
        )

    async def _take(self, batch: int, queued: list[Transfer], held: HeldDrop | None) -> None:
        asked = bool(held and held.is_asked and not held.is_released)
        await self._notes.queued(queued, held=asked)
        paused = batch in self._paused  # by now: noting took its time
        for transfer in queued:
            self._hold(transfer, held)
            if paused:
                transfer.enter(State.PAUSED)
            self._line.take(transfer)
        if paused:
            await self._notes.paused([one.id for one in queued], paused=True)

    def _hold(self, transfer: Transfer, held: HeldDrop | None) -> None:
        if held is not None and not held.is_released:
            transfer.is_held = True
            held.transfers.append(transfer)

    async def _ask(self, batch: int, held: HeldDrop, files: int, total: int) -> None:
        """Tell that a drop is too large to be begun without asking, when that is found out."""
        if held.is_asked or not held.limit.is_passed(files, total):
            return
        held.is_asked = True
        self._reporter.emit(BatchHeld(batch=batch, held=True))
        await self._notes.paused([one.id for one in held.transfers], paused=True)
