"""The table of pointers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import QItemSelection
from PySide6.QtCore import QItemSelectionModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QStyledItemDelegate
from PySide6.QtWidgets import QStyleOptionViewItem
from PySide6.QtWidgets import QTableView

from hashdrop.service import PointerRow
from hashdrop_gui.models.pointers import Column
from hashdrop_gui.models.pointers import PointersModel
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import monospace

ROW_HEIGHT = 40
_NEAR_THE_END = 20
"""Rows before the end at which the next page is asked for."""
_WIDTHS = {
    Column.SIZE: 88,
    Column.TYPE: 150,
    Column.STORED: 132,
    Column.CONNECTION: 120,
}
_GIVEN_UP = ((Column.CONNECTION, 780), (Column.TYPE, 620), (Column.HASH, 480))
"""Columns that are hidden below a width of the table, logical pixels."""


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

    Args:
        model: Of the rows.

    Signals:
        title_clicked: Number of a column.
        opened: Return.
        chosen: Another selection.
        drag_requested: Selected rows are to be dragged out.
        all_wanted: All are selected, and there are rows that are not loaded.
        escaped: Escape.
    """

    title_clicked = Signal(int)
    opened = Signal()
    chosen = Signal()
    drag_requested = Signal()
    all_wanted = Signal()
    escaped = Signal()

    def __init__(self, model: PointersModel) -> None:
        super().__init__()
        self._model = model
        self._pressed: QPoint | None = None
        """Where a selected row was pressed."""
        self.takes_all = False
        """Whether all were selected last, and the end is not loaded yet: what comes is selected, too."""
        self._is_taking = False
        self.setObjectName("pointers")
        self.setAccessibleName(tr("Pointers"))
        self.setModel(model)
        self.setItemDelegateForColumn(Column.HASH, _HashDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(False)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self.title_clicked)
        header.setMinimumSectionSize(56)
        # Of the rows' own selection a title asks at each paint whether all rows are in it:
        # a second for 100,000.
        header.setSelectionModel(QItemSelectionModel(model, self))
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(Column.HASH, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        model.rowsInserted.connect(self._on_rows_inserted)
        model.modelReset.connect(self._stop_taking)

    def chosen_count(self) -> int:
        """Return how many rows are selected."""
        return sum(bottom - top + 1 for top, bottom in self._chosen_ranges())

    def chosen_rows(self, most: int | None = None) -> list[PointerRow]:
        """Return the selected rows in order; by ranges, for a list of indexes takes long.

        Args:
            most: Not more than these; `None` for all.
        """
        rows: list[PointerRow] = []
        for top, bottom in self._chosen_ranges():
            end = bottom + 1 if most is None else min(bottom + 1, top + most)
            rows += self._model.rows[top:end]
            if most is not None and len(rows) >= most:
                return rows[:most]
        return rows

    def _chosen_ranges(self) -> list[tuple[int, int]]:
        chosen = self.selectionModel().selection()
        ranges = (chosen.at(number) for number in range(chosen.count()))
        return sorted({(one.top(), one.bottom()) for one in ranges})

    def choose_rows(self, numbers: Sequence[int]) -> None:
        """Select rows, and show the first of them; what is selected besides stays so.

        Args:
            numbers: Of the rows, in order.
        """
        # All at once: everybody is told of each selection.
        chosen = QItemSelection()
        for _, run in groupby(enumerate(numbers), lambda one: one[1] - one[0]):
            rows = [number for _, number in run]
            chosen.select(self._model.index(rows[0], 0), self._model.index(rows[-1], 0))
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        if numbers:
            self.selectionModel().select(chosen, flags)
            current = self._model.index(numbers[0], 0)
            self.selectionModel().setCurrentIndex(
                current, QItemSelectionModel.SelectionFlag.NoUpdate
            )
            self.scrollTo(current)

    def selectAll(self) -> None:
        """Select all rows, also those that are not loaded yet, until something else is selected."""
        super().selectAll()
        self.takes_all = self._model.canFetchMore(QModelIndex())
        if self.takes_all:
            self.all_wanted.emit()

    def _on_rows_inserted(self, _: QModelIndex, __: int, last: int) -> None:
        if not self.takes_all or last < self._model.rowCount() - 1:
            return
        # As one range: one for each page would be looked through at each paint.
        all_rows = QItemSelection(self._model.index(0, 0), self._model.index(last, 0))
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self._is_taking = True
        self.selectionModel().select(all_rows, flags | QItemSelectionModel.SelectionFlag.Rows)
        self._is_taking = False

    def _on_selection_changed(self) -> None:
        if not self._is_taking:
            self.takes_all = False
        self.chosen.emit()

    def _stop_taking(self) -> None:
        self.takes_all = False

    def _on_scrolled(self, value: int) -> None:
        if self.verticalScrollBar().maximum() - value < _NEAR_THE_END * ROW_HEIGHT:
            self._model.more_wanted.emit()

    # --- the mouse: rows that are selected can be dragged ------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Wait with a press on a selected row: it may become a drag, and would unselect the others."""
        index = self.indexAt(event.position().toPoint())
        self._pressed = None
        if (
            event.button() == Qt.MouseButton.LeftButton
            and not event.modifiers()
            and index.isValid()
            and self.selectionModel().isSelected(index)
        ):
            self._pressed = event.position().toPoint()
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Begin a drag where a selected row was pressed."""
        if self._pressed is None:
            super().mouseMoveEvent(event)
            return
        moved = event.position().toPoint() - self._pressed
        if moved.manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            self.drag_requested.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Do what the press would have done, where it became no drag."""
        if self._pressed is None:
            super().mouseReleaseEvent(event)
            return
        row = self.indexAt(self._pressed).row()
        self._pressed = None
        if row >= 0:
            self.selectRow(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Notice the keys of the table."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.modifiers():
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give up columns where there is no room, the least important first."""
        for column, width in _GIVEN_UP:
            self.setColumnHidden(column, event.size().width() < width)
        super().resizeEvent(event)
