"""The catalog: notes what S3 confirmed, lists it newest first."""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import AsyncGenerator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from typing import cast
from uuid import UUID
from uuid import uuid4

import anyio
from labox.core.database import BaseRecord
from labox.core.database import ContentRecord
from labox.core.database import ManifestRecord
from labox.core.database import SerializerTypeEnum
from sqlalchemy import event
from sqlalchemy import func
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.asyncio import create_async_engine

from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.stored_file import CONTENT_KEY
from hashdrop.catalog.stored_file import FileSerializer
from hashdrop.catalog.stored_file import StoredFile
from hashdrop.errors import CatalogError
from hashdrop.pointer import StoredPointer

_MOST_PARAMETERS = 500
"""Objects noted by one round of queries; SQLite takes some thousands of parameters."""
_BUSY_MS = 15_000
_STORAGE_NAME = "labox.aws.s3@v1"


class Catalog:
    """The catalog of one database; made by `open_catalog`.

    Args:
        engine: Of the database, its tables made.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing = anyio.Lock()  # one writer: SQLite has room for one

    async def record(
        self,
        pointer: StoredPointer,
        *,
        name: str,
        folder: str,
        connection: str,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Note one object; see `record_many`."""
        await self.record_many([StoredName(pointer, name, folder, connection, tags or {})])

    async def record_many(self, stored: Sequence[StoredName]) -> None:
        """Note objects that S3 confirmed, each under a name; the same name of an object is noted once.

        All or none: one transaction, so that a thousand small files cost one write to the disk.

        Args:
            stored: What was stored.

        Raises:
            CatalogError: The database cannot be written.
        """
        with _told("written"):
            async with self._writing, self._engine.begin() as connection:
                for start in range(0, len(stored), _MOST_PARAMETERS):
                    await _record(connection, stored[start : start + _MOST_PARAMETERS])

    async def page(self, *, limit: int = 200, before: int | None = None) -> list[PointerRow]:
        """Return names, newest first.

        Args:
            limit: Rows at most.
            before: Only rows below this id: the last one of the page before.

        Raises:
            CatalogError: The database cannot be read.
        """
        query = (
            select(NameRecord, ContentRecord)
            .join(ContentRecord, ContentRecord.manifest_id == NameRecord.manifest_id)
            .where(ContentRecord.content_key == CONTENT_KEY)
            .order_by(NameRecord.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(NameRecord.id < before)
        with _told("read"):
            async with AsyncSession(self._engine) as session:
                return [
                    _row(name, content) for name, content in (await session.execute(query)).all()
                ]

    async def first_names(self, pointers: Sequence[StoredPointer]) -> list[PointerRow]:
        """Return the oldest name of each of these objects, of those that the catalog has.

        Raises:
            CatalogError: The database cannot be read.
        """
        of_file = (ContentRecord.manifest_id == NameRecord.manifest_id) & (
            ContentRecord.content_key == CONTENT_KEY
        )
        oldest = (
            select(func.min(NameRecord.id))
            .join(ContentRecord, of_file)
            .where(ContentRecord.content_hash.in_({one.content_hash for one in pointers}))
            .group_by(NameRecord.manifest_id)
        )
        query = (
            select(NameRecord, ContentRecord)
            .join(ContentRecord, of_file)
            .where(NameRecord.id.in_(oldest))
        )
        wanted = {_place(one) for one in pointers}
        with _told("read"):
            async with AsyncSession(self._engine) as session:
                rows = [
                    _row(name, content) for name, content in (await session.execute(query)).all()
                ]
        return [row for row in rows if _place(row.pointer) in wanted]

    async def find_hash(self, content_hash: str) -> list[StoredPointer]:
        """Return the places of content by its hash or the beginning of one, newest first.

        Args:
            content_hash: Hexadecimal, whole or its first characters.

        Raises:
            CatalogError: The database cannot be read.
        """
        query = (
            select(ContentRecord)
            .where(ContentRecord.content_hash.startswith(content_hash.lower(), autoescape=True))
            .order_by(ContentRecord.created_at.desc())
            .limit(100)
        )
        with _told("read"):
            async with AsyncSession(self._engine) as session:
                return [_pointer(content) for content in await session.scalars(query)]

    async def manifests(self, *, limit: int = 1000) -> list[ManifestRecord]:
        """Return labox's manifests of stored files, newest first, for `load_one`."""
        config = StoredFile.storable_config()
        query = (
            select(ManifestRecord)
            .where(ManifestRecord.class_id == config.class_id)
            .order_by(ManifestRecord.created_at.desc())
            .limit(limit)
        )
        with _told("read"):
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                return list(await session.scalars(query))


@asynccontextmanager
async def open_catalog(path: Path) -> AsyncGenerator[Catalog, None]:
    """Open the catalog in a SQLite file, made where there is none.

    Args:
        path: The file; its folder exists.

    Raises:
        CatalogError: The file is no catalog, or cannot be opened.
    """
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    def prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a pointer that was told survives a power cut
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    try:
        with _told("opened"):
            async with engine.begin() as connection:
                # Another program may be making the tables just now: it is waited for.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
                await connection.run_sync(BaseRecord.metadata.create_all)
        yield Catalog(engine)
    finally:
        with anyio.CancelScope(shield=True):
            await engine.dispose()


class _told:  # noqa: N801  # reads as a statement
    """Turns the database's errors into errors for people, and finishes what was begun.

    Shielded: of a query that is cancelled SQLAlchemy leaves a task behind that may never end.
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
        if isinstance(error, (SQLAlchemyError, OSError)):
            cause = getattr(error, "orig", None) or error
            raise CatalogError(
                f"The catalog of pointers cannot be {self._verb}.",
                detail=f"The database says: {cause}.",
                hint="Check the disk and the data folder.",
                retryable=True,
            ) from error


async def _record(connection: AsyncConnection, stored: Sequence[StoredName]) -> None:
    manifests = await _manifests_of(connection, stored)
    new = {
        _place(one.pointer): (uuid4(), one)
        for one in stored
        if _place(one.pointer) not in manifests
    }
    if new:
        rows = list(new.values())
        await connection.execute(
            insert(ManifestRecord), [_manifest_row(number, one) for number, one in rows]
        )
        await connection.execute(
            insert(ContentRecord), [_content_row(number, one) for number, one in rows]
        )
        manifests |= {place: number for place, (number, _) in new.items()}
    await _add_names(connection, stored, manifests)


def _place(pointer: StoredPointer) -> tuple[str, str, str]:
    return pointer.bucket, pointer.key, pointer.content_hash


async def _manifests_of(
    connection: AsyncConnection, stored: Sequence[StoredName]
) -> dict[tuple[str, str, str], UUID]:
    """Return the manifests of those objects that the catalog has."""
    hashes = {one.pointer.content_hash for one in stored}
    columns = (
        ContentRecord.manifest_id,
        ContentRecord.content_hash,
        ContentRecord.storage_config,
    )
    found: dict[tuple[str, str, str], UUID] = {}
    query = select(*columns).where(
        ContentRecord.content_hash.in_(hashes),
        ContentRecord.content_key == CONTENT_KEY,
        ContentRecord.storage_name == _STORAGE_NAME,
    )
    for manifest_id, content_hash, config in await connection.execute(query):
        place = json.loads(config)
        found[place["bucket"], place["key"], content_hash] = manifest_id
    return found


async def _add_names(
    connection: AsyncConnection,
    stored: Sequence[StoredName],
    manifests: Mapping[tuple[str, str, str], UUID],
) -> None:
    wanted = {
        (manifests[_place(one.pointer)], one.name, one.folder, one.connection): one
        for one in stored
    }
    columns = (
        NameRecord.manifest_id,
        NameRecord.name,
        NameRecord.folder,
        NameRecord.connection,
    )
    query = select(*columns).where(
        NameRecord.manifest_id.in_({key[0] for key in wanted}),
        NameRecord.name.in_({key[1] for key in wanted}),  # one content may have very many names
    )
    known = {(row[0], row[1], row[2], row[3]) for row in await connection.execute(query)}
    machine, user, now = platform.node(), _user(), datetime.now(UTC)
    rows = [
        {
            "manifest_id": manifest_id,
            "name": name,
            "folder": folder,
            "connection": on,
            "machine": machine,
            "user": user,
            "stored_at": now,
        }
        for manifest_id, name, folder, on in wanted
        if (manifest_id, name, folder, on) not in known
    ]
    if rows:
        await connection.execute(insert(NameRecord), rows)


def _manifest_row(number: UUID, stored: StoredName) -> dict[str, Any]:
    """Return labox's record of a file as its own saver would make it."""
    config = StoredFile.storable_config()
    return {
        "id": number,
        "tags": stored.tags,
        "class_id": config.class_id,
        "unpacker_name": config.unpacker.name,
        "created_at": datetime.now(UTC),
    }


def _content_row(number: UUID, stored: StoredName) -> dict[str, Any]:
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
        "created_at": datetime.now(UTC),
    }


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


def _row(name: NameRecord, content: ContentRecord) -> PointerRow:
    stored_at = name.stored_at  # SQLite forgets the zone
    return PointerRow(
        id=name.id,
        name=name.name,
        folder=name.folder,
        stored_at=stored_at if stored_at.tzinfo else stored_at.replace(tzinfo=UTC),
        connection=name.connection,
        pointer=_pointer(content),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name in this environment
        return ""
