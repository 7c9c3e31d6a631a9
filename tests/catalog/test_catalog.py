"""The catalog, and labox reading what it notes."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import AsyncExitStack

import anyio
import pytest
from labox.core import Registry
from labox.core import load_one
from labox.extra.aws import S3Storage as LaboxS3Storage
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.asyncio import create_async_engine

from hashdrop import S3Storage
from hashdrop import simple_s3_router
from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.opening import begin_writing
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.stored_file import StoredFile
from hashdrop.errors import CatalogError
from hashdrop.pointer import StoredPointer


def pointer(number: int) -> StoredPointer:
    content_hash = hashlib.sha256(str(number).encode()).hexdigest()
    return StoredPointer("lab-data", f"p/{content_hash}.txt", content_hash, number, "text/plain")


async def test_what_was_noted_is_listed_newest_first_and_survives(place):
    """By pages, without gaps and repeats."""
    async with open_catalog(place) as catalog:
        for number in range(25):
            await catalog.record(
                pointer(number), name=f"{number}.txt", folder="run", connection="lab"
            )
    async with open_catalog(place) as catalog:
        names = []
        before = None
        while page := await catalog.page(limit=10, before=before):
            names += [row.name for row in page]
            before = page[-1].id

    assert names == [f"{number}.txt" for number in reversed(range(25))]


async def test_many_names_stand_for_one_object(place):
    """A new name is added, the same name is noted once, labox's tables hold one object."""
    async with open_catalog(place) as catalog:
        for name in ("a.txt", "b.txt", "a.txt"):
            await catalog.record(pointer(1), name=name, folder="", connection="lab")
        rows = await catalog.page()
        manifests = await catalog.manifests()
        found = await catalog.find_hash(pointer(1).content_hash[:12])

    assert [row.name for row in rows] == ["b.txt", "a.txt"]
    assert rows[0].stored_at.tzinfo is not None
    assert len(manifests) == 1
    assert found == [pointer(1)]


async def test_a_name_that_is_no_unicode_loses_nothing_beside_it(place):
    """It is found by what is seen of it, and noted once."""
    broken = StoredName(pointer(1), os.fsdecode(b"a\xff.txt"), os.fsdecode(b"\xfe/b"), "lab", {})
    whole = StoredName(pointer(2), "b.txt", "", "lab", {})
    async with open_catalog(place) as catalog:
        added = await catalog.record_many([broken, whole])
        again = await catalog.record_many([broken])
        rows = await catalog.search(parse_filters("a\udcff.txt"))

        assert (added, again) == (2, 0)
        assert [(row.name, row.folder) for row in rows] == [(r"a\xff.txt", r"\xfe/b")]


async def test_two_programs_write_at_once(place):
    """Nothing is lost, nothing is noted twice, nothing is locked out."""
    async with (
        open_catalog(place) as one,
        open_catalog(place) as two,
        anyio.create_task_group() as group,
    ):
        for number in range(80):
            group.start_soon(
                lambda n=number: (one, two)[n % 2].record(
                    pointer(n // 4), name=f"{n // 2}", folder="", connection="lab"
                )
            )
    async with open_catalog(place) as catalog:
        rows = await catalog.page()
        manifests = await catalog.manifests()

    assert sorted(int(row.name) for row in rows) == list(range(40))
    assert len(manifests) == 20


async def test_who_reads_waits_for_no_writer(place):
    """However long another program writes: a catalog is opened, listed and searched meanwhile."""
    names = []
    done = anyio.Event()

    async def read():
        async with open_catalog(place) as reader:
            names.extend(row.name for row in await reader.search(parse_filters("a.txt")))
        done.set()

    async with open_catalog(place) as writer:
        await writer.record(pointer(1), name="a.txt", folder="", connection="lab")
        async with anyio.create_task_group() as group, begin_writing(writer._engine):
            group.start_soon(read)
            with anyio.move_on_after(10):
                await done.wait()
            was_done = done.is_set()

    assert was_done
    assert names == ["a.txt"]


async def test_a_file_that_is_no_catalog_is_a_sentence(tmp_path):
    """Not a traceback of the database."""
    (tmp_path / "c").write_bytes(b"this is no database" * 100)
    with pytest.raises(CatalogError, match="cannot be opened") as told:
        async with open_catalog(tmp_path / "c"):
            pass

    assert "move it out of the data folder" in told.value.hint


@pytest.mark.parametrize("storage_class", [S3Storage, LaboxS3Storage], ids=["ours", "labox"])
async def test_plain_labox_loads_what_was_noted(tmp_path, place, s3_server, bucket, storage_class):
    """`load_one` with our storable, by our storage and by labox's own."""
    client = s3_server.client()
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n1,2\n")
    outcome = await S3Storage(s3_client=client, s3_router=simple_s3_router(bucket)).write_file(path)
    stored = StoredPointer(
        outcome.pointer["bucket"],
        outcome.pointer["key"],
        outcome.digest["content_hash"],
        8,
        "text/csv",
    )
    async with open_catalog(place) as catalog:
        await catalog.record(stored, name="x.csv", folder="", connection="lab")
        (manifest,) = await catalog.manifests()

    registry = Registry(
        modules=["hashdrop.catalog.stored_file"],
        storages=[storage_class(s3_client=client, s3_router=None)],
    )
    engine = create_async_engine(
        place if isinstance(place, str) else f"sqlite+aiosqlite:///{place}"
    )
    async with AsyncSession(engine) as session, AsyncExitStack() as stack:
        file = await load_one(manifest, StoredFile, registry=registry, session=session, stack=stack)
        data = b"".join([chunk async for chunk in file.content])
    await engine.dispose()

    assert data == b"a,b\n1,2\n"


async def test_a_cancelled_question_leaves_no_task_behind(place):
    """A window is closed while it asks: else a task of SQLAlchemy's waits for ever, and so does the end."""
    async with open_catalog(place) as catalog:
        await catalog.record(pointer(1), name="a", folder="", connection="lab")
        before = len(asyncio.all_tasks())
        left = []
        for step in range(12):
            async with anyio.create_task_group() as group:
                group.start_soon(catalog.page)
                for _ in range(step):
                    await asyncio.sleep(0)
                group.cancel_scope.cancel()
            left.append(len(asyncio.all_tasks()) - before)
        assert len(await catalog.page()) == 1

    assert left == [0] * 12
