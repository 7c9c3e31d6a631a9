"""The engine against the real server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import anyio
import pytest

from hashdrop import simple_s3_router
from hashdrop.connection import Connection
from hashdrop.errors import BucketMissing
from hashdrop.errors import CatalogError
from hashdrop.errors import SourceMissing
from hashdrop.s3.options import WriteOptions
from hashdrop.s3.writing import ContentWriter
from hashdrop.transfers.engine import open_engine
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Verifying
from hashdrop.transfers.target import Target
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule

MIB = 2**20


class Recorded:
    """A recorder that keeps what it is told, and fails when told to."""

    def __init__(self):
        self.pointers = []
        self.fails = False
        self.surprise = None

    async def __call__(self, confirmed):
        if self.surprise:
            raise self.surprise
        if self.fails:
            raise CatalogError("The catalog cannot be written.", retryable=True)
        self.pointers += [(one.transfer.name, one.pointer) for one in confirmed]


def target_of(server, bucket, endpoint_url=None, **more):
    connection = Connection(
        name="test", bucket=bucket, prefix="p", endpoint_url=server.endpoint_url
    )
    target = Target(connection)
    client = server.client(endpoint_url, request_checksum_calculation="when_supported")
    target.opened(
        ContentWriter(
            client,
            simple_s3_router(bucket, "p"),
            WriteOptions(max_writers=4, cleanup_timeout=10, own_connections=True, **more),
        )
    )
    return target


@pytest.fixture
async def run():
    recorded = Recorded()
    events = []
    async with open_engine(recorded) as engine:
        engine.subscribe(events.append)
        yield engine, events, recorded


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


async def test_a_drop_is_stored_and_told_step_by_step(run, s3_server, bucket, tmp_path):
    """Queued, hashed, keyed before a byte is sent, uploaded, verified, recorded, stored."""
    engine, events, recorded = run
    data = os.urandom(12 * MIB)
    (tmp_path / "a.csv").write_bytes(data)
    key = f"p/{hashlib.sha256(data).hexdigest()}.csv"
    engine.add([tmp_path / "a.csv"], target_of(s3_server, bucket))
    await engine.drained()
    kinds = [type(event) for event in events]

    assert kinds[0] is Queued
    assert isinstance(events[-1], Stored)
    assert (
        kinds.index(Hashing) < kinds.index(Keyed) < kinds.index(Uploading) < kinds.index(Verifying)
    )
    assert events[-1].pointer.key == key
    assert (events[-1].sent_bytes, events[-1].verified) == (len(data), True)
    assert recorded.pointers == [("a.csv", events[-1].pointer)]
    assert s3_server.body(bucket, key) == data
    assert s3_server.open_uploads(bucket) == []


async def test_the_same_content_is_sent_once(run, s3_server, bucket, tmp_path):
    """Twice in one drop, under another name, and again later."""
    engine, events, _ = run
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("same")
    target = target_of(s3_server, bucket)
    engine.add([tmp_path / "one.csv", tmp_path / "two.csv"], target)
    await engine.drained()
    engine.add([tmp_path / "one.csv"], target)
    await engine.drained()

    assert len(of(events, Stored)) == 1
    assert [event.sent_bytes for event in of(events, AlreadyStored)] == [0, 0]
    assert len(s3_server.objects(bucket)) == 1


async def test_one_failure_stops_nothing(run, s3_server, bucket, tmp_path):
    """A missing path is in the batch's report, the others are stored."""
    engine, events, _ = run
    (tmp_path / "good.txt").write_text("x")
    engine.add([tmp_path / "gone.txt", tmp_path / "good.txt"], target_of(s3_server, bucket))
    await engine.drained()
    (scanned,) = of(events, BatchScanned)

    assert [type(fault) for fault in scanned.faults] == [SourceMissing]
    assert len(of(events, Stored)) == 1


async def test_a_store_that_fails_is_told_once_and_retried(run, s3_server, bucket, tmp_path):
    """A bucket that does not exist; after it was mended, Retry stores under the same id."""
    engine, events, recorded = run
    (tmp_path / "a.txt").write_text("x")
    engine.add([tmp_path / "a.txt"], target_of(s3_server, "no-such-bucket"))
    await engine.drained()
    (failed,) = of(events, Failed)
    engine.retry([failed.id], target_of(s3_server, bucket))
    await engine.drained()

    assert isinstance(failed.error, BucketMissing)
    assert "no-such-bucket" in failed.error.sentence
    assert [event.id for event in of(events, Stored)] == [failed.id]
    assert len(recorded.pointers) == 1


async def test_stored_is_not_said_before_the_catalog_knows(run, s3_server, bucket, tmp_path):
    """Retry notes it without sending it again."""
    engine, events, recorded = run
    recorded.fails = True
    (tmp_path / "a.txt").write_text("x")
    target = target_of(s3_server, bucket)
    engine.add([tmp_path / "a.txt"], target)
    await engine.drained()
    recorded.fails = False
    engine.retry([event.id for event in of(events, Failed)], target)
    await engine.drained()

    assert of(events, Stored) == []
    assert [event.sent_bytes for event in of(events, AlreadyStored)] == [0]
    assert len(recorded.pointers) == 1


async def test_a_surprise_ends_no_queue(run, s3_server, bucket, tmp_path):
    """A fault of the program fails the files that it met, small and large, and nothing else."""
    engine, events, recorded = run
    recorded.surprise = ValueError("a fault of the program")
    target = target_of(s3_server, bucket)
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(f"{number}")
    (tmp_path / "large.bin").write_bytes(bytes(5 * MIB))
    engine.add(sorted(tmp_path.iterdir()), target)
    await engine.drained()
    failed = of(events, Failed)
    recorded.surprise = None
    engine.retry([event.id for event in failed], target)
    await engine.drained()

    assert len(failed) == 4
    assert len(of(events, AlreadyStored)) == 4
    assert len(recorded.pointers) == 4


async def test_what_is_done_before_the_first_write_outlives_its_cancellation(
    run, s3_server, bucket, tmp_path
):
    """Else a store would go untried, and what it stores unverified, till the end of the program."""
    engine, events, _ = run
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "large.bin").write_bytes(bytes(5 * MIB))
    writer = await target_of(s3_server, bucket).writer()
    target = Target(Connection(name="test", bucket=bucket, endpoint_url=s3_server.endpoint_url))
    begun, done = anyio.Event(), []

    async def prepare(_):
        begun.set()
        await anyio.sleep(0.2)
        done.append(True)

    target.opened(writer, prepare)
    engine.add([tmp_path / "large.bin"], target)
    await begun.wait()
    engine.cancel([event.id for event in of(events, Queued)])
    await engine.drained()
    was_done = list(done)
    for _ in range(2):
        engine.add([tmp_path / "a.txt"], target)
        await engine.drained()

    assert was_done == []
    assert done == [True]


async def test_a_surprise_before_the_first_write_ends_no_queue(run, s3_server, bucket, tmp_path):
    """In what is done once for a store: the file fails, the next one is stored."""
    engine, events, _ = run
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    writer = await target_of(s3_server, bucket).writer()
    target = Target(Connection(name="test", bucket=bucket, endpoint_url=s3_server.endpoint_url))

    async def prepare(_):
        raise ValueError("a fault of the program")

    target.opened(writer, prepare)
    engine.add([tmp_path / "a.txt"], target)
    await engine.drained()
    engine.add([tmp_path / "b.txt"], target_of(s3_server, bucket))
    await engine.drained()

    assert len(of(events, Failed)) == 1
    assert len(of(events, Stored)) == 1


@pytest.mark.parametrize("single_pass", [False, True])
async def test_cancel_while_sending_leaves_nothing(run, s3_server, bucket, tmp_path, single_pass):
    """No object, no multipart upload, no record; by either way."""
    engine, events, recorded = run
    (tmp_path / "a.bin").write_bytes(os.urandom(30 * MIB))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", nth=3))
        engine.add(
            [tmp_path / "a.bin"],
            target_of(s3_server, bucket, proxy.endpoint_url),
            single_pass=single_pass,
        )
        with anyio.fail_after(20):
            await anyio.to_thread.run_sync(hold.reached.wait, 15)
            engine.cancel([of(events, Queued)[0].id])
            await anyio.sleep(0.1)
            hold.release()
            await engine.drained()

    assert len(of(events, Cancelled)) == 1
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []
    assert recorded.pointers == []


async def test_cancel_all_returns_when_everything_is_at_its_end(run, s3_server, bucket, tmp_path):
    """Queued and running ones alike."""
    engine, events, _ = run
    for number in range(40):
        (tmp_path / f"{number}.bin").write_bytes(os.urandom(MIB))
    engine.add(sorted(tmp_path.glob("*.bin")), target_of(s3_server, bucket))
    while len(of(events, Queued)) < 40:
        await anyio.sleep(0.01)
    await engine.cancel_all()

    assert engine.active_count == 0
    assert len(of(events, Cancelled)) + len(of(events, Stored)) == 40
    assert s3_server.open_uploads(bucket) == []


async def test_a_file_that_changes_is_never_stored_under_its_old_hash(
    run, s3_server, bucket, tmp_path
):
    """Changed after it was hashed: refused, and right after a retry."""
    engine, events, _ = run
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(20 * MIB))
    target = target_of(s3_server, bucket)

    def change(event):
        if isinstance(event, Keyed) and not of(events, Failed):
            path.write_bytes(os.urandom(20 * MIB))

    engine.subscribe(change)
    engine.add([path], target)
    await engine.drained()
    (failed,) = of(events, Failed)
    assert "changed" in failed.error.sentence
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []
    engine.retry([failed.id], target)
    await engine.drained()

    (stored,) = of(events, Stored)
    assert stored.pointer.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_stream_is_stored_and_a_second_time_found(run, s3_server, bucket):
    """A short one costs no byte the second time."""
    engine, events, _ = run

    async def stream():
        for _ in range(20):
            yield bytes(MIB)

    target = target_of(s3_server, bucket)
    for _ in range(2):
        engine.add_stream(stream(), target, name="stdin")
        await engine.drained()

    assert [event.sent_bytes for event in of(events, Stored)] == [20 * MIB]
    assert [event.sent_bytes for event in of(events, AlreadyStored)] == [0]
    assert len(s3_server.objects(bucket)) == 1


async def test_unicode_and_odd_names_are_stored(run, s3_server, bucket, tmp_path):
    """The name never reaches the key, so any name will do."""
    engine, events, _ = run
    names = ["naïve ☃.txt", "a\nb.txt", "-rf.txt", "%41.txt", os.fsdecode(b"\xff\xfe.txt")]
    for name in names:
        Path(tmp_path / name).write_text(repr(name))
    engine.add([tmp_path / name for name in names], target_of(s3_server, bucket))
    await engine.drained()

    assert len(of(events, Stored)) == len(names)
