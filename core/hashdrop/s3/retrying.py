"""Trying again, above botocore's own retries: those share one quota per client and give up early.

One `Retries` serves all requests of a storage, so that it can tell "this file" from "we are offline": where a
request finds no way to the store, the store itself is asked for. If it answers, the fault was that request's
and counts against its attempts. If not, everything waits for the store, and no attempt is used up.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio

from hashdrop.errors import EndpointUnreachable
from hashdrop.errors import StoreBusy
from hashdrop.errors import StoreError
from hashdrop.errors import TransferCut
from hashdrop.s3.faults import error_of

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

ATTEMPTS = 5
_ATTEMPTS_AT_BUSY = 8
"""A bucket that is divided anew says SlowDown for a while: three quarters of a minute is waited."""
_LONGEST_BACKOFF_S = 20.0
_BACKOFF_S = 0.4
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Outage:
    """The store is out of reach, and is waited for."""

    error: StoreError
    """What was heard when it was asked for a sign of life the first time."""
    since: float
    """`time.monotonic()`."""
    next_try: float
    """When the store is asked for again."""


class Retries:
    """Tries requests again; one for all of a storage.

    Args:
        patience_s: Seconds that an outage is waited out; 0 for not at all.
        ask: Asks the store for a sign of life, and returns whether it was away until then; raises
            `EndpointUnreachable` or `TransferCut` for none.
        check_room: Of `WriteOptions`: a store of ours that is full says that it has a fault of its own.
    """

    def __init__(
        self,
        *,
        patience_s: float = 0.0,
        ask: Callable[[], Awaitable[bool]] | None = None,
        check_room: Callable[[int | None], Awaitable[None]] | None = None,
    ) -> None:
        self._patience_s = patience_s
        self._ask = ask
        self._check_room = check_room
        self._reached = False
        self._asking = anyio.Lock()
        self._recoveries = 0
        self._hurried = anyio.Event()
        self.outage: Outage | None = None
        """Set while the store is waited for."""

    def note_reached(self) -> None:
        """Say that the store answered a request that was not tried by `run`."""
        self._reached = True

    def hurry(self) -> None:
        """Ask for a store that is waited for now, not when it is due."""
        self._hurried.set()

    async def run(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Call until it succeeds, the error is one that stays, or the attempts are used up.

        Args:
            what: For the log.
            attempt: One try; raises `StoreError`.

        Raises:
            StoreError: The last one, or what is behind it.
        """
        number = 1
        while True:
            try:
                result = await attempt()
            except StoreError as error:
                if not error.retryable:
                    self._reached = self._reached or not _is_of_the_way(error)
                    raise
                if self._check_room is not None and error_of(error)[1] >= 500:
                    await self._check_room(None)
                if _is_of_the_way(error) and await self._waited_out(error):
                    continue
                # A store that never answered is told at once: the address is more likely wrong.
                if number >= self._most_attempts(error):
                    raise
                _LOG.info("%s again: %s (%s)", what, error.title, error.technical)
            else:
                self._reached = True
                return result
            # Jitter keeps parallel parts from coming back all at once.
            backoff = min(_BACKOFF_S * 2 ** (number - 1), _LONGEST_BACKOFF_S)
            await anyio.sleep(backoff * random.uniform(0.5, 1.5))  # noqa: S311
            number += 1

    def _most_attempts(self, error: StoreError) -> int:
        if isinstance(error, StoreBusy):
            return _ATTEMPTS_AT_BUSY
        return ATTEMPTS if self._reached or not _is_of_the_way(error) else 2

    async def _waited_out(self, error: StoreError) -> bool:
        """Whether there was an outage, and it is over."""
        if not (self._patience_s and self._ask and self._reached):
            return False
        before = self._recoveries
        async with self._asking:  # one asks, the others wait for what it hears
            if before != self._recoveries:
                return True
            began = time.monotonic()
            wait = 1.0
            was_away = False
            try:
                while True:
                    try:
                        was_away = await self._ask()
                    except (EndpointUnreachable, TransferCut) as heard:
                        if time.monotonic() - began > self._patience_s:
                            raise error from None
                        told = heard if self.outage is None else self.outage.error
                        pause = wait * random.uniform(0.7, 1.3)  # noqa: S311
                        self.outage = Outage(told, began, time.monotonic() + pause)
                        self._hurried = anyio.Event()
                        with anyio.move_on_after(pause):
                            await self._hurried.wait()
                        wait = min(wait * 2, _LONGEST_WAIT_S)
                    except StoreError:  # it answers, whatever it says
                        break
                    else:
                        break
            finally:
                was_out, self.outage = was_away or self.outage is not None, None
            self._recoveries += was_out
            return was_out


def _is_of_the_way(error: StoreError) -> bool:
    return isinstance(error, (EndpointUnreachable, TransferCut))
