"""A store or a disk without room: told once, whatever the number of files, with the way on."""

from __future__ import annotations

import os

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from hashdrop.errors import CatalogFull
from hashdrop.transfers.events import State
from hashdrop_gui.actions.full_disk import FullDisk
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.full_journal import fill_journal
from support.full_journal import make_room
from support.window import until

MIB = 2**20


@pytest.fixture
def proxy(s3_server):
    with FaultProxy.to(s3_server.endpoint_url) as one:
        yield one


@pytest.fixture
def three(tmp_path):
    paths = [tmp_path / name for name in ("a.bin", "b.bin", "c.bin")]
    for path in paths:
        path.write_bytes(os.urandom(1_000_000))
    return paths


def press(button) -> None:
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def full_for(driver, proxy, paths):
    """Drop files into a store without room; returns what the banner says of all of them."""
    proxy.add(Rule.answer("PutObject", 507, "InsufficientStorage", times=999))
    driver.drop(*paths)
    await driver.ended(len(paths))
    banner = driver.window.banner
    await until(lambda: banner.isVisible() and f"{len(paths)} files" in banner.text)
    return banner


async def test_a_store_without_room_is_told_once_and_all_are_retried(
    opened, proxy, s3_server, bucket, three
):
    """It comes back where there is still no room, and is gone when the retries succeed."""
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        banner = await full_for(driver, proxy, three)
        said, words, again = banner.text, banner.action.text(), []
        banner.said.connect(again.append)
        press(banner.action)
        await until(lambda: again)
        await until(lambda: banner.isVisible() and banner.text == said)
        proxy.clear()
        press(banner.action)
        await until(lambda: all(row.state is State.STORED for row in driver.rows))
        await until(banner.isHidden)

    assert said == (
        f"The store has no room left for “{bucket}”: 3 files, 3.0 MB. Delete there what is not needed, "
        "or ask its owner for more room. Then retry."
    )
    assert words == "Retry all"
    assert len(s3_server.objects(bucket)) == 3


async def test_it_counts_what_is_left(opened, proxy, three):
    """What is taken off the list is not wanted any more; of one file its row says it all."""
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        banner = await full_for(driver, proxy, three)
        driver.window.batches.remove([driver.row("a.bin")])
        await until(lambda: "2 files, 2.0 MB" in banner.text)
        two = banner.isVisible()
        driver.window.batches.remove([driver.row("b.bin")])
        await until(banner.isHidden)

    assert two


async def test_a_message_that_was_put_away_stays_away(opened, proxy, three):
    """Until all of it was retried."""
    async with opened(endpoint_url=proxy.endpoint_url) as driver:
        banner = await full_for(driver, proxy, three[:2])
        banner._close.click()
        driver.drop(three[2])
        await driver.ended(3)
        await until(lambda: len(driver.window.findChild(FullDisk)._sizes) == 3)
        hidden = banner.isHidden()
        driver.service.retry([row.id for row in driver.rows])
        await until(banner.isVisible)

    assert hidden


async def test_a_disk_without_room_for_the_journal_is_told_so(driver, tmp_path):
    """Nothing large is sent that nobody would know of after a crash."""
    paths = [tmp_path / name for name in ("a.bin", "b.bin")]
    for path in paths:
        path.write_bytes(os.urandom(12 * MIB))
    journal = driver.service.transfers._journal
    fill_journal(journal)
    driver.drop(*paths)
    await driver.ended(2)
    banner = driver.window.banner
    await until(lambda: "2 files" in banner.text)
    said = banner.text
    errors = [row.error for row in driver.rows]
    make_room(journal)
    press(banner.action)
    await until(lambda: all(row.state is State.STORED for row in driver.rows))
    await until(banner.isHidden)

    assert said == (
        "This computer's disk has no room to note what is stored: 2 files, 25.2 MB. "
        "Make room, then retry."
    )
    assert {type(error) for error in errors} == {CatalogFull}
