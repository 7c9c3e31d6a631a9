"""`hashdrop ls`: what the catalog has."""

from __future__ import annotations

import os
from datetime import datetime

import pytest

from support.fault_proxy import FaultProxy
from support.programs import start_program


def test_what_was_stored_is_listed(hashdrop, place, stored, others):
    """Newest first, all of it for programs; nobody asks the store."""
    with FaultProxy("127.0.0.1", 9) as proxy:
        ran = hashdrop("ls", "--json", *place, "--endpoint-url", proxy.endpoint_url)
    asked = proxy.requests
    row = ran.rows[-1]

    assert ran.code == 0
    assert asked == []
    assert {one["name"] for one in ran.rows} == {"scan 1.csv", "b.txt", "c.txt"}
    assert {name: row[name] for name in ("bucket", "key", "content_hash", "size")} == {
        name: stored[name] for name in ("bucket", "key", "content_hash", "size")
    }
    assert (row["content_type"], row["tags"], row["folder"]) == ("text/csv", {"run": "7"}, "")
    assert datetime.fromisoformat(row["stored_at"]).tzinfo is not None


def test_for_people_it_is_a_line(inside, place, stored):
    """With the pointer and the name."""
    ran = inside("ls", *place)
    (line,) = ran.out.splitlines()

    assert f"s3://{stored['bucket']}/{stored['key']}" in line
    assert line.endswith("  scan 1.csv")
    assert "8.0 kB" in line


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--search", "SCAN"), ["scan 1.csv"]),
        (("--search", "tag:run=7 size:>1kb"), ["scan 1.csv"]),
        (("--search", "folder:more", "--sort", "name"), ["b.txt", "c.txt"]),
        (("--search", "nothing like it"), []),
        (("--sort", "size", "--limit", "2"), ["b.txt", "c.txt"]),
        (("--sort", "size", "--reverse", "--limit", "1"), ["scan 1.csv"]),
        (("--sort", "name", "--limit", "0"), ["b.txt", "c.txt", "scan 1.csv"]),
    ],
)
def test_it_is_searched_sorted_and_cut(inside, place, stored, others, arguments, names):
    assert [row["name"] for row in inside("ls", "--json", *arguments, *place).rows] == names


def test_a_filter_that_cannot_be_read_is_wrong_usage(hashdrop, place):
    ran = hashdrop("ls", "--search", "size:big", *place)

    assert (ran.code, ran.out) == (2, "")
    assert "“big” is no size" in ran.err


def test_names_move_no_cursor(inside, place, tmp_path):
    """A name may hold whatever a terminal obeys."""
    path = tmp_path / "a\x1b[2Jb\nc"
    path.write_bytes(b"x")
    inside("put", path, *place)
    ran = inside("ls", *place)

    assert ran.out.count("\n") == 1
    assert "\x1b" not in ran.out


def test_the_reader_may_go(place, stored, others):
    """`hashdrop ls | head -1` is no error of ours to tell."""
    reading, writing = os.pipe()
    process = start_program("ls", *place, stdout=writing)
    os.close(reading)
    os.close(writing)
    _, said = process.communicate(timeout=60)

    assert b"Traceback" not in said
