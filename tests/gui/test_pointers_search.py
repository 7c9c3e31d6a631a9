"""The page of pointers: searched, sorted, paged; in the real window over the real catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton

from hashdrop.catalog.rows import SortBy
from hashdrop.errors import CatalogError
from hashdrop_gui.dialogs.naming import NameDialog
from hashdrop_gui.models.pointers import Column
from hashdrop_gui.pages import feed
from hashdrop_gui.widgets.work_strip import WorkStrip
from support.pointer_rows import fill
from support.pointer_rows import stored_names
from support.storage_checks import heartbeat
from support.window import CTRL
from support.window import LEFT
from support.window import type_into
from support.window import until

if TYPE_CHECKING:
    from support.window import Driver

LIMIT_S = 0.05


@pytest.fixture
async def filled(driver) -> Driver:
    """A window on the page of pointers, with 1,000 names in its catalog."""
    catalog = await driver.service._catalog.opened()
    await catalog.record_many(stored_names(1_000))
    driver.window.show_page(1)
    await until(lambda: len(driver.pointer_names) == 200)
    return driver


async def searched(driver, text: str, count: int) -> list[str]:
    driver.pointers.set_search(text)
    await until(lambda: len(driver.pointer_names) == count and not driver.pointers.feed.is_asking)
    return driver.pointer_names


def click_title(driver, column: Column) -> None:
    header = driver.pointers.view.horizontalHeader()
    x = header.sectionViewportPosition(column) + 20
    no = Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(header.viewport(), LEFT, no, QPoint(x, header.height() // 2))


async def test_words_and_filters_narrow_the_list(filled):
    """Words are parts of the name; filters go by tag, type and size."""
    by_name = await searched(filled, "scan_0192", 1)
    by_tag = await searched(filled, "tag:run=7", 100)
    fitting = [
        one.name
        for one in reversed(stored_names(1_000))
        if one.tags == {"run": "7"}
        and one.pointer.content_type == "image/tiff"
        and one.pointer.content_size < 500_000
    ]
    by_all = await searched(filled, "tag:run=7 type:image size:<500kb", len(fitting))

    assert by_name == ["scan_0192.tiff"]
    assert by_tag == [one.name for one in reversed(stored_names(1_000)) if one.tags["run"] == "7"]
    assert by_all == fitting
    assert 0 < len(fitting) < 34


async def test_a_wrong_filter_is_told_and_the_list_stays(filled):
    """In words below the field; it goes away with the mistake."""
    filled.pointers.set_search("size:>lots")
    await until(filled.pointers.fault.isVisible)
    words = filled.pointers.fault.text()
    rows = len(filled.pointer_names)
    await searched(filled, "size:>999mb scan_0192", 0)

    assert "“>lots” is no size" in words or "“lots” is no size" in words
    assert rows == 200
    assert not filled.pointers.fault.isVisible()


async def test_a_search_without_results_says_so(filled):
    """And offers to clear it, in the field and on the page."""
    await searched(filled, "no such name", 0)
    await until(filled.pointers.nothing_fits.isVisible)
    said = " ".join(label.text() for label in filled.pointers.nothing_fits.findChildren(QLabel))
    picked = []
    filled.pointers.search_picked.connect(picked.append)
    filled.pointers.nothing_fits.findChild(QPushButton).click()

    assert "no such name" in said
    assert picked == [""]
    await searched(filled, "", 200)
    assert filled.pointers.view.isVisible()


async def test_only_the_last_of_several_searches_is_shown(filled):
    """What one typed on the way is not asked for; an answer that comes late is dropped."""
    asked = []
    search = filled.service.stored.search

    async def slow(filters, *args, **more):
        asked.append(filters.words)
        rows = await search(filters, *args, **more)
        if filters.words == ("scan_0",):
            await anyio.sleep(0.3)
        return rows

    filled.service.stored.search = slow
    for text in ("s", "sc", "scan", "scan_0"):
        filled.pointers.set_search(text)
    await until(lambda: asked)
    filled.pointers.set_search("scan_0001")
    await until(lambda: len(asked) == 2)
    await anyio.sleep(0.5)

    assert asked == [("scan_0",), ("scan_0001",)]
    assert filled.pointer_names == ["scan_0001.tiff"]


@pytest.mark.parametrize(
    ("column", "by"),
    [
        (Column.NAME, SortBy.NAME),
        (Column.HASH, SortBy.HASH),
        (Column.SIZE, SortBy.SIZE),
        (Column.STORED, SortBy.STORED),
    ],
)
async def test_a_click_on_a_title_sorts(filled, column, by):
    """Upwards, and downwards with a second click; all rows, not those on the page."""
    model = filled.pointers.model
    click_title(filled, column)
    await until(lambda: filled.pointers._order.by is by and not filled.pointers.feed.is_asking)
    first = filled.pointers._order.descending, [value(row, by) for row in model.rows]
    click_title(filled, column)
    await until(lambda: filled.pointers._order.descending is not first[0])
    await until(lambda: not filled.pointers.feed.is_asking)
    second = [value(row, by) for row in model.rows]
    everything = sorted(value(one, by) for one in stored_names(1_000))

    assert first[1] == sorted(first[1], reverse=first[0])
    assert second == sorted(second, reverse=not first[0])
    assert {first[1][0], second[0]} == {everything[0], everything[-1]}
    title = model.headerData(column, Qt.Orientation.Horizontal)
    assert title[-1] == ("▴" if first[0] else "▾")


def value(row, by):
    if by is SortBy.NAME:
        return row.name
    pointer = row.pointer
    return {
        SortBy.HASH: pointer.content_hash,
        SortBy.SIZE: pointer.content_size,
        SortBy.STORED: row.stored_at,
    }[by]


async def test_pages_follow_as_one_scrolls(filled):
    """To the last row, each once, in the order of the catalog."""
    bar = filled.pointers.view.verticalScrollBar()

    def at_the_end() -> bool:
        bar.setValue(bar.maximum())
        return filled.pointers.model.is_complete

    await until(at_the_end)
    names = filled.pointer_names

    assert len(names) == 1_000
    assert names == [one.name for one in reversed(stored_names(1_000))]


async def test_what_is_new_joins_a_list_in_another_order(filled):
    """Sorted by name: a name that is stored meanwhile appears in its place, the selection stays."""
    filled.pointers.sort(SortBy.NAME, descending=False)
    await until(lambda: filled.pointer_names[0] == "scan_0000.tiff")
    filled.pointers.view.selectRow(5)
    catalog = await filled.service._catalog.opened()
    extra = stored_names(1_001)[-1]
    await catalog.record(extra.pointer, name="scan_0003b.tiff", folder="", connection="lab")
    filled.pointers.refresh()
    await until(lambda: "scan_0003b.tiff" in filled.pointer_names)

    assert filled.pointer_names[3:6] == ["scan_0003.tiff", "scan_0003b.tiff", "scan_0004.tiff"]
    assert [row.name for row in filled.pointers.selected()] == ["scan_0005.tiff"]


async def test_a_search_is_saved_picked_and_deleted(opened, filled):
    """Under a name, over a restart."""
    page = filled.pointers
    await searched(filled, "tag:run=7", 100)
    page.saved.fill()
    save = next(a for a in page.saved.menu().actions() if a.text() == "Save this search…")
    save.trigger()
    dialog = await until(lambda: page.findChild(NameDialog))
    type_into(dialog.field, "Run seven")
    dialog.take.click()
    await until(lambda: filled.service.preferences.saved_searches)
    kept = dict(filled.service.preferences.saved_searches)
    page.saved.fill()
    entry = next(a for a in page.saved.menu().actions() if a.text() == "Run seven")
    picked = []
    page.search_picked.connect(picked.append)
    entry.trigger()
    async with opened() as second:
        second.pointers.saved.fill()
        listed = [a.text() for a in second.pointers.saved.menu().actions()]
        second.pointers.saved.delete_requested.emit("Run seven")
        await until(lambda: not second.service.preferences.saved_searches)

    assert kept == {"Run seven": "tag:run=7"}
    assert picked == ["tag:run=7"]
    assert "Run seven" in listed


@pytest.mark.parametrize("count", [1_000, 450])
async def test_all_are_selected_also_those_that_are_not_loaded(driver, count):
    """Who then downloads or deletes them means all of them; said while it goes on, and when all are."""
    await (await driver.service._catalog.opened()).record_many(stored_names(count))
    driver.window.show_page(1)
    page = driver.pointers
    await until(lambda: page.model.rows)
    told = []
    page.told.connect(told.append)
    loaded = len(page.model.rows)
    QTest.keyClick(page.view, Qt.Key.Key_A, CTRL)
    await until(lambda: len(told) > 1)

    assert loaded == 200
    assert page.model.is_complete
    assert {row.name for row in page.selected()} == {one.name for one in stored_names(count)}
    assert told == ["Selecting all…", f"{count:,} files selected"]
    assert page.view.chosen_count() == count
    await until(lambda: page.details.title.text().startswith(f"{count:,} files"))


@pytest.mark.parametrize("by", ["key", "button"])
async def test_selecting_all_tells_how_far_it_is_and_can_be_cancelled(filled, monkeypatch, by):
    """What is selected stays so, and that it is not all is said."""
    monkeypatch.setattr(feed, "PAGE_OF_ALL", 100)
    page, told = filled.pointers, []
    page.told.connect(told.append)
    QTest.keyClick(page.view, Qt.Key.Key_A, CTRL)
    strip = await until(lambda: page.findChild(WorkStrip))
    words = strip.label.text()
    if by == "key":
        QTest.keyClick(page.view, Qt.Key.Key_Escape)
    else:
        QTest.mouseClick(strip.cancel, LEFT)
    await until(lambda: not page.feed.is_asking and page.findChild(WorkStrip) is None)
    count = page.view.chosen_count()

    assert words == "Selecting all: 300 files so far"
    assert 300 <= count < 1_000
    assert len(told) == 2
    assert told[1].endswith(" files selected. There are more.")
    page.model.more_wanted.emit()
    await until(lambda: not page.feed.is_asking)
    assert page.view.chosen_count() == count


async def test_another_search_ends_that_all_are_selected(filled, monkeypatch):
    """Its rows are no part of what was meant."""
    monkeypatch.setattr(feed, "PAGE_OF_ALL", 100)
    page = filled.pointers
    page.view.selectAll()
    await until(lambda: page.findChild(WorkStrip))
    await searched(filled, "scan_019", 10)
    await until(lambda: page.findChild(WorkStrip) is None)

    assert not page.view.takes_all
    assert page.view.chosen_count() < 10


async def test_another_selection_ends_that_all_are_selected(filled, monkeypatch):
    """One row is one row, whatever is on its way."""
    monkeypatch.setattr(feed, "PAGE_OF_ALL", 100)
    page = filled.pointers
    page.view.selectAll()
    row = page.view.visualRect(page.model.index(3, 0)).center()
    QTest.mouseClick(page.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, row)
    await anyio.sleep(0.3)
    await until(lambda: not page.feed.is_asking)
    page.model.more_wanted.emit()
    await until(lambda: not page.feed.is_asking)

    assert page.view.chosen_count() == 1
    assert page.findChild(WorkStrip) is None
    assert len(page.model.rows) < 1_000


async def test_a_page_that_cannot_be_read_ends_that_all_are_selected(filled, monkeypatch):
    """Said once; what was selected stays so."""
    page = filled.pointers
    asked = []

    async def refuse(*_, **__):
        asked.append(1)
        raise CatalogError("The catalog cannot be read.")

    monkeypatch.setattr(filled.service.stored, "search", refuse)
    page.view.selectAll()
    await until(lambda: "cannot be read" in filled.window.banner.text)
    await anyio.sleep(0.1)

    assert len(asked) == 1
    assert page.view.chosen_count() == 200
    assert not page.view.takes_all
    assert not page.feed.is_asking


@pytest.mark.alone
async def test_100_000_rows_are_scrolled_without_a_hold(driver):
    """Pages come while one scrolls to the end, sorts, and searches: never more than 50 ms at once."""
    await fill(await driver.service._catalog.opened(), 100_000)
    driver.window.show_page(1)
    await until(lambda: driver.pointer_names)
    bar, model = driver.pointers.view.verticalScrollBar(), driver.pointers.model

    def at_the_end() -> bool:
        bar.setValue(bar.maximum())
        return model.is_complete

    async with heartbeat() as down:
        await until(at_the_end, 100)
    rows = len(model.rows)
    async with heartbeat() as jump:
        for part in range(20):
            bar.setValue(bar.maximum() * (part * 7 % 20) // 20)
            await anyio.sleep(0.02)
    async with heartbeat() as other:
        driver.pointers.view.selectAll()
        await anyio.sleep(0.1)
        driver.pointers.sort(SortBy.NAME, descending=False)
        await until(lambda: len(model.rows) == 200)
        driver.pointers.view.selectAll()
        await until(lambda: model.is_complete)
        selected = driver.pointers.view.chosen_count()
        driver.pointers.sort(SortBy.SIZE, descending=True)
        await until(lambda: len(model.rows) == 200)
        driver.pointers.set_search("scan_05")
        await until(lambda: all("scan_05" in row.name for row in model.rows))
        await anyio.sleep(0.3)
    held = {"to the end": down.longest, "jumping": jump.longest, "anew": other.longest}

    assert rows == selected == 100_000
    assert {name: seconds for name, seconds in held.items() if seconds >= LIMIT_S} == {}
