"""The same content at the same time: one object, sent once where one program knows of both."""

from __future__ import annotations

import hashlib
import os

import anyio
import pytest

from hashdrop.s3.claims import Claims
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule
from support.fault_rig import open_rig
from support.put_process import Put


@pytest.mark.parametrize("size", [SMALL, 4 * MIB + 1000, LARGE])
async def test_the_same_file_twice_in_one_drop(rig, size):
    """Sent once; both are recorded."""
    path = rig.file("a.bin", size)
    await rig.store(path, path)

    await rig.check()
    assert [event.sent_bytes for event in rig.of(Stored)] == [size]
    assert [event.sent_bytes for event in rig.of(AlreadyStored)] == [0]
    assert len(rig.recorded.pointers) == 2
    assert rig.proxy.count("PutObject") + len(rig.sent_parts()) == max(1, -(-size // (5 * MIB)))


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_same_content_under_many_names_in_one_drop(rig, size):
    """One object; every name is recorded."""
    data = os.urandom(size)
    paths = [rig.file(f"{number}.bin", data=data) for number in range(6)]
    await rig.store(*paths)

    await rig.check()
    assert [event.sent_bytes for event in rig.of(Stored)] == [size]
    assert [event.sent_bytes for event in rig.of(AlreadyStored)] == [0] * 5
    assert {name for name, _ in rig.recorded.pointers} == {path.name for path in paths}
    assert len(rig.server.objects(rig.bucket)) == 1


async def test_single_pass_sends_the_same_content_once(rig):
    """The second finds it when its turn comes."""
    data = os.urandom(LARGE)
    paths = [rig.file(f"{number}.bin", data=data) for number in range(2)]
    await rig.store(*paths, single_pass=True)

    await rig.check()
    assert len(rig.server.objects(rig.bucket)) == 1
    assert len(rig.of(Stored)) == 1


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_if_the_first_of_two_is_cancelled_the_second_is_stored(rig, size):
    """It waits for the first, and sends it then."""
    data = os.urandom(size)
    rule = rig.proxy.add(Rule.hold("PutObject|UploadPart"))
    rig.add(rig.file("one.bin", data=data), rig.file("two.bin", data=data))
    await rig.reached(rule)
    await rig.until(Queued, count=2)
    names = {event.id: event.name for event in rig.of(Queued)}
    first = next(
        number for number, one in rig.engine._running.items() if one.progress and one.progress.sent
    )
    rig.engine.cancel([first])
    rule.release()
    await rig.engine.drained()

    await rig.check()
    assert [event.id for event in rig.of(Cancelled)] == [first]
    assert [names[event.id] for event in rig.of(Stored, AlreadyStored)] != []
    assert len(rig.recorded.pointers) == 1


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_if_the_first_of_two_fails_the_second_tries_itself(rig, size):
    """One's failure is not the other's."""
    data = os.urandom(size)
    operation = "PutObject" if size == SMALL else "CreateMultipartUpload"
    rig.proxy.add(Rule.answer(operation, 403, "AccessDenied"))
    await rig.store(rig.file("one.bin", data=data), rig.file("two.bin", data=data))

    await rig.check()
    assert len(rig.of(Failed)) == 1
    assert len(rig.of(Stored)) == 1


async def test_two_connections_of_one_program_share_their_claims(rig):
    """The same place by two targets: sent once."""
    claims = Claims()
    path = rig.file()
    rig.add(path, target=rig.target(claims=claims))
    await rig.store(path, target=rig.target(claims=claims))

    await rig.check()
    assert sorted(rig.sent_parts()) == [1, 2, 3]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_two_engines_store_the_same_file_at_once(rig, s3_server, bucket, proxy, size):
    """Two runs of the program, one journal: neither takes the other's upload; one object, both recorded."""
    path = rig.file("a.bin", size)
    operation = "PutObject" if size == SMALL else "CompleteMultipartUpload"
    rules = [proxy.add(Rule.hold(operation)) for _ in range(2)]
    async with open_rig(s3_server, bucket, proxy, rig.folder) as other:
        rig.add(path)
        other.add(path)
        for rule in rules:
            await rig.reached(rule)
        for count, rule in enumerate(rules, 1):  # both have looked, and found nothing
            rule.release()
            with anyio.fail_after(20):
                while len(rig.recorded.pointers) + len(other.recorded.pointers) < count:
                    await anyio.sleep(0.01)
        await rig.engine.drained()
        await other.engine.drained()
        both = (*rig.of(Stored, AlreadyStored), *other.of(Stored, AlreadyStored))

        await rig.check()
        await other.check()
        assert sorted(type(event).__name__ for event in both) == ["AlreadyStored", "Stored"]
        assert len(rig.recorded.pointers) == len(other.recorded.pointers) == 1
        assert len(s3_server.objects(bucket)) == 1


async def test_a_cancelled_run_leaves_the_upload_of_another_alone(rig, s3_server, bucket, proxy):
    """Both send the same file; one is cancelled, and the other's parts stay."""
    path = rig.file()
    rule = proxy.add(Rule.hold("UploadPart", times=2))
    async with open_rig(s3_server, bucket, proxy, rig.folder) as other:
        rig.add(path, target=rig.target(max_parts_in_flight=1))
        other.add(path, target=other.target(max_parts_in_flight=1))
        await rig.reached(rule, count=2)
        other.engine.cancel(other.ids())
        rule.release()
        await other.engine.drained()
        await rig.engine.drained()

        await rig.check()
        assert len(rig.of(Stored)) == 1
        assert sorted(rig.sent_parts()) in ([1, 1, 2, 3], [1, 2, 3])


async def test_two_programs_store_the_same_file_at_once(s3_server, bucket, tmp_path):
    """Two processes with one data folder, started together, three times over: both succeed, one object."""
    for number in range(3):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(os.urandom(LARGE))
        small = tmp_path / f"{number}.txt"
        small.write_bytes(os.urandom(SMALL))
        runs = [Put(s3_server, bucket, tmp_path / "data", path, small) for _ in range(2)]
        ended = [await run.ended() for run in runs]
        statuses = sorted(row["status"] for run in runs for row in run.rows)

        assert ended == [0, 0], [run.errors for run in runs]
        assert set(statuses) <= {"stored", "already-stored"}
        assert statuses.count("stored") >= 2
    keys = set(s3_server.objects(bucket))

    assert len(keys) == 6
    assert all(hashlib.sha256(s3_server.body(bucket, key)).hexdigest() in key for key in keys)
    assert s3_server.open_uploads(bucket) == []


async def test_dropped_again_while_it_is_on_its_way(rig):
    """A second drop of the same file waits for the first and finds it."""
    path = rig.file()
    rule = rig.proxy.add(Rule.hold("UploadPart"))
    target = rig.target()
    rig.add(path, target=target)
    await rig.reached(rule)
    rig.add(path, target=target)
    await rig.until(Queued, count=2)
    await anyio.sleep(0.3)  # told three times what goes on
    assert isinstance(rig.last()[2], Queued)
    rule.release()
    await rig.engine.drained()

    await rig.check()
    assert [event.sent_bytes for event in rig.of(AlreadyStored)] == [0]
