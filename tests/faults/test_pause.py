"""Pause and resume, of one and of all, in every state: what S3 has is not sent again."""

from __future__ import annotations

import anyio
import pytest

from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Waiting
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule
from support.fault_rig import open_uploads


async def paused_in_the_middle(rig, path=None, **target):
    """Pause a file of six parts when two of them were sent; return its target."""
    target = rig.target(max_parts_in_flight=1, **target)
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=3))
    rig.add(path or rig.file("a.bin", 30 * MIB), target=target)
    await rig.reached(rule)
    rig.engine.pause(rig.ids())
    rule.release()
    await rig.until(Paused)
    return target


async def test_paused_while_sending_it_goes_on_where_it_was(rig):
    """Each part is sent once; the file is not hashed again."""
    await paused_in_the_middle(rig)
    await rig.check(nothing_left=False)
    before = rig.sent_parts()
    hashed = len(rig.of(Hashing))
    rig.engine.resume(rig.ids())
    await rig.engine.drained()
    (stored,) = rig.of(Stored)

    await rig.check()
    assert before[:2] == [1, 2]
    assert sorted(rig.sent_parts()[3:]) in ([4, 5, 6], [3, 4, 5, 6])
    assert len(rig.of(Hashing)) == hashed
    assert stored.sent_bytes in {15 * MIB, 20 * MIB}


async def test_what_was_begun_goes_on_before_what_was_not(rig):
    """Four of seven files are on their way when all is paused; those four start again."""
    rule = rig.proxy.add(Rule.hold("UploadPart", times=99))
    target = rig.target()
    rig.add(*(rig.file(f"{number}.bin") for number in range(7)), target=target)
    with anyio.fail_after(20):
        while len(rig.engine._running) < 4:
            await anyio.sleep(0.005)
    await rig.reached(rule)
    begun = set(rig.engine._running)
    rig.engine.pause_all()
    rule.release()
    await rig.until(Paused, count=7)
    again = rig.proxy.add(Rule.hold("UploadPart|CompleteMultipartUpload", times=99))
    rig.engine.resume_all()
    await rig.reached(again)
    running = set(rig.engine._running)
    again.release()
    with anyio.fail_after(60):
        await rig.engine.drained()

    await rig.check()
    assert running <= begun
    assert len(rig.of(Stored, AlreadyStored)) == 7


@pytest.mark.parametrize(
    "operation",
    ["HeadObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"],
)
async def test_paused_and_resumed_at_any_request(rig, operation):
    """It is stored in the end, whatever it was paused at."""
    rule = rig.proxy.add(Rule.hold(operation))
    rig.add(rig.file())
    await rig.reached(rule)
    rig.engine.pause(rig.ids())
    await anyio.sleep(0.05)
    rule.release()
    await rig.until(Paused)
    await rig.check(nothing_left=False)
    assert rig.engine.active_count == 1
    rig.engine.resume(rig.ids())
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored, AlreadyStored)) == 1
    assert len(rig.recorded.pointers) == 1


async def test_paused_while_it_is_hashed(rig):
    """Resumed, it is hashed anew and stored."""
    path = rig.folder / "sparse.bin"
    path.touch()
    with path.open("r+b") as file:
        file.truncate(200 * MIB)
    rig.add(path)
    await rig.until(Hashing)
    rig.engine.pause(rig.ids())
    await rig.until(Paused)
    assert rig.proxy.requests == []
    path.write_bytes(b"short")
    rig.engine.resume(rig.ids())
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_paused_while_it_stands_in_the_line(rig):
    """It is not started by a place that gets free; resumed, it is."""
    rule = rig.proxy.add(Rule.hold("UploadPart", times=4))
    rig.add(*(rig.file(f"{number}.bin", 6 * MIB) for number in range(6)))
    await rig.reached(rule)
    await rig.until(Queued, count=6)
    rig.engine.pause([6])
    rule.release()
    await rig.until(Stored, count=5)
    assert isinstance(rig.last()[6], Paused)
    rig.engine.resume([6])
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 6


async def test_paused_in_the_line_twice_it_is_stored_once(rig):
    """Pause and resume in a row do not queue it twice."""
    rig.engine.pause_all()
    rig.add(rig.file())
    await rig.until(Queued)
    for _ in range(3):
        rig.engine.pause(rig.ids())
        rig.engine.resume(rig.ids())
    rig.engine.resume_all()
    await rig.engine.drained()

    await rig.check()
    assert sorted(rig.sent_parts()) == [1, 2, 3]


async def test_paused_while_it_waits_for_the_store(rig):
    """Paused in an outage, resumed after it."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=3))
    rig.add(rig.file(), target=rig.target(patience_s=600, max_parts_in_flight=1))
    await rig.reached(rule)
    rig.proxy.go_down()
    rule.release()
    await rig.until(Waiting)
    rig.engine.pause(rig.ids())
    await rig.until(Paused)
    rig.proxy.come_up()
    await anyio.sleep(0.2)
    assert [type(event) for event in rig.last().values()] == [Paused]
    rig.engine.resume(rig.ids())
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1
    assert rig.sent_parts().count(1) == rig.sent_parts().count(2) == 1


async def test_resumed_before_it_came_to_rest(rig):
    """Pause and Resume in a row, while a request is still on its way: it goes on by itself."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=2))
    rig.add(rig.file())
    await rig.reached(rule)
    rig.engine.pause_all()
    rig.engine.resume_all()
    rule.release()
    with anyio.fail_after(20):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_pause_all_and_resume_all(rig):
    """Small and large, running and waiting: nothing starts meanwhile, nothing is sent twice."""
    small = [rig.file(f"{number}.bin", SMALL + number) for number in range(40)]
    large = [rig.file(f"large-{number}.bin", LARGE) for number in range(5)]
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=3))
    rig.add(*large, *small, target=rig.target(max_parts_in_flight=2))
    await rig.reached(rule)
    await rig.until(Queued, count=45)
    rig.engine.pause_all()
    rule.release()
    with anyio.fail_after(20):
        while rig.engine._running:
            await anyio.sleep(0.01)
    requests = len(rig.proxy.requests)
    await rig.check(nothing_left=False)
    await anyio.sleep(0.3)
    assert len(rig.proxy.requests) == requests
    rig.engine.resume_all()
    with anyio.fail_after(60):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored, AlreadyStored)) == 45
    # What was on its way when it was paused may have arrived unheard of.
    assert len(rig.sent_parts()) <= 5 * 3 + 2


async def test_what_is_dropped_while_all_is_paused_waits(rig):
    """And starts with the rest."""
    rig.engine.pause_all()
    rig.add(rig.file())
    await rig.until(Queued)
    await anyio.sleep(0.2)
    assert rig.proxy.requests == []
    rig.engine.resume_all()
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_cancel_of_a_paused_one_aborts_its_upload(rig):
    """Nothing is left in S3, nor in the journal."""
    await paused_in_the_middle(rig)
    assert len(open_uploads(rig.server, rig.bucket)) == 1
    await rig.engine.cancel_all()

    await rig.check()
    assert isinstance(rig.events[-1], Cancelled)
    assert rig.recorded.pointers == []


async def test_cancel_of_a_paused_one_that_cannot_be_aborted(rig):
    """The store is out of reach: the upload stays in the journal."""
    await paused_in_the_middle(rig)
    rig.proxy.go_down()
    await rig.engine.cancel_all()
    rig.proxy.come_up()

    await rig.check(nothing_left=False)
    assert len(await rig.journal.leftovers()) == 1


async def test_a_paused_file_that_changes_starts_anew(rig):
    """The old upload is aborted, the new content is stored."""
    path = rig.file("a.bin", 30 * MIB)
    await paused_in_the_middle(rig, path)
    rig.file("a.bin", LARGE)
    rig.engine.resume(rig.ids())
    await rig.engine.drained()

    await rig.check()
    assert [event.sent_bytes for event in rig.of(Stored)] == [LARGE]


async def test_a_paused_file_that_is_deleted_fails_and_leaves_nothing_unknown(rig):
    """With a sentence; its upload is aborted or in the journal."""
    path = rig.file("a.bin", 30 * MIB)
    await paused_in_the_middle(rig, path)
    path.unlink()
    rig.engine.resume(rig.ids())
    await rig.engine.drained()
    (event,) = rig.last().values()

    await rig.check(nothing_left=False)
    assert isinstance(event, Failed)
    assert "does not exist" in event.error.sentence


async def test_retry_after_a_failed_connection_sends_only_the_rest(rig):
    """The upload was kept, for the connection may come back."""
    target = rig.target(max_parts_in_flight=1)
    rule = rig.proxy.add(Rule.reset_before("UploadPart", nth=3, times=999))
    rig.add(rig.file("a.bin", 30 * MIB), target=target)
    await rig.until(Failed)
    await rig.check(nothing_left=False)
    sent = len(rig.sent_parts())
    rig.proxy.clear()
    rig.engine.retry(rig.ids(), target)
    await rig.engine.drained()
    (stored,) = rig.of(Stored)

    await rig.check()
    assert rule.reached.is_set()
    assert sorted(rig.sent_parts()[sent:]) == [3, 4, 5, 6]
    assert stored.sent_bytes == 20 * MIB


async def test_a_single_pass_file_that_is_paused_starts_anew(rig):
    """It has no upload that could be gone on with; nothing of the first try is left."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=2))
    rig.add(rig.file(), single_pass=True)
    await rig.reached(rule)
    rig.engine.pause(rig.ids())
    rule.release()
    await rig.until(Paused)
    await rig.check()
    rig.engine.resume(rig.ids())
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_a_stream_is_not_paused_while_it_runs(rig):
    """It could not be read again."""
    rule = rig.proxy.add(Rule.hold("PutObject"))

    async def stream():
        yield b"x" * 1000

    rig.engine.add_stream(stream(), rig.target(), name="stdin")
    await rig.reached(rule)
    rig.engine.pause(rig.ids())
    rule.release()
    await rig.engine.drained()

    await rig.check()
    assert rig.of(Paused) == []
    assert len(rig.of(Stored)) == 1


async def test_the_count_does_not_fall_by_a_pause(rig):
    """Resumed, what S3 has is counted as done from the beginning."""
    await paused_in_the_middle(rig)
    at = len(rig.events)
    rig.engine.resume(rig.ids())
    await rig.engine.drained()
    told = [event.done for event in rig.events[at:] if isinstance(event, Uploading) and event.done]

    assert min(told) >= 10 * MIB
    assert max(told) <= 30 * MIB


async def test_the_states_of_a_pause_are_told_in_words(rig):
    """Paused, queued again, uploading, stored."""
    await paused_in_the_middle(rig)
    (transfer,) = rig.engine._transfers.values()
    assert transfer.state is State.PAUSED
    at = len(rig.events)
    rig.engine.resume(rig.ids())
    await rig.engine.drained()
    kinds = [type(event) for event in rig.events[at:]]

    assert kinds[0] is Queued
    assert Hashing not in kinds
    assert kinds[-1] is Stored


async def test_cancelled_as_soon_as_it_was_resumed_it_leaves_nothing(rig):
    """It has not yet looked for the parts that it had sent before the pause."""
    await paused_in_the_middle(rig)
    rig.engine.resume(rig.ids())
    rig.engine.cancel(rig.ids())
    await rig.engine.drained()
    await rig.engine.cancel_all()

    await rig.check()
    assert len(rig.of(Cancelled)) == 1
