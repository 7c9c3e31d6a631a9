"""Tells what happens: events to whoever listens, progress at most ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import TYPE_CHECKING

import anyio

from hashdrop.s3.progress import Phase
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Listener
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Verifying
from hashdrop.transfers.events import Waiting

if TYPE_CHECKING:
    from hashdrop.transfers.transfer import Transfer

_TICK_S = 0.1

_STATE_OF_PHASE = {
    Phase.HASHING: State.HASHING,
    Phase.SENDING: State.UPLOADING,
    Phase.VERIFYING: State.VERIFYING,
}


class Reporter:
    """Emits the events of an engine."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._changed = anyio.Event()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener every event from now on; returns what ends it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def emit(self, event: Event) -> None:
        """Tell an event."""
        for listener in tuple(self._listeners):
            listener(event)
        self._changed.set()

    def wake(self) -> None:
        """Wake who waits for a change, without an event."""
        self._changed.set()

    async def next_change(self) -> None:
        """Wait for the next event."""
        if self._changed.is_set():
            self._changed = anyio.Event()
        await self._changed.wait()

    async def tick(self, running: Callable[[], Iterable[Transfer]]) -> None:
        """Tell the progress of what runs, over and over."""
        while True:
            for transfer in list(running()):
                self.report(transfer)
            await anyio.sleep(_TICK_S)

    def report(self, transfer: Transfer) -> None:
        """Tell where a running transfer is, if that is news."""
        progress = transfer.progress
        if progress is None or transfer.state.is_final:
            return
        self.tell_key(transfer)
        outage = transfer.target.outage
        if outage is not None and progress.place is not None:
            left = max(0, round(outage.next_try - time.monotonic()))
            if transfer.state is not State.WAITING:
                transfer.enter(State.WAITING)
            if transfer.told != (State.WAITING, left):
                transfer.told = (State.WAITING, left)
                self.emit(Waiting(id=transfer.id, error=outage.error, seconds=left))
            return
        if progress.phase is Phase.WAITING:
            return
        state = _STATE_OF_PHASE[progress.phase]
        if state is not transfer.state:
            transfer.enter(state)
        count = {State.HASHING: progress.hashed, State.UPLOADING: progress.sent}.get(state, 0)
        if transfer.told == (state, count):
            return
        transfer.told = (state, count)
        match state:
            case State.HASHING:
                self.emit(Hashing(id=transfer.id, done=count, total=transfer.size))
            case State.UPLOADING:
                self.emit(Uploading(id=transfer.id, done=count, total=transfer.size))
            case _:
                self.emit(Verifying(id=transfer.id))

    def tell_key(self, transfer: Transfer) -> None:
        """Tell a transfer's key as soon as it is known, once."""
        progress = transfer.progress
        if transfer.is_keyed or progress is None or progress.place is None:
            return
        transfer.is_keyed = True
        self.emit(
            Keyed(
                id=transfer.id,
                bucket=progress.place["bucket"],
                key=progress.place["key"],
                content_hash=progress.content_hash,
            )
        )


def queued_event(transfer: Transfer) -> Queued:
    """Return the event of a transfer that stands in the line."""
    return Queued(
        id=transfer.id,
        batch=transfer.batch,
        name=transfer.name,
        folder=transfer.folder,
        path=transfer.path or "-",
        size=transfer.size,
    )
