"""Files got out of the store from the page: downloaded, opened, dragged; each with its hash."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QFileDialog

from hashdrop_gui.widgets.work_strip import WorkStrip
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import entry
from support.window import until

if TYPE_CHECKING:
    from support.window import Driver

MIB = 2**20


@pytest.fixture
async def listed(two_stored) -> Driver:
    """A window on the page of pointers, `a.csv` and `b.csv` in it."""
    two_stored.window.show_page(1)
    await until(lambda: len(two_stored.pointer_names) == 2)
    return two_stored


def select(driver, name: str) -> None:
    driver.pointers.view.selectRow(driver.pointer_names.index(name))


def strip(driver) -> WorkStrip:
    return driver.pointers.findChildren(WorkStrip)[-1]


async def ended(driver) -> None:
    await until(lambda: driver.pointers.findChildren(WorkStrip) and strip(driver).has_ended)


async def dialog(driver) -> QFileDialog:
    entry(driver.pointers.menu, "Download…").trigger()
    return await until(lambda: driver.pointers.findChild(QFileDialog))


async def test_one_file_is_downloaded_under_a_name_of_ones_own(listed, tmp_path):
    """The dialog proposes the file's; what is written is verified, and can be shown in its folder."""
    select(listed, "a.csv")
    asked = await dialog(listed)
    proposed = Path(asked.selectedFiles()[0]).name
    mode = asked.acceptMode()
    asked.fileSelected.emit(str(tmp_path / "mine.csv"))
    asked.close()
    await ended(listed)

    assert (tmp_path / "mine.csv").read_bytes() == b"a.csv"
    assert proposed == "a.csv"
    assert mode is QFileDialog.AcceptMode.AcceptSave
    assert strip(listed).label.text() == "Downloaded mine.csv: its hash fits"
    assert strip(listed).action.text() == "Show in folder"


async def test_many_are_downloaded_into_a_folder(listed, tmp_path):
    """Each under its name."""
    folder = tmp_path / "out"
    folder.mkdir()
    listed.pointers.view.selectAll()
    asked = await dialog(listed)
    mode = asked.fileMode()
    asked.fileSelected.emit(str(folder))
    asked.close()
    await ended(listed)

    assert mode is QFileDialog.FileMode.Directory
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        "a.csv": b"a.csv",
        "b.csv": b"b.csv",
    }
    assert strip(listed).label.text() == "Downloaded 2 files, each with its hash"


async def test_what_is_in_the_folder_already_stays_and_that_is_said(driver, tmp_path):
    """Also below a folder of its own; what has the same bytes is not doubled."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / "run" / "deep").mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / "deep" / name).write_text(name)
    driver.drop(tmp_path / "run")
    await driver.ended(2)
    driver.window.show_page(1)
    await until(lambda: len(driver.pointer_names) == 2)
    folder = tmp_path / "out"
    (folder / "run" / "deep").mkdir(parents=True)
    (folder / "run" / "deep" / "a.csv").write_text("of mine")
    (folder / "run" / "deep" / "b.csv").write_text("b.csv")
    driver.pointers.view.selectAll()
    asked = await dialog(driver)
    asked.fileSelected.emit(str(folder))
    asked.close()
    await ended(driver)

    assert {str(one.relative_to(folder)): one.read_text() for one in folder.rglob("*.csv")} == {
        "run/deep/a.csv": "of mine",
        "run/deep/a (2).csv": "a.csv",
        "run/deep/b.csv": "b.csv",
    }
    assert strip(driver).label.text() == (
        "Downloaded 2 files, each with its hash; 1 with a number behind the name: another file had it"
    )


async def test_other_bytes_than_the_hash_are_refused(listed, tmp_path, s3_server, bucket):
    """Said in words; no file is left."""
    key = f"raw/{hashlib.sha256(b'a.csv').hexdigest()}.csv"
    s3_server.plain.put_object(Bucket=bucket, Key=key, Body=b"other")
    select(listed, "a.csv")
    folder = tmp_path / "out"
    folder.mkdir()
    asked = await dialog(listed)
    asked.fileSelected.emit(str(folder / "a.csv"))
    asked.close()
    await ended(listed)

    assert "do not fit the content hash" in strip(listed).label.text()
    assert not (folder / "a.csv").exists()


async def test_a_download_is_cancelled_and_goes_on_the_next_time(opened, s3_server, tmp_path):
    """Nothing has the file's name before it is whole; its bar moves meanwhile."""
    content = os.urandom(12 * MIB)
    (tmp_path / "big.bin").write_bytes(content)
    folder = tmp_path / "out"
    folder.mkdir()
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            driver.drop(tmp_path / "big.bin")
            await driver.ended(1)
            driver.window.show_page(1)
            await until(lambda: driver.pointer_names)
            select(driver, "big.bin")
            hold = proxy.add(Rule.hold("GetObject", times=1))
            asked = await dialog(driver)
            asked.fileSelected.emit(str(folder / "big.bin"))
            asked.close()
            await until(hold.reached.is_set)
            strip(driver).cancel.click()
            hold.release()
            await ended(driver)
            said, there = strip(driver).label.text(), (folder / "big.bin").exists()
            asked = await dialog(driver)
            asked.fileSelected.emit(str(folder / "big.bin"))
            asked.close()
            await until((folder / "big.bin").exists)

    assert said.startswith("Cancelled")
    assert not there
    assert (folder / "big.bin").read_bytes() == content


async def test_files_are_opened_with_the_systems_programs(listed, desktop):
    """A copy that is verified; a second time it is there already."""
    select(listed, "b.csv")
    entry(listed.pointers.menu, "Open").trigger()
    await until(lambda: desktop.paths)
    entry(listed.pointers.menu, "Open").trigger()
    await until(lambda: len(desktop.paths) == 2)

    assert desktop.paths[0] == desktop.paths[1]
    assert desktop.paths[0].name == "b.csv"
    assert desktop.paths[0].read_bytes() == b"b.csv"


async def test_without_a_temporary_folder_nothing_is_opened_and_that_is_said(
    listed, desktop, tmp_path, monkeypatch
):
    """Nor does a copy land in the folder that the program was started in; with room it is opened."""
    started_in = tmp_path / "started-in"
    started_in.mkdir()
    monkeypatch.chdir(started_in)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    select(listed, "b.csv")
    entry(listed.pointers.menu, "Open").trigger()
    await until(listed.window.banner.isVisible)
    said = listed.window.banner.text
    (tmp_path / "none").mkdir()
    entry(listed.pointers.menu, "Open").trigger()
    await until(lambda: desktop.paths)

    assert "There is no temporary folder for it." in said
    assert desktop.paths[0].is_relative_to(tmp_path / "none")
    assert list(started_in.iterdir()) == []


async def test_no_temporary_folder_is_made_before_one_is_needed(opened, tmp_path, monkeypatch):
    """A window that is killed would leave it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    async with opened():
        assert list((tmp_path / "temporary").iterdir()) == []


async def test_what_another_program_changed_is_opened_anew(listed, desktop):
    """What is opened, or dragged, has its hash: not what was written into the copy meanwhile."""
    select(listed, "b.csv")
    entry(listed.pointers.menu, "Open").trigger()
    await until(lambda: desktop.paths)
    desktop.paths[0].write_bytes(b"edited in an office program")
    entry(listed.pointers.menu, "Open").trigger()
    await until(lambda: len(desktop.paths) == 2)

    assert desktop.paths[1].name == "b.csv"
    assert desktop.paths[1].read_bytes() == b"b.csv"
    assert desktop.paths[0].read_bytes() == b"edited in an office program"


async def test_a_download_is_shown_in_its_folder(listed, desktop, tmp_path, monkeypatch):
    """From the strip and from the menu; the menu says so where nothing was downloaded."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    select(listed, "a.csv")
    menu = listed.pointers.menu
    menu.aboutToShow.emit()
    before = [a.text() for a in menu.actions() if a.text().startswith("Show in folder")]
    folder = tmp_path / "out"
    folder.mkdir()
    asked = await dialog(listed)
    asked.fileSelected.emit(str(folder / "a.csv"))
    asked.close()
    await ended(listed)
    strip(listed).action.click()
    menu.aboutToShow.emit()
    entry(menu, "Show in folder").trigger()

    assert before == ["Show in folder (download first)"]
    assert desktop.paths == [folder, folder]
