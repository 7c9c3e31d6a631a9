"""The program as a person has it: a process on a screen, files dropped on it by a mouse, objects in S3."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import boto3
import pytest

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.screen import HASHDROP
from support.screen import Screen

MIB = 2**20
TITLE = "^Hashdrop$"


@pytest.fixture(scope="module")
def screen():
    with Screen() as one:
        yield one


def wait_for(look, timeout_s=40.0):
    """Wait until something can be seen; return it."""
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)
    return seen


def embedded_store(home: Path):
    """A client of the store that a start of the program runs."""
    store = home / "data" / "store"
    wait_for((store / "state.json").exists)
    keys = json.loads((store / "keys.json").read_text())
    port = json.loads((store / "state.json").read_text())["ports"][0]
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=keys["access_key"],
        aws_secret_access_key=keys["secret_key"],
        region_name="us-east-1",
    )


def bodies(client, bucket):
    """Key -> bytes of every object."""
    listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        one["Key"]: client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        for one in listed
    }


def end(program, *, interrupts=1):
    """Press Ctrl-C; return exit code and what was printed."""
    for _ in range(interrupts):
        program.send_signal(signal.SIGINT)
        time.sleep(1)
    try:
        output, _ = program.communicate(timeout=40)
    except subprocess.TimeoutExpired:
        program.kill()
        raise
    return program.returncode, output


def test_files_that_are_dropped_are_in_s3_byte_for_byte(screen, tmp_path):
    """With the store on this computer, which ends with the window and keeps what it has."""
    home = tmp_path / "home"
    folder = tmp_path / "run-7"
    (folder / "deeper").mkdir(parents=True)
    content = {
        folder / "scan.tiff": os.urandom(20 * MIB),
        folder / "empty.txt": b"",
        folder / "deeper" / "naïve ☃.csv": b"a,b\n1,2\n",
        tmp_path / "single.bin": os.urandom(100_000),
    }
    for path, data in content.items():
        path.write_bytes(data)
    expected = {
        hashlib.sha256(data).hexdigest() + path.suffix: data for path, data in content.items()
    }
    program = screen.start(HASHDROP_HOME=str(home))
    try:
        screen.place(screen.window(TITLE), 900, 640)
        client = embedded_store(home)
        action = screen.drag([folder, tmp_path / "single.bin"], (450, 300))
        wait_for(lambda: bodies(client, "hashdrop").keys() == expected.keys())
        stored = bodies(client, "hashdrop")
        uploads = client.list_multipart_uploads(Bucket="hashdrop").get("Uploads", [])
        time.sleep(1)  # the last row is noted
    finally:
        code, output = end(program)

    assert stored == expected
    assert uploads == []
    assert action == "CopyAction"  # the source offered to move: its files would be gone
    assert (code, "Traceback" in output) == (130, False)
    assert not (home / "data" / "store" / "state.json").exists()
    assert all(path.read_bytes() == data for path, data in content.items())
    again = subprocess.run(
        [
            HASHDROP,
            "get",
            hashlib.sha256(b"a,b\n1,2\n").hexdigest(),
            "-o",
            str(tmp_path / "got.csv"),
        ],
        env=os.environ | {"HASHDROP_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert (tmp_path / "got.csv").read_bytes() == b"a,b\n1,2\n"


def test_interrupted_while_it_sends_nothing_is_left(screen, s3_server, bucket, tmp_path):
    """The first Ctrl-C asks, the second cancels, cleans up and quits."""
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(40 * MIB))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        program = screen.start(
            *("--bucket", bucket, "--prefix", "p", "--endpoint-url", proxy.endpoint_url),
            HASHDROP_HOME=str(tmp_path / "home"),
            **s3_server.environment,
        )
        try:
            screen.place(screen.window(TITLE), 900, 640)
            rule = proxy.add(Rule.stall("UploadPart", path=r"/p/[0-9a-f]{64}", nth=2, times=99))
            time.sleep(1)
            screen.drag([path], (450, 300))
            wait_for(rule.reached.is_set)
            sending = s3_server.open_uploads(bucket)
            program.send_signal(signal.SIGINT)
            screen.window("Quit Hashdrop")
            asked = program.poll() is None
        finally:
            code, output = end(program)

    assert sending != []
    assert asked
    assert (code, "Traceback" in output) == (130, False)
    assert s3_server.open_uploads(bucket) == []
    assert s3_server.objects(bucket) == {}


def test_without_a_screen_it_says_so_in_a_sentence(tmp_path):
    """And how to go on."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    }
    done = subprocess.run(
        [HASHDROP],
        env=environment | {"HASHDROP_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no screen" in done.stderr
    assert "xvfb-run" in done.stderr
    assert "hashdrop put" in done.stderr
