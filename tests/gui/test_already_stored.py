"""“Already stored” says under which name and when, where the catalog knows it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import anyio
import pytest

from hashdrop.transfers.events import State
from hashdrop_gui.models.transfers import Role
from hashdrop_gui.models.wording import day_text
from support.window import until


def second_line(driver, name: str) -> str:
    return driver.index(name).data(Role.SECOND)


async def test_the_first_of_many_names_is_told(driver, paths, tmp_path):
    """With the day on which it was stored, not that of a later name."""
    for name in ("first.csv", "second.csv", "third.csv"):
        (tmp_path / name).write_text("same")
    for number, name in enumerate(("first.csv", "second.csv"), 1):
        driver.drop(tmp_path / name)
        await driver.ended(number)
    with sqlite3.connect(paths.catalog_file) as database:
        database.execute(
            "UPDATE hashdrop_names SET stored_at = '2025-11-03 12:00:00' WHERE name = 'first.csv'"
        )
    driver.drop(tmp_path / "third.csv")
    await driver.has("third.csv", State.ALREADY_STORED)
    await until(lambda: driver.row("third.csv").earlier_name)

    assert second_line(driver, "third.csv") == "4 bytes · as “first.csv”, 3 Nov 2025"


async def test_what_the_catalog_does_not_know_is_not_made_up(driver, s3_server, bucket, tmp_path):
    """Somebody else stored it: the name that this drop notes is no earlier one."""
    (tmp_path / "b.txt").write_text("others")
    other = f"raw/{hashlib.sha256(b'others').hexdigest()}.txt"
    s3_server.plain.put_object(Bucket=bucket, Key=other, Body=b"others", ContentType="text/plain")
    driver.drop(tmp_path / "b.txt")
    await driver.has("b.txt", State.ALREADY_STORED)
    await until(lambda: not driver.window._earlier_names._asking)
    await anyio.sleep(0.2)

    assert second_line(driver, "b.txt") == "6 bytes · nothing was sent"


async def test_many_are_asked_for_together(driver, tmp_path):
    """A folder that is dropped again: each row has its name, with few questions."""
    folder = tmp_path / "run"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.bin").write_bytes(os.urandom(20))
    driver.drop(folder)
    await driver.ended(60)
    asked = []
    ask = driver.service.first_names

    async def counted(pointers):
        asked.append(len(pointers))
        return await ask(pointers)

    driver.service.first_names = counted
    folder.rename(tmp_path / "again")
    driver.drop(tmp_path / "again")
    await driver.ended(120)
    await until(lambda: all(row.earlier_name for row in driver.batches[0].files))

    assert sum(asked) == 60
    assert len(asked) < 20
    assert all(row.earlier_name == row.name for row in driver.batches[0].files)


@pytest.mark.parametrize(("days", "form"), [(0, "today"), (800, "d MMM yyyy")])
def test_a_day_is_told_as_people_say_it(qapp, days, form):
    """Today is no date, and another year is told."""
    moment = datetime.now(UTC) - timedelta(days=days)
    said = day_text(moment)

    assert (said == "today") if form == "today" else said.endswith(str(moment.year))
