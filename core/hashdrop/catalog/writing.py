"""Writing to a catalog with SQLAlchemy, whatever its database; `noting` says what is written."""

from __future__ import annotations

import json
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import cast
from uuid import UUID

from labox.core.database import BaseRecord
from labox.core.database import ContentRecord
from sqlalchemy import case
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import update

from hashdrop.catalog.noting import CONTENT_KEY
from hashdrop.catalog.noting import NAMES
from hashdrop.catalog.noting import STORAGE_NAME
from hashdrop.catalog.noting import TAGS
from hashdrop.catalog.noting import Name
from hashdrop.catalog.noting import Row
from hashdrop.catalog.noting import note_all as note_in
from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.records import TagRecord
from hashdrop.catalog.rows import StoredName
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.pointer import StoredPointer

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.ext.asyncio import AsyncSession

_MOST_AT_ONCE = 500
"""Rows named by one query; SQLite takes some thousands of parameters."""


async def note_all(
    connection: AsyncConnection, stored: Sequence[StoredName], *, is_there: bool = True
) -> int:
    """Note objects, each under a name; see `noting.note_all`.

    Args:
        connection: In a transaction of `begin_writing`.
        stored: What was stored.
        is_there: Whether S3 confirmed it just now.

    Returns:
        How many names were new.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    return await connection.run_sync(lambda sync: note_in(_Tables(sync), stored, is_there=is_there))


async def find_contents(session: AsyncSession, beginning: str) -> list[StoredPointer]:
    """Return the places of contents whose hash begins so, newest first, at most 100.

    Args:
        session: To the database.
        beginning: Of the hash, lower case.

    Raises:
        SQLAlchemyError: The database cannot be read.
    """
    query = (
        select(ContentRecord)
        .where(
            ContentRecord.content_hash >= beginning,
            ContentRecord.content_hash < f"{beginning}g",  # behind every hexadecimal digit
        )
        .order_by(ContentRecord.created_at.desc())
        .limit(100)
    )
    return [_pointer(content) for content in await session.scalars(query)]


def _pointer(content: ContentRecord) -> StoredPointer:
    place = cast("dict[str, str]", json.loads(content.storage_config))
    return StoredPointer(
        bucket=place["bucket"],
        key=place["key"],
        content_hash=content.content_hash,
        content_hash_algorithm=content.content_hash_algorithm,
        content_size=content.content_size,
        content_type=content.content_type,
    )


class _Tables:
    """The tables of `noting`, by SQLAlchemy.

    Args:
        connection: In a transaction that nobody else writes beside.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def contents(self, hashes: Collection[str]) -> Iterable[tuple[UUID, str, str]]:
        columns = (
            ContentRecord.manifest_id,
            ContentRecord.content_hash,
            ContentRecord.storage_config,
        )
        query = select(*columns).where(
            ContentRecord.content_hash.in_(hashes),
            ContentRecord.content_key == CONTENT_KEY,
            ContentRecord.storage_name == STORAGE_NAME,
        )
        return self._connection.execute(query).tuples()

    def names(
        self, manifests: Collection[UUID], names: Collection[str]
    ) -> Iterable[tuple[UUID, str, str, str, str, object]]:
        columns = (
            NameRecord.manifest_id,
            NameRecord.name,
            NameRecord.folder,
            NameRecord.connection,
            NameRecord.machine,
            NameRecord.gone_at,
        )
        query = select(*columns).where(
            NameRecord.manifest_id.in_(manifests), NameRecord.name.in_(names)
        )
        return self._connection.execute(query).tuples()

    def mark_there(self, manifests: Collection[UUID], connection: str, machine: str) -> None:
        own = NameRecord.connection == LOCAL_CONNECTION_NAME
        query = (
            update(NameRecord)
            .where(
                NameRecord.manifest_id.in_(manifests),
                NameRecord.gone_at.is_not(None),
                NameRecord.connection == connection,
                case((own, NameRecord.machine), else_="") == machine,
            )
            .values(gone_at=None)
        )
        self._connection.execute(query)

    def tags(self, name: Name) -> tuple[int, dict[str, str]]:
        manifest, called, folder, connection = name
        query = select(NameRecord.id, NameRecord.tags).where(
            NameRecord.manifest_id == manifest,
            NameRecord.name == called,
            NameRecord.folder == folder,
            NameRecord.connection == connection,
        )
        number, tags = self._connection.execute(query).one()
        return number, tags

    def change_tags(self, number: int, tags: dict[str, str], new: Collection[str]) -> None:
        self._connection.execute(
            update(NameRecord).where(NameRecord.id == number).values(tags=tags)
        )
        self._connection.execute(
            delete(TagRecord).where(TagRecord.name_id == number, TagRecord.tag.in_(new))
        )
        self.add(TAGS, [{"tag": tag, "value": tags[tag], "name_id": number} for tag in new])

    def add(self, table: str, rows: Sequence[Row]) -> None:
        self._connection.execute(insert(BaseRecord.metadata.tables[table]), rows)

    def add_names(self, rows: Sequence[Row]) -> Sequence[int]:
        # Asked for afterwards: with RETURNING each row of SQLite would be a statement of its own.
        self.add(NAMES, rows)
        query = select(
            NameRecord.id,
            NameRecord.manifest_id,
            NameRecord.name,
            NameRecord.folder,
            NameRecord.connection,
        ).where(
            NameRecord.manifest_id.in_({row["manifest_id"] for row in rows}),
            NameRecord.name.in_({row["name"] for row in rows}),
        )
        ids: dict[Name, int] = {
            (manifest, name, folder, connection): number
            for number, manifest, name, folder, connection in self._connection.execute(query)
        }
        return [
            ids[row["manifest_id"], row["name"], row["folder"], row["connection"]] for row in rows
        ]
