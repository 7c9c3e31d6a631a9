"""The real window on the real server, on the loop that the program runs on."""

from __future__ import annotations

import gc
import os
import weakref
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtCore import Slot
from PySide6.QtGui import QDesktopServices
from qasync import QEventLoop
from qasync import _SimpleTimer

from hashdrop.connection import Choice
from hashdrop.paths import Paths
from hashdrop.transfers.events import State
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import Driver
from support.window import drive
from support.window import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from collections.abc import Callable
    from collections.abc import Iterator


class _ResumingTimer(_SimpleTimer):
    """Keeps callbacks for when the loop runs again.

    pytest-qt turns Qt's events between fixtures and tests. A task's step that is taken then finds no
    running loop, and whoever waits for the task waits for ever.
    """

    def __init__(self, loop):
        super().__init__()
        self._loop = weakref.ref(loop)

    def timerEvent(self, event):
        loop = self._loop()
        if self._stopped or loop is None or loop.is_running():
            super().timerEvent(event)


class _Loop(QEventLoop):
    def __init__(self, app):
        super().__init__(app)
        self._timer = _ResumingTimer(self)


@pytest.fixture
def anyio_backend(qapp) -> Iterator[tuple[str, dict[str, Any]]]:
    qapp.setStyle("Fusion")
    qapp.setQuitOnLastWindowClosed(False)
    yield ("asyncio", {"loop_factory": lambda: _Loop(qapp)})


@pytest.fixture
def paths(tmp_path) -> Paths:
    return Paths(config=tmp_path / "config", data=tmp_path / "data")


@pytest.fixture
def credentials(s3_server, monkeypatch) -> None:
    """The server's keys, where a profile would be."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def to_bucket(s3_server, bucket, credentials) -> Callable[..., Choice]:
    """A connection to the bucket, `raw/` in it; what is given changes it."""

    def make(**changes: Any) -> Choice:
        values = {
            "name": "lab",
            "bucket": bucket,
            "prefix": "raw",
            "endpoint_url": s3_server.endpoint_url,
            "checksum_mode": "when_supported",
            "part_size": str(5 * 2**20),
        }
        return Choice(changes=values | changes, own=True)

    return make


@pytest.fixture
def opened(qapp, paths, to_bucket):
    """Opens a window; `changes` are of its connection."""

    @asynccontextmanager
    async def make(**changes: Any) -> AsyncGenerator[Driver, None]:
        async with drive(qapp, paths, to_bucket(**changes)) as driver:
            await until(lambda: driver.service.status.state != "starting")
            await until(gc.get_freeze_count)  # all is loaded
            yield driver

    return make


@pytest.fixture
async def driver(opened) -> AsyncGenerator[Driver, None]:
    """A window that is connected to the bucket."""
    async with opened() as driver:
        yield driver


@pytest.fixture
async def two_stored(driver, tmp_path) -> Driver:
    """A window with two stored files, `a.csv` and `b.csv`."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    driver.drop(tmp_path / "a.csv", tmp_path / "b.csv")
    await driver.ended(2)
    return driver


@pytest.fixture
def uploading(opened, s3_server, tmp_path):
    """A window with a large file, `big.bin`, whose parts are held on their way until `hold.release()`."""

    @asynccontextmanager
    async def make() -> AsyncGenerator[tuple[Driver, Rule], None]:
        (tmp_path / "big.bin").write_bytes(os.urandom(12 * 2**20))
        with FaultProxy.to(s3_server.endpoint_url) as proxy:
            hold = proxy.add(Rule.hold("UploadPart", times=99))
            async with opened(endpoint_url=proxy.endpoint_url) as driver:
                driver.drop(tmp_path / "big.bin")
                await until(hold.reached.is_set)
                await driver.has("big.bin", State.UPLOADING)
                try:
                    yield driver, hold
                finally:
                    hold.release()

    return make


class Opened(QObject):
    """Takes what the desktop would open."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[Path] = []

    @Slot("QUrl")
    def take(self, url) -> None:
        self.paths.append(Path(url.toLocalFile()))


@pytest.fixture
def desktop():
    """The programs of the desktop: Qt hands them what is opened."""
    taker = Opened()
    QDesktopServices.setUrlHandler("file", taker, "take")
    yield taker
    QDesktopServices.unsetUrlHandler("file")
