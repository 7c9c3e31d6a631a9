"""Closing the window: it asks while uploads run, and leaves nothing of them behind."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QMessageBox

from hashdrop.service import Service
from hashdrop.transfers.events import State
from hashdrop_gui.actions.coming_back import ComingBack
from hashdrop_gui.app import _serve
from hashdrop_gui.main_window import MainWindow
from hashdrop_gui.models.timed_pause import Pause
from hashdrop_gui.models.wording import time_text
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import Driver
from support.window import until

MIB = 2**20


@pytest.fixture
def program(qapp, paths, to_bucket):
    """The program's own main, with its window; `code` is set when it has returned."""

    @asynccontextmanager
    async def run(**changes):
        ended = []

        async def main():
            ended.append(await _serve(qapp, paths, to_bucket(**changes), (), []))

        async with anyio.create_task_group() as group:
            group.start_soon(main)
            found = await until(
                lambda: [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
            )
            driver = Driver(found[0])
            await until(lambda: driver.service.status.state == "ready")
            yield driver, ended
            with anyio.fail_after(30):
                while not ended:
                    await anyio.sleep(0.01)

    return run


@pytest.fixture
def big(tmp_path):
    (tmp_path / "big.bin").write_bytes(os.urandom(12 * MIB))
    return tmp_path / "big.bin"


@pytest.fixture
def asked(program, s3_server, big):
    """The program, asked to close while `big.bin` is held on its way: driver, exit codes, the hold."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", times=99))

        @asynccontextmanager
        async def run():
            async with program(endpoint_url=proxy.endpoint_url) as (driver, ended):
                driver.drop(big)
                await until(hold.reached.is_set)
                driver.window.close()
                await until(lambda: question(driver))
                yield driver, ended, hold

        yield run


def stored_parts(proxy) -> int:
    """Parts that the store has and has said so."""
    return sum(one.operation == "UploadPart" and one.status == 200 for one in proxy.requests)


def question(driver) -> QMessageBox | None:
    return driver.window.findChild(QMessageBox, "confirmQuit")


def answer(driver, words: str) -> None:
    button = next(one for one in question(driver).buttons() if one.text() == words)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def test_an_idle_window_closes_without_a_question(program):
    """Nothing runs, nothing is asked; the program returns 0."""
    async with program() as (driver, ended):
        driver.window.close()

        assert question(driver) is None
    assert ended == [0]
    assert [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)] == []


async def test_stay_goes_on_with_the_uploads(asked, s3_server, bucket):
    """The question names what runs; "Stay" keeps the window and the upload ends stored."""
    async with asked() as (driver, ended, hold):
        text = question(driver).text()
        default = question(driver).defaultButton().text()
        answer(driver, "Stay")
        await until(lambda: not question(driver))
        visible = driver.window.isVisible()
        hold.release()
        await driver.has("big.bin", State.STORED)
        driver.window.close()

    assert text == "1 upload is not finished."
    assert default == "Stay"
    assert visible
    assert ended == [0]
    assert list(s3_server.objects(bucket).values()) == [12 * MIB]


async def test_cancel_and_quit_leaves_nothing(program, s3_server, bucket, big):
    """The upload is cancelled, the program ends, and the store holds no object and no open upload."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", times=99))
        async with program(endpoint_url=proxy.endpoint_url) as (driver, ended):
            driver.drop(big)
            await until(hold.reached.is_set)
            assert len(s3_server.open_uploads(bucket)) == 1
            driver.window.close()
            await until(lambda: question(driver))
            answer(driver, "Cancel uploads and quit")
            await anyio.sleep(0.1)
            hold.release()

    assert ended == [0]
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


async def test_what_is_kept_goes_on_at_the_next_start(program, s3_server, bucket, big):
    """The parts that were sent are not sent again, and the next window says what it goes on with."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", nth=3, times=99))
        async with program(endpoint_url=proxy.endpoint_url) as (driver, ended):
            driver.drop(big)
            await until(hold.reached.is_set)
            await until(lambda: stored_parts(proxy) == 2)
            driver.window.close()
            await until(lambda: question(driver))
            answer(driver, "Quit and go on next time")
            hold.release()
        begun = s3_server.open_uploads(bucket)
        proxy.clear()
        before = len(proxy.requests)
        async with program(endpoint_url=proxy.endpoint_url) as (driver, again):
            await until(lambda: driver.rows)
            said = driver.window.summary.text()
            shown = driver.window.banner.isVisible()
            await driver.has("big.bin", State.STORED)
            driver.window.close()
        sent = [r for r in proxy.requests[before:] if r.operation == "UploadPart"]

    assert (ended, again) == ([0], [0])
    assert len(begun) == 1
    assert (said, shown) == ("Going on with 1 file from last time", False)
    assert len(sent) <= 1  # the third one may have arrived while the program ended
    assert list(s3_server.objects(bucket).values()) == [12 * MIB]
    assert s3_server.open_uploads(bucket) == []


async def test_after_a_crash_the_window_says_so(asked, program, paths):
    """Nobody chose to leave: the queue comes back, with a sentence."""
    async with asked() as (driver, _, hold):
        answer(driver, "Quit and go on next time")
        hold.release()
    paths.kept_queue.unlink()  # what a kill would not have left
    async with program() as (driver, _):
        await until(driver.window.banner.isVisible)
        said = driver.window.banner.text
        await driver.has("big.bin", State.STORED)
        await until(lambda: driver.window.banner.text != said)
        ended, news = driver.window.banner.text, driver.window.findChild(ComingBack)._news
        assert news.isActive()
        news.timeout.emit()
        hidden = driver.window.banner.isHidden()
        driver.window.close()

    assert said == f"{ended} Uploading goes on."
    assert ended == "Hashdrop ended before everything was stored. 1 file came back."
    assert hidden


async def test_what_came_back_is_no_news_when_something_else_is_dropped(program, tmp_path):
    """Nor when what was paused goes on."""
    (tmp_path / "a.txt").write_text("a")
    for again in ("resumed", "dropped"):
        async with program() as (driver, _):
            driver.window.holding.pause_all()
            driver.drop(tmp_path / "a.txt")
            await until(lambda: driver.rows and driver.batches[0].scanned)
            await quit_and_keep(driver)
        async with program() as (driver, _):
            banner = driver.window.banner
            await until(banner.isVisible)
            await driver.has("a.txt", State.PAUSED)
            if again == "dropped":
                (tmp_path / "b.txt").write_text("b")
                driver.drop(tmp_path / "b.txt")
                await until(banner.isHidden)
            driver.window.holding.resume_all()
            await driver.has("a.txt", State.STORED)
            await until(banner.isHidden)
            driver.window.close()
        (tmp_path / "a.txt").write_text("other")


async def test_what_came_back_before_it_was_said_and_was_stored_at_once_is_no_news(
    program, tmp_path, monkeypatch
):
    """All of it between two looks at the list."""
    (tmp_path / "a.txt").write_text("a")
    async with program() as (driver, _):
        driver.window.holding.pause_all()
        driver.drop(tmp_path / "a.txt")
        await until(lambda: driver.rows and driver.batches[0].scanned)
        await quit_and_keep(driver)
    restore = Service.restore

    async def late(service) -> int:
        count = await restore(service)
        await anyio.sleep(0.5)
        return count

    monkeypatch.setattr(Service, "restore", late)
    async with program() as (driver, _):
        await until(driver.window.banner.isVisible)
        driver.window.bridge._timer.setInterval(1_500)
        driver.window.holding.resume_all()
        await driver.has("a.txt", State.STORED)
        await until(driver.window.banner.isHidden)
        driver.window.close()


async def test_what_comes_back_paused_is_not_said_to_go_on(program, tmp_path):
    """All was paused when the person left: nothing moves, and the window says why."""
    (tmp_path / "a.txt").write_text("a")
    async with program() as (driver, _):
        driver.window.holding.pause_all()
        driver.drop(tmp_path / "a.txt")
        await until(lambda: driver.rows and driver.batches[0].scanned)
        driver.window.close()
        await until(lambda: question(driver))
        answer(driver, "Quit and go on next time")
    async with program() as (driver, _):
        await until(driver.window.banner.isVisible)
        said = driver.window.banner.text
        await driver.has("a.txt", State.PAUSED)
        driver.window.close()
        await until(lambda: question(driver))
        answer(driver, "Cancel uploads and quit")

    assert said == "1 file came back from last time. All of it is paused."


async def test_a_timed_pause_is_kept_for_the_next_start(program, tmp_path):
    """With its end; a start behind that goes on."""
    (tmp_path / "a.txt").write_text("a")
    async with program() as (driver, _):
        driver.window.holding.pause_for(Pause.HOUR)
        until_then = driver.window.holding.timed_pause.until
        driver.drop(tmp_path / "a.txt")
        await until(lambda: driver.rows and driver.batches[0].scanned)
        await until(lambda: driver.service.preferences.paused_until)
        await quit_and_keep(driver)
    async with program() as (driver, _):
        await until(driver.window.banner.isVisible)
        said = driver.window.banner.text
        await driver.has("a.txt", State.QUEUED)  # told some ticks after the banner
        until_still = driver.window.holding.timed_pause.until
        buttons = driver.window.bottom.limit.text(), driver.window.bottom.turn.text()
        await driver.service.prefer(paused_until=until_then - timedelta(hours=2))
        await quit_and_keep(driver)
    async with program() as (driver, _):
        await driver.has("a.txt", State.STORED)
        await until(lambda: driver.service.preferences.paused_until is None)
        driver.window.close()

    when = time_text(until_then)
    assert said == f"1 file came back from last time. All is paused until {when}."
    assert until_still == until_then
    assert buttons == (f"Paused until {when}", "Resume all")


async def quit_and_keep(driver) -> None:
    driver.window.close()
    await until(lambda: question(driver))
    answer(driver, "Quit and go on next time")


async def test_a_failure_that_comes_back_is_no_crash(program, tmp_path):
    """The window was closed in order; what had failed is tried again."""
    (tmp_path / "a.txt").write_text("a")
    async with program(bucket="no-such-bucket") as (driver, _):
        driver.drop(tmp_path / "a.txt")
        await driver.has("a.txt", State.FAILED)
        driver.window.close()
    async with program(bucket="no-such-bucket") as (driver, _):
        await until(lambda: driver.rows)
        said = driver.window.summary.text()
        shown = driver.window.banner.isVisible()
        await driver.has("a.txt", State.FAILED)
        driver.window.close()

    assert (said, shown) == ("Going on with 1 file from last time", False)


async def test_the_question_is_asked_once(program, s3_server, big):
    """Closing twice shows one question, not two."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", times=99))
        async with program(endpoint_url=proxy.endpoint_url) as (driver, _):
            driver.drop(big)
            await until(hold.reached.is_set)
            driver.window.close()
            driver.window.close()
            asked = len(driver.window.findChildren(QMessageBox, "confirmQuit"))
            hold.release()
            answer(driver, "Cancel uploads and quit")

    assert asked == 1
