"""Taking names out of the catalog; with the last name of a deleted object labox's record of it goes, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labox.core.database import ContentRecord
from labox.core.database import ManifestRecord
from sqlalchemy import delete
from sqlalchemy import select

from hashdrop.catalog.records import NameRecord

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_MOST_AT_ONCE = 500


async def forget_names(
    connection: AsyncConnection, ids: Sequence[int], *, objects: bool = False
) -> None:
    """Take names out of the list, with their tags.

    Args:
        connection: In a transaction of `begin_writing`.
        ids: Of the names.
        objects: Whether their objects were deleted: a program that loads all of labox's records must not
            come upon one that leads nowhere.

    Raises:
        SQLAlchemyError: The database cannot be written.
    """
    for start in range(0, len(ids), _MOST_AT_ONCE):
        chosen = NameRecord.id.in_(ids[start : start + _MOST_AT_ONCE])
        manifests = select(NameRecord.manifest_id).where(chosen).distinct()
        found = list(await connection.scalars(manifests)) if objects else []
        await connection.execute(delete(NameRecord).where(chosen))
        if not found:
            continue
        named = select(NameRecord.manifest_id).where(NameRecord.manifest_id.in_(found))
        nameless = list(set(found) - set(await connection.scalars(named)))
        await connection.execute(
            delete(ContentRecord).where(ContentRecord.manifest_id.in_(nameless))
        )
        await connection.execute(delete(ManifestRecord).where(ManifestRecord.id.in_(nameless)))
