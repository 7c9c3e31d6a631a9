"""Marks and tags of the names of an object, and names from another catalog; on every database."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from datetime import UTC
from datetime import datetime

from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.importing import ImportedName
from hashdrop.catalog.rebuilding import Rebuild
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.sqlite_notes import open_notes
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.pointer import StoredPointer

MOMENT = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)


def stored(number, name="a.txt", *, bucket="lab-data", tags=None):
    content_hash = hashlib.sha256(str(number).encode()).hexdigest()
    pointer = StoredPointer(bucket, f"raw/{content_hash}", content_hash, number, "text/plain")
    return StoredName(pointer, name, "run", "lab", tags or {}, stored_at=MOMENT)


async def marks(catalog):
    rows = await catalog.page()
    return {
        (row.pointer.bucket, row.pointer.content_size, row.name): (row.gone_at, row.verified_at)
        for row in rows
    }


async def test_all_names_of_an_object_are_marked_and_no_others(place):
    """Neither those of another key, nor of another bucket, nor under another hash."""
    one = stored(1)
    async with open_catalog(place) as catalog:
        await catalog.record_many(
            [one, stored(1, "b.txt"), stored(2), stored(1, "c.txt", bucket="other-data")]
        )
        await catalog.mark_gone([("lab-data", one.pointer.key)], MOMENT)
        gone = await marks(catalog)
        found = await catalog.search(parse_filters("is:gone folder:run connection:lab"))
        await catalog.mark_gone([("lab-data", one.pointer.key)])  # the first mark stays
        again = await marks(catalog)
        await catalog.mark_verified([one.pointer], has_its_hash=True, moment=MOMENT)
        verified = await marks(catalog)
        other = StoredPointer("lab-data", one.pointer.key, "00" * 32, 1, "text/plain")
        await catalog.mark_verified([other], has_its_hash=False)
        untouched = await marks(catalog)
        await catalog.mark_gone([("lab-data", one.pointer.key)], MOMENT)
        gone_once_more = await marks(catalog)
        await catalog.mark_verified([one.pointer], has_its_hash=False)
        damaged = await marks(catalog)

    names = [("lab-data", 1, "a.txt"), ("lab-data", 1, "b.txt")]
    rest = {("lab-data", 2, "a.txt"): (None, None), ("other-data", 1, "c.txt"): (None, None)}
    assert gone == again == gone_once_more == rest | dict.fromkeys(names, (MOMENT, None))
    assert sorted(row.name for row in found) == ["a.txt", "b.txt"]
    # What was read back is there.
    assert verified == untouched == rest | dict.fromkeys(names, (None, MOMENT))
    assert damaged == rest | dict.fromkeys(names, (None, None))


async def test_many_are_marked_at_once(place):
    """Each by its own place and hash: another's key in its bucket is none of them."""
    some = [stored(number) for number in range(3)]
    elsewhere = stored(1, "b.txt", bucket="other-data")
    other_hash = dataclasses.replace(some[2].pointer, content_hash="00" * 32)
    async with open_catalog(place) as catalog:
        await catalog.record_many([*some, elsewhere])
        await catalog.mark_verified(
            [some[0].pointer, elsewhere.pointer, other_hash], has_its_hash=True, moment=MOMENT
        )
        verified = await marks(catalog)
        await catalog.mark_gone(
            [("lab-data", some[1].pointer.key), ("other-data", some[2].pointer.key)], MOMENT
        )
        gone = await marks(catalog)
        await catalog.mark_verified([], has_its_hash=True)
        await catalog.mark_gone([])

        assert await marks(catalog) == gone

    assert verified == {
        ("lab-data", 0, "a.txt"): (None, MOMENT),
        ("lab-data", 1, "a.txt"): (None, None),
        ("lab-data", 2, "a.txt"): (None, None),
        ("other-data", 1, "b.txt"): (None, MOMENT),
    }
    assert gone == verified | {("lab-data", 1, "a.txt"): (MOMENT, None)}


async def test_an_object_that_is_there_again(place):
    one = stored(1)
    async with open_catalog(place) as catalog:
        await catalog.record_many([one])
        await catalog.mark_gone([("lab-data", one.pointer.key)])
        await catalog.mark_there("lab-data", one.pointer.key)

        assert list((await marks(catalog)).values()) == [(None, None)]


async def test_all_names_of_an_object_that_is_stored_again_are_there(place):
    """Whatever it is called now; not those of a connection that may lead to another store."""
    elsewhere = dataclasses.replace(stored(1, "c.txt"), connection="test")
    async with open_catalog(place) as catalog:
        await catalog.record_many([stored(1), elsewhere, stored(2)])
        for number in (1, 2):
            await catalog.mark_gone([("lab-data", stored(number).pointer.key)], MOMENT)
        await catalog.record_many([stored(1, "b.txt")])

        assert await marks(catalog) == {
            ("lab-data", 1, "a.txt"): (None, None),
            ("lab-data", 1, "b.txt"): (None, None),
            ("lab-data", 1, "c.txt"): (MOMENT, None),
            ("lab-data", 2, "a.txt"): (MOMENT, None),
        }


async def test_tags_are_those_of_all_names_and_of_laboxs_record(place):
    one = stored(1, tags={"run": "7", "old": "1"})
    async with open_catalog(place) as catalog:
        await catalog.record_many([one, stored(1, "b.txt"), stored(2, tags={"run": "7"})])
        await catalog.write_tags("lab-data", one.pointer.key, {"run": "8", "ü": ""})
        found = {
            text: sorted((row.name, row.pointer.content_size) for row in await catalog.search(parse_filters(text)))
            for text in ("tag:run=7", "tag:run=8", "tag:old", "tag:ü=")
        }  # fmt: skip
        manifests = await catalog.manifests()
        await catalog.write_tags("lab-data", one.pointer.key, {})

        assert await catalog.search(parse_filters("tag:ü")) == []

    both = [("a.txt", 1), ("b.txt", 1)]
    assert found == {"tag:run=7": [("a.txt", 2)], "tag:run=8": both, "tag:old": [], "tag:ü=": both}
    assert sorted((sorted(one.tags.items()) for one in manifests), key=len) == [
        [("run", "7")],
        [("run", "8"), ("ü", "")],
    ]


async def test_a_name_that_is_stored_again_has_the_new_tags_too(place):
    """Other names have not; an import changes none."""
    async with open_catalog(place) as catalog:
        await catalog.record_many([stored(1, tags={"run": "7", "old": "1"}), stored(1, "b.txt")])
        await catalog.record_many([stored(1, tags={"run": "8", "ü": ""}), stored(1, "b.txt")])
        await catalog.import_many([ImportedName(stored(1, tags={"run": "9"}))])
        found = {
            text: [row.name for row in await catalog.search(parse_filters(text))]
            for text in ("tag:run=7", "tag:run=8", "tag:run=9", "tag:old", "tag:ü=")
        }
        rows = {row.name: dict(row.tags) for row in await catalog.page()}

    assert found == {
        "tag:run=7": [], "tag:run=8": ["a.txt"], "tag:run=9": [], "tag:old": ["a.txt"], "tag:ü=": ["a.txt"],
    }  # fmt: skip
    assert rows == {"a.txt": {"run": "8", "old": "1", "ü": ""}, "b.txt": {}}


async def test_imported_names_bring_their_marks_and_change_none(place):
    """What is known is left alone, whatever the file says of it."""
    async with open_catalog(place) as catalog:
        await catalog.record_many([stored(1)])
        await catalog.mark_gone([("lab-data", stored(1).pointer.key)], MOMENT)
        added = await catalog.import_many(
            [
                ImportedName(stored(1)),
                ImportedName(stored(1, "b.txt")),
                ImportedName(stored(2), gone_at=MOMENT),
                ImportedName(stored(3), verified_at=MOMENT),
                ImportedName(stored(3), verified_at=MOMENT),
            ]
        )

        assert added == 3
        assert await marks(catalog) == {
            ("lab-data", 1, "a.txt"): (MOMENT, None),
            ("lab-data", 1, "b.txt"): (None, None),
            ("lab-data", 2, "a.txt"): (MOMENT, None),
            ("lab-data", 3, "a.txt"): (None, MOMENT),
        }


async def test_with_its_last_name_a_deleted_object_is_forgotten(place):
    """labox's record, too; while it has a name, or only the name was taken away, the record stays."""
    async with open_catalog(place) as catalog:
        await catalog.record_many([stored(1), stored(1, "b.txt"), stored(2), stored(3)])
        rows = {(row.pointer.content_size, row.name): row for row in await catalog.page()}
        await catalog.forget([rows[3, "a.txt"]])
        await catalog.forget([rows[1, "a.txt"], rows[2, "a.txt"]], objects=True)
        left = [
            len(await catalog.find_hash(stored(number).pointer.content_hash))
            for number in (1, 2, 3)
        ]
        manifests = len(await catalog.manifests())
        await catalog.forget([rows[1, "b.txt"]], objects=True)
        last = await catalog.find_hash(stored(1).pointer.content_hash)
        await catalog.record_many([stored(1)])

        assert (left, manifests, last) == ([1, 0, 1], 2, [])
        assert await catalog.find_hash(stored(1).pointer.content_hash) == [stored(1).pointer]


async def test_own_stores_of_two_computers_have_names_of_their_own(place):
    """Also where both call the same object the same; what is said of one is not said of the other."""

    def own(machine):
        return dataclasses.replace(stored(1), connection=LOCAL_CONNECTION_NAME, machine=machine)

    async with open_catalog(place) as catalog:
        added = [
            await catalog.record_many([own("here"), own("there")]),
            await catalog.record_many([own("there"), stored(1)]),
            await catalog.import_many([ImportedName(own("there")), ImportedName(own("third"))]),
        ]
        await catalog.mark_gone([("lab-data", stored(1).pointer.key)], MOMENT)
        await catalog.record_many([own("here")])
        store = Rebuild(
            store="", bucket="lab-data", prefix="", other_connections=("lab",), machine="here"
        )
        await catalog.write_tags("lab-data", stored(1).pointer.key, {"run": "7"}, store=store)
        first = await catalog.first_names([stored(1).pointer], store=store)
        rows = await catalog.page()
        tagged = await catalog.search(parse_filters("tag:run=7"))

    assert added == [2, 1, 1]
    assert sorted((row.connection, row.machine, row.gone_at is None) for row in rows) == sorted(
        [
            (LOCAL_CONNECTION_NAME, "here", True),
            (LOCAL_CONNECTION_NAME, "there", False),
            (LOCAL_CONNECTION_NAME, "third", False),
            ("lab", platform.node(), False),
        ]
    )
    assert [row.machine for row in tagged] == [row.machine for row in first] == ["here"]


async def test_the_short_way_of_noting_tells_them_apart_as_well(tmp_path):
    """Without SQLAlchemy."""
    path = tmp_path / "catalog.sqlite3"
    names = [
        dataclasses.replace(stored(1), connection=LOCAL_CONNECTION_NAME, machine=machine)
        for machine in ("here", "there")
    ]
    async with open_catalog(path) as catalog:
        notes = await open_notes(path)
        assert notes is not None
        added = [await notes.record_many([one]) for one in (*names, *names)]
        await catalog.mark_gone([("lab-data", stored(1).pointer.key)], MOMENT)
        await notes.record_many([names[1]])
        await notes.close()
        gone = {row.machine: row.gone_at is not None for row in await catalog.page()}

    assert added == [1, 1, 0, 0]
    assert gone == {"here": True, "there": False}
