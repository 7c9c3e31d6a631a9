"""The bandwidth limit, the pause that ends by itself, and the plot of the speed."""

from __future__ import annotations

import os
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import anyio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from hashdrop.pointer import StoredPointer
from hashdrop.settings import load_settings
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop_gui.dialogs.limit import LimitDialog
from hashdrop_gui.models.speed import SpeedLog
from hashdrop_gui.models.timed_pause import Pause
from hashdrop_gui.models.transfers import Role
from support.window import entry
from support.window import until

MIB = 2**20
POINTER = StoredPointer("b", "k", "0" * 64, 1000, "text/plain")


async def choose(driver, words: str) -> None:
    """Choose an entry of the limit's menu, opened by its button."""
    button = driver.window.bottom.limit
    entry(button.menu(), words).trigger()
    await anyio.sleep(0)


async def own_limit(driver, megabytes: float) -> None:
    await choose(driver, "Other limit…")
    dialog = await until(lambda: driver.window.findChild(LimitDialog))
    dialog.field.setValue(megabytes)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    await until(lambda: not driver.window.findChild(LimitDialog))


async def test_a_limit_holds_what_runs_and_is_lifted_while_it_runs(driver, tmp_path):
    """Ten kilobytes a second would take ten minutes; without the limit it is stored at once."""
    await own_limit(driver, 0.01)
    (tmp_path / "big.bin").write_bytes(os.urandom(6 * MIB))
    driver.drop(tmp_path / "big.bin")
    await driver.has("big.bin", State.UPLOADING)
    await anyio.sleep(1.0)
    held = driver.row("big.bin")
    state, said = held.state, driver.window.bottom.limit.text()
    await choose(driver, "No limit")
    await driver.has("big.bin", State.STORED)

    assert (state, said) == (State.UPLOADING, "Limit: 0.01 MB/s")
    assert driver.window.bottom.limit.text() == "Limit: none"


async def test_a_limit_is_kept_for_the_next_start(opened, paths):
    """It is in the settings, and the next window has it from its first byte on."""
    async with opened() as driver:
        await choose(driver, "5 MB/s")
        rate = driver.service.throttle.rate
        await until(lambda: load_settings(paths.settings_file).preferences.limit_bytes_per_s)
    async with opened() as driver:
        again = driver.service.throttle.rate, driver.window.bottom.limit.text()
        checked = entry(driver.window.bottom.limit.menu(), "5 MB/s").isChecked()
        await choose(driver, "No limit")
        await until(lambda: not load_settings(paths.settings_file).preferences.limit_bytes_per_s)

    assert (rate, *again, checked) == (5e6, 5e6, "Limit: 5 MB/s", True)


async def test_an_own_limit_can_be_left_alone(driver):
    """Escape changes nothing, and the menu still marks what is so."""
    await choose(driver, "Other limit…")
    dialog = await until(lambda: driver.window.findChild(LimitDialog))
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    await until(lambda: not driver.window.findChild(LimitDialog))

    assert driver.service.throttle.rate is None
    assert entry(driver.window.bottom.limit.menu(), "No limit").isChecked()


async def test_a_timed_pause_ends_by_the_clock(driver, tmp_path):
    """Nothing starts before; when the time has come all goes on by itself."""
    clock = [datetime.now().astimezone()]
    driver.window.holding.timed_pause.now = lambda: clock[0]
    await choose(driver, "Pause for 15 minutes")
    said = driver.window.bottom.limit.text()
    (tmp_path / "a.txt").write_text("a")
    driver.drop(tmp_path / "a.txt")
    await driver.has("a.txt", State.QUEUED)
    clock[0] += timedelta(minutes=14, seconds=59)
    await anyio.sleep(1.5)  # it looks once a second
    early, row = driver.row("a.txt").state, driver.index("a.txt").data(Role.SECOND)
    clock[0] += timedelta(seconds=2)
    await driver.has("a.txt", State.STORED)

    assert said.startswith("Paused until ")
    assert early is State.QUEUED
    assert row == f"all is paused until {said.removeprefix('Paused until ')} · 1 byte"
    assert driver.window.bottom.limit.text() == "Limit: none"
    assert driver.window.bottom.turn.text() == "Pause all"


async def test_the_end_of_a_timed_pause_leaves_what_was_paused_by_itself(driver, tmp_path):
    """Only "Resume all", pressed by the person, goes on with that too."""
    clock = [datetime.now().astimezone()]
    driver.window.holding.timed_pause.now = lambda: clock[0]
    for name in ("own.bin", "other.bin"):
        (tmp_path / name).write_bytes(os.urandom(6 * MIB))
    driver.service.throttle.change(1000)
    driver.drop(tmp_path / "own.bin", tmp_path / "other.bin")
    await until(lambda: len(driver.rows) == 2)
    driver.service.transfers.pause([driver.row("own.bin").id])
    await driver.has("own.bin", State.PAUSED)
    await choose(driver, "Pause for 15 minutes")
    await driver.has("other.bin", State.PAUSED)
    driver.service.throttle.change(None)
    clock[0] += timedelta(minutes=16)
    await driver.has("other.bin", State.STORED)

    assert driver.row("own.bin").state is State.PAUSED

    driver.window.holding.resume_all()
    await driver.has("own.bin", State.STORED)


async def test_a_timed_pause_is_ended_by_the_button(driver):
    """Whoever resumes before is not paused or resumed by the clock later."""
    await choose(driver, "Pause for 1 hour")
    paused = driver.service.transfers.is_paused
    driver.window.bottom.turn.click()

    assert paused
    assert not driver.service.transfers.is_paused
    assert driver.window.holding.timed_pause.until is None


@pytest.mark.parametrize(
    ("pause", "ends"),
    [
        (Pause.QUARTER, datetime(2026, 11, 24, 23, 15, tzinfo=UTC)),
        (Pause.HOUR, datetime(2026, 11, 25, 0, 0, tzinfo=UTC)),
        (Pause.TOMORROW, datetime(2026, 11, 25, 8, 0, tzinfo=UTC)),
    ],
)
async def test_each_pause_ends_when_its_words_say(driver, pause, ends):
    """Also over midnight."""
    driver.window.holding.timed_pause.now = lambda: datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    driver.window.holding.timed_pause.begin(pause)

    assert ends == driver.window.holding.timed_pause.until


async def test_the_plot_shows_what_was_sent(driver, tmp_path):
    """Nothing before the first byte; afterwards the seconds' bytes are those of the file."""
    plot = driver.window.bottom.plot
    before = plot.points, plot.accessibleName()
    (tmp_path / "big.bin").write_bytes(os.urandom(12 * MIB))
    driver.drop(tmp_path / "big.bin")
    await driver.ended(1)
    await until(lambda: sum(driver.window.speed.samples) == 12 * MIB)  # the last second is over
    await until(lambda: plot.points and max(plot.points) > 0)

    assert before == ([], "Nothing was sent in the last 3 minutes")
    assert plot.accessibleName().startswith("Speed of the last 3 minutes: now ")


def test_the_speed_is_that_of_the_last_seconds():
    """What was sent in an earlier run, or twice, is counted as what it is."""
    now = [100.0]
    log = SpeedLog(lambda: now[0])
    log.take([Uploading(1, 500, 1000), Uploading(1, 700, 1000)])  # 500 were there already
    now[0] = 101.0
    log.take([Uploading(1, 600, 1000), Uploading(1, 800, 1000)])  # a part is sent again
    now[0] = 102.0
    log.take([Stored(1, POINTER, 500, 2.0, verified=True), Stored(2, POINTER, 7, 0.1, True)])
    now[0] = 103.0
    log.take([Paused(3)])

    assert log.samples[-3:] == [200, 200, 107]
    assert log.rate == pytest.approx(507 / 3)
    now[0] = 400.0
    log.take([])
    assert log.is_silent
    assert log.rate == 0
