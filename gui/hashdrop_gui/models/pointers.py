"""Qt's table of pointers: the rows that came so far, in the order in which they were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise
from typing import Any

import anyio.lowlevel
from PySide6.QtCore import QAbstractTableModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal

from hashdrop.catalog.rows import SortBy
from hashdrop.service import PointerRow
from hashdrop.stored.places import Place
from hashdrop_gui.models.wording import one_line
from hashdrop_gui.models.wording import plain_tip
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.models.wording import when_text

_AT_ONCE = 1_000
"""Rows that are looked at between two turns of the loop."""
_MOST_GAPS = 50
Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns."""

    NAME = 0
    HASH = 1
    SIZE = 2
    TYPE = 3
    STORED = 4
    CONNECTION = 5


SORTED_BY: dict[Column, SortBy] = {
    Column.NAME: SortBy.NAME,
    Column.HASH: SortBy.HASH,
    Column.SIZE: SortBy.SIZE,
    Column.TYPE: SortBy.TYPE,
    Column.STORED: SortBy.STORED,
    Column.CONNECTION: SortBy.CONNECTION,
}
"""What the catalog sorts by, of each column."""


def titles() -> tuple[str, ...]:
    """Return the columns' titles."""
    return (
        tr("Name"),
        tr("Content hash"),
        tr("Size"),
        tr("Type"),
        tr("Stored"),
        tr("Connection"),
    )


def identity(row: PointerRow) -> int | str:
    """Return what tells a row from all others: rows of a bucket have no id of the catalog."""
    return row.id or row.pointer.uri


async def places_of(rows: Sequence[PointerRow]) -> list[Place]:
    """Return where the objects of rows are; of many between turns of the loop."""
    places: list[Place] = []
    for at in range(0, len(rows), _AT_ONCE):
        places += [Place.of(row) for row in rows[at : at + _AT_ONCE]]
        await anyio.lowlevel.checkpoint()
    return places


class PointersModel(QAbstractTableModel):
    """Names of stored objects; pages are put behind, newer ones in front.

    Signals:
        more_wanted: The view came to the end of what is loaded.
    """

    more_wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[PointerRow] = []
        self.shifts = 0
        """Counts what gave rows another number."""
        self._sorted_by: Column | None = None
        self._is_descending = False
        self.is_complete = False
        """Whether there is nothing behind the last row."""

    def extend(self, rows: Sequence[PointerRow]) -> None:
        """Add rows at the end."""
        if rows:
            first = len(self.rows)
            self.beginInsertRows(QModelIndex(), first, first + len(rows) - 1)
            self.rows.extend(rows)
            self.endInsertRows()

    def refresh(self, first: Sequence[PointerRow]) -> bool:
        """Add what is new among the first rows; return whether the others were as they are known.

        Args:
            first: The first page as it is now.
        """
        here = self.rows[: len(first)]
        known = {row.id for row in here}
        kept = [row.id for row in first if row.id in known]
        if not kept or kept != [row.id for row in here[: len(kept)]]:
            return False
        at = 0
        while at < len(first):
            end = at
            while end < len(first) and first[end].id not in known:
                end += 1
            if end > at:
                self.beginInsertRows(QModelIndex(), at, end - 1)
                self.rows[at:at] = first[at:end]
                self.shifts += 1
                self.endInsertRows()
            at = end + 1
        return True

    def reset(self, rows: Sequence[PointerRow]) -> list[PointerRow]:
        """Begin anew; return what was listed before."""
        before = self.rows
        self.shifts += 1
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()
        return before

    def remove(self, numbers: Iterable[int]) -> None:
        """Take rows away, by their numbers."""
        left = sorted(set(numbers))
        gaps = sum(one + 1 != following for one, following in pairwise(left))
        if gaps > _MOST_GAPS:  # the view is told of each; thousands would hold it for seconds
            gone = set(left)
            self.reset([row for at, row in enumerate(self.rows) if at not in gone])
            return
        while left:
            last = first = left.pop()
            while left and left[-1] == first - 1:
                first = left.pop()
            self.beginRemoveRows(QModelIndex(), first, last)
            del self.rows[first : last + 1]
            self.shifts += 1
            self.endRemoveRows()

    def replace(self, row: PointerRow) -> None:
        """Show a row as it is now."""
        for at, known in enumerate(self.rows):
            if known.id == row.id:
                self.rows[at] = row
                self.dataChanged.emit(self.index(at, 0), self.index(at, len(Column) - 1))
                return

    # --- Qt --------------------------------------------------------------------------------------

    def canFetchMore(self, parent: Index) -> bool:
        """Return whether there may be rows behind the last one."""
        return not parent.isValid() and bool(self.rows) and not self.is_complete

    def fetchMore(self, parent: Index) -> None:
        """Ask for the next page; it comes later."""
        if not parent.isValid():
            self.more_wanted.emit()

    def show_order(self, column: Column | None, *, descending: bool) -> None:
        """Mark in its title what the rows are sorted by; `None` for nothing."""
        self._sorted_by, self._is_descending = column, descending
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)

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
            title = titles()[section]
            if section != self._sorted_by:
                return title
            return f"{title}  ▾" if self._is_descending else f"{title}  ▴"
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
                return plain_tip(f"{place}\n{row.pointer.uri}\n{row.connection}")
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
            return one_line(row.name)
        case Column.HASH:
            return row.pointer.content_hash
        case Column.SIZE:
            return size_text(row.pointer.content_size)
        case Column.TYPE:
            return row.pointer.content_type
        case Column.STORED:
            return when_text(row.stored_at)
        case Column.CONNECTION:
            return row.connection
