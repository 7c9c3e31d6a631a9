"""The engine: one queue for the files of all drops. Only it changes the state of a transfer."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from hashdrop.content_types import content_type_of
from hashdrop.errors import CredentialsExpired
from hashdrop.errors import HashdropError
from hashdrop.s3.hashing import SMALL_FILE
from hashdrop.transfers.drops import Drops
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Listener
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Waiting
from hashdrop.transfers.holding import AskAbove
from hashdrop.transfers.journal import QueuedFile
from hashdrop.transfers.outcomes import ended_event
from hashdrop.transfers.outcomes import needs_patience
from hashdrop.transfers.outcomes import pointer_of
from hashdrop.transfers.outcomes import success_event
from hashdrop.transfers.outcomes import unexpected
from hashdrop.transfers.recording import Confirmed
from hashdrop.transfers.recording import QueueNotes
from hashdrop.transfers.recording import Recording
from hashdrop.transfers.reporting import Reporter
from hashdrop.transfers.reporting import queued_event
from hashdrop.transfers.slices import Slices
from hashdrop.transfers.small_files import SmallFile
from hashdrop.transfers.small_files import visit
from hashdrop.transfers.storing import Storing
from hashdrop.transfers.transfer import Transfer

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from hashdrop.transfers.history import History
    from hashdrop.transfers.journal import Journal
    from hashdrop.transfers.target import Target

_LOG = logging.getLogger(__name__)

_SMALL_LANES = 16
"""Threads that send small files: each file costs a round trip or two, not bandwidth."""
_SMALL_VISIT = 16
"""Small files that a thread takes with it at most."""
_LARGE_AT_ONCE = 4
"""Large files at once: some are hashed while others are sent; their threads and parts are bounded below."""
_AT_ONCE = 200
"""Transfers that are seen to without a break: what follows for each holds the event loop."""

RecordMany = Callable[[Sequence[Confirmed]], Awaitable[None]]
"""Notes in the catalog what S3 confirmed; raises `CatalogError`."""


class Engine:
    """The queue of transfers; made by `open_engine`.

    Args:
        group: Runs its tasks.
        record: Called with what S3 confirmed, before it is called stored.
        journal: What must survive a kill; `None` for nothing.
        keeps_queue: Whether the files that wait are journaled too, for the next start.
        waits_for_sign_in: Whether expired credentials are waited for; else the file fails.
        history: Told what becomes of files; `None` for nobody.
    """

    def __init__(
        self,
        group: TaskGroup,
        record: RecordMany,
        *,
        journal: Journal | None = None,
        keeps_queue: bool = False,
        waits_for_sign_in: bool = False,
        history: History | None = None,
    ) -> None:
        self._group = group
        self._history = history
        self._journal = journal
        self._queue_journal = journal if keeps_queue else None
        self._recording = Recording(record, self._queue_journal)
        self._notes = QueueNotes(self._queue_journal)
        self._waits_for_sign_in = waits_for_sign_in
        self._ids = itertools.count(1)
        self._batches = itertools.count(1)
        self._transfers: dict[int, Transfer] = {}
        self._small: deque[Transfer] = deque()
        self._large: deque[Transfer] = deque()
        self._blocked: list[Transfer] = []
        self._running: dict[int, Transfer] = {}
        self._small_lanes = 0
        self._large_running = 0
        self._visits = anyio.CapacityLimiter(_SMALL_LANES)
        self._reporter = Reporter()
        self._storing = Storing(self._reporter, journal)
        self._drops = Drops(
            self,
            group,
            ids=self._ids,
            reporter=self._reporter,
            notes=self._notes,
            forget=self._recording.forget,
            history=history,
        )
        self._slices = Slices(group, _AT_ONCE)
        self._resuming = 0
        """Calls of `resume` that go on: nothing is started till then, else the line loses its order."""
        self._is_disordered = False
        """Whether something in the line stands behind what was begun after it."""
        self._to_forget: list[int] = []
        """Cancelled ones that the journal still has."""
        self._clean_ups = 0
        self._unfinished = 0
        self.is_paused = False
        """Whether nothing is started until `resume_all`."""
        self.holds_all = False
        """Whether the person paused all: what comes now is noted as paused for the next start, too."""
        self._apart: set[int] = set()
        """What was paused by itself, not with all."""

    # --- what others call ------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener every event from now on.

        Returns:
            Ends it.
        """
        return self._reporter.subscribe(listener)

    @property
    def active_count(self) -> int:
        """Transfers that are not at their end, and drops that are still being walked."""
        return self._unfinished + self._drops.walking

    @property
    def paused_count(self) -> int:
        """Transfers that are paused."""
        return sum(one.state is State.PAUSED for one in self._transfers.values())

    def add(
        self,
        paths: Sequence[Path],
        target: Target,
        *,
        tags: Mapping[str, str] | None = None,
        single_pass: bool = False,
        repair: bool = False,
        ask_above: AskAbove | None = None,
    ) -> int:
        """Queue a drop; its files are found in a thread and follow as events.

        Args:
            paths: Files and folders.
            target: Where to.
            tags: Of each object.
            single_pass: Stream instead of hashing first.
            repair: Whether to replace an object that is not what its key says.
            ask_above: Nothing of it is begun before it is counted; and if it is larger than this, which
                `BatchHeld` tells as soon as it is known, not before `release`. `None` to begin at once.

        Returns:
            The number of the batch.
        """
        batch = next(self._batches)
        like = Transfer(
            id=0,
            batch=batch,
            name="",
            folder="",
            size=None,
            target=target,
            tags=dict(tags or {}),
            single_pass=single_pass,
            repair=repair,
        )
        self._drops.add(paths, like, ask_above)
        return batch

    def release(self, batch: int) -> None:
        """Begin a drop that is held: the person wants it."""
        self._drops.release(batch)

    def dismiss(self, batch: int) -> None:
        """Forget a drop that is held: the person does not want it. `BatchDismissed` tells when it is gone."""
        self._drops.dismiss(batch)

    def add_stream(
        self,
        stream: AsyncIterable[bytes],
        target: Target,
        *,
        name: str,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        repair: bool = False,
    ) -> int:
        """Queue a stream that can be read once, such as standard input.

        Returns:
            The number of its batch.
        """
        batch = next(self._batches)
        self.take(
            Transfer(
                id=next(self._ids),
                batch=batch,
                name=name,
                folder="",
                size=None,
                target=target,
                stream=stream,
                content_type=content_type or content_type_of(name),
                tags=dict(tags or {}),
                repair=repair,
            )
        )
        self._drops.tell_scanned(BatchScanned(batch=batch, files=1, total_size=0, faults=()))
        self.go_on()
        return batch

    async def restore(self, target_of: Callable[[QueuedFile], Target]) -> int:
        """Queue again what an earlier run of the program left, paused files paused.

        Args:
            target_of: Gives the target of a connection.

        Returns:
            How many files came back.

        Raises:
            CatalogError: The journal cannot be read.
        """
        if self._queue_journal is None:
            return 0
        left = await self._queue_journal.take_over()
        batches: dict[int, int] = {}
        totals: dict[int, tuple[int, int]] = {}
        restored: list[Transfer] = []
        for file in left:
            batch = batches.get(file.batch)
            if batch is None:
                batch = batches[file.batch] = next(self._batches)
            restored.append(
                Transfer(
                    id=next(self._ids),
                    batch=batch,
                    name=Path(file.path).name,
                    folder=file.folder,
                    size=file.size,
                    target=target_of(file),
                    path=file.path,
                    tags=file.tags,
                    single_pass=file.single_pass,
                    state=State.PAUSED if file.paused else State.QUEUED,
                )
            )
            count, size = totals.get(batch, (0, 0))
            totals[batch] = (count + 1, size + file.size)
        await self._notes.queued(restored, taken_over=True)
        for transfer in restored:
            self.take(transfer)
        self.go_on()
        for batch, (count, size) in totals.items():
            self._drops.tell_scanned(
                BatchScanned(batch=batch, files=count, total_size=size, faults=())
            )
        return len(restored)

    def cancel(self, ids: Iterable[int]) -> None:
        """Cancel transfers; those at their end are left alone."""
        self._slices.do(self._cancel, ids)

    def cancel_drop(self, batch: int) -> None:
        """Cancel all of a drop; what was not found of it yet is not looked for."""
        self._drops.stop_walk(batch)
        self.cancel(self._of_drop(batch))

    def _cancel(self, ids: Sequence[int]) -> None:
        ended: list[Transfer] = []
        for transfer in self._known(ids):
            if transfer.state.is_final:
                continue
            if self._is_running(transfer):
                self._stop(transfer, State.CANCELLED)
            else:
                self._end(transfer, State.CANCELLED, Cancelled(id=transfer.id, seconds=0.0))
                ended.append(transfer)
        if ended:
            self._clean_ups += 1
            self._group.start_soon(self._drop_unfinished, ended)

    def pause(self, ids: Iterable[int]) -> None:
        """Pause transfers: what was sent of them stays in the store and is gone on with."""
        ids = list(ids)
        self._apart.update(ids)
        self._slices.do(self._pause, ids)

    def pause_drop(self, batch: int) -> None:
        """Pause all of a drop, also what is still found of it."""
        self._drops.pause(batch)
        self.pause(self._of_drop(batch))

    def resume_drop(self, batch: int) -> None:
        """Go on with all of a drop, also with what is still found of it."""
        self._drops.resume(batch)
        self.resume(self._of_drop(batch))

    def _of_drop(self, batch: int) -> list[int]:
        return [one.id for one in self._transfers.values() if one.batch == batch]

    def _pause(self, ids: Sequence[int]) -> None:
        noted = self._hold(ids)
        self._group.start_soon(partial(self._notes.paused, noted, paused=True))

    def _pause_for_now(self, ids: Sequence[int]) -> None:
        self._hold(ids)

    def _forget_pause(self, ids: Sequence[int]) -> None:
        """Let the next start go on with what is paused."""
        for transfer in self._known(ids):
            transfer.is_noted_paused = False
        self._group.start_soon(partial(self._notes.paused, ids, paused=False))

    def _hold(self, ids: Sequence[int]) -> list[int]:
        """Pause transfers; returns which were not yet."""
        paused: list[int] = []
        for transfer in self._known(ids):
            if transfer.state.is_final or transfer.state is State.PAUSED:
                continue
            if transfer.stream is not None and self._is_running(transfer):
                continue  # it could not be read again
            if transfer.is_cancelled:
                continue
            paused.append(transfer.id)
            if self._is_running(transfer):
                self._stop(transfer, State.PAUSED)
            else:
                transfer.enter(State.PAUSED)
                self._reporter.emit(Paused(id=transfer.id))
        return paused

    def resume(self, ids: Iterable[int]) -> None:
        """Queue paused transfers again; after `pause_all` only these go on, and what is added later."""
        ids = list(ids)
        if self.is_paused:
            pause = self._pause if self.holds_all else self._pause_for_now
            self.is_paused = self.holds_all = False
            going_on = set(ids)
            left = [number for number in self._transfers if number not in going_on]
            self._slices.do(pause, left)
        self._apart.difference_update(ids)
        self._resuming += 1
        self._slices.do(self._resume, ids)
        self._slices.do(self._begin_again, ())

    def _resume(self, ids: Sequence[int]) -> None:
        noted: list[int] = []
        moved = False
        for transfer in self._known(ids):
            if transfer.state is State.PAUSED:
                noted.append(transfer.id)
                transfer.is_noted_paused = False
                transfer.enter(State.QUEUED)
                moved = moved or not transfer.is_queued
                self.line_up(transfer)
                self._reporter.emit(queued_event(transfer))
            elif transfer.is_noted_paused:
                noted.append(transfer.id)
                transfer.is_noted_paused = False
            elif transfer.wanted is State.PAUSED and self._is_running(transfer):
                noted.append(transfer.id)
                transfer.wanted = State.QUEUED  # as soon as it has come to rest
        self._group.start_soon(partial(self._notes.paused, noted, paused=False))
        self._is_disordered = self._is_disordered or moved

    def _begin_again(self, _: Sequence[int]) -> None:
        """Begin what was resumed, now that all of it stands in the line."""
        self._resuming -= 1
        # What was begun first goes on first: those that had not begun have kept their place in the line.
        for line in (self._small, self._large) if self._is_disordered else ():
            in_order = sorted(line, key=lambda transfer: transfer.id)
            line.clear()
            line.extend(in_order)
        self._is_disordered = False
        self.go_on()

    def pause_all(self, *, lasts: bool = True) -> None:
        """Pause everything, and start nothing until `resume_all` or `end_pause`.

        Args:
            lasts: Whether it is paused at the next start, too; else it goes on there.
        """
        if self.holds_all and not lasts:
            self._slices.do(
                self._forget_pause, [one for one in self._transfers if one not in self._apart]
            )
        self.is_paused, self.holds_all = True, lasts
        self._slices.do(self._pause if lasts else self._pause_for_now, list(self._transfers))

    def end_pause(self) -> None:
        """Go on with what `pause_all` paused; what was paused by itself stays so."""
        self.is_paused = self.holds_all = False
        self.resume([number for number in self._transfers if number not in self._apart])

    def resume_all(self) -> None:
        """Go on with everything that is paused."""
        self.is_paused = self.holds_all = False
        self._drops.resume_all()
        self.resume(list(self._transfers))

    def retry(self, ids: Iterable[int], target: Target, *, repair: bool = False) -> None:
        """Queue failed and cancelled files again, under their ids.

        Args:
            ids: Of transfers; streams cannot be read again and are left alone.
            target: For those whose own target could not be reached.
            repair: Whether to replace an object that is not what its key says.
        """
        again: list[Transfer] = []
        for transfer in self._known(ids):
            if transfer.state not in {State.FAILED, State.CANCELLED} or transfer.path is None:
                continue
            if self._is_running(transfer):
                continue
            if (
                transfer.target.has_failed
                or transfer.target.connection.name == target.connection.name
            ):
                transfer.target = target
            transfer.repair = repair
            transfer.told, transfer.is_keyed = (State.QUEUED, 0), False
            transfer.enter(State.QUEUED)
            self.take(transfer)
            again.append(transfer)
        if again:
            self._recording.ask_again()
            numbers = {transfer.id for transfer in again}
            self._to_forget = [number for number in self._to_forget if number not in numbers]
            self._group.start_soon(self._note_again, again)
        self.go_on()

    async def _note_again(self, transfers: Sequence[Transfer]) -> None:
        """Note retried ones in the journal: what was cancelled it had forgotten, and a kill would, too."""
        for at in range(0, len(transfers), _AT_ONCE):
            left = [one for one in transfers[at : at + _AT_ONCE] if not one.state.is_final]
            await self._notes.queued(left)
            if over := [one.id for one in left if _is_over(one)]:  # taken out before it was noted
                await self._recording.forget(*over)

    def forget(self, ids: Iterable[int]) -> None:
        """Know no more of failed and cancelled transfers: they cannot be retried, and never come back."""
        ended = [one for one in self._known(ids) if one.state in {State.FAILED, State.CANCELLED}]
        for transfer in ended:
            if not self._is_running(transfer):
                del self._transfers[transfer.id]
        if ended and self._queue_journal is not None:
            self._group.start_soon(self._recording.forget, *(one.id for one in ended))

    def hurry(self) -> None:
        """Ask for stores that are out of reach now, not when they are due."""
        for target in {transfer.target for transfer in self._running.values()}:
            target.hurry()

    @property
    def blocked_targets(self) -> list[Target]:
        """Where something waits for the person to sign in."""
        return list({t.target for t in self._blocked if t.target.blocked is not None})

    def replace_target(self, old: Target, new: Target) -> None:
        """Go on, with new credentials, with what waits for the person to sign in."""
        for transfer in self._transfers.values():
            if transfer.target is old:
                transfer.target = new
        waiting, self._blocked = self._blocked, []
        for transfer in waiting:
            if transfer.target.blocked is not None:
                self._blocked.append(transfer)
            elif transfer.state is State.WAITING:
                transfer.enter(State.QUEUED)
                self.line_up(transfer)
                self._reporter.emit(queued_event(transfer))
            elif transfer.state is State.QUEUED:
                self.line_up(transfer)
        self.go_on()

    async def cancel_all(self) -> None:
        """Cancel everything, drops that are being walked too, and wait until nothing is left in S3."""
        while True:
            self._drops.stop_walks()
            left = [t.id for t in self._transfers.values() if not t.state.is_final]
            if not (left or self._running or self._clean_ups or self._drops.is_busy):
                return
            self.cancel(left)
            await self._slices.done()
            while self._running or self._clean_ups:
                await self._reporter.next_change()
            if self._drops.is_busy:
                await self._reporter.next_change()

    async def suspend(self) -> None:
        """Stop everything so that the next start of the program goes on with it.

        What was sent stays in the store; files that wait stay in the journal, if the queue is kept there. A
        drop that is being walked is walked to its end.
        """
        self.is_paused = True
        for transfer in list(self._running.values()):
            if not transfer.is_cancelled:
                self._stop(transfer, State.CANCELLED if transfer.stream else State.PAUSED)
        while self._running or self._drops.walking:
            await self._reporter.next_change()

    async def tell_progress(self) -> None:
        """Tell the progress of what runs, until cancelled."""
        await self._reporter.tick(self._running.values)

    async def drained(self) -> None:
        """Wait until every transfer is at its end."""
        while self.active_count:
            await self._reporter.next_change()

    # --- the line --------------------------------------------------------------------------------

    def _known(self, ids: Iterable[int]) -> list[Transfer]:
        return [self._transfers[number] for number in ids if number in self._transfers]

    def _is_running(self, transfer: Transfer) -> bool:
        return transfer.id in self._running

    def take(self, transfer: Transfer) -> None:
        """Know a transfer and let it wait; whoever adds some calls `go_on` when all of them are there."""
        self._transfers[transfer.id] = transfer
        self._unfinished += 1
        if self._history is not None:
            self._history.queued(transfer)
        self._reporter.emit(queued_event(transfer))
        if transfer.state is State.PAUSED:
            self._apart.add(transfer.id)
            self._reporter.emit(Paused(id=transfer.id))
        else:
            self._apart.discard(transfer.id)
            self.line_up(transfer)

    def line_up(self, transfer: Transfer) -> None:
        """Let a transfer wait for its turn, unless it is held."""
        if not (transfer.is_queued or transfer.is_held):
            transfer.is_queued = True
            (self._small if _is_small(transfer) else self._large).append(transfer)

    def let_go(self, transfer: Transfer) -> None:
        """Know no more of a transfer that was held: its drop is not wanted."""
        if self._transfers.pop(transfer.id, None) and not transfer.state.is_final:
            transfer.enter(State.CANCELLED)
            self._unfinished -= 1

    def go_on(self) -> None:
        """Begin what waits, as much as may run at once."""
        if self.is_paused or self._resuming:
            return
        while self._small and self._small_lanes < _SMALL_LANES:
            count = max(1, min(_SMALL_VISIT, -(-len(self._small) // _SMALL_LANES)))
            files = self._taken_small(count)
            if files:
                self._small_lanes += 1
                self._group.start_soon(self._run_small, files)
        while self._large and self._large_running < _LARGE_AT_ONCE:
            transfer = self._large.popleft()
            if self._taken(transfer):
                self._large_running += 1
                transfer.scope = anyio.CancelScope()
                self._group.start_soon(self._run, transfer)

    def _taken_small(self, count: int) -> list[SmallFile]:
        """Take some small files of one target out of the line."""
        files: list[SmallFile] = []
        while self._small and len(files) < count:
            if files and self._small[0].target is not files[0].transfer.target:
                break
            transfer = self._small.popleft()
            if self._taken(transfer):
                file = SmallFile(transfer)
                transfer.scope, transfer.progress = file, file.progress
                files.append(file)
        return files

    def _taken(self, transfer: Transfer) -> bool:
        """Take a transfer out of the line; whether it can be begun now."""
        transfer.is_queued = False
        if transfer.state is not State.QUEUED:
            return False  # cancelled or paused while it stood in the line
        if transfer.target.blocked is not None:
            self._blocked.append(transfer)
            return False
        self._running[transfer.id] = transfer
        transfer.wanted = State.CANCELLED
        return True

    def _stop(self, transfer: Transfer, wanted: State) -> None:
        """End the work on a transfer that runs, so that it ends in a state."""
        transfer.wanted = wanted
        scope = transfer.scope
        if scope is None:
            return
        scope.cancel()
        if isinstance(scope, SmallFile) and not scope.begun:  # its turn never comes
            scope.settled = True
            self._settle(transfer, wanted, ended_event(transfer, 0.0))

    # --- small files -----------------------------------------------------------------------------

    async def _run_small(self, files: list[SmallFile]) -> None:
        target = files[0].transfer.target
        try:
            try:
                writer = await target.writer()
            except Exception as error:  # noqa: BLE001  # the fence, as in `_run`
                for file in files:
                    file.error = error
            else:
                await visit(writer, files, self._visits)
            with anyio.CancelScope(shield=True):  # what S3 has, the catalog must know
                await self._settle_small(files, target)
        finally:
            for file in files:  # the engine is being closed: nobody waits for them
                if not file.settled:
                    file.settled = True
                    self._settle(file.transfer, State.CANCELLED, Cancelled(file.transfer.id, 0.0))
            self._small_lanes -= 1
            self.go_on()

    async def _settle_small(self, files: Sequence[SmallFile], target: Target) -> None:
        """Note what was stored, and put each where it belongs."""
        stored: list[tuple[SmallFile, Confirmed]] = []
        for file in files:
            if file.settled:
                continue
            transfer = file.transfer
            if file.outcome is not None:
                stored.append((file, Confirmed(transfer, pointer_of(file.outcome))))
                continue
            file.settled = True
            if file.error is None or file.cancel_called:  # told to end after it had failed
                self._settle(transfer, transfer.wanted, ended_event(transfer, file.seconds))
            elif needs_patience(file.error):
                self._again_alone(transfer)
            else:
                self._settle(transfer, *self._failure(transfer, target, file.error, file.seconds))
        problems: Sequence[Exception | None]
        try:
            problems = await self._recording.note(*(confirmed for _, confirmed in stored))
        except Exception as error:  # noqa: BLE001  # the fence, as in `_run`
            problems = [error] * len(stored)
        for (file, confirmed), problem in zip(stored, problems, strict=True):
            file.settled = True
            transfer, outcome = file.transfer, file.outcome
            assert outcome is not None
            if problem is not None:
                sent = outcome.sent_bytes
                self._settle(
                    transfer, *self._failure(transfer, target, problem, file.seconds, sent)
                )
            else:
                event = success_event(transfer.id, outcome, confirmed.pointer, file.seconds)
                self._settle(transfer, *event)

    def _again_alone(self, transfer: Transfer) -> None:
        """Do a small file by itself: it needs patience, which a visit has not."""
        del self._running[transfer.id]
        if transfer.progress is not None:
            transfer.is_unheard = transfer.progress.is_unheard
        transfer.scope = transfer.progress = None
        transfer.alone = True
        if transfer.state is not State.QUEUED:
            transfer.enter(State.QUEUED)
        self.line_up(transfer)

    # --- one transfer by itself ------------------------------------------------------------------

    async def _run(self, transfer: Transfer) -> None:
        started = time.monotonic()
        assert isinstance(transfer.scope, anyio.CancelScope)
        target = transfer.target
        result: tuple[State, Event] | None = None
        in_line = True

        def leave_line() -> None:
            nonlocal in_line
            if in_line:
                in_line = False
                self._large_running -= 1
                self.go_on()

        try:
            with transfer.scope:
                try:
                    outcome = await self._storing.store(transfer)
                    pointer = pointer_of(outcome)
                    # S3 has it: the catalog must know. The next file need not wait for that.
                    with anyio.CancelScope(shield=True):
                        leave_line()
                        (problem,) = await self._recording.note(Confirmed(transfer, pointer))
                        seconds = time.monotonic() - started
                        if problem is not None:
                            sent = outcome.sent_bytes
                            result = self._failure(transfer, target, problem, seconds, sent)
                        else:
                            result = success_event(transfer.id, outcome, pointer, seconds)
                except Exception as error:  # noqa: BLE001  # the fence: one file's surprise never ends the queue
                    result = self._failure(transfer, target, error, time.monotonic() - started)
        finally:
            seconds = time.monotonic() - started
            self._settle(transfer, *(result or (transfer.wanted, ended_event(transfer, seconds))))
            leave_line()

    def _failure(
        self,
        transfer: Transfer,
        target: Target,
        error: Exception,
        seconds: float,
        sent_bytes: int = 0,
    ) -> tuple[State, Event]:
        waits = self._waits_for_sign_in and transfer.path is not None  # a stream is read once
        if isinstance(error, CredentialsExpired) and waits:
            if transfer.target is not target:  # the person has signed in meanwhile
                return State.QUEUED, queued_event(transfer)
            target.blocked = error
            return State.WAITING, Waiting(id=transfer.id, error=error, seconds=None)
        if not isinstance(error, HashdropError):
            _LOG.error("Storing %s failed unexpectedly", transfer.name, exc_info=error)
            error = unexpected(transfer.name, error)
        return State.FAILED, Failed(transfer.id, error, seconds, sent_bytes)

    def _settle(self, transfer: Transfer, state: State, event: Event) -> None:
        """Put a transfer whose work is over where it belongs."""
        if state in {State.STORED, State.ALREADY_STORED}:
            self._reporter.tell_key(transfer)
        may_have_begun = not isinstance(transfer.scope, SmallFile)
        transfer.scope = transfer.progress = None
        del self._running[transfer.id]
        if state.is_final:
            self._end(transfer, state, event)
            if state is State.CANCELLED and may_have_begun:
                # Resumed and cancelled at once, it has not looked for what an earlier try had sent.
                self._clean_ups += 1
                self._group.start_soon(self._drop_unfinished, [transfer])
            return
        if state is State.QUEUED:
            transfer.enter(State.PAUSED)
        transfer.enter(state)
        transfer.told, transfer.is_keyed = (State.QUEUED, 0), False
        if state is State.WAITING:
            self._blocked.append(transfer)
        self._reporter.emit(event)
        if state is State.QUEUED:
            self.line_up(transfer)
            self.go_on()

    async def _drop_unfinished(self, transfers: Sequence[Transfer]) -> None:
        try:
            await self._storing.drop_unfinished(transfers)
        finally:
            self._clean_ups -= 1
            self._reporter.wake()

    def _end(self, transfer: Transfer, state: State, event: Event) -> None:
        transfer.enter(state)
        self._unfinished -= 1
        if self._history is not None:
            self._history.ended(transfer, state, event)
        if state in {State.STORED, State.ALREADY_STORED}:
            del self._transfers[transfer.id]  # nothing can be done with it any more
        elif state is State.CANCELLED and self._queue_journal is not None:
            self._to_forget.append(transfer.id)
            if len(self._to_forget) == 1:
                self._group.start_soon(self._forget_gathered)
        self._reporter.emit(event)

    async def _forget_gathered(self) -> None:
        """Take what was cancelled out of the journal: all that was gathered meanwhile in one write."""
        await anyio.lowlevel.checkpoint()
        ids, self._to_forget = self._to_forget, []
        with anyio.CancelScope(shield=True):
            await self._recording.forget(*ids)


def _is_over(transfer: Transfer) -> bool:
    """Whether the next start has nothing to do for it: what failed is tried again."""
    return transfer.state.is_final and transfer.state is not State.FAILED


def _is_small(transfer: Transfer) -> bool:
    return (
        transfer.size is not None
        and transfer.size <= SMALL_FILE
        and not transfer.alone
        and not transfer.single_pass
        and not transfer.target.connection.single_pass
    )


@asynccontextmanager
async def open_engine(
    record: RecordMany,
    *,
    journal: Journal | None = None,
    keeps_queue: bool = False,
    waits_for_sign_in: bool = False,
    history: History | None = None,
) -> AsyncGenerator[Engine, None]:
    """Run an engine; at the end what is left is cancelled and cleaned up.

    Args:
        record: Notes in the catalog what S3 confirmed.
        journal: What must survive a kill; `None` for nothing.
        keeps_queue: Whether the files that wait are journaled too, for the next start.
        waits_for_sign_in: Whether expired credentials are waited for; else the file fails.
        history: Told what becomes of files; `None` for nobody.
    """
    async with anyio.create_task_group() as group:
        engine = Engine(
            group,
            record,
            journal=journal,
            keeps_queue=keeps_queue,
            waits_for_sign_in=waits_for_sign_in,
            history=history,
        )
        group.start_soon(engine.tell_progress)
        try:
            yield engine
        finally:
            group.cancel_scope.cancel()
