"""`hashdrop store`: the embedded store in the foreground, shared with whoever comes."""

from __future__ import annotations

import json

import psutil

from support.programs import end_of
from support.programs import interrupt
from support.programs import start_program


def test_it_runs_until_ctrl_c_and_others_join_it(program, tmp_path):
    """A put beside it uses it and leaves it running; Ctrl-C ends it, and no secret is told."""
    data = tmp_path / "data"
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    process = start_program("store", "--data", data)
    assert process.stdout is not None
    first_line = process.stdout.readline().decode()
    pid = json.loads((data / "store" / "state.json").read_text())["pid"]
    secret = json.loads((data / "store" / "keys.json").read_text())["secret_key"]
    ran = program("put", path, "--json", "--data", data)
    runs_on = psutil.pid_exists(pid)
    interrupt(process)
    end = end_of(process).checked(secret)

    assert first_line.startswith("The store on this computer answers at http://127.0.0.1:")
    assert (ran.code, ran.row["status"]) == (0, "stored")
    assert runs_on
    assert end.code == 130
    assert not psutil.pid_exists(pid)
    assert secret not in first_line


def test_a_link_into_it_holds_no_longer_than_it_runs(inside, tmp_path):
    """Nor for anybody else: that is said where the link's end is."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    key = inside("put", path, "--json").row["key"]
    told = inside("link", key)
    row = inside("link", key, "--json").row

    assert (told.code, len(told.out.splitlines())) == (0, 1)
    assert "it can be read here only, and only until that store ends" in told.err
    assert row["only_on_this_computer"] is True


def test_a_store_that_ends_by_itself_is_told(tmp_path):
    """The command does not go on as if nothing was."""
    data = tmp_path / "data"
    process = start_program("store", "--data", data)
    assert process.stdout is not None
    process.stdout.readline()
    state = json.loads((data / "store" / "state.json").read_text())
    psutil.Process(state["pid"]).kill()
    ran = end_of(process).checked()

    assert ran.code == 1
    assert "ended by itself" in ran.err
