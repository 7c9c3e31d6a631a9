"""What the store itself says: of one object with all that belongs to it, and of the bucket, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from hashdrop.catalog.rows import PointerRow
from hashdrop.content_types import content_type_of
from hashdrop.errors import HashdropError
from hashdrop.errors import TaggingUnknown
from hashdrop.pasted import hash_in_key
from hashdrop.pointer import StoredPointer
from hashdrop.s3.inspecting import ObjectVersion
from hashdrop.s3.inspecting import StandingObject
from hashdrop.s3.inspecting import ask_for
from hashdrop.s3.inspecting import list_versions
from hashdrop.s3.listing import ListedObject
from hashdrop.s3.listing import list_pages
from hashdrop.s3.tagging import read_tags
from hashdrop.s3.tagging import write_tags
from hashdrop.stored.marking import store_of
from hashdrop.stored.places import Place
from hashdrop.stored.places import Reach
from hashdrop.stored.places import reach_place
from hashdrop.stored.places import told_of

if TYPE_CHECKING:
    from hashdrop.connection import Connection


@dataclass(frozen=True, slots=True)
class Details:
    """What the store says of an object."""

    standing: StandingObject
    tags: Mapping[str, str] | None
    """`None` where the store has none, or does not let one know."""
    versions: tuple[ObjectVersion, ...] | None
    """The newest first; `None` where the store has none, or does not let one know."""


async def ask_details(reach: Reach, place: Place) -> Details:
    """Return what the store says of an object; what it may not say is left out.

    Args:
        reach: To the store.
        place: Of the object.

    Raises:
        ObjectMissing: It is not there.
        HashdropError: The store cannot be asked.
    """
    reached = await reach_place(reach, place)
    requests = reached.writer.requests
    with told_of(reached, place):
        standing = await ask_for(requests, place.s3)
    tags: Mapping[str, str] | None = None
    versions: tuple[ObjectVersion, ...] | None = None
    if reached.connection.object_tags:
        try:
            tags = await read_tags(requests, place.s3)
        except HashdropError:  # a permission of its own, that many lack
            tags = None
    try:
        versions = tuple(await list_versions(requests, place.s3))
    except HashdropError:
        versions = None
    return Details(standing, tags, versions)


async def change_tags(reach: Reach, place: Place, tags: Mapping[str, str]) -> bool:
    """Give an object these tags, and no others: in its store, and then in the catalog.

    Args:
        reach: To the catalog and the store.
        place: Of the object.
        tags: Key -> value.

    Returns:
        Whether the store has them now; a store without tags leaves them to the catalog.

    Raises:
        TagError: S3 would refuse them; nothing was changed.
        ObjectMissing: It is not there.
        HashdropError: The store refuses, or cannot be asked; nothing was changed.
        CatalogError: The catalog cannot be written.
    """
    reached = await reach_place(reach, place, surely=True)
    in_store = reached.connection.object_tags
    if in_store:
        try:
            with told_of(reached, place):
                await write_tags(reached.writer.requests, place.s3, tags)
        except TaggingUnknown:
            in_store = False
    await (await reach.catalog()).write_tags(
        place.bucket, place.key, tags, store=await store_of(reach, place)
    )
    return in_store


async def bucket_pages(
    reach: Reach, *, connection: str, prefix: str | None, after: str, page_size: int
) -> AsyncGenerator[list[PointerRow], None]:
    """Yield what is in the bucket of a connection, as rows; see `Stored.bucket_pages`."""
    reached = await reach.reached(connection)
    where = reached.connection
    if prefix is None:
        prefix = f"{where.prefix}/" if where.prefix else ""
    pages = list_pages(
        reached.writer.requests, where.bucket, prefix=prefix, after=after, page_size=page_size
    )
    async with aclosing(pages):
        async for page in pages:
            yield await run_sync(_rows_of, page, where)


def _rows_of(page: list[ListedObject], connection: Connection) -> list[PointerRow]:
    return [row_of(one, connection) for one in page]


def row_of(one: ListedObject, connection: Connection) -> PointerRow:
    """Return an object of a listing as a row; its `id` is 0, for it has no name in the catalog."""
    name = one.key.rstrip("/").rpartition("/")[2] or one.key
    return PointerRow(
        id=0,
        name=name,
        folder="",
        stored_at=one.modified,
        connection=connection.name,
        pointer=StoredPointer(
            bucket=connection.bucket,
            key=one.key,
            content_hash=hash_in_key(one.key) or "",
            content_size=one.size,
            content_type=content_type_of(name),
        ),
    )
