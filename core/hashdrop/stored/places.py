"""Where something stored is, and how its store is reached: what all questions about it begin with."""

from __future__ import annotations

import platform
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Protocol
from urllib.parse import unquote

from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.errors import BucketMissing
from hashdrop.errors import CatalogError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreError
from hashdrop.errors import UsageError
from hashdrop.pasted import Pasted
from hashdrop.pasted import hash_in_key
from hashdrop.pasted import parse_pasted
from hashdrop.pointer import StoredPointer

if TYPE_CHECKING:
    from pathlib import Path

    from hashdrop.catalog.catalog import Catalog
    from hashdrop.catalog.rows import PointerRow
    from hashdrop.connection import Connection
    from hashdrop.s3.claims import Claims
    from hashdrop.s3.routing import S3Pointer
    from hashdrop.s3.writing import ContentWriter


@dataclass(frozen=True, slots=True)
class Place:
    """An object, with what is known of it without asking its store."""

    bucket: str
    key: str
    content_hash: str = ""
    """SHA-256 that it should have, hexadecimal; "" where nobody knows."""
    size: int | None = None
    """Bytes."""
    content_type: str = ""
    connection: str = ""
    """Name of the connection that stored it; "" for the current one."""
    name: str = ""
    """A file name of it; "" where it has none."""
    folder: str = ""
    """Folder below what was dropped."""
    machine: str = ""
    """Computer that it was stored from; "" where that is not known, or does not matter."""

    @classmethod
    def of(cls, row: PointerRow) -> Place:
        """Return the place of a row."""
        pointer = row.pointer
        return cls(
            bucket=pointer.bucket,
            key=pointer.key,
            content_hash=pointer.content_hash,
            size=pointer.content_size,
            content_type=pointer.content_type,
            connection=row.connection,
            name=row.name,
            folder=row.folder,
            machine=row.machine if row.id else "",  # a row of a bucket was seen there just now
        )

    @property
    def s3(self) -> S3Pointer:
        """As requests have it."""
        return {"bucket": self.bucket, "key": self.key}

    @property
    def elsewhere(self) -> str:
        """The other computer in whose own store it lies; "" for one that may be reached from here."""
        is_here = self.connection != LOCAL_CONNECTION_NAME or self.machine == platform.node()
        return "" if is_here else self.machine

    @property
    def uri(self) -> str:
        """The `s3://bucket/key` form."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def file_name(self) -> str:
        """The name that a file of it gets."""
        return self.name or self.key.rpartition("/")[2] or "object"


ObjectId = tuple[str, str, str]
"""Bucket, key, and the store: own stores of two computers have the same buckets and keys."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A connection that was reached."""

    connection: Connection
    """With the endpoint that it has now: that of the store on this computer changes at each start."""
    writer: ContentWriter


class Reach(Protocol):
    """What questions about stored objects need; the service is it."""

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All connections."""
        ...

    @property
    def connection(self) -> Connection:
        """The current one."""
        ...

    @property
    def data(self) -> Path:
        """Folder of this person's data."""
        ...

    @property
    def claims(self) -> Claims:
        """What is being stored or deleted."""
        ...

    async def catalog(self) -> Catalog:
        """Return the catalog when it is open."""
        ...

    def connection_for(self, name: str, bucket: str) -> Connection:
        """Return the connection that `reached` would reach."""
        ...

    async def reached(self, connection: str = "", bucket: str = "") -> Reached:
        """Return a connection when it is reached.

        Args:
            connection: Its name; where there is none of that name any more, one of the same bucket, else the
                current one.
            bucket: That is wanted.

        Raises:
            HashdropError: It cannot be reached.
        """
        ...


def store_name(reach: Reach, connection: Connection) -> str:
    """Return what the store of a connection is known by; "" for AWS.

    Args:
        reach: To the stores.
        connection: One of this computer's.
    """
    if connection.name == LOCAL_CONNECTION_NAME:
        return f"{platform.node()}:{reach.data}"  # its port is another at each start
    return connection.endpoint_url or ""


def object_ids(reach: Reach) -> Callable[[Place], ObjectId]:
    """Return what tells objects apart, whatever the names of the connections to their stores.

    Args:
        reach: To the stores; nobody is asked.
    """
    stores: dict[tuple[str, str, str], str] = {}

    def object_id(place: Place) -> ObjectId:
        which = place.connection, place.bucket, place.elsewhere
        store = stores.get(which)
        if store is None:
            store = stores[which] = _store_of(reach, place)
        return place.bucket, place.key, store

    return object_id


def _store_of(reach: Reach, place: Place) -> str:
    if place.elsewhere:
        return f"{place.elsewhere}:"
    where = reach.connection_for(place.connection, place.bucket)
    if place.connection not in {"", where.name} and where.bucket != place.bucket:
        return f"{place.connection}:"  # nobody here knows which one it is
    return store_name(reach, where)


def of_object(reach: Reach, names: Sequence[PointerRow], place: Place) -> list[PointerRow]:
    """Return those names that are of one object; at its place in another store may be others.

    Args:
        reach: To the stores; nobody is asked.
        names: Of its bucket and key.
        place: Of the object.
    """
    object_id = object_ids(reach)
    meant = object_id(place)
    return [row for row in names if object_id(Place.of(row)) == meant]


async def find_place(reach: Reach, text: str) -> Place:
    """Return where a pasted pointer, key or hash leads, with what the catalog knows of it.

    Args:
        reach: To the catalog.
        text: As of `pasted.parse_pasted`.

    Raises:
        UsageError: The text is none of these, or the beginning of several hashes.
        ObjectMissing: It is a hash that the catalog does not know.
        CatalogError: It is a hash, and the catalog cannot be read.
    """
    endpoints = [one.endpoint_url for one in reach.connections if one.endpoint_url]
    pasted = parse_pasted(text, endpoints=endpoints)
    if not pasted.key:
        return await _of_hash(reach, await reach.catalog(), pasted.content_hash)
    bucket = pasted.bucket or reach.connection.bucket
    rows: list[PointerRow] = []
    with suppress(CatalogError):  # an address leads there without it, as one that it does not know
        catalog = await reach.catalog()
        rows = await catalog.names_at(bucket, pasted.key)
        if not rows and (plain := unquote(pasted.key)) != pasted.key:
            rows = await catalog.names_at(bucket, plain)  # some programs encode s3:// addresses
    if rows:
        return _nearest(rows)
    return Place(
        bucket=bucket,
        key=pasted.key,
        content_hash=pasted.content_hash,
        connection=_connection_of(reach, pasted, bucket),
    )


async def _of_hash(reach: Reach, catalog: Catalog, content_hash: str) -> Place:
    found = await catalog.find_hash(content_hash)
    if not found:
        raise ObjectMissing(
            f"No stored file has the hash {content_hash}.", hint="Give its key or s3:// address."
        )
    if len({one.content_hash for one in found}) > 1:
        raise UsageError(
            f"Several stored files have a hash that begins with {content_hash}.",
            hint="Give more of it.",
        )
    own = [one for one in found if one.bucket == reach.connection.bucket]
    best = (own or found)[0]
    rows = await catalog.names_at(best.bucket, best.key)
    return _nearest(rows) if rows else known_place(best)


def _nearest(rows: Sequence[PointerRow]) -> Place:
    """Return the first place that is not in another computer's own store, else the first."""
    places = [Place.of(row) for row in rows]
    return next((one for one in places if not one.elsewhere), places[0])


async def reach_place(reach: Reach, place: Place, *, surely: bool = False) -> Reached:
    """Return the connection of a place when it is reached; the one way to an object that is named.

    Args:
        reach: To the stores.
        place: Of an object.
        surely: Whether to refuse what may not lead there, as a connection of another name to another bucket:
            for acts that cannot be taken back.

    Raises:
        StoreError: The object lies in a store that this computer does not reach: another's own store may hold
            an object at the same place.
        HashdropError: The connection cannot be reached.
    """
    reached = await reach.reached(place.connection, place.bucket)
    is_there = not is_of_another(reached, place)
    if surely and reached.connection.name != place.connection:
        is_there = leads_there(reached, place)
    if place.connection and not is_there:
        raise _unreached(place)
    return reached


def leads_there(reached: Reached, place: Place) -> bool:
    """Whether a connection that was reached is surely that of a place: only then is what is missing gone.

    In a team's catalog are names of connections that only others have, and of their computers' own stores.

    Args:
        reached: For the place.
        place: Of an object.
    """
    where = reached.connection
    if is_of_another(reached, place):
        return False
    return where.bucket == place.bucket or bool(where.router and where.name == place.connection)


def missing_there(reached: Reached, place: Place, error: StoreError) -> StoreError:
    """Return what it means that an object was not found: it is missing, or somewhere else.

    Args:
        reached: That was asked.
        place: Of the object.
        error: What the store said.
    """
    if not place.connection or leads_there(reached, place):  # nobody knows better
        return error
    return _unreached(place, technical=error.technical)


@contextmanager
def told_of(reached: Reached, place: Place) -> Generator[None, None, None]:
    """Say of an object that is not found whether it is missing, or in a store that was not asked.

    Args:
        reached: That is asked.
        place: Of the object.

    Raises:
        StoreError: As `missing_there` has it.
    """
    try:
        yield
    except (ObjectMissing, BucketMissing) as error:
        raise missing_there(reached, place, error) from error


def is_of_another(reached: Reached, place: Place) -> bool:
    """Whether either is the store on a computer, and the other is not that very one.

    Args:
        reached: A connection.
        place: Of an object.
    """
    local = LOCAL_CONNECTION_NAME
    if (reached.connection.name == local) != (place.connection == local):
        return bool(place.connection)
    return bool(place.elsewhere)


def _unreached(place: Place, *, technical: str = "") -> StoreError:
    if place.elsewhere:
        return StoreError(
            f"“{place.file_name}” lies in a store that this computer does not reach.",
            detail=f"It is on the computer “{place.elsewhere}” itself, in the bucket {place.bucket}.",
            hint="Ask for it there, or have it stored where both computers reach it.",
            technical=technical,
        )
    where = f"“{place.connection}”" + (f" on {place.machine}" if place.machine else "")
    return StoreError(
        f"“{place.file_name}” lies in a store that this computer does not reach.",
        detail=f"It was stored by {where} in the bucket {place.bucket}.",
        hint="Make a connection of that name here, or ask who stored it.",
        technical=technical,
    )


def known_place(pointer: StoredPointer) -> Place:
    """Return the place of a pointer that has no name."""
    return Place(
        pointer.bucket,
        pointer.key,
        pointer.content_hash,
        pointer.content_size,
        pointer.content_type,
    )


def with_hash(place: Place) -> str | None:
    """Return the hash that an object should have: the catalog's, else the one in its key."""
    return place.content_hash or hash_in_key(place.key)


def _connection_of(reach: Reach, pasted: Pasted, bucket: str) -> str:
    """Return the connection that leads to a pasted address; "" for the current one."""
    fitting: Sequence[Connection] = [one for one in reach.connections if one.bucket == bucket]
    there = [one for one in fitting if pasted.endpoint and one.endpoint_url == pasted.endpoint]
    if any(one.name == reach.connection.name for one in there or fitting):
        return ""
    best = there or fitting
    return best[0].name if best else ""
