"""Waiting, told in the banner with the action in it: a store out of reach, a session that has ended."""

from __future__ import annotations

import os
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from hashdrop.s3 import retrying
from hashdrop.transfers.events import State
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import until

MIB = 2**20


@pytest.fixture
def proxy(s3_server):
    with FaultProxy.to(s3_server.endpoint_url) as one:
        yield one


def press(button) -> None:
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def test_an_ended_session_is_told_with_the_way_on(opened, proxy, s3_server, bucket, tmp_path):
    """The file waits; "I have signed in" goes on with it, and the banner goes with the reason."""
    (tmp_path / "big.bin").write_bytes(os.urandom(12 * MIB))
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        banner = driver.window.banner
        proxy.add(Rule.answer("UploadPart", 400, "ExpiredToken", times=999))
        driver.drop(tmp_path / "big.bin")
        await driver.has("big.bin", State.WAITING)
        await until(banner.isVisible)
        said, words = banner.text, banner.action.text()
        proxy.clear()
        press(banner.action)
        await driver.has("big.bin", State.STORED)
        await until(lambda: not banner.isVisible())

    assert said == (
        "Your session has ended. Sign in again and retry. Uploads wait, nothing is lost."
    )
    assert words == "I have signed in"
    assert list(s3_server.objects(bucket).values()) == [12 * MIB]


async def test_a_sign_in_counts_for_the_connection_that_waits(
    opened, proxy, s3_server, bucket, tmp_path
):
    """Also when another connection is chosen by now."""
    (tmp_path / "big.bin").write_bytes(os.urandom(12 * MIB))
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        proxy.add(Rule.answer("UploadPart", 400, "ExpiredToken", times=999))
        driver.drop(tmp_path / "big.bin")
        await driver.has("big.bin", State.WAITING)
        driver.window.sidebar.connection_chosen.emit("This computer")
        await until(lambda: driver.service.status.connection.name == "This computer")
        await until(lambda: driver.service.status.state == "ready")
        proxy.clear()
        press(driver.window.banner.action)
        await driver.has("big.bin", State.STORED)

    assert list(s3_server.objects(bucket).values()) == [12 * MIB]


async def test_a_store_out_of_reach_is_tried_at_once_by_the_button(
    opened, proxy, s3_server, bucket, tmp_path, monkeypatch
):
    """The next try would be in minutes; "Try now" does not wait for it."""
    (tmp_path / "first.txt").write_text("first")
    (tmp_path / "big.bin").write_bytes(os.urandom(12 * MIB))
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        driver.drop(tmp_path / "first.txt")
        await driver.ended(1)
        monkeypatch.setattr(retrying.random, "uniform", lambda *_: 600.0)
        proxy.add(Rule.reset_before(".*", times=99_999))
        driver.drop(tmp_path / "big.bin")
        await driver.has("big.bin", State.WAITING, 60)
        banner = driver.window.banner
        await until(lambda: banner.says("offline"))
        said, words = banner.text, banner.action.text()
        next_try = driver.row("big.bin").next_try_s
        monkeypatch.undo()
        proxy.clear()
        began = time.monotonic()
        press(banner.action)
        await driver.has("big.bin", State.STORED)
        waited = time.monotonic() - began
        await until(lambda: not banner.isVisible())

    assert "Uploads wait, and go on by themselves. Next try in " in said
    assert words == "Try now"
    assert waited < next_try
    assert 12 * MIB in s3_server.objects(bucket).values()


async def test_a_message_that_was_put_away_stays_away(opened, proxy, tmp_path):
    """Each file that comes to wait for the same reason does not bring it back."""
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(os.urandom(6 * MIB))
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        banner = driver.window.banner
        proxy.add(Rule.answer("UploadPart", 400, "ExpiredToken", times=999))
        driver.drop(tmp_path / "a.bin")
        await until(lambda: banner.says("sign-in"))
        press(banner.findChild(QToolButton))
        driver.drop(tmp_path / "b.bin")
        await until(lambda: len(driver.rows) == 2)
        await until(lambda: driver.batches[0].scanned)

        assert not banner.isVisible()


async def test_what_is_waited_for_is_told_again_after_another_message(opened, proxy, tmp_path):
    """A message that covers it does not end it: it is back when that is put away, and goes when it is over."""
    (tmp_path / "a.bin").write_bytes(os.urandom(6 * MIB))
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        banner = driver.window.banner
        proxy.add(Rule.answer("UploadPart", 400, "ExpiredToken", times=999))
        driver.drop(tmp_path / "a.bin")
        await until(lambda: banner.says("sign-in"))
        said = banner.text
        banner.say("Another thing failed.")
        press(banner.findChild(QToolButton))

        assert banner.isVisible()
        assert (said, "I have signed in") == (banner.text, banner.action.text())

        banner.say("Another thing failed.")
        proxy.clear()
        await driver.service.signed_in()
        await driver.has("a.bin", State.STORED)
        press(banner.findChild(QToolButton))

        assert not banner.isVisible()
