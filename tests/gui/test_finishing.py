"""The end of a batch and of all: one notification each, and what was wanted after the last upload.

The offscreen desktop has no tray and shows no notification: what is tested is all that stands behind them; the rest is in
tests/end_to_end/test_tray.py.
"""

from __future__ import annotations

import hashlib
import json

import pytest
from PySide6.QtGui import QGuiApplication

from hashdrop.settings import load_settings
from hashdrop.transfers.events import State
from hashdrop_gui.desktop.tray import tray_picture
from hashdrop_gui.models.transfers import Role
from hashdrop_gui.theme import LIGHT
from support.window import entry
from support.window import until


@pytest.fixture
def notices(driver):
    """A window in the background, and the notifications it sends."""
    told = []
    tray = driver.window.tray
    send = tray.notify

    def notify(batch, title, text):
        told.append((batch, title, text))
        send(batch, title, text)

    tray.notify = notify
    driver.window.finishing._is_watched = lambda: False
    return told


def made(folder, *names):
    for name in names:
        (folder / name).write_text(name)
    return [folder / name for name in names]


async def test_each_batch_is_told_once_when_it_ends(driver, notices, tmp_path):
    """Two drops, two notifications, whatever the number of files."""
    driver.drop(*made(tmp_path, "a.txt", "b.txt", "c.txt"))
    await driver.ended(3)
    await until(lambda: len(notices) == 1)
    driver.drop(*made(tmp_path, "d.txt"))
    await driver.ended(4)
    await until(lambda: len(notices) == 2)

    assert [title for _, title, _ in notices] == ["3 files stored", "d.txt stored"]
    assert notices[0][2] == "15 bytes · 3 stored"


async def test_a_click_on_a_notification_opens_its_batch(driver, notices, tmp_path):
    """The window comes forward, on the page of transfers, with the batch chosen, whatever was filtered."""
    driver.drop(*made(tmp_path, "a.txt"))
    await driver.ended(1)
    await until(lambda: notices)
    driver.drop(*made(tmp_path, "b.txt", "c.txt"))
    await driver.ended(3)
    await until(lambda: len(notices) == 2)
    driver.window.show_page(1)
    driver.page._pills.choose(3)  # failed: nothing is shown
    driver.window.hide()
    driver.window.tray.click_notice()
    chosen = driver.view.currentIndex().data(Role.ROW)

    assert driver.window.isVisible()
    assert driver.window._pages.currentWidget() is driver.page
    assert chosen.number == notices[1][0]
    assert [row.name for row in chosen.files] == ["b.txt", "c.txt"]


async def test_a_failure_is_in_the_title(opened, tmp_path):
    """Nobody is told "stored" of what is not."""
    async with opened(bucket="no-such-bucket") as driver:
        driver.window.finishing._is_watched = lambda: False
        driver.drop(*made(tmp_path, "a.txt"))
        await driver.has("a.txt", State.FAILED)
        await until(lambda: driver.window.tray.notice[0])

        assert driver.window.tray.notice == ("a.txt failed", "1 file · 5 bytes · 1 failed")


async def test_whoever_looks_at_the_list_gets_no_notification(driver, tmp_path):
    """The row itself says it; on another page, or behind another window, it is told."""
    await until(driver.window.isActiveWindow)
    driver.drop(*made(tmp_path, "a.txt"))
    await driver.ended(1)
    await until(lambda: driver.window.summary.text() == "1 stored")
    watched = driver.window.tray.notice
    driver.drop(*made(tmp_path, "b.txt"))
    driver.window.show_page(1)
    await driver.ended(2)
    await until(lambda: driver.window.tray.notice[0])

    assert watched == ("", "")
    assert driver.window.tray.notice[0] == "b.txt stored"


async def test_the_pointers_are_copied_after_the_last_upload(driver, bucket, paths, tmp_path):
    """All of them, one a line, when the last is stored; the choice is kept."""
    choose_after(driver, "Copy the pointers")
    QGuiApplication.clipboard().setText("before")
    driver.drop(*made(tmp_path, "a.txt", "b.txt"))
    await driver.ended(2)
    await until(lambda: driver.clipboard != "before")
    copied = [json.loads(line) for line in driver.clipboard.splitlines()]

    assert {(one["bucket"], one["content_hash"]) for one in copied} == {
        (bucket, hashlib.sha256(name.encode()).hexdigest()) for name in ("a.txt", "b.txt")
    }
    await until(lambda: load_settings(paths.settings_file).preferences.copies_pointers)


async def test_the_window_quits_after_the_last_upload(driver, tmp_path):
    """It was wanted, and all is stored."""
    choose_after(driver, "Quit")
    driver.drop(*made(tmp_path, "a.txt", "b.txt"))
    await until(driver.window.closed.is_set)

    assert [row.state for row in driver.rows] == [State.STORED, State.STORED]


async def test_the_window_stays_where_something_failed(opened, tmp_path):
    """A failure needs the person."""
    async with opened(bucket="no-such-bucket") as driver:
        choose_after(driver, "Quit")
        driver.drop(*made(tmp_path, "a.txt"))
        await driver.has("a.txt", State.FAILED)
        await until(lambda: driver.window.summary.text().startswith("Hashdrop stays open"))

        assert not driver.window.closed.is_set()


async def test_the_window_stays_where_something_could_not_be_read(driver, tmp_path):
    """A person who finds it gone would take all of it for stored."""
    choose_after(driver, "Quit")
    driver.drop(*made(tmp_path, "a.txt"), tmp_path / "gone.txt")
    await driver.has("a.txt", State.STORED)
    await until(lambda: driver.window.summary.text().startswith("Hashdrop stays open"))

    assert not driver.window.closed.is_set()


def choose_after(driver, words):
    entry(driver.window.bottom.more.after_last, words).trigger()


async def test_the_tray_says_how_it_stands_and_does_what_it_offers(driver, tmp_path):
    """Its menu pauses, resumes, opens and quits; its tooltip is the bottom line and the percentage."""
    tray = driver.window.tray
    idle = tray.tooltip
    entry(tray.menu, "Pause all").trigger()
    paused = driver.service.transfers.is_paused
    driver.drop(*made(tmp_path, "a.txt"))
    await driver.has("a.txt", State.QUEUED)
    held = tray.tooltip
    entry(tray.menu, "Resume all").trigger()
    await driver.ended(1)
    driver.window.hide()
    entry(tray.menu, "Open Hashdrop").trigger()
    visible = driver.window.isVisible()
    entry(tray.menu, "Quit").trigger()

    assert idle == "Hashdrop: Ready"
    assert paused
    assert held == "Hashdrop: 1 paused · 0 of 5 bytes · 0 %"
    assert visible
    assert driver.window.closed.is_set()


def test_the_trays_icon_shows_progress_and_pause(qapp):
    """Three states, three pictures; more done is more of the bar."""

    def bar(fraction):
        picture = tray_picture(fraction, LIGHT).toImage()
        return sum(
            picture.pixelColor(x, 57).name().upper() == LIGHT.stored for x in range(picture.width())
        )

    idle, running, paused = (
        tray_picture(*one[:1], LIGHT, paused=one[1]).toImage()
        for one in ((None, False), (0.5, False), (0.5, True))
    )

    assert bar(0.2) < bar(0.5) < bar(1.0)
    assert idle != running
    assert running != paused
