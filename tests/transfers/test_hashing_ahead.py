"""Large files are hashed while their store is still being reached."""

from __future__ import annotations

import hashlib
import os
import threading

import anyio
import pytest

from hashdrop import simple_s3_router
from hashdrop.connection import Connection
from hashdrop.errors import EndpointUnreachable
from hashdrop.s3 import hashing
from hashdrop.s3.options import WriteOptions
from hashdrop.s3.writing import ContentWriter
from hashdrop.transfers.engine import open_engine
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Stored
from hashdrop.transfers.target import Target

SIZE = 12 * 2**20


class Hashes:
    """Counts the passes over files; `held` keeps them from their end."""

    def __init__(self, monkeypatch):
        self.done = []
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()
        real = hashing.digest_file

        def digest_file(path, *, check, **more):
            self.begun.set()
            while not self.may_end.wait(0.01):
                check()
            found = real(path, check=check, **more)
            self.done.append(path.name)
            return found

        monkeypatch.setattr(hashing, "digest_file", digest_file)


@pytest.fixture
def hashes(monkeypatch):
    return Hashes(monkeypatch)


@pytest.fixture
async def run():
    events = []

    async def record(_):
        pass

    async with open_engine(record) as engine:
        engine.subscribe(events.append)
        yield engine, events


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def target(s3_server, bucket):
    return Target(Connection(name="t", bucket=bucket, endpoint_url=s3_server.endpoint_url))


@pytest.fixture
def writer(s3_server, bucket, target):
    client = s3_server.client(request_checksum_calculation="when_supported")
    options = WriteOptions(
        max_writers=4, own_connections=True, part_size=target.connection.part_size
    )
    return ContentWriter(client, simple_s3_router(bucket), options)


async def until(what):
    with anyio.fail_after(20):
        while not what():
            await anyio.sleep(0.005)


def last(events, kind):
    return [event for event in events if isinstance(event, kind)][-1]


async def test_it_is_read_once(run, hashes, path, target, writer):
    """The hash is there when the store is, and is told meanwhile."""
    engine, events = run
    engine.add([path], target)
    await until(lambda: hashes.done)
    assert isinstance(last(events, Hashing), Hashing)
    target.opened(writer)
    await engine.drained()

    assert hashes.done == ["a.bin"]
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    assert last(events, Stored).pointer.content_hash == wanted


async def test_a_hash_of_other_parts_is_not_used(run, hashes, path, target, s3_server, bucket):
    """Each part's checksum must be that of the part that is sent."""
    engine, events = run
    engine.add([path], target)
    await until(lambda: hashes.done)
    client = s3_server.client(request_checksum_calculation="when_supported")
    options = WriteOptions(part_size=target.connection.part_size + 2**20)
    target.opened(ContentWriter(client, simple_s3_router(bucket), options))
    await engine.drained()

    assert hashes.done == ["a.bin", "a.bin"]
    assert last(events, Stored).verified


async def test_what_changed_since_is_hashed_again(run, hashes, path, target, writer):
    """An old hash is never used for new bytes."""
    engine, events = run
    engine.add([path], target)
    await until(lambda: hashes.done)
    path.write_bytes(os.urandom(SIZE))
    target.opened(writer)
    await engine.drained()

    assert hashes.done == ["a.bin", "a.bin"]
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    assert last(events, Stored).pointer.content_hash == wanted


async def test_a_store_that_cannot_be_reached_ends_it(run, hashes, path, target):
    """The file fails with the store's error, not at the end of its hash."""
    engine, events = run
    hashes.may_end.clear()
    engine.add([path], target)
    await until(hashes.begun.is_set)
    target.failed(EndpointUnreachable("The store cannot be reached."))
    await engine.drained()

    assert last(events, Failed).error.title == "The store cannot be reached."
    assert hashes.done == []


async def test_it_is_cancelled(run, hashes, path, target):
    """At once."""
    engine, events = run
    hashes.may_end.clear()
    engine.add([path], target)
    await until(hashes.begun.is_set)
    with anyio.fail_after(5):
        await engine.cancel_all()

    assert last(events, Cancelled)
    assert hashes.done == []


async def test_a_file_that_is_gone_is_told_by_the_write(
    run, hashes, path, target, writer, monkeypatch
):
    """One sentence, once."""
    engine, events = run
    hashes.may_end.clear()
    engine.add([path], target)
    await until(hashes.begun.is_set)
    path.unlink()
    hashes.may_end.set()
    await anyio.sleep(0.1)
    target.opened(writer)
    await engine.drained()

    assert "does not exist" in last(events, Failed).error.sentence
