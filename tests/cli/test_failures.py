"""What goes wrong on the command line: one clear sentence, the right exit code, nothing half-stored."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hashdrop import weed
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.programs import bound_by_permissions
from support.programs import end_of
from support.programs import interrupt
from support.programs import make_unreadable
from support.programs import start_program
from support.storage_checks import MIB


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.txt"
    path.write_bytes(b"good")
    return path


@pytest.fixture
def proxy(s3_server):
    with FaultProxy.to(s3_server.endpoint_url) as one:
        yield one


def sentences(ran):
    """What was said, a line each, of people's form."""
    return ran.err.splitlines()


# --- the store ------------------------------------------------------------------------------------


def test_a_bucket_that_does_not_exist(hashdrop, place, good):
    """Its name, and what to do; it is not made."""
    ran = hashdrop("put", good, *place, "--bucket", "no-such-bucket")
    again = hashdrop("put", good, "--json", *place, "--bucket", "no-such-bucket")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "hashdrop: good.txt: The bucket “no-such-bucket” does not exist. "
        "Check its name in the settings, or create it.\n"
    )
    assert (again.code, again.row["status"], again.err) == (1, "failed", "")
    assert "does not exist" in again.row["error"]


def test_a_wrong_secret(inside, place, good, monkeypatch, s3_server, bucket):
    """The secret is not repeated."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-mine")
    ran = inside("put", good, *place).checked("wrong-secret-of-mine")

    assert (ran.code, ran.out) == (1, "")
    assert len(sentences(ran)) == 1
    assert "The store does not accept these credentials." in ran.err
    assert s3_server.objects(bucket) == {}


@pytest.mark.parametrize("command", ["find", "link", "get", "verify", "verify --quick"])
def test_a_wrong_secret_where_nothing_is_sent(inside, place, good, command, monkeypatch):
    """The same sentence, though a store's first answer there has no words."""
    key = inside("put", good, "--json", *place).row["key"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-mine")
    what = good if command == "find" else key
    ran = inside(*command.split(), what, *place).checked("wrong-secret-of-mine")

    assert ran.code == 1
    assert len(sentences(ran)) == 1
    assert "The store does not accept these credentials." in ran.err


def test_an_endpoint_that_is_down(inside, place, good):
    """The address is told; it is not waited for."""
    ran = inside("put", good, *place, "--endpoint-url", "http://127.0.0.1:9")

    assert (ran.code, ran.out) == (1, "")
    assert len(sentences(ran)) == 1
    assert "The store cannot be reached. Nothing answers at http://127.0.0.1:9." in ran.err


def test_no_permission(inside, place, good, proxy, s3_server, bucket):
    """The action that was refused is named."""
    proxy.add(Rule.answer("PutObject", 403, "AccessDenied", times=99))
    ran = inside("put", good, *place, "--endpoint-url", proxy.endpoint_url)

    assert ran.code == 1
    assert len(sentences(ran)) == 1
    assert "The store refused PutObject." in ran.err
    assert s3_server.objects(bucket) == {}


def test_another_content_under_this_hash(inside, place, good, s3_server, bucket):
    """It is told, not taken for stored; repaired when asked."""
    first = inside("put", good, "--json", *place)
    key = first.row["key"]
    s3_server.plain.put_object(Bucket=bucket, Key=key, Body=b"evil")
    refused = inside("put", good, *place)
    was = s3_server.body(bucket, key)
    repaired = inside("put", good, "--json", "--repair", *place)

    assert (refused.code, repaired.code) == (1, 0)
    assert "Another content stands at" in refused.err
    assert was == b"evil"
    assert s3_server.body(bucket, key) == b"good"


def test_a_computer_without_the_embedded_store(inside, good, monkeypatch, tmp_path):
    """A sentence, and the way to connect to a bucket."""
    monkeypatch.setattr(weed.shutil, "which", lambda _: None)
    monkeypatch.setattr(weed.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(weed.sys, "executable", str(tmp_path / "python"))
    ran = inside("put", good)

    assert (ran.code, ran.out) == (1, "")
    assert len(sentences(ran)) == 1
    assert "is not installed" in ran.err
    assert "--bucket" in ran.err


# --- the files ------------------------------------------------------------------------------------


def test_a_path_that_does_not_exist(inside, place, good, s3_server, bucket):
    """It is told; the others are stored."""
    ran = inside("put", good.with_name("gone.txt"), good, "--json", *place)
    rows = {row["name"]: row for row in ran.rows}

    assert ran.code == 1
    assert rows["gone.txt"]["status"] == "failed"
    assert "does not exist" in rows["gone.txt"]["error"]
    assert rows["gone.txt"]["path"] == str(good.with_name("gone.txt"))
    assert rows["good.txt"]["status"] == "stored"
    assert list(s3_server.objects(bucket)) == [rows["good.txt"]["key"]]


def test_a_file_that_may_not_be_read(program, place, good, s3_server, bucket):
    """In the person's words for it: permission."""
    secret = good.with_name("secret.txt")
    secret.write_bytes(b"secret")
    make_unreadable(secret)
    try:
        ran = program("put", secret, good, *place, preexec_fn=bound_by_permissions)
    except subprocess.SubprocessError:
        pytest.skip("this process cannot give its power over files away")

    assert ran.code == 1
    assert len(sentences(ran)) == 1
    assert "secret.txt" in ran.err
    assert "may not read" in ran.err or "permission" in ran.err.lower()
    assert list(s3_server.objects(bucket).values()) == [4]


def test_a_folder_that_may_not_be_read(program, place, tmp_path, good, s3_server, bucket):
    """Its neighbours are stored."""
    folder = tmp_path / "folder"
    (folder / "closed").mkdir(parents=True)
    (folder / "open.txt").write_bytes(b"open")
    make_unreadable(folder / "closed")
    try:
        ran = program("put", folder, "--json", *place, preexec_fn=bound_by_permissions)
    except subprocess.SubprocessError:
        pytest.skip("this process cannot give its power over files away")
    rows = {row["name"]: row["status"] for row in ran.rows}

    assert ran.code == 1
    assert rows == {"open.txt": "stored", "closed": "failed"}


def test_a_fifo_is_not_opened(program, place, tmp_path):
    """It would wait for ever for a writer."""
    os.mkfifo(tmp_path / "fifo")
    ran = program("put", tmp_path / "fifo", *place)

    assert (ran.code, ran.out) == (1, "")
    assert len(sentences(ran)) == 1
    assert "fifo" in ran.err


# --- the usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("put",), "PATHS"),
        (("put", "x", "--no-such-option"), "--no-such-option"),
        (("no-such-command",), "no-such-command"),
        (("put", "x", "--tag", "novalue"), "novalue"),
        (("put", "x", "--tag", "what?=1"), "what?"),
        (("put", "-", "-"), "only once"),
        (("put", "x", "--limit-rate", "fast"), "fast"),
        (("put", "x", "--bucket", "lab", "--connection", "lab"), "exclude each other"),
        (("put", "x", "--bucket", "UPPER"), "capital letters"),
        (("put", "x", "--bucket", "lab", "--endpoint-url", "ftp://x"), "https://"),
        (("put", "x", "--bucket", "lab", "--router", "nothing"), "module:function"),
        (("put", "x", "--bucket", "lab", "--router", "no_module:f"), "cannot be loaded"),
        (("get", ""), "empty"),
        (("get", "{not json"), "no pointer"),
    ],
)
def test_wrong_usage_is_2_before_anything_starts(inside, arguments, says, monkeypatch, tmp_path):
    """With what is wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_bytes(b"x")
    ran = inside(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_damaged_settings_are_kept_aside_and_told(inside, good, place, tmp_path):
    """And the run goes on."""
    config = tmp_path / "c"
    config.mkdir()
    (config / "settings.toml").write_text("this is = = no TOML")
    ran = inside("put", good, *place, "--config", config)

    assert ran.code == 0
    assert "settings" in ran.err
    assert any("no TOML" in p.read_text() for p in config.iterdir() if p.name != "settings.toml")


def test_a_connection_that_is_none_names_those_there_are(program, good, monkeypatch, tmp_path):
    """A server has no window where the names stand."""
    settings = tmp_path / "config" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text('version = 1\n[[connections]]\nname = "lab"\nbucket = "lab-data"\n')
    ran = program("put", good, "--connection", "lap", "--config", settings.parent)

    assert ran.err == (
        "hashdrop: There is no connection named “lap”. There are: “This computer”, “lab”.\n"
    )


# --- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.fixture
def start_put(program, place, proxy, s3_server, bucket, tmp_path):
    """Starts a put of a large file, by one of three ways, through the proxy, to a store that is known already."""
    started = []

    def start(way, *rules):
        options = [*place, "--endpoint-url", proxy.endpoint_url]
        (tmp_path / "small").write_bytes(b"so that what the store can do is known")
        assert program("put", tmp_path / "small", *options).code == 0
        for key in s3_server.objects(bucket):
            s3_server.plain.delete_object(Bucket=bucket, Key=key)
        for rule in rules:
            proxy.add(rule)
        path = tmp_path / "large.bin"
        path.write_bytes(os.urandom(MIB) * (70 if way == "pipe" else 40))
        if way == "single-pass":
            options.append("--single-pass")
        with path.open("rb") as source:
            if way == "pipe":
                started.append(start_program("put", "-", *options, stdin=source))
            else:
                started.append(start_program("put", path, *options))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


WAYS = pytest.mark.parametrize("way", ["direct", "single-pass", "pipe"])


@WAYS
def test_ctrl_c_while_a_part_is_sent_leaves_nothing(start_put, s3_server, bucket, way):
    """Exit code 130 although the store is silent; no multipart upload and no temporary object."""
    rule = Rule.hold("UploadPart")
    process = start_put(way, rule)
    was_reached = rule.reached.wait(30)
    interrupt(process)
    ran = end_of(process).checked(s3_server.secret_key)
    was_held = not rule.released.is_set()
    rule.release()

    assert was_reached
    assert was_held
    assert ran.code == 130
    assert ran.err.splitlines()[-1] == "Interrupted."
    assert s3_server.open_uploads(bucket) == []
    assert s3_server.objects(bucket) == {}


@pytest.mark.parametrize("operation", ["CompleteMultipartUpload", "CopyObject"])
def test_ctrl_c_at_the_end_leaves_a_whole_object_or_none(start_put, s3_server, bucket, operation):
    """What such a request did is awaited, then tidied up."""
    rule = Rule.hold(operation)
    process = start_put("single-pass", rule)
    was_reached = rule.reached.wait(30)
    interrupt(process)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    rule.release()
    ran = end_of(process).checked(s3_server.secret_key)
    left = s3_server.objects(bucket)

    assert was_reached
    assert ran.code == 130
    assert s3_server.open_uploads(bucket) == []
    assert all(key.startswith("raw/") and size == 40 * MIB for key, size in left.items())


def test_ctrl_c_with_many_files_tells_how_many(program, place, proxy, tmp_path):
    """Not a line for each: what matters would be lost among thousands."""
    options = [*place, "--endpoint-url", proxy.endpoint_url]
    (tmp_path / "small").write_bytes(b"so that what the store can do is known")
    assert program("put", tmp_path / "small", *options).code == 0
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.bin").write_bytes(b"%d" % number)
    rule = Rule.hold("PutObject")
    proxy.add(rule)
    process = start_program("put", folder, *options)
    was_reached = rule.reached.wait(30)
    interrupt(process)
    rule.release()
    ran = end_of(process).checked()
    stored = len(ran.out.splitlines())

    assert was_reached
    assert ran.code == 130
    assert ran.err.splitlines() == [
        f"hashdrop: {40 - stored} files were cancelled; the same command stores them.",
        "Interrupted.",
    ]


_INTERRUPTED_WHILE = """
import os, signal, sys

module = sys.argv[1]

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from hashdrop.cli import program
sys.argv[1:] = ["ls"]
sys.exit(program())
"""


@pytest.mark.parametrize("module", ["pydantic", "hashdrop.cli.main", "hashdrop.cli.ls"])
def test_ctrl_c_while_the_program_starts(module):
    """Its libraries are being loaded: no traceback tells of them."""
    command = [sys.executable, "-c", _INTERRUPTED_WHILE, module]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)

    assert ran.returncode == 130
    assert ran.stdout == ""
    assert ran.stderr.strip() in {"", "Interrupted."}


def test_ctrl_c_while_standard_input_is_awaited(place, s3_server, bucket):
    """A terminal where nobody types on."""
    process = start_program("put", "-", *place, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"begun")
    process.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(4)
    interrupt(process)
    try:
        process.wait(20)
    finally:
        process.kill()
        ran = end_of(process)

    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert s3_server.objects(bucket) == {}
