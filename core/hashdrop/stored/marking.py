"""Whose names are meant by what a store says of an object: those of other stores stay as they are."""

from __future__ import annotations

import platform
from dataclasses import replace
from typing import TYPE_CHECKING

from hashdrop.catalog.rebuilding import Rebuild
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.stored.places import Place
from hashdrop.stored.places import Reach
from hashdrop.stored.places import reach_place
from hashdrop.stored.places import store_name

if TYPE_CHECKING:
    from hashdrop.connection import Connection


def rebuild_of(reach: Reach, connection: Connection, prefix: str) -> Rebuild:
    """Return what is rebuilt: a store and those connections that do not lead to it."""
    own = store_name(reach, connection)
    others = [one.name for one in reach.connections if store_name(reach, one) != own]
    if connection.name != LOCAL_CONNECTION_NAME:
        others.append(LOCAL_CONNECTION_NAME)  # of any computer of the team
    return Rebuild(
        store=own,
        bucket=connection.bucket,
        prefix=prefix,
        other_connections=tuple(sorted(set(others) - {connection.name})),
        machine=platform.node() if connection.name == LOCAL_CONNECTION_NAME else None,
    )


async def store_of(reach: Reach, place: Place) -> Rebuild:
    """Return whose names are meant by what its store says of an object.

    Raises:
        HashdropError: The store cannot be reached.
    """
    reached = await reach_place(reach, place)
    return replace(rebuild_of(reach, reached.connection, ""), bucket=place.bucket)


async def mark_gone(reach: Reach, place: Place) -> None:
    """Mark the names of an object that its store has no more; those of other stores stay as they are.

    Raises:
        HashdropError: The store cannot be reached.
        CatalogError: The catalog cannot be written.
    """
    await (await reach.catalog()).mark_gone(
        [(place.bucket, place.key)], store=await store_of(reach, place)
    )
