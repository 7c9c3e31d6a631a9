"""The bandwidth limit: it holds for all transfers together, can be changed, and holds nobody up who ends."""

from __future__ import annotations

import time

import anyio
import pytest

from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Stored
from hashdrop.transfers.throttle import Throttle
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule

pytestmark = pytest.mark.alone


def received(rig):
    return sum(rig.proxy.received.values())


async def rate_of(rig, seconds):
    """Bytes a second that come to the proxy."""
    began, at = time.monotonic(), received(rig)
    await anyio.sleep(seconds)
    return (received(rig) - at) / (time.monotonic() - began)


async def sending(rig, throttle, *paths, **more):
    """Drop files under a limit, and wait until they are on their way."""
    rig.add(*paths, target=rig.target(pace=throttle, **more))
    with anyio.fail_after(20):
        while received(rig) < MIB:
            await anyio.sleep(0.01)


async def test_the_limit_holds_for_all_files_together(rig):
    """Two files, eight threads: what comes is what the limit says."""
    throttle = Throttle(4 * MIB)
    await sending(rig, throttle, rig.file("a.bin", 30 * MIB), rig.file("b.bin", 30 * MIB))
    ratio = await rate_of(rig, 2.0) / (4 * MIB)
    throttle.change(None)
    await rig.engine.drained()

    await rig.check()
    assert 0.6 < ratio < 1.4
    assert len(rig.of(Stored)) == 2


async def test_the_limit_holds_for_small_files(rig):
    """Many requests at once, each of one body."""
    throttle = Throttle(MIB)
    paths = [rig.file(f"{number}.bin", SMALL + number) for number in range(90)]
    await sending(rig, throttle, *paths)
    ratio = await rate_of(rig, 2.0) / MIB
    throttle.change(None)
    await rig.engine.drained()

    await rig.check()
    assert 0.6 < ratio < 1.4


async def test_the_limit_can_be_changed_while_it_is_sent(rig):
    """To four times as much, and to a fourth: the rates follow."""
    throttle = Throttle(2 * MIB)
    await sending(rig, throttle, rig.file("a.bin", 60 * MIB))
    slow = await rate_of(rig, 1.5)
    throttle.change(8 * MIB)
    await anyio.sleep(0.3)
    fast = await rate_of(rig, 1.5)
    throttle.change(2 * MIB)
    await anyio.sleep(0.3)
    slow_again = await rate_of(rig, 1.5)
    throttle.change(None)
    await rig.engine.drained()

    await rig.check()
    assert 2.5 < fast / slow < 6
    assert 2.5 < fast / slow_again < 6


async def test_a_very_low_limit_that_is_lifted(rig):
    """Threads that wait for their turn in a minute notice it."""
    throttle = Throttle(1024)
    rig.add(rig.file("a.bin", 20 * MIB), target=rig.target(pace=throttle))
    await anyio.sleep(1)
    throttle.change(None)
    with anyio.fail_after(20):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_cancel_and_pause_do_not_wait_for_the_limit(rig):
    """At a kilobyte a second each piece has its turn in half a minute; they end before that."""
    throttle = Throttle(1024)
    rig.add(
        rig.file("a.bin", 20 * MIB),
        rig.file("b.bin", 20 * MIB),
        rig.file("c.bin", SMALL),
        target=rig.target(pace=throttle),
    )
    with anyio.fail_after(20):
        while rig.proxy.received.get("UploadPart", 0) + rig.proxy.received.get("PutObject", 0) == 0:
            await anyio.sleep(0.01)
    await anyio.sleep(0.2)
    at = received(rig)
    rig.engine.pause([2])
    rig.engine.cancel([1, 3])
    with anyio.fail_after(20):
        await rig.until(Cancelled, count=2)
        await rig.until(Paused)

    await rig.check(nothing_left=False)
    assert received(rig) == at  # nobody's turn came before they ended
    throttle.change(None)
    rig.engine.resume([2])
    await rig.engine.drained()

    await rig.check()


async def test_parts_that_are_sent_again_are_under_the_limit_too(rig):
    """A retry does not get around it."""
    throttle = Throttle(4 * MIB)
    rig.proxy.add(Rule.reset_before("UploadPart", times=4))
    await sending(rig, throttle, rig.file("a.bin", 30 * MIB))
    ratio = await rate_of(rig, 2.5) / (4 * MIB)
    throttle.change(None)
    await rig.engine.drained()

    await rig.check()
    assert ratio < 1.4
