"""The catalog with 1,000, 10,000 and 1,000,000 names: pages, searches, orders, adding; both databases.

python benchmarks/catalog.py [NAMES] [--only sqlite|postgresql]

Prints each time at each size, and the growth; ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import AsyncExitStack
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import asyncpg

from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import SortBy
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.rows import fold
from hashdrop.catalog.searching import row_of
from hashdrop.catalog.sqlite_notes import open_notes
from hashdrop.catalog.stored_file import StoredFile
from hashdrop.pointer import StoredPointer
from support.postgres_server import run_postgres

ROUNDS = 15
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
PAGE_GOAL_MS = 100
SEARCH_GOAL_MS = 150
GROWTH_GOAL = 1.5
"""Of adding, from 1,000 names to all: the noise of the disk is as much."""
WORDS = ("scan", "plate", "mouse", "cortex", "control", "sample", "run", "calib", "frame", "stack")
TYPES = (("tiff", "image/tiff"), ("csv", "text/csv"), ("png", "image/png"), ("h5", "application/x-hdf5"),
         ("json", "application/json"))  # fmt: skip
SEARCHES = (
    ("a word in few names", "0012345"),
    ("a word in a tenth", "cortex"),
    ("two words", "mouse cortex"),
    ("a word in no name", "nowhere"),
    ("two letters", "h5"),
    ("a word in nearly all, type, size", "a type:image size:>1gb"),
    ("a tag", "tag:run=77"),
    ("a tag and a word", "tag:site=north plate"),
    ("a day", "on:2024-03-05"),
    ("the beginning of a hash", "hash:ab12"),
    ("the beginning of a key", "key:raw/ab1"),
    ("large ones of a type", "type:image/png size:>9.9gb"),
    ("gone", "is:gone"),
    ("a folder", "folder:run0003"),
    ("a connection with few", "connection:other"),
)


def name_of(number: int) -> StoredName:
    """The name of a number: always the same."""
    dice = random.Random(number)
    ending, kind = dice.choice(TYPES)
    name = f"{dice.choice(WORDS)}_{dice.choice(WORDS)}_{number:07}.{ending}"
    content_hash = hashlib.sha256(name.encode()).hexdigest()
    pointer = StoredPointer(
        "lab-data",
        f"raw/{content_hash}.{ending}",
        content_hash,
        int(dice.paretovariate(0.3)) % 10**10,
        kind,
    )
    tags = {"run": str(dice.randrange(1000)), "site": dice.choice(("north", "south"))}
    return StoredName(
        pointer,
        name,
        f"run{number // 1000:04}",
        "other" if number % 9999 == 7 else "lab",
        tags if number % 4 == 0 else {},
        stored_at=BEGAN + timedelta(seconds=number * 37),
        machine="pc",
        user="me",
    )


def rows_of(numbers: range, first_id: int) -> tuple[list, list, list, list]:
    """The rows of names in the four tables, made without the program: it would take half an hour."""
    config = StoredFile.storable_config()
    manifests, contents, names, tags = [], [], [], []
    for row_id, number in enumerate(numbers, first_id):
        one = name_of(number)
        pointer = one.pointer
        manifest = id_of(one.stored_at, number)
        manifests.append((manifest, config.class_id, config.unpacker.name, one.stored_at, one.tags))
        contents.append((uuid.UUID(int=manifest.int ^ 1), manifest, pointer, one.stored_at))
        gone = one.stored_at if number % 5000 == 0 else None
        names.append((row_id, manifest, one, gone))
        tags += [(tag, value, row_id) for tag, value in one.tags.items()]
    return manifests, contents, names, tags


def id_of(moment: datetime, number: int) -> uuid.UUID:
    """An id as the program gives them: in the order of time."""
    milliseconds = int(moment.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | random.Random(number).getrandbits(62))


def config_of(pointer: StoredPointer) -> str:
    """labox's column of the place."""
    return json.dumps({"bucket": pointer.bucket, "key": pointer.key})


def fill_sqlite(path: Path, numbers: range, first_id: int) -> None:
    """Add names to a file."""
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA synchronous=OFF")
        base.execute("PRAGMA cache_size=-400000")
        for start in range(numbers.start, numbers.stop, 50_000):
            some = range(start, min(start + 50_000, numbers.stop))
            manifests, contents, names, tags = rows_of(some, first_id + start - numbers.start)
            with base:
                base.executemany(
                    "INSERT INTO labox_manifests (id, class_id, unpacker_name, created_at, tags) "
                    "VALUES (?, ?, ?, ?, ?)",
                    [(a.hex, b.hex, c, stamp(d), json.dumps(e)) for a, b, c, d, e in manifests],
                )
                base.executemany(
                    "INSERT INTO labox_contents (id, manifest_id, content_key, content_type, content_hash, "
                    "content_hash_algorithm, content_size, serializer_name, serializer_config, "
                    "serializer_type, storage_name, storage_config, created_at) "
                    "VALUES (?, ?, 'content', ?, ?, 'sha256', ?, 'hashdrop.file@v1', 'null', "
                    "'StreamSerializer', 'labox.aws.s3@v1', ?, ?)",
                    [(a.hex, b.hex, p.content_type, p.content_hash, p.content_size, config_of(p), stamp(d))
                     for a, b, p, d in contents],
                )  # fmt: skip
                base.executemany(
                    'INSERT INTO hashdrop_names (id, manifest_id, name, folded, folder, connection, '
                    'machine, "user", stored_at, size, content_type, content_hash, bucket, "key", tags, '
                    "note, gone_at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
                    [(i, m.hex, o.name, fold(o.name), o.folder, o.connection, o.machine, o.user,
                      stamp(o.stored_at), o.pointer.content_size, o.pointer.content_type,
                      o.pointer.content_hash, o.pointer.bucket, o.pointer.key, json.dumps(o.tags),
                      stamp(gone) if gone else None) for i, m, o, gone in names],
                )  # fmt: skip
                base.executemany("INSERT INTO hashdrop_tags VALUES (?, ?, ?)", tags)


def stamp(moment: datetime) -> str:
    """As SQLAlchemy writes it for SQLite."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


async def fill_postgres(url: str, numbers: range, first_id: int) -> None:
    """Add names to a database."""
    base = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await base.set_type_codec(
            "jsonb", schema="pg_catalog", format="binary", encoder=lambda text: b"\x01" + text.encode(),
            decoder=bytes,
        )  # fmt: skip
        for start in range(numbers.start, numbers.stop, 50_000):
            some = range(start, min(start + 50_000, numbers.stop))
            manifests, contents, names, tags = rows_of(some, first_id + start - numbers.start)
            await base.copy_records_to_table(
                "labox_manifests",
                columns=["id", "class_id", "unpacker_name", "created_at", "tags"],
                records=[(a, b, c, d, json.dumps(e)) for a, b, c, d, e in manifests],
            )
            await base.copy_records_to_table(
                "labox_contents",
                columns=["id", "manifest_id", "content_key", "content_type", "content_hash",
                         "content_hash_algorithm", "content_size", "serializer_name", "serializer_config",
                         "serializer_type", "storage_name", "storage_config", "created_at"],
                records=[(a, b, "content", p.content_type, p.content_hash, "sha256", p.content_size,
                          "hashdrop.file@v1", "null", "StreamSerializer", "labox.aws.s3@v1", config_of(p), d)
                         for a, b, p, d in contents],
            )  # fmt: skip
            await base.copy_records_to_table(
                "hashdrop_names",
                columns=["id", "manifest_id", "name", "folded", "folder", "connection", "machine", "user",
                         "stored_at", "size", "content_type", "content_hash", "bucket", "key", "tags", "note",
                         "gone_at"],
                records=[(i, m, o.name, fold(o.name), o.folder, o.connection, o.machine, o.user, o.stored_at,
                          o.pointer.content_size, o.pointer.content_type, o.pointer.content_hash,
                          o.pointer.bucket, o.pointer.key, json.dumps(o.tags), "", gone)
                         for i, m, o, gone in names],
            )  # fmt: skip
            await base.copy_records_to_table("hashdrop_tags", records=tags)
        await base.execute(
            "SELECT setval('hashdrop_names_id_seq', (SELECT max(id) FROM hashdrop_names))"
        )
        await base.execute("VACUUM ANALYZE")  # what the server itself does some minutes later
    finally:
        await base.close()


async def timed(works: dict, rounds: int = ROUNDS, middle=statistics.median) -> dict[int, float]:
    """The middle of some rounds in milliseconds, by size; in turn, so that other work hits all alike."""
    took: dict[int, list[float]] = {size: [] for size in works}
    for _ in range(rounds):
        for size, work in works.items():
            ready = work()
            began = time.perf_counter()
            await ready
            took[size].append((time.perf_counter() - began) * 1000)
    return {size: middle(some) for size, some in took.items()}


async def measure(catalogs: dict, notes: dict, numbers) -> dict[str, dict[int, float]]:
    """Everything, at every size."""
    found: dict[str, dict[int, float]] = {}
    for by in SortBy:
        deep = {size: await deep_row(catalog, by, size) for size, catalog in catalogs.items()}
        for descending in (True, False):
            order = Order(by, descending)
            arrow = "↓" if descending else "↑"
            found[f"first page by {by} {arrow}"] = await timed(
                {size: partial(one.search, order=order) for size, one in catalogs.items()}
            )
            found[f"page from the middle by {by} {arrow}"] = await timed(
                {
                    size: partial(one.search, order=order, after=deep[size])
                    for size, one in catalogs.items()
                }
            )
    by_name = Order(SortBy.NAME, descending=False)
    for label, text in SEARCHES:
        filters = parse_filters(text)
        found[f"search, {label} ({text})"] = await timed(
            {size: partial(one.search, filters) for size, one in catalogs.items()}, 7
        )
        found[f"search by name ↑, {label}"] = await timed(
            {size: partial(one.search, filters, by_name) for size, one in catalogs.items()}, 7
        )
    for label, count, rounds in (("adding one", 1, 40), ("adding 500", 500, 30)):

        def add(one, count=count):
            return one.record_many([fresh(next(numbers)) for _ in range(count)])

        # The mean: once in some rounds SQLite copies its log into the file.
        found[label] = await timed(
            {size: partial(add, one) for size, one in notes.items()}, rounds, statistics.mean
        )
    return found


def fresh(number: int) -> StoredName:
    """A name that is not there, in the middle of all by every order."""
    one = name_of(number)
    return replace(one, stored_at=None)


async def deep_row(catalog, by: SortBy, size: int):
    """The row in the middle; how it is found is not measured."""
    from sqlalchemy import text

    from hashdrop.catalog.searching import _COLUMN_OF
    from hashdrop.catalog.searching import _COLUMNS
    from hashdrop.catalog.searching import _LISTED

    column = _COLUMN_OF[by]
    query = f"SELECT {_LISTED} FROM hashdrop_names ORDER BY {column}, id LIMIT 1 OFFSET {size // 2}"
    async with catalog._engine.connect() as connection:  # noqa: SLF001  # nobody else skips rows
        row = (await connection.execute(text(query).columns(*_COLUMNS))).one()
    return row_of(row)


async def run(kind: str, places: dict[int, Path | str]) -> dict[str, dict[int, float]]:
    """Fill a catalog of each size, and measure all of them."""
    began = time.perf_counter()
    for size, place in places.items():
        async with open_catalog(place):
            pass
        if isinstance(place, Path):
            await asyncio.to_thread(fill_sqlite, place, range(size), 1)
        else:
            await fill_postgres(place, range(size), 1)
    print(f"{kind}: filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        catalogs, notes, very_first = {}, {}, {}
        for size, place in places.items():
            catalogs[size] = await stack.enter_async_context(open_catalog(place))
            very_first |= await timed({size: catalogs[size].search}, 1)
            # As a drop adds names: without SQLAlchemy where that can be.
            lean = await open_notes(place) if isinstance(place, Path) else None
            if lean is not None:
                stack.push_async_callback(lean.close)
            notes[size] = lean or catalogs[size]
        found = await measure(catalogs, notes, iter(range(5_000_000, 9_000_000)))
    print(f"{kind}: measured in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return {"the very first page": very_first, **found}


def report(kind: str, results: dict[str, dict[int, float]], sizes: list[int]) -> bool:
    """Print it; whether each goal is met."""
    print(f"\n## {kind}, milliseconds, median (adding: mean)\n")
    print("| what | " + " | ".join(f"{size:,}" for size in sizes) + " | growth | goal |")
    print("|---" * (len(sizes) + 3) + "|")
    good = True
    for label, values in results.items():
        last = values[sizes[-1]]
        growth = last / values[sizes[min(1, len(sizes) - 1)]]
        goal, met = "", True
        if "search" in label:
            goal, met = f"{SEARCH_GOAL_MS}", last < SEARCH_GOAL_MS
        elif "page" in label:
            goal, met = f"{PAGE_GOAL_MS}", last < PAGE_GOAL_MS
        elif label.startswith("adding"):
            growth = last / values[sizes[0]]
            goal, met = f"growth {GROWTH_GOAL}", growth < GROWTH_GOAL
        good &= met
        said = goal + ("" if met else " MISSED")
        figures = " | ".join(f"{values[size]:.1f}" for size in sizes)
        print(f"| {label} | {figures} | {growth:.1f} | {said} |")
    return good


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    sizes = sorted({1_000, 10_000, options.names})
    good = True
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            places = {size: Path(folder) / f"catalog-{size}.sqlite3" for size in sizes}
            good &= report("SQLite", asyncio.run(run("SQLite", places)), sizes)
    if options.only != "sqlite":
        with run_postgres(durable=True) as server:
            urls = {size: asyncio.run(server.new_database()) for size in sizes}
            good &= report("PostgreSQL", asyncio.run(run("PostgreSQL", urls)), sizes)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
