"""A journal whose disk is full."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hashdrop.transfers.journal import Journal


def fill_journal(journal: Journal) -> None:
    """Let its database grow no further, as on a full disk, and fill what is free in it."""
    database = journal._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    for statement in (
        "INSERT INTO hashdrop_uploads VALUES (x'', '', '', '', hex(randomblob(4)), 0, 0, 0, 0, '', 1, x'', 0, 'x')",
        "INSERT INTO hashdrop_queue VALUES (NULL, 'x', random(), 1, x'', x'', 1, '', '', 0, 0)",
    ):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            while True:
                database.execute(statement)


def make_room(journal: Journal) -> None:
    """Take back what `fill_journal` did."""
    database = journal._database
    database.execute("PRAGMA max_page_count = 1000000")
    database.execute("DELETE FROM hashdrop_queue WHERE owner = 'x'")
    database.execute("DELETE FROM hashdrop_uploads WHERE owner = 'x'")
