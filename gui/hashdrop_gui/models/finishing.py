"""Notices ends: of a batch, and of all that was to be done. Pure Python, no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from enum import auto

from hashdrop.pointer import StoredPointer
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import BatchHeld
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import TransferList


class AfterLast(Enum):
    """What to do after the last upload."""

    NOTHING = auto()
    COPY = auto()
    """Copy the pointers."""
    QUIT = auto()


@dataclass(frozen=True, slots=True)
class AllEnded:
    """Nothing is left to be done."""

    pointers: tuple[StoredPointer, ...]
    """Of what was stored since there was nothing to do before."""
    failed: int
    """Files that failed, and what could not be read."""


class Ends:
    """Watches a list of transfers for ends; each is told once, and again after a retry."""

    def __init__(self, listed: TransferList) -> None:
        self._list = listed
        self._finished: set[int] = set()
        self._pointers: list[StoredPointer] = []
        self._failed = 0
        self._busy = False

    def take(self, events: Iterable[Event]) -> tuple[list[BatchRow], AllEnded | None]:
        """Take events that the list knows by now.

        Returns:
            The batches that came to their end, and the end of all, if it has come.
        """
        touched: dict[int, None] = {}
        for event in events:
            if isinstance(event, BatchScanned):
                touched[event.batch] = None
                self._failed += len(event.faults)
                continue
            row = None
            if not isinstance(event, (BatchHeld, BatchDismissed)):
                row = self._list.files.get(event.id)
            if row is None:
                continue
            touched[row.batch] = None
            if isinstance(event, (Stored, AlreadyStored)):
                self._pointers.append(event.pointer)
            elif isinstance(event, Failed):
                self._failed += 1
            self._busy = True
        batches = [self._list.batches[number] for number in touched if number in self._list.batches]
        ended = [batch for batch in batches if batch.is_finished and batch.files]
        told = [batch for batch in ended if batch.number not in self._finished]
        self._finished -= {batch.number for batch in batches if not batch.is_finished}
        self._finished |= {batch.number for batch in told}
        return told, self._all()

    def _all(self) -> AllEnded | None:
        if not self._busy or self._list.active:
            return None
        if not all(batch.scanned for batch in self._list.batches.values()):
            return None
        result = AllEnded(tuple(self._pointers), self._failed)
        self._pointers, self._failed, self._busy = [], 0, False
        return result


def was_cancelled(batch: BatchRow) -> bool:
    """Whether the person ended all of a batch: that is no news."""
    return batch.count(State.CANCELLED) == len(batch.files)
