"""The window without a mouse and without eyes: focus, keys, and what a screen reader gets of the real widgets."""

from __future__ import annotations

import json

import anyio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QWidget

from hashdrop.errors import CredentialsExpired
from hashdrop.errors import EndpointUnreachable
from hashdrop.pointer import StoredPointer
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Verifying
from hashdrop.transfers.events import Waiting
from hashdrop_gui.dialogs.shortcuts import ShortcutsDialog
from hashdrop_gui.theme import LIGHT
from support.window import until

POINTER = StoredPointer("b", "raw/k.txt", "0" * 64, 100, "text/plain")


def name_of(widget: QWidget) -> str:
    """What a screen reader calls a widget."""
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


def rows_of(view) -> list[str]:
    """What a screen reader reads of a list, a row each."""
    list_ = QAccessible.queryAccessibleInterface(view)
    rows = [list_.child(at) for at in range(list_.childCount())]
    cell = QAccessible.Role.Cell  # beside the headers, which are hidden
    return [row.text(QAccessible.Text.Name) for row in rows if row.role() == cell]


def reachable(window) -> list[QWidget]:
    """What Tab comes to, one after the other, once round."""
    found: list[QWidget] = []
    while True:
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        widget = QApplication.focusWidget()
        if widget is None or widget in found:
            return found
        found.append(widget)


@pytest.fixture
async def stored(two_stored):
    """A window with two stored files, in front."""
    await until(two_stored.window.isActiveWindow)
    return two_stored


async def test_tab_comes_to_everything(stored):
    """Each button that can be pressed, and the list; of buttons that exclude each other to the chosen one."""
    found = reachable(stored.window)
    wanted = [
        button
        for button in stored.window.findChildren(QAbstractButton)
        if button.isVisible()
        and button.isEnabled()
        and not (button.group() and button.group().exclusive() and not button.isChecked())
        and not button.objectName().startswith("qt_")
    ]
    missed = [name_of(one) for one in wanted if one not in found]

    assert missed == []
    assert stored.view in found
    assert len(wanted) > 8


async def test_arrows_choose_another_connection(stored):
    """As in a group of radio buttons; Tab comes to the chosen one only."""
    chosen = stored.window.sidebar._buttons["lab"]
    chosen.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(chosen, Qt.Key.Key_Up)
    await until(lambda: stored.service.status.connection.name == "This computer")
    await until(lambda: stored.service.status.state == "ready")

    assert stored.window.sidebar._buttons["This computer"].hasFocus()


async def test_whatever_has_the_focus_shows_it(stored):
    """Its picture is another one than without; the accent draws the difference."""
    blind = []
    for widget in reachable(stored.window):
        if not isinstance(widget, QAbstractButton):
            continue
        stored.window.centralWidget().setFocus()
        without = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if widget.grab().toImage() == without:
            blind.append(name_of(widget))

    assert blind == []


async def test_the_row_with_the_focus_shows_it(stored):
    """A line of the accent around it, beside the ground of the selection."""
    stored.view.setFocus(Qt.FocusReason.TabFocusReason)
    stored.view.setCurrentIndex(stored.index("a.csv"))
    rect = stored.view.visualRect(stored.index("a.csv"))
    picture = stored.view.viewport().grab().toImage()
    ratio = picture.devicePixelRatio()
    edge = {
        picture.pixelColor(int((rect.left() + x) * ratio), int(rect.center().y() * ratio))
        .name()
        .upper()
        for x in range(8, 18)
    }

    assert LIGHT.accent in edge


async def test_everything_has_the_name_that_a_screen_reader_says(stored):
    """Also what shows an icon only, or a state."""
    window = stored.window
    await until(lambda: window.bottom.plot.points)
    names = {
        "summary": name_of(window.summary),
        "limit": name_of(window.bottom.limit),
        "turn": name_of(window.bottom.turn),
        "more": name_of(window.bottom.more),
        "plot": name_of(window.bottom.plot).partition(":")[0],
        "list": name_of(stored.view),
        "transfers": name_of(window.sidebar.transfers),
        "connection": name_of(window.sidebar._buttons["lab"]).split(", ")[0],
        "upload": name_of(window.upload),
    }
    nameless = [
        one for one in window.findChildren(QAbstractButton) if one.isVisible() and not name_of(one)
    ]

    assert nameless == []
    assert names == {
        "summary": "2 stored",
        "limit": "Bandwidth limit: none",
        "turn": "Pause all",
        "more": "More",
        "plot": "Speed of the last 3 minutes",
        "list": "Transfers",
        "transfers": "Transfers",
        "connection": "lab",
        "upload": "Upload…",
    }


async def test_a_screen_reader_gets_every_state_of_a_row(driver):
    """Name, state in words, details and key; nothing of it is said by a colour only."""
    model = driver.window.model
    names = "queued hashing uploading verifying offline sign-in paused stored there failed cancelled doubted"
    model.take(
        [
            Queued(number, 1, f"{name}.txt", "", f"/d/{name}.txt", 100)
            for number, name in enumerate(names.split(), 1)
        ]
    )
    model.take(
        [
            Hashing(2, 50, 100),
            Keyed(3, "b", "raw/k3.txt", "0" * 64),
            Uploading(3, 70, 100),
            Verifying(4),
            Waiting(5, EndpointUnreachable("The store cannot be reached."), 12),
            Waiting(6, CredentialsExpired("Your session has ended.", hint="Sign in again."), None),
            Paused(7),
            Stored(8, POINTER, 100, 0.1, verified=True),
            AlreadyStored(9, POINTER, 0, 0.1),
            Failed(10, EndpointUnreachable("The store cannot be reached."), 0.1),
            Cancelled(11, 0.1),
            AlreadyStored(12, POINTER, 0, 0.1, verified=False, unverified_reason="no checksum"),
        ]
    )
    read = rows_of(driver.view)

    assert read == [
        "12 files. 1 kB · counting… · 3 stored, 2 of them already there · 1 failed · 1 cancelled",
        "queued.txt. Queued. 100 bytes",
        "hashing.txt. Hashing. 50 of 100 bytes",
        "uploading.txt. Uploading. 70 of 100 bytes. raw/k3.txt",
        "verifying.txt. Verifying. 100 bytes",
        "offline.txt. Waiting. tried again in 12 s · The store cannot be reached.",
        "sign-in.txt. Waiting. Your session has ended. Sign in again.",
        "paused.txt. Paused. 100 bytes",
        "stored.txt. Stored · verified. 100 bytes · under 1 s. raw/k.txt",
        "there.txt. Already stored. 100 bytes · nothing was sent. raw/k.txt",
        "failed.txt. Failed. The store cannot be reached.",
        "cancelled.txt. Cancelled. 100 bytes",
        "doubted.txt. Already stored (unverified). 100 bytes · nothing was sent · no checksum. raw/k.txt",
    ]


async def test_the_banner_is_read(driver):
    """Its sentence is the name of its text, its buttons have names."""
    banner = driver.window.banner
    banner.say("The store cannot be reached.", about="offline", action="Try now", settings=True)
    text = banner.findChild(QLabel, "bannerText")
    buttons = [name_of(one) for one in banner.findChildren(QAbstractButton)]

    assert name_of(text) == "The store cannot be reached."
    assert buttons == ["Try now", "Settings…", "Put this message away"]


async def test_what_happens_is_announced(driver, tmp_path, monkeypatch):
    """A screen reader hears the end of a drop wherever its focus is."""
    heard = []
    monkeypatch.setattr("hashdrop_gui.main_window.announce", lambda _, text: heard.append(text))
    (tmp_path / "a.txt").write_text("a")
    driver.drop(tmp_path / "a.txt")
    await driver.ended(1)
    await until(lambda: "a.txt stored" in heard)
    driver.window.banner.say("The session has ended.")

    assert heard == ["a.txt stored", "The session has ended."]


async def test_return_opens_a_drop_and_copies_a_pointer(stored):
    """What a click and a double click do."""
    view = stored.view
    view.setFocus()
    view.setCurrentIndex(view.model().index(0, 0))
    QTest.keyClick(view, Qt.Key.Key_Return)
    closed = not stored.batches[0].is_open
    QTest.keyClick(view, Qt.Key.Key_Return)
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Return)

    assert closed
    assert stored.batches[0].is_open
    assert json.loads(stored.clipboard)["key"] == stored.row("a.csv").key


async def test_home_and_end_come_to_the_first_and_last_row(stored):
    """As in any list, though it is a table of one column for Qt."""
    stored.view.setFocus()
    QTest.keyClick(stored.view, Qt.Key.Key_End)
    last = stored.view.currentIndex().row()
    QTest.keyClick(stored.view, Qt.Key.Key_Home)

    assert (last, stored.view.currentIndex().row()) == (2, 0)


async def test_a_failed_file_is_retried_by_keys(opened, s3_server, tmp_path):
    """Selected with the arrows, queued again with Ctrl+Shift+R."""
    (tmp_path / "a.txt").write_text("a")
    async with opened(bucket="made-later") as driver:
        driver.drop(tmp_path / "a.txt")
        await driver.has("a.txt", State.FAILED)
        await until(driver.window.isActiveWindow)
        s3_server.plain.create_bucket(Bucket="made-later")
        try:
            driver.view.setFocus()
            driver.view.setCurrentIndex(driver.view.model().index(0, 0))
            QTest.keyClick(driver.view, Qt.Key.Key_Down)
            modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
            QTest.keyClick(driver.view, Qt.Key.Key_R, modifiers)
            await driver.has("a.txt", State.STORED)
        finally:
            s3_server.delete_bucket("made-later")


async def test_the_menu_of_a_row_opens_by_its_key(stored):
    """Shift+F10, or the menu key."""
    stored.view.setFocus()
    stored.view.setCurrentIndex(stored.index("b.csv"))
    QTest.keyClick(stored.view, Qt.Key.Key_Menu)
    await anyio.sleep(0.1)
    if not isinstance(
        QApplication.activePopupWidget(), QMenu
    ):  # offscreen makes no event of the key
        from PySide6.QtCore import QPoint
        from PySide6.QtGui import QContextMenuEvent

        at = stored.view.viewport().mapToGlobal(QPoint(20, 20))
        QApplication.sendEvent(
            stored.view.viewport(),
            QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(20, 20), at),
        )
    menu = await until(QApplication.activePopupWidget)
    offered = [action.text() for action in menu.actions() if action.isEnabled()]
    menu.close()

    assert "Copy path" in offered


@pytest.mark.parametrize("key", [Qt.Key.Key_F1, Qt.Key.Key_Question])
async def test_the_shortcuts_are_listed(stored, key):
    """F1 or Ctrl+?; what is listed is what the window has, and no key is taken twice."""
    modifier = Qt.KeyboardModifier.NoModifier
    if key is Qt.Key.Key_Question:
        modifier = Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(stored.window, key, modifier)
    dialog = await until(lambda: stored.window.findChild(ShortcutsDialog))
    listed = [label.text() for label in dialog.findChildren(QLabel)]
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    actions = [*stored.window.actions(), *stored.view.actions()]
    keys = [one.toString() for action in actions for one in action.shortcuts()]

    assert len(set(keys)) == len(keys)
    assert all(action.text() in listed for action in actions)
    assert all(one.text() in listed for one in stored.page.history.view.actions())
    assert dialog.height() <= stored.window.screen().availableSize().height()
    for shortcut in ("Ctrl+U", "Ctrl+V", "Ctrl+C", "Ctrl+,", "Ctrl+Shift+A", "F5", "Del"):
        assert any(shortcut in text for text in listed)
    assert QKeySequence("Ctrl+?").toString() in keys
