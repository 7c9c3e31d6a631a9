"""`hashdrop find`: whether files are stored, and where."""

from __future__ import annotations

import hashlib
import os
import signal

import pytest

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.programs import DATA
from support.programs import end_of
from support.programs import start_program


def test_a_stored_file_is_found_under_any_name(hashdrop, place, stored, tmp_path, s3_server):
    """By its content: every place, name and date; nothing is sent."""
    other = tmp_path / "renamed.csv"
    other.write_bytes(DATA)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        ran = hashdrop("find", other, "--json", *place, "--endpoint-url", proxy.endpoint_url)
    (found,) = ran.row["places"]
    (name,) = found["names"]

    assert ran.code == 0
    assert {request.method for request in proxy.requests} == {"HEAD"}
    assert (ran.row["stored"], ran.row["path"]) == (True, str(other))
    assert ran.row["content_hash"] == stored["content_hash"]
    assert (found["bucket"], found["key"], found["in_store"]) == (
        stored["bucket"],
        stored["key"],
        True,
    )
    assert (name["name"], name["tags"]) == ("scan 1.csv", {"run": "7"})


def test_a_file_that_is_not_stored(hashdrop, place, stored, tmp_path):
    path = tmp_path / "new.csv"
    path.write_bytes(b"new")
    ran = hashdrop("find", tmp_path / "scan 1.csv", path, *place)

    assert ran.code == 1
    assert f"{path}  not stored\n" in ran.out
    assert f"{tmp_path / 'scan 1.csv'}  stored\n" in ran.out
    assert "  scan 1.csv" in ran.out


def test_an_empty_path_is_no_folder(inside, place):
    """A variable of a script that is not set does not mean the current folder."""
    ran = inside("find", "", *place)

    assert (ran.code, ran.out) == (2, "")
    assert "An empty path names no file" in ran.err


def test_what_another_stored_is_found_in_the_store(inside, place, s3_server, bucket, tmp_path):
    """The catalog of this computer does not know it."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"from elsewhere")
    key = f"raw/{hashlib.sha256(b'from elsewhere').hexdigest()}.bin"
    s3_server.plain.put_object(Bucket=bucket, Key=key, Body=b"from elsewhere")
    ran = inside("find", path, "--json", *place)

    assert (ran.code, ran.row["stored"]) == (0, True)
    assert ran.row["places"] == [{"bucket": bucket, "key": key, "in_store": True, "names": []}]


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_what_the_store_has_lost_is_not_stored(inside, place, stored, s3_server, tmp_path, damage):
    """Though the catalog knows it."""
    client = s3_server.plain
    if damage == "gone":
        client.delete_object(Bucket=stored["bucket"], Key=stored["key"])
    else:
        client.put_object(Bucket=stored["bucket"], Key=stored["key"], Body=DATA[:-1])
    ran = inside("find", tmp_path / "scan 1.csv", "--json", *place)

    assert (ran.code, ran.row["stored"]) == (1, False)
    assert ran.row["places"][0]["in_store"] is False
    assert [name["name"] for name in ran.row["places"][0]["names"]] == ["scan 1.csv"]


def test_a_store_that_may_not_be_asked_is_told(inside, place, stored, s3_server, tmp_path):
    """The catalog's answer is given, and that it is only the catalog's."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.answer("HeadObject", 403, "AccessDenied", times=9))
        ran = inside("find", tmp_path / "scan 1.csv", "--json", *place, "--endpoint-url", proxy.endpoint_url)  # fmt: skip

    assert (ran.code, ran.row["stored"]) == (1, True)
    assert ran.row["places"][0]["in_store"] is None
    assert ran.row["error"]


def test_an_unreachable_store_is_no_answer(inside, place, stored, tmp_path):
    """What the catalog does not know may be there nevertheless."""
    (tmp_path / "new.csv").write_bytes(b"new")
    options = (*place, "--endpoint-url", "http://127.0.0.1:9")
    known = inside("find", tmp_path / "scan 1.csv", "--json", *options)
    unknown = inside("find", tmp_path / "new.csv", "--json", *options)

    assert (known.code, known.row["stored"]) == (1, True)
    assert (unknown.code, unknown.row["stored"]) == (1, False)
    assert "cannot be reached" in known.row["error"]
    assert "cannot be reached" in unknown.row["error"]


def test_a_folder_and_what_cannot_be_read(inside, place, others, tmp_path):
    """Each file has its answer; what is no file is told and stops nothing."""
    os.mkfifo(tmp_path / "more" / "pipe")
    ran = inside("find", tmp_path / "more", tmp_path / "nowhere", "--json", *place)

    assert ran.code == 1
    assert sorted((row["stored"], bool(row["error"])) for row in ran.rows) == [
        (False, True),
        (False, True),
        (True, False),
        (True, False),
    ]


def test_find_is_interrupted(place, tmp_path, aws_keys):
    """While it hashes a large file."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1024**4)
    process = start_program("find", path, *place)
    while b"large" not in b"".join(open_files(process.pid)):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    ran = end_of(process)

    assert ran.code == 130
    assert "Traceback" not in ran.err


def open_files(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            yield os.fsencode(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            continue
