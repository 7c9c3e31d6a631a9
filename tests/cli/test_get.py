"""`hashdrop get`: verified bytes by whatever names them, or no file at all."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.storage_checks import MIB

DATA = os.urandom(6 * MIB)


@pytest.fixture
def stored(inside, place, tmp_path):
    """A stored file: its pointer, as `put --json` told it."""
    path = tmp_path / "scan.tiff"
    path.write_bytes(DATA)
    return inside("put", path, "--json", *place).row


def names_of(row):
    return {
        "key": row["key"],
        "hash": row["content_hash"],
        "part-of-the-hash": row["content_hash"][:12],
        "s3": f"s3://{row['bucket']}/{row['key']}",
        "json": json.dumps({name: row[name] for name in ("bucket", "key", "content_hash")}),
    }


@pytest.mark.parametrize("name", ["key", "hash", "part-of-the-hash", "s3", "json"])
def test_a_file_comes_back_by_any_of_its_names(inside, place, stored, tmp_path, name):
    """Verified against its hash."""
    target = tmp_path / "got.tiff"
    ran = inside("get", names_of(stored)[name], "-o", target, *place)

    assert ran.code == 0
    assert ran.out.startswith(f"{target}  ")
    assert ran.out.endswith("verified\n")
    assert target.read_bytes() == DATA


def test_as_a_program_and_into_a_folder(program, place, stored, tmp_path):
    """By default under its name, where one stands; into a folder likewise: what is there is not read again."""
    folder = tmp_path / "folder"
    folder.mkdir()
    here = program("get", stored["content_hash"], *place, cwd=folder)
    there = program("get", stored["key"], "-o", folder, *place, cwd=tmp_path)

    assert (here.code, there.code) == (0, 0)
    assert here.out == f"{folder}/scan.tiff  6.3 MB, verified\n"
    assert there.out == f"{folder}/scan.tiff  6.3 MB, was there already, verified\n"
    assert [path.name for path in folder.iterdir()] == ["scan.tiff"]
    assert (folder / "scan.tiff").read_bytes() == DATA


@pytest.mark.parametrize("by", ["key", "hash"])
def test_the_newest_name_names_the_file(inside, place, stored, tmp_path, monkeypatch, by):
    """Not that of the whole path it had; another file of that name stays."""
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "scan 2.tiff").write_bytes(DATA)
    inside("put", tmp_path / "again", "--json", *place)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "scan 2.tiff").write_bytes(b"mine")
    monkeypatch.chdir(folder)
    ran = inside("get", names_of(stored)[by], "--json", *place)

    assert (ran.code, ran.row["path"]) == (0, str(folder / "scan 2 (2).tiff"))
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        "scan 2.tiff": b"mine",
        "scan 2 (2).tiff": DATA,
    }


def test_a_name_leads_nowhere_else(inside, place, stored, tmp_path, monkeypatch):
    """Names come from other people: an import may bring any."""
    named = json.dumps({"name": "../../etc/x\\y.tiff"} | {
        key: stored[key] for key in ("bucket", "key", "content_hash", "size")
    })  # fmt: skip
    (tmp_path / "names.jsonl").write_text(f"{named}\n")
    imported = inside("catalog", "import", tmp_path / "names.jsonl")
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    ran = inside("get", stored["key"], "--json", *place)

    assert imported.code == 0
    assert (ran.code, ran.row["path"]) == (0, str(folder / ".._.._etc_x_y.tiff"))
    assert [one.name for one in folder.iterdir()] == [".._.._etc_x_y.tiff"]


def test_without_a_name_the_key_names_the_file(
    inside, place, s3_server, bucket, tmp_path, monkeypatch
):
    s3_server.client().put_object(Bucket=bucket, Key="run/notes.txt", Body=b"notes")
    monkeypatch.chdir(tmp_path)
    ran = inside("get", f"s3://{bucket}/run/notes.txt", *place)

    assert (ran.code, ran.out.split("  ")[0]) == (0, str(tmp_path / "notes.txt"))


def test_a_current_folder_that_was_deleted(inside, place, stored, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    ran = inside("get", stored["key"], *place)

    assert (ran.code, ran.out) == (1, "")
    assert "“scan.tiff” cannot be written." in ran.err


def test_an_object_without_a_hash_in_its_name_is_not_called_verified(
    inside, place, s3_server, bucket, tmp_path
):
    """It says so."""
    s3_server.plain.put_object(Bucket=bucket, Key="notes.txt", Body=b"notes")
    ran = inside("get", "notes.txt", "-o", tmp_path / "notes.txt", *place)

    assert ran.code == 0
    assert "nothing was verified" in ran.out
    assert (tmp_path / "notes.txt").read_bytes() == b"notes"


@pytest.mark.parametrize("before", [None, b"the older one"], ids=["new", "in-the-way"])
@pytest.mark.parametrize("name", ["key", "hash"])
def test_a_damaged_object_is_refused(inside, place, stored, s3_server, tmp_path, name, before):
    """No file is left, and one that stood there stays."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    target = folder / "got.tiff"
    if before is not None:
        target.write_bytes(before)
    damaged = DATA[:-1] + bytes([DATA[-1] ^ 1])
    s3_server.plain.put_object(Bucket=stored["bucket"], Key=stored["key"], Body=damaged)
    ran = inside("get", names_of(stored)[name], "-o", target, *place)

    assert (ran.code, ran.out) == (1, "")
    assert "do not fit the content hash" in ran.err
    assert hashlib.sha256(damaged).hexdigest() in ran.err
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == (
        {} if before is None else {"got.tiff": before}
    )


@pytest.mark.parametrize(
    ("pointer", "says"),
    [
        ("raw/nothing.txt", "There is no object at"),
        ("0123456789abcdef", "No stored file has the hash"),
        ("s3://no-such-bucket/k", "does not exist"),
    ],
)
def test_what_is_not_there_is_said_so(inside, place, tmp_path, pointer, says):
    """And no file is made."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    ran = inside("get", pointer, "-o", folder, *place)

    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert says in ran.err
    assert list(folder.iterdir()) == []


def test_a_download_that_is_cut_is_resumed(inside, place, stored, s3_server, tmp_path):
    """And verified as a whole."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        rule = proxy.add(Rule.cut("GetObject", after=MIB))
        ran = inside(
            "get", stored["key"], "-o", tmp_path / "got", *place, "--endpoint-url", proxy.endpoint_url
        )  # fmt: skip

    assert rule.reached.is_set()
    assert ran.code == 0
    assert (tmp_path / "got").read_bytes() == DATA


@pytest.mark.parametrize(
    ("output", "says"), [("new/", "There is no folder “new/”"), ("", "An empty path names no file")]
)
def test_no_file_gets_the_name_of_a_folder(
    inside, place, stored, tmp_path, monkeypatch, output, says
):
    """Nor is a variable of a script that is not set taken for the current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    ran = inside("get", stored["key"], "-o", output, *place)

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert list(folder.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(inside, place, stored, tmp_path):
    """A folder that does not exist."""
    ran = inside("get", stored["key"], "-o", tmp_path / "nowhere" / "got", *place)

    assert (ran.code, ran.out) == (1, "")
    assert "cannot be written" in ran.err


def test_for_programs(hashdrop, place, stored, tmp_path):
    """One object; a failure is one, too."""
    target = tmp_path / "got"
    good = hashdrop("get", stored["key"], "-o", target, "--json", *place)
    bad = hashdrop("get", "raw/nothing", "-o", target, "--json", *place)

    assert (good.code, good.err) == (0, "")
    assert good.row == {
        "pointer": stored["key"],
        "path": str(target),
        "bucket": stored["bucket"],
        "key": stored["key"],
        "size": len(DATA),
        "verified": True,
        "error": None,
    }
    assert (bad.code, bad.row["path"]) == (1, None)
    assert "There is no object at" in bad.row["error"]


def test_standard_output_gets_the_bytes_or_none(program, place, s3_server, tmp_path):
    """And no file of the name “-” is made."""
    (tmp_path / "notes.txt").write_text("notes\n")
    stored = program("put", tmp_path / "notes.txt", "--json", *place).row
    good = program("get", stored["content_hash"], "-o", "-", *place)
    both = program("get", stored["content_hash"], "-o", "-", "--json", *place)
    s3_server.plain.put_object(Bucket=stored["bucket"], Key=stored["key"], Body=b"something else")
    bad = program("get", stored["content_hash"], "-o", "-", *place)

    assert (good.code, good.out, good.err) == (0, "notes\n", "")
    assert both.code == 2
    assert (bad.code, bad.out) == (1, "")
    assert not os.path.lexists("-")
