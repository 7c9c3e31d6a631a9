"""Noting in a SQLite catalog without SQLAlchemy and labox: loading them takes longer than storing a file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
from anyio.to_thread import run_sync

from hashdrop.catalog.noting import CONTENT_KEY
from hashdrop.catalog.noting import CONTENTS
from hashdrop.catalog.noting import NAMES
from hashdrop.catalog.noting import STORAGE_NAME
from hashdrop.catalog.noting import TAGS
from hashdrop.catalog.noting import VERSION
from hashdrop.catalog.noting import VERSION_TABLE
from hashdrop.catalog.noting import Name
from hashdrop.catalog.noting import Row
from hashdrop.catalog.noting import note_all
from hashdrop.catalog.rows import StoredName
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.errors import CatalogError
from hashdrop.errors import NoteRefused

_BUSY_MS = 15_000
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a pointer that was told survives a power cut
    "foreign_keys=ON",
    f"busy_timeout={_BUSY_MS}",
    "cache_size=-32000",  # KiB: what does not fit of a transaction is written twice
    "wal_autocheckpoint=8000",  # pages: else each 500 names of a large catalog wait for a checkpoint
)
"""For each connection to a catalog in SQLite."""
REFUSED_BY_SQLITE = (sqlite3.DataError, sqlite3.IntegrityError)
"""What is the values' fault, not the file's."""


class SqliteNotes:
    """Notes objects in a catalog of this version; made by `open_notes`.

    Args:
        database: Open; used by one thread at a time.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._turn = anyio.Lock()

    async def record_many(self, stored: Sequence[StoredName]) -> int:
        """Note objects that S3 confirmed; as `Catalog.record_many`.

        Raises:
            CatalogError: The database cannot be written.
        """
        added = 0
        with anyio.CancelScope(shield=True):
            async with self._turn:
                added = await run_sync(self._record, stored)
        return added

    async def close(self) -> None:
        """Close the file."""
        with anyio.CancelScope(shield=True):
            async with self._turn:
                await run_sync(self._database.close)

    def _record(self, stored: Sequence[StoredName]) -> int:
        try:
            with _writing(self._database):
                added = note_all(_Tables(self._database), stored)
        except sqlite3.Error as error:
            kind = NoteRefused if isinstance(error, REFUSED_BY_SQLITE) else CatalogError
            raise kind.of("written", error) from error
        return added


async def open_notes(path: Path) -> SqliteNotes | None:
    """Open a catalog to note in it.

    Args:
        path: Of the file.

    Returns:
        `None` where the catalog must be made or migrated first, or cannot be opened: `open_catalog` does
        it, or says why not.
    """
    database = await run_sync(_open, path)
    return None if database is None else SqliteNotes(database)


def _open(path: Path) -> sqlite3.Connection | None:
    database = None
    try:
        database = sqlite3.connect(
            # It is not made here.
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        version = database.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
    except sqlite3.Error:
        version = None
    if database is not None and version != (VERSION,):
        database.close()
        return None
    return database


@contextmanager
def _writing(database: sqlite3.Connection) -> Generator[None, None, None]:
    """Begin a transaction that no other program writes beside; they are waited for."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.rollback()
        raise
    database.execute("COMMIT")


class _Tables:
    """The tables of `noting`, as SQLAlchemy writes them to SQLite.

    Args:
        database: In a transaction.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def contents(self, hashes: Collection[str]) -> Iterable[tuple[UUID, str, str]]:
        query = (
            f"SELECT manifest_id, content_hash, storage_config FROM {CONTENTS} "
            f"WHERE content_hash IN ({_marks(hashes)}) AND content_key = ? AND storage_name = ?"
        )
        for manifest, *rest in self._database.execute(query, (*hashes, CONTENT_KEY, STORAGE_NAME)):
            yield UUID(manifest), *rest

    def names(
        self, manifests: Collection[UUID], names: Collection[str]
    ) -> Iterable[tuple[UUID, str, str, str, str, object]]:
        query = (
            f"SELECT manifest_id, name, folder, connection, machine, gone_at FROM {NAMES} "
            f"WHERE manifest_id IN ({_marks(manifests)}) AND name IN ({_marks(names)})"
        )
        values = (*(one.hex for one in manifests), *names)
        for manifest, *rest in self._database.execute(query, values):
            yield UUID(manifest), *rest

    def mark_there(self, manifests: Collection[UUID], connection: str, machine: str) -> None:
        query = (
            f"UPDATE {NAMES} SET gone_at = NULL WHERE manifest_id IN ({_marks(manifests)}) "
            "AND gone_at IS NOT NULL "
            "AND connection = ? AND (CASE connection WHEN ? THEN machine ELSE '' END) = ?"
        )
        values = (*(one.hex for one in manifests), connection, LOCAL_CONNECTION_NAME, machine)
        self._database.execute(query, values)

    def tags(self, name: Name) -> tuple[int, dict[str, str]]:
        manifest, *rest = name
        query = (
            f"SELECT id, tags FROM {NAMES} "
            "WHERE manifest_id = ? AND name = ? AND folder = ? AND connection = ?"
        )
        number, tags = self._database.execute(query, (manifest.hex, *rest)).fetchone()
        return number, json.loads(tags)

    def change_tags(self, number: int, tags: dict[str, str], new: Collection[str]) -> None:
        self._database.execute(
            f"UPDATE {NAMES} SET tags = ? WHERE id = ?", (_as_sqlite(tags), number)
        )
        self._database.execute(
            f"DELETE FROM {TAGS} WHERE name_id = ? AND tag IN ({_marks(new)})", (number, *new)
        )
        self.add(TAGS, [{"tag": tag, "value": tags[tag], "name_id": number} for tag in new])

    def add(self, table: str, rows: Sequence[Row]) -> None:
        values = [tuple(map(_as_sqlite, row.values())) for row in rows]
        self._database.executemany(_insert(table, rows[0]), values)

    def add_names(self, rows: Sequence[Row]) -> Sequence[int]:
        query = _insert(NAMES, rows[0])
        ids = [
            self._database.execute(query, tuple(map(_as_sqlite, row.values()))).lastrowid
            for row in rows
        ]
        return [number for number in ids if number is not None]


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _insert(table: str, row: Row) -> str:
    columns = ", ".join(f'"{column}"' for column in row)
    return f"INSERT INTO {table} ({columns}) VALUES ({_marks(row)})"


def _as_sqlite(value: Any) -> Any:
    """Return a value as SQLAlchemy keeps it in SQLite."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, dict):
        return json.dumps(value)
    return value
