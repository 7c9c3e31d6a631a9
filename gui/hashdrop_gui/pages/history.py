"""The history of drops that came to their end: searched, exported, cleaned by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtGui import QActionGroup
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QTableView
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.delegates.history_row import ROW_HEIGHT
from hashdrop_gui.delegates.history_row import HistoryAction
from hashdrop_gui.delegates.history_row import HistoryRowDelegate
from hashdrop_gui.delegates.history_row import actions_of
from hashdrop_gui.delegates.history_row import words_of
from hashdrop_gui.models.history import HistoryModel
from hashdrop_gui.models.history import title_of
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.widgets.row_view import prepare_rows

if TYPE_CHECKING:
    from hashdrop.service import PastDrop
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

PAGE_SIZE = 100
_SOON_MS = 1_000
_DAYS = (7, 30, 90, 365)


class HistoryPage(QWidget):
    """What became of earlier drops.

    Args:
        service: Asked for pages.
        tasks: Runs the asking.
        tokens: Colours.

    Signals:
        copy_text_requested: A text for the clipboard, and what to say that it is.
        export_requested: A title, and the id of a drop whose pointers are to be written to a file.
        found_any: Whether there is any history at all.
    """

    copy_text_requested = Signal(str, str)
    export_requested = Signal(str, int)
    found_any = Signal(bool)

    def __init__(self, service: Service, tasks: Tasks, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("page")
        self._service = service
        self._tasks = tasks
        self._text = ""
        self._loading = False
        self._stale = False
        self._complete = True
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.refresh)
        self.model = HistoryModel(self)
        self.view = QTableView()
        self.delegate = HistoryRowDelegate(tokens, self)
        self._prepare_view()
        self.words = QLabel()
        self.words.setObjectName("second")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.kept = QPushButton()
        self.kept.setObjectName("quiet")
        self._days = QMenu(self.kept)
        self._fill_days()
        self.kept.setMenu(self._days)
        head = QHBoxLayout()
        head.setContentsMargins(32, 0, 16, 0)
        head.addWidget(self.words, 1)
        head.addWidget(self.kept)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.view, 1)

    def _prepare_view(self) -> None:
        view = self.view
        view.setObjectName("history")
        view.setAccessibleName(tr("History"))
        view.setModel(self.model)
        view.setItemDelegate(self.delegate)
        prepare_rows(view, ROW_HEIGHT)
        view.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        view.customContextMenuRequested.connect(self._on_menu_requested)
        view.doubleClicked.connect(self._on_double_clicked)
        self.delegate.acted.connect(self._on_acted, Qt.ConnectionType.QueuedConnection)
        for words, keys, act in (
            (tr("Copy the pointers of the selected drops"), "Ctrl+C", HistoryAction.COPY),
            (tr("Export the pointers of the selected drop"), "Ctrl+E", HistoryAction.EXPORT),
            (tr("Take the selected drops off the history"), "Del", HistoryAction.FORGET),
        ):
            action = QAction(words, view)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda *_, one=act: self._act(one))
            view.addAction(action)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.delegate.set_tokens(tokens)
        self.view.viewport().update()

    # --- loading ---------------------------------------------------------------------------------

    def set_search(self, text: str) -> None:
        """Show only drops with a text in their name, connection, or a name, folder or key of a file."""
        self._text = text
        self.refresh()

    def refresh(self) -> None:
        """Ask for what is new."""
        self._stale = True
        if not self._loading:
            self._loading = True
            self._tasks.spawn(self._refresh)

    def refresh_soon(self) -> None:
        """Ask for what is new in a moment, where somebody looks at it."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start()

    async def _refresh(self) -> None:
        try:
            while self._stale:
                self._stale = False
                text = self._text
                drops = await self._service.history(text=text, limit=PAGE_SIZE)
                if drops != self.model.drops[:PAGE_SIZE]:  # else the selection stays
                    self._complete = len(drops) < PAGE_SIZE
                    self.model.reset(drops)
                if not text.strip():
                    self.found_any.emit(bool(drops))
        finally:
            self._loading = False
        self._show_words()

    async def _load_more(self) -> None:
        try:
            last = self.model.drops[-1]
            drops = await self._service.history(text=self._text, before=last, limit=PAGE_SIZE)
            self._complete = len(drops) < PAGE_SIZE
            self.model.extend(drops)
        finally:
            self._loading = False
        self._show_words()
        if self._stale:
            self.refresh()

    def _show_words(self) -> None:
        count = f"{len(self.model.drops):,}" + ("" if self._complete else "+")
        if self.model.drops:
            words = tr("1 drop") if count == "1" else tr("{n} drops").format(n=count)
        elif self._text.strip():
            words = tr("No drop has “{text}” in it.").format(text=self._text.strip())
        else:
            words = tr("What you drop is listed here when it is stored.")
        self.words.setText(words)

    def _on_scrolled(self, value: int) -> None:
        near = self.view.verticalScrollBar().maximum() - value < 20 * ROW_HEIGHT
        if near and not self._loading and not self._complete and self.model.drops:
            self._loading = True
            self._tasks.spawn(self._load_more)

    # --- how long it is kept ---------------------------------------------------------------------

    def _fill_days(self) -> None:
        self._days.clear()
        chosen = self._service.preferences.history_days
        group = QActionGroup(self._days)
        for days in sorted({*_DAYS, chosen}):
            action = self._days.addAction(tr("{n} days").format(n=days))
            action.setCheckable(True)
            action.setChecked(days == chosen)
            group.addAction(action)
            action.triggered.connect(lambda *_, n=days: self._tasks.spawn(self._keep, n))
        self.kept.setText(tr("Kept for {n} days").format(n=chosen))

    async def _keep(self, days: int) -> None:
        await self._service.keep_history(days)
        self._fill_days()
        self.refresh()

    # --- actions ---------------------------------------------------------------------------------

    def selected(self) -> list[PastDrop]:
        """Return the selected drops in order."""
        rows = {index.row() for index in self.view.selectionModel().selectedIndexes()}
        return [self.model.drops[row] for row in sorted(rows)]

    def menu(self) -> QMenu | None:
        """Return the menu for the selected drops, `None` without any."""
        drops = self.selected()
        if not drops:
            return None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in HistoryAction:
            entry = menu.addAction(words_of(action))
            entry.setEnabled(any(action in actions_of(drop) for drop in drops))
            if action is HistoryAction.EXPORT and len(drops) > 1:
                entry.setEnabled(False)  # a file of pointers is of one drop
            entry.triggered.connect(lambda *_, one=action: self._act(one))
        return menu

    def _on_menu_requested(self, point: QPoint) -> None:
        menu = self.menu()
        if menu is not None:
            menu.popup(self.view.viewport().mapToGlobal(point))

    def _on_double_clicked(self, index: QModelIndex) -> None:
        self._do(HistoryAction.COPY, [self.model.drops[index.row()]])

    def _on_acted(self, action: str, row: int) -> None:
        if row < len(self.model.drops):
            self._do(HistoryAction(action), [self.model.drops[row]])

    def _act(self, action: HistoryAction) -> None:
        self._do(action, self.selected())

    def _do(self, action: HistoryAction, drops: list[PastDrop]) -> None:
        able = [drop for drop in drops if action in actions_of(drop)]
        if not able:
            return
        match action:
            case HistoryAction.EXPORT:
                self.export_requested.emit(title_of(able[0]), able[0].id)
            case HistoryAction.COPY:
                self._tasks.spawn(self._copy, able)
            case HistoryAction.FORGET:
                self._tasks.spawn(self._forget, able)

    async def _copy(self, drops: list[PastDrop]) -> None:
        lines: list[str] = []
        for drop in drops:
            lines += [
                one.pointer.to_json() for one in await self._service.history_pointers(drop.id)
            ]
        what = tr("pointer JSON") if len(lines) == 1 else f"{len(lines):,} {tr('pointers')}"
        self.copy_text_requested.emit("\n".join(lines), what)

    async def _forget(self, drops: list[PastDrop]) -> None:
        await self._service.forget_history([drop.id for drop in drops])
        self.refresh()
