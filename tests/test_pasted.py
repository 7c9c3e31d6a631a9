"""What a person pastes: each form leads to its object, and what leads nowhere is said so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashdrop.connection import Connection
from hashdrop.errors import UsageError
from hashdrop.forms import Form
from hashdrop.forms import write_form
from hashdrop.pasted import parse_pasted
from hashdrop.pasted import without_secrets
from hashdrop.pointer import StoredPointer

HASH = "6a654e42c5f2eba2803d70a89b1946ac92492d2347c6235b4d2611184e7a2e6f"
KEY = f"raw/{HASH}.tiff"
ENDPOINTS = ("https://s3.example:9000", "https://minio.lab.org/store")
POINTER = {"bucket": "lab-data", "key": KEY, "content_hash": HASH, "content_size": 5}


@pytest.mark.parametrize(
    "text",
    [
        f"s3://lab-data/{KEY}",
        f"  s3://lab-data/{KEY}\n",
        f"S3://lab-data/{KEY}",
        f"arn:aws:s3:::lab-data/{KEY}",
        f"https://lab-data.s3.amazonaws.com/{KEY}",
        f"https://lab-data.s3.eu-central-1.amazonaws.com/{KEY}?X-Amz-Signature=abc",
        f"https://lab-data.s3-eu-west-1.amazonaws.com/{KEY}",
        f"https://lab-data.s3.dualstack.eu-west-1.amazonaws.com/{KEY}",
        f"https://lab-data.s3-accelerate.amazonaws.com/{KEY}",
        f"https://lab-data.s3.cn-north-1.amazonaws.com.cn/{KEY}",
        f"https://s3.amazonaws.com/lab-data/{KEY}",
        f"https://s3.eu-central-1.amazonaws.com/lab-data/{KEY}",
        f"https://s3-eu-west-1.amazonaws.com/lab-data/{KEY}",
        f"https://eu-west-1.console.aws.amazon.com/s3/object/lab-data?region=eu-west-1&prefix={KEY}",
        f"https://s3.console.aws.amazon.com/s3/object/lab-data?prefix={KEY}",
        f"https://s3.example:9000/lab-data/{KEY}",
        f"https://lab-data.s3.example:9000/{KEY}",
        f"https://minio.lab.org/store/lab-data/{KEY}",
        f"http://127.0.0.1:8333/lab-data/{KEY}#part",
        f"https://unknown.example/lab-data/{KEY}",
        json.dumps(POINTER),
        json.dumps({"storage_config": json.dumps(POINTER), "content_hash": HASH}),
        f"[scan \\[1\\].tiff](https://lab-data.s3.amazonaws.com/{KEY})",
        f"aws s3 cp s3://lab-data/{KEY} scan.tiff --region eu-west-1",
    ],
)
def test_an_address_leads_to_its_object(text):
    pasted = parse_pasted(text, endpoints=ENDPOINTS)

    assert (pasted.bucket, pasted.key, pasted.content_hash) == ("lab-data", KEY, HASH)


@pytest.mark.parametrize(
    ("text", "content_hash"),
    [
        (HASH, HASH),
        (HASH.upper(), HASH),
        (f"sha256:{HASH}", HASH),
        (HASH[:12], HASH[:12]),
        (f"{HASH[:8]}…", HASH[:8]),
        (f"{HASH}  scan 1.tiff", HASH),
        (f"\\{HASH} *a\\nb", HASH),
    ],
)
def test_a_hash_or_its_beginning(text, content_hash):
    pasted = parse_pasted(text)

    assert (pasted.bucket, pasted.key, pasted.content_hash) == ("", "", content_hash)


@pytest.mark.parametrize("text", [f"{HASH[:7]}", "notes.txt", "raw/a b%20c.txt", f"/{KEY}"])
def test_anything_else_is_a_key_of_the_current_bucket(text):
    pasted = parse_pasted(text)

    assert (pasted.bucket, pasted.key) == ("", text.lstrip("/"))


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "s3://", "s3://bucket", "s3:///key", "https://example.org/", "https://example.org/bucket",
        "https://lab-data.s3.amazonaws.com/", "https://[bad/key", "https://h:port/b/k", "{", "{}",
        '{"a":' * 100_000, '{"storage_config": "' + "[" * 100_000 + '"}', "\udcff", "s3://bucket/\0",
        '{"bucket": 1, "key": "k"}', '{"bucket": "b"}', '{"storage_config": "{"}', '{"storage_config": null}',
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_said_so(text):
    with pytest.raises(UsageError):
        parse_pasted(text)


def test_a_signed_address_that_leads_nowhere_is_not_repeated():
    """It is a secret as long as it holds."""
    with pytest.raises(UsageError) as told:
        parse_pasted("https://lab-data.s3.amazonaws.com/?X-Amz-Signature=secret")

    assert "secret" not in told.value.sentence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://h/b/k?X-Amz-Signature=secret&x=1#f", "https://h/b/k?…"),
        ("https://me:secret@h/b/k", "https://h/b/k"),
        ("[scan](https://h/b/k?X-Amz-Signature=secret)", "[scan](https://h/b/k?…"),
        ("s3://b/a?b", "s3://b/a?b"),
        ("notes.txt", "notes.txt"),
    ],
)
def test_what_was_pasted_is_shown_without_its_signature(text, shown):
    assert without_secrets(text) == shown


@given(
    st.text(min_size=1, max_size=40).filter(
        lambda key: key.strip() == key and key.strip("/") == key
    ),
    st.sampled_from([form for form in Form if form is not Form.KEY]),
    st.sampled_from([None, "http://127.0.0.1:8333", "https://minio.lab.org/store"]),
)
def test_every_form_that_is_copied_can_be_pasted(key, form, endpoint):
    """Whatever is in the key."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    if "\0" in key:
        return  # no key of S3, and no text of a database
    connection = Connection(name="lab", bucket="lab-data", endpoint_url=endpoint)
    pointer = StoredPointer("lab-data", key, HASH, 5, "text/plain")
    text = write_form(form, [(pointer, "a [name]`*\n")], connection)
    pasted = parse_pasted(text, endpoints=[endpoint] if endpoint else [])

    assert (pasted.bucket, pasted.key) == ("lab-data", key)
