"""`hashdrop link`: links that expire."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import pytest

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.programs import DATA


def test_a_link_gives_the_bytes_to_whoever_has_it(hashdrop, place, stored):
    """Alone on its line; its end is told beside it; signed with version 4."""
    ran = hashdrop("link", stored["key"], "--expires", "2h", *place)
    (url,) = ran.out.splitlines()
    with urllib.request.urlopen(url) as answer:
        data = answer.read()
        named = answer.headers["Content-Disposition"]

    assert ran.code == 0
    assert data == DATA
    assert named == "inline; filename*=UTF-8''scan%201.csv"
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert "X-Amz-Expires=7200" in url
    assert ran.err.startswith("It holds until 20")
    assert len(ran.err.splitlines()) == 1


def test_a_link_leads_nowhere_else(inside, place, stored, others):
    url = inside("link", stored["content_hash"][:12], *place).out.strip()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url.replace(stored["key"], others[0]["key"]))
    with refused.value as answer:
        assert answer.code == 403

    assert "X-Amz-Expires=86400" in url


@pytest.mark.parametrize(
    ("expires", "says"),
    [
        ("8d", "no link hold longer than 7 days"),
        ("169h", "no link hold longer than 7 days"),
        ("0", "at least a second"),
        ("soon", "“soon” is no time"),
        ("9" * 400, "no link hold longer than 7 days"),
    ],
)
def test_a_time_that_cannot_be_is_wrong_usage(inside, place, expires, says):
    ran = inside("link", "raw/x", "--expires", expires, *place)

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


@pytest.mark.parametrize("known", [True, False], ids=["says-its-end", "silent"])
def test_a_link_ends_with_the_session(inside, place, monkeypatch, known, stored, s3_server):
    """One that would end sooner than said is refused; one that does not is made."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:  # the server knows no sessions
        proxy.add(Rule.answer("HeadObject", 200, "", times=99))
        monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session")
        if known:
            ends = datetime.now(UTC) + timedelta(hours=2)
            monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends.isoformat())
        options = (*place, "--endpoint-url", proxy.endpoint_url)
        refused = inside("link", stored["key"], "--expires", "3h" if known else "37h", *options)
        made = inside("link", stored["key"], "--expires", "1h", *options)

    assert (refused.code, refused.out) == (2, "")
    assert "ends with your session" in refused.err
    assert made.code == 0
    assert "X-Amz-Security-Token=a-session" in made.out


def test_no_link_to_what_is_not_there(hashdrop, place):
    ran = hashdrop("link", "raw/nothing", *place)

    assert (ran.code, ran.out) == (1, "")
    assert "There is no object at" in ran.err


def test_for_programs(inside, place, stored):
    """With its end, and the object."""
    row = inside("link", stored["content_hash"], "--expires", "7d", "--json", *place).row
    left = datetime.fromisoformat(row["ends_at"]) - datetime.now(UTC)

    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert (row["bucket"], row["key"]) == (stored["bucket"], stored["key"])
    assert "X-Amz-Expires=604800" in row["url"]
    assert (row["error"], row["only_on_this_computer"]) == (None, False)


def test_a_failure_is_one_for_programs_too(inside, place):
    ran = inside("link", "raw/nothing", "--json", *place)

    assert (ran.code, ran.err) == (1, "")
    assert ran.row["url"] is None
    assert "There is no object at" in ran.row["error"]


def test_a_beginning_of_several_hashes_is_no_pointer(inside, place, tmp_path, stored):
    """One of them would be a guess."""
    seen = {}
    for number in range(200_000):
        data = str(number).encode()
        start = hashlib.sha256(data).hexdigest()[:8]
        if start in seen:
            break
        seen[start] = data
    for name, content in (("1", seen[start]), ("2", data)):
        (tmp_path / name).write_bytes(content)
        inside("put", tmp_path / name, *place)
    ran = inside("link", start, *place)

    assert (ran.code, ran.out) == (2, "")
    assert "Several stored files" in ran.err


@pytest.mark.parametrize("command", ["link", "get"])
def test_what_lies_in_another_computers_own_store_is_refused_by_its_name(
    inside, place, tmp_path, command
):
    """No link, and no file, of what may stand at the same place here."""
    content_hash = hashlib.sha256(b"theirs").hexdigest()
    row = {
        "name": "theirs.csv", "folder": "", "bucket": "hashdrop", "key": f"{content_hash}.csv",
        "content_hash": content_hash, "size": 6, "connection": "This computer", "machine": "kim-laptop",
    }  # fmt: skip
    (tmp_path / "all.jsonl").write_text(json.dumps(row))
    inside("catalog", "import", tmp_path / "all.jsonl")
    ran = inside(command, content_hash, *place)

    assert ran.code == 1
    assert ran.out == ""
    assert "“theirs.csv” lies in a store that this computer does not reach." in ran.err
    assert "It is on the computer “kim-laptop” itself" in ran.err
