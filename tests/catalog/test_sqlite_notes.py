"""Noting without SQLAlchemy: the same rows as with it, and never in a catalog of another shape."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from pathlib import Path
from uuid import RFC_4122
from uuid import UUID

import anyio
import pytest

from hashdrop.catalog import noting
from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.sqlite_notes import open_notes
from hashdrop.errors import NoteRefused
from hashdrop.pointer import StoredPointer
from hashdrop.transfers.journal import open_journal

RELEASED = Path(__file__).with_name("released_0_1_0.sql")


def pointer(number: int) -> StoredPointer:
    content_hash = f"{number:064x}"
    return StoredPointer("lab-data", f"p/{content_hash}.txt", content_hash, number, "text/plain")


STORED = [
    StoredName(pointer(1), "a.txt", "", "lab", {}),
    StoredName(pointer(1), "Ünï “quoted” \\ 名.TXT", "run/ä", "lab", {"run": "7", "für": "x"}),
    StoredName(pointer(1), "a.txt", "", "lab", {}),
    StoredName(
        pointer(2),
        "b.txt",
        "f",
        "other",
        {},
        "a note",
        datetime(2025, 1, 2, 3, tzinfo=UTC),
        "m",
        "u",
    ),
    StoredName(
        pointer(3),
        "c.txt",
        "",
        "lab",
        {"run": "8"},
        stored_at=datetime(2025, 6, 7, 8, 9, 10, 11, tzinfo=timezone(timedelta(hours=5))),
    ),
]
TAGGED = [replace(one, tags={"run": "9", "new": "y"}) for one in STORED]
ROUNDS = [STORED[:2], STORED[2:4], STORED, STORED[::-1], TAGGED]


@asynccontextmanager
async def opened(path: Path, *, plain: bool):
    """A catalog to note in, whose tables were made before."""
    async with open_catalog(path) as catalog:
        if not plain:
            yield catalog
            return
    notes = await open_notes(path)
    assert notes is not None
    try:
        yield notes
    finally:
        await notes.close()


def dump(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows; random ids are numbered as they come, the time of the run is left out."""
    numbers: dict[str, int] = {}
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    def comparable(value: object) -> object:
        if isinstance(value, str) and len(value) == 32 and set(value) <= set("0123456789abcdef"):
            return f"id {numbers.setdefault(value, len(numbers))}"
        if isinstance(value, str) and value.startswith(today):
            assert datetime.fromisoformat(value).tzinfo is None
            return "now"
        return value

    with closing(sqlite3.connect(path)) as database:
        return {
            table: [
                tuple(map(comparable, row))
                for row in database.execute(f"SELECT * FROM {table} ORDER BY rowid")
            ]
            for table in (noting.MANIFESTS, noting.CONTENTS, noting.NAMES)
        } | {noting.TAGS: list(database.execute(f"SELECT * FROM {noting.TAGS} ORDER BY 1, 2, 3"))}


async def test_the_rows_are_those_of_sqlalchemy(tmp_path):
    """Value by value: plain labox and the searches read them."""
    added, dumps = [], []
    for plain in (False, True):
        path = tmp_path / f"{plain}.sqlite3"
        async with opened(path, plain=plain) as catalog:
            added.append([await catalog.record_many(some) for some in ROUNDS])
        dumps.append(dump(path))

    assert added[0] == added[1] == [2, 1, 1, 0, 0]
    assert dumps[0] == dumps[1]
    assert len(dumps[1][noting.NAMES]) == 4


async def test_what_was_noted_is_found(tmp_path):
    """By its name's substring, by a tag and by its date."""
    path = tmp_path / "catalog.sqlite3"
    async with opened(path, plain=True) as notes:
        await notes.record_many(STORED)
    async with open_catalog(path) as catalog:
        for text, names in {
            "QUOTED": {STORED[1].name},
            "tag:run=8": {"c.txt"},
            "before:2025-02-01": {"b.txt"},
        }.items():
            rows = await catalog.search(parse_filters(text))
            assert {row.name for row in rows} == names, text


async def test_what_was_gone_is_there_again(tmp_path):
    """Under all of its names, also where it has a new one now."""
    path = tmp_path / "catalog.sqlite3"
    again = StoredName(pointer(3), "new.txt", "", "lab", {})
    async with opened(path, plain=True) as notes:
        await notes.record_many(STORED)
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE hashdrop_names SET gone_at = '2025-01-01 00:00:00.000000'")
        await notes.record_many([STORED[0], again])

    gone = {row[2]: row[16] for row in dump(path)[noting.NAMES]}
    assert gone == {
        "a.txt": None,
        STORED[1].name: None,
        "b.txt": "2025-01-01 00:00:00.000000",
        "c.txt": None,
        "new.txt": None,
    }


async def test_a_thousand_and_more_are_one_transaction(tmp_path):
    """Which a failure in its last row takes back whole, in words."""
    path = tmp_path / "catalog.sqlite3"
    many = [StoredName(pointer(n), f"{n}", "", "lab", {}) for n in range(1200)]
    async with opened(path, plain=True) as notes:
        with pytest.raises(NoteRefused, match="cannot be written") as caught:
            await notes.record_many([*many, StoredName(pointer(0), "x", "", None, {})])  # type: ignore[arg-type]
        assert not caught.value.retryable
        assert dump(path)[noting.NAMES] == []
        assert await notes.record_many(many) == 1200
    assert len(dump(path)[noting.NAMES]) == 1200


async def test_ids_stand_in_the_order_of_time(tmp_path):
    """Rows of one time share the pages of an index; each id is one of its own, and a UUID as the RFC has it."""
    path = tmp_path / "catalog.sqlite3"
    before = time.time_ns() // 1_000_000
    async with opened(path, plain=True) as notes:
        for number in range(50):
            await notes.record_many([StoredName(pointer(number), f"{number}", "", "lab", {})])
    after = time.time_ns() // 1_000_000
    with closing(sqlite3.connect(path)) as database:
        found = [
            UUID(number)
            for table in (noting.MANIFESTS, noting.CONTENTS)
            for (number,) in database.execute(f"SELECT id FROM {table}")
        ]
    moments = [one.int >> 80 for one in found]

    assert len(set(found)) == 100
    assert {(one.version, one.variant) for one in found} == {(7, RFC_4122)}
    assert before <= min(moments) <= max(moments) <= after
    assert moments[:50] == sorted(moments[:50])


async def test_two_ways_at_once_note_each_name_once(tmp_path):
    """They wait for each other."""
    path = tmp_path / "catalog.sqlite3"
    async with (
        opened(path, plain=True) as notes,
        open_catalog(path) as catalog,
        anyio.create_task_group() as group,
    ):
        for one in STORED * 5:
            group.start_soon(notes.record_many, [one])
            group.start_soon(catalog.record_many, [one])

    rows = dump(path)
    assert len(rows[noting.NAMES]) == 4
    assert len(rows[noting.MANIFESTS]) == 3


@pytest.mark.parametrize("kind", ["absent", "garbage", "journal", "released", "later"])
async def test_another_shape_is_left_to_who_can_make_it(tmp_path, kind):
    """Nothing is made and nothing is written."""
    path = tmp_path / "catalog.sqlite3"
    if kind == "garbage":
        path.write_bytes(b"no database" * 1000)
    elif kind == "journal":
        async with open_journal(path):
            pass
    elif kind == "released":
        with closing(sqlite3.connect(path)) as database:
            database.executescript(RELEASED.read_text())
    elif kind == "later":
        async with open_catalog(path):
            pass
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(f"UPDATE {noting.VERSION_TABLE} SET version_num = '9999'")

    assert await open_notes(path) is None
    assert path.exists() == (kind != "absent")
    if kind == "garbage":
        assert path.read_bytes() == b"no database" * 1000


def test_the_second_file_is_stored_without_sqlalchemy(tmp_path, s3_server, bucket):
    """Its loading took a third of the time of a small file."""
    file = tmp_path / "a.txt"
    program = (
        "import json, sys; from hashdrop.cli import main; code = main(sys.argv[1:]); "
        "print(json.dumps([code, sorted({'sqlalchemy', 'labox.core'} & set(sys.modules))]))"
    )
    said = []
    for content in ("one", "two"):
        file.write_text(content)
        done = subprocess.run(
            [sys.executable, "-c", program, "put", str(file), "--bucket", bucket,
             "--endpoint-url", s3_server.endpoint_url],
            env=os.environ | s3_server.environment | {"HASHDROP_HOME": str(tmp_path / "home")},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.append(json.loads(done.stdout.splitlines()[-1]))

    assert said == [[0, ["labox.core", "sqlalchemy"]], [0, []]]
    assert len(dump(tmp_path / "home" / "data" / "catalog.sqlite3")[noting.NAMES]) == 2
