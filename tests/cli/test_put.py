"""`hashdrop put`: what is stored, where, how often, and what it says."""

from __future__ import annotations

import hashlib
import os
import sys

import psutil
import pytest
from rich.progress import Progress

from hashdrop.cli import put
from hashdrop.connection import Connection
from hashdrop.pointer import StoredPointer
from hashdrop.settings import Settings
from hashdrop.settings import save_settings
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from support.fault_proxy import FaultProxy
from support.storage_checks import MIB

CONTENTS = {
    "large.bin": os.urandom(20 * MIB),
    "table.csv": b"number,text\n1,Z\xc3\xbcrich\n",
    "empty.dat": b"",
}
WAYS = pytest.mark.parametrize("way", [(), ("--single-pass",)], ids=["default", "single-pass"])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def expected_keys(*extensions):
    return [
        f"raw/{sha256(data)}{extension}"
        for data, extension in zip(CONTENTS.values(), extensions, strict=True)
    ]


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "dropped"
    folder.mkdir()
    for name, data in CONTENTS.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in CONTENTS]


# --- the main job ---------------------------------------------------------------------------------


@WAYS
def test_files_are_stored_once_under_their_hash(hashdrop, place, s3_server, bucket, files, way):
    """The second time nothing is sent; nothing but the final objects is in the bucket."""
    first = hashdrop("put", *files, "--json", *place, *way)
    second = hashdrop("put", *files, "--json", *place, *way)
    rows = sorted(first.rows, key=lambda row: list(CONTENTS).index(row["name"]))
    keys = expected_keys(".bin", ".csv", ".bin")

    assert (first.code, second.code) == (0, 0)
    assert [row["key"] for row in rows] == keys
    assert [row["bucket"] for row in rows] == [bucket] * 3
    assert [row["content_hash"] for row in rows] == [sha256(data) for data in CONTENTS.values()]
    assert [row["status"] for row in rows] == ["stored"] * 3
    assert [row["sent_bytes"] for row in rows] == [len(data) for data in CONTENTS.values()]
    assert [row["size"] for row in rows] == [len(data) for data in CONTENTS.values()]
    assert [row["path"] for row in rows] == [str(path) for path in files]
    assert {(row["status"], row["sent_bytes"]) for row in second.rows} == {("already-stored", 0)}
    assert sorted(row["key"] for row in second.rows) == sorted(keys)
    assert s3_server.objects(bucket) == dict(zip(keys, map(len, CONTENTS.values()), strict=True))
    for key, data in zip(keys, CONTENTS.values(), strict=True):
        assert s3_server.body(bucket, key) == data
    assert s3_server.open_uploads(bucket) == []
    assert first.err == second.err == ""  # no bars where there is no terminal


@WAYS
@pytest.mark.parametrize("data", [*CONTENTS.values()], ids=[*CONTENTS])
def test_a_pipe_is_stored_once_under_its_hash(program, place, s3_server, bucket, data, way):
    """As a file is; its name gives the type."""
    arguments = ("put", "-", "--name", "table.csv", "--json", *place, *way)
    first = program(*arguments, data=data)
    second = program(*arguments, data=data)
    key = f"raw/{sha256(data)}.csv"

    assert (first.code, second.code) == (0, 0)
    assert (first.row["status"], first.row["key"], first.row["size"]) == ("stored", key, len(data))
    assert (second.row["status"], second.row["sent_bytes"]) == ("already-stored", 0)
    assert (first.row["name"], first.row["path"]) == ("table.csv", "-")
    assert s3_server.objects(bucket) == {key: len(data)}
    assert s3_server.body(bucket, key) == data
    assert s3_server.open_uploads(bucket) == []


def test_a_pipe_that_does_not_fit_into_memory_leaves_no_temporary_object(
    program, place, s3_server, bucket
):
    """Its hash is known at its end: it goes through a temporary object, each time."""
    data = os.urandom(MIB) * 70
    runs = [
        program("put", "-", "--json", "--temp-prefix", "tmp", *place, data=data) for _ in range(2)
    ]
    key = f"raw/{sha256(data)}.bin"

    assert [run.code for run in runs] == [0, 0]
    assert [run.row["status"] for run in runs] == ["stored", "already-stored"]
    assert [run.row["key"] for run in runs] == [key, key]
    assert s3_server.objects(bucket) == {key: len(data)}
    assert s3_server.body(bucket, key) == data
    assert s3_server.open_uploads(bucket) == []


def test_a_folder_is_stored_with_all_that_is_in_it(inside, place, s3_server, bucket, files):
    """Each file a row; what stands there under another name already is not sent."""
    inner = files[0].parent / "inner"
    inner.mkdir()
    (inner / "copy.csv").write_bytes(CONTENTS["table.csv"])
    ran = inside("put", files[0].parent, "--json", *place)
    rows = {row["name"]: row for row in ran.rows}

    assert ran.code == 0
    assert set(rows) == {*CONTENTS, "copy.csv"}
    assert rows["copy.csv"]["key"] == rows["table.csv"]["key"]
    assert sorted(rows[name]["status"] for name in ("copy.csv", "table.csv")) == [
        "already-stored",
        "stored",
    ]
    assert len(s3_server.objects(bucket)) == 3


def test_people_are_told_in_a_line_a_file(inside, place, bucket, files):
    """Where it is, its name, and what became of it."""
    ran = inside("put", files[1], *place)
    (key,) = [f"raw/{sha256(CONTENTS['table.csv'])}.csv"]

    assert ran == ran.__class__(0, f"s3://{bucket}/{key}  table.csv  stored\n", "")


# --- options --------------------------------------------------------------------------------------


def test_the_temporary_prefix_holds_the_temporary_object(inside, place, s3_server, bucket, files):
    """One rule can cover it; and the region signs the requests."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        ran = inside(
            "put", files[0], "--single-pass", "--temp-prefix", "tmp/x", "--region", "eu-central-1",
            *place, "--endpoint-url", proxy.endpoint_url,
        )  # fmt: skip
        (copy,) = [r for r in proxy.requests if r.operation == "CopyObject"]
        signed = {r.headers["authorization"].split("/")[2] for r in proxy.requests}

    assert ran.code == 0
    assert copy.headers["x-amz-copy-source"].lstrip("/").startswith(f"{bucket}/tmp/x/")
    assert signed == {"eu-central-1"}


def test_options_may_stand_before_the_command(inside, place, s3_server, bucket, files):
    """And those behind it win."""
    ran = inside(*place, "put", files[1], "--prefix", "other", "--json")

    assert ran.code == 0
    assert ran.row["key"].startswith("other/")
    assert list(s3_server.objects(bucket)) == [ran.row["key"]]


def test_a_profile_gives_the_keys(inside, place, s3_server, bucket, files, monkeypatch, tmp_path):
    """From AWS's own files; one that does not exist is wrong usage."""
    credentials = tmp_path / "credentials"
    credentials.write_text(
        f"[lab]\naws_access_key_id = {s3_server.access_key}\n"
        f"aws_secret_access_key = {s3_server.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    for name in s3_server.environment:
        monkeypatch.delenv(name)
    right = inside("put", files[1], *place, "--profile", "lab")
    wrong = inside("put", files[1], *place, "--profile", "nobody")
    none = inside("put", files[1], *place)

    assert right.code == 0
    assert len(s3_server.objects(bucket)) == 1
    assert (wrong.code, wrong.out) == (2, "")
    assert "profile does not exist" in wrong.err
    assert none.code == 1
    assert "No credentials were found" in none.err


def test_a_saved_connection_is_used_by_name(inside, s3_server, bucket, files, aws_keys, tmp_path):
    """From the folder of settings that is named; options change it for this run."""
    config = tmp_path / "settings"
    config.mkdir()
    connection = Connection(
        name="lab", bucket=bucket, prefix="saved", endpoint_url=s3_server.endpoint_url
    )
    save_settings(config / "settings.toml", Settings(connections=(connection,)))
    named = inside("put", files[1], "--json", "--config", config, "--connection", "lab")
    changed = inside(
        "put", files[1], "--json", "--config", config, "--connection", "lab", "--prefix", "today"
    )
    unknown = inside("put", files[1], "--config", config, "--connection", "nobody")

    assert (named.code, changed.code, unknown.code) == (0, 0, 2)
    assert named.row["key"].startswith("saved/")
    assert changed.row["key"].startswith("today/")
    assert "“nobody”" in unknown.err
    assert len(s3_server.objects(bucket)) == 2


def test_tags_and_a_router_of_ones_own(
    inside, place, s3_server, bucket, files, monkeypatch, tmp_path
):
    """The router decides the key; the tags are on the object."""
    (tmp_path / "lab_router.py").write_text(
        "def route(digest, tags, *, temp):\n"
        f"    return {{'bucket': '{bucket}', 'key': tags['run'] + '/' + digest['content_hash']}}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    ran = inside(
        "put", files[1], "--json", "--tag", "run=7", "--router", "lab_router:route", *place
    )
    key = f"7/{sha256(CONTENTS['table.csv'])}"
    tags = s3_server.plain.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]

    assert (ran.code, ran.row["key"]) == (0, key)
    assert tags == [{"Key": "run", "Value": "7"}]


def test_a_stored_file_is_tagged_by_storing_it_again(program, place, s3_server, bucket, files):
    """It is found by its tags; that the object keeps its own is said."""
    before = program("put", files[1], "--json", "--tag", "run=7", *place)
    again = program("put", files[1], "--json", "--tag", "run=8", *place)
    found = program("ls", "--search", "tag:run=8", "--json")
    tags = s3_server.plain.get_object_tagging(Bucket=bucket, Key=before.row["key"])["TagSet"]

    assert (before.err, again.row["status"]) == ("", "already-stored")
    assert found.row["key"] == before.row["key"]
    assert tags == [{"Key": "run", "Value": "7"}]
    assert again.err == (
        "hashdrop: 1 file was stored already: the catalog has the tags, S3 keeps those from before.\n"
    )


# --- the store on this computer -------------------------------------------------------------------


def stores_in(folder):
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in argument for argument in process.info["cmdline"] or [])
        and process.name() == "weed"
    ]


def test_without_options_files_go_to_the_store_on_this_computer(hashdrop, files, tmp_path):
    """Its data outlives the run, the process does not; a relative folder is one, too."""
    data = tmp_path / "data"
    relative = os.path.relpath(data)
    first = hashdrop("put", *files, "--json", "--data", data)
    left = stores_in(data)
    second = hashdrop("put", *files, "--json", "--data", relative)
    got = hashdrop("get", sha256(CONTENTS["table.csv"]), "-o", tmp_path / "got", "--data", data)

    assert (first.code, second.code, got.code) == (0, 0, 0)
    assert {row["status"] for row in first.rows} == {"stored"}
    assert {row["bucket"] for row in first.rows} == {"hashdrop"}
    assert {(row["status"], row["sent_bytes"]) for row in second.rows} == {("already-stored", 0)}
    assert (tmp_path / "got").read_bytes() == CONTENTS["table.csv"]
    assert left == stores_in(data) == []
    assert not (data / "store" / "state.json").exists()
    assert not (tmp_path / "hashdrop-home" / "data").exists()


def test_both_folders_can_be_named(inside, files, tmp_path):
    """Nothing is read or written anywhere else."""
    ran = inside("put", files[1], "--config", tmp_path / "c", "--data", tmp_path / "d")

    assert ran.code == 0
    assert (tmp_path / "d" / "catalog.sqlite3").exists()
    assert not (tmp_path / "hashdrop-home").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_unicode_is_stored_and_listed(program, place, tmp_path):
    """With what is stored beside it."""
    (tmp_path / "run").mkdir()
    for name in (b"a\xff.txt", b"b.txt"):
        (tmp_path / "run" / os.fsdecode(name)).write_bytes(name)
    put = program("put", tmp_path / "run", "--json", *place)
    names = [row["name"] for row in program("ls", "--sort", "name", "--json", *place).rows]

    assert put.code == 0, put.err
    assert names == [r"a\xff.txt", "b.txt"]


POINTER = StoredPointer(
    bucket="b", key="k.bin", content_hash="0" * 64, content_size=9, content_type="text/plain"
)


@pytest.mark.parametrize("kind", [Stored, AlreadyStored])
@pytest.mark.parametrize("as_json", [True, False])
def test_what_could_not_be_verified_is_told_beside_the_rows(capsys, kind, as_json):
    """The rows' fields are fixed; a script that reads them sees it on stderr."""
    report = put._Report(as_json=as_json, bars=Progress(disable=True))
    report(Queued(1, 1, "big.bin", "", "/d/big.bin", 9))
    report(kind(1, POINTER, 9, 0.1, verified=False, unverified_reason="no checksum to compare"))
    printed = capsys.readouterr()

    assert "k.bin" in printed.out
    word = "stored" if kind is Stored else "already stored"
    assert printed.err == f"hashdrop: big.bin: {word}, unverified: no checksum to compare\n"
