"""What became of earlier drops, in the window: found, exported, copied, taken away; there after a restart."""

from __future__ import annotations

import json
import subprocess

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QStyleOptionViewItem

from hashdrop.transfers.events import State
from hashdrop_gui.delegates.history_row import HistoryAction
from hashdrop_gui.models.history import HistoryRole
from hashdrop_gui.models.history import details_text
from hashdrop_gui.models.history import outcome_text
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import LEFT
from support.window import Driver
from support.window import export
from support.window import type_into
from support.window import until


def listed(driver: Driver) -> list[str]:
    model = driver.window.history.model
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def click(driver: Driver, row: int, action: HistoryAction) -> None:
    """Click on a link in a row of the history, found as the eye finds it."""
    page = driver.window.history
    index = page.model.index(row, 0)
    option = QStyleOptionViewItem()
    option.initFrom(page.view)
    option.rect = page.view.visualRect(index)
    for x in range(option.rect.left(), option.rect.right(), 3):
        point = QPoint(x, option.rect.top() + 40)
        if page.delegate.action_at(option, index.data(HistoryRole.DROP), point) is action:
            QTest.mouseClick(
                page.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, point + QPoint(6, 0)
            )
            return
    raise AssertionError(f"no link {action}")


def copied_keys(driver: Driver) -> set[str]:
    """Keys of the pointers on the clipboard, one JSON a line; none if something else is there."""
    text = driver.clipboard
    return (
        {json.loads(line)["key"] for line in text.splitlines()} if text.startswith("{") else set()
    )


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(name)
    return folder


async def test_a_drop_is_in_the_history_and_there_after_a_restart(
    opened, run, tmp_path, s3_server, bucket
):
    """With what became of it; the page is reached though the list is empty, and exports what it knows."""
    async with opened() as driver:
        assert not driver.page._pills.isVisible()
        driver.drop(run)
        await driver.ended(2)
    async with opened() as driver:
        await until(driver.page._pills.isVisible)
        pill = next(b for b in driver.page.findChildren(QPushButton) if b.text() == "History")
        QTest.mouseClick(pill, LEFT)
        await until(lambda: listed(driver) == ["run"])
        (drop,) = driver.window.history.model.drops
        click(driver, 0, HistoryAction.EXPORT)
        await export(driver, 2, tmp_path / "sums.sha256")
        checked = subprocess.run(
            ["sha256sum", "--strict", "-c", tmp_path / "sums.sha256"], cwd=tmp_path, check=False
        )
        click(driver, 0, HistoryAction.COPY)
        # What an earlier test copied may lie there still.
        await until(lambda: copied_keys(driver) == set(s3_server.objects(bucket)))

    assert outcome_text(drop) == "Stored"
    assert details_text(drop).endswith(" · 2 files · 10 bytes")
    assert drop.destination == f"s3://{bucket}/raw/"
    assert checked.returncode == 0


async def test_it_is_searched_from_the_top_bar(driver, run, tmp_path):
    """By the name of a file in it; without one that fits it says so."""
    (tmp_path / "single.txt").write_text("single")
    driver.drop(run)
    await driver.ended(2)
    driver.drop(tmp_path / "single.txt")
    await driver.ended(3)
    driver.press("History")
    await until(lambda: listed(driver) == ["single.txt", "run"])
    type_into(driver.window.search, "B.CSV")
    await until(lambda: listed(driver) == ["run"])
    type_into(driver.window.search, "nothing")
    await until(lambda: listed(driver) == [])

    assert driver.window.history.words.text() == "No drop has “nothing” in it."
    QTest.keyClick(driver.window.search, Qt.Key.Key_Escape)
    await until(lambda: len(listed(driver)) == 2)


async def test_what_failed_and_was_retried_is_told_as_it_ended(opened, s3_server, run):
    """Through a store that refuses one file once."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.answer("PutObject", 403, "AccessDenied", times=1))
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            driver.drop(run)
            await driver.ended(2)
            driver.press("History")
            await until(lambda: driver.window.history.model.drops)
            (before,) = driver.window.history.model.drops
            failed = [row.id for row in driver.rows if row.state is State.FAILED]
            driver.service.retry(failed)
            await until(lambda: all(row.state is State.STORED for row in driver.rows))
            await until(lambda: driver.window.history.model.drops[0].failed == 0)

            assert outcome_text(before) == "1 failed"
            assert [outcome_text(one) for one in driver.window.history.model.drops] == ["Stored"]


async def test_a_drop_is_taken_out_of_the_history(two_stored, s3_server, bucket):
    """Its row goes, what it stored stays; it is kept as long as the person says."""
    two_stored.press("History")
    await until(lambda: len(listed(two_stored)) == 1)
    click(two_stored, 0, HistoryAction.FORGET)
    await until(lambda: listed(two_stored) == [])
    days = next(a for a in two_stored.window.history._days.actions() if a.text() == "7 days")
    days.trigger()
    await until(lambda: two_stored.service.preferences.history_days == 7)

    assert len(s3_server.objects(bucket)) == 2
    await until(lambda: two_stored.window.history.kept.text() == "Kept for 7 days")


async def test_the_transfers_come_back_in_the_place_of_the_history(two_stored, tmp_path):
    """When they are asked for, and when some are dropped: nobody loses sight of them."""
    for shown_again in (
        lambda: two_stored.press("Transfers"),
        lambda: two_stored.drop(tmp_path / "more.txt"),
    ):
        (tmp_path / "more.txt").write_text("more")
        two_stored.press("History")
        await until(lambda: two_stored.window.transfers.shows_history)
        shown_again()
        await until(lambda: not two_stored.window.transfers.shows_history)
