"""A drop that is larger than one may have meant: the window asks, and nothing is sent before the answer."""

from __future__ import annotations

import os

import pytest
from PySide6.QtWidgets import QPushButton

from hashdrop.transfers.events import State
from hashdrop.transfers.holding import LARGE_DROP
from hashdrop.transfers.holding import AskAbove
from hashdrop_gui.dialogs.large_drop import LargeDropQuestion
from hashdrop_gui.models.speed import SpeedLog
from support.fault_proxy import FaultProxy
from support.window import until


@pytest.fixture
def many(tmp_path):
    """A folder of 1,200 files, and one file of 40 kB."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1_200):
        (folder / f"{number:04}.txt").write_text(f"{number:>20}")
    (tmp_path / "first.bin").write_bytes(os.urandom(40_000))
    return folder


async def asked(driver) -> LargeDropQuestion:
    return await until(lambda: driver.window.findChild(LargeDropQuestion))


async def answer(driver, question: LargeDropQuestion, words: str) -> None:
    next(one for one in question.findChildren(QPushButton) if one.text() == words).click()
    await until(lambda: not driver.window.findChild(LargeDropQuestion))


async def test_it_is_asked_while_it_is_counted_and_nothing_is_sent(opened, s3_server, bucket, many):
    """The rows are there, the count grows, and with the answer all of it is stored."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            driver.service.large_drop = AskAbove(files=300, size=10**9)
            before = proxy.count("PutObject") + proxy.count("HeadObject")
            driver.drop(many)
            question = await asked(driver)
            first = question.text()
            await until(lambda: not question.text().startswith("Counting…"))

            assert first.startswith("Counting… ")
            assert question.text() == f"Store 1,200 files · 24 kB in s3://{bucket}/raw/?"
            assert "is not known" in question.informativeText()
            assert len(driver.rows) == 1_200
            assert {row.state for row in driver.rows} == {State.QUEUED}
            assert proxy.count("PutObject") + proxy.count("HeadObject") == before
            await answer(driver, question, "Upload")
            await driver.ended(1_200, 120)
    assert len(s3_server.objects(bucket)) == 1_200


async def test_a_drop_that_was_not_meant_leaves_nothing(driver, s3_server, bucket, many):
    """Escape is no: the list is as before, and what was dropped before goes on."""
    driver.service.large_drop = AskAbove(files=300, size=10**9)
    driver.drop(many.parent / "first.bin")
    await driver.ended(1)
    driver.drop(many)
    question = await asked(driver)
    question.reject()
    await until(lambda: len(driver.batches) == 1)

    assert [row.name for row in driver.rows] == ["first.bin"]
    assert driver.window.model.rowCount() == 2
    assert driver.window.summary.text() == "1 stored"
    assert (driver.service.transfers.active_count, len(s3_server.objects(bucket))) == (0, 1)


async def test_the_time_is_estimated_of_what_was_sent(driver, many):
    """After an upload the question says about how long it takes."""
    driver.drop(many.parent / "first.bin")
    await driver.ended(1)
    driver.service.large_drop = AskAbove(files=300, size=10**9)
    driver.drop(many)
    question = await asked(driver)
    await until(lambda: question.text().startswith("Store "))
    text = question.informativeText()
    question.reject()

    assert text.startswith("It takes about ")
    assert "at the speed of the last minutes" in text


def test_larger_files_are_estimated_by_bytes_and_smaller_ones_by_number():
    """10 files of 100 bytes in ten seconds: 100 bytes and one file a second."""
    log = SpeedLog(lambda: 0.0)
    assert log.estimate_s(5, 5) is None
    log._sent.extend([100] * 10)
    log._stored.extend([1] * 10)

    assert log.estimate_s(1, 1000) == 10
    assert log.estimate_s(50, 50) == 50


def test_a_large_drop_is_what_the_issue_says():
    """More than 10,000 files or 50 GB."""
    assert not LARGE_DROP.is_passed(10_000, 50 * 10**9)
    assert LARGE_DROP.is_passed(10_001, 0)
    assert LARGE_DROP.is_passed(1, 50 * 10**9 + 1)
