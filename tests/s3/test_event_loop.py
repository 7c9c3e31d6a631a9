"""The event loop is not held by what reads, hashes, spools and waits for S3: all of that is in threads."""

from __future__ import annotations

import hashlib
import itertools
import os
import time

import anyio
import pytest
from anyio.lowlevel import checkpoint

from hashdrop import S3Storage
from hashdrop import simple_s3_router
from hashdrop.digest import digest_stream
from support.storage_checks import MIB
from support.storage_checks import digest_of
from support.storage_checks import heartbeat

pytestmark = pytest.mark.alone

LIMIT = 0.05
ROUNDS = 5
SIZE = 64 * MIB


@pytest.fixture
def fresh(s3_server, bucket):
    """Makes a storage under a prefix of its own, so that each round sends anew."""
    client = s3_server.client()
    prefixes = itertools.count()

    def make(**more) -> S3Storage:
        return S3Storage(
            s3_client=client,
            s3_router=simple_s3_router(bucket, f"round{next(prefixes)}"),
            stream_writer_min_part_size=16 * MIB,
            **more,
        )

    return make


async def least_hold(work):
    """The longest hold of the best of some rounds.

    A hold of the program's own comes in each of them; one that the system makes, on a machine that others
    use too, does not.
    """
    holds = []
    for _ in range(ROUNDS):
        async with heartbeat() as beat:
            await work()
        holds.append(beat.longest)
        if min(holds) < LIMIT:
            break
    return min(holds)


async def chunks(size=32 * MIB):
    """The content in a few huge chunks, made beforehand: making them is not what is measured."""
    data = DATA[:size]
    for _ in range(SIZE // size):
        yield data
        await checkpoint()


DATA = os.urandom(32 * MIB)


async def test_the_heartbeat_notices_a_hold():
    """The control: hashing that much on the loop is seen, and so is a sleep."""

    async def hold():
        hashlib.sha256(DATA * 8)

    async def sleep():
        time.sleep(2 * LIMIT)

    assert await least_hold(hold) > LIMIT
    assert await least_hold(sleep) > LIMIT


async def test_write_data_does_not_hold_the_loop(fresh):
    """Nor does the check of its digest."""
    data = DATA * 2
    digest = digest_of(data)

    assert await least_hold(lambda: fresh().write_data(data, digest, {})) < LIMIT


async def test_write_data_stream_does_not_hold_the_loop(fresh):
    """Chunks of 32 MiB, hashed by the wrapper and cut into parts."""

    async def work():
        stream, get_digest = digest_stream(chunks(), content_type="text/plain")
        await fresh().write_data_stream(stream, get_digest, {})

    assert await least_hold(work) < LIMIT


async def test_read_data_does_not_hold_the_loop(fresh, s3_server, bucket):
    """The whole body in memory."""
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=DATA * 2)

    async def work():
        await fresh().read_data({"bucket": bucket, "key": "k"})

    assert await least_hold(work) < LIMIT


async def test_read_data_stream_does_not_hold_the_loop(fresh, s3_server, bucket):
    """As fast as it comes."""
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=DATA * 2)

    async def work():
        async for _ in fresh().read_data_stream({"bucket": bucket, "key": "k"}):
            pass

    assert await least_hold(work) < LIMIT


@pytest.mark.parametrize("single_pass", [False, True], ids=["direct", "single-pass"])
async def test_write_file_does_not_hold_the_loop(fresh, tmp_path, single_pass):
    """Hashing, reading and sending."""
    path = tmp_path / "large.bin"
    path.write_bytes(DATA * 2)

    async def work():
        await fresh().write_file(path, single_pass=single_pass)

    assert await least_hold(work) < LIMIT


async def test_small_files_do_not_hold_the_loop(fresh, tmp_path):
    """Many at once, by as many threads as the window has."""
    paths = []
    for number in range(40):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(os.urandom(MIB))

    async def work():
        storage = fresh(max_writers=8)
        async with anyio.create_task_group() as group:
            for path in paths:
                group.start_soon(storage.write_file, path)

    assert await least_hold(work) < LIMIT


@pytest.mark.parametrize("lookahead", [SIZE * 2, MIB], ids=["direct", "by-a-temporary-object"])
async def test_write_stream_does_not_hold_the_loop(fresh, lookahead):
    """Chunks of 32 MiB, gathered in memory first."""

    async def work():
        await fresh().write_stream(chunks(), content_type="text/plain", lookahead=lookahead)

    assert await least_hold(work) < LIMIT
