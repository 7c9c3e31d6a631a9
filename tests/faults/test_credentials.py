"""What the store refuses in the middle: an ended session, a wrong clock, a permission, a bucket that is gone."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from email.utils import format_datetime

import anyio
import pytest

from hashdrop import reaching
from hashdrop.connection import Choice
from hashdrop.errors import AccessRefused
from hashdrop.errors import BucketMissing
from hashdrop.errors import ClockSkewed
from hashdrop.errors import CredentialsExpired
from hashdrop.errors import SettingsError
from hashdrop.paths import Paths
from hashdrop.service import open_service
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Waiting
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule
from support.fault_rig import objects_of
from support.fault_rig import open_rig


@pytest.fixture
async def people(s3_server, bucket, proxy, tmp_path):
    """An engine of a window: it waits for a sign-in."""
    async with open_rig(
        s3_server, bucket, proxy, tmp_path / "people", waits_for_sign_in=True, keeps_queue=True
    ) as one:
        yield one


def expired(nth=1, operation=".*"):
    return Rule.answer(operation, 400, "ExpiredToken", nth=nth, times=9999)


async def test_an_ended_session_waits_and_goes_on_with_the_rest(people):
    """Waiting, without seconds; signed in again, only the rest is sent."""
    rule = people.proxy.add(expired(nth=3, operation="UploadPart"))
    old = people.target(max_parts_in_flight=1)
    people.add(people.file("a.bin", 30 * MIB), target=old)
    waiting = await people.until(Waiting)
    assert waiting.seconds is None
    assert isinstance(waiting.error, CredentialsExpired)
    assert old.blocked is waiting.error
    await people.check(nothing_left=False)
    sent = len([one for one in people.sent_parts() if one < 3])
    people.proxy.clear()
    before = len(people.proxy.requests)
    people.engine.replace_target(old, people.target())
    with anyio.fail_after(20):
        await people.engine.drained()
    (stored,) = people.of(Stored)
    again = [r for r in people.proxy.requests[before:] if r.operation == "UploadPart"]

    await people.check()
    assert (sent, rule.reached.is_set()) == (2, True)
    assert sorted(int(r.query["partNumber"][0]) for r in again) == [3, 4, 5, 6]
    assert stored.sent_bytes == 20 * MIB


async def test_all_files_wait_for_one_sign_in(people):
    """Small and large, running and queued; nothing fails, and the queue is not asked through."""
    old = people.target()
    people.proxy.add(expired(nth=10))
    paths = [people.file(f"{number}.bin", SMALL + number) for number in range(60)]
    paths += [people.file(f"large-{number}.bin") for number in range(3)]
    people.add(*paths, target=old)
    await people.until(Waiting)
    with anyio.fail_after(20):
        while people.engine._running:
            await anyio.sleep(0.01)
    asked = len(people.proxy.requests)
    await anyio.sleep(0.3)
    assert len(people.proxy.requests) == asked
    await people.check(nothing_left=False)
    people.proxy.clear()
    people.engine.replace_target(old, people.target())
    with anyio.fail_after(60):
        await people.engine.drained()

    await people.check()
    assert people.of(Failed) == []
    assert len(people.of(Stored)) == 63


async def test_who_fails_after_the_sign_in_does_not_block_the_new_session(people):
    """A request that was on its way with the old one."""
    old = people.target()
    late = people.proxy.add(Rule.hold("UploadPart", path=r"\.csv$"))
    people.add(people.file("late.csv"), target=old)
    await people.reached(late)
    people.proxy.add(expired(operation="HeadObject|PutObject", nth=1))
    people.add(people.file("small.bin", SMALL), target=old)
    await people.until(Waiting)
    new = people.target()
    people.proxy._rules = [Rule.answer("UploadPart", 400, "ExpiredToken", times=3)]
    people.engine.replace_target(old, new)
    late.released.set()
    with anyio.fail_after(20):
        await people.engine.drained()

    await people.check()
    assert new.blocked is None
    assert len(people.of(Stored)) == 2


async def test_a_file_that_waits_for_a_sign_in_can_be_paused_and_cancelled(people):
    """Paused, it does not start with the sign-in; cancelled, its upload is in the journal or aborted."""
    people.proxy.add(expired(nth=2, operation="UploadPart"))
    old = people.target(max_parts_in_flight=1)
    people.add(people.file("a.bin", 30 * MIB), people.file("b.bin", 30 * MIB), target=old)
    await people.until(Waiting, count=2)
    people.engine.pause([1])
    people.engine.cancel([2])
    people.proxy.clear()
    people.engine.replace_target(old, people.target())
    await people.until(Cancelled)
    await anyio.sleep(0.2)
    assert isinstance(people.last()[1], Paused)
    people.engine.resume([1])
    with anyio.fail_after(20):
        await people.engine.drained()

    await people.check(nothing_left=False)
    assert isinstance(people.last()[1], Stored)
    assert isinstance(people.last()[2], Cancelled)


async def test_a_stream_whose_session_ends_fails(people):
    """It cannot be read again: waiting would store its rest as the whole."""
    people.proxy.add(expired(operation="PutObject"))

    async def stream():
        yield b"x" * 100_000

    people.engine.add_stream(stream(), people.target(), name="stdin")
    with anyio.fail_after(20):
        await people.engine.drained()
    (failed,) = people.of(Failed)

    await people.check()
    assert "Sign in again" in failed.error.sentence


async def test_a_script_fails_and_says_sign_in(rig):
    """The upload stays in the journal; run again, only the rest is sent."""
    rig.proxy.add(expired(nth=3, operation="UploadPart"))
    path = rig.file("a.bin", 30 * MIB)
    await rig.store(path, target=rig.target(max_parts_in_flight=1))
    (failed,) = rig.of(Failed)
    (left,) = await rig.journal.leftovers()
    await rig.check(nothing_left=False)
    assert "Sign in again" in failed.error.sentence
    assert left.path == path
    rig.proxy.clear()
    await rig.store(path)
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.sent_bytes == 20 * MIB


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_wrong_clock_is_told_with_how_wrong_it_is(rig, size, hours):
    """S3 answers 403 with its own time; nothing is stored, and nothing is tried five times."""
    date = format_datetime(datetime.now(UTC) - timedelta(hours=hours), usegmt=True)
    rig.proxy.add(Rule.answer(".*", 403, "RequestTimeTooSkewed", times=999, headers={"Date": date}))
    await rig.store(rig.file("a.bin", size))
    (failed,) = rig.of(Failed)

    await rig.check()
    assert isinstance(failed.error, ClockSkewed)
    assert f"60 min {'ahead' if hours > 0 else 'behind'}" in failed.error.sentence
    assert "Set the clock" in failed.error.sentence
    assert len(rig.proxy.requests) <= 4


async def test_a_clock_that_goes_wrong_in_the_middle(rig):
    """Failed; the upload, which could not be aborted either, is in the journal, and set right it goes on."""
    rig.proxy.add(
        Rule.answer("UploadPart|Abort.*|ListParts", 403, "RequestTimeTooSkewed", nth=3, times=9999)
    )
    path = rig.file("a.bin", 30 * MIB)
    await rig.store(path, target=rig.target(max_parts_in_flight=1))
    assert isinstance(rig.of(Failed)[0].error, ClockSkewed)
    await rig.check(nothing_left=False)
    assert len(await rig.journal.leftovers()) == 1
    rig.proxy.clear()
    await rig.store(path)
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.sent_bytes == 20 * MIB


@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
)
async def test_a_permission_that_is_taken_away(rig, operation):
    """Told with the operation; the upload is aborted."""
    rig.proxy.add(Rule.answer(operation, 403, "AccessDenied", times=999))
    await rig.store(rig.file())
    (failed,) = rig.of(Failed)

    await rig.check()
    assert isinstance(failed.error, AccessRefused)
    assert operation in failed.error.sentence
    assert rig.server.objects(rig.bucket) == {}


async def test_all_permissions_taken_away(rig):
    """The abort is refused, too: the journal has what is left."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=2))
    rig.add(rig.file())
    await rig.reached(rule)
    rig.proxy._rules = [Rule.answer(".*", 403, "AccessDenied", times=999)]
    rule.release()
    await rig.engine.drained()

    await rig.check(nothing_left=False)
    assert len(rig.of(Failed)) == 1
    assert len(await rig.journal.leftovers()) == 1


@pytest.mark.parametrize("single_pass", [False, True])
@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
async def test_a_bucket_that_is_deleted_meanwhile(rig, operation, single_pass):
    """Told as that; the others of the drop likewise, and nothing is recorded."""
    rule = rig.proxy.add(Rule.hold(operation, times=99))  # a part on its way makes it anew
    rig.add(rig.file(), single_pass=single_pass)
    await rig.reached(rule)
    rig.server.delete_bucket(rig.bucket)
    rule.release()
    with anyio.fail_after(30):
        await rig.engine.drained()
    (failed,) = rig.of(Failed)

    await rig.check()
    assert isinstance(failed.error, BucketMissing)
    assert rig.bucket in failed.error.sentence
    assert objects_of(rig.server, rig.bucket) == {}
    assert rig.recorded.pointers == []


async def test_a_small_file_into_a_bucket_that_is_deleted_meanwhile(rig):
    """The same with one PUT."""
    rule = rig.proxy.add(Rule.hold("PutObject"))
    rig.add(rig.file("a.bin", SMALL))
    await rig.reached(rule)
    rig.server.delete_bucket(rig.bucket)
    rule.release()
    await rig.engine.drained()
    (failed,) = rig.of(Failed)

    await rig.check()
    assert isinstance(failed.error, BucketMissing)


async def test_a_sign_in_that_fails_first_is_no_end(
    s3_server, bucket, proxy, tmp_path, monkeypatch
):
    """Tried again, it goes on with what waited all the while."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    choice = Choice(
        changes={"name": "b", "bucket": bucket, "endpoint_url": proxy.endpoint_url}, own=True
    )
    paths = Paths(config=tmp_path / "config", data=tmp_path / "data")
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * SMALL)
    events = []
    proxy.add(expired(operation="PutObject"))
    async with open_service(paths, choice=choice, for_people=True) as service:
        service.transfers.subscribe(events.append)
        await service.connect()
        service.add([path])
        with anyio.fail_after(20):
            while not isinstance(events[-1] if events else None, Waiting):
                await anyio.sleep(0.01)
            proxy.clear()
            with monkeypatch.context() as broken:
                broken.setattr(reaching, "open_client", no_profile)
                await service.connect()
            assert service.status.state == "failed"
            await service.connect()
            await service.transfers.drained()

    assert isinstance(events[-1], Stored)
    assert len(s3_server.objects(bucket)) == 1


def no_profile(*_, **__):
    raise SettingsError("This profile does not exist.")
