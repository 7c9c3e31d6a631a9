"""The disk of the store on this computer is full: it says that it has a fault, we say what is the matter."""

from __future__ import annotations

import json
import os
import time
import urllib.request

import anyio
import pytest

from hashdrop import weed
from hashdrop.errors import LocalStoreError
from hashdrop.errors import StoreFull
from hashdrop.local_store import LocalStore
from support.fault_rig import MIB
from support.programs import run_program
from support.tiny_disk import fill
from support.tiny_disk import mounted

DISK = 400 * MIB
_SEEN_AFTER_S = 6.0
"""A store looks how large its volumes are each five seconds."""


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk", str(DISK)) as folder:
        yield folder


@pytest.fixture
def store_runs(disk, monkeypatch):
    """All the time: what is full ends only when it is killed."""
    monkeypatch.setattr(weed, "_STOP_TIMEOUT_S", 0.5)
    store = LocalStore(disk / "data" / "store")
    anyio.run(store.start)
    yield
    anyio.run(store.stop)


def put(disk, *paths):
    folders = ("--data", disk / "data", "--config", disk / "config")
    return run_program("put", *folders, *paths).checked()


def file(folder, name, size):
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def test_what_does_not_fit_is_refused_before_it_is_sent(disk, store_runs, tmp_path):
    """It alone: what fits is stored."""
    large = file(tmp_path, "large.bin", DISK + MIB)
    small = file(tmp_path, "small.bin", 20 * MIB)
    before = put(disk, small)
    used = DISK - os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    ended = put(disk, "--json", large, small)
    grown = DISK - os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - used
    rows = {row["name"]: row for row in ended.rows}

    assert before.code == 0
    assert ended.code == 1
    assert rows["small.bin"]["status"] == "already-stored"
    assert rows["large.bin"]["status"] == "failed"
    assert "The store on this computer has too little room." in rows["large.bin"]["error"]
    assert str(disk) in rows["large.bin"]["error"]
    assert grown < 5 * MIB


def test_a_disk_that_got_full_is_told_and_stored_on_later(disk, store_runs, tmp_path):
    """By other programs, say: nothing is told as stored that is not, and a retry stores it."""
    first = file(tmp_path, "first.bin", 20 * MIB)
    more = [file(tmp_path, f"more-{number}.bin", 20 * MIB) for number in range(3)]
    put(disk, first)
    filler = fill(disk, leaving=30 * MIB)  # for each of them, not for all
    full = put(disk, *more)
    filler.unlink()
    again = put(disk, "--json", *more)

    assert full.code == 1
    assert (
        full.err.count("The store on this computer has too little room.")
        == full.err.count("\n")
        > 1
    )
    assert again.code == 0
    assert {row["status"] for row in again.rows} <= {"stored", "already-stored"}


def test_a_store_that_cannot_begin_another_volume_is_full(tmp_path, monkeypatch):
    """Its log of changes has one, too, nearly empty: what that may grow by is kept free. It said “busy”."""
    monkeypatch.setattr(weed, "_STOP_TIMEOUT_S", 0.5)
    with mounted(tmp_path / "disk", str(640 * MIB)) as disk:
        store = LocalStore(disk / "data" / "store")
        anyio.run(store.start)
        ports = json.loads((disk / "data" / "store" / "state.json").read_text())["ports"]
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/dir/assign") as answer:
            log = json.loads(answer.read())
        put(disk, *(file(tmp_path, f"{number}.bin", 20 * MIB) for number in range(14)))
        time.sleep(_SEEN_AFTER_S)
        ended = put(disk, "--json", file(tmp_path, "small.bin", 1000))
        anyio.run(store.stop)

    assert "fid" in log
    assert ended.code == 1
    assert "has too little room" in ended.rows[0]["error"]
    assert "MB are needed, for it takes new room in large pieces." in ended.rows[0]["error"]


async def test_a_store_that_cannot_be_started_on_a_full_disk_says_what_to_do(disk):
    """And starts when there is room."""
    store = LocalStore(disk / "store")
    filler = fill(disk)
    with pytest.raises(LocalStoreError, match=r"No space left.*Make room on the disk"):
        await store.start()
    filler.unlink()
    await store.start()
    await store.stop()


async def test_the_room_is_asked_of_the_disk(disk):
    """A store writes nothing to the last hundredth of a disk, and takes new room in pieces."""
    store = LocalStore(disk)
    (disk / "data").mkdir()
    await store.check_room(None)
    await store.check_room(DISK * 9 // 10)
    with pytest.raises(StoreFull, match=r"419.4 MB left; 423.6 MB are needed"):
        await store.check_room(DISK)
    fill(disk, leaving=200 * MIB)
    with pytest.raises(StoreFull, match=r"MB are needed, for it takes new room in large pieces\."):
        await store.check_room(None)
    await store.check_room(100 * MIB)
