"""`hashdrop verify`: whether what is stored still has its hash."""

from __future__ import annotations

import base64
import hashlib

import pytest

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.programs import DATA


def test_what_is_whole_is_verified(hashdrop, place, stored):
    """Read back, by any name of it."""
    for name in (stored["key"], stored["content_hash"]):
        ran = hashdrop("verify", name, "--json", *place)

        assert ran.code == 0
        assert ran.row == {
            "bucket": stored["bucket"],
            "key": stored["key"],
            "status": "verified",
            "content_hash": stored["content_hash"],
            "found_hash": stored["content_hash"],
            "size": len(DATA),
            "how": "read",
            "error": None,
        }


def test_all_that_the_catalog_knows_is_verified(hashdrop, inside, place, stored, others, s3_server):
    """Each object once; a damaged, a lost one are told, and the rest is verified nevertheless."""
    client = s3_server.plain
    client.put_object(Bucket=stored["bucket"], Key=stored["key"], Body=b"damaged")
    client.delete_object(Bucket=stored["bucket"], Key=others[0]["key"])
    ran = hashdrop("verify", "--all", "--json", *place)
    marks = {row["key"]: row for row in inside("ls", "--json", *place).rows}
    status = {row["key"]: row["status"] for row in ran.rows}

    assert ran.code == 1
    assert len(ran.rows) == 3
    assert status == {
        stored["key"]: "mismatch",
        others[0]["key"]: "missing",
        others[1]["key"]: "verified",
    }
    # The catalog notes what was found out.
    assert marks[others[0]["key"]]["gone_at"] is not None
    assert [bool(marks[one["key"]]["verified_at"]) for one in (stored, *others)] == [
        False,
        False,
        True,
    ]


def test_only_what_a_search_finds_is_verified(inside, place, stored, others):
    ran = inside("verify", "--search", "tag:run=7", "--json", *place)

    assert (ran.code, [row["key"] for row in ran.rows]) == (0, [stored["key"]])


def test_objects_of_other_buckets_are_left_out_and_told(inside, place, stored, s3_server):
    other = s3_server.new_bucket()
    ran = inside("verify", "--all", *place, "--bucket", other)
    s3_server.delete_bucket(other)

    assert (ran.code, ran.out) == (0, "")
    assert "1 in other buckets were left out" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--search", "tag:run=8"), "fits “tag:run=8”"), (("--all", "--bucket", "other"), "is known")],
)
def test_silence_is_no_proof(inside, place, stored, arguments, says):
    """A search that finds nothing, a bucket that is misspelt: a script's log would look like success."""
    ran = inside("verify", "--json", *place, *arguments)
    bucket = arguments[-1] if "--bucket" in arguments else stored["bucket"]

    assert ran.out == ""
    assert (
        ran.err.splitlines()[-1] == f"hashdrop: nothing in “{bucket}” {says}: nothing was verified."
    )


@pytest.mark.parametrize("arguments", [(), ("--all", "--search", "x"), ("--all", "raw/k")])
def test_what_is_to_be_verified_is_said_once(inside, place, arguments):
    ran = inside("verify", *arguments, *place)

    assert (ran.code, ran.out) == (2, "")
    assert "What is to be verified?" in ran.err


def test_a_date_is_taken_back(inside, place, stored, s3_server):
    """What was verified, and has another hash now, has no date any more."""
    inside("verify", stored["key"], *place)
    before = inside("ls", "--json", *place).row["verified_at"]
    s3_server.plain.put_object(Bucket=stored["bucket"], Key=stored["key"], Body=b"damaged")
    inside("verify", stored["key"], *place)

    assert before is not None
    assert inside("ls", "--json", *place).row["verified_at"] is None


def test_for_people_damage_is_a_sentence(inside, place, stored, s3_server):
    s3_server.plain.put_object(Bucket=stored["bucket"], Key=stored["key"], Body=b"damaged")
    ran = inside("verify", stored["key"], *place)

    assert (ran.code, ran.out) == (1, "")
    assert "does not have its hash" in ran.err
    assert hashlib.sha256(b"damaged").hexdigest() in ran.err


@pytest.mark.parametrize("kind", ["whole", "parts", "wrong", "none"])
def test_the_stores_checksum_is_trusted_only_as_one_of_the_whole(
    inside, place, stored, s3_server, kind
):
    """`--quick` reads nothing then, and reads the object where the store does not say so."""
    right = base64.b64encode(bytes.fromhex(stored["content_hash"])).decode()
    wrong = base64.b64encode(bytes(32)).decode()
    headers = {
        "whole": {"x-amz-checksum-sha256": right, "x-amz-checksum-type": "FULL_OBJECT"},
        "parts": {"x-amz-checksum-sha256": f"{right}-2", "x-amz-checksum-type": "COMPOSITE"},
        "wrong": {"x-amz-checksum-sha256": wrong, "x-amz-checksum-type": "FULL_OBJECT"},
        "none": {},
    }[kind]
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.answer("HeadObject", 200, "", times=99, headers=headers))
        ran = inside("verify", stored["key"], "--quick", "--json", *place, "--endpoint-url", proxy.endpoint_url)  # fmt: skip
        reads = proxy.count("GetObject")

    assert ran.row["how"] == ("checksum" if kind in {"whole", "wrong"} else "read")
    assert ran.row["status"] == ("mismatch" if kind == "wrong" else "verified")
    assert reads == (0 if kind in {"whole", "wrong"} else 1)
    assert ran.code == (1 if kind == "wrong" else 0)


def test_without_a_hash_nothing_is_called_verified(inside, place, s3_server, bucket, stored):
    """It says so, and goes on."""
    s3_server.plain.put_object(Bucket=bucket, Key="notes.txt", Body=b"notes")
    ran = inside("verify", "notes.txt", "0123456789abcdef", stored["key"], "--json", *place)

    assert ran.code == 1
    assert sorted(row["status"] for row in ran.rows) == ["failed", "unknown", "verified"]


def test_a_bucket_that_is_not_there(inside, place, stored):
    ran = inside("verify", f"s3://no-such-bucket/{stored['key']}", "--json", *place)

    assert (ran.code, ran.row["status"]) == (1, "failed")
    assert "does not exist" in ran.row["error"]


@pytest.mark.parametrize("command", ["verify", "get"])
def test_a_signature_is_not_repeated(inside, place, command):
    """A pasted address may be a link that still holds."""
    for address in (
        "https://lab-data?X-Amz-Signature=so-secret",
        "https://h/b/k?X-Amz-Signature=so-secret",
    ):
        told = inside(command, address, "--json", *place)

        assert told.code
        assert "so-secret" not in told.out + told.err
