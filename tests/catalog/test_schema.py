"""The tables: made, or brought from the shape of a release to the newest."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from hashdrop.catalog import schema
from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.filters import parse_filters
from hashdrop.errors import CatalogError
from hashdrop.pointer import StoredPointer
from hashdrop.transfers.journal import open_journal

RELEASED = (Path(__file__).parent / "released_0_1_0.sql").read_text()
"""A catalog as Hashdrop 0.1.0 wrote it: one object of 5 GB with the tag run=7 and two names."""


@pytest.fixture
def released(tmp_path):
    path = tmp_path / "catalog.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(RELEASED)
    return path


def dumped(path):
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def shape_of(path):
    """Name -> how it was made, without what only looks different: the place of a column, for one."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {
            name: sorted(
                re.sub(r'["\s]+|IF NOT EXISTS', " ", part).strip()
                for part in re.split(r",(?![^()]*\))|^([^(]*)\(|\)$", sql.strip())
                if part
            )
            for name, sql in rows
            if not name.startswith("hashdrop_names_text_")
        }


def backups_of(path):
    return list(path.parent.glob(f"{path.name}.before-*"))


async def test_a_released_catalog_is_migrated(released):
    """Nothing is lost, it can be searched, labox's tables are as they were."""
    async with open_catalog(released) as catalog:
        rows = await catalog.page()
        searched = [
            [row.name for row in await catalog.search(parse_filters(text))]
            for text in ("ä.c", "csv", "tag:run=7 size:>4gb", "type:text", "hash:6b86", "size:<4gb")
        ]
        assert len(await catalog.manifests()) == 1

    assert [(row.name, row.folder, row.connection, row.machine) for row in rows] == [
        ("b.csv", "", "lab", "vm"),
        ("Ä.csv", "run", "lab", "vm"),
    ]
    assert rows[0].pointer.content_size == 5_000_000_000
    assert rows[0].pointer.uri == f"s3://lab-data/raw/{rows[0].pointer.content_hash}.csv"
    assert rows[1].stored_at.isoformat() == "2026-11-25T03:01:28.380807+00:00"
    assert searched == [["Ä.csv"], *[["b.csv", "Ä.csv"]] * 4, []]
    kept = [line for line in RELEASED.splitlines() if line.startswith('INSERT INTO "labox_')]
    assert set(kept) <= set(dumped(released))


async def test_a_migrated_catalog_has_the_shape_of_a_new_one(released, tmp_path):
    """Table by table, index by index."""
    async with open_catalog(released), open_catalog(tmp_path / "new"):
        pass

    assert shape_of(released) == shape_of(tmp_path / "new")


async def test_a_catalog_of_the_version_before_is_migrated(place):
    """On every database; nothing of it is lost, and it has the shape of a new one."""
    pointer = StoredPointer("lab-data", "raw/k", "ab" * 32, 5, "text/plain")
    async with open_catalog(place) as catalog:
        await catalog.record(pointer, name="a.txt", folder="", connection="lab", tags={"run": "7"})
        async with catalog._engine.begin() as connection:
            for index in ("by_folder", "by_connection", "gone"):
                await connection.exec_driver_sql(f"DROP INDEX hashdrop_names_{index}")
            await connection.exec_driver_sql("ALTER TABLE hashdrop_names DROP COLUMN verified_at")
            await connection.exec_driver_sql("DROP TABLE hashdrop_rebuilds")
            await connection.exec_driver_sql(
                f"UPDATE {schema.VERSION_TABLE} SET version_num = '0002'"
            )
    async with open_catalog(place) as catalog:
        (row,) = await catalog.search(parse_filters("tag:run=7 a.t"))
        await catalog.mark_verified([pointer], has_its_hash=True)
        (after,) = await catalog.page()

    assert (row.pointer, row.verified_at) == (pointer, None)
    assert after.verified_at is not None
    if isinstance(place, Path):
        async with open_catalog(place.with_name("new")):
            pass
        assert shape_of(place) == shape_of(place.with_name("new"))
        assert len(backups_of(place)) == 1


async def test_the_file_is_copied_before(released):
    """As it was, readable by this person only; once, and not for a new catalog."""
    before = dumped(released)
    async with open_catalog(released):
        pass
    async with open_catalog(released):
        pass
    (copy,) = backups_of(released)

    assert dumped(copy) == before
    assert copy.stat().st_mode & 0o777 == 0o600


async def test_without_a_copy_nothing_is_migrated(released, monkeypatch):
    """A full disk: the catalog stays as it is, and no half copy is left."""
    before = dumped(released)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(schema.os, "open", full)
        with pytest.raises(CatalogError, match=r"cannot be copied .* No space left"):
            async with open_catalog(released):
                pass

    assert dumped(released) == before
    assert backups_of(released) == []


async def test_a_copy_that_was_killed_looks_like_none(released):
    """It has another name until it is whole; the next start makes one."""
    program = (
        "import anyio, os, pathlib, sys; pathlib.Path.replace = lambda *_: os._exit(9)\n"
        "from hashdrop.catalog.catalog import open_catalog\n"
        "async def main():\n"
        "    async with open_catalog(pathlib.Path(sys.argv[1])): pass\n"
        "anyio.run(main)"
    )
    before = dumped(released)
    killed = await anyio.run_process([sys.executable, "-c", program, str(released)], check=False)
    left = [path.suffix for path in backups_of(released)]
    after = dumped(released)
    async with open_catalog(released):
        pass
    whole = [path for path in backups_of(released) if path.suffix != ".part"]

    assert (killed.returncode, left) == (9, [".part"])
    assert after == before
    assert [dumped(path) for path in whole] == [before]


async def test_a_migration_that_fails_changes_nothing(released):
    """One transaction: a catalog with a manifest that names no place cannot be read."""
    with closing(sqlite3.connect(released)) as database, database:
        database.execute("CREATE TABLE hashdrop_tags (in_the_way TEXT)")
    before = dumped(released)
    with pytest.raises(CatalogError, match="cannot be opened"):
        async with open_catalog(released):
            pass

    assert dumped(released) == before


async def test_the_journal_in_the_same_file_is_left_alone(released):
    """It has migrations of its own."""
    async with open_journal(released), open_catalog(released):
        pass
    with closing(sqlite3.connect(released)) as database:
        assert database.execute("SELECT version FROM hashdrop_journal").fetchall() == [(1,)]


async def test_a_later_version_is_refused(place):
    """And said in words, on every database."""
    async with open_catalog(place) as catalog, catalog._engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(CatalogError, match="later version"):
        async with open_catalog(place):
            pass


def test_the_program_knows_the_newest_script():
    """Else new catalogs would be stamped with a shape that they do not have."""
    config = Config()
    config.set_main_option("script_location", "hashdrop.catalog:migrations")
    scripts = ScriptDirectory.from_config(config)

    assert scripts.get_current_head() == schema.VERSION
    assert {script.revision for script in scripts.walk_revisions()} == set(schema._KNOWN)
