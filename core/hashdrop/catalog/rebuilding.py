"""A rebuild from a bucket's listing, by pages of keys: what is missing is added, what is gone is marked.

Each page is one transaction, with how far the rebuild has come: a rebuild that was ended goes on there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import update

from hashdrop.catalog.noting import own_store
from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.records import RebuildRecord
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.writing import note_all
from hashdrop.connection import LOCAL_CONNECTION_NAME

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_LAST = "\U0010ffff"
"""Behind every text that goes on in any other way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """A part of a bucket that is listed, and whose names it concerns."""

    store: str
    """Endpoint; that of the store on this computer is its folder; "" for AWS."""
    bucket: str
    prefix: str
    """Of the keys; "" for all."""
    other_connections: tuple[str, ...] = ()
    """Names of connections to other stores: a bucket of the same name may be there."""
    machine: str | None = None
    """Only names from this computer (or from nobody knows where): each has a store of its own."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How far a rebuild has come."""

    reached: str = ""
    """The last key that was dealt with."""
    seen: int = 0
    """Keys that were listed."""
    added: int = 0
    """Names that were missing."""
    gone: int = 0
    """Names whose object is not there; they are marked now."""


@dataclass(frozen=True, slots=True)
class Page:
    """Keys of a listing that follow one another."""

    keys: Sequence[str]
    names: Sequence[StoredName]
    """Those of the keys that are a content's hash, as the names that they would get."""
    is_last: bool
    asked_at: datetime
    """When the listing began, less what clocks may differ: names that are newer are not marked."""


async def find_rebuild(connection: AsyncConnection, rebuild: Rebuild) -> Rebuilt | None:
    """Return how far an earlier rebuild has come; `None` if none was left in the middle.

    Raises:
        SQLAlchemyError: The database cannot be read.
    """
    columns = (
        RebuildRecord.reached,
        RebuildRecord.seen,
        RebuildRecord.added,
        RebuildRecord.gone,
    )
    row = (await connection.execute(select(*columns).where(*_itself(rebuild)))).first()
    return Rebuilt(*row) if row else None


async def forget_rebuild(connection: AsyncConnection, rebuild: Rebuild) -> None:
    """Forget how far an earlier rebuild has come.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    await connection.execute(delete(RebuildRecord).where(*_itself(rebuild)))


async def note_page(
    connection: AsyncConnection, rebuild: Rebuild, so_far: Rebuilt, page: Page
) -> Rebuilt:
    """Compare a page of the listing with the catalog.

    Args:
        connection: In a transaction of `begin_writing`.
        rebuild: What is rebuilt.
        so_far: How far it had come.
        page: Of the listing, behind that; an empty one only at the end.

    Returns:
        How far it has come.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    scope = scope_of(rebuild)
    keys = list(page.keys)
    listed = NameRecord.key.in_(keys)
    known = set(await connection.scalars(select(NameRecord.key).where(listed, *scope).distinct()))
    missing = [one for one in page.names if one.pointer.key not in known]
    added = await note_all(connection, missing, is_there=False)  # marks are seen to by store
    await connection.execute(
        update(NameRecord)
        .where(listed, *scope, NameRecord.gone_at.is_not(None))
        .values(gone_at=None)
    )
    between = [*_begins(rebuild.prefix), NameRecord.key > so_far.reached]
    if not page.is_last:
        between.append(NameRecord.key <= keys[-1])
    marked = await connection.execute(
        update(NameRecord)
        .where(
            *between,
            *scope,
            ~listed,
            NameRecord.gone_at.is_(None),
            NameRecord.stored_at < page.asked_at,
        )
        .values(gone_at=datetime.now(UTC), verified_at=None)
    )
    now = Rebuilt(
        reached=max(keys[-1], so_far.reached) if keys else so_far.reached,
        seen=so_far.seen + len(keys),
        added=so_far.added + added,
        gone=so_far.gone + marked.rowcount,
    )
    await forget_rebuild(connection, rebuild)
    # Some stores list in an order of their own: a name that was marked is found again when its key is listed,
    # but one cannot go on in the middle.
    is_ordered = keys == sorted(keys) and (not keys or keys[0] > so_far.reached)
    if is_ordered and not page.is_last:
        await connection.execute(
            insert(RebuildRecord).values(
                store=rebuild.store,
                bucket=rebuild.bucket,
                prefix=rebuild.prefix,
                reached=now.reached,
                seen=now.seen,
                added=now.added,
                gone=now.gone,
                begun_at=datetime.now(UTC),
            )
        )
    return now


def _itself(rebuild: Rebuild) -> tuple[ColumnElement[bool], ...]:
    return (
        RebuildRecord.store == rebuild.store,
        RebuildRecord.bucket == rebuild.bucket,
        RebuildRecord.prefix == rebuild.prefix,
    )


def scope_of(rebuild: Rebuild) -> list[ColumnElement[bool]]:
    """Return the conditions of the names that belong to the store that is rebuilt."""
    conditions: list[ColumnElement[bool]] = [NameRecord.bucket == rebuild.bucket]
    if rebuild.other_connections:
        conditions.append(NameRecord.connection.not_in(rebuild.other_connections))
    if rebuild.machine is not None:
        conditions.append(NameRecord.machine.in_(["", rebuild.machine]))
    return conditions


def reached_from_here() -> ColumnElement[bool]:
    """Return the condition of the names that are not in another computer's own store."""
    machine = own_store(LOCAL_CONNECTION_NAME, None)
    return (NameRecord.connection != LOCAL_CONNECTION_NAME) | NameRecord.machine.in_(["", machine])


def _begins(prefix: str) -> list[ColumnElement[bool]]:
    if not prefix:
        return []
    return [NameRecord.key >= prefix, NameRecord.key < prefix + _LAST]
