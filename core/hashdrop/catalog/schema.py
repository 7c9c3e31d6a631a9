"""The tables of a catalog, made or brought to the newest version; a SQLite file is copied before that.

A new catalog is made in the newest shape at once: alembic is loaded only where something has to be migrated.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from pathlib import Path

from labox.core.database import BaseRecord
from sqlalchemy import Connection
from sqlalchemy import inspect
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hashdrop.catalog.noting import VERSION
from hashdrop.catalog.noting import VERSION_TABLE
from hashdrop.catalog.records import NameRecord
from hashdrop.errors import CatalogError

_FIRST = "0001"
_KNOWN = ("0001", "0002", "0003")


def has_newest_schema(connection: Connection) -> bool:
    """Whether the tables are there and of this version; blocking, writes nothing.

    Args:
        connection: To the database.

    Raises:
        SQLAlchemyError: The database cannot be read.
    """
    return inspect(connection).has_table(VERSION_TABLE) and _noted_version(connection) == VERSION


def prepare_schema(connection: Connection, file: Path | None) -> None:
    """Make the tables, or migrate them; blocking, in a transaction that nobody else writes beside.

    Args:
        connection: To the database.
        file: The SQLite file; `None` for PostgreSQL.

    Raises:
        CatalogError: A later version of Hashdrop made it, or the copy cannot be made.
        SQLAlchemyError: The database does not let it.
    """
    version = _version(connection)
    if version is None:
        BaseRecord.metadata.create_all(connection)
        _stamp(connection, VERSION)
        if file is None:
            _add_trigrams(connection)
    elif version not in _KNOWN:
        raise CatalogError(
            "The catalog of pointers was made by a later version of Hashdrop.",
            detail=f"It has version {version}; this program knows {VERSION}.",
            hint="Update Hashdrop on this computer.",
        )
    elif version != VERSION:
        if file is not None:
            _back_up(file, version)
        migrate(connection)


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest version with alembic, in the transaction that goes on."""
    from alembic import command  # takes a fifth of a second, and is rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "hashdrop.catalog:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, VERSION)


def _version(connection: Connection) -> str | None:
    """Return the version of the tables, `None` where there are none."""
    tables = inspect(connection)
    if tables.has_table(VERSION_TABLE):
        return _noted_version(connection)
    if not tables.has_table(NameRecord.__tablename__):
        return None
    _stamp(connection, _FIRST)
    return _FIRST


def _noted_version(connection: Connection) -> str:
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()


def _stamp(connection: Connection, version: str) -> None:
    """Write down the version of tables that have none yet, where alembic looks for it."""
    connection.execute(
        text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    )
    connection.execute(
        text(f"INSERT INTO {VERSION_TABLE} VALUES (:version)"),
        {"version": version},
    )


def _add_trigrams(connection: Connection) -> None:
    """Index substrings of names where this role may; searching works without, only slower."""
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            connection.execute(
                text(
                    "CREATE INDEX IF NOT EXISTS hashdrop_names_by_text ON hashdrop_names "
                    "USING gin (folded gin_trgm_ops)"
                )
            )
    except DBAPIError:  # not allowed, or not installed
        return


def _back_up(file: Path, version: str) -> None:
    """Copy a SQLite file as it is; the caller's transaction keeps others from writing."""
    now = datetime.now(UTC)
    copy = file.with_name(f"{file.name}.before-{VERSION}-{now:%Y%m%dT%H%M%S%f}")
    draft = copy.with_name(
        f"{copy.name}.part"
    )  # half of one, after a kill, is not to look like a whole
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target)
        draft.replace(copy)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise CatalogError(
            "The catalog cannot be copied before it is brought to a new version.",
            detail=f"{copy.name}: {error}. It stays at version {version}.",
            hint="Make room on the disk, then start Hashdrop again.",
        ) from error
