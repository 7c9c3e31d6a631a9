"""What the tests of faults share: the proxy, an engine behind it, and short waits between attempts."""

from __future__ import annotations

import logging

import pytest

from hashdrop.s3 import retrying
from hashdrop.transfers import storing
from support.fault_proxy import FaultProxy
from support.fault_rig import open_rig
from support.put_process import Put


@pytest.fixture
def proxy(s3_server):
    with FaultProxy.to(s3_server.endpoint_url) as one:
        yield one


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """How long is waited between two attempts changes nothing of what is tested."""
    monkeypatch.setattr(retrying, "_BACKOFF_S", 0.05)
    monkeypatch.setattr(storing, "_SETTLE_S", 0.05)


@pytest.fixture
async def rig(s3_server, bucket, proxy, tmp_path):
    async with open_rig(s3_server, bucket, proxy, tmp_path / "run") as one:
        yield one


@pytest.fixture(autouse=True)
def no_process_left():
    """Whatever a test started is ended."""
    yield
    Put.end_all()


@pytest.fixture(autouse=True)
def no_surprise(caplog):
    """No test ends with the engine having caught a fault of the program."""
    yield
    surprises = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.name.startswith("hashdrop") and record.levelno >= logging.ERROR
    ]

    assert surprises == []
