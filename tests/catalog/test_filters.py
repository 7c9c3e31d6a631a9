"""What is typed into the search box."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.filters import parse_filters
from hashdrop.errors import UsageError


def on(year, month, day, hour=0):
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("", Filters()),
        ("  name   words ", Filters(words=("name", "words"))),
        ('"two words" one', Filters(words=("two words", "one"))),
        ('"not closed', Filters(words=("not closed",))),
        ("foo:bar", Filters(words=("foo:bar",))),
        ('"size:5"', Filters(words=("size:5",))),
        ("size:", Filters()),
        ("size:500", Filters(min_size=500, max_size=500)),
        ("size:>1gb", Filters(min_size=1_000_000_001)),
        ("SIZE:>=1GiB", Filters(min_size=1024**3)),
        ("size:<1.5k", Filters(max_size=1499)),
        ("size:<=2mb", Filters(max_size=2_000_000)),
        ("size:10kb..2mb", Filters(min_size=10_000, max_size=2_000_000)),
        ("size:>1 size:<5", Filters(min_size=2, max_size=4)),
        ("size:1..", Filters(min_size=1)),
        ("size:>", Filters()),
        ("size:> 1 gb", Filters(min_size=1_000_000_001)),
        ("size: >= 1 GiB scan", Filters(min_size=1024**3, words=("scan",))),
        ('size:"> 1 gb"', Filters(min_size=1_000_000_001)),
        ("size: 10 kb .. 2 mb a", Filters(min_size=10_000, max_size=2_000_000, words=("a",))),
        ("size:..2 mb", Filters(max_size=2_000_000)),
        ("size:500 bytes", Filters(min_size=500, max_size=500)),
        ("size:>1 g", Filters(min_size=2, words=("g",))),
        ("size:500 2026", Filters(min_size=500, max_size=500, words=("2026",))),
        ("size: scan", Filters(words=("scan",))),
        ('"size: 5 gb"', Filters(words=("size: 5 gb",))),
        ("type:image", Filters(content_type="image")),
        ("type:Image/*", Filters(content_type="image")),
        ("type:text/csv", Filters(content_type="text/csv")),
        ("tag:run=7 tag:a", Filters(tags=(("run", "7"), ("a", None)))),
        ('tag:"my run=a b"', Filters(tags=(("my run", "a b"),))),
        ("tag:a=", Filters(tags=(("a", ""),))),
        ("hash:AB12", Filters(hash_prefix="ab12")),
        ("key:raw/ab", Filters(key_prefix="raw/ab")),
        ("after:2026-01-01", Filters(since=on(2026, 1, 1))),
        ("before:2026-02", Filters(until=on(2026, 2, 1))),
        ("after:2026", Filters(since=on(2026, 1, 1))),
        ("after: 2026-01-31 12:00 b", Filters(since=on(2026, 1, 31, 12), words=("b",))),
        ("before: 2026 report", Filters(until=on(2026, 1, 1), words=("report",))),
        ("on: 2026-02", Filters(since=on(2026, 2, 1), until=on(2026, 3, 1))),
        ("after:2026-01-31T12:00", Filters(since=on(2026, 1, 31, 12))),
        ("after:2026-01-31T12:00+01:00", Filters(since=on(2026, 1, 31, 11))),
        ("on:2026-12-31", Filters(since=on(2026, 12, 31), until=on(2027, 1, 1))),
        ("on:2026", Filters(since=on(2026, 1, 1), until=on(2027, 1, 1))),
        ("on:2026-02", Filters(since=on(2026, 2, 1), until=on(2026, 3, 1))),
        ("on:9999-12-31", Filters(since=on(9999, 12, 31))),
        (f"size:<{'9' * 400}gb", Filters(max_size=2**62 - 1)),
        ("half\ud800 \0", Filters(words=(r"half\ud800", r"\x00"))),
        ('connection:"This computer"', Filters(connection="This computer")),
        ("folder:/a/b/", Filters(folder="a/b")),
        ("is:gone", Filters(gone=True)),
        ("is:there", Filters(gone=False)),
    ],
)
def test_a_text_is_read(text, filters):
    assert parse_filters(text, zone=UTC) == filters


@pytest.mark.parametrize(
    "text",
    [
        "size:big",
        "size:1..x",
        "after:yesterday",
        "on:2026-13-01",
        "after:0001-01-01T00:00+14:00",
        "hash:xyz",
        "is:blue",
    ],
)
def test_what_cannot_be_read_is_a_sentence(text):
    with pytest.raises(UsageError, match=r"“.*” (is no|begins no)"):
        parse_filters(text)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    """While one types, it is asked at each key."""
    try:
        parse_filters(text)
    except UsageError as error:
        assert error.hint
