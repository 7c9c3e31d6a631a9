"""The engine of a catalog: SQLite in a file, or PostgreSQL by a URL; both with one writer at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import anyio
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import await_only

from hashdrop.catalog.schema import has_newest_schema
from hashdrop.catalog.schema import prepare_schema
from hashdrop.catalog.sqlite_notes import PRAGMAS
from hashdrop.catalog.sqlite_notes import REFUSED_BY_SQLITE
from hashdrop.errors import CatalogAway
from hashdrop.errors import CatalogError
from hashdrop.errors import NoteRefused

_CONNECT_S = 15
ANSWER_S = 30.0
"""Seconds after which a team's database is away: one behind a network that went never says so."""
_MIGRATION_S = 3600.0
_TURN_S = 0.01
_TURNED_AWAY = 500
_OF_THE_DATA = frozenset({"22", "23", "54"})
"""Classes of errors: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_ADVISORY = "SELECT pg_advisory_xact_lock(7247651932)"
"""PostgreSQL's lock of our writers; the number is ours by chance."""


class told:  # noqa: N801  # reads as a statement
    """Turns the database's errors into errors for people, and finishes what was begun.

    Shielded: of a query that is cancelled SQLAlchemy leaves a task behind that may never end.

    Args:
        verb: What was not to be done: "read", "written", "opened".
    """

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._shield = anyio.CancelScope(shield=True)

    def __enter__(self) -> None:
        self._shield.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shield.__exit__(kind, error, trace)
        # asyncpg's errors of connecting come as they are.
        if isinstance(error, (SQLAlchemyError, OSError)) or (
            isinstance(error, Exception) and type(error).__module__.startswith("asyncpg")
        ):
            cause = getattr(error, "orig", None) or error
            kind = CatalogError
            if isinstance(cause, TimeoutError):
                kind = CatalogAway
            elif _is_of_the_data(cause):
                kind = NoteRefused
            raise kind.of(self._verb, cause) from error


def _is_of_the_data(cause: object) -> bool:
    """Whether a database said no to these very values; `sqlstate` is PostgreSQL's."""
    state = str(getattr(cause, "sqlstate", None) or "")
    return state[:2] in _OF_THE_DATA or isinstance(cause, REFUSED_BY_SQLITE)


def was_cut(error: Exception) -> bool:
    """Whether a database said no since the connection to it ended: the same may be asked once more."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    # In the middle of an answer asyncpg is told of it by a word that SQLAlchemy does not know.
    return isinstance(error, ConnectionError) or type(error).__name__ == "InternalClientError"


@asynccontextmanager
async def open_engine(place: Path | str) -> AsyncGenerator[AsyncEngine, None]:
    """Open a database and see to its tables.

    Args:
        place: A SQLite file whose folder exists, or a URL `postgresql+asyncpg://…`.

    Raises:
        CatalogError: It is no catalog, cannot be opened, or needs what is not installed.
    """
    engine = (
        _sqlite(place) if isinstance(place, Path) else _postgresql(place, answers_within_s=ANSWER_S)
    )
    try:
        with told("opened"):
            async with engine.connect() as connection:  # who only reads waits for no writer
                is_current = await connection.run_sync(has_newest_schema)
            if not is_current:
                await _prepare(engine, place)
        yield engine
    finally:
        with anyio.CancelScope(shield=True):
            await engine.dispose()


async def _prepare(engine: AsyncEngine, place: Path | str) -> None:
    """Make the tables or bring them to the newest version, however long that takes."""
    if isinstance(place, Path):
        async with begin_writing(engine) as connection:
            await connection.run_sync(prepare_schema, place)
        return
    patient = _postgresql(place, answers_within_s=_MIGRATION_S)
    try:
        async with begin_writing(patient) as connection:
            await connection.run_sync(prepare_schema, None)
    finally:
        await patient.dispose()


@asynccontextmanager
async def begin_writing(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection, None]:
    """Begin a transaction that no other program writes beside; they are waited for.

    Without it two programs could look, find nothing, and both add the same.

    Args:
        engine: Of the catalog.
    """
    async with engine.begin() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        await connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else _ADVISORY)
        yield connection


def _sqlite(path: Path) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    def prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            _set(cursor, pragma)
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    return engine


def _set(cursor: Any, pragma: str) -> None:
    """Set a pragma. Of two that make one file a WAL at the same time SQLite turns one away at once."""
    for _ in range(_TURNED_AWAY):
        try:
            cursor.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            await_only(anyio.sleep(_TURN_S))
        else:
            return
    cursor.execute(f"PRAGMA {pragma}")


def _postgresql(url: str, *, answers_within_s: float) -> AsyncEngine:
    try:
        # JIT compiles for longer than our short queries run.
        settings = {"jit": "off", "application_name": "hashdrop"}
        return create_async_engine(
            url,
            pool_pre_ping=True,  # a database that was restarted meanwhile is found again
            pool_size=3,
            connect_args={
                "server_settings": settings,
                "timeout": _CONNECT_S,
                "command_timeout": answers_within_s,
            },
        )
    except ModuleNotFoundError as error:
        raise CatalogError(
            "What a catalog in PostgreSQL needs is not installed.", hint="Install hashdrop[team]."
        ) from error
    except (SQLAlchemyError, ValueError, TypeError):
        raise CatalogError(  # not chained: their words may hold the password
            "The address of the catalog cannot be used.",
            hint="Write postgresql+asyncpg://user@host/database.",
        ) from None
