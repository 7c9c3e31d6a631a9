"""The catalog rebuilt from what is in the bucket: page by page, in bounded memory, ended and gone on."""

from __future__ import annotations

import platform
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from hashdrop.catalog.rebuilding import Page
from hashdrop.catalog.rebuilding import Rebuilt
from hashdrop.catalog.rows import StoredName
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.s3.listing import MOST_AT_ONCE
from hashdrop.s3.listing import ListedObject
from hashdrop.s3.listing import list_pages
from hashdrop.stored.details import row_of
from hashdrop.stored.marking import rebuild_of
from hashdrop.stored.places import Reach

if TYPE_CHECKING:
    from hashdrop.connection import Connection

CLOCKS_DIFFER = timedelta(minutes=15)
"""S3 refuses who differs by more. What was stored while the bucket was listed is not to be marked as gone."""

_NOTED_AT_ONCE = 250
"""Keys that the catalog compares in one go: a thousand would hold a window's loop."""


async def rebuild(
    reach: Reach,
    *,
    prefix: str | None = None,
    anew: bool = False,
    on_progress: Callable[[Rebuilt], None] | None = None,
    page_size: int = MOST_AT_ONCE,
    clocks_differ: timedelta = CLOCKS_DIFFER,
) -> Rebuilt:
    """List the current connection's bucket and bring the catalog to what is there.

    Keys that are a content's hash get a name (the last part of the key) where they have none; names whose
    object is not there are marked. A rebuild of the same that was ended in the middle goes on.

    Args:
        reach: To the catalog and the store.
        prefix: Beginning of the keys; `None` for the connection's own prefix, "" for the whole bucket.
        anew: Whether to begin at the first key whatever was left.
        on_progress: Told after each page.
        page_size: Keys of a page.
        clocks_differ: Names that are not older than this are not marked as gone.

    Returns:
        What was done in all.

    Raises:
        HashdropError: The store or the catalog refuses, or cannot be reached; the next rebuild goes on there.
    """
    reached = await reach.reached()
    where = reached.connection
    if prefix is None:
        prefix = f"{where.prefix}/" if where.prefix else ""
    what = rebuild_of(reach, where, prefix)
    catalog = await reach.catalog()
    if anew:
        await catalog.forget_rebuild(what)
    done = await catalog.find_rebuild(what) or Rebuilt()
    asked_at = datetime.now(UTC) - clocks_differ
    pages = list_pages(
        reached.writer.requests,
        where.bucket,
        prefix=prefix,
        after=done.reached,
        page_size=page_size,
    )
    async with aclosing(pages):
        async for page in pages:
            for start in range(0, len(page), _NOTED_AT_ONCE):
                some = page[start : start + _NOTED_AT_ONCE]
                noted = await run_sync(partial(_page, some, where, asked_at, last=False))
                done = await catalog.note_page(what, done, noted)
            if on_progress is not None:
                on_progress(done)
    # What is behind the last key is gone, too.
    return await catalog.note_page(what, done, _page([], where, asked_at, last=True))


def _page(
    objects: Sequence[ListedObject], connection: Connection, asked_at: datetime, *, last: bool
) -> Page:
    rows = [row_of(one, connection) for one in objects]
    # Who stored them nobody knows, but whose own store it is.
    machine = platform.node() if connection.name == LOCAL_CONNECTION_NAME else ""
    return Page(
        keys=[one.key for one in objects],
        names=[
            StoredName(
                pointer=row.pointer,
                name=row.name,
                folder="",
                connection=connection.name,
                tags={},
                stored_at=row.stored_at,
                machine=machine,
                user="",
            )
            for row in rows
            if row.pointer.content_hash
        ],
        is_last=last,
        asked_at=asked_at,
    )
