"""What all tests share: one event loop, a real S3 server, and nothing of the person's own folders."""

from __future__ import annotations

import gc
import os
import warnings
from typing import TYPE_CHECKING

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt

from support.postgres_fixture import postgres
from support.s3_fixtures import bucket
from support.s3_fixtures import s3_client
from support.s3_fixtures import s3_server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("bucket", "postgres", "s3_client", "s3_server")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a test of the window left is searched for here, not by a later test's threads: Qt minds."""
    if _Qt.was_used:
        gc.unfreeze()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of another test than this one
            gc.collect()
    _Qt.was_used = "gui" in item.path.parts


class _Qt:
    was_used = False


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the person's settings, credentials or AWS files."""
    monkeypatch.setenv("HASHDROP_HOME", str(tmp_path / "hashdrop-home"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                 "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits between two tries waits a tenth of its time: a second of sleep tests nothing."""
    from hashdrop.s3 import retrying
    from hashdrop.transfers import storing

    monkeypatch.setattr(retrying, "_BACKOFF_S", retrying._BACKOFF_S / 10)
    monkeypatch.setattr(storing, "_SETTLE_S", storing._SETTLE_S / 10)
