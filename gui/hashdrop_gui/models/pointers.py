"""Qt's table of what is stored, newest first."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import Qt

from hashdrop.service import PointerRow
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.models.wording import when_text

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns."""

    NAME = 0
    HASH = 1
    SIZE = 2
    TYPE = 3
    STORED = 4


class PointersModel(QAbstractTableModel):
    """Names of stored objects; pages are put behind, newer ones in front."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[PointerRow] = []

    def extend(self, rows: list[PointerRow]) -> None:
        """Add older rows at the end."""
        if rows:
            first = len(self.rows)
            self.beginInsertRows(QModelIndex(), first, first + len(rows) - 1)
            self.rows.extend(rows)
            self.endInsertRows()

    def refresh(self, newest: list[PointerRow]) -> bool:
        """Add what is newer than the first row; return whether all of it was known to fit.

        Args:
            newest: The newest page of the catalog.
        """
        top = self.rows[0].id if self.rows else -1
        fresh = [row for row in newest if row.id > top]
        if self.rows and len(fresh) == len(newest):
            return False  # more came than a page holds: the caller begins anew
        if fresh:
            self.beginInsertRows(QModelIndex(), 0, len(fresh) - 1)
            self.rows[:0] = fresh
            self.endInsertRows()
        return True

    def reset(self, rows: list[PointerRow]) -> None:
        """Begin anew."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of rows loaded."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of columns."""
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole and 0 <= section < len(Column):
            titles = (tr("Name"), tr("Content hash"), tr("Size"), tr("Type"), tr("Stored"))
            return titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _text(row, Column(index.column()))
            case Qt.ItemDataRole.ToolTipRole:
                place = f"{row.folder}/{row.name}" if row.folder else row.name
                return f"{place}\n{row.pointer.uri}\n{row.connection}"
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(index.column())
            case Qt.ItemDataRole.UserRole:
                return row
            case _:
                return None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column == Column.SIZE else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _text(row: PointerRow, column: Column) -> str:
    match column:
        case Column.NAME:
            return row.name
        case Column.HASH:
            return row.pointer.content_hash
        case Column.SIZE:
            return size_text(row.pointer.content_size)
        case Column.TYPE:
            return row.pointer.content_type
        case Column.STORED:
            return when_text(row.stored_at)
