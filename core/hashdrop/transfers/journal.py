"""The journal: what must survive a kill. SQLite, in the same file as the catalog's default.

`hashdrop_uploads`: multipart uploads that were begun and neither completed nor aborted, each with what
the file was when it was hashed. `hashdrop_queue`: the files that the window still has to store.
`hashdrop_temporaries`: objects that stand in a bucket only for a while. `hashdrop_stores`: what a store was
found able to do. Every row of the first three has an owner, a run of the
program: it holds a lock file as long as it lives, so that a row whose owner was killed is free for the
next start, and one whose owner lives is left alone.

Paths are kept as bytes: a file's name need not be Unicode. The format is described in docs/files.md.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import asynccontextmanager
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import IO
from typing import Any
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from hashdrop.connection import Connection
from hashdrop.digest import FileDigest
from hashdrop.errors import CatalogError
from hashdrop.errors import CatalogFull
from hashdrop.errors import database_hint
from hashdrop.errors import database_is_full
from hashdrop.s3.copying import NO_FILE
from hashdrop.s3.probe import Abilities
from hashdrop.s3.resuming import UnfinishedUpload
from hashdrop.s3.temporaries import Temporary
from hashdrop.snapshot import FileSnapshot

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

VERSION = 1
"""Of the tables. A later one comes with a step in `_MIGRATIONS`."""
_BUSY_S = 15.0
_PROBE_HOLDS_S = 30 * 24 * 3600.0
"""A store is asked again after a month: it may have been updated."""
_INTENT = "intent-"
"""How the made-up id of an upload begins that was about to be created."""

_TABLES = """
CREATE TABLE IF NOT EXISTS hashdrop_journal (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS hashdrop_uploads (
    path BLOB NOT NULL,
    endpoint TEXT NOT NULL,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    upload_id TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode TEXT NOT NULL,
    device TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    part_size INTEGER NOT NULL,
    part_crcs BLOB NOT NULL,
    begun_at REAL NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (upload_id)
);
CREATE INDEX IF NOT EXISTS hashdrop_uploads_by_path ON hashdrop_uploads (path);
CREATE TABLE IF NOT EXISTS hashdrop_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    transfer INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    path BLOB NOT NULL,
    folder BLOB NOT NULL,
    size INTEGER NOT NULL,
    connection TEXT NOT NULL,
    tags TEXT NOT NULL,
    single_pass INTEGER NOT NULL,
    paused INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS hashdrop_stores (
    store TEXT NOT NULL,
    bucket TEXT NOT NULL,
    checksums INTEGER NOT NULL,
    tells_size INTEGER NOT NULL,
    probed_at REAL NOT NULL,
    PRIMARY KEY (store, bucket)
);
CREATE TABLE IF NOT EXISTS hashdrop_temporaries (
    store TEXT NOT NULL,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    begun_at REAL NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (store, bucket, object_key)
);
CREATE UNIQUE INDEX IF NOT EXISTS hashdrop_queue_by_transfer ON hashdrop_queue (owner, transfer);
"""
_MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {}
"""From a version -> the step to the next one."""


@dataclass(frozen=True, slots=True)
class QueuedFile:
    """A file that is still to be stored."""

    transfer: int
    """Its number in the run that queued it."""
    batch: int
    path: str
    folder: str
    size: int
    connection: Connection
    """As it was when the file was queued; it holds no secret."""
    tags: dict[str, str]
    single_pass: bool
    paused: bool


class Journal:
    """The journal of one run of the program; made by `open_journal`.

    Args:
        database: Open; used by one thread at a time.
        owner: Name of this run.
        owners: Folder of the lock files.
        path: Of the file, for errors.
    """

    def __init__(self, database: sqlite3.Connection, owner: str, owners: Path, path: Path) -> None:
        self._database = database
        self._path = path
        self._owner = owner
        self._owners = owners
        self._one = anyio.CapacityLimiter(1)
        self._is_closed = False
        self._taken: list[int] = []
        """Rows of the queue that `take_over` returned."""

    # --- uploads ---------------------------------------------------------------------------------

    async def unfinished(self, path: Path, endpoint: str) -> list[UnfinishedUpload]:
        """Return the uploads of a path that are this run's, or whose run is over, and take these over.

        Args:
            path: Absolute.
            endpoint: Of the store.

        Raises:
            CatalogError: The journal cannot be read or written.
        """

        def work(database: sqlite3.Connection) -> list[UnfinishedUpload]:
            rows = database.execute(
                "SELECT * FROM hashdrop_uploads WHERE path = ? AND endpoint = ? "
                "ORDER BY begun_at DESC",
                (os.fsencode(path), endpoint),
            ).fetchall()
            free = [_upload(row) for row in rows if self._is_free(row["owner"])]
            database.executemany(
                "UPDATE hashdrop_uploads SET owner = ? WHERE upload_id = ?",
                [(self._owner, upload.upload_id) for upload in free],
            )
            return [replace(upload, is_queued=_is_queued(database, upload)) for upload in free]

        return await self._run(work)

    async def intends(self, upload: UnfinishedUpload) -> str:
        """Note, before it is created, that there will be an upload; returns the made-up id of the note."""
        intent = f"{_INTENT}{secrets.token_hex(8)}"
        await self._run(lambda database: self._insert(database, upload, intent))
        return intent

    async def began(self, upload: UnfinishedUpload, *, intent: str) -> None:
        """Note an upload in the place of its intent; returns when it is on the disk."""

        def work(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM hashdrop_uploads WHERE upload_id = ?", (intent,))
            self._insert(database, upload, upload.upload_id)

        await self._run(work)

    def _insert(
        self, database: sqlite3.Connection, upload: UnfinishedUpload, upload_id: str
    ) -> None:
        found, snapshot = upload.found, upload.snapshot
        values = (
            os.fsencode(upload.path),
            upload.endpoint,
            upload.bucket,
            upload.key,
            upload_id,
            snapshot.size,
            snapshot.mtime_ns,
            str(snapshot.inode),
            str(snapshot.device),
            found.content_hash,
            found.part_size,
            b"".join(crc.to_bytes(4, "big") for crc in found.part_crcs),
            time.time(),
            self._owner,
        )
        places = ", ".join("?" * len(values))
        database.execute(
            f"INSERT OR REPLACE INTO hashdrop_uploads VALUES ({places})",  # noqa: S608  # only "?"
            values,
        )

    async def ended(self, upload_id: str) -> None:
        """Forget an upload that was completed or aborted."""
        await self._run(
            lambda database: database.execute(
                "DELETE FROM hashdrop_uploads WHERE upload_id = ?", (upload_id,)
            )
        )

    async def leftovers(self) -> list[UnfinishedUpload]:
        """Return the uploads that were neither completed nor aborted and that no living run has."""

        def work(database: sqlite3.Connection) -> list[UnfinishedUpload]:
            rows = database.execute("SELECT * FROM hashdrop_uploads ORDER BY begun_at").fetchall()
            return [_upload(row) for row in rows if self._is_free(row["owner"])]

        return await self._run(work)

    async def begun_paths(self) -> set[str]:
        """Return the paths of all files that have an upload which was neither completed nor aborted."""
        return await self._run(
            lambda database: {
                os.fsdecode(row["path"])
                for row in database.execute("SELECT DISTINCT path FROM hashdrop_uploads")
            }
        )

    # --- temporary objects -----------------------------------------------------------------------

    async def will_be(self, temporary: Temporary) -> None:
        """Note a temporary object before it is made; returns when it is on the disk."""
        values = (*_key_of(temporary), time.time(), self._owner)
        await self._run(
            lambda database: database.execute(
                "INSERT OR REPLACE INTO hashdrop_temporaries VALUES (?, ?, ?, ?, ?)", values
            )
        )

    async def is_gone(self, temporary: Temporary) -> None:
        """Forget a temporary object of which nothing is left."""
        await self._run(
            lambda database: database.execute(
                "DELETE FROM hashdrop_temporaries WHERE store = ? AND bucket = ? AND object_key = ?",
                _key_of(temporary),
            )
        )

    async def left_behind(self, store: str, bucket: str) -> list[Temporary]:
        """Return the temporary objects in a bucket of runs that are over."""

        def work(database: sqlite3.Connection) -> list[Temporary]:
            rows = database.execute(
                "SELECT * FROM hashdrop_temporaries WHERE store = ? AND bucket = ? ORDER BY begun_at",
                (store, bucket),
            ).fetchall()
            return [
                Temporary(store, bucket, row["object_key"])
                for row in rows
                if row["owner"] != self._owner and self._is_free(row["owner"])
            ]

        return await self._run(work)

    async def copies_left(self, store: str, bucket: str) -> list[UnfinishedUpload]:
        """Return the uploads of copies in parts, in a bucket, of runs that are over."""

        def work(database: sqlite3.Connection) -> list[UnfinishedUpload]:
            rows = database.execute(
                "SELECT * FROM hashdrop_uploads WHERE path = ? AND endpoint = ? AND bucket = ? "
                "ORDER BY begun_at",
                (os.fsencode(NO_FILE), store, bucket),
            ).fetchall()
            return [
                _upload(row)
                for row in rows
                if row["owner"] != self._owner and self._is_free(row["owner"])
            ]

        return await self._run(work)

    # --- stores ----------------------------------------------------------------------------------

    async def abilities(self, store: str, bucket: str) -> Abilities | None:
        """Return what a store was found able to do, `None` if it was not asked of late."""

        def work(database: sqlite3.Connection) -> Abilities | None:
            row = database.execute(
                "SELECT checksums, tells_size FROM hashdrop_stores "
                "WHERE store = ? AND bucket = ? AND probed_at > ?",
                (store, bucket, time.time() - _PROBE_HOLDS_S),
            ).fetchone()
            return Abilities(bool(row[0]), bool(row[1])) if row else None

        return await self._run(work)

    async def remember(self, store: str, bucket: str, abilities: Abilities) -> None:
        """Note what a store is able to do."""
        values = (store, bucket, abilities.checksums, abilities.tells_size, time.time())
        await self._run(
            lambda database: database.execute(
                "INSERT OR REPLACE INTO hashdrop_stores VALUES (?, ?, ?, ?, ?)", values
            )
        )

    # --- the queue -------------------------------------------------------------------------------

    async def queue(self, files: Sequence[QueuedFile], *, taken_over: bool = False) -> None:
        """Note files that are to be stored.

        Args:
            files: The files.
            taken_over: Whether they are what `take_over` returned: in the same step they are forgotten there.
        """
        rows = [
            (
                self._owner,
                file.transfer,
                file.batch,
                os.fsencode(file.path),
                os.fsencode(file.folder),
                file.size,
                file.connection.model_dump_json(),
                json.dumps(file.tags),
                file.single_pass,
                file.paused,
            )
            for file in files
        ]

        def work(database: sqlite3.Connection) -> None:
            database.executemany(
                "INSERT OR REPLACE INTO hashdrop_queue (owner, transfer, batch, path, folder, size, "
                "connection, tags, single_pass, paused) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            if taken_over:
                database.executemany(
                    "DELETE FROM hashdrop_queue WHERE id = ?", [(one,) for one in self._taken]
                )

        await self._run(work)

    async def settle(self, transfers: Iterable[int]) -> None:
        """Forget files of this run that are at their end."""
        keys = [(self._owner, number) for number in transfers]
        await self._run(
            lambda database: database.executemany(
                "DELETE FROM hashdrop_queue WHERE owner = ? AND transfer = ?", keys
            )
        )

    async def pause(self, transfers: Iterable[int], *, paused: bool) -> None:
        """Note which files of this run are paused."""
        keys = [(paused, self._owner, number) for number in transfers]
        await self._run(
            lambda database: database.executemany(
                "UPDATE hashdrop_queue SET paused = ? WHERE owner = ? AND transfer = ?", keys
            )
        )

    async def take_over(self) -> list[QueuedFile]:
        """Return the files that runs which are over left in the queue.

        Whoever takes them queues them again, under numbers of this run; see `queue`. What this version cannot
        read, another may: it is left there.
        """

        def work(database: sqlite3.Connection) -> list[QueuedFile]:
            owners = [
                str(row["owner"])
                for row in database.execute("SELECT DISTINCT owner FROM hashdrop_queue")
            ]
            taken: list[QueuedFile] = []
            for owner in owners:
                if owner == self._owner or not self._is_free(owner):
                    continue
                for row in database.execute(
                    "SELECT * FROM hashdrop_queue WHERE owner = ? ORDER BY id", (owner,)
                ):
                    try:
                        taken.append(_queued(row))
                    except ValueError as error:  # pydantic's, too
                        _LOG.warning("A file of the queue cannot be read: %s", error)
                    else:
                        self._taken.append(row["id"])
            return taken

        return await self._run(work)

    # --- inside ----------------------------------------------------------------------------------

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def guarded() -> T:
            if self._is_closed:
                raise CatalogError("The journal is closed.")
            with _told(self._path), self._database:
                self._database.execute("BEGIN IMMEDIATE")
                return work(self._database)

        return await run_sync(guarded, limiter=self._one)

    async def close(self) -> None:
        """Close the file when nobody is in it any more: SQLite does not survive it otherwise."""

        def end() -> None:
            self._is_closed = True
            self._database.close()

        with anyio.CancelScope(shield=True):
            await run_sync(end, limiter=self._one)

    def _is_free(self, owner: str) -> bool:
        if owner == self._owner:
            return True
        return _take_away_if_over(self._owners / owner)


@asynccontextmanager
async def open_journal(database: Path) -> AsyncGenerator[Journal, None]:
    """Open the journal in a SQLite file, made where there is none.

    Args:
        database: The file; its folder exists. Lock files lie beside it in `runs/`.

    Raises:
        CatalogError: The file is no database, or is of a later version of Hashdrop.
    """
    owners = database.parent / "runs"
    owner = f"{os.getpid()}-{secrets.token_hex(8)}"

    def begin() -> tuple[sqlite3.Connection, IO[bytes]]:
        with _told(database):
            owners.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Locked before it has its name: nobody ever sees it unlocked.
            unnamed = owners / f".{owner}"
            held = unnamed.open("wb")
            _lock(held)
            unnamed.rename(owners / owner)
            for lock in owners.iterdir():
                if not lock.name.startswith("."):
                    _take_away_if_over(lock)
            connection = sqlite3.connect(
                database, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                connection.row_factory = sqlite3.Row
                _make_wal(connection)
                connection.execute("PRAGMA synchronous=FULL")
                _migrate(connection)
            except BaseException:
                connection.close()
                held.close()
                raise
            return connection, held

    connection, held = await run_sync(begin)
    journal = Journal(connection, owner, owners, database)
    try:
        yield journal
    finally:

        def let_go() -> None:
            (owners / owner).unlink(missing_ok=True)
            held.close()

        await journal.close()
        with anyio.CancelScope(shield=True):
            await run_sync(let_go)


def _migrate(database: sqlite3.Connection) -> None:
    database.executescript(_TABLES)
    row = database.execute("SELECT version FROM hashdrop_journal").fetchone()
    if row is None:
        database.execute("INSERT INTO hashdrop_journal VALUES (?)", (VERSION,))
        return
    version = int(row[0])
    if version > VERSION:
        raise CatalogError(
            "The journal was written by a later version of Hashdrop.",
            hint="Use that version, or another data folder (--data).",
        )
    while version < VERSION:
        _MIGRATIONS[version](database)
        version += 1
        database.execute("UPDATE hashdrop_journal SET version = ?", (version,))


def _key_of(temporary: Temporary) -> tuple[str, str, str]:
    return temporary.store, temporary.bucket, temporary.key


def _upload(row: Any) -> UnfinishedUpload:
    raw: bytes = row["part_crcs"]
    return UnfinishedUpload(
        path=Path(os.fsdecode(row["path"])),
        snapshot=FileSnapshot(
            size=row["size"],
            mtime_ns=row["mtime_ns"],
            inode=int(row["inode"]),
            device=int(row["device"]),
        ),
        found=FileDigest(
            content_hash=row["content_hash"],
            size=row["size"],
            part_size=row["part_size"],
            part_crcs=tuple(
                int.from_bytes(raw[at : at + 4], "big") for at in range(0, len(raw), 4)
            ),
        ),
        endpoint=row["endpoint"],
        bucket=row["bucket"],
        key=row["object_key"],
        upload_id=row["upload_id"],
        is_intent=row["upload_id"].startswith(_INTENT),
        begun_at=row["begun_at"],
    )


def _is_queued(database: sqlite3.Connection, upload: UnfinishedUpload) -> bool:
    """Say whether the queue leads a file to where its upload does; no where a router of one's own says."""
    queued = database.execute(
        "SELECT DISTINCT connection FROM hashdrop_queue WHERE path = ?", (os.fsencode(upload.path),)
    )
    place = upload.bucket, upload.key.rpartition("/")[0]
    connections = [json.loads(row["connection"]) for row in queued]
    return any(
        (one.get("bucket"), one.get("prefix", "")) == place and not one.get("router")
        for one in connections
    )


def _queued(row: Any) -> QueuedFile:
    return QueuedFile(
        transfer=row["transfer"],
        batch=row["batch"],
        path=os.fsdecode(row["path"]),
        folder=os.fsdecode(row["folder"]),
        size=row["size"],
        connection=Connection.model_validate_json(row["connection"]),
        tags=json.loads(row["tags"]),
        single_pass=bool(row["single_pass"]),
        paused=bool(row["paused"]),
    )


def _take_away_if_over(lock: Path) -> bool:
    """Say whether the run of a lock file is over, and take the file away then."""
    try:
        with lock.open("rb") as file:
            if not _lock(file):
                return False
            lock.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    return True


def _lock(file: IO[bytes]) -> bool:
    """Lock a file as long as it is open; false where another run has it."""
    try:
        import fcntl
    except ImportError:  # not on this system: its runs are told apart by their files alone
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_wal(database: sqlite3.Connection) -> None:
    """Let others read while one writes. Of two that make a file so at once SQLite turns one away at once."""
    for _ in range(500):
        try:
            database.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.01)
        else:
            return
    database.execute("PRAGMA journal_mode=WAL")


@contextmanager
def _told(file: Path) -> Generator[None, None, None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        kind = CatalogFull if database_is_full(str(error)) else CatalogError
        raise kind(
            "The journal cannot be written.",
            detail=f"The database says of {file}: {error}.",
            hint=database_hint(str(error)) or "Check the disk and the data folder, then retry.",
            retryable=True,
        ) from error


__all__ = ("Journal", "QueuedFile", "open_journal")
