"""Who is storing what: the same content twice in one drop is sent once, the second waits and finds it.

What is being deleted is not taken for stored meanwhile: it is claimed until the catalog knows, too.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from hashdrop.s3.routing import S3Pointer


class Claimed(Exception):  # not an error: somebody else is at it
    """Raised in a worker thread when another write stores the same content just now."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


class Claim:
    """One write's claim; made by `Claims.open`."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._places: set[str] = set()
        self._is_over = False

    def take(self, place: str) -> None:
        """Claim a place, in any thread.

        Raises:
            Claimed: Another write has it.
        """
        if place in self._places:
            return
        if not self._claims.take(place):
            raise Claimed(place)
        self._places.add(place)
        if self._is_over:  # a thread that was left behind by a cancellation
            self.release()
            raise Claimed(place)

    async def wait_for(self, place: str) -> None:
        """Claim a place when nobody else has it any more."""
        while True:
            try:
                self.take(place)
            except Claimed:
                await self._claims.ended(place)
            else:
                return

    def release(self) -> None:
        """Let go of what was claimed; on the event loop."""
        self._is_over = True
        while self._places:
            self._claims.release(self._places.pop())


def name_of(pointer: S3Pointer) -> str:
    """Return what the place of an object is claimed by."""
    return f"{pointer['bucket']}/{pointer['key']}"


class Claims:
    """The places that are being written to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, list[anyio.Event]] = {}

    def claim(self) -> Claim:
        """Return a claim; whoever takes it releases it, on the event loop."""
        return Claim(self)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Claim, None]:
        """Give a write its claim, and let go of it at its end."""
        claim = Claim(self)
        try:
            yield claim
        finally:
            claim.release()

    def take(self, place: str) -> bool:
        """Take a place; false where it is taken."""
        with self._lock:
            if place in self._taken:
                return False
            self._taken[place] = []
            return True

    def release(self, place: str) -> None:
        """Give a place back and wake who waits for it."""
        with self._lock:
            waiting = self._taken.pop(place)
        for event in waiting:
            event.set()

    async def ended(self, place: str) -> None:
        """Wait until nobody has a place."""
        with self._lock:
            if place not in self._taken:
                return
            event = anyio.Event()
            self._taken[place].append(event)
        await event.wait()
