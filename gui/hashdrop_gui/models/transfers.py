"""Qt's tree over the list of transfers: batches, newest first, and their files."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractItemModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QSortFilterProxyModel
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal

from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfer_list import TransferList
from hashdrop_gui.models.wording import duration_text
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import left_text
from hashdrop_gui.models.wording import progress_text
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import speed_text
from hashdrop_gui.models.wording import tr

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    """What a row gives beside its text."""

    ROW = Qt.ItemDataRole.UserRole + 1
    """The `FileRow` or `BatchRow`."""
    SECOND = Qt.ItemDataRole.UserRole + 2
    """The second line."""
    STATE = Qt.ItemDataRole.UserRole + 3
    """The state in words."""


class TransfersModel(QAbstractItemModel):
    """Batches over files; the list is the truth, this is a view of it.

    Signals:
        counted: The numbers of the states changed.
        stored: At least one file was stored.
    """

    counted = Signal()
    stored = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.list = TransferList()
        self._order: list[int] = []  # numbers of batches, oldest first; shown from the end

    # --- what changes it -------------------------------------------------------------------------

    def take(self, events: list[Event]) -> None:
        """Take the events of a tick: rows are added at once for each batch, changes told once."""
        self._insert(self.list.pending(events))
        touched: dict[int, FileRow] = {}
        batches: dict[int, BatchRow] = {}
        stored = False
        for event in events:
            changed = self.list.apply(event)
            if isinstance(changed, FileRow):
                touched[changed.id] = changed
                batches[changed.batch] = self.list.batches[changed.batch]
                stored = stored or changed.pointer is not None
            elif changed is not None:
                batches[changed.number] = changed
        self._tell(list(touched.values()))
        for batch in batches.values():
            index = self._batch_index(batch.number)
            self.dataChanged.emit(index, index)
        self.counted.emit()
        if stored:
            self.stored.emit()

    def tick(self) -> bool:
        """Move the bars; return whether anything is on its way."""
        self._tell(self.list.smooth())
        return bool(self.list.moving)

    def _insert(self, queued: list[Queued]) -> None:
        groups: dict[int, list[Queued]] = {}
        for one in queued:
            groups.setdefault(one.batch, []).append(one)
        for number, files in groups.items():
            if number not in self.list.batches:
                self.beginInsertRows(QModelIndex(), 0, 0)
                self.list.batches[number] = BatchRow(number)
                self._order.append(number)
                self.endInsertRows()
            first = len(self.list.batches[number].files)
            self.beginInsertRows(self._batch_index(number), first, first + len(files) - 1)
            for one in files:
                self.list.add(one)
            self.endInsertRows()

    def _tell(self, rows: list[FileRow]) -> None:
        spans: dict[int, tuple[int, int]] = {}
        for row in rows:
            low, high = spans.get(row.batch, (row.place, row.place))
            spans[row.batch] = (min(low, row.place), max(high, row.place))
        for number, (low, high) in spans.items():
            parent = self._batch_index(number)
            self.dataChanged.emit(self.index(low, 0, parent), self.index(high, 0, parent))

    def _batch_index(self, number: int) -> QModelIndex:
        # Batches are numbered upward, but a later one may be told first.
        return self.createIndex(len(self._order) - 1 - self._order.index(number), 0, 0)

    # --- Qt's questions --------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Return the index of a row."""
        if column != 0 or row < 0 or row >= self.rowCount(parent):
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, 0, 0)
        return self.createIndex(row, 0, self._batch_at(parent.row()).number)

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        """Return the index of a file's batch."""
        if not index.isValid() or not index.internalId():
            return QModelIndex()
        return self._batch_index(index.internalId())

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return how many rows there are below an index."""
        if not parent.isValid():
            return len(self._order)
        return 0 if parent.internalId() else len(self._batch_at(parent.row()).files)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: ARG002, B008
        """Return 1: the delegate lays a row out."""
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        if not index.isValid():
            return None
        row = self.row_at(index)
        if isinstance(row, BatchRow):
            return _batch_data(row, role)
        return _file_data(row, role)

    def row_at(self, index: Index) -> FileRow | BatchRow:
        """Return the row behind an index of this model."""
        number = index.internalId()
        if not number:
            return self._batch_at(index.row())
        return self.list.batches[number].files[index.row()]

    def _batch_at(self, row: int) -> BatchRow:
        return self.list.batches[self._order[-1 - row]]


class TransfersFilter(QSortFilterProxyModel):
    """Shows only files in some states; batches without such files are hidden."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._states: frozenset[State] | None = None

    def show_states(self, states: frozenset[State] | None) -> None:
        """Show files in these states; `None` for all."""
        self._states = states
        self.setDynamicSortFilter(True)
        self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: N802
        """Whether a row is shown."""
        if self._states is None:
            return True
        model = self.sourceModel()
        assert isinstance(model, TransfersModel)
        row = model.row_at(model.index(source_row, 0, source_parent))
        if isinstance(row, BatchRow):
            return row.count(*self._states) > 0
        return row.state in self._states


def _batch_data(row: BatchRow, role: int) -> Any:
    match role:
        case Qt.ItemDataRole.DisplayRole:
            return row.title or files_text(len(row.files))
        case Role.ROW:
            return row
        case Role.SECOND:
            return batch_text(row)
        case Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.title or files_text(len(row.files))}. {batch_text(row)}"
        case Qt.ItemDataRole.ToolTipRole if row.faults:
            return "\n".join(fault.sentence for fault in row.faults[:20])
        case _:
            return None


def _file_data(row: FileRow, role: int) -> Any:  # noqa: PLR0911  # one case a role
    match role:
        case Qt.ItemDataRole.DisplayRole:
            return row.name
        case Role.ROW:
            return row
        case Role.SECOND:
            return second_line(row)
        case Role.STATE:
            return state_text(row)
        case Qt.ItemDataRole.AccessibleTextRole:
            return ". ".join(
                text for text in (row.name, state_text(row), second_line(row), row.key) if text
            )
        case Qt.ItemDataRole.ToolTipRole:
            lines = [row.path, f"s3://{row.bucket}/{row.key}" if row.key else ""]
            lines += [row.error.sentence if row.error else "", row.unverified_reason]
            return "\n".join(line for line in lines if line)
        case _:
            return None


def state_text(row: FileRow) -> str:
    """Return the state in words."""
    if row.state is State.STORED:
        return tr("Stored · verified") if row.verified else tr("Stored (unverified)")
    return tr(row.state.value)


def second_line(row: FileRow) -> str:  # noqa: PLR0911  # one case a state
    """Return the details of a file, or why it failed."""
    size = size_text(row.size)
    match row.state:
        case State.FAILED:
            return row.error.sentence if row.error else ""
        case State.WAITING:
            why = row.error.sentence if row.error else ""
            if row.next_try_s is None:
                return why
            again = tr("tried again in {n} s").format(n=round(row.next_try_s))
            return f"{again} · {why}"
        case State.HASHING | State.UPLOADING if row.size:
            parts = [progress_text(row.done, row.size)]
            if row.state is State.UPLOADING and row.speed > 0:
                parts.append(speed_text(row.speed))
                parts.append(left_text((row.size - row.done) / row.speed))
            return " · ".join(parts)
        case State.HASHING | State.UPLOADING:
            return size_text(row.done)
        case State.STORED:
            details = [size, duration_text(row.seconds)]
            if not row.verified and row.unverified_reason:
                details.append(tr(row.unverified_reason))
            return " · ".join(details)
        case State.ALREADY_STORED:
            sent = tr("nothing was sent") if not row.sent_bytes else tr("it was there before")
            return f"{size} · {sent}"
        case _:
            return " · ".join(part for part in (row.folder, size) if part)


def batch_text(row: BatchRow) -> str:
    """Return a batch's counts in words."""
    stored = row.count(State.STORED, State.ALREADY_STORED)
    count = [files_text(len(row.files))] if row.title else []  # else it is the title
    parts = [*count, size_text(row.total)]
    if not row.scanned:
        parts.append(tr("counting…"))
    if stored:
        already = row.count(State.ALREADY_STORED)
        text = tr("{n} stored").format(n=f"{stored:,}")
        if already == stored:
            text = tr("{n} already stored").format(n=f"{stored:,}")
        elif already:
            text += tr(", {n} of them already there").format(n=f"{already:,}")
        parts.append(text)
    for state, words in ((State.FAILED, tr("{n} failed")), (State.CANCELLED, tr("{n} cancelled"))):
        if row.count(state):
            parts.append(words.format(n=f"{row.count(state):,}"))
    if row.faults:
        parts.append(tr("{n} could not be read").format(n=len(row.faults)))
    return " · ".join(part for part in parts if part)
