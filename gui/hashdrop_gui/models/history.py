"""Qt's table of drops that came to their end, newest first; pages are put behind each other."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING
from typing import Any

from PySide6.QtCore import QAbstractTableModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import Qt

from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import one_line
from hashdrop_gui.models.wording import plain_tip
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.models.wording import when_text

if TYPE_CHECKING:
    from hashdrop.service import PastDrop

Index = QModelIndex | QPersistentModelIndex


class HistoryRole(IntEnum):
    """What a row gives beside its text."""

    DROP = Qt.ItemDataRole.UserRole + 1
    """The `PastDrop`."""


class HistoryModel(QAbstractTableModel):
    """Past drops."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.drops: list[PastDrop] = []

    def reset(self, drops: list[PastDrop]) -> None:
        """Show other drops."""
        self.beginResetModel()
        self.drops = drops
        self.endResetModel()

    def extend(self, drops: list[PastDrop]) -> None:
        """Put older drops behind."""
        if drops:
            count = len(self.drops)
            self.beginInsertRows(QModelIndex(), count, count + len(drops) - 1)
            self.drops = [*self.drops, *drops]
            self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return how many drops there are."""
        return 0 if parent.isValid() else len(self.drops)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return 1: the delegate lays a row out."""
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        if not index.isValid():
            return None
        drop = self.drops[index.row()]
        match role:
            case HistoryRole.DROP:
                return drop
            case Qt.ItemDataRole.DisplayRole:
                return title_of(drop)
            case Qt.ItemDataRole.AccessibleTextRole:
                return ". ".join(
                    (title_of(drop), outcome_text(drop), details_text(drop), drop.destination)
                )
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(f"{title_of(drop)}\n{details_text(drop)}\n{drop.destination}")
            case _:
                return None


def title_of(drop: PastDrop) -> str:
    """Return the name of a drop."""
    return one_line(drop.name) or files_text(drop.files)


def outcome_text(drop: PastDrop) -> str:
    """Return what became of a drop, in a few words."""
    if drop.failed:
        return tr("{n} failed").format(n=f"{drop.failed:,}")
    if drop.left:
        return tr("{n} left").format(n=f"{drop.left:,}")
    if drop.cancelled == drop.files:
        return tr("Cancelled")
    if drop.cancelled:
        return tr("{n} cancelled").format(n=f"{drop.cancelled:,}")
    return tr("Already stored") if drop.already_stored == drop.files else tr("Stored")


def details_text(drop: PastDrop) -> str:
    """Return when a drop ended, what it was, and what of it is where."""
    parts = [when_text(drop.ended_at)]
    if drop.name:
        parts.append(files_text(drop.files))
    parts.append(size_text(drop.size))
    there = drop.stored + drop.already_stored
    if there not in {0, drop.files}:
        parts.append(tr("{n} stored").format(n=f"{there:,}"))
    if drop.already_stored and drop.already_stored != drop.files:
        parts.append(tr("{n} already there").format(n=f"{drop.already_stored:,}"))
    if drop.faults:
        parts.append(tr("{n} could not be read").format(n=f"{drop.faults:,}"))
    return " · ".join(parts)
