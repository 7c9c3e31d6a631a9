"""What the tests of what is done with stored objects share: a service on a bucket of the real server."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from hashdrop.connection import Choice
from hashdrop.paths import Paths
from hashdrop.service import open_service


@pytest.fixture
def aws_keys(s3_server, monkeypatch):
    """The test server's keys in the environment, as a person has them."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def opened(s3_server, bucket, aws_keys):
    """Opens a service whose current connection is the bucket; as often as a program is started."""

    @asynccontextmanager
    async def open_one(endpoint_url=None, **changes):
        given = {
            "name": "lab",
            "bucket": bucket,
            "prefix": "raw",
            "endpoint_url": endpoint_url or s3_server.endpoint_url,
            "region": s3_server.region,
            **changes,
        }
        async with open_service(Paths.of(), choice=Choice(changes=given, own=True)) as service:
            await service.connect()
            yield service

    return open_one


@pytest.fixture
async def service(opened):
    async with opened() as one:
        yield one


@pytest.fixture
def put(service, tmp_path):
    """Stores bytes under a name, maybe in a folder; returns the catalog's row."""

    async def put_one(name, data, *, tags=None):
        path = tmp_path / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        top = tmp_path / "sources" / name.split("/")[0]
        service.add([top], tags=tags)
        await service.transfers.drained()
        rows = await service.stored.search()
        return next(row for row in rows if row.name == path.name)

    return put_one


@pytest.fixture(params=["sqlite", "postgresql"])
async def catalog_place(request, tmp_path):
    """Where a catalog is: a file, or the URL of a database."""
    if request.param == "sqlite":
        return tmp_path / "catalog.sqlite3"
    return await request.getfixturevalue("postgres").new_database()
