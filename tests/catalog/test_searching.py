"""Searching and paging, on every database."""

from __future__ import annotations

import hashlib
import itertools
import random
import threading
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from sqlalchemy import event

from hashdrop.catalog import searching
from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.filters import Filters
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import SortBy
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.rows import fold
from hashdrop.pointer import StoredPointer

DAY = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = [Order(by, descending) for by in SortBy for descending in (False, True)]


def stored(name, *, content=None, size=10, kind="text/plain", days=0, connection="lab", **more):
    content_hash = hashlib.sha256((content or name).encode()).hexdigest()
    folder, tags = more.get("folder", ""), more.get("tags", {})
    pointer = StoredPointer("lab-data", f"raw/{content_hash}.x", content_hash, size, kind)
    moment = DAY + timedelta(days=days)
    return StoredName(pointer, name, folder, connection, tags, stored_at=moment)


FILES = [
    stored("Scan_0192.tiff", size=5_000_000, kind="image/tiff", tags={"run": "7", "site": "north"}),
    stored("scan_0193.tiff", size=7_000_000_000, kind="image/tiff", days=1, tags={"run": "8"}),
    stored("Überblick 100%.csv", size=0, kind="text/csv", days=2, folder="run/one"),
    stored("U\u0308berblick 2.csv", size=1_000, kind="text/csv", days=3, folder="runner"),
    stored("q\"uo'te\\_*.txt", days=4, connection="home"),
    stored("x", days=5),
    stored("日本語の名前.txt", days=6),
]
NAMES = [one.name for one in FILES]


def sort_value(row, by):
    match by:
        case SortBy.NAME:
            return fold(row.name)
        case SortBy.SIZE:
            return row.pointer.content_size
        case SortBy.TYPE:
            return row.pointer.content_type
        case SortBy.STORED:
            return row.stored_at
        case SortBy.HASH:
            return row.pointer.content_hash
        case SortBy.CONNECTION:
            return row.connection


async def all_pages(catalog, filters, order, limit):
    rows, after = [], None
    while page := await catalog.search(filters, order, limit=limit, after=after):
        rows += page
        after = page[-1]
    return rows


SEARCHES = [
    ("", range(7)),
    ("scan", [0, 1]),
    ("SCAN_019", [0, 1]),
    ("0192", [0]),
    ("tiff 0193", [1]),
    ("überblick", [2, 3]),
    ("ÜBER", [2, 3]),
    ("100%", [2]),
    ('"blick 2"', [3]),
    ("sc", [0, 1]),
    ("x", [4, 5, 6]),
    ('n_0193 "f"', [1]),
    ("\\_*", [4]),
    ("'te", [4]),
    ("%", [2]),
    ("_", [0, 1, 4]),
    ("語の名", [6]),
    ("名前", [6]),
    ("zzz", []),
    ("tag:run=7", [0]),
    ("tag:run", [0, 1]),
    ("tag:run tag:site=north", [0]),
    ("tag:run=9", []),
    ("type:image", [0, 1]),
    ("type:text/csv", [2, 3]),
    ("type:ima", []),
    ("size:>1gb", [1]),
    ("size:0", [2]),
    ("size:10..1kb", [3, 4, 5, 6]),
    ("size:<=10", [2, 4, 5, 6]),
    ("after:2026-01-03 before:2026-01-05", [2, 3]),
    ("on:2026-01-02", [1]),
    ("connection:home", [4]),
    ("folder:run", [2]),
    ("folder:run/one", [2]),
    ("is:gone", []),
    ("is:there tiff", [0, 1]),
    (f"hash:{FILES[5].pointer.content_hash[:6]}", [5]),
    (f"key:raw/{FILES[5].pointer.content_hash[:6]}", [5]),
    ("key:raw", range(7)),
    ("scan type:image size:>1gb tag:run=8 after:2026-01-01", [1]),
]


@pytest.mark.parametrize("few", [0, 10_000], ids=["walked", "sorted"])
async def test_the_rows_of_a_large_page_are_made_off_the_loop(place, monkeypatch, few):
    """5,000 would hold it for 50 ms; they are the same rows, found in either way."""
    monkeypatch.setattr(searching, "FEW", few)
    threads, made = [], searching.row_of
    monkeypatch.setattr(
        searching, "row_of", lambda row: threads.append(threading.get_ident()) or made(row)
    )
    count = 2 * searching._MADE_HERE
    async with open_catalog(place) as catalog:
        await catalog.record_many([stored(f"{number:04}.txt") for number in range(count)])
        wanted = Filters(words=("txt",)), Order(SortBy.NAME, descending=False)
        small = await all_pages(catalog, *wanted, searching._MADE_HERE)
        here = set(threads)
        threads.clear()
        large = await catalog.search(*wanted, limit=2 * count)

    assert here == {threading.get_ident()}
    assert threading.get_ident() not in threads
    assert len(threads) == len(large) == count
    assert large == small


@pytest.mark.parametrize("few", [0, 10_000], ids=["walked", "sorted"])
async def test_a_search_finds_what_fits(place, monkeypatch, few):
    """By both of its ways."""
    monkeypatch.setattr(searching, "FEW", few)
    async with open_catalog(place) as catalog:
        await catalog.record_many(FILES)
        found = [
            [row.name for row in await catalog.search(parse_filters(text, zone=UTC))]
            for text, _ in SEARCHES
        ]

    assert found == [[NAMES[number] for number in reversed(fits)] for _, fits in SEARCHES]


@pytest.mark.parametrize("few", [0, 10_000], ids=["walked", "sorted"])
async def test_pages_in_every_order(place, monkeypatch, few):
    """Each row once, in order, the same with and without what narrows."""
    monkeypatch.setattr(searching, "FEW", few)
    chosen = random.Random(7)
    kinds = ["image/png", "text/plain", "image/jpeg"]
    files = [
        stored(
            chosen.choice(["file A", "FILE b", "other ä"]),
            content=str(number),
            size=chosen.randrange(4),
            kind=chosen.choice(kinds),
            days=chosen.randrange(3),
            folder=str(number),
        )
        for number in range(60)
    ]
    async with open_catalog(place) as catalog:
        await catalog.record_many(files)
        for text, order in itertools.product(["", "a", "file", "type:image"], ORDERS):
            filters = parse_filters(text)
            expected = {row.id for row in await catalog.search(filters, limit=1000)}
            rows = await all_pages(catalog, filters, order, 7)
            keys = [(sort_value(row, order.by), row.id) for row in rows]

            assert keys == sorted(keys, reverse=order.descending)
            assert {row.id for row in rows} == expected
            assert len(rows) == len(expected)


_changes = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("forget"), st.integers(0, 50), st.just(0)),
    ),
    max_size=6,
)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.by}-{order.descending}")
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    begun=st.integers(0, 12),
    rounds=st.lists(_changes, max_size=6),
    limit=st.integers(1, 4),
    text=st.sampled_from(["", "name 1", "e"]),
)
async def test_paging_while_others_add_and_forget(
    tmp_path_factory, order, begun, rounds, limit, text
):
    """What was there from beginning to end is seen once; nothing is seen twice; the order holds."""
    counter = itertools.count()

    def fresh(name, size):
        number = next(counter)
        return stored(f"name {name}", content=str(number), size=size, folder=str(number))

    filters = Filters(words=(text,)) if text else Filters()
    async with open_catalog(tmp_path_factory.mktemp("c") / "c") as catalog:
        await catalog.record_many([fresh(number % 3, number % 4) for number in range(begun)])
        from_the_beginning = {row.id for row in await catalog.search(filters, limit=1000)}
        forgotten = set()
        seen, after = [], None
        waiting = iter(rounds)
        while page := await catalog.search(filters, order, limit=limit, after=after):
            seen += page
            after = page[-1]
            for what, first, second in next(waiting, ()):
                if what == "add":
                    await catalog.record_many([fresh(first, second)])
                elif rows := await catalog.page(limit=1000):
                    row = rows[first % len(rows)]
                    forgotten.add(row.id)
                    await catalog.forget([row])
    ids = [row.id for row in seen]
    keys = [(sort_value(row, order.by), row.id) for row in seen]

    assert len(ids) == len(set(ids))
    assert from_the_beginning - forgotten <= set(ids)
    assert keys == sorted(keys, reverse=order.descending)


async def test_no_page_counts_or_skips(place):
    """Nor does SQLite sort or scan what an index gives."""
    said = []
    async with open_catalog(place) as catalog:
        await catalog.record_many(FILES)

        def listen(connection, cursor, statement, *_):
            said.append(statement)

        event.listen(catalog._engine.sync_engine, "before_cursor_execute", listen)
        for order in ORDERS:
            page = await catalog.search(order=order, limit=2)
            await catalog.search(order=order, limit=2, after=page[-1])
        event.remove(catalog._engine.sync_engine, "before_cursor_execute", listen)
        pages = [one for one in said if "hashdrop_names" in one]
        plans = []
        if catalog._engine.dialect.name == "sqlite":
            async with catalog._engine.connect() as connection:
                for statement in pages:
                    values = {3: ("", 0, 2), 2: ("", 2), 1: (2,)}[statement.count("?")]
                    plan = await connection.exec_driver_sql(
                        f"EXPLAIN QUERY PLAN {statement}", values
                    )
                    plans += [row[3] for row in plan]

    assert len(pages) >= 2 * len(ORDERS)
    assert not any("OFFSET" in one.upper() or "count(" in one for one in pages)
    assert not any("TEMP B-TREE" in plan for plan in plans)
    # Among equal rows, too, the place is found by the index: half a million may be before it.
    found = [plan for plan in plans if plan.startswith("SEARCH") and "=?" in plan]
    assert len(found) == (len(ORDERS) if plans else 0)
    assert all("=? AND " in plan for plan in found), found


async def test_a_forgotten_name_is_not_found(place):
    """Its tags and its trigrams go with it; the object's other name stays."""
    async with open_catalog(place) as catalog:
        await catalog.record_many(
            [
                stored("first name", content="1", tags={"run": "7"}),
                stored("second name", content="1", tags={"run": "7"}),
            ]
        )
        (first,) = await catalog.search(parse_filters("first"))
        await catalog.forget([first])
        left = [
            [row.name for row in await catalog.search(parse_filters(text))]
            for text in ("first", "name", "tag:run=7")
        ]
        names = await catalog.names_of(first.pointer.content_hash)

    assert left == [[], ["second name"], ["second name"]]
    assert [row.name for row in names] == ["second name"]


async def test_a_row_tells_everything(place):
    """Who, where, tags, and the note that was written."""
    async with open_catalog(place) as catalog:
        await catalog.record_many([FILES[0]])
        (row,) = await catalog.search()
        await catalog.write_note(row, "the good one")
        (row,) = await catalog.search()

    assert row.note == "the good one"
    assert row.tags == {"run": "7", "site": "north"}
    assert row.machine
    assert row.user
    assert row.stored_at == DAY
    assert row.pointer == FILES[0].pointer


async def test_without_the_extension_there_is_no_index_of_it(postgres):
    """That is what the third place of these tests tests."""
    counts = []
    for trigrams in (True, False):
        url = await postgres.new_database(trigrams=trigrams)
        async with open_catalog(url):
            pass
        sql = "SELECT 1 FROM pg_indexes WHERE indexname = 'hashdrop_names_by_text'"
        counts.append(len(await postgres.query(url, sql)))

    assert counts == [1, 0]
