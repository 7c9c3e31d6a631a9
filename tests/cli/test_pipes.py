"""Standard input and output: pipes that close, disks that are full, files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from support.programs import HASHDROP
from support.programs import Ran
from support.programs import end_of
from support.programs import run_program
from support.programs import start_program
from support.tiny_disk import fill
from support.tiny_disk import mounted

WRITING = [
    ("ls",), ("ls", "--json"), ("find", "FILE"), ("get", "KEY", "-o", "-"), ("link", "KEY"), ("verify", "KEY"),
    ("catalog", "export"), ("catalog", "where"), ("put", "FILE"), ("--help",),
]  # fmt: skip
FULL = Path("/dev/full")


@pytest.fixture
def arguments(stored, place, tmp_path):
    """Fills in what a command is about."""
    known = {"FILE": str(tmp_path / "scan 1.csv"), "KEY": stored["key"]}

    def filled(command):
        return (*(known.get(one, one) for one in command), *(() if "--help" in command else place))

    return filled


def ran_in_a_shell(tail, *arguments):
    """Run the program with what a shell puts behind it."""
    done = subprocess.run(
        ["bash", "-c", f'"$0" "$@" {tail}; exit "${{PIPESTATUS[0]}}"', str(HASHDROP), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return Ran(done.returncode, done.stdout, done.stderr).checked()


@pytest.mark.skipif(not FULL.exists(), reason="there is no such device here")
@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_an_output_that_is_full(arguments, command):
    """A sentence and the exit code 1, whatever is written."""
    ran = ran_in_a_shell("> /dev/full", *arguments(command))

    assert ran.code == 1
    assert "Standard output does not take what is written to it" in ran.err
    assert "No space left on device" in ran.err


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_a_reader_that_goes(arguments, command):
    """As `| head -0`: nothing is said."""
    ran = ran_in_a_shell("| head -c 0", *arguments(command))

    assert ran.code in {0, 1}  # it may have been read before it went
    assert "hashdrop:" not in ran.err
    assert "Error" not in ran.err


@pytest.mark.parametrize(
    "command", [("get", "KEY", "-o", "-"), ("catalog", "export")], ids=" ".join
)
def test_an_output_that_is_closed(arguments, command):
    """There is nothing to write to."""
    ran = ran_in_a_shell(">&-", *arguments(command))

    assert (ran.code, ran.err) == (2, "hashdrop: Standard output is closed. Give a file with -o.\n")


# --- the catalog as a file -----------------------------------------------------------------------


@pytest.fixture
def other(tmp_path):
    """Another catalog."""
    return ("--data", tmp_path / "other", "--config", tmp_path / "other")


def test_out_of_one_into_another_by_a_pipe(program, stored, others, other):
    """“-” is standard output, and standard input; no file of that name is made."""
    out = program("catalog", "export", "-o", "-", "--format", "csv")
    done = program(
        "catalog", "import", "-", "--format", "csv", "--json", *other, data=out.out.encode()
    )
    closed = ran_in_a_shell("<&-", "catalog", "import", "-", *map(str, other))

    assert (done.code, done.row) == (0, {"read": 3, "added": 3, "bad": 0})
    assert (closed.code, closed.err) == (2, "hashdrop: Standard input is closed.\n")
    assert not os.path.lexists("-")


def test_what_is_no_catalog_is_named_by_standard_input(program, other):
    ran = program("catalog", "import", "-", "--format", "csv", *other, data=b"\xff\xfe")

    assert (ran.code, ran.out) == (1, "")
    assert "“standard input” is no CSV file at its beginning" in ran.err


def test_an_import_that_waits_for_its_input_is_interrupted(other):
    process = start_program("catalog", "import", "-", *other, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"{")
    process.stdin.flush()
    catalog = other[1] / "catalog.sqlite3"
    while not catalog.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert end_of(process).checked().out == ""


def test_an_interrupted_import_says_how_far_it_came(program, other, tmp_path):
    """What was added stays, and the same import goes on."""
    hashes = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(30_000))
    rows = (
        {"name": "a", "folder": "", "bucket": "b", "key": one, "content_hash": one, "size": 1, "tags": {}}
        for one in hashes
    )  # fmt: skip
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    process = start_program("catalog", "import", path, *other)
    catalog = other[1] / "catalog.sqlite3"
    while not names_in(catalog):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    ran = end_of(process).checked()
    told = re.fullmatch(
        r"hashdrop: ([0-9,]+) rows were read and ([0-9,]+) names added; they stay\. "
        r"The same import goes on\.\nInterrupted\.\n",
        ran.err,
    )
    there = names_in(catalog)
    again = program("catalog", "import", path, "--json", *other)

    assert (ran.code, ran.out) == (130, "")
    assert told is not None, ran.err
    assert told[1] == told[2]
    assert 0 <= there - int(told[2].replace(",", "")) <= 250
    assert again.row == {"read": 30_000, "added": 30_000 - there, "bad": 0}


def names_in(catalog):
    try:
        with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM hashdrop_names").fetchone()[0]
    except sqlite3.Error:  # it is not made yet
        return 0


@pytest.mark.parametrize("before", [None, "the older one"], ids=["new", "in-the-way"])
def test_an_export_to_a_full_disk_leaves_what_was_there(program, stored, tmp_path, before):
    """Half a catalog looks like a whole one."""
    with mounted(tmp_path / "disk", "1m") as disk:
        target = disk / "all.jsonl"
        if before is not None:
            target.write_text(before)
            target.chmod(0o600)
        filler = fill(disk)
        ran = program("catalog", "export", "-o", target)
        left = {path.name for path in disk.iterdir()} - {"filler"}
        there = target.read_text() if target.exists() else None
        filler.unlink()
        good = program("catalog", "export", "-o", target)
        row, mode = json.loads(target.read_text()), target.stat().st_mode & 0o777

    assert (ran.code, ran.out) == (1, "")
    assert "The catalog could not be written to “all.jsonl”" in ran.err
    assert "No space left on device" in ran.err
    assert there == before
    assert left == ({"all.jsonl"} if before else set())
    assert good.code == 0
    assert row["name"] == "scan 1.csv"
    assert before is None or mode == 0o600


def test_an_export_through_a_link_and_to_a_pipe(program, stored, tmp_path):
    """A link stays one; what is no regular file is written to as it is."""
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    os.mkfifo(tmp_path / "pipe")
    linked = program("catalog", "export", "-o", tmp_path / "link.jsonl")
    process = start_program("catalog", "export", "-o", tmp_path / "pipe")
    piped = (tmp_path / "pipe").read_text()

    assert linked.code == 0
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl").read_text() == piped != ""
    assert end_of(process).checked().code == 0
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_an_import_on_a_full_disk_says_how_far_it_came(tmp_path):
    """What was added stays, and the same file adds the rest later."""
    lines = [
        json.dumps({"name": f"{n}.txt", "bucket": "lab-data", "key": f"raw/{n:064x}",
                    "content_hash": f"{n:064x}", "size": n, "note": "x" * 200})
        for n in range(6000)
    ]  # fmt: skip
    (tmp_path / "all.jsonl").write_text("\n".join(lines))
    with mounted(tmp_path / "disk", "8m") as disk:
        data = ("--data", disk / "data", "--config", tmp_path / "config")
        first = run_program("catalog", "where", *data)
        filler = fill(disk, leaving=4 * 2**20)
        full = run_program("catalog", "import", tmp_path / "all.jsonl", *data).checked()
        filler.unlink()
        listed = run_program("ls", "--limit", "0", "--json", *data).checked()
    read, added = (
        int(word.replace(",", "")) for word in full.err.split() if word.replace(",", "").isdigit()
    )

    assert first.code == 0
    assert (full.code, full.out) == (1, "")
    assert "The catalog of pointers cannot be written" in full.err
    assert "names were added; they stay" in full.err
    assert 0 < added == read == len(listed.rows)
