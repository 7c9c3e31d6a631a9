"""What is noted of an object that S3 confirmed: labox's manifest and content of it once, and a name.

The same on every database; neither SQLAlchemy nor labox is loaded here, which takes longer than to store
a small file.
"""

from __future__ import annotations

import getpass
import json
import platform
import secrets
import time
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from functools import cache
from typing import Any
from typing import Protocol
from uuid import UUID

from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.rows import fold
from hashdrop.catalog.rows import legible
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.pointer import StoredPointer

VERSION = "0003"
"""Of the tables; a later one comes with a script in `migrations/versions`."""
VERSION_TABLE = "hashdrop_catalog_version"
CLASS_ID = "6f1d9c2b"
"""Of the storable, as labox's records name it; labox fills it up with zeros."""
CONTENT_KEY = "content"
"""The one piece of content of a stored file, as labox's records name it."""
SERIALIZER_NAME = "hashdrop.file@v1"
STORAGE_NAME = "labox.aws.s3@v1"
UNPACKER_NAME = "hashdrop.stored_file@v1"
MANIFESTS = "labox_manifests"
CONTENTS = "labox_contents"
NAMES = "hashdrop_names"
TAGS = "hashdrop_tags"

_MOST_AT_ONCE = 500
"""Objects noted by one round of queries; SQLite takes some thousands of parameters."""

Row = dict[str, Any]
_Place = tuple[str, str, str]
Name = tuple[UUID, str, str, str]
"""Manifest, name, folder and connection: no two are the same."""


class Tables(Protocol):
    """The tables of a catalog, in a transaction that nobody else writes beside; all of it blocks."""

    def contents(self, hashes: Collection[str]) -> Iterable[tuple[UUID, str, str]]:
        """Return manifest, content hash and place (JSON) of the contents with these hashes."""
        ...

    def names(
        self, manifests: Collection[UUID], names: Collection[str]
    ) -> Iterable[tuple[UUID, str, str, str, str, object]]:
        """Return manifest, name, folder, connection, machine and mark of names that are both."""
        ...

    def mark_there(self, manifests: Collection[UUID], connection: str, machine: str) -> None:
        """Take the mark of what is gone away from names of these manifests.

        Args:
            manifests: Of the objects.
            connection: Of the names: that of another may lead to another store, where it is gone still.
            machine: In whose own store they are; "" where it is none.
        """
        ...

    def tags(self, name: Name) -> tuple[int, dict[str, str]]:
        """Return id and tags of a name that is there."""
        ...

    def change_tags(self, number: int, tags: dict[str, str], new: Collection[str]) -> None:
        """Give a name these tags.

        Args:
            number: Its id.
            tags: All of them.
            new: Those that it has not, or with another value.
        """
        ...

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        ...

    def add_names(self, rows: Sequence[Row]) -> Sequence[int]:
        """Add names; returns their ids, in this order."""
        ...


def note_all(tables: Tables, stored: Sequence[StoredName], *, is_there: bool = True) -> int:
    """Note objects, each under a name; the same name of an object is noted once.

    Names of it by the same connection that were marked as gone are there again, and a name that is noted
    again has the new tags, too. Names that are no Unicode are noted as they can be read.

    Args:
        tables: Of the catalog.
        stored: What was stored.
        is_there: Whether S3 confirmed it just now; else marks and tags stay.

    Returns:
        How many names were new.
    """
    added = 0
    for start in range(0, len(stored), _MOST_AT_ONCE):
        some = [_legible(one) for one in stored[start : start + _MOST_AT_ONCE]]
        added += _note(tables, some, is_there=is_there)
    return added


def _legible(stored: StoredName) -> StoredName:
    name, folder = legible(stored.name), legible(stored.folder)
    if (name, folder) == (stored.name, stored.folder):
        return stored
    return replace(stored, name=name, folder=folder)


def _note(tables: Tables, stored: Sequence[StoredName], *, is_there: bool) -> int:
    manifests = _manifests_of(tables, stored)
    known = _known_names(tables, manifests, {one.name for one in stored})
    new: list[tuple[UUID, StoredName]] = []
    fresh: dict[Name, StoredName] = {}
    again: dict[tuple[str, str], set[UUID]] = {}
    tagged: list[tuple[Name, StoredName]] = []
    for one in stored:
        numbers = manifests.setdefault(_place(one.pointer), [])
        store = own_store(one.connection, one.machine)
        keys = [_name(number, one) for number in numbers]
        key = next((key for key in keys if key in known and known[key][0] == store), None)
        if is_there and numbers and (key is None or known[key][1]):
            # Whatever it was called before.
            again.setdefault((one.connection, store), set()).update(numbers)
        if key is None:
            # Where another computer's own store has the very name, under a manifest of its own.
            free = next((key for key in keys if key not in known), None)
            key = free or _name(_record_id(), one)
            known[key] = store, False
            fresh[key] = one
            if key[0] not in numbers:
                numbers.append(key[0])
                new.append((key[0], one))
        elif key in fresh:
            fresh[key] = one
        elif is_there and one.tags:
            tagged.append((key, one))
    now = datetime.now(UTC)
    if new:
        tables.add(MANIFESTS, [_manifest_row(number, one, now) for number, one in new])
        tables.add(CONTENTS, [_content_row(number, one, now) for number, one in new])
    for (connection, store), numbers in again.items():
        tables.mark_there(numbers, connection, store)
    for key, one in tagged:
        _add_tags(tables, key, one.tags)
    _add_names(tables, fresh, now)
    return len(fresh)


def own_store(connection: str, machine: str | None) -> str:
    """Return the computer in whose own store a name is; "" for one of another connection.

    Own stores of two computers have the same buckets and keys: their names are not one.

    Args:
        connection: Its name.
        machine: Where it was stored from; `None` for this computer.
    """
    if connection != LOCAL_CONNECTION_NAME:
        return ""
    return _machine() if machine is None else machine


def _name(manifest: UUID, stored: StoredName) -> Name:
    return manifest, stored.name, stored.folder, stored.connection


def _place(pointer: StoredPointer) -> _Place:
    return pointer.bucket, pointer.key, pointer.content_hash


def _manifests_of(tables: Tables, stored: Sequence[StoredName]) -> dict[_Place, list[UUID]]:
    """Return the manifests of those objects that the catalog has."""
    wanted = {_place(one.pointer) for one in stored}
    found: dict[_Place, list[UUID]] = {}
    for manifest, content_hash, config in tables.contents(
        {one.pointer.content_hash for one in stored}
    ):
        pointer = json.loads(config)
        place = pointer["bucket"], pointer["key"], content_hash
        if place in wanted:
            found.setdefault(place, []).append(manifest)
    return found


def _known_names(
    tables: Tables, manifests: Mapping[_Place, Sequence[UUID]], names: Collection[str]
) -> dict[Name, tuple[str, bool]]:
    """Return those names that the catalog has, in whose own store, and whether they are marked as gone."""
    wanted = {number for numbers in manifests.values() for number in numbers}
    # By both: one content may have very many names.
    found = tables.names(wanted, names) if wanted else ()
    return {
        (manifest, name, folder, connection): (own_store(connection, machine), mark is not None)
        for manifest, name, folder, connection, machine, mark in found
    }


def _add_tags(tables: Tables, name: Name, tags: Mapping[str, str]) -> None:
    """Add tags to a name that is there: who stores a file again to tag it finds it by that."""
    number, before = tables.tags(name)
    new = {tag for tag, value in tags.items() if before.get(tag) != value}
    if new:
        tables.change_tags(number, {**before, **tags}, new)


def _add_names(tables: Tables, names: Mapping[Name, StoredName], now: datetime) -> None:
    rows = [_name_row(manifest, one, now) for (manifest, *_), one in names.items()]
    tagged = [row for row in rows if row["tags"]]
    plain = [row for row in rows if not row["tags"]]
    if plain:
        tables.add(NAMES, plain)
    if tagged:
        ids = tables.add_names(tagged)
        tags = [
            {"tag": tag, "value": value, "name_id": number}
            for number, row in zip(ids, tagged, strict=True)
            for tag, value in row["tags"].items()
        ]
        tables.add(TAGS, tags)


def _name_row(manifest: UUID, stored: StoredName, now: datetime) -> Row:
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


def _manifest_row(number: UUID, stored: StoredName, now: datetime) -> Row:
    """Return labox's record of a file as its own saver would make it."""
    return {
        "id": number,
        "tags": stored.tags,
        "class_id": UUID(CLASS_ID.ljust(32, "0")),
        "unpacker_name": UNPACKER_NAME,
        "created_at": now,
    }


def _content_row(number: UUID, stored: StoredName, now: datetime) -> Row:
    pointer = stored.pointer
    return {
        "id": _record_id(),
        "manifest_id": number,
        "content_key": CONTENT_KEY,
        "content_type": pointer.content_type,
        "content_encoding": None,
        "content_hash": pointer.content_hash,
        "content_hash_algorithm": pointer.content_hash_algorithm,
        "content_size": pointer.content_size,
        "serializer_name": SERIALIZER_NAME,
        "serializer_config": "null",
        "serializer_type": "StreamSerializer",
        "storage_name": STORAGE_NAME,
        "storage_config": json.dumps(
            {"bucket": pointer.bucket, "key": pointer.key}, separators=(",", ":")
        ),
        "created_at": now,
    }


def _record_id() -> UUID:
    """Return a new id that sorts by the time it was made: version 7 of RFC 9562, section 5.7.

    Rows that are added together stand together in each index of ids: at a million, ids at random touched
    a page of their own each time, and 500 names took a third longer.
    """
    milliseconds = time.time_ns() // 1_000_000
    random_a, random_b = secrets.randbits(12), secrets.randbits(62)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)


@cache
def _machine() -> str:
    return platform.node()


@cache
def _user() -> str:
    try:
        return legible(getpass.getuser())
    except (OSError, KeyError):  # no name in this environment
        return ""
