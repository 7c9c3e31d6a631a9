"""What the tests of the catalog share: each place that a catalog can be in."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "postgresql", "postgresql-without-trigrams"])
async def place(request, tmp_path):
    """Where a catalog is: a file, or the URL of a database."""
    if request.param == "sqlite":
        return tmp_path / "catalog.sqlite3"
    server = request.getfixturevalue("postgres")
    return await server.new_database(trigrams=request.param == "postgresql")
