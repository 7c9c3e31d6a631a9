"""The page of pointers: what was stored, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QStackedLayout
from PySide6.QtWidgets import QStyledItemDelegate
from PySide6.QtWidgets import QStyleOptionViewItem
from PySide6.QtWidgets import QTableView
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.pointers import Column
from hashdrop_gui.models.pointers import PointersModel
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import monospace
from hashdrop_gui.widgets.empty_state import EmptyState

if TYPE_CHECKING:
    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

PAGE_SIZE = 200
_ROW_HEIGHT = 40


class _HashDelegate(QStyledItemDelegate):
    """Shows hashes in the monospaced font, elided in the middle."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        option.font = monospace(12)  # type: ignore[assignment]
        option.textElideMode = Qt.TextElideMode.ElideMiddle  # type: ignore[assignment]


class PointersView(QTableView):
    """The table.

    Signals:
        copy_requested: Ctrl+C.
    """

    copy_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Notice the keys of the table."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_requested.emit()
        else:
            super().keyPressEvent(event)


class PointersPage(QWidget):
    """What the catalog lists.

    Args:
        service: Asked for pages.
        tasks: Runs the asking.
        tokens: Colours.

    Signals:
        copy_text_requested: A text for the clipboard, and what to say that it is.
        upload_requested: The button of the empty state.
    """

    copy_text_requested = Signal(str, str)
    upload_requested = Signal()

    def __init__(self, service: Service, tasks: Tasks, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("page")
        self._service = service
        self._tasks = tasks
        self._loading = False
        self._complete = False
        self._stale = False
        self.model = PointersModel(self)
        self.view = PointersView()
        self._prepare_view()
        self.empty = EmptyState(
            tr("Nothing is stored yet"),
            tr("What you store is listed here with its content hash, and stays."),
            tr("Choose files…"),
            tokens,
        )
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        listing = QWidget()
        column = QVBoxLayout(listing)
        column.setContentsMargins(13, 6, 13, 0)
        column.addWidget(self.view)
        self._stack.addWidget(listing)
        self.empty.pressed.connect(self.upload_requested)

    def _prepare_view(self) -> None:
        view = self.view
        view.setObjectName("pointers")
        view.setAccessibleName(tr("Pointers"))
        view.setModel(self.model)
        view.setItemDelegateForColumn(Column.HASH, _HashDelegate(self))
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.verticalHeader().setVisible(False)
        view.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(Column.HASH, QHeaderView.ResizeMode.Stretch)
        for column, width in ((Column.SIZE, 96), (Column.TYPE, 170), (Column.STORED, 150)):
            view.setColumnWidth(column, width)
        view.doubleClicked.connect(self._on_view_double_clicked)
        view.copy_requested.connect(self.copy_selected)
        view.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._on_menu_requested)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.empty.set_tokens(tokens)

    # --- loading ---------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask for what is new."""
        self._stale = True
        if not self._loading:
            self._loading = True
            self._tasks.spawn(self._refresh)

    async def _refresh(self) -> None:
        try:
            while self._stale:
                self._stale = False
                rows = await self._service.pointers(limit=PAGE_SIZE)
                if not self.model.rows or not self.model.refresh(rows):
                    self.model.reset(rows)
                    self._complete = len(rows) < PAGE_SIZE
        finally:
            self._loading = False
        self._stack.setCurrentIndex(1 if self.model.rows else 0)

    async def _load_more(self) -> None:
        try:
            rows = await self._service.pointers(limit=PAGE_SIZE, before=self.model.rows[-1])
            self._complete = len(rows) < PAGE_SIZE
            self.model.extend(rows)
        finally:
            self._loading = False

    def _on_scrolled(self, value: int) -> None:
        bar = self.view.verticalScrollBar()
        near = bar.maximum() - value < 20 * _ROW_HEIGHT
        if near and not self._loading and not self._complete and self.model.rows:
            self._loading = True
            self._tasks.spawn(self._load_more)

    # --- copying ---------------------------------------------------------------------------------

    def selected(self) -> list[PointerRow]:
        """Return the selected rows in order."""
        indexes = self.view.selectionModel().selectedRows()
        return [self.model.rows[row] for row in sorted(index.row() for index in indexes)]

    def copy_selected(self) -> None:
        """Copy the paths of the selected rows, one a line."""
        self._copy([row.pointer.key for row in self.selected()], tr("path"), tr("paths"))

    def _copy(self, texts: list[str], one: str, many: str) -> None:
        if texts:
            what = one if len(texts) == 1 else f"{len(texts):,} {many}"
            self.copy_text_requested.emit("\n".join(texts), what)

    def _on_view_double_clicked(self, index: QModelIndex) -> None:
        self._copy([self.model.rows[index.row()].pointer.to_json()], tr("pointer JSON"), "")

    def _on_menu_requested(self, point: QPoint) -> None:
        menu = self.menu()
        if menu is not None:
            menu.popup(self.view.viewport().mapToGlobal(point))

    def menu(self) -> QMenu | None:
        """Return the menu for the selected rows, `None` without any."""
        pointers = [row.pointer for row in self.selected()]
        if not pointers:
            return None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, texts, one, many in (
            (tr("Copy path"), [p.key for p in pointers], tr("path"), tr("paths")),
            (tr("Copy content hash"), [p.content_hash for p in pointers], tr("hash"), tr("hashes")),
            (tr("Copy S3 URI"), [p.uri for p in pointers], tr("S3 URI"), tr("S3 URIs")),
            (
                tr("Copy pointer JSON"),
                [p.to_json() for p in pointers],
                tr("pointer JSON"),
                tr("pointers"),
            ),
        ):
            menu.addAction(words).triggered.connect(
                lambda *_, t=texts, o=one, m=many: self._copy(t, o, m)
            )
        return menu
