"""Marks on the names of an object: that it was verified, that it is gone from its bucket, or there again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement
from sqlalchemy import update

from hashdrop.catalog.records import NameRecord

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


def at_place(bucket: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions of all names of one object."""
    return NameRecord.key == key, NameRecord.bucket == bucket


async def mark_verified(
    connection: AsyncConnection, bucket: str, key: str, content_hash: str, moment: datetime | None
) -> None:
    """Mark the names of an object: its content has its hash, or with `None`: it was found not to have it.

    Args:
        connection: In a transaction of `begin_writing`.
        bucket: Of the object.
        key: Of the object.
        content_hash: That was looked for; names under another hash are left alone.
        moment: When, UTC.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    values: dict[str, datetime | None] = {"verified_at": moment}
    if moment is not None:
        values["gone_at"] = None
    await connection.execute(
        update(NameRecord)
        .where(*at_place(bucket, key), NameRecord.content_hash == content_hash)
        .values(values)
    )


async def mark_gone(connection: AsyncConnection, bucket: str, key: str, moment: datetime) -> None:
    """Mark the names of an object that is not there any more; the first mark stays.

    Args:
        connection: In a transaction of `begin_writing`.
        bucket: Of the object.
        key: Of the object.
        moment: When it was found out, UTC.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    await connection.execute(
        update(NameRecord)
        .where(*at_place(bucket, key), NameRecord.gone_at.is_(None))
        .values(gone_at=moment)
    )
