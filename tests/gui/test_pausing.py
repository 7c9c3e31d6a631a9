"""Pausing and going on: rows by link, menu and key; all of them by one button."""

from __future__ import annotations

import os

import anyio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from hashdrop.transfers.events import State
from hashdrop_gui.delegates.transfer_row import Action
from hashdrop_gui.models.transfers import Role
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import CTRL
from support.window import entry
from support.window import until

MIB = 2**20
SHIFT = Qt.KeyboardModifier.ShiftModifier


async def by_link(driver, words):
    driver.click_link("big.bin", Action.PAUSE if words == "Pause" else Action.RESUME)


async def by_menu(driver, words):
    await driver.choose(await driver.menu("big.bin"), words)


async def by_key(driver, words):
    QTest.keyClick(driver.view, Qt.Key.Key_P, CTRL)


async def by_button(driver, words):
    assert f"{words} all" == driver.window.bottom.turn.text()
    QTest.mouseClick(driver.window.bottom.turn, Qt.MouseButton.LeftButton)


async def by_shortcut(driver, words):
    await until(driver.window.isActiveWindow)
    QTest.keyClick(driver.window, Qt.Key.Key_P, CTRL | SHIFT)


@pytest.mark.parametrize("act", [by_link, by_menu, by_key, by_button, by_shortcut])
async def test_an_upload_is_paused_and_gone_on_with(uploading, s3_server, bucket, act):
    """Paused, its row says so; gone on with, it is stored, and was sent in one multipart upload."""
    async with uploading() as (driver, hold):
        (begun,) = s3_server.open_uploads(bucket)
        driver.click_row("big.bin")
        await act(driver, "Pause")
        hold.release()
        await driver.has("big.bin", State.PAUSED)
        words, summary = driver.words("big.bin"), driver.window.summary.text()
        left = s3_server.open_uploads(bucket)
        await act(driver, "Resume")
        await driver.has("big.bin", State.STORED)

    assert words == "Paused"
    assert summary.startswith("1 paused")
    assert [begun] == left
    assert list(s3_server.objects(bucket).values()) == [12 * MIB]
    assert s3_server.open_uploads(bucket) == []


async def test_what_is_dropped_while_all_is_paused_waits(driver, s3_server, bucket, tmp_path):
    """One button holds what comes, too; nothing is sent before it is pressed again."""
    (tmp_path / "a.txt").write_text("a" * 5)
    driver.window.bottom.turn.click()
    said = driver.window.summary.text()
    driver.drop(tmp_path / "a.txt")
    await driver.has("a.txt", State.QUEUED)
    await until(lambda: driver.batches[0].scanned)
    held = dict(s3_server.objects(bucket)), driver.window.summary.text()
    index = driver.index("a.txt")
    row = index.data(Role.SECOND), index.data(Qt.ItemDataRole.AccessibleTextRole)
    driver.service.throttle.change(1)
    driver.window.bottom.turn.click()
    again = driver.index("a.txt").data(Role.SECOND)
    driver.service.throttle.change(None)
    await driver.has("a.txt", State.STORED)

    assert said == "All paused"
    assert held == ({}, "1 paused · 0 of 5 bytes")
    assert row == (
        "all is paused · 5 bytes",
        "a.txt. Queued. all is paused · 5 bytes",
    )
    assert again == "5 bytes"


async def test_one_row_goes_on_while_the_others_stay_paused(driver, s3_server, bucket, tmp_path):
    """Resume on a row means that row, also after "Pause all"."""
    driver.window.bottom.turn.click()
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    driver.drop(tmp_path / "a.txt", tmp_path / "b.txt")
    await until(lambda: len(driver.rows) == 2)
    driver.service.transfers.pause([driver.row("a.txt").id])
    await driver.has("a.txt", State.PAUSED)
    driver.click_row("a.txt")
    driver.click_link("a.txt", Action.RESUME)
    await driver.has("a.txt", State.STORED)

    assert driver.row("b.txt").state is State.PAUSED
    assert driver.window.bottom.turn.text() == "Resume all"
    driver.window.bottom.turn.click()
    await driver.has("b.txt", State.STORED)


async def test_the_pill_of_waiting_shows_what_is_paused(uploading):
    """It is counted behind "Waiting", not behind "Active"."""
    async with uploading() as (driver, hold):
        driver.window.bottom.turn.click()
        hold.release()
        await driver.has("big.bin", State.PAUSED)
        pills = [b for b in driver.page.findChildren(QPushButton) if b.objectName() == "pill"]
        texts = [pill.text() for pill in pills]
        QTest.mouseClick(pills[2], Qt.MouseButton.LeftButton)

        assert texts == ["All 1", "Active 0", "Waiting 1", "Failed 0", "Stored 0", "History"]
        assert driver.index("big.bin").isValid()


async def test_the_menu_offers_the_one_that_makes_sense(uploading):
    """What runs can be paused, not resumed; what is stored neither."""
    async with uploading() as (driver, hold):
        menu = await driver.menu("big.bin")
        running = [entry(menu, words).isEnabled() for words in ("Pause", "Resume")]
        menu.close()
        hold.release()
        await driver.has("big.bin", State.STORED)
        menu = await driver.menu("big.bin")
        ended = [entry(menu, words).isEnabled() for words in ("Pause", "Resume")]
        menu.close()

    assert (running, ended) == ([True, False], [False, False])


async def test_what_was_sent_is_counted_while_it_is_held(opened, s3_server, tmp_path):
    """The bar of the drop falls, at a pause and after it, at most to the parts that the store has."""
    (tmp_path / "big.bin").write_bytes(os.urandom(22 * MIB))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", path=r"\.bin$", nth=4, times=99))
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            driver.drop(tmp_path / "big.bin")
            await until(hold.reached.is_set)
            await until(lambda: driver.rows and driver.row("big.bin").done >= 15 * MIB)
            seen = [driver.batches[0].fraction]
            driver.window.bottom.turn.click()
            hold.release()
            await driver.has("big.bin", State.PAUSED)
            seen.append(driver.batches[0].fraction)
            second, summary = (
                driver.index("big.bin").data(Role.SECOND),
                driver.window.summary.text(),
            )
            driver.window.bottom.turn.click()
            while driver.row("big.bin").state is not State.STORED:
                seen.append(driver.batches[0].fraction)
                await anyio.sleep(0.01)

    assert min(seen) >= 15 / 22
    assert second.endswith(" of 23.1 MB")
    assert summary == f"1 paused · {second}"
