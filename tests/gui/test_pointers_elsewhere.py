"""Rows of two computers' own stores, which have the same bucket and keys: what is done with both at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from hashdrop.catalog.rows import StoredName
from hashdrop_gui.dialogs.deleting import DeletingDialog
from hashdrop_gui.widgets.work_strip import WorkStrip
from support.window import drive
from support.window import entry
from support.window import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from support.window import Driver


@pytest.fixture
async def twins(qapp, paths, tmp_path) -> AsyncGenerator[Driver, None]:
    """A window on the store on this computer, with `own.csv` and, of another computer, `theirs.csv`."""
    async with drive(qapp, paths) as driver:
        await until(lambda: driver.service.status.state != "starting", 40)
        (tmp_path / "own.csv").write_bytes(b"the same")
        driver.drop(tmp_path / "own.csv")
        await driver.ended(1)
        (own,) = await driver.service.stored.search()
        name = StoredName(own.pointer, "theirs.csv", "", own.connection, {}, machine="another")
        await (await driver.service.catalog()).record_many([name])
        driver.window.show_page(1)
        await until(lambda: sorted(driver.pointer_names) == ["own.csv", "theirs.csv"])
        yield driver


def select(driver, name: str) -> None:
    driver.pointers.view.selectRow(driver.pointer_names.index(name))


def banner(driver) -> str:
    return driver.window.banner.text


async def test_both_are_verified_each_in_its_own_store(twins):
    """One has its hash, of the other it is said why it is not known; only the one is marked."""
    twins.pointers.view.selectAll()
    entry(twins.pointers.menu, "Verify now").trigger()
    await until(lambda: "have their hash" in twins.window.summary.text())
    said = twins.window.summary.text()
    await until(twins.window.banner.isVisible)
    rows = {row.name: row.verified_at is not None for row in await twins.service.stored.search()}

    assert said == "1 of 2 have their hash"
    assert "“theirs.csv” lies in a store that this computer does not reach" in banner(twins)
    assert rows == {"own.csv": True, "theirs.csv": False}


async def test_forms_with_an_endpoint_are_refused_the_others_are_copied(twins):
    """The endpoint of this computer's store would lead to another object."""
    twins.pointers.view.selectAll()
    menu = twins.pointers.menu
    twins.window.copy("before", "nothing")
    for words in ("aws s3 cp line", "Python with boto3", "Python with labox", "Markdown link"):
        twins.window.banner.hide()
        entry(entry(menu, "Copy as").menu(), words).trigger()
        await until(twins.window.banner.isVisible)
        assert "the computer “another” itself" in banner(twins)
    assert twins.clipboard == "before"
    entry(menu, "Copy S3 URI").trigger()
    await until(lambda: twins.clipboard.startswith("s3://"))
    assert len(set(twins.clipboard.splitlines())) == 1


async def test_what_was_opened_here_is_not_opened_for_theirs(twins, desktop, tmp_path):
    """Nor is it shown in the folder that one's own was downloaded to."""
    menu = twins.pointers.menu
    select(twins, "own.csv")
    entry(menu, "Open").trigger()
    await until(lambda: desktop.paths)
    select(twins, "theirs.csv")
    entry(menu, "Open").trigger()
    await until(
        lambda: any(
            "does not reach" in one.label.text() for one in twins.pointers.findChildren(WorkStrip)
        )
    )
    menu.aboutToShow.emit()
    shown = [one.text() for one in menu.actions() if one.text().startswith("Show in folder")]
    await anyio.sleep(0.3)  # the details are shown by then, with the loop running

    assert len(desktop.paths) == 1
    assert shown == ["Show in folder (download first)"]


async def test_of_both_only_ones_own_is_deleted(twins):
    """And it is said of the other why not."""
    twins.pointers.view.selectAll()
    entry(twins.pointers.menu, "Delete…").trigger()
    dialog: DeletingDialog = await until(lambda: twins.pointers.findChild(DeletingDialog))
    dialog.objects.setChecked(True)
    dialog.delete.click()
    await until(lambda: twins.pointer_names == ["theirs.csv"])
    await until(twins.window.banner.isVisible)

    assert "1 was not deleted. theirs.csv" in banner(twins)


async def test_an_address_selects_ones_own(twins):
    row = next(row for row in twins.pointers.model.rows if row.name == "own.csv")
    twins.pointers.bar.go_to.setText(row.pointer.uri)
    twins.pointers.bar.go_to.returnPressed.emit()
    await until(lambda: twins.pointers.search_text.startswith("key:"))
    await until(lambda: not twins.pointers.feed.is_asking)
    await anyio.sleep(0.3)  # the details are shown by then, with the loop running

    assert [row.name for row in twins.pointers.selected()] == ["own.csv"]
