"""Downloads from the window to a disk that is too small: said in its strip, and the others come."""

from __future__ import annotations

import os

import pytest
from PySide6.QtWidgets import QFileDialog

from hashdrop_gui.widgets.work_strip import WorkStrip
from support.tiny_disk import mounted
from support.window import entry
from support.window import until

MIB = 2**20


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk", "1m") as folder:
        yield folder


async def download(driver, target):
    """Choose where to in the dialog; returns what the strip says in the end."""
    entry(driver.pointers.menu, "Download…").trigger()
    asked = await until(lambda: driver.pointers.findChild(QFileDialog))
    asked.fileSelected.emit(str(target))
    asked.close()
    strip = await until(lambda: next(iter(driver.pointers.findChildren(WorkStrip)[::-1]), None))
    await until(lambda: strip.has_ended)
    return strip.label.text()


@pytest.mark.parametrize("chosen", ["one", "all"])
async def test_what_does_not_fit_is_said(opened, tmp_path, disk, chosen):
    (tmp_path / "big.bin").write_bytes(os.urandom(2 * MIB))
    (tmp_path / "small.txt").write_bytes(b"small")
    async with opened() as driver:
        driver.drop(tmp_path / "big.bin", tmp_path / "small.txt")
        await driver.ended(2)
        driver.window.show_page(1)
        await until(lambda: len(driver.pointer_names) == 2)
        if chosen == "all":
            driver.pointers.view.selectAll()
        else:
            driver.pointers.view.selectRow(driver.pointer_names.index("big.bin"))
        said = await download(driver, disk if chosen == "all" else disk / "big.bin")
    left = [path.name for path in disk.iterdir()]

    assert "“big.bin” does not fit on the disk" in said
    assert ("1 of 2 files were not downloaded. “big.bin” does not" in said) == (chosen == "all")
    assert ("Make room" in said) == (chosen == "one")
    assert left == (["small.txt"] if chosen == "all" else [])
