"""Qt's table over the list of transfers: batches, newest first, and their files."""

from __future__ import annotations

import time
from bisect import bisect_left
from bisect import bisect_right
from collections.abc import Generator
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from enum import IntEnum
from itertools import groupby
from operator import neg
from typing import Any

from PySide6.QtCore import QAbstractTableModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop_gui.models.arranging import Arranged
from hashdrop_gui.models.arranging import Choice
from hashdrop_gui.models.arranging import arranged
from hashdrop_gui.models.columns import Order
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfer_list import TransferList
from hashdrop_gui.models.transfer_words import batch_text
from hashdrop_gui.models.transfer_words import batch_title
from hashdrop_gui.models.transfer_words import second_line
from hashdrop_gui.models.transfer_words import state_text
from hashdrop_gui.models.wording import plain_tip

Index = QModelIndex | QPersistentModelIndex

_AT_ONCE_S = 0.012
"""Seconds that arranging may hold the window at a time."""
_FEW = 2_000
"""Files that are arranged at once, whatever else the machine does."""
_SORT_AGAIN_S = 1.0
"""Seconds after a change, where what changes decides the order."""


class Role(IntEnum):
    """What a row gives beside its text."""

    ROW = Qt.ItemDataRole.UserRole + 1
    """The `FileRow` or `BatchRow`."""
    SECOND = Qt.ItemDataRole.UserRole + 2
    """The second line."""
    STATE = Qt.ItemDataRole.UserRole + 3
    """The state in words."""


class TransfersModel(QAbstractTableModel):
    """Batches, newest first, each with its files below it: all, or those that are wanted, in an order.

    The list is the truth, this is a view of it. It is a flat table that filters and sorts by itself: Qt's
    tree and Qt's filter ask Python about each row of a batch for each row that comes, and thousands of files
    held the window. What a filter or an order asks of many rows is done in slices; until it is done, the
    rows stay as they were. A file's rank is its number in the order of its batch; what comes later stands
    at the end.

    Signals:
        counted: The numbers of the states changed.
        stored: At least one file was stored.
        moved: Bars moved, or why nothing is begun is another, and nothing else changed.
        arranged: The rows are those that were wanted last.
    """

    counted = Signal()
    stored = Signal()
    moved = Signal()
    arranged = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.list = TransferList()
        self._held = ""  # why nothing is begun, in words
        self._choice = Choice()  # of what is shown
        self._wanted = Choice()  # the same, unless it is being looked for
        self._order: list[int] = []  # batches that are shown, newest first
        self._starts: list[int] = []  # the row of each
        self._rows = 0
        self._shown: dict[int, list[FileRow]] = {}  # files that are shown, by their ranks
        self._ranks: dict[int, list[int]] = {}  # rank by place, of batches that were sorted
        self._search: Generator[None, None, dict[int, Arranged]] | None = None
        self._missed: dict[int, FileRow] = {}  # changed while it was looked for what is wanted
        self._next_slice = QTimer(self)
        self._next_slice.setSingleShot(True)
        self._next_slice.setInterval(0)
        self._next_slice.timeout.connect(self._go_on)
        self._unsorted_since: float | None = None

    def show_held(self, words: str) -> None:
        """Say in the rows that wait why nothing is begun; "" where it is."""
        if words != self._held:
            self._held = words
            self.moved.emit()  # what is seen is painted anew

    # --- what changes it -------------------------------------------------------------------------

    def take(self, events: list[Event]) -> None:
        """Take the events of a tick: rows are added at once for each batch, changes told once."""
        fresh = self.list.pending(events)
        self._add(fresh)
        touched: dict[int, FileRow] = {}
        batches: dict[int, BatchRow] = {}
        stored = False
        for event in events:
            if isinstance(event, BatchDismissed):
                self._dismiss(event.batch, touched, batches)
                continue
            changed = self.list.apply(event)
            if isinstance(changed, FileRow):
                touched[changed.id] = changed
                batches[changed.batch] = self.list.batches[changed.batch]
                stored = stored or changed.pointer is not None
            elif changed is not None:
                batches[changed.number] = changed
        if self._search is not None:
            self._missed |= touched
        if self._choice.is_filter:
            for number in batches:
                self._rearrange(number, [row for row in touched.values() if row.batch == number])
        self._tell(touched.values(), batches)
        moves = self._choice.is_volatile or (fresh and self._choice.order is not None)
        if touched and moves and self._unsorted_since is None:
            self._unsorted_since = time.monotonic()
        self.counted.emit()
        if stored:
            self.stored.emit()

    def tick(self) -> bool:
        """Move the bars, and rows to where they belong; return whether more of it is to be done."""
        if self.list.smooth():
            self.moved.emit()
        since = self._unsorted_since
        if since is not None and self._search is None and time.monotonic() - since > _SORT_AGAIN_S:
            self._begin_search()
        return bool(self.list.moving) or self._unsorted_since is not None

    def remove(self, rows: Iterable[FileRow]) -> None:
        """Take files off the list that are at their end; batches go with their last file."""
        gone: dict[int, set[int]] = {}
        for row in rows:
            if row.state.is_final and row.id in self.list.files:
                gone.setdefault(row.batch, set()).add(row.id)
        if not gone:
            return
        self._stop_search()
        self.beginResetModel()
        for number, ids in gone.items():
            self.list.remove(number, ids)
            self._ranks.pop(number, None)
            files = self.list.batches[number].files if number in self.list.batches else []
            if self._choice.is_filter:
                files = [row for row in self._shown.get(number, []) if row.id not in ids]
                files.sort(key=_place)
            if files:
                self._shown[number] = files
            else:
                self._shown.pop(number, None)
        self._order = sorted(self._shown, reverse=True)
        self._count_rows()
        self.endResetModel()
        if self._wanted != self._choice or self._wanted.order is not None:
            self._begin_search()
        self.counted.emit()

    def _dismiss(
        self, number: int, touched: dict[int, FileRow], batches: dict[int, BatchRow]
    ) -> None:
        """Forget a batch that the person did not want after all."""
        batches.pop(number, None)
        for row in [row for row in touched.values() if row.batch == number]:
            del touched[row.id]
        batch = self.list.batches.get(number)
        if batch is None:
            return
        self._stop_search()
        if number in self._shown:
            with self._removing(number, 0, len(self._shown[number]) - 1):
                pass
        self._ranks.pop(number, None)
        self.list.remove(number, None)
        if self._wanted != self._choice:
            self._begin_search()

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

    # --- which rows, in which order --------------------------------------------------------------

    def show_states(self, states: frozenset[State] | None) -> None:
        """Show only files in these states, and batches that have some; `None` for all."""
        self._want(replace(self._wanted, states=states))

    def show_text(self, text: str) -> None:
        """Show only files with a text in their name, folder or key; all for ""."""
        self._want(replace(self._wanted, text=text.strip().casefold()))

    def sort(  # type: ignore[override]  # Qt's sorts by numbers of columns
        self, order: Order | None
    ) -> None:
        """Put the files of each batch in an order, now and from now on; `None` for that of their coming."""
        self._want(replace(self._wanted, order=order))

    @property
    def is_arranging(self) -> bool:
        """Whether it is still being looked for what is wanted."""
        return self._search is not None

    def _want(self, choice: Choice) -> None:
        self._wanted = choice
        self._begin_search()

    def _begin_search(self) -> None:
        self._unsorted_since = None
        self._missed = {}
        self._search = self._look_for(self._wanted)
        self._go_on()

    def _stop_search(self) -> None:
        self._search = None
        self._next_slice.stop()

    def _look_for(self, choice: Choice) -> Generator[None, None, dict[int, Arranged]]:
        found: dict[int, Arranged] = {}
        for number, batch in sorted(self.list.batches.items(), reverse=True):
            found[number] = yield from arranged(batch, choice)
            yield
        return found

    def _go_on(self) -> None:
        """Look on for what is wanted, for as long as nobody notices."""
        search = self._search
        if search is None:
            return
        few = len(self.list.files) <= _FEW
        until = time.perf_counter() + (1.0 if few else _AT_ONCE_S)
        try:
            while time.perf_counter() < until:
                next(search)
        except StopIteration as end:
            self._search = None
            self._show(end.value)
        else:
            self._next_slice.start()

    def _show(self, found: dict[int, Arranged]) -> None:
        """Show what was found, and what came or changed meanwhile."""
        same_rows = replace(self._choice, order=None) == replace(self._wanted, order=None)
        missed, self._missed = self._missed, {}
        if same_rows:  # who is selected stays so
            with self._moving():
                self._put(found, missed)
        else:
            self.beginResetModel()
            self._put(found, missed)
            self.endResetModel()
        if missed and self._choice.order is not None:
            self._unsorted_since = time.monotonic()
        self.arranged.emit()

    def _put(self, found: dict[int, Arranged], missed: dict[int, FileRow]) -> None:
        self._choice = self._wanted
        self._ranks = {number: one.ranks for number, one in found.items() if one.ranks is not None}
        shown = {number: one.files for number, one in found.items()}
        for row in missed.values():
            batch = self.list.batches[row.batch]
            files = shown.setdefault(row.batch, [])
            if files is batch.files:
                continue
            if not files and not self._choice.is_filter and self._choice.order is None:
                shown[row.batch] = batch.files
                continue
            at, is_shown = self._find(files, row)
            if self._choice.admits(row) and not is_shown:
                files.insert(at, row)
            elif is_shown and not self._choice.admits(row):
                del files[at]
        self._shown = {number: files for number, files in shown.items() if files}
        self._order = sorted(self._shown, reverse=True)
        self._count_rows()

    @contextmanager
    def _moving(self) -> Generator[None, None, None]:
        """Put the same rows into another order."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        rows = [self.row_at(index) for index in before]
        yield
        after: list[QModelIndex] = []
        for index, row in zip(before, rows, strict=True):
            at = self.row_of_batch(row) if isinstance(row, BatchRow) else self.row_of(row)
            after.append(QModelIndex() if at is None or at < 0 else self.index(at, index.column()))
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _add(self, queued: list[Queued]) -> None:
        groups: dict[int, list[Queued]] = {}
        for one in queued:
            groups.setdefault(one.batch, []).append(one)
        for number, files in groups.items():
            batch = self.list.batches.setdefault(number, BatchRow(number))
            if self._choice.is_filter:  # rows follow when they are ones that are shown
                for one in files:
                    self.list.add(one)
                continue
            with self._inserting(number, len(batch.files), len(files)) as shown:
                for one in files:
                    row = self.list.add(one)
                    if shown is not batch.files:
                        shown.append(row)

    def _rearrange(self, number: int, touched: list[FileRow]) -> None:
        """Take out and put in the files of a batch that changed, under a filter."""
        shown = self._shown.get(number, [])
        gone: list[int] = []
        come: list[FileRow] = []
        for row in touched:
            at, is_shown = self._find(shown, row)
            wanted = self._choice.admits(row)
            if wanted and not is_shown:
                come.append(row)
            elif is_shown and not wanted:
                gone.append(at)
        for first, last in reversed(_runs(gone)):
            with self._removing(number, first, last):
                del shown[first : last + 1]
        come.sort(key=self._rank)
        where = groupby(come, key=lambda row: self._find(shown, row)[0])
        for at, group in reversed([(at, list(rows)) for at, rows in where]):
            with self._inserting(number, at, len(group)) as files:
                files[at:at] = group

    @contextmanager
    def _inserting(self, number: int, at: int, count: int) -> Generator[list[FileRow], None, None]:
        """Put files into what is shown of a batch, and the batch itself where it is not shown yet."""
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
            self._shown[number] = [] if self._choice.is_filter else batch.files
        yield self._shown[number]
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
        at, is_shown = self._find(shown, file)
        return self._start(file.batch) + 1 + at if is_shown else None

    def row_of_batch(self, batch: BatchRow) -> int:
        """Return the number of a batch's row; -1 where it is not shown."""
        return self._start(batch.number) if batch.number in self._shown else -1

    def row_at(self, index: Index) -> FileRow | BatchRow:
        """Return the row behind an index of this model."""
        place = bisect_right(self._starts, index.row()) - 1
        number = self._order[place]
        at = index.row() - self._starts[place]
        return self._shown[number][at - 1] if at else self.list.batches[number]

    def _rank(self, row: FileRow) -> int:
        ranks = self._ranks.get(row.batch)
        return row.place if ranks is None or row.place >= len(ranks) else ranks[row.place]

    def _find(self, shown: list[FileRow], row: FileRow) -> tuple[int, bool]:
        """Return where a file stands or would stand among those of its batch, and whether it does."""
        rank = self._rank(row)
        if rank < len(shown) and shown[rank] is row:  # nothing is left out
            return rank, True
        at = bisect_left(shown, rank, key=self._rank)
        return at, at < len(shown) and shown[at] is row

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
        return _file_data(row, role, self._held)


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
            return batch_title(row)
        case Role.ROW:
            return row
        case Role.SECOND:
            return batch_text(row)
        case Qt.ItemDataRole.AccessibleTextRole:
            return f"{batch_title(row)}. {batch_text(row)}"
        case Qt.ItemDataRole.ToolTipRole if row.faults:
            return plain_tip("\n".join(fault.sentence for fault in row.faults[:20]))
        case _:
            return None


def _file_data(row: FileRow, role: int, held: str) -> Any:  # noqa: PLR0911  # one case a role
    match role:
        case Qt.ItemDataRole.DisplayRole:
            return row.name
        case Role.ROW:
            return row
        case Role.SECOND:
            return second_line(row, held)
        case Role.STATE:
            return state_text(row)
        case Qt.ItemDataRole.AccessibleTextRole:
            texts = row.name, state_text(row), second_line(row, held), row.key
            return ". ".join(text for text in texts if text)
        case Qt.ItemDataRole.ToolTipRole:
            lines = [row.path, f"s3://{row.bucket}/{row.key}" if row.key else ""]
            lines += [row.error.sentence if row.error else "", row.unverified_reason]
            return plain_tip("\n".join(line for line in lines if line))
        case _:
            return None
