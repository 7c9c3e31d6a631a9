"""Why uploads wait: the one thing to tell about it, whatever the number of files. Pure Python, no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hashdrop.errors import HashdropError
from hashdrop.transfers.events import BatchDismissed
from hashdrop.transfers.events import BatchHeld
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Waiting


@dataclass(frozen=True, slots=True)
class Wait:
    """What is waited for."""

    error: HashdropError
    seconds: float | None
    """Until it is tried again; `None`: when the person has signed in."""

    @property
    def needs_sign_in(self) -> bool:
        """Whether it goes on only when the person has done something."""
        return self.seconds is None


class Outages:
    """Knows which files wait, and what for."""

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}

    def take(self, events: Iterable[Event]) -> Wait | None:
        """Take the events of a tick; return what is waited for now, a sign-in before all else."""
        for event in events:
            if isinstance(event, Waiting):
                self._waiting.pop(event.id, None)  # the newest stands last
                self._waiting[event.id] = event
            elif not isinstance(event, (BatchScanned, BatchHeld, BatchDismissed)):
                self._waiting.pop(event.id, None)
        waits = [Wait(one.error, one.seconds) for one in self._waiting.values()]
        if not waits:
            return None
        return next((wait for wait in waits if wait.needs_sign_in), waits[-1])
