"""The journal's file: nobody is in it when it is closed."""

from __future__ import annotations

import threading

import anyio
import pytest

from hashdrop.errors import CatalogError
from hashdrop.transfers.journal import open_journal


async def test_it_is_closed_in_its_turn(tmp_path):
    """SQLite takes the process with it when a file is closed under a thread that reads it."""
    begun, may_go_on = threading.Event(), threading.Event()
    read: list[int] = []

    def work(database):
        begun.set()
        assert may_go_on.wait(10)
        read.extend(row[0] for row in database.execute("SELECT version FROM hashdrop_journal"))

    async with (
        anyio.create_task_group() as group,
        open_journal(tmp_path / "journal.sqlite3") as journal,
    ):
        group.start_soon(journal._run, work)
        while not begun.is_set():
            await anyio.sleep(0.01)
        group.start_soon(anyio.to_thread.run_sync, lambda: (begun.wait(), may_go_on.set()))
    assert read == [1]
    with pytest.raises(CatalogError, match="closed"):
        await journal.leftovers()
