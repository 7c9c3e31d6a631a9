"""The file of the history: its tables, their migrations, and what a row of them is. Blocking, for a thread.

The format is described in docs/files.md.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from hashdrop.errors import CatalogError
from hashdrop.errors import database_hint
from hashdrop.pointer import StoredPointer
from hashdrop.pointer_export import NamedPointer
from hashdrop.pointer_export import relative_path
from hashdrop.transfers.events import State

if TYPE_CHECKING:
    from hashdrop.transfers.transfer import Transfer

VERSION = 1
"""Of the tables. A later one comes with a step in `_MIGRATIONS`."""
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
class DropCounts:
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
        """Name of its folder or its only file; "" for several files."""
        top = next(iter(self.tops)) if len(self.tops) == 1 else ""
        return top or (self.name if self.files == 1 else "")


PUT_DROP = """
INSERT INTO history_drops (run, batch, name, folded, connection, destination, begun_at, changed_at, ended_at,
    files, size, sent_bytes, stored, already_stored, failed, cancelled, faults)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, batch) DO UPDATE SET
    name = excluded.name, folded = excluded.folded, changed_at = excluded.changed_at,
    ended_at = excluded.ended_at, files = excluded.files, size = excluded.size,
    sent_bytes = excluded.sent_bytes, stored = excluded.stored, already_stored = excluded.already_stored,
    failed = excluded.failed, cancelled = excluded.cancelled, faults = excluded.faults
"""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the history's file, made where there is none; blocking.

    Raises:
        CatalogError: It is no database, or is of a later version of Hashdrop.
    """
    with told():
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


def drop_row(run: str, drop: DropCounts) -> tuple[Any, ...]:
    """Return the values of `PUT_DROP`."""
    count = drop.counts
    return (
        run,
        drop.batch,
        os.fsencode(drop.title),
        _folded(f"{drop.title}\n{drop.connection}\n{drop.destination}"),
        drop.connection,
        drop.destination,
        drop.begun_at,
        now_s(),
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


def file_row(
    transfer: Transfer, state: State, pointer: StoredPointer | None, error: str
) -> tuple[Any, ...]:
    """Return the values of a row of `history_files`, but for its drop."""
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
        error.encode(errors="replace").decode(),  # it may name a file whose name is no Unicode
    )


def past_drop(row: Any) -> PastDrop:
    """Return the drop of a row of `history_drops`."""
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


def named_pointer(row: Any) -> NamedPointer:
    """Return the pointer of a row of `history_files` that has one."""
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


def now_s() -> float:
    """Return seconds since 1970, to the millisecond: so a moment is the same after it was a datetime."""
    return round(time.time(), 3)


def _folded(text: str) -> str:
    """Return a text as it is searched: whatever is no Unicode in a name cannot be typed."""
    return text.casefold().encode(errors="replace").decode()


def escaped(text: str) -> str:
    """Return a text as LIKE looks for it: folded, its wildcards taken as letters."""
    return "".join(f"\\{char}" if char in "\\%_" else char for char in _folded(text))


@contextmanager
def told() -> Generator[None, None, None]:
    """Tell what SQLite and the system say in our own words.

    Raises:
        CatalogError: For each of their errors.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise CatalogError(
            "The history of transfers cannot be read or written.",
            detail=f"The database says: {error}.",
            hint=database_hint(str(error)) or "Check the disk and the data folder, then retry.",
            retryable=True,
        ) from error
