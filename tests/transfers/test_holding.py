"""A large drop is held: on the real server nothing of it is sent before the answer."""

from __future__ import annotations

import anyio
import pytest

from hashdrop.transfers.engine import open_engine
from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import BatchHeld
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from hashdrop.transfers.holding import AskAbove
from hashdrop.transfers.journal import open_journal
from support.fault_proxy import FaultProxy
from transfers.test_engine import Recorded
from transfers.test_engine import of
from transfers.test_engine import target_of

FEW = AskAbove(files=150, size=10**9)


@pytest.fixture
async def journaled(tmp_path):
    """An engine whose queue is journaled, as the window's is."""
    events = []
    async with (
        open_journal(tmp_path / "journal.sqlite3") as journal,
        open_engine(Recorded(), journal=journal, keeps_queue=True) as engine,
    ):
        engine.subscribe(events.append)
        yield engine, events


@pytest.fixture
def watched(s3_server, bucket):
    """A target behind a proxy that counts."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        yield target_of(s3_server, bucket, proxy.endpoint_url), proxy


def folder_of(tmp_path, count, size=10):
    folder = tmp_path / "run"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.txt").write_text(f"{number:>{size}}")
    return folder


async def until(events, kind):
    with anyio.fail_after(20):
        while not of(events, kind):
            await anyio.sleep(0.01)
    return of(events, kind)[0]


async def test_nothing_of_a_large_drop_is_sent_before_the_answer(journaled, watched, tmp_path):
    """All of it is counted and listed meanwhile; with the answer all of it is stored."""
    engine, events = journaled
    target, proxy = watched
    batch = engine.add([folder_of(tmp_path, 320)], target, ask_above=FEW)
    scanned = await until(events, BatchScanned)
    await anyio.sleep(0.3)

    assert (scanned.files, len(of(events, Queued))) == (320, 320)
    assert [BatchHeld(batch, True)] == of(events, BatchHeld)
    assert proxy.requests == []
    assert {type(event) for event in events} == {Queued, BatchHeld, BatchScanned}
    engine.release(batch)
    await engine.drained()
    assert len(of(events, Stored)) == 320
    assert [event.held for event in of(events, BatchHeld)] == [True, False]


async def test_it_is_asked_as_soon_as_it_is_known_not_at_the_end(journaled, watched, tmp_path):
    """The question comes while it is counted, and an answer then holds nothing up."""
    engine, events = journaled
    target, _ = watched
    answered = []

    def answer(event):
        if isinstance(event, BatchHeld) and event.held:
            answered.append(len(of(events, Queued)))
            engine.release(event.batch)

    engine.subscribe(answer)
    engine.add([folder_of(tmp_path, 620)], target, ask_above=FEW)
    await engine.drained()

    assert 150 < answered[0] < 620
    assert len(of(events, Stored)) == 620


async def test_size_counts_as_number_does(journaled, watched, tmp_path):
    """Few files that are large are asked about, too."""
    engine, events = journaled
    target, proxy = watched
    limit = AskAbove(files=150, size=1_000)
    batch = engine.add([folder_of(tmp_path, 3, size=500)], target, ask_above=limit)
    await until(events, BatchScanned)

    assert [BatchHeld(batch, True)] == of(events, BatchHeld)
    assert proxy.requests == []


async def test_a_drop_below_the_limit_is_begun_when_it_is_counted(journaled, watched, tmp_path):
    """Nobody is asked."""
    engine, events = journaled
    engine.add([folder_of(tmp_path, 150)], watched[0], ask_above=FEW)
    await engine.drained()

    assert of(events, BatchHeld) == []
    assert len(of(events, Stored)) == 150


@pytest.mark.parametrize("when", ["while it is counted", "when it is counted"])
async def test_a_drop_that_is_not_wanted_is_gone(journaled, watched, tmp_path, when):
    """Nothing was sent, nothing is told of each file, and nothing is left to do or to come back."""
    engine, events = journaled
    target, proxy = watched
    if when == "while it is counted":
        engine.subscribe(lambda event: isinstance(event, BatchHeld) and engine.dismiss(event.batch))
    batch = engine.add([folder_of(tmp_path, 620)], target, ask_above=FEW)
    if when == "when it is counted":
        await until(events, BatchScanned)
        engine.dismiss(batch)
    await until(events, BatchDismissed)
    await engine.drained()

    assert isinstance(events[-1], BatchDismissed)
    assert proxy.requests == []
    assert of(events, Cancelled) == []
    assert (engine.active_count, engine._transfers) == (0, {})
    assert await engine._queue_journal._run(
        lambda base: [tuple(row) for row in base.execute("SELECT count(*) FROM hashdrop_queue")]
    ) == [(0,)]


async def test_what_waits_for_an_answer_comes_back_paused_after_a_kill(
    journaled, watched, tmp_path
):
    """The journal says so from the first file on: the next start asks nobody, and sends nothing."""
    engine, events = journaled
    target, _ = watched
    engine.add([folder_of(tmp_path, 320)], target, ask_above=FEW)
    await until(events, BatchScanned)
    rows = await engine._queue_journal._run(
        lambda base: [row["paused"] for row in base.execute("SELECT paused FROM hashdrop_queue")]
    )

    assert rows == [1] * 320


async def test_a_held_file_that_is_resumed_or_retried_waits_on(journaled, watched, tmp_path):
    """Pause and resume all, cancel and retry one: nothing is begun before the answer."""
    engine, events = journaled
    target, proxy = watched
    batch = engine.add([folder_of(tmp_path, 200)], target, ask_above=FEW)
    await until(events, BatchScanned)
    engine.pause_all()
    engine.resume_all()
    engine.cancel([3])
    engine.retry([3], target)
    engine.cancel([4])
    await anyio.sleep(0.3)
    assert proxy.requests == []
    engine.release(batch)
    await engine.drained()

    assert len(of(events, Stored)) == 199
    assert [event.id for event in of(events, Cancelled)][1:] == [4]
    assert (len(of(events, Paused)), of(events, Failed)) == (200, [])


async def test_what_is_found_of_a_paused_drop_is_paused_too(journaled, watched, tmp_path):
    """Nothing of it is sent till it is gone on with; it is still being counted when it is paused."""
    engine, events = journaled
    target, proxy = watched
    batch = engine.add([folder_of(tmp_path, 320)], target)
    engine.pause_drop(batch)
    await until(events, BatchScanned)
    await anyio.sleep(0.3)

    assert (len(of(events, Queued)), len(of(events, Paused))) == (320, 320)
    assert proxy.requests == []

    engine.resume_drop(batch)
    await engine.drained()

    assert len(of(events, Stored)) == 320
