"""The header over the list: sorted by a click, wider by a drag, hidden by the menu, kept for the next start."""

from __future__ import annotations

import tomllib

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.columns import Column
from hashdrop_gui.models.transfers import Role
from support.window import LEFT
from support.window import entry
from support.window import until


def title(driver, words: str) -> QPushButton:
    """A title that is shown, by its first word."""
    return next(
        button
        for button in driver.page.header.findChildren(QPushButton)
        if button.isVisible() and button.text().startswith(words)
    )


def files(driver) -> list[str]:
    model = driver.window.model
    return [model.index(row, 0).data(Role.ROW).name for row in range(1, model.rowCount())]


@pytest.fixture
async def three(driver, tmp_path):
    """A stored batch of three files of different sizes."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name, size in (("b.csv", 30), ("a.csv", 2000), ("c.csv", 700)):
        (folder / name).write_bytes(name.encode() * size)
    driver.drop(folder)
    await driver.ended(3)
    return driver


async def test_a_click_on_a_title_sorts_the_files_below_their_batch(three):
    """Upward, downward, and then as they came; the selected file stays selected."""
    three.click_row("c.csv")
    three.page.header.menu().actions()[list(Column).index(Column.SIZE)].trigger()
    seen = []
    for _ in range(3):
        QTest.mouseClick(title(three, "Size"), LEFT)
        seen.append(files(three))
        assert [row.name for row in three.page.selected()] == ["c.csv"]

    assert seen == [
        ["b.csv", "c.csv", "a.csv"],
        ["a.csv", "c.csv", "b.csv"],
        ["a.csv", "b.csv", "c.csv"],
    ]


async def test_a_file_that_is_stored_moves_to_where_it_belongs(three, tmp_path):
    """Sorted by state, what failed stands below what is stored, though it came first."""
    QTest.mouseClick(title(three, "State"), LEFT)
    (tmp_path / "run" / "a.csv").chmod(0)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.csv").symlink_to("nowhere")
    for name in ("b.csv", "new.csv"):
        (tmp_path / "more" / name).write_bytes(b"b.csv" * 30 if name == "b.csv" else b"new")
    three.drop(tmp_path / "more")
    await three.ended(5)

    def in_order() -> bool:
        model = three.window.model
        rows = [model.index(row, 0).data(Role.ROW) for row in (1, 2)]
        return [row.name for row in rows] == ["new.csv", "b.csv"]  # stored, already stored

    await until(in_order)


async def test_columns_and_their_widths_are_there_at_the_next_start(opened, paths, tmp_path):
    """Hidden ones stay hidden, dragged ones as wide, and the order is the same; the settings file has it."""
    (tmp_path / "a.csv").write_text("a")
    async with opened() as driver:
        driver.drop(tmp_path / "a.csv")
        await driver.ended(1)
        menu = driver.page.header.menu()
        entry(menu, "Size").trigger()
        entry(menu, "Path").trigger()
        QTest.mouseClick(title(driver, "Name"), LEFT)
        drag(driver, Column.SIZE, -40)
        dragged = {one.column: one.width for one in driver.page.header.places(800)}
        await until(paths.settings_file.exists)
    kept = tomllib.loads(paths.settings_file.read_text())["window"]
    async with opened() as driver:
        again = {one.column: one.width for one in driver.page.header.places(800)}
        order = str(driver.page.header.order)

    assert dragged == again
    assert set(again) == {Column.NAME, Column.STATE, Column.SIZE}
    assert (again[Column.SIZE], order) == (84 + 40, "name")
    assert kept["transfer_columns"]["size"] == 84 + 40


async def test_a_column_that_was_dragged_just_before_the_end_is_kept(opened, tmp_path):
    """Nobody waits half a second before quitting."""
    (tmp_path / "a.csv").write_text("a")
    async with opened() as driver:
        driver.drop(tmp_path / "a.csv")
        await driver.ended(1)
        drag(driver, Column.STATE, -40)
        dragged = driver.page.header.widths[Column.STATE]
    async with opened() as driver:
        assert driver.page.header.widths[Column.STATE] == dragged


def drag(driver, column: Column, by: int) -> None:
    """Drag the edge at the left of a column."""
    edge: QWidget = driver.page.header._edges[column]
    QTest.mousePress(edge, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(4, 10))
    for _ in range(4):  # it moves away below the mouse, and the mouse after it
        QTest.mouseMove(edge, QPoint(4 + by // 4, 10))
    QTest.mouseRelease(edge, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(4, 10))


async def test_a_column_is_made_wider_by_keys(three):
    """Alt and an arrow, on its title."""
    before = {
        one.column: one.width for one in three.page.header.places(three.view.viewport().width())
    }
    QTest.keyClick(title(three, "State"), Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    after = {
        one.column: one.width for one in three.page.header.places(three.view.viewport().width())
    }

    assert after[Column.STATE] == before[Column.STATE] + 16
    assert after[Column.PATH] == before[Column.PATH]


async def test_links_can_be_clicked_without_the_column_of_paths(three):
    """They stand at the right of the row then."""
    from hashdrop_gui.delegates.transfer_row import Action

    entry(three.page.header.menu(), "Path").trigger()
    three.click_row("a.csv")
    three.click_link("a.csv", Action.COPY)

    assert three.clipboard == three.row("a.csv").key
