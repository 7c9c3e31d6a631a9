"""Marks on the names of an object: that it was verified, that it is gone from its bucket, or there again."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from labox.core.database import ManifestRecord
from sqlalchemy import ColumnElement
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import tuple_
from sqlalchemy import update

from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.records import TagRecord
from hashdrop.pointer import StoredPointer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_MOST_AT_ONCE = 500


def at_place(bucket: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions of all names of one object."""
    return NameRecord.key == key, NameRecord.bucket == bucket


async def mark_verified(
    connection: AsyncConnection,
    pointers: Sequence[StoredPointer],
    moment: datetime | None,
    *scope: ColumnElement[bool],
) -> None:
    """Mark the names of objects: their content has its hash, or with `None`: it was found not to have it.

    Args:
        connection: In a transaction of `begin_writing`.
        pointers: The objects, with the hashes that were looked for; names under others are left alone.
        moment: When, UTC.
        *scope: Conditions of the names that are meant; by default all.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    keys = [one.key for one in pointers]  # found by index
    columns = tuple_(NameRecord.key, NameRecord.bucket, NameRecord.content_hash)
    meant = columns.in_([(one.key, one.bucket, one.content_hash) for one in pointers])
    await connection.execute(
        update(NameRecord)
        .where(NameRecord.key.in_(keys), meant, *scope)
        .values(verified_at=moment, gone_at=None)  # what was read is there
    )


async def mark_gone(
    connection: AsyncConnection,
    objects: Sequence[tuple[str, str]],
    moment: datetime,
    *scope: ColumnElement[bool],
) -> None:
    """Mark the names of objects that are not there any more; the first mark stays.

    What was verified is gone: one that is stored there later was not.

    Args:
        connection: In a transaction of `begin_writing`.
        objects: Bucket and key of each.
        moment: When it was found out, UTC.
        *scope: Conditions of the names that are meant; by default all.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    keys = [key for _, key in objects]  # found by index
    meant = tuple_(NameRecord.bucket, NameRecord.key).in_(objects)
    await connection.execute(
        update(NameRecord)
        .where(NameRecord.key.in_(keys), meant, NameRecord.gone_at.is_(None), *scope)
        .values(gone_at=moment, verified_at=None)
    )


async def mark_there(
    connection: AsyncConnection, bucket: str, key: str, *scope: ColumnElement[bool]
) -> None:
    """Take the mark away of the names of an object that is there again.

    Args:
        connection: In a transaction of `begin_writing`.
        bucket: Of the object.
        key: Of the object.
        *scope: Conditions of the names that are meant; by default all.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    await connection.execute(
        update(NameRecord).where(*at_place(bucket, key), *scope).values(gone_at=None)
    )


async def write_tags(
    connection: AsyncConnection,
    bucket: str,
    key: str,
    tags: Mapping[str, str],
    *scope: ColumnElement[bool],
) -> None:
    """Give all names of an object these tags, and no others; labox's record of it, too.

    labox knows no stores: objects at the same place in two of them have one record.

    Args:
        connection: In a transaction of `begin_writing`.
        bucket: Of the object.
        key: Of the object.
        tags: Key -> value.
        *scope: Conditions of the names that are meant; by default all.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    query = select(NameRecord.id, NameRecord.manifest_id).where(*at_place(bucket, key), *scope)
    rows = (await connection.execute(query)).all()
    names = [row[0] for row in rows]
    for start in range(0, len(names), _MOST_AT_ONCE):
        some = names[start : start + _MOST_AT_ONCE]
        await connection.execute(
            update(NameRecord).where(NameRecord.id.in_(some)).values(tags=dict(tags))
        )
        await connection.execute(delete(TagRecord).where(TagRecord.name_id.in_(some)))
        values = [
            {"tag": tag, "value": value, "name_id": number}
            for number in some
            for tag, value in tags.items()
        ]
        if values:
            await connection.execute(insert(TagRecord), values)
    for manifest in {row[1] for row in rows}:
        await connection.execute(
            update(ManifestRecord).where(ManifestRecord.id == manifest).values(tags=dict(tags))
        )
