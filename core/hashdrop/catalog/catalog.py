"""The catalog: notes what S3 confirmed, lists and searches it; labox reads the same tables."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from datetime import datetime
from pathlib import Path

import anyio
from labox.core.database import ManifestRecord
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import AsyncSession

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.forgetting import forget_names
from hashdrop.catalog.importing import ImportedName
from hashdrop.catalog.importing import import_names
from hashdrop.catalog.marking import at_place
from hashdrop.catalog.marking import mark_gone
from hashdrop.catalog.marking import mark_there
from hashdrop.catalog.marking import mark_verified
from hashdrop.catalog.marking import write_tags
from hashdrop.catalog.opening import begin_writing
from hashdrop.catalog.opening import open_engine
from hashdrop.catalog.opening import told
from hashdrop.catalog.opening import was_cut
from hashdrop.catalog.rebuilding import Page
from hashdrop.catalog.rebuilding import Rebuild
from hashdrop.catalog.rebuilding import Rebuilt
from hashdrop.catalog.rebuilding import find_rebuild
from hashdrop.catalog.rebuilding import forget_rebuild
from hashdrop.catalog.rebuilding import note_page
from hashdrop.catalog.rebuilding import reached_from_here
from hashdrop.catalog.rebuilding import scope_of
from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.searching import listed_columns
from hashdrop.catalog.searching import row_of
from hashdrop.catalog.searching import search
from hashdrop.catalog.stored_file import StoredFile
from hashdrop.catalog.writing import find_contents
from hashdrop.catalog.writing import note_all
from hashdrop.pointer import StoredPointer

_NEWEST_FIRST = Order()
_EVERYTHING = Filters()


class Catalog:
    """The catalog of one database; made by `open_catalog`.

    Args:
        engine: Of the database, its tables made.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing = anyio.Lock()  # this program waits for itself here, not in the database

    # --- writing ---------------------------------------------------------------------------------

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

    async def record_many(self, stored: Sequence[StoredName]) -> int:
        """Note objects that S3 confirmed, each under a name; the same name of an object is noted once.

        All or none: one transaction, so that a thousand small files cost one write to the disk.

        Args:
            stored: What was stored.

        Returns:
            How many names were new.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing:
                try:
                    return await self._note(stored)
                except Exception as error:
                    if not was_cut(error):
                        raise
                    # A database that was restarted is there again; what it had noted nevertheless is found.
                    return await self._note(stored)

    async def _note(self, stored: Sequence[StoredName]) -> int:
        async with begin_writing(self._engine) as connection:
            return await note_all(connection, stored)

    async def write_note(self, row: PointerRow, note: str) -> None:
        """Write what a person says about a name.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                await connection.execute(
                    update(NameRecord).where(NameRecord.id == row.id).values(note=note)
                )

    async def forget(self, rows: Sequence[PointerRow], *, objects: bool = False) -> None:
        """Take names out of the list; labox's records of the objects stay, and so do the objects.

        Args:
            rows: The names.
            objects: Whether their objects were deleted: then labox's record goes with the last name.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                await forget_names(connection, [row.id for row in rows], objects=objects)

    async def mark_verified(
        self,
        pointers: Sequence[StoredPointer],
        *,
        has_its_hash: bool,
        moment: datetime | None = None,
        store: Rebuild | None = None,
    ) -> None:
        """Note that objects were read back and have their hash, or another: then no date stands there.

        Args:
            pointers: The objects, with the hashes that they should have; some hundreds at most: one
                transaction.
            has_its_hash: What was found out of all of them.
            moment: When; by default now.
            store: That was asked: only names that belong to it are marked; `None` for all.

        Raises:
            CatalogError: The database cannot be written.
        """
        when = (moment or datetime.now(UTC)) if has_its_hash else None
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                await mark_verified(connection, pointers, when, *(scope_of(store) if store else []))

    async def mark_gone(
        self,
        objects: Sequence[tuple[str, str]],
        moment: datetime | None = None,
        *,
        store: Rebuild | None = None,
    ) -> None:
        """Note that objects are not in their bucket any more; their names stay, marked.

        Args:
            objects: Bucket and key of each; some hundreds at most: one transaction.
            moment: When it was found out; by default now.
            store: That was asked: only names that belong to it are marked; `None` for all.

        Raises:
            CatalogError: The database cannot be written.
        """
        when = moment or datetime.now(UTC)
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                await mark_gone(connection, objects, when, *(scope_of(store) if store else []))

    async def mark_there(self, bucket: str, key: str, *, store: Rebuild | None = None) -> None:
        """Note that an object that was gone is in its bucket again.

        Args:
            bucket: Of the object.
            key: Of the object.
            store: That was asked: only names that belong to it are marked; `None` for all.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                await mark_there(connection, bucket, key, *(scope_of(store) if store else []))

    async def write_tags(
        self, bucket: str, key: str, tags: Mapping[str, str], *, store: Rebuild | None = None
    ) -> None:
        """Give all names of an object these tags, and no others.

        Args:
            bucket: Of the object.
            key: Of the object.
            tags: Key -> value.
            store: That has the object: only names that belong to it get them; `None` for all.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                await write_tags(connection, bucket, key, tags, *(scope_of(store) if store else []))

    async def import_many(self, names: Sequence[ImportedName]) -> int:
        """Add names from another catalog where they are missing; returns how many were.

        Args:
            names: Some hundreds at most: one transaction.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                return await import_names(connection, names)

    async def find_rebuild(self, rebuild: Rebuild) -> Rebuilt | None:
        """Return how far an earlier rebuild has come; `None` if none was left in the middle.

        Raises:
            CatalogError: The database cannot be read.
        """
        with told("read"):
            async with self._engine.connect() as connection:
                return await find_rebuild(connection, rebuild)

    async def forget_rebuild(self, rebuild: Rebuild) -> None:
        """Let the next rebuild begin anew.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                await forget_rebuild(connection, rebuild)

    async def note_page(self, rebuild: Rebuild, so_far: Rebuilt, page: Page) -> Rebuilt:
        """Compare a page of a bucket's listing with what is here; see `rebuilding.note_page`.

        Raises:
            CatalogError: The database cannot be written.
        """
        with told("written"):
            async with self._writing, begin_writing(self._engine) as connection:
                return await note_page(connection, rebuild, so_far, page)

    # --- reading ---------------------------------------------------------------------------------

    async def search(
        self,
        filters: Filters = _EVERYTHING,
        order: Order = _NEWEST_FIRST,
        *,
        limit: int = 200,
        after: PointerRow | None = None,
    ) -> list[PointerRow]:
        """Return the names that fit, a page at a time.

        Args:
            filters: What they must be.
            order: Of the rows; equal ones by the order in which they were added.
            limit: Rows at most.
            after: The last row of the page before; `None` for the first page.

        Raises:
            CatalogError: The database cannot be read.
        """
        with told("read"):
            async with self._engine.connect() as connection:
                return await search(connection, filters, order, limit=limit, after=after)

    async def page(self, *, limit: int = 200, before: int | None = None) -> list[PointerRow]:
        """Return names, the last added first.

        Args:
            limit: Rows at most.
            before: Only rows below this id: the last one of the page before.

        Raises:
            CatalogError: The database cannot be read.
        """
        query = select(*listed_columns()).order_by(NameRecord.id.desc()).limit(limit)
        if before is not None:
            query = query.where(NameRecord.id < before)
        with told("read"):
            async with self._engine.connect() as connection:
                return [row_of(row) for row in await connection.execute(query)]

    async def names_of(self, content_hash: str, *, limit: int = 1000) -> list[PointerRow]:
        """Return every name of a content, wherever it is stored, the newest first.

        Args:
            content_hash: Hexadecimal, whole.
            limit: Rows at most.

        Raises:
            CatalogError: The database cannot be read.
        """
        return await self.search(Filters(hash_prefix=content_hash.lower()), limit=limit)

    async def names_at(self, bucket: str, key: str, *, limit: int = 1000) -> list[PointerRow]:
        """Return every name of one object, the newest first.

        Args:
            bucket: Where it is.
            key: Of the object, whole.
            limit: Rows at most.

        Raises:
            CatalogError: The database cannot be read.
        """
        query = (
            select(*listed_columns())
            .where(*at_place(bucket, key))
            .order_by(NameRecord.id.desc())
            .limit(limit)
        )
        with told("read"):
            async with self._engine.connect() as connection:
                return [row_of(row) for row in await connection.execute(query)]

    async def names_at_any(self, bucket: str, keys: Sequence[str]) -> list[PointerRow]:
        """Return every name of several objects, the newest first.

        Args:
            bucket: Where they are.
            keys: Of the objects; some hundreds at most.

        Raises:
            CatalogError: The database cannot be read.
        """
        query = (
            select(*listed_columns())
            .where(NameRecord.key.in_(keys), NameRecord.bucket == bucket)
            .order_by(NameRecord.id.desc())
        )
        with told("read"):
            async with self._engine.connect() as connection:
                return [row_of(row) for row in await connection.execute(query)]

    async def first_names(
        self, pointers: Sequence[StoredPointer], *, store: Rebuild | None = None
    ) -> list[PointerRow]:
        """Return the oldest name of each of these objects, of those that the catalog has.

        Args:
            pointers: Of the objects.
            store: That has them; `None` for any that this computer may reach: objects at the same places
                in another computer's own store have other names.

        Raises:
            CatalogError: The database cannot be read.
        """
        oldest = (
            select(func.min(NameRecord.id))
            .where(NameRecord.content_hash.in_({one.content_hash for one in pointers}))
            .where(*(scope_of(store)[1:] if store else [reached_from_here()]))
            .group_by(NameRecord.manifest_id)
        )
        query = select(*listed_columns()).where(NameRecord.id.in_(oldest))
        wanted = {(one.bucket, one.key) for one in pointers}
        with told("read"):
            async with self._engine.connect() as connection:
                rows = [row_of(row) for row in await connection.execute(query)]
        return [row for row in rows if (row.pointer.bucket, row.pointer.key) in wanted]

    async def find_hash(self, content_hash: str) -> list[StoredPointer]:
        """Return the places of content by its hash or the beginning of one, newest first.

        Args:
            content_hash: Hexadecimal, whole or its first characters.

        Raises:
            CatalogError: The database cannot be read.
        """
        with told("read"):
            async with AsyncSession(self._engine) as session:
                return await find_contents(session, content_hash.lower())

    async def manifests(self, *, limit: int = 1000) -> list[ManifestRecord]:
        """Return labox's manifests of stored files, newest first, for `load_one`."""
        config = StoredFile.storable_config()
        query = (
            select(ManifestRecord)
            .where(ManifestRecord.class_id == config.class_id)
            .order_by(ManifestRecord.created_at.desc())
            .limit(limit)
        )
        with told("read"):
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                return list(await session.scalars(query))


@asynccontextmanager
async def open_catalog(place: Path | str) -> AsyncGenerator[Catalog, None]:
    """Open a catalog, made where there is none, brought to the newest version where it is older.

    Args:
        place: A SQLite file whose folder exists, or a URL `postgresql+asyncpg://…`.

    Raises:
        CatalogError: It is no catalog, or cannot be opened.
    """
    async with open_engine(place) as engine:
        yield Catalog(engine)
