"""What became of each drop is kept: on the real server, over ends, retries and kills."""

from __future__ import annotations

import os
import sqlite3
from contextlib import asynccontextmanager

import anyio
import pytest

from hashdrop.errors import CatalogError
from hashdrop.transfers.engine import open_engine
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import State
from hashdrop.transfers.history import open_history
from hashdrop.transfers.holding import AskAbove
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from transfers.test_engine import Recorded
from transfers.test_engine import target_of


@pytest.fixture
def opened(tmp_path):
    """An engine with a history in the same file each time."""

    @asynccontextmanager
    async def make(days=30):
        async with (
            open_history(tmp_path / "history.sqlite3", days=days) as history,
            open_engine(Recorded(), history=history) as engine,
        ):
            yield engine, history

    return make


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run-7"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.csv", "deep/100%_b.csv", os.fsdecode(b"not-\xff-unicode.bin")):
        (folder / name).write_bytes(os.fsencode(name) * 10)
    return folder


async def test_a_drop_is_listed_when_it_has_come_to_its_end(opened, s3_server, bucket, run):
    """Name, counts, sizes, outcome, where to and when; again at the next start."""
    async with opened() as (engine, history):
        assert await history.page() == []
        engine.add([run], target_of(s3_server, bucket))
        await engine.drained()
        engine.add([run / "a.csv"], target_of(s3_server, bucket))
        await engine.drained()
        (again, first) = await history.page()
    async with opened() as (_, history):
        later = await history.page()

    assert [again, first] == later
    size = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    assert (first.name, first.files, first.size, first.sent_bytes) == ("run-7", 3, size, size)
    assert (first.stored, first.already_stored, first.failed, first.left) == (3, 0, 0, 0)
    assert (again.name, again.already_stored, again.sent_bytes) == ("a.csv", 1, 0)
    assert (first.connection, first.destination) == ("test", f"s3://{bucket}/p/")
    assert first.begun_at <= first.ended_at <= again.ended_at


@pytest.mark.parametrize(
    ("text", "found"),
    [("RUN", 1), ("deep/100%_B", 1), ("%", 1), ("a.c", 1), ("_", 1), ("x%y", 0), ("TEST", 1)],
)
async def test_it_is_searched_by_whatever_is_known_of_it(
    opened, s3_server, bucket, run, text, found
):
    """The drop's name, its connection, its files' names and folders; wildcards are letters."""
    async with opened() as (engine, history):
        engine.add([run], target_of(s3_server, bucket))
        await engine.drained()

        assert len(await history.page(text=text)) == found


async def test_it_is_searched_by_key_and_gives_its_pointers(opened, s3_server, bucket, run):
    """Those of all its files, with the paths that they had, whatever bytes are in them."""
    async with opened() as (engine, history):
        engine.add([run], target_of(s3_server, bucket))
        await engine.drained()
        (drop,) = await history.page()
        pointers = await history.pointers(drop.id)

        assert {one.path for one in pointers} == {
            "run-7/a.csv",
            "run-7/deep/100%_b.csv",
            os.fsdecode(b"run-7/not-\xff-unicode.bin"),
        }
        assert {one.pointer.key for one in pointers} == set(s3_server.objects(bucket))
        assert [drop] == await history.page(text=pointers[1].pointer.key[4:40])


async def test_a_retry_changes_what_became_of_it(opened, s3_server, bucket, run):
    """One drop, first with a failed file, then without one."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.answer("PutObject", 403, "AccessDenied", times=1))
        target = target_of(s3_server, bucket, proxy.endpoint_url)
        async with opened() as (engine, history):
            engine.add([run], target)
            await engine.drained()
            (before,) = await history.page()
            failed = [one.id for one in engine._transfers.values()]
            engine.retry(failed, target)
            await engine.drained()
            (after,) = await history.page()

            assert (before.stored, before.failed) == (2, 1)
            assert (after.id, after.stored, after.failed, after.files) == (before.id, 3, 0, 3)
            assert len(await history.pointers(after.id)) == 3


async def test_what_a_killed_run_left_is_listed_at_the_next_start(
    opened, s3_server, bucket, run, tmp_path
):
    """With what became of it till then, and how many files were left."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("PutObject", nth=3, times=99))
        async with opened() as (engine, history):
            engine.add([run], target_of(s3_server, bucket, proxy.endpoint_url))
            with anyio.fail_after(20):
                while sum(drop.counts.get(State.STORED, 0) for drop in history._drops.values()) < 2:
                    await anyio.sleep(0.01)
            await history.write()
            assert await history.page() == []
            for name in ("history.sqlite3", "history.sqlite3-wal"):  # as a kill would leave them
                (tmp_path / f"{name}-copy").write_bytes((tmp_path / name).read_bytes())
            hold.release()
            await engine.drained()
    for name in ("history.sqlite3", "history.sqlite3-wal"):
        (tmp_path / f"{name}-copy").replace(tmp_path / name)
    async with opened() as (_, history):
        (drop,) = await history.page()

    assert (drop.stored, drop.left, drop.files) == (2, 1, 3)


async def test_what_is_too_old_goes_by_itself(opened, s3_server, bucket, run, tmp_path):
    """At the first look of the next start, with all that is known of its files."""
    async with opened() as (engine, _):
        for path in ("a.csv", "deep"):
            engine.add([run / path], target_of(s3_server, bucket))
            await engine.drained()
    with sqlite3.connect(tmp_path / "history.sqlite3") as database:
        database.execute(
            "UPDATE history_drops SET ended_at = ended_at - 8 * 86400 WHERE name = CAST('a.csv' AS BLOB)"
        )
    database.close()
    async with opened(days=7) as (_, history), anyio.create_task_group() as group:
        assert len(await history.page()) == 2
        group.start_soon(history.run)
        with anyio.fail_after(10):
            while len(await history.page()) == 2:
                await anyio.sleep(0.01)
        (left,) = await history.page()
        rows = await history._do(
            lambda base: base.execute("SELECT count(*) FROM history_files").fetchone()[0]
        )
        group.cancel_scope.cancel()

    assert (left.name, rows) == ("deep", 1)


async def test_what_is_forgotten_is_gone_and_pages_follow_each_other(
    opened, s3_server, bucket, run
):
    """Newest first, each once."""
    async with opened() as (engine, history):
        for number in range(5):
            (run / f"{number}.txt").write_text(str(number))
            engine.add([run / f"{number}.txt"], target_of(s3_server, bucket))
            await engine.drained()
        first = await history.page(limit=2)
        second = await history.page(limit=2, before=first[-1])
        await history.forget([first[0].id, second[1].id])
        names = [drop.name for drop in await history.page()]

    assert [drop.name for drop in first + second] == ["4.txt", "3.txt", "2.txt", "1.txt"]
    assert names == ["3.txt", "2.txt", "0.txt"]


async def test_a_drop_that_was_not_wanted_is_no_history(opened, s3_server, bucket, run):
    """Nothing became of it."""
    async with opened() as (engine, history):
        events = []
        engine.subscribe(events.append)
        limit = AskAbove(files=1, size=1)
        batch = engine.add([run], target_of(s3_server, bucket), ask_above=limit)
        with anyio.fail_after(10):
            while not any(isinstance(event, BatchScanned) for event in events):
                await anyio.sleep(0.01)
        await history.write()
        engine.dismiss(batch)
        await engine.drained()
        await history.write()
        rows = await history._do(
            lambda base: base.execute("SELECT count(*) FROM history_drops").fetchone()[0]
        )

    assert rows == 0


async def test_a_history_of_a_later_version_is_left_alone(opened, tmp_path):
    """It is refused in words."""
    async with opened():
        pass
    with sqlite3.connect(tmp_path / "history.sqlite3") as database:
        database.execute("UPDATE history_version SET version = 99")
    database.close()
    with pytest.raises(CatalogError, match="later version"):
        async with opened():
            pass
