"""Which files of each batch are shown, and in which order; found a slice at a time. Pure Python, no Qt.

With a hundred thousand files a filter takes a tenth of a second and a sort longer, so both are generators:
whoever runs them takes as many steps as the window can spare, and goes on later.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Generator
from dataclasses import dataclass

from hashdrop.transfers.events import State
from hashdrop_gui.models.columns import VOLATILE
from hashdrop_gui.models.columns import Order
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow

_SLICE = 1000
"""Rows that a step looks at: about a millisecond."""
_RUN = 8000
"""Rows that are sorted in one step; longer lists are merged of such runs."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person wants to see."""

    states: frozenset[State] | None = None
    """Files in these states; `None` for all."""
    text: str = ""
    """In the name, folder or key; folded."""
    order: Order | None = None
    """`None` for the order in which they came."""

    @property
    def is_filter(self) -> bool:
        """Whether anything may be left out."""
        return self.states is not None or bool(self.text)

    @property
    def is_volatile(self) -> bool:
        """Whether what goes on changes the order."""
        return self.order is not None and self.order.column in VOLATILE

    def admits(self, row: FileRow) -> bool:
        """Whether a file is shown."""
        if self.states is not None and row.state not in self.states:
            return False
        text = self.text
        return (
            not text
            or text in row.name.casefold()
            or text in row.folder.casefold()
            or text in row.key.casefold()
        )


@dataclass(slots=True)
class Arranged:
    """A batch, as it is wanted."""

    files: list[FileRow]
    """In order. The batch's own list where that is what is wanted: then it follows by itself."""
    ranks: list[int] | None
    """Of each file by its place, where they are sorted; `None` where the place is the rank."""


def arranged(batch: BatchRow, choice: Choice) -> Generator[None, None, Arranged]:
    """Find the files of a batch that are to be shown; each step is short.

    Files that come or change meanwhile are not seen to: the caller knows of them.
    """
    files = batch.files
    if choice.order is None and not choice.is_filter:
        return Arranged(files, None)
    ranks: list[int] | None = None
    places = range(len(files))
    if choice.order is not None:
        places = yield from _sorted(files, choice.order.key, descending=choice.order.descending)
        ranks = [0] * len(places)
        for at in range(0, len(places), _RUN):
            for rank in range(at, min(at + _RUN, len(places))):
                ranks[places[rank]] = rank
            yield
    found: list[FileRow] = []
    for at in range(0, len(places), _SLICE):
        found += [files[place] for place in places[at : at + _SLICE] if choice.admits(files[place])]
        yield
    return Arranged(found, ranks)


def _sorted(
    files: list[FileRow], key: Callable[[FileRow], str | float], *, descending: bool
) -> Generator[None, None, list[int]]:
    """Return the places of files in order; equal ones stay as they came."""
    keys: list[str | float] = []
    count = len(files)
    for at in range(0, count, _SLICE):
        keys += [key(row) for row in files[at : min(at + _SLICE, count)]]
        yield
    runs: list[list[int]] = []
    for at in range(0, count, _RUN):
        run = list(range(at, min(at + _RUN, count)))
        run.sort(key=keys.__getitem__, reverse=descending)
        runs.append(run)
        yield
    while len(runs) > 1:  # two sorted runs are merged by Python's own sort in one pass
        merged: list[list[int]] = []
        for at in range(0, len(runs), 2):
            run = [number for part in runs[at : at + 2] for number in part]
            run.sort(key=keys.__getitem__, reverse=descending)
            merged.append(run)
            yield
        runs = merged
    return runs[0] if runs else []
