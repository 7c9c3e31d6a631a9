"""Noting what S3 confirmed: labox's manifest and content of each object once, and a name of it."""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from typing import Any
from typing import cast
from uuid import UUID
from uuid import uuid4

from labox.core.database import ContentRecord
from labox.core.database import ManifestRecord
from labox.core.database import SerializerTypeEnum
from sqlalchemy import bindparam
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import update

from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.records import TagRecord
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.rows import fold
from hashdrop.catalog.stored_file import CONTENT_KEY
from hashdrop.catalog.stored_file import FileSerializer
from hashdrop.catalog.stored_file import StoredFile
from hashdrop.pointer import StoredPointer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.ext.asyncio import AsyncSession

_MOST_AT_ONCE = 500
"""Objects noted by one round of queries; SQLite takes some thousands of parameters."""
_STORAGE_NAME = "labox.aws.s3@v1"

_Place = tuple[str, str, str]
_Name = tuple[UUID, str, str, str]


async def note_all(connection: AsyncConnection, stored: Sequence[StoredName]) -> int:
    """Note objects, each under a name; the same name of an object is noted once.

    A name that was marked as gone is there again.

    Args:
        connection: In a transaction of `begin_writing`.
        stored: What was stored.

    Returns:
        How many names were new.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    added = 0
    for start in range(0, len(stored), _MOST_AT_ONCE):
        added += await _note(connection, stored[start : start + _MOST_AT_ONCE])
    return added


async def _note(connection: AsyncConnection, stored: Sequence[StoredName]) -> int:
    manifests = await _manifests_of(connection, stored)
    new = {
        _place(one.pointer): (uuid4(), one)
        for one in stored
        if _place(one.pointer) not in manifests
    }
    now = datetime.now(UTC)
    if new:
        rows = list(new.values())
        await connection.execute(
            insert(ManifestRecord), [_manifest_row(number, one, now) for number, one in rows]
        )
        await connection.execute(
            insert(ContentRecord), [_content_row(number, one, now) for number, one in rows]
        )
    names = {
        (manifest, one.name, one.folder, one.connection): one
        for one in stored
        if (manifest := manifests.get(_place(one.pointer)))
    }
    known = await _known_names(connection, names) if names else dict[_Name, bool]()
    gone = [key for key, is_gone in known.items() if is_gone]
    if gone:
        await _mark_there(connection, gone)
    fresh = {key: one for key, one in names.items() if key not in known}
    for one in stored:
        if created := new.get(_place(one.pointer)):
            fresh[created[0], one.name, one.folder, one.connection] = one
    await _add_names(connection, fresh, now)
    return len(fresh)


async def forget_names(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Take names out of the list, with their tags.

    Args:
        connection: In a transaction of `begin_writing`.
        ids: Of the names.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    for start in range(0, len(ids), _MOST_AT_ONCE):
        some = ids[start : start + _MOST_AT_ONCE]
        await connection.execute(delete(NameRecord).where(NameRecord.id.in_(some)))


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


def _place(pointer: StoredPointer) -> _Place:
    return pointer.bucket, pointer.key, pointer.content_hash


async def _manifests_of(
    connection: AsyncConnection, stored: Sequence[StoredName]
) -> dict[_Place, UUID]:
    """Return the manifests of those objects that the catalog has."""
    hashes = {one.pointer.content_hash for one in stored}
    columns = (
        ContentRecord.manifest_id,
        ContentRecord.content_hash,
        ContentRecord.storage_config,
    )
    found: dict[_Place, UUID] = {}
    query = select(*columns).where(
        ContentRecord.content_hash.in_(hashes),
        ContentRecord.content_key == CONTENT_KEY,
        ContentRecord.storage_name == _STORAGE_NAME,
    )
    for manifest_id, content_hash, config in await connection.execute(query):
        place = json.loads(config)
        found[place["bucket"], place["key"], content_hash] = manifest_id
    return found


async def _known_names(
    connection: AsyncConnection, names: Mapping[_Name, StoredName]
) -> dict[_Name, bool]:
    """Return those names that the catalog has, and whether they are marked as gone."""
    columns = (
        NameRecord.manifest_id,
        NameRecord.name,
        NameRecord.folder,
        NameRecord.connection,
        NameRecord.gone_at,
    )
    query = select(*columns).where(
        NameRecord.manifest_id.in_({key[0] for key in names}),
        NameRecord.name.in_({key[1] for key in names}),  # one content may have very many names
    )
    found = {
        (row[0], row[1], row[2], row[3]): row[4] is not None
        for row in await connection.execute(query)
    }
    return {key: is_gone for key, is_gone in found.items() if key in names}


async def _mark_there(connection: AsyncConnection, names: Iterable[_Name]) -> None:
    """Take the mark away of all names of objects that were stored again."""
    query = (
        update(NameRecord).where(NameRecord.manifest_id == bindparam("number")).values(gone_at=None)
    )
    await connection.execute(query, [{"number": number} for number in {name[0] for name in names}])


async def _add_names(
    connection: AsyncConnection, names: Mapping[_Name, StoredName], now: datetime
) -> None:
    rows = [_name_row(manifest, one, now) for (manifest, *_), one in names.items()]
    tagged = [row for row in rows if row["tags"]]
    plain = [row for row in rows if not row["tags"]]
    if plain:
        await connection.execute(insert(NameRecord), plain)
    if tagged:
        query = insert(NameRecord).returning(NameRecord.id, sort_by_parameter_order=True)
        ids = (await connection.scalars(query, tagged)).all()
        await connection.execute(
            insert(TagRecord),
            [
                {"tag": tag, "value": value, "name_id": number}
                for number, row in zip(ids, tagged, strict=True)
                for tag, value in row["tags"].items()
            ],
        )


def _name_row(manifest: UUID, stored: StoredName, now: datetime) -> dict[str, Any]:
    pointer = stored.pointer
    return {
        "manifest_id": manifest,
        "name": stored.name,
        "folded": fold(stored.name),
        "folder": stored.folder,
        "connection": stored.connection,
        "machine": _machine() if stored.machine is None else stored.machine,
        "user": _user() if stored.user is None else stored.user,
        # SQLite keeps no zone: all of them are UTC.
        "stored_at": stored.stored_at.astimezone(UTC) if stored.stored_at else now,
        "size": pointer.content_size,
        "content_type": pointer.content_type,
        "content_hash": pointer.content_hash,
        "bucket": pointer.bucket,
        "key": pointer.key,
        "tags": stored.tags,
        "note": stored.note,
        "gone_at": None,
    }


def _manifest_row(number: UUID, stored: StoredName, now: datetime) -> dict[str, Any]:
    """Return labox's record of a file as its own saver would make it."""
    config = StoredFile.storable_config()
    return {
        "id": number,
        "tags": stored.tags,
        "class_id": config.class_id,
        "unpacker_name": config.unpacker.name,
        "created_at": now,
    }


def _content_row(number: UUID, stored: StoredName, now: datetime) -> dict[str, Any]:
    pointer = stored.pointer
    return {
        "id": uuid4(),
        "manifest_id": number,
        "content_key": CONTENT_KEY,
        "content_type": pointer.content_type,
        "content_encoding": None,
        "content_hash": pointer.content_hash,
        "content_hash_algorithm": pointer.content_hash_algorithm,
        "content_size": pointer.content_size,
        "serializer_name": FileSerializer.name,
        "serializer_config": "null",
        "serializer_type": SerializerTypeEnum.StreamSerializer,
        "storage_name": _STORAGE_NAME,
        "storage_config": json.dumps({"bucket": pointer.bucket, "key": pointer.key}),
        "created_at": now,
    }


@cache
def _machine() -> str:
    return platform.node()


@cache
def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name in this environment
        return ""
