"""The store on this computer is killed in the middle of uploads: it is started again, and they just go on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from contextlib import contextmanager
from pathlib import Path

import anyio
import boto3
import psutil
import pytest
from anyio.to_thread import run_sync
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

from hashdrop import local_store
from hashdrop import weed
from hashdrop.errors import LocalStoreError
from hashdrop.local_store import LocalStore
from support.fault_rig import MIB
from support.put_process import catalog_rows
from support.put_process import journal_rows

SIZE = 24 * MIB
ENDS_WITHIN_S = 150
"""Far below the ten minutes that a store is waited for."""


def state_of(folder):
    return json.loads((folder / "state.json").read_text())


async def kill(folder):
    """As `kill -9`; return the pid when the process is gone."""
    pid = state_of(folder)["pid"]
    os.kill(pid, signal.SIGKILL)
    with anyio.fail_after(20):
        while pid in stores_in(folder):
            await anyio.sleep(0.05)
    return pid


def stores_in(folder):
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "name"])
        if process.info["name"] == "weed"
        and any(str(folder) in argument for argument in process.info["cmdline"] or [])
    ]


def client_of(folder, url=""):
    keys = json.loads((folder / "keys.json").read_text())
    return boto3.client(
        "s3",
        endpoint_url=url or f"http://127.0.0.1:{state_of(folder)['ports'][0]}",
        region_name="us-east-1",
        aws_access_key_id=keys["access_key"],
        aws_secret_access_key=keys["secret_key"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}),
    )


def uploads_with_parts(folder):
    """How many uploads of contents are open that have a part: not those that try what the store can do."""
    try:
        client = client_of(folder)
        uploads = client.list_multipart_uploads(Bucket="hashdrop").get("Uploads") or []
        return sum(
            bool(
                client.list_parts(Bucket="hashdrop", Key=one["Key"], UploadId=one["UploadId"]).get(
                    "Parts"
                )
            )
            for one in uploads
            if "hashdrop-probe-" not in one["Key"]
        )
    except (OSError, BotoCoreError, ClientError):
        return 0  # on its way


async def till_sending(folder, uploads):
    with anyio.fail_after(60):
        while await run_sync(uploads_with_parts, folder) < uploads:
            await anyio.sleep(0.1)


@contextmanager
def put(data, path):
    """`hashdrop put` into the store on this computer, slow enough to be caught in the middle."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "HASHDROP_"))
    }
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("hashdrop"), "put", "--json", "--limit-rate", "4M",
            "--config", data.parent / "home", "--data", data, path,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment | {"HASHDROP_HOME": str(data.parent / "home")},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


async def ended(process):
    """Return the exit code, the rows and what was said."""
    out, errors = await run_sync(lambda: process.communicate(timeout=ENDS_WITHIN_S))
    return process.returncode, [json.loads(line) for line in out.splitlines()], errors.decode()


@asynccontextmanager
async def reading(folder):
    """A client of the store, that runs as long."""
    store = LocalStore(folder)
    endpoint = await store.start()
    try:
        yield client_of(folder, endpoint.endpoint_url)
    finally:
        await store.stop()


def check_stored(client, data, rows, contents):
    hashes = {hashlib.sha256(content).hexdigest(): content for content in contents}
    stored = {
        row["content_hash"]: client.get_object(Bucket="hashdrop", Key=row["key"])["Body"].read()
        for row in rows
    }
    keys = client.list_objects_v2(Bucket="hashdrop").get("Contents") or []

    assert {row["status"] for row in rows} == {"stored"}
    assert stored == hashes
    assert {one["Key"] for one in keys} == {row["key"] for row in rows}
    assert not client.list_multipart_uploads(Bucket="hashdrop").get("Uploads")
    assert journal_rows(data) == []
    assert {found for _, found, _ in catalog_rows(data)} == set(hashes)


async def test_an_upload_goes_on_after_the_store_was_killed(tmp_path):
    """At the same address; the bytes are right, nothing is left open, no process stays."""
    data, path = tmp_path / "data", tmp_path / "scan.bin"
    folder = data / "store"
    path.write_bytes(os.urandom(SIZE))
    with put(data, path) as process:
        await till_sending(folder, 1)
        before = state_of(folder)
        os.kill(before["pid"], signal.SIGKILL)
        await till_sending(folder, 1)
        after = state_of(folder)
        code, rows, said = await ended(process)
    left = stores_in(folder)
    async with reading(folder) as client:
        check_stored(client, data, rows, [path.read_bytes()])

    assert (code, left) == (0, []), said
    assert said.count("The store on this computer does not answer") == 1
    assert after["pid"] != before["pid"]
    assert after["ports"] == before["ports"]


async def test_one_of_two_programs_starts_it(tmp_path):
    """The other one finds it running, and goes on, too."""
    data = tmp_path / "data"
    folder = data / "store"
    paths = [tmp_path / "a.bin", tmp_path / "b.bin"]
    for path in paths:
        path.write_bytes(os.urandom(SIZE))
    with put(data, paths[0]) as one, put(data, paths[1]) as other:
        await till_sending(folder, 2)
        killed = state_of(folder)["pid"]
        os.kill(killed, signal.SIGKILL)
        await till_sending(folder, 2)
        running = stores_in(folder)
        ends = [await ended(one), await ended(other)]
    async with reading(folder) as client:
        rows = [row for _, some, _ in ends for row in some]
        check_stored(client, data, rows, [path.read_bytes() for path in paths])

    assert [code for code, _, _ in ends] == [0, 0], ends
    assert len(running) == 1
    assert running != [killed]


async def test_where_it_cannot_be_started_the_upload_says_so(tmp_path):
    """Not after ten minutes."""
    data, path = tmp_path / "data", tmp_path / "scan.bin"
    folder = data / "store"
    path.write_bytes(os.urandom(SIZE))
    with put(data, path) as process:
        await till_sending(folder, 1)
        os.kill(state_of(folder)["pid"], signal.SIGKILL)
        (folder / "data").rename(folder / "elsewhere")
        (folder / "data").write_bytes(b"")  # no folder: nothing can be kept in it
        code, rows, said = await ended(process)

    assert code == 1, said
    assert [row["status"] for row in rows] == ["failed"]
    assert "The store on this computer cannot be started" in json.dumps(rows)


async def test_a_store_that_is_slow_is_left_alone(tmp_path):
    """It does not answer, but lives: it is neither ended nor started a second time."""
    folder = tmp_path / "store"
    store = LocalStore(folder)
    await store.start()
    pid = state_of(folder)["pid"]
    os.utime(folder / "state.json", (0, 0))  # started long ago
    os.kill(pid, signal.SIGSTOP)
    try:
        is_back = await store.revive()
        running = stores_in(folder)
        state = state_of(folder)
    finally:
        os.kill(pid, signal.SIGCONT)
    is_healthy = await store.is_healthy()
    await store.stop()
    await store.revive()  # nor is one that was stopped

    assert not is_back
    assert running == [pid]
    assert state["pid"] == pid
    assert is_healthy
    assert stores_in(folder) == []


async def test_it_is_not_started_at_once_again(tmp_path):
    """A store that ends as soon as it runs would be started over and over."""
    folder = tmp_path / "store"
    store = LocalStore(folder)
    await store.start()
    pid = await kill(folder)
    os.utime(folder / "state.json")
    try:
        await store.revive()
        early = state_of(folder)["pid"]
        os.utime(folder / "state.json", (0, 0))
        await store.revive()
        late = state_of(folder)["pid"]
        answers = await store.is_healthy()
    finally:
        await store.stop()

    assert early == pid
    assert late != pid
    assert answers  # when it returns


async def test_after_three_starts_that_failed_it_is_given_up(tmp_path, monkeypatch):
    """With what it said; a minute later a retry tries again."""
    broken = tmp_path / "weed"
    broken.write_text("#!/bin/sh\necho start >> starts\necho the disk is full\nexit 1\n")
    broken.chmod(0o755)
    folder = tmp_path / "store"
    store = LocalStore(folder)
    await store.start()
    await kill(folder)
    monkeypatch.setattr(weed, "find", lambda: broken)
    monkeypatch.setattr(local_store, "_REVIVAL_PAUSE_S", 0.0)
    starts = folder / "starts"
    try:
        for number in range(1, 4):
            await store.revive()
            with anyio.fail_after(20):
                while not starts.exists() or len(starts.read_text().split()) < number:
                    await anyio.sleep(0.05)
            store._process.wait()
        for _ in range(2):
            with pytest.raises(LocalStoreError, match="after each of 3 new starts") as error:
                await store.revive()
        given_up = len(starts.read_text().split())
        monkeypatch.setattr(local_store, "_SOUND_AFTER_S", 0.0)
        await store.revive()
        store._process.wait()
    finally:
        await store.stop()

    assert given_up == 3
    assert "the disk is full" in error.value.detail
    assert len(starts.read_text().split()) == 4


async def test_a_new_start_after_a_crash_is_where_the_old_one_was(tmp_path):
    """Another program that still waits there goes on."""
    folder = tmp_path / "store"
    waiting, coming = LocalStore(folder), LocalStore(folder)
    first = await waiting.start()
    await kill(folder)
    second = await coming.start()
    try:
        is_back = await waiting.revive()
        is_still_back = await waiting.revive()
        running = stores_in(folder)
        is_healthy = await waiting.is_healthy()
    finally:
        await waiting.stop()
        await coming.stop()

    assert second == first
    assert (is_back, is_still_back) == (True, False)
    assert len(running) == 1
    assert is_healthy
