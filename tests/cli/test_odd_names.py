"""`hashdrop put` of paths that scripts meet: names that are no Unicode, none at all, or none that can be had."""

from __future__ import annotations

import json
import os

import pytest

from support.programs import run_program

NO_UNICODE = os.fsdecode(b"scan-\xff\xfe.txt")


@pytest.fixture
def folder(tmp_path):
    """A name that is no Unicode among others."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / NO_UNICODE).write_bytes(b"odd")
    for number in range(40):
        (folder / f"{number:02}.txt").write_bytes(f"{number}".encode())
    return folder


@pytest.mark.parametrize("encoding", ["utf-8:strict", "utf-8:surrogateescape", "latin-1:strict"])
def test_a_name_that_is_no_unicode_stops_nothing(
    folder, place, s3_server, bucket, tmp_path, encoding
):
    """Whatever the terminal takes; in JSON the name keeps its bytes, and the catalog lists it."""
    (folder / "☃.txt").write_bytes(b"snow")
    data = ("--data", tmp_path / "data")
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    ran = run_program("put", folder, "--json", *place, *data, env=environment).checked()
    names = {row["name"] for row in ran.rows}
    listed = run_program("ls", "--json", "--limit", 0, *place, *data, env=environment).checked()

    assert ran.code == 0, ran.err
    assert {row["status"] for row in ran.rows} == {"stored"}
    assert names == {path.name for path in folder.iterdir()}
    assert len(s3_server.objects(bucket)) == len(names)
    assert {row["name"] for row in listed.rows} == names - {NO_UNICODE} | {r"scan-\xff\xfe.txt"}


def test_a_large_file_whose_name_is_no_unicode(tmp_path, place, s3_server, bucket):
    """It goes another way than small ones."""
    (tmp_path / NO_UNICODE).write_bytes(os.urandom(6 * 2**20))
    ran = run_program("put", tmp_path / NO_UNICODE, "--json", *place).checked()

    assert (ran.code, ran.row["name"]) == (0, NO_UNICODE)
    assert len(s3_server.objects(bucket)) == 1


def test_a_name_with_a_line_end_is_one_line(tmp_path, program, place):
    """Nothing in a name moves the cursor, and a script that reads lines is not misled."""
    (tmp_path / "a\x1b[31m\nb").write_bytes(b"x")
    ran = program("put", tmp_path / "a\x1b[31m\nb", *place)

    assert ran.code == 0
    assert len(ran.out.splitlines()) == 1
    assert "\x1b" not in ran.out


def test_an_empty_path_is_not_the_current_folder(tmp_path, program, place, s3_server, bucket):
    """`hashdrop put "$FILE"` with a variable that is not set."""
    (tmp_path / "private.txt").write_bytes(b"private")
    ran = program("put", "", *place, cwd=tmp_path)

    assert ran.code == 2
    assert "empty path" in ran.err
    assert s3_server.objects(bucket) == {}


def test_a_current_folder_that_is_gone(tmp_path, program, place):
    """A sentence, and what can be found is stored."""
    gone, good = tmp_path / "gone", tmp_path / "good.txt"
    gone.mkdir()
    good.write_bytes(b"good")

    def leave():
        os.chdir(gone)
        gone.rmdir()

    ran = program("put", "a.txt", good, "--json", *place, preexec_fn=leave)
    rows = {row["name"]: row for row in ran.rows}

    assert ran.code == 1
    assert rows["a.txt"]["status"] == "failed"
    assert "does not exist" in rows["a.txt"]["error"]
    assert rows["good.txt"]["status"] == "stored"


def test_every_line_of_json_names_its_path(tmp_path, program, place):
    """Also of what the system refuses for a reason of its own."""
    (tmp_path / "loop").symlink_to("pool")
    (tmp_path / "pool").symlink_to("loop")
    paths = [tmp_path / "loop", tmp_path / ("a" * 300), tmp_path / "missing"]
    ran = program("put", *paths, "--json", *place)

    assert ran.code == 1
    assert [json.loads(line)["path"] for line in ran.out.splitlines()] == [*map(str, paths)]
