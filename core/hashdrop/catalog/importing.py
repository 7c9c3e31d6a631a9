"""Names that come from another catalog: added where they are missing, never changed where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import case
from sqlalchemy import select
from sqlalchemy import update

from hashdrop.catalog.noting import own_store
from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.writing import note_all
from hashdrop.connection import LOCAL_CONNECTION_NAME

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_Name = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class ImportedName:
    """A name as another catalog had it."""

    stored: StoredName
    gone_at: datetime | None = None
    verified_at: datetime | None = None


async def import_names(connection: AsyncConnection, names: Sequence[ImportedName]) -> int:
    """Add names that are not there; those that are, stay as they are.

    Args:
        connection: In a transaction of `begin_writing`.
        names: Some hundreds at most.

    Returns:
        How many were new.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    columns = (
        NameRecord.bucket,
        NameRecord.key,
        NameRecord.name,
        NameRecord.folder,
        NameRecord.connection,
    )
    own = NameRecord.connection == LOCAL_CONNECTION_NAME
    store = case((own, NameRecord.machine), else_="")
    keys = {one.stored.pointer.key for one in names}
    called = {one.stored.name for one in names}
    query = select(*columns, store).where(NameRecord.key.in_(keys), NameRecord.name.in_(called))
    known = {tuple(row) for row in await connection.execute(query)}
    new = [one for one in names if _name(one.stored) not in known]
    added = await note_all(connection, [one.stored for one in new], is_there=False)
    marked = [_marks(one) for one in new if one.gone_at or one.verified_at]
    if marked:
        statement = (
            update(NameRecord)
            .where(*(column == bindparam(f"old_{column.key}") for column in columns))
            .where(store == bindparam("old_store"))
            .values(gone_at=bindparam("gone"), verified_at=bindparam("verified"))
        )
        await connection.execute(statement, marked)
    return added


def _name(stored: StoredName) -> _Name:
    pointer = stored.pointer
    store = own_store(stored.connection, stored.machine)
    return pointer.bucket, pointer.key, stored.name, stored.folder, stored.connection, store


def _marks(one: ImportedName) -> dict[str, Any]:
    bucket, key, name, folder, connection, store = _name(one.stored)
    return {
        "old_bucket": bucket,
        "old_key": key,
        "old_name": name,
        "old_folder": folder,
        "old_connection": connection,
        "old_store": store,
        # SQLite keeps no zone: all of them are UTC.
        "gone": one.gone_at.astimezone(UTC) if one.gone_at else None,
        "verified": one.verified_at.astimezone(UTC) if one.verified_at else None,
    }
