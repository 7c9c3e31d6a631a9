"""The program as a process on a screen, used with a mouse: dropped, stored, quit, started again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import time

import anyio
import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.exceptions import EndpointConnectionError

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.s3_server import run_server
from support.screen import program
from support.screen import screen
from support.screen import wait

MIB = 2**20


@pytest.fixture(scope="module")
def shown_on():
    with screen() as one:
        yield one


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def files(tmp_path):
    """Name -> bytes of what is dropped; `run` is a folder."""
    contents = {
        "scan.tiff": os.urandom(20 * MIB),
        "table.csv": b"a,b\n1,2\n",
        "empty.txt": b"",
        "run/naïve ☃.md": b"# notes\n",
    }
    for name, data in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return contents


def client_of(home):
    """A client of the embedded store that runs for a home."""
    store = home / "data" / "store"
    state = json.loads((store / "state.json").read_text())
    keys = json.loads((store / "keys.json").read_text())
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{state['ports'][0]}",
        region_name="us-east-1",
        aws_access_key_id=keys["access_key"],
        aws_secret_access_key=keys["secret_key"],
        config=Config(s3={"addressing_style": "path"}),
    )


def stored_in(home) -> dict[str, bytes]:
    client = client_of(home)
    listed = client.list_objects_v2(Bucket="hashdrop").get("Contents", [])
    return {
        item["Key"]: client.get_object(Bucket="hashdrop", Key=item["Key"])["Body"].read()
        for item in listed
    }


def is_ready(home):
    try:
        return "hashdrop" in [one["Name"] for one in client_of(home).list_buckets()["Buckets"]]
    except (FileNotFoundError, EndpointConnectionError, ClientError):
        return False  # on its way


def test_files_are_dropped_stored_and_listed_after_a_restart(shown_on, home, files, tmp_path):
    """The whole of it: nothing set up, a real mouse, the same bytes in S3, a clean end, the pointers again."""
    expected = {
        hashlib.sha256(data).hexdigest() + os.path.splitext(name)[1]: data
        for name, data in files.items()
    }
    with program(shown_on, home) as running:
        shown_on.place(1100, 760)
        shown_on.drop(*(tmp_path / name for name in ("scan.tiff", "table.csv", "empty.txt", "run")))
        wait(lambda: is_ready(home), 60)
        wait(lambda: len(stored_in(home)) == 4, 60)
        stored = stored_in(home)
        weed = json.loads((home / "data" / "store" / "state.json").read_text())["pid"]
        uploads = client_of(home).list_multipart_uploads(Bucket="hashdrop").get("Uploads") or []
        wait_till_idle(home, 4)
        running.interrupt()
        code = running.ends()

    assert expected == stored
    assert uploads == []
    assert (code, running.output) == (130, "")
    assert not psutil.pid_exists(weed)
    assert not (home / "data" / "store" / "state.json").exists()
    assert sorted(files[name] for name in files) == sorted(
        (tmp_path / name).read_bytes() for name in files
    )

    with program(shown_on, home) as again:
        shown_on.place(1100, 760)
        wait(lambda: is_ready(home), 60)
        shown_on.key("ctrl+2")
        paths = wait(lambda: copied_pointers(shown_on))
        shown_on.key("ctrl+q")
        code = again.ends()

    assert set(expected) == set(paths)
    assert (code, again.output) == (0, "")


def test_a_second_start_gives_its_files_to_the_window_that_is_open(shown_on, home, files, tmp_path):
    """Two processes, one window: the second ends at once, and what it was given is stored by the first."""
    with program(shown_on, home) as running:
        shown_on.place(1100, 760)
        wait(lambda: is_ready(home), 60)
        with program(shown_on, home, str(tmp_path / "table.csv"), str(tmp_path / "run")) as second:
            code = second.ends()
        wait(lambda: len(stored_in(home)) == 2, 60)
        stored = stored_in(home)
        windows = shown_on.xdotool("search", "--onlyvisible", "--name", "^Hashdrop$").splitlines()
        still = running.process.poll()
        wait_till_idle(home, 2)
        running.interrupt()
        running.ends()

    assert (code, second.output) == (0, "")
    assert len(windows) == 1
    assert still is None
    assert sorted(stored.values()) == sorted([files["table.csv"], files["run/naïve ☃.md"]])


def test_a_killed_window_goes_on_at_the_next_start(shown_on, home, s3_server, bucket, tmp_path):
    """kill -9 in the middle of an upload: its lock and socket stand in nobody's way, the queue comes back."""
    (tmp_path / "big.bin").write_bytes(os.urandom(40 * MIB))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", path=r"\.bin$", nth=3, times=99))
        arguments = ("--bucket", bucket, "--prefix", "p", "--endpoint-url", proxy.endpoint_url)
        with program(shown_on, home, *arguments, **s3_server.environment) as running:
            shown_on.place(1100, 760)
            shown_on.drop(tmp_path / "big.bin")
            assert hold.reached.wait(30)
            running.process.kill()
            assert running.ends() == -signal.SIGKILL
        hold.release()
        proxy.clear()
        with program(shown_on, home, *arguments, **s3_server.environment) as again:
            shown_on.place(1100, 760)
            wait(lambda: s3_server.objects(bucket), 60)
            wait_till_idle(home, 1)
            again.interrupt()
            code = again.ends()

    assert list(s3_server.objects(bucket).values()) == [40 * MIB]
    assert s3_server.open_uploads(bucket) == []
    assert (code, again.output) == (130, "")


def wait_till_idle(home, names: int) -> None:
    """Wait until so many names are noted and nothing is queued; a signal that comes before is asked about."""
    wait(lambda: len(pointers_in(home)) == names)
    wait(lambda: not queued_in(home))
    time.sleep(0.5)  # from the journal to the engine's own count


def queued_in(home) -> int:
    """How many files the journal has in its queue, read beside the program."""
    with sqlite3.connect(f"file:{home / 'data' / 'catalog.sqlite3'}?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM hashdrop_queue").fetchone()[0]


def pointers_in(home) -> list[str]:
    """The names that the catalog holds, read beside the program."""
    with sqlite3.connect(f"file:{home / 'data' / 'catalog.sqlite3'}?mode=ro", uri=True) as database:
        return [row[0] for row in database.execute("SELECT name FROM hashdrop_names")]


def copied_pointers(shown_on) -> list[str]:
    """Copy all rows of the page that is shown."""
    shown_on.click(400, 130)
    shown_on.key("ctrl+a", "ctrl+c")
    found = shown_on.clipboard.split("\n")
    return found if len(found) == 4 else []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_while_an_upload_runs_and_the_second_one_cancels(
    shown_on, home, s3_server, bucket, tmp_path, number
):
    """The first one asks and changes nothing; after the second the store holds nothing of the upload."""
    (tmp_path / "big.bin").write_bytes(os.urandom(40 * MIB))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", times=99))
        arguments = ("--bucket", bucket, "--prefix", "p", "--endpoint-url", proxy.endpoint_url)
        with program(shown_on, home, *arguments, **s3_server.environment) as running:
            shown_on.place(1100, 760)
            shown_on.drop(tmp_path / "big.bin")
            assert hold.reached.wait(30)
            running.process.send_signal(number)
            wait(lambda: "Uploads are running." in running.output)
            shown_on.window("^Quit Hashdrop$")
            still = (running.process.poll(), len(s3_server.open_uploads(bucket)))
            running.process.send_signal(number)
            time.sleep(0.3)
            hold.release()
            code = running.ends()

    assert still == (None, 1)
    assert code == 130
    assert running.output == "Uploads are running. Ctrl-C again cancels them and quits.\n"
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


def test_a_screen_that_goes_away_is_told_and_the_store_is_stopped(home):
    """A logout, or Ctrl-C in xvfb-run: one sentence instead of a traceback, no process is left."""
    with screen() as own, program(own, home) as running:
        own.window()
        wait(lambda: is_ready(home), 60)
        weed = json.loads((home / "data" / "store" / "state.json").read_text())["pid"]
        own.server.terminate()
        code = running.ends()

    told = [line for line in running.output.splitlines() if "X11" not in line]
    assert told == ["The screen went away. What is unfinished goes on at the next start."]
    assert code == 1
    assert not psutil.pid_exists(weed)


def test_a_killed_program_leaves_a_store_that_the_next_start_uses(shown_on, home, files, tmp_path):
    """kill -9: the next start shows the same store, with what was stored in it."""
    with program(shown_on, home) as running:
        shown_on.place(1100, 760)
        shown_on.drop(tmp_path / "table.csv")
        wait(lambda: is_ready(home) and len(stored_in(home)) == 1, 60)
        running.process.kill()
        assert running.ends() == -signal.SIGKILL
    with program(shown_on, home) as again:
        shown_on.place(1100, 760)
        wait(lambda: is_ready(home), 60)
        stored = stored_in(home)
        again.interrupt()
        again.ends()

    assert [files["table.csv"]] == list(stored.values())
    _, store = run_server(home / "data" / "store")
    anyio.run(store.stop)
