"""The catalog as a file: what goes out comes in again, and what is no row harms nothing."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import pty
import resource
import sqlite3
import stat
from contextlib import closing
from datetime import UTC
from datetime import datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from hashdrop.catalog.rows import StoredName
from hashdrop.errors import SourceError
from hashdrop.paths import Paths
from hashdrop.pointer import StoredPointer
from hashdrop.service import open_service
from hashdrop.stored.exchange import FIELDS
from hashdrop.stored.exchange import Format
from hashdrop.stored.exchange import fields_of
from hashdrop.team import VARIABLE
from support.programs import end_of
from support.programs import run_inside
from support.programs import start_program

MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def name_of(number, name="a.txt", **more):
    content_hash = hashlib.sha256(str(number).encode()).hexdigest()
    pointer = StoredPointer("lab-data", f"raw/{content_hash}", content_hash, number, "text/plain")
    fields = {"folder": "run/ü", "connection": "lab", "tags": {"run": "7"}, "note": "",
              "stored_at": MOMENT, "machine": "pc", "user": "me"} | more  # fmt: skip
    return StoredName(pointer, name, **fields)


def folders(tmp_path, name):
    return Paths.of(config=tmp_path / name / "config", data=tmp_path / name / "data")


async def all_of(service):
    rows = await service.stored.search(limit=9999)
    return sorted((fields_of(row) for row in rows), key=lambda row: (row["key"], row["name"]))


@pytest.mark.parametrize("form", Format)
async def test_what_goes_out_comes_in_again(tmp_path, form):
    """All of it, marks and odd names too; what is there already is left as it is."""
    odd = ["=1+1", 'a,b"c\nd\r', "ü\u202e☃", " ", "'; --", "\x1b[2J"]
    async with open_service(folders(tmp_path, "one")) as service:
        catalog = await service.catalog()
        stored = [name_of(number) for number in range(1200)]
        stored += [name_of(7, name, note=name, tags={name: name}) for name in odd]
        await catalog.record_many(stored)
        await catalog.mark_verified([stored[3].pointer], has_its_hash=True)
        await catalog.mark_gone([("lab-data", stored[4].pointer.key)])
        before = await all_of(service)
        text = "".join([part async for part in service.stored.export(form)])
    file = tmp_path / f"catalog.{form}"
    file.write_text(text, encoding="utf-8", newline="")
    async with open_service(folders(tmp_path, "two")) as service:
        steps = []
        done = await service.stored.import_file(
            file, Format.of(file), on_progress=lambda now: steps.append(now.read)
        )
        after = await all_of(service)
        again = await service.stored.import_file(file, form)

        assert await all_of(service) == after

    assert after == before
    assert (done.read, done.added, done.bad) == (1206, 1206, 0)
    assert steps == [250, 500, 750, 1000, 1206]
    assert again.added == 0


async def test_it_is_what_other_programs_read(tmp_path):
    async with open_service(folders(tmp_path, "one")) as service:
        await (await service.catalog()).record_many([name_of(1), name_of(2)])
        jsonl = "".join([part async for part in service.stored.export(Format.JSONL)])
        table = "".join([part async for part in service.stored.export(Format.CSV, "size:<2")])
    rows = [json.loads(line) for line in jsonl.splitlines()]
    (row,) = csv.DictReader(io.StringIO(table))

    assert [tuple(one) for one in rows] == [FIELDS] * 2
    assert rows[0]["stored_at"] == "2026-01-31T12:00:00+00:00"
    assert tuple(row) == FIELDS
    assert (row["size"], json.loads(row["tags"]), row["gone_at"]) == ("1", {"run": "7"}, "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"content_hash": "xyz"}, "no SHA-256"), ({"content_hash": None}, "no text"), ({"size": -1}, "size"),
        ({"size": "big"}, "invalid literal"), ({"size": 2**63}, "size"), ({"bucket": ""}, "“bucket” is empty"),
        ({"key": 5}, "“key” is no text"), ({"name": "a\0b"}, "“name” is no text"), ({"tags": [1]}, "tags"),
        ({"tags": {"a": 1}}, "tags"), ({"stored_at": "yesterday"}, "isoformat"), ({"name": "\ud800"}, "codec"),
        ({"tags": {"a": "\0"}}, "tags"), ({"tags": {"\ud800": "a"}}, "codec"),
        ({"stored_at": "0001-01-01T00:00:00+14:00"}, "out of range"),
        ({"gone_at": "9999-12-31T23:00:00-10:00"}, "out of range"),
        ({"stored_at": "2026-01-01"}, "“stored_at” has no zone"), ({"key": ...}, "“key” is missing"),
        ("[]", "no row"), ("{", "no row"), ("5", "no row"),
    ],
    ids=repr,
)  # fmt: skip
async def test_a_row_that_is_none_is_told_and_passed_over(tmp_path, change, says):
    good = dict.fromkeys(FIELDS, "") | {
        "name": "a", "bucket": "lab-data", "key": "k", "content_hash": "ab" * 32, "size": 5, "tags": {},
    }  # fmt: skip
    if isinstance(change, str):
        line = change
    else:
        line = json.dumps({k: v for k, v in (good | change).items() if v is not ...})
    file = tmp_path / "catalog.jsonl"
    file.write_text(f"{line}\n\n{json.dumps(good)}\n")
    bad = []
    async with open_service(folders(tmp_path, "one")) as service:
        done = await service.stored.import_file(file, Format.JSONL, on_bad=bad.append)
        (row,) = await service.stored.search()

    assert (done.read, done.added, done.bad) == (2, 1, 1)
    assert row.name == "a"
    assert [(one.number, says in one.reason) for one in bad] == [(1, True)]


async def test_a_row_that_the_database_does_not_take_is_passed_over(
    postgres, tmp_path, monkeypatch
):
    """Of one's own catalog, into a team's: PostgreSQL's indexes take no path of more than 2.7 kB."""
    monkeypatch.setenv(VARIABLE, await postgres.new_database())
    noise = base64.urlsafe_b64encode(hashlib.shake_256(b"path").digest(3000)).decode()
    rows = [fields_for(f"{number}") for number in range(9)]
    rows[4]["folder"] = noise
    file = tmp_path / "catalog.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in ("[]", *rows)))
    bad = []
    async with open_service(folders(tmp_path, "one")) as service:
        done = await service.stored.import_file(file, Format.JSONL, on_bad=bad.append)
        names = sorted(row.name for row in await service.stored.search())

    assert (done.read, done.added, done.bad) == (10, 8, 2)
    assert names == [f"{number}" for number in range(9) if number != 4]
    assert [one.number for one in bad] == [1, 6]
    assert "index row" in bad[1].reason


async def test_a_row_that_is_nested_too_deep(tmp_path):
    """Thousands of lists in one another are no row, and end nothing; in the tags of a CSV likewise."""
    deep = "[" * 100_000 + "]" * 100_000
    good = json.dumps(fields_for("a"))
    bad = []
    (tmp_path / "a.jsonl").write_text(f'{good}\n{deep}\n{{"tags": {deep}}}\n')
    table = io.StringIO()
    writer = csv.DictWriter(table, FIELDS)
    writer.writeheader()
    writer.writerows([fields_for("b") | {"tags": deep}, fields_for("c") | {"tags": "{}"}])
    (tmp_path / "b.csv").write_text(table.getvalue())
    async with open_service(folders(tmp_path, "one")) as service:
        await service.stored.import_file(tmp_path / "a.jsonl", Format.JSONL, on_bad=bad.append)
        await service.stored.import_file(tmp_path / "b.csv", Format.CSV, on_bad=bad.append)
        rows = await service.stored.search()

    assert sorted(row.name for row in rows) == ["a", "c"]
    assert [(one.number, one.reason) for one in bad] == [
        (2, "It is no row of a catalog."),
        (3, "It is no row of a catalog."),
        (1, "The tags are no JSON object."),
    ]


def fields_for(name):
    number = hashlib.sha256(name.encode()).hexdigest()
    return dict.fromkeys(FIELDS, "") | {
        "name": name, "bucket": "lab-data", "key": number, "content_hash": number, "size": 5, "tags": {},
    }  # fmt: skip


def sparse_line(path, first, size, last):
    """A file with a line of some gigabytes in its middle; it takes no room on the disk."""
    with path.open("wb") as file:
        file.write(first.encode())
        file.seek(size, os.SEEK_CUR)
        file.write(b"\n" + last.encode())


def test_a_line_of_a_gigabyte_is_passed_over(tmp_path):
    """It is never held in memory; the rows behind it are read."""
    good = [json.dumps(fields_for(name)) for name in ("a", "b")]
    sparse_line(tmp_path / "all.jsonl", f"{good[0]}\n", 1024**3, good[1])
    ran = end_of(
        start_program(
            "catalog", "import", tmp_path / "all.jsonl", "--json",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (700 * 2**20,) * 2),
        )
    ).checked()  # fmt: skip

    assert (ran.code, ran.row) == (1, {"read": 3, "added": 2, "bad": 1})
    assert ran.err == "hashdrop: row 2: It is longer than any row of a catalog.\n"


@pytest.mark.parametrize("fault", ["long", "bytes", "quotes"])
async def test_a_file_that_is_none_from_a_row_on(tmp_path, fault):
    """What came before is added, and told with the error; nothing behind it is guessed."""
    table = io.StringIO()
    writer = csv.DictWriter(table, FIELDS)
    writer.writeheader()
    writer.writerows(fields_for(str(n)) | {"tags": "{}"} for n in range(300))
    good = table.getvalue()
    path = tmp_path / "all.csv"
    match fault:
        case "long":
            sparse_line(path, good, 40 * 2**20, "x")
        case "bytes":
            path.write_bytes(good.encode() + b"x" * 10_000 + b"\xff")
        case _:
            path.write_text(f'{good}"a"b,c\n')
    async with open_service(folders(tmp_path, "one")) as service:
        with pytest.raises(SourceError) as told:
            await service.stored.import_file(path, Format.CSV)
        rows = await service.stored.search(limit=1000)

    assert told.value.title.startswith("“all.csv” is no CSV file behind row")
    assert f"Of {len(rows)} rows before {len(rows)} names were added; they stay." in (
        told.value.sentence
    )
    assert len(rows) == 300 if fault != "bytes" else 250 < len(rows) <= 300


@given(data=st.binary(max_size=300))
@settings(max_examples=30, deadline=None)
def test_no_file_does_harm(data, tmp_path_factory):
    """Whatever is in it: rows are counted as bad, or the file is refused in words."""
    import anyio

    folder = tmp_path_factory.mktemp("any")
    (folder / "file").write_bytes(data)

    async def read(form):
        async with open_service(folders(folder, "one")) as service:
            try:
                done = await service.stored.import_file(folder / "file", form)
            except SourceError:
                return
            assert done.added == 0

    for form in Format:
        anyio.run(partial(read, form))


async def test_who_may_not_read_the_old_file_may_not_read_the_new_one(tmp_path, monkeypatch):
    """Nor what is written first."""
    rights = []

    def sync(descriptor, original=os.fsync):
        rights.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    target = tmp_path / "all.jsonl"
    target.touch(mode=0o600)
    async with open_service(folders(tmp_path, "one")) as service:
        await (await service.catalog()).record_many([name_of(1)])
        await service.stored.export_file(target, Format.JSONL)
        await service.stored.export_file(tmp_path / "new.jsonl", Format.JSONL)

    assert rights[0] == 0o600
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert json.loads(target.read_text())["name"] == "a.txt"


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def inside(capfd):
    return lambda *arguments: run_inside(capfd, *arguments).checked()


@pytest.fixture
def place(s3_server, bucket, aws_keys):
    return ("--bucket", bucket, "--prefix", "raw", "--endpoint-url", s3_server.endpoint_url)


def test_rebuild(inside, place, s3_server, bucket, tmp_path):
    """What another computer stored is found; what is gone is marked, if it is not of just now."""
    (tmp_path / "a.txt").write_bytes(b"data")
    row = inside("put", tmp_path / "a.txt", "--json", *place).row
    other = ("--data", tmp_path / "other", "--config", tmp_path / "other")
    found = inside("catalog", "rebuild", "--json", *place, *other)
    s3_server.plain.delete_object(Bucket=bucket, Key=row["key"])
    marked = inside("catalog", "rebuild", *place, *other)
    listed = inside("ls", "--json", *other).row
    young = inside("catalog", "rebuild", "--json", *place)

    assert (found.code, found.row) == (0, {"seen": 1, "added": 1, "gone": 0})
    assert (listed["key"], listed["content_hash"]) == (row["key"], row["content_hash"])
    assert young.row == {"seen": 0, "added": 0, "gone": 0}
    assert "0 keys in the bucket" in marked.out
    with closing(sqlite3.connect(Paths.of().catalog_file)) as catalog, catalog:
        catalog.execute("UPDATE hashdrop_names SET stored_at = '2026-01-01 00:00:00.000000'")
    assert inside("catalog", "rebuild", "--json", *place).row["gone"] == 1


def test_progress_is_shown_where_somebody_looks(place, s3_server, bucket):
    """One line that is written over and taken away; nothing of it on standard output."""
    s3_server.plain.put_object(Bucket=bucket, Key=f"raw/{'ab' * 32}.txt", Body=b"x")
    ours, theirs = pty.openpty()
    process = start_program("catalog", "rebuild", "--json", *place, stderr=theirs)
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)

    assert json.loads(out) == {"seen": 1, "added": 1, "gone": 0}
    assert "1 keys, 1 added, 0 gone: raw/abab" in shown
    assert shown.endswith("\r\x1b[K")


def test_out_and_in(inside, place, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.txt").write_bytes(b"%d" % number)
    inside("put", *(tmp_path / f"{number}.txt" for number in range(3)), *place)
    printed = inside("catalog", "export")
    table = tmp_path / "catalog.csv"
    inside("catalog", "export", "--search", "0.txt", "-o", table)
    other = ("--data", tmp_path / "other", "--config", tmp_path / "other")
    first = inside("catalog", "import", table, "--json", *other)
    (tmp_path / "all").write_text(printed.out + "no row\n")
    second = inside("catalog", "import", tmp_path / "all", *other)

    assert len(printed.rows) == 3
    assert (first.code, first.row) == (0, {"read": 1, "added": 1, "bad": 0})
    assert second.code == 1
    assert "4 rows: 2 names added, 1 passed over" in second.out
    assert "row 4" in second.err
    assert inside("ls", "--json", *other).out.count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("export", "-o", "nowhere/x"), 2, "cannot be written"),
        (("export", "--search", "size:big"), 2, "no size"),
        (("import", "nowhere"), 1, "does not exist"),
    ],
)
def test_what_cannot_be(inside, arguments, code, says):
    ran = inside("catalog", *arguments)

    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
