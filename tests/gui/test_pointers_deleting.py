"""Names and objects deleted from the page: asked before, told, taken back where the store can."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import anyio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from hashdrop_gui.actions.pointers_deleting import Deleting
from hashdrop_gui.dialogs.deleting import DeletingDialog
from hashdrop_gui.widgets.work_strip import WorkStrip
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.pointer_rows import stored_names
from support.window import entry
from support.window import until

if TYPE_CHECKING:
    from support.window import Driver


def key_of(name: str) -> str:
    return f"raw/{hashlib.sha256(name.encode()).hexdigest()}.csv"


@pytest.fixture
async def listed(two_stored) -> Driver:
    """A window on the page of pointers, `a.csv` and `b.csv` in it."""
    two_stored.window.show_page(1)
    await until(lambda: len(two_stored.pointer_names) == 2)
    return two_stored


async def asked(driver, name: str) -> DeletingDialog:
    view = driver.pointers.view
    view.selectRow(driver.pointer_names.index(name))
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Delete)
    return await until(lambda: driver.pointers.findChild(DeletingDialog))


def strip(driver) -> WorkStrip:
    return driver.pointers.findChildren(WorkStrip)[-1]


async def test_only_the_name_goes_unless_one_wants_more(listed, s3_server, bucket):
    """The object stays; the deletion is undone with a button."""
    dialog = await asked(listed, "a.csv")
    chosen = dialog.names.isChecked()
    dialog.delete.click()
    await until(lambda: listed.pointer_names == ["b.csv"])
    await until(lambda: listed.pointers.findChildren(WorkStrip))
    said = strip(listed).label.text()
    there = key_of("a.csv") in s3_server.objects(bucket)
    strip(listed).action.click()
    await until(lambda: set(listed.pointer_names) == {"a.csv", "b.csv"})

    assert chosen
    assert said == "Deleted 1 name"
    assert there


async def test_what_else_names_an_object_is_told_before(listed, tmp_path, s3_server, bucket):
    """And that it cannot be brought back; the other name is marked as gone then."""
    (tmp_path / "copy.csv").write_text("a.csv")
    listed.window.show_page(0)
    listed.drop(tmp_path / "copy.csv")
    await listed.ended(3)
    listed.window.show_page(1)
    await until(lambda: len(listed.pointer_names) == 3)
    dialog = await asked(listed, "a.csv")
    meaning = dialog.meaning.text()
    dialog.objects.setChecked(True)
    dialog.delete.click()
    await until(lambda: key_of("a.csv") not in s3_server.objects(bucket))
    await until(lambda: "a.csv" not in listed.pointer_names)
    await until(
        lambda: (
            [row.gone_at for row in listed.pointers.model.rows if row.name == "copy.csv"] != [None]
        )
    )

    assert "is also named copy.csv (lab, today)" in meaning
    assert "cannot be brought back" in meaning
    assert strip(listed).label.text() == "Deleted 1 name and 1 object"
    assert strip(listed).action.isHidden()


async def test_an_object_in_a_bucket_with_versions_is_brought_back(listed, s3_server, bucket):
    """Its name, too."""
    s3_server.plain.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    dialog = await asked(listed, "b.csv")
    meaning = dialog.meaning.text()
    dialog.objects.setChecked(True)
    dialog.delete.click()
    await until(lambda: listed.pointer_names == ["a.csv"])
    gone = key_of("b.csv") not in s3_server.objects(bucket)
    await until(lambda: listed.pointers.findChildren(WorkStrip))
    strip(listed).action.click()
    await until(lambda: set(listed.pointer_names) == {"a.csv", "b.csv"})

    assert "it can be undone" in meaning
    assert gone
    assert key_of("b.csv") in s3_server.objects(bucket)


async def test_nothing_is_deleted_by_cancel(listed, s3_server, bucket):
    """Return is Cancel, too."""
    dialog = await asked(listed, "a.csv")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    await until(lambda: not listed.pointers.findChild(DeletingDialog))

    assert len(listed.pointer_names) == 2
    assert key_of("a.csv") in s3_server.objects(bucket)


async def test_what_is_brought_back_twice_is_brought_back_once(listed):
    """A double click on Undo: nothing goes wrong, and each name is there once."""
    dialog = await asked(listed, "a.csv")
    dialog.delete.click()
    await until(lambda: listed.pointer_names == ["b.csv"])
    await until(lambda: listed.pointers.findChildren(WorkStrip) and strip(listed).has_ended)
    strip(listed).action.click()
    strip(listed).action.click()
    await until(lambda: set(listed.pointer_names) == {"a.csv", "b.csv"})
    await anyio.sleep(0.3)

    assert len(listed.pointer_names) == 2
    assert not listed.window.banner.isVisible()


async def test_deletions_are_taken_back_one_after_the_other(listed):
    """Also when the line with the button has given way to another one: until the program ends."""
    for name in ("a.csv", "b.csv"):
        listed.pointers.view.selectRow(listed.pointer_names.index(name))
        entry(listed.pointers.menu, "Delete…").trigger()
        dialog = await until(lambda: listed.pointers.findChild(DeletingDialog))
        dialog.delete.click()
        await until(lambda one=name: one not in listed.pointer_names)
        await until(lambda: not listed.pointers.findChild(DeletingDialog))
        await until(lambda: strip(listed).has_ended)
    shown = [one for one in listed.pointers.findChildren(WorkStrip) if one.has_ended]
    undo = next(one for one in listed.pointers.actions() if one.text().startswith("Undo"))
    undo.trigger()
    await until(lambda: listed.pointer_names == ["b.csv"])
    undo.trigger()
    await until(lambda: set(listed.pointer_names) == {"a.csv", "b.csv"})
    await until(lambda: not undo.isEnabled())

    assert len(shown) == 1


async def test_how_far_many_names_are_back_is_shown(driver, monkeypatch):
    """10,000 take some seconds, in which nothing was said."""
    catalog = await driver.service.catalog()
    await catalog.record_many(stored_names(600))
    driver.window.show_page(1)
    await until(lambda: driver.pointer_names)
    deletion = await driver.service.stored.delete(
        await driver.service.stored.search(limit=600), objects=False
    )
    driver.pointers.reload()
    await until(lambda: not driver.pointer_names)
    said, told = [], []
    driver.pointers.told.connect(told.append)
    monkeypatch.setattr(WorkStrip, "tell", lambda _, *what: said.append(what))
    driver.pointers.findChild(Deleting).undo()
    await until(lambda: told and driver.pointer_names)

    assert deletion.names
    assert said == [(f"Bringing back: {count} of 600", count / 600) for count in (250, 500, 600)]
    assert told == ["Brought back"]
    await until(lambda: driver.pointers.findChild(WorkStrip) is None)


async def test_it_is_asked_once_however_often_the_key_is_pressed(listed):
    view = listed.pointers.view
    view.selectRow(0)
    view.setFocus()
    for _ in range(3):
        QTest.keyClick(view, Qt.Key.Key_Delete)
    await until(lambda: listed.pointers.findChild(DeletingDialog))
    await anyio.sleep(0.3)

    assert len(listed.pointers.findChildren(DeletingDialog)) == 1


async def test_the_deletion_of_many_objects_is_shown_and_can_be_cancelled(
    opened, s3_server, bucket, tmp_path
):
    """What was deleted until then is, with its names; the others stay, with theirs."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number:02}.txt").write_text(str(number))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            driver.drop(folder)
            await driver.ended(24)
            driver.window.show_page(1)
            await until(lambda: len(driver.pointer_names) == 24)
            driver.pointers.view.selectAll()
            entry(driver.pointers.menu, "Delete…").trigger()
            dialog = await until(lambda: driver.pointers.findChild(DeletingDialog))
            dialog.objects.setChecked(True)
            hold = proxy.add(Rule.hold("DeleteObject", times=4))
            dialog.delete.click()
            await until(hold.reached.is_set)
            said = strip(driver).label.text()
            strip(driver).cancel.click()
            hold.release()
            await until(lambda: strip(driver).has_ended)
            ended = strip(driver).label.text()
            left = len(s3_server.objects(bucket))
            await until(lambda: len(driver.pointer_names) == left)
            gone = [row.gone_at for row in await driver.service.stored.search()]

    assert said == "Deleting: 0 of 24"
    assert ended.startswith("Cancelled. Deleted ")
    assert 0 < left < 24
    assert gone == [None] * left
