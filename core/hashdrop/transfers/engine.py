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
from hashdrop.errors import HashdropError
from hashdrop.errors import SourceError
from hashdrop.pointer import StoredPointer
from hashdrop.s3.progress import Phase
from hashdrop.s3.progress import Progress
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Listener
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Verifying
from hashdrop.transfers.sources import find_files
from hashdrop.transfers.transfer import Transfer

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from hashdrop.s3.storage import WriteOutcome
    from hashdrop.transfers.target import Target

_LOG = logging.getLogger(__name__)

_AT_ONCE = 8
"""Transfers that run at once; their threads and parts are bounded by the storage."""
_TICK_S = 0.1
"""Progress is told at most this often."""
_SCAN_STEP = 500
"""Files found in one visit to the thread that walks folders."""

Recorder = Callable[[Transfer, StoredPointer], Awaitable[None]]
"""Notes in the catalog what S3 confirmed; raises `CatalogError`."""

_STATE_OF_PHASE = {
    Phase.HASHING: State.HASHING,
    Phase.SENDING: State.UPLOADING,
    Phase.VERIFYING: State.VERIFYING,
}


class Engine:
    """The queue of transfers; made by `open_engine`.

    Args:
        group: Runs its tasks.
        record: Called for each object that S3 confirmed, before the transfer is called stored.
    """

    def __init__(self, group: TaskGroup, record: Recorder) -> None:
        self._group = group
        self._record = record
        self._ids = itertools.count(1)
        self._batches = itertools.count(1)
        self._transfers: dict[int, Transfer] = {}
        self._waiting: deque[Transfer] = deque()
        self._running: dict[int, Transfer] = {}
        self._listeners: list[Listener] = []
        self._scans = 0
        self._unfinished = 0
        self._changed = anyio.Event()

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
    ) -> int:
        """Queue a drop; its files are found in a thread and follow as events.

        Args:
            paths: Files and folders.
            target: Where to.
            tags: Of each object.
            single_pass: Stream instead of hashing first.

        Returns:
            The number of the batch.
        """
        batch = next(self._batches)
        self._scans += 1
        self._group.start_soon(
            self._scan, batch, list(paths), target, dict(tags or {}), single_pass
        )
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

    def cancel(self, ids: Iterable[int]) -> None:
        """Cancel transfers; those at their end are left alone."""
        for number in ids:
            transfer = self._transfers.get(number)
            if transfer is None or transfer.state.is_final:
                continue
            if transfer.scope is not None:
                transfer.scope.cancel()
            elif transfer.state is State.QUEUED:
                self._end(transfer, State.CANCELLED, Cancelled(id=transfer.id, seconds=0.0))

    def retry(self, ids: Iterable[int], target: Target) -> None:
        """Queue failed and cancelled files again, under their ids.

        Args:
            ids: Of transfers; streams cannot be read again and are left alone.
            target: For those whose own target could not be reached.
        """
        for number in ids:
            transfer = self._transfers.get(number)
            if transfer is None or transfer.state not in {State.FAILED, State.CANCELLED}:
                continue
            if transfer.path is None or transfer.id in self._running:
                continue
            if (
                transfer.target.has_failed
                or transfer.target.connection.name == target.connection.name
            ):
                transfer.target = target
            transfer.enter(State.QUEUED)
            transfer.progress = Progress()
            transfer.reported = (State.QUEUED, 0)
            self._queue(transfer)

    async def cancel_all(self) -> None:
        """Cancel everything and wait until nothing of it is left in S3."""
        self.cancel(list(self._transfers))
        while self._running or any(not t.state.is_final for t in self._transfers.values()):
            self.cancel([t.id for t in self._transfers.values() if not t.state.is_final])
            await self._next_change()

    async def drained(self) -> None:
        """Wait until every transfer is at its end."""
        while self.active_count:
            await self._next_change()

    # --- work ------------------------------------------------------------------------------------

    def _queue(self, transfer: Transfer) -> None:
        self._transfers[transfer.id] = transfer
        self._waiting.append(transfer)
        self._unfinished += 1
        self._emit(
            Queued(
                id=transfer.id,
                batch=transfer.batch,
                name=transfer.name,
                folder=transfer.folder,
                path=str(transfer.path) if transfer.path else "-",
                size=transfer.size,
            )
        )
        self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < _AT_ONCE:
            transfer = self._waiting.popleft()
            if transfer.state is State.QUEUED:
                self._running[transfer.id] = transfer
                transfer.scope = anyio.CancelScope()
                self._group.start_soon(self._run, transfer)

    async def _scan(
        self,
        batch: int,
        paths: list[Path],
        target: Target,
        tags: dict[str, str],
        single_pass: bool,  # noqa: FBT001
    ) -> None:
        files = total = 0
        faults: list[SourceError] = []
        found = find_files(paths)
        try:
            while step := await run_sync(lambda: list(islice(found, _SCAN_STEP))):
                for item in step:
                    if isinstance(item, SourceError):
                        faults.append(item)
                        continue
                    files += 1
                    total += item.size
                    self._queue(
                        Transfer(
                            id=next(self._ids),
                            batch=batch,
                            name=item.path.name,
                            folder=item.folder,
                            size=item.size,
                            target=target,
                            path=item.path,
                            tags=tags,
                            single_pass=single_pass,
                        )
                    )
        finally:
            self._scans -= 1
        self._emit(BatchScanned(batch=batch, files=files, total_size=total, faults=tuple(faults)))

    async def _run(self, transfer: Transfer) -> None:
        started = time.monotonic()
        assert transfer.scope is not None
        event: Event = Cancelled(id=transfer.id, seconds=0.0)
        state = State.CANCELLED
        try:
            with transfer.scope:
                try:
                    outcome, pointer = await self._store(transfer)
                    with anyio.CancelScope(shield=True):  # S3 has it: the catalog must know
                        await self._record(transfer, pointer)
                except HashdropError as error:
                    state = State.FAILED
                    event = Failed(id=transfer.id, error=error, seconds=time.monotonic() - started)
                except Exception as error:  # noqa: BLE001  # the fence: one file's surprise never ends the queue
                    _LOG.exception("Storing %s failed unexpectedly", transfer.name)
                    state = State.FAILED
                    event = Failed(
                        id=transfer.id,
                        error=_unexpected(transfer.name, error),
                        seconds=time.monotonic() - started,
                    )
                else:
                    seconds = time.monotonic() - started
                    state, event = _success(transfer, outcome, pointer, seconds)
            if state is State.CANCELLED:
                event = Cancelled(id=transfer.id, seconds=time.monotonic() - started)
        finally:
            transfer.scope = None
            del self._running[transfer.id]
            self._end(transfer, state, event)
            self._start_waiting()

    async def _store(self, transfer: Transfer) -> tuple[WriteOutcome, StoredPointer]:
        storage = await transfer.target.storage()

        def on_phase(phase: Phase) -> None:
            state = _STATE_OF_PHASE[phase]
            if state is not transfer.state:
                transfer.enter(state)
                self._report(transfer)

        transfer.progress = Progress(
            on_phase=on_phase,
            on_keyed=lambda place, content_hash: self._emit(
                Keyed(
                    id=transfer.id,
                    bucket=place["bucket"],
                    key=place["key"],
                    content_hash=content_hash,
                )
            ),
        )
        if transfer.path is not None:
            outcome = await storage.write_file(
                transfer.path,
                content_type=transfer.content_type,
                tags=transfer.tags,
                progress=transfer.progress,
                single_pass=transfer.single_pass or transfer.target.connection.single_pass,
            )
        else:
            assert transfer.stream is not None
            outcome = await storage.write_stream(
                transfer.stream,
                content_type=transfer.content_type or content_type_of(transfer.name),
                tags=transfer.tags,
                progress=transfer.progress,
            )
        pointer = StoredPointer(
            bucket=outcome.pointer["bucket"],
            key=outcome.pointer["key"],
            content_hash=outcome.digest["content_hash"],
            content_size=outcome.digest["content_size"],
            content_type=outcome.digest["content_type"],
        )
        return outcome, pointer

    def _end(self, transfer: Transfer, state: State, event: Event) -> None:
        transfer.enter(state)
        self._unfinished -= 1
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
        count = {State.HASHING: progress.hashed, State.UPLOADING: progress.sent}.get(
            transfer.state, 0
        )
        if transfer.reported == (transfer.state, count):
            return
        transfer.reported = (transfer.state, count)
        match transfer.state:
            case State.HASHING:
                self._emit(Hashing(id=transfer.id, done=count, total=transfer.size))
            case State.UPLOADING:
                self._emit(Uploading(id=transfer.id, done=count, total=transfer.size))
            case State.VERIFYING:
                self._emit(Verifying(id=transfer.id))
            case _:
                pass

    def _emit(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)
        self._changed.set()

    async def _next_change(self) -> None:
        self._changed = anyio.Event()
        await self._changed.wait()


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
async def open_engine(record: Recorder) -> AsyncGenerator[Engine, None]:
    """Run an engine; at the end what is left is cancelled and cleaned up.

    Args:
        record: Notes in the catalog what S3 confirmed.
    """
    async with anyio.create_task_group() as group:
        engine = Engine(group, record)
        group.start_soon(engine.tick)
        try:
            yield engine
        finally:
            group.cancel_scope.cancel()
