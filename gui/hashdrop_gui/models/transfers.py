"""Qt's table over the list of transfers: batches, newest first, and their files."""

from __future__ import annotations

from bisect import bisect_left
from bisect import bisect_right
from collections.abc import Generator
from collections.abc import Iterable
from contextlib import contextmanager
from enum import IntEnum
from itertools import groupby
from operator import neg
from typing import Any

from PySide6.QtCore import QAbstractTableModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal

from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfer_list import TransferList
from hashdrop_gui.models.wording import day_text
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


class TransfersModel(QAbstractTableModel):
    """Batches, newest first, each with its files below it: all, or those in some states; a flat table.

    The list is the truth, this is a view of it. It is flat, and filters by itself, since Qt's tree and Qt's
    filter ask Python about each row of a batch for each row that comes: with thousands of files that held
    the window.

    Signals:
        counted: The numbers of the states changed.
        stored: At least one file was stored.
        moved: Bars moved, and nothing else changed.
    """

    counted = Signal()
    stored = Signal()
    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.list = TransferList()
        self._states: frozenset[State] | None = None
        self._order: list[int] = []  # batches that are shown, newest first
        self._starts: list[int] = []  # the row of each
        self._rows = 0
        self._shown: dict[
            int, list[FileRow]
        ] = {}  # files that the filter lets through, by their places

    # --- what changes it -------------------------------------------------------------------------

    def take(self, events: list[Event]) -> None:
        """Take the events of a tick: rows are added at once for each batch, changes told once."""
        self._add(self.list.pending(events))
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
        if self._states is not None:
            for number in batches:
                self._rearrange(number, [row for row in touched.values() if row.batch == number])
        self._tell(touched.values(), batches)
        self.counted.emit()
        if stored:
            self.stored.emit()

    def tick(self) -> bool:
        """Move the bars; return whether anything is on its way."""
        if self.list.smooth():
            self.moved.emit()
        return bool(self.list.moving)

    def show_states(self, states: frozenset[State] | None) -> None:
        """Show only files in these states, and batches that have some; `None` for all."""
        self.beginResetModel()
        self._states = states
        self._shown = {}
        for number, batch in sorted(self.list.batches.items(), reverse=True):
            files = batch.files
            if states is not None:
                files = [row for row in files if row.state in states]
            if files:
                self._shown[number] = files
        self._order = list(self._shown)
        self._count_rows()
        self.endResetModel()

    def set_open(self, batch: BatchRow, *, is_open: bool) -> None:
        """Show or hide the files of a batch."""
        number = batch.number
        if batch.is_open == is_open or number not in self._shown:
            return
        first = self._start(number) + 1
        last = first + len(self._shown[number]) - 1
        if is_open:
            self.beginInsertRows(QModelIndex(), first, last)
            batch.is_open = True
            self._count_rows()
            self.endInsertRows()
        else:
            self.beginRemoveRows(QModelIndex(), first, last)
            batch.is_open = False
            self._count_rows()
            self.endRemoveRows()
        header = self.index(first - 1, 0)
        self.dataChanged.emit(header, header)

    def show_changes(self, rows: Iterable[FileRow]) -> None:
        """Show rows that were changed by others than events."""
        self._tell(rows, ())

    def _add(self, queued: list[Queued]) -> None:
        groups: dict[int, list[Queued]] = {}
        for one in queued:
            groups.setdefault(one.batch, []).append(one)
        for number, files in groups.items():
            batch = self.list.batches.setdefault(number, BatchRow(number))
            if self._states is not None:  # rows follow when their state is one that is shown
                for one in files:
                    self.list.add(one)
                continue
            with self._inserting(number, len(batch.files), len(files)):
                for one in files:
                    self.list.add(one)

    def _rearrange(self, number: int, touched: list[FileRow]) -> None:
        """Take out and put in the files of a batch whose state changed, under a filter."""
        assert self._states is not None
        shown = self._shown.get(number, [])
        gone: list[int] = []
        come: list[FileRow] = []
        for row in touched:
            at = bisect_left(shown, row.place, key=_place)
            is_shown = at < len(shown) and shown[at] is row
            if row.state in self._states and not is_shown:
                come.append(row)
            elif row.state not in self._states and is_shown:
                gone.append(at)
        for first, last in reversed(_runs(gone)):
            with self._removing(number, first, last):
                del shown[first : last + 1]
        come.sort(key=_place)
        where = groupby(come, key=lambda row: bisect_left(shown, row.place, key=_place))
        for at, group in reversed([(at, list(rows)) for at, rows in where]):
            with self._inserting(number, at, len(group)):
                self._shown[number][at:at] = group

    @contextmanager
    def _inserting(self, number: int, at: int, count: int) -> Generator[None, None, None]:
        """Put files into a batch, and the batch itself where it is not shown yet."""
        batch = self.list.batches[number]
        is_new = number not in self._shown
        if is_new:
            # Batches are numbered upward, but a later one may be told first.
            place = bisect_left(self._order, -number, key=neg)
            first = self._starts[place] if place < len(self._order) else self._rows
            last = first + (count if batch.is_open else 0)
        else:
            place = 0
            first = self._start(number) + 1 + at
            last = first + count - 1
        if is_new or batch.is_open:
            self.beginInsertRows(QModelIndex(), first, last)
        if is_new:
            self._order.insert(place, number)
            self._shown[number] = batch.files if self._states is None else []
        yield
        self._count_rows()
        if is_new or batch.is_open:
            self.endInsertRows()

    @contextmanager
    def _removing(self, number: int, first: int, last: int) -> Generator[None, None, None]:
        """Take files out of a batch, and the batch itself with the last of them."""
        is_open = self.list.batches[number].is_open
        is_last = last - first + 1 == len(self._shown[number])
        start = self._start(number)
        if is_last:
            self.beginRemoveRows(QModelIndex(), start, start + (last + 1 if is_open else 0))
        elif is_open:
            self.beginRemoveRows(QModelIndex(), start + 1 + first, start + 1 + last)
        yield
        if is_last:
            self._order.remove(number)
            del self._shown[number]
        self._count_rows()
        if is_last or is_open:
            self.endRemoveRows()

    def _tell(self, rows: Iterable[FileRow], batches: Iterable[int]) -> None:
        """Tell which rows look different, and no other: each costs the view a question or a picture."""
        changed = [self._start(number) for number in batches if number in self._shown]
        for row in rows:
            at = self.row_of(row)
            if at is not None:
                changed.append(at)
        for first, last in _runs(changed):
            self.dataChanged.emit(self.index(first, 0), self.index(last, 0))

    # --- rows ------------------------------------------------------------------------------------

    def row_of(self, file: FileRow) -> int | None:
        """Return the number of a file's row; `None` where it is not shown."""
        shown = self._shown.get(file.batch)
        if shown is None or not self.list.batches[file.batch].is_open:
            return None
        at = file.place
        if self._states is not None:
            at = bisect_left(shown, file.place, key=_place)
            if at == len(shown) or shown[at] is not file:
                return None
        return self._start(file.batch) + 1 + at

    def row_of_batch(self, batch: BatchRow) -> int:
        """Return the number of a batch's row; -1 where it is not shown."""
        return self._start(batch.number) if batch.number in self._shown else -1

    def row_at(self, index: Index) -> FileRow | BatchRow:
        """Return the row behind an index of this model."""
        place = bisect_right(self._starts, index.row()) - 1
        number = self._order[place]
        at = index.row() - self._starts[place]
        return self._shown[number][at - 1] if at else self.list.batches[number]

    def _start(self, number: int) -> int:
        return self._starts[bisect_left(self._order, -number, key=neg)]

    def _count_rows(self) -> None:
        self._starts = []
        rows = 0
        for number in self._order:
            self._starts.append(rows)
            rows += 1 + (len(self._shown[number]) if self.list.batches[number].is_open else 0)
        self._rows = rows

    # --- Qt's questions --------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return how many rows there are."""
        return 0 if parent.isValid() else self._rows

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return 1: the delegate lays a row out."""
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        if not index.isValid():
            return None
        row = self.row_at(index)
        if isinstance(row, BatchRow):
            return _batch_data(row, role)
        return _file_data(row, role)


def _place(row: FileRow) -> int:
    return row.place


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return the first and last of each run of neighbours, in order."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


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
        case State.PAUSED if row.size and row.kept:
            return progress_text(row.kept, row.size)
        case State.HASHING | State.UPLOADING if row.size:
            return _progress_line(row, row.size)
        case State.HASHING | State.UPLOADING:
            return size_text(row.done)
        case State.STORED:
            details = [size, duration_text(row.seconds)]
            if not row.verified and row.unverified_reason:
                details.append(tr(row.unverified_reason))
            return " · ".join(details)
        case State.ALREADY_STORED:
            return f"{size} · {_earlier_text(row)}"
        case _:
            return " · ".join(part for part in (row.folder, size) if part)


def _progress_line(row: FileRow, size: int) -> str:
    parts = [progress_text(row.done, size)]
    if row.state is State.UPLOADING and row.speed > 0:
        parts.append(speed_text(row.speed))
        parts.append(left_text((size - row.done) / row.speed))
    return " · ".join(parts)


def _earlier_text(row: FileRow) -> str:
    """Return since when something was there, where the catalog knows it."""
    if row.earlier_at is not None:
        words = tr("as “{name}”, {day}")
        return words.format(name=row.earlier_name, day=day_text(row.earlier_at))
    return tr("it was there before") if row.sent_bytes else tr("nothing was sent")


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
