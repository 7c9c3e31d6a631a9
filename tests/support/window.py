"""The real window with a real service, and hands to use it: drags, clicks, keys."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDragLeaveEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QStyleOptionViewItem

from hashdrop.connection import Choice
from hashdrop.paths import Paths
from hashdrop.service import open_service
from hashdrop_gui.app import open_window
from hashdrop_gui.dialogs.connection import ConnectionDialog
from hashdrop_gui.main_window import MainWindow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfers import Role
from hashdrop_gui.widgets.drop_overlay import DropOverlay

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from collections.abc import Callable
    from collections.abc import Sequence
    from pathlib import Path

    from hashdrop.service import Service
    from hashdrop.transfers.events import State
    from hashdrop_gui.delegates.transfer_row import Action
    from hashdrop_gui.models.transfer_list import BatchRow

LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


async def until(what: Callable[[], object], seconds: float = 20.0) -> object:
    """Wait, with the loop running, until something is so."""
    limit = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > limit:
            raise AssertionError(f"not within {seconds:g} s")
        await anyio.sleep(0.01)
    return found


def files_data(paths: Sequence[Path]) -> QMimeData:
    """What a file manager puts on the clipboard or into a drag."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


class Driver:
    """Uses a window as a person does."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.page = window.transfers
        self.view = window.transfers.view
        self.pointers = window.pointers

    @property
    def service(self) -> Service:
        return self.window._service

    # --- drags -----------------------------------------------------------------------------------

    def drag(self, data: QMimeData) -> QDragEnterEvent:
        """Drag something into the window."""
        actions = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
        event = QDragEnterEvent(
            QPoint(400, 300), actions, data, LEFT, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(self.window, event)
        return event

    def leave(self) -> None:
        """Drag it out again."""
        QApplication.sendEvent(self.window, QDragLeaveEvent())

    def release(self, data: QMimeData) -> QDropEvent:
        """Let it go over the window; a file manager proposes to move."""
        actions = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
        event = QDropEvent(QPointF(400, 300), actions, data, LEFT, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.window, event)
        return event

    def drop(self, *paths: Path) -> QDropEvent:
        """Drag files into the window and let them go."""
        data = files_data(paths)
        self.drag(data)
        return self.release(data)

    @property
    def overlay(self) -> DropOverlay:
        return self.window.findChild(DropOverlay)

    # --- rows ------------------------------------------------------------------------------------

    @property
    def rows(self) -> list[FileRow]:
        """The files as the list shows them: newest drop first."""
        return [row for batch in self.batches for row in batch.files]

    @property
    def batches(self) -> list[BatchRow]:
        listed = self.window.model.list.batches
        return [listed[number] for number in sorted(listed, reverse=True)]

    def row(self, name: str) -> FileRow:
        """The newest row of a file's name."""
        return next(row for row in self.rows if row.name == name)

    def index(self, name: str):
        """The view's index of a file."""
        model = self.window.model
        for number in range(model.rowCount()):
            index = model.index(number, 0)
            if isinstance(model.row_at(index), FileRow) and index.data() == name:
                return index
        raise AssertionError(f"no row of {name}")

    def words(self, name: str) -> str:
        """The state of a file, as the row says it."""
        return self.index(name).data(Role.STATE)

    async def ended(self, count: int, seconds: float = 30.0) -> list[FileRow]:
        """Wait until that many files are listed and all are at their end."""

        def all_ended() -> bool:
            rows = self.rows
            return len(rows) == count and all(row.state.is_final for row in rows)

        await until(all_ended, seconds)
        return self.rows

    async def has(self, name: str, state: State, seconds: float = 20.0) -> FileRow:
        """Wait until a file's row is in a state."""
        await until(
            lambda: any(row.name == name and row.state is state for row in self.rows), seconds
        )
        return self.row(name)

    # --- hands -----------------------------------------------------------------------------------

    def select(self, *names: str) -> None:
        """Click on rows, the second and later ones with Ctrl."""
        for number, name in enumerate(names):
            self.click_row(name, CTRL if number else Qt.KeyboardModifier.NoModifier)

    def click_row(
        self, name: str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        rect = self.view.visualRect(self.index(name))
        point = QPoint(rect.left() + 120, rect.center().y())
        QTest.mouseClick(self.view.viewport(), LEFT, modifier, point)

    def double_click_row(self, name: str) -> None:
        self.click_row(name)  # QTest sends the second half of a double click only
        rect = self.view.visualRect(self.index(name))
        point = QPoint(rect.left() + 120, rect.center().y())
        QTest.mouseDClick(self.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, point)

    def click_link(self, name: str, action: Action) -> None:
        """Click on a link within a row, found as the eye finds it: along the second line."""
        index = self.index(name)
        option = QStyleOptionViewItem()
        option.initFrom(self.view)
        option.rect = self.view.visualRect(index)
        row = index.data(Role.ROW)
        for x in range(option.rect.left(), option.rect.right(), 3):
            point = QPoint(x, option.rect.top() + 40)
            if self.page.delegate.action_at(option, row, point) is action:
                QTest.mouseClick(
                    self.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, point + QPoint(6, 0)
                )
                return
        raise AssertionError(f"no link {action} in the row of {name}")

    async def menu(self, name: str) -> QMenu:
        """Open the menu of a row with the right button's signal."""
        self.click_row(name)
        self.view.customContextMenuRequested.emit(self.view.visualRect(self.index(name)).center())
        await until(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        return QApplication.activePopupWidget()

    async def choose(self, menu: QMenu, words: str) -> None:
        """Choose an entry of a menu."""
        entry(menu, words).trigger()
        menu.close()
        await anyio.sleep(0)

    def press(self, words: str) -> None:
        """Choose one of the window's own actions, as its shortcut does."""
        next(action for action in self.window.actions() if action.text() == words).trigger()

    async def settings(self) -> ConnectionDialog:
        """Open the settings of the current connection."""
        self.press("Settings…")
        await until(lambda: self.window.findChild(ConnectionDialog))
        return self.window.findChild(ConnectionDialog)

    @property
    def clipboard(self) -> str:
        return QGuiApplication.clipboard().text()

    @property
    def pointer_names(self) -> list[str]:
        model = self.pointers.model
        return [model.index(row, 0).data() for row in range(model.rowCount())]


def entry(menu: QMenu, words: str) -> QAction:
    """The entry of a menu with these words."""
    return next(action for action in menu.actions() if action.text() == words)


async def export(driver: Driver, filter_number: int, target: Path) -> None:
    """Choose a format and a file in the dialog that is open, and wait for the file."""
    dialog: QFileDialog = await until(lambda: driver.window.findChild(QFileDialog, "export"))
    name = dialog.nameFilters()[filter_number]
    dialog.selectNameFilter(name)
    dialog.filterSelected.emit(name)
    dialog.findChild(QLineEdit, "fileNameEdit").setText(str(target))
    dialog.accept()
    await until(target.exists)


def type_into(field, text: str) -> None:
    """Type a text in the place of what a field holds."""
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClicks(field, text)


@asynccontextmanager
async def drive(
    app: QApplication, paths: Paths, choice: Choice | None = None
) -> AsyncGenerator[Driver, None]:
    """The window as the program makes it, over a service of its own."""
    async with (
        open_service(paths, choice=choice, for_people=True) as service,
        open_window(app, service) as window,
    ):
        try:
            yield Driver(window)
        finally:
            with anyio.CancelScope(shield=True):
                await service.transfers.cancel_all()
