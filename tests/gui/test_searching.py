"""The search field of the top bar: finds files by name, folder and key; each page keeps its own text."""

from __future__ import annotations

import hashlib

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from hashdrop_gui.models.transfers import Role
from support.window import CTRL
from support.window import type_into
from support.window import until


def shown(driver) -> list[str]:
    """What the list shows, from above."""
    model = driver.window.model
    return [model.index(row, 0).data(Role.ROW).name for row in range(1, model.rowCount())]


async def search(driver, text: str) -> None:
    type_into(driver.window.search, text)
    QTest.keyClick(driver.window.search, Qt.Key.Key_Return)
    await until(lambda: not driver.window.model.is_arranging)


async def test_ctrl_f_takes_the_keyboard_to_the_search(two_stored):
    """What is typed then finds a file by its name, however it is written."""
    await until(two_stored.window.isActiveWindow)
    two_stored.view.setFocus()
    QTest.keyClick(two_stored.window, Qt.Key.Key_F, CTRL)
    assert two_stored.window.search.hasFocus()

    QTest.keyClicks(QApplication.focusWidget(), "B.CS")
    await until(lambda: shown(two_stored) == ["b.csv"])


async def test_a_file_is_found_by_its_key(two_stored):
    """A piece of the content hash will do."""
    await search(two_stored, hashlib.sha256(b"a.csv").hexdigest()[10:30])

    assert shown(two_stored) == ["a.csv"]


async def test_escape_shows_all_again(two_stored):
    """The text is cleared; a second Escape gives the keyboard back to the list."""
    await until(two_stored.window.isActiveWindow)
    await search(two_stored, "a.c")
    assert shown(two_stored) == ["a.csv"]
    QTest.keyClick(two_stored.window.search, Qt.Key.Key_Escape)

    assert (two_stored.window.search.text(), shown(two_stored)) == ("", ["a.csv", "b.csv"])
    QTest.keyClick(two_stored.window.search, Qt.Key.Key_Escape)
    assert two_stored.view.hasFocus()


async def test_what_is_dropped_while_it_is_searched_is_shown_if_it_fits(two_stored, tmp_path):
    """What comes by itself, as from a watched folder, ends no search."""
    await search(two_stored, "other.csv")
    assert two_stored.window.model.rowCount() == 0
    for name in ("other.csv", "third.csv"):
        (tmp_path / name).write_text(name)
    two_stored.service.add([tmp_path / "other.csv", tmp_path / "third.csv"])
    await two_stored.ended(4)

    assert shown(two_stored) == ["other.csv"]


async def test_what_the_person_drops_is_shown_whatever_was_searched_and_filtered(
    two_stored, tmp_path
):
    """Else it would look as if nothing had been dropped."""
    await search(two_stored, "a.c")
    two_stored.page._pills.choose(3)
    (tmp_path / "third.csv").write_text("third")
    two_stored.drop(tmp_path / "third.csv")
    await two_stored.ended(3)

    model = two_stored.window.model
    names = [model.index(row, 0).data() for row in range(model.rowCount())]

    assert names == ["third.csv", "third.csv", "2 files", "a.csv", "b.csv"]
    assert two_stored.window.search.text() == ""


async def test_a_filter_or_search_without_a_row_says_so(two_stored):
    """An empty list would look like a lost one."""
    said = []
    for act in (
        lambda: two_stored.page._pills.choose(3),
        lambda: two_stored.page.set_search("none such"),
        lambda: two_stored.page.set_search(""),
        lambda: two_stored.page._pills.choose(0),
    ):
        act()
        await until(lambda: not two_stored.window.model.is_arranging)
        said.append(two_stored.page.nothing.text() if two_stored.page.nothing.isVisible() else "")

    assert said == [
        "Nothing has failed.",
        "No transfer has “none such” in it.",
        "Nothing has failed.",
        "",
    ]


async def test_each_page_keeps_its_own_text(two_stored):
    """The text of the transfers is there again when one comes back to them."""
    await search(two_stored, "a.c")
    two_stored.window.show_page(1)
    two_stored.window.show_page(0)

    assert (two_stored.window.search.text(), shown(two_stored)) == ("a.c", ["a.csv"])
