"""The fixture around the real PostgreSQL server: one for all tests of a run."""

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
