"""Cancelled at every request: nothing of it is left in S3, and it is told as cancelled."""

from __future__ import annotations

import hashlib

import anyio
import pytest

from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Waiting
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule

REQUESTS = [
    (SMALL, False, "HeadObject", 1),
    (SMALL, False, "PutObject", 1),
    (LARGE, False, "HeadObject", 1),
    (LARGE, False, "CreateMultipartUpload", 1),
    (LARGE, False, "UploadPart", 1),
    (LARGE, False, "UploadPart", 3),
    (LARGE, False, "CompleteMultipartUpload", 1),
    (LARGE, False, "HeadObject", 2),  # the verifying one
    (LARGE, True, "HeadObject", 1),
    (LARGE, True, "CreateMultipartUpload", 1),
    (LARGE, True, "UploadPart", 2),
    (LARGE, True, "CompleteMultipartUpload", 1),
    (LARGE, True, "HeadObject", 2),
    (LARGE, True, "CopyObject", 1),
    (LARGE, True, "HeadObject", 4),  # of the copy
    (LARGE, True, "DeleteObject", 1),
]


@pytest.mark.parametrize("how", ["held", "stalled"])
@pytest.mark.parametrize(("size", "single_pass", "operation", "nth"), REQUESTS)
async def test_cancelled_at_any_request_nothing_is_left(
    rig, size, single_pass, operation, nth, how
):
    """A whole object may stand where S3 was done already; a part of one never, nor a record."""
    rule = rig.proxy.add((Rule.hold if how == "held" else Rule.stall)(operation, nth=nth))
    rig.add(rig.file("a.bin", size), single_pass=single_pass, target=rig.target(read_timeout=3))
    await rig.reached(rule)
    rig.engine.cancel(rig.ids())
    await anyio.sleep(0.05)
    rule.release()
    with anyio.fail_after(20):
        await rig.engine.drained()
    (event,) = rig.last().values()

    await rig.check()
    # Cancelled when S3 has it already, it may be told as what it is.
    is_there = (operation, nth) in {("HeadObject", 2), ("HeadObject", 4), ("DeleteObject", 1)}
    assert isinstance(event, (Cancelled, Stored) if is_there else Cancelled)
    assert len(rig.recorded.pointers) == len(rig.of(Stored))


@pytest.mark.parametrize(
    ("size", "operation"),
    [(LARGE, "UploadPart"), (SMALL, "PutObject"), (SMALL, "HeadObject"), (LARGE, "HeadObject")],
)
async def test_a_stalled_request_of_our_own_connections_does_not_hold_a_cancellation(
    rig, size, operation
):
    """Its socket is shut down: no timeout is waited for."""
    rule = rig.proxy.add(Rule.stall(operation))
    rig.add(rig.file("a.bin", size), target=rig.target(read_timeout=60))
    await rig.reached(rule)
    rig.engine.cancel(rig.ids())
    with anyio.fail_after(10):
        await rig.until(Cancelled)

    assert not rule.released.is_set()
    await rig.check()


async def test_cancelled_while_it_is_hashed(rig):
    """No request at all."""
    path = rig.folder / "sparse.bin"
    path.touch()
    with path.open("r+b") as file:
        file.truncate(4096 * MIB)
    rig.add(path)
    await rig.until(Hashing)
    rig.engine.cancel(rig.ids())
    with anyio.fail_after(10):
        await rig.until(Cancelled)

    await rig.check()
    assert rig.proxy.requests == []


async def test_cancelled_while_the_store_does_not_let_it_be_cleaned_up(rig):
    """Cancelled all the same; the upload that is left stands in the journal, for whoever cleans up."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=2))
    rig.proxy.add(Rule.answer("AbortMultipartUpload", 503, "SlowDown", times=999))
    rig.add(rig.file())
    await rig.reached(rule)
    rig.engine.cancel(rig.ids())
    rule.release()
    await rig.engine.drained()
    (left,) = await rig.journal.leftovers()

    await rig.check(nothing_left=False)
    assert isinstance(rig.events[-1], Cancelled)
    assert left.key in rig.server.open_uploads(rig.bucket)


async def test_cancelled_while_the_network_is_gone(rig):
    """Told at once, not after the patience; the upload stands in the journal, a next drop takes it away."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=3))
    path = rig.file()
    target = rig.target(patience_s=600)
    rig.add(path, target=target)
    await rig.reached(rule)
    rig.proxy.go_down()
    rule.release()
    await rig.until(Waiting)
    rig.engine.cancel(rig.ids())
    with anyio.fail_after(20):
        await rig.until(Cancelled)

    await rig.check(nothing_left=False)
    assert len(await rig.journal.leftovers()) == 1
    rig.proxy.come_up()
    await rig.store(path, target=target)

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_cancel_of_one_leaves_the_others(rig):
    """Of many files on their way."""
    paths = [rig.file(f"{number}.bin", 6 * MIB) for number in range(4)]
    rule = rig.proxy.add(Rule.hold("UploadPart", times=2))
    rig.add(*paths)
    await rig.reached(rule)
    rig.engine.cancel([2])
    rule.release()
    await rig.engine.drained()

    await rig.check()
    assert {number for number, event in rig.last().items() if isinstance(event, Cancelled)} == {2}
    assert len(rig.of(Stored)) == 3


@pytest.mark.parametrize("how", ["cancel", "pause"])
async def test_a_small_file_that_failed_before_its_neighbours_were_done(rig, how):
    """It waits for them to be tried again by itself; cancelled or paused meanwhile, it is not."""
    paths = [rig.file(f"{number:02}.bin", SMALL) for number in range(40)]
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in paths[:2])
    rig.proxy.add(Rule.answer("PutObject", 503, "SlowDown", path=first))
    rule = rig.proxy.add(Rule.hold("PutObject", path=second))
    rig.add(*paths)
    await rig.reached(rule)
    getattr(rig.engine, how)([1])
    rule.release()
    await rig.until(Stored, count=39)
    await rig.until(Cancelled if how == "cancel" else Paused)
    if how == "cancel":
        await rig.engine.drained()

    assert not any(first in key for key in rig.server.objects(rig.bucket))
    assert len(rig.of(Stored)) == 39


async def test_cancelled_and_paused_it_is_cancelled(rig):
    """What was cancelled is not brought back by “Pause all”, nor by the end of the program."""
    rule = rig.proxy.add(Rule.hold("UploadPart"))
    rig.add(rig.file())
    await rig.reached(rule)
    rig.engine.cancel(rig.ids())
    rig.engine.pause_all()
    rule.release()
    await rig.engine.suspend()
    await rig.until(Cancelled)

    await rig.check()


async def test_cancelled_twice_in_a_row_and_retried(rig):
    """Told once; a retry stores it."""
    rule = rig.proxy.add(Rule.hold("UploadPart"))
    target = rig.target()
    rig.add(rig.file(), target=target)
    await rig.reached(rule)
    rig.engine.cancel(rig.ids())
    rig.engine.cancel(rig.ids())
    rule.release()
    await rig.engine.drained()
    rig.engine.retry(rig.ids(), target)
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Cancelled)) == 1
    assert len(rig.of(Stored, AlreadyStored)) == 1


async def test_cancel_all_of_a_long_queue(rig):
    """Running and waiting ones alike; nothing is recorded that is not stored."""
    paths = [rig.file(f"{number}.bin", 30_000 + number) for number in range(80)]
    paths += [rig.file(f"large-{number}.bin", 6 * MIB) for number in range(6)]
    rig.add(*paths)
    await rig.until(Queued, count=86)
    await rig.engine.cancel_all()

    await rig.check()
    assert rig.engine.active_count == 0
    assert len(rig.of(Cancelled)) + len(rig.of(Stored)) == 86
    assert len(rig.recorded.pointers) == len(rig.of(Stored))
