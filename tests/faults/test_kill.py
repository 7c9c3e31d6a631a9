"""`kill -9` of the real `hashdrop put`: what S3 had is not sent again, and nothing is left that nobody knows."""

from __future__ import annotations

import hashlib
import os
import random
import time

import anyio
import pytest
from anyio.to_thread import run_sync

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import open_uploads
from support.put_process import Put
from support.put_process import catalog_rows
from support.put_process import check_folder
from support.put_process import journal_rows
from support.put_process import temporary_rows

ROUNDS = 30
SMALL_COPIES = (
    "import hashdrop.s3.copying as c; c.MAX_SINGLE_COPY = c.DEFAULT_COPY_PART = 5 * 2**20"
)
"""A copy in parts as it is above 5 GiB."""


@pytest.fixture
def proxy(s3_server):
    with FaultProxy.to(s3_server.endpoint_url, keeps_bodies=False) as one:
        yield one


def check_stored(server, bucket, data, paths, rows):
    """Every file is stored, told so, and in the catalog."""
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    assert {row["status"] for row in rows} <= {"stored", "already-stored"}
    assert {row["path"] for row in rows} == {str(path) for path in paths}
    assert {row["content_hash"] for row in rows} == hashes
    assert {found for _, found, _ in catalog_rows(data)} == hashes
    assert len(server.objects(bucket)) == len(hashes)


def held(proxy, operation, nth, when):
    """Hold a request, or its answer; returns the rule."""
    hold = Rule.hold if when == "before" else Rule.hold_answer
    return proxy.add(hold(operation, nth=nth, times=99))


async def kill_at(rule, program, proxy):
    """Kill a program when a rule is reached; what was held is not passed on as if it lived."""
    assert await run_sync(rule.reached.wait, 20)
    program.kill()
    await program.ended()
    proxy.go_down()
    proxy.clear()
    await anyio.sleep(0.3)


def two_files(folder):
    """Make the one that is stored when it is killed, and the one that the next run stores."""
    path, other = folder / "large.bin", folder / "other.bin"
    path.write_bytes(os.urandom(LARGE))
    other.write_bytes(b"other")
    return path, other


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("operation", "nth"),
    [
        ("HeadObject", 1),
        ("CreateMultipartUpload", 1),
        ("UploadPart", 2),
        ("CompleteMultipartUpload", 1),
        ("HeadObject", 3),
        ("PutObject", 1),
    ],
)
async def test_killed_at_a_request(s3_server, bucket, proxy, tmp_path, operation, nth, when):
    """Before the server hears of it, and before its answer is heard of; the next run ends it."""
    paths = [tmp_path / "large.bin", tmp_path / "small.bin"]
    for path, size in zip(paths, (LARGE, SMALL), strict=True):
        path.write_bytes(os.urandom(size))
    data = tmp_path / "data"
    rule = held(proxy, operation, nth, when)
    killed = Put(s3_server, bucket, data, *paths, endpoint_url=proxy.endpoint_url)
    await kill_at(rule, killed, proxy)
    check_folder(s3_server, bucket, data, nothing_left=False)
    proxy.come_up()
    again = Put(s3_server, bucket, data, *paths, endpoint_url=proxy.endpoint_url)

    assert await again.ended() == 0, again.errors
    check_folder(s3_server, bucket, data, nothing_left=True)
    check_stored(s3_server, bucket, data, paths, again.rows)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("operation", "nth"),
    [
        ("CreateMultipartUpload", 1),
        ("UploadPart", 2),
        ("CompleteMultipartUpload", 1),
        ("CopyObject", 1),
        ("DeleteObject", 1),
    ],
)
async def test_killed_in_a_single_pass(s3_server, bucket, proxy, tmp_path, operation, nth, when):
    """What stands under a temporary key is known, and taken away by the next run, whatever that one stores."""
    path, other = two_files(tmp_path)
    data = tmp_path / "data"
    rule = held(proxy, operation, nth, when)
    killed = Put(
        s3_server, bucket, data, path, endpoint_url=proxy.endpoint_url, options=["--single-pass"]
    )
    await kill_at(rule, killed, proxy)
    ((key, _),) = temporary_rows(data)
    left = {one for one, _ in open_uploads(s3_server, bucket)} | {
        one for one in s3_server.objects(bucket) if not one.startswith("p/")
    }
    assert left <= {key}
    proxy.come_up()
    again = Put(s3_server, bucket, data, other, endpoint_url=proxy.endpoint_url)

    assert await again.ended() == 0, again.errors
    assert temporary_rows(data) == []
    check_folder(s3_server, bucket, data, nothing_left=True)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("operation", "nth"),
    [
        ("CreateMultipartUpload", 2),
        ("UploadPartCopy", 1),
        ("UploadPartCopy", 3),
        ("CompleteMultipartUpload", 2),
    ],
)
async def test_killed_in_a_copy_in_parts(s3_server, bucket, proxy, tmp_path, operation, nth, when):
    """Its upload stands at the final key, which others use, too: known by its id, it goes with the next run."""
    path, other = two_files(tmp_path)
    data = tmp_path / "data"
    foreign = s3_server.plain.create_multipart_upload(Bucket=bucket, Key="p/foreign")
    s3_server.plain.upload_part(
        Bucket=bucket, Key="p/foreign", UploadId=foreign["UploadId"], PartNumber=1, Body=b"x"
    )
    rule = held(proxy, operation, nth, when)
    killed = Put(
        s3_server, bucket, data, path, endpoint_url=proxy.endpoint_url,
        options=["--single-pass"], patch=SMALL_COPIES,
    )  # fmt: skip
    await kill_at(rule, killed, proxy)
    proxy.come_up()
    again = Put(s3_server, bucket, data, other, endpoint_url=proxy.endpoint_url)

    assert await again.ended() == 0, again.errors
    assert temporary_rows(data) == []
    assert journal_rows(data) == []
    assert open_uploads(s3_server, bucket) == [("p/foreign", foreign["UploadId"])]
    s3_server.plain.abort_multipart_upload(
        Bucket=bucket, Key="p/foreign", UploadId=foreign["UploadId"]
    )
    check_folder(s3_server, bucket, data, nothing_left=True)


async def test_killed_while_the_store_is_tried(s3_server, bucket, proxy, tmp_path):
    """The upload that it was tried with goes with the next run."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    data = tmp_path / "data"
    rule = proxy.add(Rule.hold_answer("UploadPart", nth=2, path="hashdrop-probe"))
    killed = Put(s3_server, bucket, data, path, endpoint_url=proxy.endpoint_url, checksums=None)
    assert await run_sync(rule.reached.wait, 20)
    killed.kill()
    await killed.ended()
    proxy.clear()
    await anyio.sleep(0.3)
    assert [key for key, _ in open_uploads(s3_server, bucket)] == [temporary_rows(data)[0][0]]
    again = Put(s3_server, bucket, data, path, endpoint_url=proxy.endpoint_url, checksums=None)

    assert await again.ended() == 0, again.errors
    assert temporary_rows(data) == []
    check_folder(s3_server, bucket, data, nothing_left=True)


async def test_what_cannot_be_taken_away_stays_known(s3_server, bucket, proxy, tmp_path):
    """A store that refuses to delete stops no upload, and is asked again by the run after."""
    path, other = two_files(tmp_path)
    data = tmp_path / "data"
    rule = proxy.add(Rule.hold("CopyObject"))
    killed = Put(
        s3_server, bucket, data, path, endpoint_url=proxy.endpoint_url, options=["--single-pass"]
    )
    await kill_at(rule, killed, proxy)
    proxy.come_up()
    refusal = proxy.add(Rule.answer("DeleteObject", 403, "AccessDenied", times=99))
    second = Put(s3_server, bucket, data, other, endpoint_url=proxy.endpoint_url)
    assert await second.ended() == 0, second.errors
    assert refusal.reached.is_set()
    assert len(temporary_rows(data)) == 1
    proxy.clear()
    third = Put(s3_server, bucket, data, other, endpoint_url=proxy.endpoint_url)

    assert await third.ended() == 0, third.errors
    assert temporary_rows(data) == []
    check_folder(s3_server, bucket, data, nothing_left=True)


async def test_killed_at_random_moments(s3_server, bucket, proxy, tmp_path):
    """Thirty times, with new files each time; then one run in peace stores all, and no part was sent twice."""
    chance = random.Random(os.environ.get("HASHDROP_TEST_SEED", "7"))
    checksums = chance.random() < 0.5
    data = tmp_path / "data"
    paths = []
    killed_at = []
    alive_at_kill = 0
    for number in range(ROUNDS):
        for name, size in ((f"large-{number}", 11 * MIB), (f"small-{number}", 30_000 + number)):
            paths.append(tmp_path / f"{name}.bin")
            paths[-1].write_bytes(os.urandom(size))
        run = Put(
            s3_server,
            bucket,
            data,
            *paths[-6:],
            endpoint_url=proxy.endpoint_url,
            checksums=checksums,
            options=["--limit-rate", "12M"],
        )
        await anyio.sleep(chance.uniform(0.4, 2.2))
        alive_at_kill += run.is_running
        killed_at.append(time.monotonic())
        run.kill()
        await run.ended()
        if number % 5 == 4:
            check_folder(s3_server, bucket, data, nothing_left=False)
    last = Put(
        s3_server, bucket, data, *paths, endpoint_url=proxy.endpoint_url, checksums=checksums
    )

    assert await last.ended() == 0, last.errors
    assert alive_at_kill > ROUNDS // 2
    check_folder(s3_server, bucket, data, nothing_left=True)
    check_stored(s3_server, bucket, data, paths, last.rows)
    assert list((data / "runs").iterdir()) == []
    assert proxy.count("ListParts") > 5  # uploads were gone on with
    assert parts_sent_again(proxy, killed_at) == []


def parts_sent_again(proxy, killed_at):
    """Parts that the store had before the program died, and that a later run sent again."""
    first = {}
    again = []
    for request in sorted(proxy.requests, key=lambda one: one.began):
        if request.operation != "UploadPart" or request.status != 200:
            continue
        part = (request.path, request.query["partNumber"][0])
        if part in first:
            earlier = first[part]
            was_in_flight = any(earlier.began <= kill <= earlier.ended for kill in killed_at)
            if not was_in_flight:
                again.append(part)
        first[part] = request
    return again


async def test_interrupted_by_ctrl_c_nothing_is_left(s3_server, bucket, proxy, tmp_path):
    """Unlike a kill: it has the time to clean up, and says 130."""
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(LARGE))
    rule = proxy.add(Rule.hold("UploadPart", nth=2))
    run = Put(s3_server, bucket, tmp_path / "data", path, endpoint_url=proxy.endpoint_url)
    assert await run_sync(rule.reached.wait, 20)
    run.interrupt()
    code = await run.ended()

    assert code == 130
    assert "Interrupted." in run.errors
    check_folder(s3_server, bucket, tmp_path / "data", nothing_left=True)
    assert s3_server.objects(bucket) == {}


async def test_killed_and_run_again_elsewhere(s3_server, bucket, proxy, tmp_path):
    """The same content under another path: stored; the first path's upload is known, and goes with its next run."""
    first, second = tmp_path / "one.bin", tmp_path / "two.bin"
    first.write_bytes(os.urandom(LARGE))
    second.write_bytes(first.read_bytes())
    data = tmp_path / "data"
    rule = proxy.add(Rule.hold("UploadPart", nth=3))
    run = Put(s3_server, bucket, data, first, endpoint_url=proxy.endpoint_url)
    assert await run_sync(rule.reached.wait, 20)
    run.kill()
    await run.ended()
    proxy.clear()
    other = Put(s3_server, bucket, data, second, endpoint_url=proxy.endpoint_url)
    assert await other.ended() == 0, other.errors
    check_folder(s3_server, bucket, data, nothing_left=False)
    assert len(journal_rows(data)) == 1
    again = Put(s3_server, bucket, data, first, endpoint_url=proxy.endpoint_url)

    assert await again.ended() == 0, again.errors
    assert [row["status"] for row in again.rows] == ["already-stored"]
    check_folder(s3_server, bucket, data, nothing_left=True)
