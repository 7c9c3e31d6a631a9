"""The store out of reach: waited for when it was reached before, told at once when it never was."""

from __future__ import annotations

import socket

import anyio
import pytest

from hashdrop.errors import EndpointUnreachable
from hashdrop.errors import StoreBusy
from hashdrop.s3 import retrying
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Waiting
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule


async def gone_at(rig, rule, *paths, target=None, **more):
    """Drop files and take the store away at a request; return the target."""
    rig.proxy.add(rule)
    target = target or rig.target(patience_s=600, **more)
    rig.add(*paths, target=target)
    await rig.reached(rule)
    rig.proxy.go_down()
    rule.release()
    await rig.until(Waiting)
    return target


@pytest.mark.parametrize(
    "operation",
    ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"],
)
async def test_an_outage_in_the_middle_is_waited_out(rig, operation):
    """Told as waiting, with the seconds to the next try; then it goes on, parts that S3 has are not sent again."""
    await gone_at(rig, Rule.hold(operation), rig.file(), max_parts_in_flight=1)
    (waiting, *_) = rig.of(Waiting)
    assert waiting.seconds is not None
    assert isinstance(waiting.error, retrying.StoreError)
    await anyio.sleep(1.0)
    assert rig.of(Failed) == []
    rig.proxy.come_up()
    with anyio.fail_after(30):
        await rig.engine.drained()
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.sent_bytes == LARGE
    assert max(rig.sent_parts().count(number) for number in (1, 2, 3)) <= 2


async def test_an_outage_burns_no_attempts(rig, monkeypatch):
    """However often it is asked meanwhile, and with one attempt only."""
    monkeypatch.setattr(retrying, "ATTEMPTS", 1)
    monkeypatch.setattr(retrying, "_LONGEST_WAIT_S", 0.05)
    await gone_at(rig, Rule.hold("UploadPart", nth=2), rig.file(), max_parts_in_flight=1)
    await anyio.sleep(2.5)  # dozens of tries
    assert rig.of(Failed) == []
    rig.proxy.come_up()
    with anyio.fail_after(30):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_small_files_wait_too(rig):
    """All that are on their way; none fails, each is stored once."""
    target = rig.target(patience_s=600)
    await rig.store(rig.file("before.bin", SMALL - 1), target=target)  # it was reached before
    paths = [rig.file(f"{number}.bin", SMALL + number) for number in range(40)]
    await gone_at(rig, Rule.hold("PutObject", nth=5, times=99), *paths, target=target)
    await anyio.sleep(0.5)
    rig.proxy.come_up()
    with anyio.fail_after(30):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 41


async def test_two_outages_one_after_the_other(rig):
    """The second is waited for like the first."""
    await gone_at(rig, Rule.hold("UploadPart", nth=1), rig.file(), max_parts_in_flight=1)
    rig.proxy.clear()
    again = rig.proxy.add(Rule.hold("UploadPart", nth=2))
    rig.proxy.come_up()
    await rig.reached(again)
    told = len(rig.of(Waiting))
    rig.proxy.go_down()
    again.release()
    await rig.until(Waiting, count=told + 1)
    rig.proxy.come_up()
    with anyio.fail_after(30):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_after_the_patience_it_fails_and_is_kept(rig):
    """A script does not wait for ever; a retry sends only the rest."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=3))
    target = rig.target(patience_s=0.5, max_parts_in_flight=1)
    rig.add(rig.file(), target=target)
    await rig.reached(rule)
    rig.proxy.go_down()
    rule.release()
    await rig.until(Failed)
    rig.proxy.come_up()
    await rig.check(nothing_left=False)
    assert len(await rig.journal.leftovers()) == 1
    sent = len(rig.sent_parts())
    rig.engine.retry(rig.ids(), target)
    await rig.engine.drained()

    await rig.check()
    assert rig.sent_parts()[sent:] in ([], [3])  # it may have arrived unheard of


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_an_endpoint_that_was_never_reached_fails_at_once(rig, size):
    """With one sentence; the address is more likely wrong than the network."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    target = rig.target(endpoint_url=f"http://127.0.0.1:{port}", patience_s=600)
    with anyio.fail_after(15):
        await rig.store(rig.file("a.bin", size), target=target)
    (failed,) = rig.of(Failed)

    await rig.check()
    assert rig.of(Waiting) == []
    assert isinstance(failed.error, EndpointUnreachable)
    assert failed.error.sentence.startswith(
        f"The store cannot be reached. Nothing answers at http://127.0.0.1:{port}."
    )


async def test_one_files_trouble_stops_no_other(rig):
    """Its key answers 500 always: that one fails, the others are stored meanwhile."""
    bad = [rig.file("bad-large.csv"), rig.file("bad-small.csv", SMALL)]
    good = [rig.file(f"{number}.bin", SMALL + number) for number in range(20)]
    good.append(rig.file("large.bin"))
    rig.proxy.add(Rule.answer(".*", 500, "InternalError", path=r"\.csv$", times=9999))
    await rig.store(*bad, *good, target=rig.target(patience_s=600))
    names = {event.id: event.name for event in rig.of(Queued)}

    await rig.check()
    assert rig.of(Waiting) == []
    assert {names[event.id] for event in rig.of(Failed)} == {"bad-large.csv", "bad-small.csv"}
    assert all(isinstance(event.error, StoreBusy) for event in rig.of(Failed))
    assert len(rig.of(Stored)) == 21


async def test_one_key_that_is_cut_always_is_no_outage(rig):
    """Even the look at it is cut, and it was the last one that was asked for: the store is not gone."""
    bad = rig.file("bad.csv", SMALL)
    good = [rig.file(f"{number}.bin", SMALL + number) for number in range(3)]
    rig.proxy.add(Rule.reset_before(".*", path=r"\.csv$", times=9999))
    target = rig.target(patience_s=600)
    await rig.store(*good, target=target)
    rig.add(bad, target=target)
    with anyio.fail_after(15):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Failed)) == 1


async def test_a_stall_in_an_outage_of_one_connection_is_no_outage(rig):
    """One request times out, the store answers another: the part is sent again."""
    rule = rig.proxy.add(Rule.stall("UploadPart", nth=2))
    await rig.store(rig.file(), target=rig.target(patience_s=600, read_timeout=1))
    (stored,) = rig.of(Stored)

    await rig.check()
    assert rule.reached.is_set()
    assert rig.of(Waiting) == []
    assert stored.sent_bytes == LARGE


async def test_the_count_goes_on_after_an_outage(rig):
    """Uploading is told again, and never more than the file has."""
    await gone_at(rig, Rule.hold("UploadPart", nth=5), rig.file("a.bin", 40 * MIB))
    at = len(rig.events)
    rig.proxy.come_up()
    with anyio.fail_after(30):
        await rig.engine.drained()
    told = [event.done for event in rig.events[at:] if isinstance(event, Uploading)]

    await rig.check()
    assert told
    assert max(told) <= 40 * MIB
    assert rig.of(AlreadyStored) == []
