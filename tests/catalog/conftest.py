"""What the tests of the catalog share: each place that a catalog can be in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.postgres_server import PostgresServer
from support.postgres_server import run_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with run_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "postgresql-without-trigrams"])
async def place(request, tmp_path):
    """Where a catalog is: a file, or the URL of a database."""
    if request.param == "sqlite":
        return tmp_path / "catalog.sqlite3"
    server = request.getfixturevalue("postgres")
    return await server.new_database(trigrams=request.param == "postgresql")
