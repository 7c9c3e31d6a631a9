"""What can be done with a row: copy, cancel, retry; by link, menu and key."""

from __future__ import annotations

import hashlib
import json

import anyio
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from hashdrop.transfers.events import State
from hashdrop_gui.delegates.transfer_row import Action
from support.window import CTRL
from support.window import entry
from support.window import until

MIB = 2**20


def key_of(data: bytes, extension: str) -> str:
    return f"raw/{hashlib.sha256(data).hexdigest()}{extension}"


@pytest.fixture
async def stored(two_stored):
    """Two stored files, and a clipboard that holds something else."""
    QGuiApplication.clipboard().setText("before")
    return two_stored


async def test_the_path_is_copied_by_the_link_in_the_row(stored):
    """A click on "Copy" puts the content-hash path on the clipboard and says so."""
    stored.click_row("a.csv")
    stored.click_link("a.csv", Action.COPY)

    assert key_of(b"a.csv", ".csv") == stored.clipboard
    assert stored.window.summary.text() == "Copied path"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Copy path", "{key}"),
        ("Copy S3 URI", "s3://{bucket}/{key}"),
    ],
)
async def test_paths_and_uris_are_copied_by_the_menu(stored, bucket, words, expected):
    """The menu of a row copies what its words say."""
    menu = await stored.menu("b.csv")
    await stored.choose(menu, words)

    assert expected.format(bucket=bucket, key=key_of(b"b.csv", ".csv")) == stored.clipboard


async def test_the_pointer_is_copied_as_json_by_a_double_click(stored, bucket):
    """Bucket, key, hash and size: what a notebook needs to load it."""
    stored.double_click_row("a.csv")
    copied = json.loads(stored.clipboard)

    assert (bucket, key_of(b"a.csv", ".csv"), hashlib.sha256(b"a.csv").hexdigest(), 5) == (
        copied["bucket"],
        copied["key"],
        copied["content_hash"],
        copied["content_size"],
    )
    assert stored.window.summary.text() == "Copied pointer JSON"


async def test_many_paths_are_copied_by_the_keyboard_one_a_line(stored):
    """Ctrl+C copies the selected rows in the order of the list."""
    stored.select("b.csv", "a.csv")
    QTest.keyClick(stored.view, Qt.Key.Key_C, CTRL)

    assert [key_of(b"a.csv", ".csv"), key_of(b"b.csv", ".csv")] == stored.clipboard.split("\n")
    assert stored.window.summary.text() == "Copied 2 paths"


async def test_a_selected_drop_copies_the_paths_of_all_its_files(stored):
    """Ctrl+C on the row of a drop, open or closed, is like the same with all of its rows selected."""
    batch = stored.batches[0]
    for is_open in (True, False):
        stored.window.transfers.view.model().set_open(batch, is_open=is_open)
        index = stored.view.model().index(stored.view.model().row_of_batch(batch), 0)
        rect = stored.view.visualRect(index)
        point = QPoint(rect.left() + 120, rect.center().y())
        QGuiApplication.clipboard().clear()
        QTest.mouseClick(stored.view.viewport(), Qt.MouseButton.LeftButton, pos=point)
        QTest.keyClick(stored.view, Qt.Key.Key_C, CTRL)

        copied = stored.clipboard.split("\n")
        assert copied == [row.key for row in batch.files if row.key]


async def test_the_menu_offers_only_what_can_be_done(stored):
    """What is stored can be copied, not cancelled and not retried."""
    menu = await stored.menu("a.csv")
    offered = {action.text(): action.isEnabled() for action in menu.actions() if action.text()}
    menu.close()

    assert (
        offered["Copy path"],
        offered["Cancel"],
        offered["Retry"],
    ) == (True, False, False)


async def cancel_by_key(driver):
    driver.click_row("big.bin")
    QTest.keyClick(driver.view, Qt.Key.Key_Delete)


async def cancel_by_link(driver):
    driver.click_row("big.bin")
    driver.click_link("big.bin", Action.CANCEL)


async def cancel_by_menu(driver):
    await driver.choose(await driver.menu("big.bin"), "Cancel")


async def cancel_by_button(driver):
    button = next(b for b in driver.window.findChildren(QPushButton) if b.text() == "Cancel all")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    "cancel", [cancel_by_key, cancel_by_link, cancel_by_menu, cancel_by_button]
)
async def test_a_cancelled_row_leaves_nothing_behind(uploading, s3_server, bucket, cancel):
    """By key, link, menu or button: no object and no multipart upload are left, and the row says so."""
    async with uploading() as (driver, hold):
        assert [key[:4] for key in s3_server.open_uploads(bucket)] == ["raw/"]
        await cancel(driver)
        await anyio.sleep(0.1)
        hold.release()
        await driver.has("big.bin", State.CANCELLED)

        assert driver.words("big.bin") == "Cancelled"
        assert driver.window.summary.text() == "1 cancelled"
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


async def test_a_cancelled_row_is_retried_by_its_link(uploading, s3_server, bucket):
    """Retry stores the same file in the same row."""
    async with uploading() as (driver, hold):
        await cancel_by_key(driver)
        hold.release()
        await driver.has("big.bin", State.CANCELLED)
        driver.click_link("big.bin", Action.RETRY)
        await driver.has("big.bin", State.STORED)

        assert len(driver.rows) == 1
    assert list(s3_server.objects(bucket).values()) == [12 * MIB]


async def test_the_pills_show_only_rows_in_their_state(stored, tmp_path):
    """The pill “Failed 0” hides what is stored, “Stored 2” shows it."""
    pills = {
        button.text(): button
        for button in stored.page.findChildren(QPushButton)
        if button.objectName() == "pill"
    }

    QTest.mouseClick(pills["Failed 0"], Qt.MouseButton.LeftButton)
    hidden = stored.view.model().rowCount()
    QTest.mouseClick(pills["Stored 2"], Qt.MouseButton.LeftButton)

    assert (hidden, stored.view.model().rowCount()) == (0, 3)  # a batch and its two files
    assert stored.index("a.csv").isValid()


async def test_the_menu_of_an_unfinished_row_offers_cancel_and_its_path(uploading):
    """The path can be copied while the file is still on its way."""
    async with uploading() as (driver, hold):
        await until(lambda: driver.row("big.bin").key)
        menu = await driver.menu("big.bin")
        offered = {words: entry(menu, words).isEnabled() for words in ("Copy path", "Cancel")}
        menu.close()
        hold.release()

    assert offered == {"Copy path": True, "Cancel": True}
