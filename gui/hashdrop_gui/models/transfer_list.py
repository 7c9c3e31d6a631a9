"""The list of transfers as the core tells it: batches over files. Pure Python, no Qt."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from pathlib import PurePath

from hashdrop.errors import HashdropError
from hashdrop.pointer import StoredPointer
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import BatchHeld
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import HashedAgain
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Verifying
from hashdrop.transfers.events import Waiting

_SMOOTHING = 0.35
"""Of a bar towards its value, each tick."""
_SPEED_SMOOTHING = 0.15


@dataclass(slots=True, eq=False)
class FileRow:
    """One file."""

    id: int
    batch: int
    place: int
    """Its number within the batch, from 0."""
    name: str
    folder: str
    path: str
    size: int | None
    state: State = State.QUEUED
    done: int = 0
    """Bytes hashed or sent, by the state."""
    kept: int = 0
    """Bytes that the store has of it while it is paused, waits or stands in the line again."""
    shown: float = 0.0
    """Part of the bar that is drawn: follows `done` evenly."""
    bucket: str = ""
    key: str = ""
    pointer: StoredPointer | None = None
    error: HashdropError | None = None
    next_try_s: float | None = None
    """While it waits: seconds until the store is tried again."""
    seconds: float = 0.0
    sent_bytes: int = 0
    earlier_name: str = ""
    """Of what was already stored: its first name, where the catalog knows one."""
    earlier_at: datetime | None = None
    """When it was stored under that name."""
    verified: bool = False
    unverified_reason: str = ""
    speed: float = 0.0
    """Bytes a second, smoothed."""
    measured: tuple[float, int] = (0.0, 0)
    """When the speed was last taken, and at how many bytes."""

    @property
    def fraction(self) -> float:
        """How far the present step is, 0 to 1."""
        if self.state.is_final or self.state is State.VERIFYING:
            return 1.0
        return min(1.0, self.done / self.size) if self.size else 0.0

    @property
    def moves(self) -> bool:
        """Whether it is on its way."""
        return self.state in {State.HASHING, State.UPLOADING, State.VERIFYING}

    @property
    def is_sent(self) -> bool:
        """Whether the bytes that are done are bytes that were sent."""
        return self.state in {State.UPLOADING, State.VERIFYING}

    @property
    def extension(self) -> str:
        """The extension without its dot, for the tile."""
        return PurePath(self.name).suffix.lstrip(".").lower()[:4]


@dataclass(slots=True, eq=False)
class BatchRow:
    """One drop."""

    number: int
    files: list[FileRow] = field(default_factory=list[FileRow])
    is_open: bool = True
    """Whether its files are shown."""
    scanned: bool = False
    is_held: bool = False
    """Whether nothing of it is begun before the person has answered."""
    faults: tuple[HashdropError, ...] = ()
    total: int = 0
    """Bytes of its files."""
    counts: dict[State, int] = field(default_factory=dict[State, int])
    finished_bytes: int = 0
    given_up_bytes: int = 0
    """Of its failed and cancelled files."""

    @property
    def title(self) -> str:
        """The folder that was dropped, or the file's name; "" for several files."""
        folders = {file.folder.partition("/")[0] for file in self.files[:200]}
        if len(folders) == 1 and (only := next(iter(folders))):
            return only
        return self.files[0].name if len(self.files) == 1 else ""

    def count(self, *states: State) -> int:
        """Return how many of its files are in any of these states."""
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def is_finished(self) -> bool:
        """Whether all of it is at its end."""
        return self.scanned and sum(
            count for state, count in self.counts.items() if state.is_final
        ) == len(self.files)

    @property
    def fraction(self) -> float:
        """How much of it is there, by bytes; files under way count as far as they are."""
        if self.is_finished:
            return self.count(State.STORED, State.ALREADY_STORED) / max(1, len(self.files))
        if not self.total:
            return 0.0
        moving = sum(file.done for file in self.moving.values() if file.is_sent)
        moving += sum(file.kept for file in self.held.values())
        wanted = self.total - self.given_up_bytes
        return min(1.0, (self.finished_bytes + moving) / wanted) if wanted else 0.0

    moving: dict[int, FileRow] = field(default_factory=dict[int, FileRow])
    """Its files that are on their way."""
    held: dict[int, FileRow] = field(default_factory=dict[int, FileRow])
    """Its files that were begun, and do not move now."""


class TransferList:
    """All transfers of this run."""

    def __init__(self) -> None:
        self.batches: dict[int, BatchRow] = {}
        self.files: dict[int, FileRow] = {}
        self.moving: dict[int, FileRow] = {}
        self.held: dict[int, FileRow] = {}
        self.counts: dict[State, int] = dict.fromkeys(State, 0)
        self.total = 0
        self.finished_bytes = 0

    def pending(self, events: list[Event]) -> list[Queued]:
        """Return the files that the events bring for the first time."""
        fresh: dict[int, Queued] = {}
        for event in events:
            if isinstance(event, Queued) and event.id not in self.files:
                # Again within the tick: it was paused and resumed.
                fresh.setdefault(event.id, event)
        return list(fresh.values())

    def add(self, queued: Queued) -> FileRow:
        """Take a new file at the end of its batch; returns it."""
        batch = self.batches[queued.batch]
        row = FileRow(
            id=queued.id,
            batch=queued.batch,
            place=len(batch.files),
            name=queued.name,
            folder=queued.folder,
            path=queued.path,
            size=queued.size,
        )
        batch.files.append(row)
        self.files[queued.id] = row
        batch.total += queued.size or 0
        self.total += queued.size or 0
        self._count(row, State.QUEUED, 1)
        return row

    def remove(self, number: int, ids: Collection[int] | None) -> None:
        """Forget files of a batch, and the batch with the last of them.

        Args:
            number: Of the batch.
            ids: Of files; `None` for all of them, the batch too.
        """
        batch = self.batches[number]
        if ids is None:
            for state, count in batch.counts.items():
                self.counts[state] -= count
            self.total -= batch.total - batch.given_up_bytes
            self.finished_bytes -= batch.finished_bytes
            for row in batch.files:
                del self.files[row.id]
            for some, own in ((self.moving, batch.moving), (self.held, batch.held)):
                for row_id in own:
                    some.pop(row_id, None)
            del self.batches[number]
            return
        kept: list[FileRow] = []
        for row in batch.files:
            if row.id not in ids:
                row.place = len(kept)
                kept.append(row)
                continue
            size = row.size or 0
            self._count(row, row.state, -1)
            batch.total -= size
            self.total -= size
            del self.files[row.id]
        batch.files[:] = kept
        if not kept:
            del self.batches[number]

    def apply(self, event: Event) -> FileRow | BatchRow | None:  # noqa: C901, PLR0912  # one case a kind
        """Take an event; return what it changed."""
        if isinstance(event, BatchScanned):
            batch = self.batches.get(event.batch)
            if batch is not None:
                batch.scanned = True
                batch.faults = event.faults
            return batch
        if isinstance(event, BatchHeld):
            batch = self.batches.get(event.batch)
            if batch is not None:
                batch.is_held = event.held
            return batch
        if isinstance(event, BatchDismissed) or event.id not in self.files:
            return None  # it was taken off the list
        row = self.files[event.id]
        match event:
            case Queued():
                row.done, row.error, row.shown, row.speed, row.sent_bytes = 0, None, 0.0, 0.0, 0
                self._enter(row, State.QUEUED)
            case Keyed():
                row.bucket, row.key = event.bucket, event.key
            case Hashing():
                self._progress(row, State.HASHING, event.done)
            case Uploading():
                self._progress(row, State.UPLOADING, event.done)
            case Verifying():
                self._enter(row, State.VERIFYING)
            case Waiting():
                row.error, row.next_try_s = event.error, event.seconds
                self._enter(row, State.WAITING)
            case Paused():
                row.speed = 0.0
                self._enter(row, State.PAUSED)
            case HashedAgain():
                row.error = event.error
                row.done, row.shown = 0, 0.0
            case Stored():
                self._stored(row, event, State.STORED)
            case AlreadyStored():
                self._stored(row, event, State.ALREADY_STORED)
            case Failed():
                row.error, row.seconds = event.error, event.seconds
                self._enter(row, State.FAILED)
            case Cancelled():
                row.seconds = event.seconds
                self._enter(row, State.CANCELLED)
        return row

    def smooth(self) -> list[FileRow]:
        """Move the bars towards their values; return the rows that moved."""
        moved: list[FileRow] = []
        for row in self.moving.values():
            gap = row.fraction - row.shown
            if gap > 0.0005:
                row.shown = min(row.fraction, row.shown + gap * _SMOOTHING + 0.002)
                moved.append(row)
        return moved

    @property
    def active(self) -> int:
        """Files that are not at their end."""
        return sum(count for state, count in self.counts.items() if not state.is_final)

    def _progress(self, row: FileRow, state: State, done: int) -> None:
        now = time.monotonic()
        if row.state is not state:
            if row.state is State.WAITING:
                row.error = None
            self._enter(row, state)
            row.shown, row.speed, row.measured = 0.0, 0.0, (now, done)
        row.done = done
        if row.kept and done and state is State.UPLOADING:  # 0 until it has asked for its parts
            self._release(row)
        elapsed = now - row.measured[0]
        if elapsed >= 0.25:
            present = max(0.0, (done - row.measured[1]) / elapsed)
            row.speed += (present - row.speed) * (_SPEED_SMOOTHING if row.speed else 1.0)
            row.measured = (now, done)

    def _stored(self, row: FileRow, event: Stored | AlreadyStored, state: State) -> None:
        row.pointer, row.sent_bytes, row.seconds = event.pointer, event.sent_bytes, event.seconds
        row.bucket, row.key = event.pointer.bucket, event.pointer.key
        row.verified, row.unverified_reason = event.verified, event.unverified_reason
        if row.size is None:
            row.size = event.pointer.content_size
            self.total += row.size
            self.batches[row.batch].total += row.size
        self._enter(row, state)

    def _enter(self, row: FileRow, state: State) -> None:
        self._keep(row, state)
        self._count(row, row.state, -1)
        row.state = state
        self._count(row, state, 1)
        batch = self.batches[row.batch]
        if row.moves:
            self.moving[row.id] = batch.moving[row.id] = row
        else:
            self.moving.pop(row.id, None)
            batch.moving.pop(row.id, None)

    def _keep(self, row: FileRow, state: State) -> None:
        """Go on counting what was sent of a file that is held: it need not be sent again."""
        batch = self.batches[row.batch]
        if row.is_sent and state in {State.PAUSED, State.WAITING}:
            row.kept = row.done
            self.held[row.id] = batch.held[row.id] = row
        elif state is State.VERIFYING or state.is_final:
            self._release(row)

    def _release(self, row: FileRow) -> None:
        row.kept = 0
        self.held.pop(row.id, None)
        self.batches[row.batch].held.pop(row.id, None)

    def _count(self, row: FileRow, state: State, change: int) -> None:
        batch = self.batches[row.batch]
        self.counts[state] += change
        batch.counts[state] = batch.counts.get(state, 0) + change
        size = (row.size or 0) * change
        if state in {State.FAILED, State.CANCELLED}:  # nothing of it is there, nothing will be
            batch.given_up_bytes += size
            self.total -= size
        elif state.is_final:
            batch.finished_bytes += size
            self.finished_bytes += size
