"""The history: what became of each drop, for some weeks. SQLite in a file of its own, written in a thread.

The engine tells what happens to files; it is gathered, and written once a second. A drop is listed when it
has come to its end; one whose run was killed is listed at the next start with what became of it till then.
The format is described in docs/files.md.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Sequence
from contextlib import asynccontextmanager
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from hashdrop.errors import CatalogError
from hashdrop.pointer import StoredPointer
from hashdrop.pointer_export import NamedPointer
from hashdrop.pointer_export import relative_path
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored

if TYPE_CHECKING:
    from hashdrop.transfers.transfer import Transfer

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

VERSION = 1
"""Of the tables. A later one comes with a step in `_MIGRATIONS`."""
_GATHER_S = 1.0
_CLEAN_S = 6 * 3600.0
"""Seconds between two looks for what is too old."""
_BUSY_S = 15.0

_TABLES = """
CREATE TABLE IF NOT EXISTS history_version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS history_drops (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    batch INTEGER NOT NULL,
    name BLOB NOT NULL,
    folded TEXT NOT NULL,
    connection TEXT NOT NULL,
    destination TEXT NOT NULL,
    begun_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    ended_at REAL,
    files INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sent_bytes INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    already_stored INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    faults INTEGER NOT NULL,
    UNIQUE (run, batch)
);
CREATE INDEX IF NOT EXISTS history_drops_by_end ON history_drops (ended_at);
CREATE TABLE IF NOT EXISTS history_files (
    drop_id INTEGER NOT NULL REFERENCES history_drops (id) ON DELETE CASCADE,
    transfer INTEGER NOT NULL,
    name BLOB NOT NULL,
    folder BLOB NOT NULL,
    folded TEXT NOT NULL,
    size INTEGER,
    state TEXT NOT NULL,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    content_type TEXT NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (drop_id, transfer)
) WITHOUT ROWID;
"""
_MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {}
"""From a version -> the step to the next one."""


@dataclass(frozen=True, slots=True)
class PastDrop:
    """A drop that came to its end."""

    id: int
    name: str
    """Of its folder or its file; "" for several files."""
    connection: str
    destination: str
    begun_at: datetime
    ended_at: datetime
    files: int
    size: int
    """Bytes of all its files."""
    sent_bytes: int
    stored: int
    already_stored: int
    failed: int
    cancelled: int
    faults: int
    """Paths that could not be read."""

    @property
    def left(self) -> int:
        """Files that were neither stored nor given up when its run ended."""
        return self.files - self.stored - self.already_stored - self.failed - self.cancelled


@dataclass(slots=True)
class _Drop:
    """A drop of this run, while it goes on or may be retried."""

    batch: int
    connection: str
    destination: str
    begun_at: float
    name: str
    tops: set[str] = field(default_factory=set[str])
    files: int = 0
    size: int = 0
    sent_bytes: int = 0
    counts: dict[State, int] = field(default_factory=dict[State, int])
    given_up: dict[int, State] = field(default_factory=dict[int, State])
    """Of its failed and cancelled files: they may be retried."""
    unfinished: int = 0
    scanned: bool = False
    faults: int = 0
    ended_at: float | None = None

    @property
    def title(self) -> str:
        top = next(iter(self.tops)) if len(self.tops) == 1 else ""
        return top or (self.name if self.files == 1 else "")


class History:
    """The history of one run of the program; made by `open_history`.

    Args:
        database: Open; used by one thread at a time.
        days: That a drop is kept for.
    """

    def __init__(self, database: sqlite3.Connection, days: int) -> None:
        self._database = database
        self.days = days
        """That a drop is kept for."""
        self._run_name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._one = anyio.CapacityLimiter(1)
        self._is_closed = False
        self._drops: dict[int, _Drop] = {}
        self._changed: dict[int, _Drop] = {}
        self._files: list[tuple[int, tuple[Any, ...]]] = []
        self._dismissed: list[int] = []
        self._news = anyio.Event()

    # --- what the engine tells -------------------------------------------------------------------

    def queued(self, transfer: Transfer) -> None:
        """Note that a file stands in the queue, for the first time or again."""
        drop = self._drops.get(transfer.batch)
        if drop is None:
            connection = transfer.target.connection
            drop = self._drops[transfer.batch] = _Drop(
                batch=transfer.batch,
                connection=connection.name,
                destination=connection.destination,
                begun_at=_now(),
                name=transfer.name,
            )
        drop.unfinished += 1
        given_up = drop.given_up.pop(transfer.id, None)
        if given_up is not None:
            drop.counts[given_up] -= 1
            return
        drop.files += 1
        drop.size += transfer.size or 0
        if len(drop.tops) < 2:
            drop.tops.add(transfer.folder.partition("/")[0])

    def ended(self, transfer: Transfer, state: State, event: Event) -> None:
        """Note what became of a file."""
        drop = self._drops.get(transfer.batch)
        if drop is None:
            return
        drop.unfinished -= 1
        drop.counts[state] = drop.counts.get(state, 0) + 1
        pointer: StoredPointer | None = None
        error = ""
        if isinstance(event, (Stored, AlreadyStored)):
            pointer = event.pointer
            drop.sent_bytes += event.sent_bytes
            if transfer.size is None:
                drop.size += pointer.content_size
        else:
            drop.given_up[transfer.id] = state
            if isinstance(event, Failed):
                error = event.error.sentence
        self._files.append((transfer.batch, _file_row(transfer, state, pointer, error)))
        self._note(drop)

    def scanned(self, batch: int, faults: int) -> None:
        """Note that all of a drop was found."""
        drop = self._drops.get(batch)
        if drop is not None:
            drop.scanned = True
            drop.faults = faults
            self._note(drop)

    def dismissed(self, batch: int) -> None:
        """Forget a drop that was not wanted."""
        self._drops.pop(batch, None)
        self._changed.pop(batch, None)
        self._files = [one for one in self._files if one[0] != batch]
        self._dismissed.append(batch)
        self._news.set()

    def _note(self, drop: _Drop) -> None:
        if drop.scanned and not drop.unfinished:
            drop.ended_at = _now()
            if not drop.given_up:
                self._drops.pop(drop.batch, None)  # nothing more can happen to it
        self._changed[drop.batch] = drop
        self._news.set()

    # --- writing ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what is told, and take away what is too old, until cancelled."""
        next_look = 0.0
        while True:
            try:
                if time.monotonic() > next_look:
                    next_look = time.monotonic() + _CLEAN_S
                    await self.clean()
                with anyio.move_on_after(_CLEAN_S):
                    await self._news.wait()
                    self._news = anyio.Event()
                    await anyio.sleep(_GATHER_S)
                await self.write()
            except CatalogError as error:  # no upload ends for that
                _LOG.warning("%s", error.sentence)

    async def write(self) -> None:
        """Write what was told so far; whoever asks for it may be cancelled, nothing of it is lost."""
        with anyio.CancelScope(shield=True):
            await self._write()

    async def _write(self) -> None:
        drops, self._changed = list(self._changed.values()), {}
        files, self._files = self._files, []
        dismissed, self._dismissed = self._dismissed, []
        if not (drops or dismissed):
            return
        rows = [_drop_row(self._run_name, drop) for drop in drops]
        numbers = {drop.batch for drop in drops}

        def work(database: sqlite3.Connection) -> None:
            database.executemany(
                "DELETE FROM history_drops WHERE run = ? AND batch = ?",
                [(self._run_name, batch) for batch in dismissed],
            )
            database.executemany(_PUT_DROP, rows)
            ids = {
                row["batch"]: row["id"]
                for row in database.execute(
                    "SELECT id, batch FROM history_drops WHERE run = ?", (self._run_name,)
                )
                if row["batch"] in numbers
            }
            database.executemany(
                f"INSERT OR REPLACE INTO history_files VALUES ({', '.join('?' * 13)})",  # noqa: S608  # only "?"
                ((ids[batch], *row) for batch, row in files if batch in ids),
            )

        await self._do(work)

    async def clean(self) -> None:
        """Take away what is older than it is to be kept."""
        limit = time.time() - self.days * 86400.0
        await self._do(
            lambda database: database.execute(
                "DELETE FROM history_drops WHERE ended_at < ?", (limit,)
            )
        )

    async def forget(self, ids: Sequence[int]) -> None:
        """Take drops out of the history."""
        await self._do(
            lambda database: database.executemany(
                "DELETE FROM history_drops WHERE id = ?", [(one,) for one in ids]
            )
        )

    # --- reading ---------------------------------------------------------------------------------

    async def page(
        self, *, text: str = "", before: PastDrop | None = None, limit: int = 100
    ) -> list[PastDrop]:
        """Return drops that came to their end, newest first.

        Args:
            text: In the name of the drop, its connection, or a name, folder or key of its files.
            before: The last one of the page before.
            limit: Drops at most.

        Raises:
            CatalogError: The history cannot be read.
        """
        await self.write()
        where, values = ["ended_at IS NOT NULL"], list[Any]()
        if text.strip():
            pattern = f"%{_escaped(text.strip().casefold())}%"
            where.append(
                "(folded LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM history_files AS file "
                "WHERE file.drop_id = history_drops.id AND file.folded LIKE ? ESCAPE '\\'))"
            )
            values += [pattern, pattern]
        if before is not None:
            where.append("(ended_at, id) < (?, ?)")
            values += [before.ended_at.timestamp(), before.id]
        query = (
            f"SELECT * FROM history_drops WHERE {' AND '.join(where)} "  # noqa: S608  # our own words
            "ORDER BY ended_at DESC, id DESC LIMIT ?"
        )
        return await self._do(
            lambda database: [
                _past(row) for row in database.execute(query, (*values, limit)).fetchall()
            ]
        )

    async def pointers(self, drop: int) -> list[NamedPointer]:
        """Return the pointers of a drop's files, in the order in which they were dropped.

        Raises:
            CatalogError: The history cannot be read.
        """

        def work(database: sqlite3.Connection) -> list[NamedPointer]:
            rows = database.execute(
                "SELECT * FROM history_files WHERE drop_id = ? AND content_hash <> '' "
                "ORDER BY transfer",
                (drop,),
            )
            return [_named(row) for row in rows]

        return await self._do(work)

    async def close(self) -> None:
        """Write what was told, and close the file when nobody reads it any more."""

        def end() -> None:
            self._is_closed = True
            self._database.close()

        with anyio.CancelScope(shield=True):
            try:
                await self.write()
            except CatalogError as error:
                _LOG.warning("%s", error.sentence)
            # In its turn: SQLite does not survive that a file is closed while another thread is in it.
            await run_sync(end, limiter=self._one)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def guarded() -> T:
            if self._is_closed:
                raise CatalogError("The history of transfers is closed.")
            with _told(), self._database:
                self._database.execute("BEGIN IMMEDIATE")
                return work(self._database)

        return await run_sync(guarded, limiter=self._one)


_PUT_DROP = """
INSERT INTO history_drops (run, batch, name, folded, connection, destination, begun_at, changed_at, ended_at,
    files, size, sent_bytes, stored, already_stored, failed, cancelled, faults)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, batch) DO UPDATE SET
    name = excluded.name, folded = excluded.folded, changed_at = excluded.changed_at,
    ended_at = excluded.ended_at, files = excluded.files, size = excluded.size,
    sent_bytes = excluded.sent_bytes, stored = excluded.stored, already_stored = excluded.already_stored,
    failed = excluded.failed, cancelled = excluded.cancelled, faults = excluded.faults
"""


@asynccontextmanager
async def open_history(path: Path, *, days: int) -> AsyncGenerator[History, None]:
    """Open the history, made where there is none.

    Args:
        path: Its file; the folder exists.
        days: That a drop is kept for.

    Raises:
        CatalogError: The file is no database, or is of a later version of Hashdrop.
    """

    def begin() -> sqlite3.Connection:
        with _told():
            path.touch(mode=0o600, exist_ok=True)
            database = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                database.row_factory = sqlite3.Row
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=NORMAL")
                database.execute("PRAGMA foreign_keys=ON")
                _migrate(database)
                # What a run that was killed could not end.
                database.execute("DELETE FROM history_drops WHERE ended_at IS NULL AND files = 0")
                database.execute(
                    "UPDATE history_drops SET ended_at = changed_at WHERE ended_at IS NULL"
                )
            except BaseException:
                database.close()
                raise
            return database

    database = await run_sync(begin)
    history = History(database, days)
    try:
        yield history
    finally:
        await history.close()


def _migrate(database: sqlite3.Connection) -> None:
    database.executescript(_TABLES)
    row = database.execute("SELECT version FROM history_version").fetchone()
    if row is None:
        database.execute("INSERT INTO history_version VALUES (?)", (VERSION,))
        return
    version = int(row[0])
    if version > VERSION:
        raise CatalogError(
            "The history was written by a later version of Hashdrop.",
            hint="Use that version, or another data folder (--data).",
        )
    while version < VERSION:
        _MIGRATIONS[version](database)
        version += 1
        database.execute("UPDATE history_version SET version = ?", (version,))


def _drop_row(run: str, drop: _Drop) -> tuple[Any, ...]:
    count = drop.counts
    return (
        run,
        drop.batch,
        os.fsencode(drop.title),
        _folded(f"{drop.title}\n{drop.connection}\n{drop.destination}"),
        drop.connection,
        drop.destination,
        drop.begun_at,
        _now(),
        drop.ended_at,
        drop.files,
        drop.size,
        drop.sent_bytes,
        count.get(State.STORED, 0),
        count.get(State.ALREADY_STORED, 0),
        count.get(State.FAILED, 0),
        count.get(State.CANCELLED, 0),
        drop.faults,
    )


def _file_row(
    transfer: Transfer, state: State, pointer: StoredPointer | None, error: str
) -> tuple[Any, ...]:
    key = pointer.key if pointer else ""
    return (
        transfer.id,
        os.fsencode(transfer.name),
        os.fsencode(transfer.folder),
        _folded(f"{relative_path(transfer.folder, transfer.name)}\n{key}"),
        pointer.content_size if pointer else transfer.size,
        str(state),
        pointer.bucket if pointer else "",
        key,
        pointer.content_hash if pointer else "",
        pointer.content_hash_algorithm if pointer else "",
        pointer.content_type if pointer else "",
        error,
    )


def _past(row: Any) -> PastDrop:
    return PastDrop(
        id=row["id"],
        name=os.fsdecode(row["name"]),
        connection=row["connection"],
        destination=row["destination"],
        begun_at=datetime.fromtimestamp(row["begun_at"], UTC),
        ended_at=datetime.fromtimestamp(row["ended_at"], UTC),
        files=row["files"],
        size=row["size"],
        sent_bytes=row["sent_bytes"],
        stored=row["stored"],
        already_stored=row["already_stored"],
        failed=row["failed"],
        cancelled=row["cancelled"],
        faults=row["faults"],
    )


def _named(row: Any) -> NamedPointer:
    return NamedPointer(
        relative_path(os.fsdecode(row["folder"]), os.fsdecode(row["name"])),
        StoredPointer(
            bucket=row["bucket"],
            key=row["object_key"],
            content_hash=row["content_hash"],
            content_size=row["size"],
            content_type=row["content_type"],
            content_hash_algorithm=row["algorithm"],
        ),
    )


def _now() -> float:
    """Return seconds since 1970, to the millisecond: so a moment is the same after it was a datetime."""
    return round(time.time(), 3)


def _folded(text: str) -> str:
    """Return a text as it is searched: whatever is no Unicode in a name cannot be typed."""
    return text.casefold().encode(errors="replace").decode()


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\%_" else char for char in _folded(text))


@contextmanager
def _told() -> Generator[None, None, None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise CatalogError(
            "The history of transfers cannot be read or written.",
            detail=f"The database says: {error}.",
            hint="Check the disk and the data folder, then retry.",
            retryable=True,
        ) from error


__all__ = ("History", "PastDrop", "open_history")
