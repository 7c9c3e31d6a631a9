"""The columns of the list of transfers: their words, how they sort, how they share the width. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hashdrop.transfers.events import State
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.wording import tr


class Column(StrEnum):
    """What stands below each other."""

    NAME = "name"
    STATE = "state"
    SIZE = "size"
    SENT = "sent"
    SPEED = "speed"
    LEFT = "left"
    PATH = "path"


ALWAYS = frozenset({Column.NAME})
"""Columns that cannot be hidden."""
AT_FIRST = frozenset({Column.NAME, Column.STATE, Column.PATH})
"""Columns that are shown until the person chooses others: the rows say the rest in their second lines."""
NUMBERS = (Column.SIZE, Column.SENT, Column.SPEED, Column.LEFT)
"""Columns that stand at the right, below each other."""
VOLATILE = frozenset({Column.STATE, Column.SENT, Column.SPEED, Column.LEFT, Column.PATH})
"""Columns whose values change while files are stored."""
_ORDER = {state: number for number, state in enumerate(State)}
NARROWEST = 64
"""Pixels that a column keeps."""
_NARROWEST = {Column.NAME: 150, Column.PATH: 120, Column.STATE: 100}
_WIDTHS = {Column.SIZE: 84, Column.SENT: 110, Column.SPEED: 84, Column.LEFT: 96}
_GAP = 20


def title_of(column: Column) -> str:
    """Return what a column is called."""
    return {
        Column.NAME: tr("Name"),
        Column.STATE: tr("State"),
        Column.SIZE: tr("Size"),
        Column.SENT: tr("Sent"),
        Column.SPEED: tr("Speed"),
        Column.LEFT: tr("Time left"),
        Column.PATH: tr("Path"),
    }[column]


@dataclass(frozen=True, slots=True)
class Order:
    """By which column the files of each batch stand."""

    column: Column
    descending: bool = False

    def __str__(self) -> str:
        """As it is kept: `size`, `-size`."""
        return f"-{self.column}" if self.descending else str(self.column)

    @classmethod
    def parsed(cls, text: str) -> Order | None:
        """Return the order of a kept text; `None` for the order in which files came."""
        name = text.removeprefix("-")
        if name not in set(Column):
            return None
        return cls(Column(name), text.startswith("-"))

    @property
    def key(self) -> Callable[[FileRow], str | float]:
        """Return what rows are compared by."""
        return _KEYS[self.column]


def seconds_left(row: FileRow) -> float | None:
    """Return how long a file will take, `None` where that is not known."""
    if row.state is not State.UPLOADING or row.speed <= 0 or not row.size:
        return None
    return (row.size - row.done) / row.speed


def sent_bytes(row: FileRow) -> int:
    """Return how many bytes of a file are there."""
    if row.state in {State.STORED, State.ALREADY_STORED}:
        return row.size or 0
    return row.done if row.is_sent else row.kept


def _left(row: FileRow) -> float:
    left = seconds_left(row)
    if left is None:
        return -1.0 if row.state.is_final else float("inf")
    return left


_KEYS: dict[Column, Callable[[FileRow], str | float]] = {
    Column.NAME: lambda row: row.name.casefold(),
    Column.STATE: lambda row: _ORDER[row.state],
    Column.SIZE: lambda row: -1 if row.size is None else row.size,
    Column.SENT: sent_bytes,
    Column.SPEED: lambda row: row.speed if row.state is State.UPLOADING else 0.0,
    Column.LEFT: _left,
    Column.PATH: lambda row: row.key,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column stands."""

    column: Column
    left: int
    width: int


def laid_out(
    shown: Iterable[Column], widths: Mapping[Column, int], left: int, width: int
) -> tuple[Place, ...]:
    """Share a width between columns: those that were given a width have it, the name takes what is left.

    Where there is too little, all give way in proportion, down to what can be read.

    Args:
        shown: The columns.
        widths: Of those that the person has made wider or narrower.
        left: Where the first begins.
        width: Of all, in pixels.
    """
    wanted = [column for column in Column if column in set(shown) or column in ALWAYS]
    room = width - _GAP * (len(wanted) - 1)
    sizes = {
        column: max(NARROWEST, widths.get(column) or _WIDTHS.get(column, 0))
        for column in wanted
        if column is not Column.NAME
    }
    rest = room - sum(_WIDTHS[column] for column in wanted if column in _WIDTHS)
    if Column.STATE in sizes and Column.STATE not in widths:
        sizes[Column.STATE] = max(120, min(176, rest // 5))
    if Column.PATH in sizes and Column.PATH not in widths:
        sizes[Column.PATH] = max(140, (rest - sizes.get(Column.STATE, 0)) * 47 // 100)
    over = sum(sizes.values()) + _NARROWEST[Column.NAME] - room
    if over > 0:
        least = {column: _NARROWEST.get(column, NARROWEST) for column in sizes}
        spare = sum(max(0, sizes[column] - least[column]) for column in sizes)
        for column, size in list(sizes.items()):
            own = max(0, size - least[column])
            sizes[column] = size - (min(own, -(-over * own // spare)) if spare else 0)
    sizes[Column.NAME] = max(NARROWEST, room - sum(sizes.values()))
    places: list[Place] = []
    for column in wanted:
        places.append(Place(column, left, sizes[column]))
        left += sizes[column] + _GAP
    return tuple(places)
