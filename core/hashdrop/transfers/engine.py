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
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from hashdrop.content_types import content_type_of
from hashdrop.errors import CredentialsExpired
from hashdrop.errors import HashdropError
from hashdrop.errors import SourceChanged
from hashdrop.errors import SourceError
from hashdrop.pointer import StoredPointer
from hashdrop.s3.direct import is_resumable
from hashdrop.s3.progress import Phase
from hashdrop.s3.progress import Progress
from hashdrop.s3.writing import SMALL_FILE
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import HashedAgain
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Listener
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Verifying
from hashdrop.transfers.events import Waiting
from hashdrop.transfers.journal import QueuedFile
from hashdrop.transfers.recording import Confirmed
from hashdrop.transfers.recording import Recording
from hashdrop.transfers.sources import find_files
from hashdrop.transfers.transfer import Transfer

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from hashdrop.s3.writing import WriteOutcome
    from hashdrop.transfers.journal import Journal
    from hashdrop.transfers.target import Target

_LOG = logging.getLogger(__name__)

_SMALL_AT_ONCE = 24
"""Small files on their way at once: each costs a round trip or two, not bandwidth."""
_LARGE_AT_ONCE = 4
"""Large files at once: some are hashed while others are sent; their threads and parts are bounded below."""
_TICK_S = 0.1
"""Progress is told at most this often."""
_SCAN_STEP = 500
"""Files found in one visit to the thread that walks folders."""
_HASHED_AGAIN = 2
"""How often a file that changed while it was read is hashed anew by itself."""
_SETTLE_S = 0.5

_STATE_OF_PHASE = {
    Phase.WAITING: State.HASHING,
    Phase.HASHING: State.HASHING,
    Phase.SENDING: State.UPLOADING,
    Phase.VERIFYING: State.VERIFYING,
}

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
    """

    def __init__(
        self,
        group: TaskGroup,
        record: RecordMany,
        *,
        journal: Journal | None = None,
        keeps_queue: bool = False,
        waits_for_sign_in: bool = False,
    ) -> None:
        self._group = group
        self._journal = journal
        self._queue_journal = journal if keeps_queue else None
        self._recording = Recording(record, self._queue_journal)
        self._waits_for_sign_in = waits_for_sign_in
        self._ids = itertools.count(1)
        self._batches = itertools.count(1)
        self._transfers: dict[int, Transfer] = {}
        self._small: deque[Transfer] = deque()
        self._large: deque[Transfer] = deque()
        self._blocked: list[Transfer] = []
        self._running: dict[int, Transfer] = {}
        self._small_running = 0
        self._large_running = 0
        self._listeners: list[Listener] = []
        self._scans = 0
        self._drops = 0
        self._unfinished = 0
        self._changed = anyio.Event()
        self.is_paused = False
        """Whether nothing is started until `resume_all`."""

    # --- what others call ------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener every event from now on.

        Returns:
            Ends it.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    @property
    def active_count(self) -> int:
        """Transfers that are not at their end, and drops that are still being walked."""
        return self._unfinished + self._scans

    def add(
        self,
        paths: Sequence[Path],
        target: Target,
        *,
        tags: Mapping[str, str] | None = None,
        single_pass: bool = False,
        repair: bool = False,
    ) -> int:
        """Queue a drop; its files are found in a thread and follow as events.

        Args:
            paths: Files and folders.
            target: Where to.
            tags: Of each object.
            single_pass: Stream instead of hashing first.
            repair: Whether to replace an object that is not what its key says.

        Returns:
            The number of the batch.
        """
        batch = next(self._batches)
        self._scans += 1
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
        self._group.start_soon(self._scan, list(paths), like)
        return batch

    def add_stream(
        self,
        stream: AsyncIterable[bytes],
        target: Target,
        *,
        name: str,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> int:
        """Queue a stream that can be read once, such as standard input.

        Returns:
            The number of its batch.
        """
        batch = next(self._batches)
        self._queue(
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
            )
        )
        self._emit(BatchScanned(batch=batch, files=1, total_size=0, faults=()))
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
        await self._note_queued(restored, taken_over=True)
        for transfer in restored:
            self._queue(transfer)
        for batch, (count, size) in totals.items():
            self._emit(BatchScanned(batch=batch, files=count, total_size=size, faults=()))
        return len(restored)

    def cancel(self, ids: Iterable[int]) -> None:
        """Cancel transfers; those at their end are left alone."""
        for transfer in self._known(ids):
            if transfer.state.is_final:
                continue
            if transfer.scope is not None:
                transfer.wanted = State.CANCELLED
                transfer.scope.cancel()
            elif not self._is_running(transfer):
                self._end(transfer, State.CANCELLED, Cancelled(id=transfer.id, seconds=0.0))
                self._drops += 1
                self._group.start_soon(self._drop_unfinished, transfer)

    def pause(self, ids: Iterable[int]) -> None:
        """Pause transfers: what was sent of them stays in the store and is gone on with."""
        noted: list[int] = []
        for transfer in self._known(ids):
            if transfer.state.is_final or transfer.state is State.PAUSED:
                continue
            if transfer.stream is not None and self._is_running(transfer):
                continue  # it could not be read again
            if transfer.is_cancelled:
                continue
            noted.append(transfer.id)
            if transfer.scope is not None:
                transfer.wanted = State.PAUSED
                transfer.scope.cancel()
            elif not self._is_running(transfer):
                transfer.enter(State.PAUSED)
                self._emit(Paused(id=transfer.id))
        self._note_paused(noted, paused=True)

    def resume(self, ids: Iterable[int]) -> None:
        """Queue paused transfers again."""
        noted: list[int] = []
        for transfer in self._known(ids):
            if transfer.state is State.PAUSED:
                noted.append(transfer.id)
                transfer.enter(State.QUEUED)
                self._line_up(transfer)
                self._emit(_queued(transfer))
            elif transfer.wanted is State.PAUSED and self._is_running(transfer):
                noted.append(transfer.id)
                transfer.wanted = State.QUEUED  # as soon as it has come to rest
        self._note_paused(noted, paused=False)
        self._start_waiting()

    def pause_all(self) -> None:
        """Pause everything, and start nothing until `resume_all`."""
        self.is_paused = True
        self.pause(list(self._transfers))

    def resume_all(self) -> None:
        """Go on with everything that is paused."""
        self.is_paused = False
        self.resume(list(self._transfers))

    def retry(self, ids: Iterable[int], target: Target, *, repair: bool = False) -> None:
        """Queue failed and cancelled files again, under their ids.

        Args:
            ids: Of transfers; streams cannot be read again and are left alone.
            target: For those whose own target could not be reached.
            repair: Whether to replace an object that is not what its key says.
        """
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
            self._queue(transfer)

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
                self._line_up(transfer)
                self._emit(_queued(transfer))
            elif transfer.state is State.QUEUED:
                self._line_up(transfer)
        self._start_waiting()

    async def cancel_all(self) -> None:
        """Cancel everything and wait until nothing of it is left in S3."""
        while True:
            left = [t.id for t in self._transfers.values() if not t.state.is_final]
            if not (left or self._running or self._drops):
                return
            self.cancel(left)
            if self._running or self._drops:
                await self._next_change()

    async def suspend(self) -> None:
        """Stop everything so that the next start of the program goes on with it.

        What was sent stays in the store; files that wait stay in the journal, if the queue is kept there.
        """
        self.is_paused = True
        for transfer in list(self._running.values()):
            if transfer.scope is not None and not transfer.is_cancelled:
                transfer.wanted = State.PAUSED if transfer.stream is None else State.CANCELLED
                transfer.scope.cancel()
        while self._running:
            await self._next_change()

    async def drained(self) -> None:
        """Wait until every transfer is at its end."""
        while self.active_count:
            await self._next_change()

    # --- the line --------------------------------------------------------------------------------

    def _known(self, ids: Iterable[int]) -> list[Transfer]:
        return [self._transfers[number] for number in ids if number in self._transfers]

    def _is_running(self, transfer: Transfer) -> bool:
        return transfer.id in self._running

    def _queue(self, transfer: Transfer) -> None:
        self._transfers[transfer.id] = transfer
        self._unfinished += 1
        self._emit(_queued(transfer))
        if transfer.state is State.PAUSED:
            self._emit(Paused(id=transfer.id))
            return
        self._line_up(transfer)
        self._start_waiting()

    def _line_up(self, transfer: Transfer) -> None:
        if transfer.is_queued:
            return
        transfer.is_queued = True
        (self._small if _is_small(transfer) else self._large).append(transfer)

    def _start_waiting(self) -> None:
        if self.is_paused:
            return
        while self._small and self._small_running < _SMALL_AT_ONCE:
            self._start(self._small.popleft())
        while self._large and self._large_running < _LARGE_AT_ONCE:
            self._start(self._large.popleft())

    def _start(self, transfer: Transfer) -> None:
        transfer.is_queued = False
        if transfer.state is not State.QUEUED:
            return  # cancelled or paused while it stood in the line
        if transfer.target.blocked is not None:
            self._blocked.append(transfer)
            return
        self._count_running(transfer, 1)
        self._running[transfer.id] = transfer
        transfer.scope = anyio.CancelScope()
        transfer.wanted = State.CANCELLED
        self._group.start_soon(self._run, transfer)

    def _count_running(self, transfer: Transfer, change: int) -> None:
        if _is_small(transfer):
            self._small_running += change
        else:
            self._large_running += change

    async def _scan(self, paths: list[Path], like: Transfer) -> None:
        files = total = 0
        faults: list[SourceError] = []
        found = find_files(paths)
        try:
            while step := await run_sync(lambda: list(islice(found, _SCAN_STEP))):
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
                        )
                    )
                await self._note_queued(queued)
                for transfer in queued:
                    self._queue(transfer)
        finally:
            self._scans -= 1
        self._emit(
            BatchScanned(batch=like.batch, files=files, total_size=total, faults=tuple(faults))
        )

    async def _note_queued(
        self, transfers: Sequence[Transfer], *, taken_over: bool = False
    ) -> None:
        if self._queue_journal is None:
            return
        files = [
            QueuedFile(
                transfer=one.id,
                batch=one.batch,
                path=one.path,
                folder=one.folder,
                size=one.size or 0,
                connection=one.target.connection,
                tags=dict(one.tags),
                single_pass=one.single_pass,
                paused=one.state is State.PAUSED,
            )
            for one in transfers
            if one.path is not None
        ]
        try:
            await self._queue_journal.queue(files, taken_over=taken_over)
        except HashdropError as error:
            # They are stored all the same; only a crash would forget them.
            _LOG.warning("The queue could not be journaled: %s", error)

    def _note_paused(self, ids: list[int], *, paused: bool) -> None:
        journal = self._queue_journal
        if journal is None or not ids:
            return

        async def note() -> None:
            try:
                await journal.pause(ids, paused=paused)
            except HashdropError as error:
                _LOG.warning("The pause could not be journaled: %s", error)

        self._group.start_soon(note)

    # --- one transfer ----------------------------------------------------------------------------

    async def _run(self, transfer: Transfer) -> None:
        started = time.monotonic()
        target = transfer.target
        assert transfer.scope is not None
        state, event = State.CANCELLED, None
        in_line = True

        def leave_line() -> None:
            nonlocal in_line
            if in_line:
                in_line = False
                self._count_running(transfer, -1)
                self._start_waiting()

        try:
            with transfer.scope:
                try:
                    outcome, pointer = await self._store(transfer)
                    self._told_key(transfer)
                    # S3 has it: the catalog must know. The next file need not wait for that.
                    with anyio.CancelScope(shield=True):
                        leave_line()
                        await self._recording.note(Confirmed(transfer, pointer))
                except HashdropError as error:
                    seconds = time.monotonic() - started
                    state, event = self._failure(transfer, target, error, seconds)
                except Exception as error:  # noqa: BLE001  # the fence: one file's surprise never ends the queue
                    _LOG.exception("Storing %s failed unexpectedly", transfer.name)
                    known = _unexpected(transfer.name, error)
                    state = State.FAILED
                    event = Failed(id=transfer.id, error=known, seconds=time.monotonic() - started)
                else:
                    seconds = time.monotonic() - started
                    state, event = _success(transfer, outcome, pointer, seconds)
            if event is None:
                state = transfer.wanted
                match state:
                    case State.PAUSED:
                        event = Paused(id=transfer.id)
                    case State.QUEUED:
                        event = _queued(transfer)
                    case _:
                        event = Cancelled(id=transfer.id, seconds=time.monotonic() - started)
        finally:
            transfer.scope = transfer.progress = None
            del self._running[transfer.id]
            self._settle(transfer, state, event or Cancelled(id=transfer.id, seconds=0.0))
            leave_line()

    def _failure(
        self, transfer: Transfer, target: Target, error: HashdropError, seconds: float
    ) -> tuple[State, Event]:
        waits = (
            self._waits_for_sign_in and transfer.path is not None
        )  # a stream cannot be read again
        if isinstance(error, CredentialsExpired) and waits:
            if transfer.target is not target:  # the person has signed in meanwhile
                return State.QUEUED, _queued(transfer)
            target.blocked = error
            return State.WAITING, Waiting(id=transfer.id, error=error, seconds=None)
        return State.FAILED, Failed(id=transfer.id, error=error, seconds=seconds)

    def _settle(self, transfer: Transfer, state: State, event: Event) -> None:
        """Put a transfer whose work is over where it belongs."""
        if state.is_final:
            self._end(transfer, state, event)
            return
        if state is State.QUEUED:
            transfer.enter(State.PAUSED)
        transfer.enter(state)
        transfer.told, transfer.is_keyed = (State.QUEUED, 0), False
        if state is State.WAITING:
            self._blocked.append(transfer)
        self._emit(event)
        if state is State.QUEUED:
            self._line_up(transfer)
            self._start_waiting()

    async def _store(self, transfer: Transfer) -> tuple[WriteOutcome, StoredPointer]:
        writer = await transfer.target.writer()
        attempt = 0

        def keep(cause: BaseException | None) -> bool:
            if isinstance(cause, Exception):
                return is_resumable(cause)
            return transfer.wanted is not State.CANCELLED

        while True:
            progress = transfer.progress = self._progress_of(transfer)
            try:
                if transfer.path is not None:
                    outcome = await writer.write_file(
                        Path(transfer.path),
                        content_type=transfer.content_type,
                        tags=transfer.tags,
                        progress=progress,
                        single_pass=transfer.single_pass or transfer.target.connection.single_pass,
                        repair=transfer.repair,
                        log=self._journal,
                        keep=keep,
                    )
                else:
                    assert transfer.stream is not None
                    outcome = await writer.write_stream(
                        transfer.stream,
                        content_type=transfer.content_type or content_type_of(transfer.name),
                        tags=transfer.tags,
                        progress=progress,
                    )
            except SourceChanged as error:
                attempt += 1
                if transfer.path is None or attempt > _HASHED_AGAIN:
                    raise
                self._emit(HashedAgain(id=transfer.id, error=error))
                await anyio.sleep(_SETTLE_S * attempt)
                continue
            pointer = StoredPointer(
                bucket=outcome.pointer["bucket"],
                key=outcome.pointer["key"],
                content_hash=outcome.digest["content_hash"],
                content_size=outcome.digest["content_size"],
                content_type=outcome.digest["content_type"],
            )
            return outcome, pointer

    def _progress_of(self, transfer: Transfer) -> Progress:
        transfer.is_keyed = False
        return Progress(
            on_phase=lambda _: self._report(transfer),
            on_keyed=lambda _place, _hash: self._told_key(transfer),
        )

    async def _drop_unfinished(self, transfer: Transfer) -> None:
        """Take away what a paused or waiting transfer had in the store, now that it is cancelled."""
        try:
            if self._journal is not None and transfer.path is not None:
                writer = await transfer.target.writer()
                await writer.drop_unfinished(Path(transfer.path), self._journal)
        except HashdropError as error:
            _LOG.warning("An upload of %s may be left: %s", transfer.name, error)
        finally:
            self._drops -= 1
            self._changed.set()

    def _end(self, transfer: Transfer, state: State, event: Event) -> None:
        transfer.enter(state)
        self._unfinished -= 1
        if state in {State.STORED, State.ALREADY_STORED}:
            del self._transfers[transfer.id]  # nothing can be done with it any more
        elif state is State.CANCELLED and self._queue_journal is not None:
            self._group.start_soon(self._recording.forget, transfer.id)
        self._emit(event)

    # --- telling ---------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Tell the progress of what runs, over and over."""
        while True:
            for transfer in list(self._running.values()):
                self._report(transfer)
            await anyio.sleep(_TICK_S)

    def _report(self, transfer: Transfer) -> None:
        progress = transfer.progress
        if progress is None or transfer.state.is_final:
            return
        self._told_key(transfer)
        outage = transfer.target.outage
        if outage is not None and progress.place is not None:
            left = max(0, round(outage.next_try - time.monotonic()))
            if transfer.state is not State.WAITING:
                transfer.enter(State.WAITING)
            if transfer.told != (State.WAITING, left):
                transfer.told = (State.WAITING, left)
                self._emit(Waiting(id=transfer.id, error=outage.error, seconds=left))
            return
        state = _STATE_OF_PHASE[progress.phase]
        if state is not transfer.state:
            transfer.enter(state)
        count = {State.HASHING: progress.hashed, State.UPLOADING: progress.sent}.get(state, 0)
        if transfer.told == (state, count):
            return
        transfer.told = (state, count)
        match state:
            case State.HASHING:
                self._emit(Hashing(id=transfer.id, done=count, total=transfer.size))
            case State.UPLOADING:
                self._emit(Uploading(id=transfer.id, done=count, total=transfer.size))
            case _:
                self._emit(Verifying(id=transfer.id))

    def _told_key(self, transfer: Transfer) -> None:
        progress = transfer.progress
        if transfer.is_keyed or progress is None or progress.place is None:
            return
        transfer.is_keyed = True
        self._emit(
            Keyed(
                id=transfer.id,
                bucket=progress.place["bucket"],
                key=progress.place["key"],
                content_hash=progress.content_hash,
            )
        )

    def _emit(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)
        self._changed.set()

    async def _next_change(self) -> None:
        self._changed = anyio.Event()
        await self._changed.wait()


def _is_small(transfer: Transfer) -> bool:
    return transfer.size is not None and transfer.size <= SMALL_FILE


def _queued(transfer: Transfer) -> Queued:
    return Queued(
        id=transfer.id,
        batch=transfer.batch,
        name=transfer.name,
        folder=transfer.folder,
        path=transfer.path or "-",
        size=transfer.size,
    )


def _success(
    transfer: Transfer, outcome: WriteOutcome, pointer: StoredPointer, seconds: float
) -> tuple[State, Event]:
    if outcome.already_stored:
        return State.ALREADY_STORED, AlreadyStored(
            id=transfer.id, pointer=pointer, sent_bytes=outcome.sent_bytes, seconds=seconds
        )
    return State.STORED, Stored(
        id=transfer.id,
        pointer=pointer,
        sent_bytes=outcome.sent_bytes,
        seconds=seconds,
        verified=outcome.verified,
        unverified_reason=outcome.unverified_reason,
    )


def _unexpected(name: str, error: Exception) -> HashdropError:
    if isinstance(error, NotImplementedError):
        return HashdropError(
            "This connection is read-only.", hint="Choose another one to store files."
        )
    return HashdropError(
        f"Something unexpected went wrong with “{name}”.",
        hint="Retry; if it stays, report it with the details.",
        retryable=True,
        technical=type(error).__name__,
    )


@asynccontextmanager
async def open_engine(
    record: RecordMany,
    *,
    journal: Journal | None = None,
    keeps_queue: bool = False,
    waits_for_sign_in: bool = False,
) -> AsyncGenerator[Engine, None]:
    """Run an engine; at the end what is left is cancelled and cleaned up.

    Args:
        record: Notes in the catalog what S3 confirmed.
        journal: What must survive a kill; `None` for nothing.
        keeps_queue: Whether the files that wait are journaled too, for the next start.
        waits_for_sign_in: Whether expired credentials are waited for; else the file fails.
    """
    async with anyio.create_task_group() as group:
        engine = Engine(
            group,
            record,
            journal=journal,
            keeps_queue=keeps_queue,
            waits_for_sign_in=waits_for_sign_in,
        )
        group.start_soon(engine.tick)
        try:
            yield engine
        finally:
            group.cancel_scope.cancel()
