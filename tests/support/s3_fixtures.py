"""Fixtures around the real S3 server."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from typing import Any

import anyio
import pytest

from support.s3_server import S3Server
from support.s3_server import run_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server, store = run_server(tmp_path_factory.mktemp("store"))
    yield server
    anyio.run(store.stop)


@pytest.fixture(scope="session")
def s3_client(s3_server: S3Server) -> Any:
    return s3_server.plain


@pytest.fixture
def bucket(s3_server: S3Server) -> Iterator[str]:
    name = s3_server.new_bucket()
    yield name
    with contextlib.suppress(s3_server.plain.exceptions.NoSuchBucket):  # the test deleted it
        s3_server.delete_bucket(name)
