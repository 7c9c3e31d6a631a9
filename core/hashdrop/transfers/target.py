"""Where transfers go: a connection that may still be on its way to be opened."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from hashdrop.errors import HashdropError

if TYPE_CHECKING:
    from hashdrop.connection import Connection
    from hashdrop.s3.retrying import Outage
    from hashdrop.s3.writing import ContentWriter


class Target:
    """A connection and what writes to it; transfers keep the one that they were queued with.

    Args:
        connection: Where.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._decided = anyio.Event()
        self._writer: ContentWriter | None = None
        self._prepare: Callable[[ContentWriter], Awaitable[None]] | None = None
        self._preparing = anyio.Lock()
        self._error: HashdropError | None = None
        self.blocked: HashdropError | None = None
        """Why nothing can be stored until the person has done something (signed in again)."""

    def opened(
        self,
        writer: ContentWriter,
        prepare: Callable[[ContentWriter], Awaitable[None]] | None = None,
    ) -> None:
        """Say that it can be reached.

        Args:
            writer: Writes to it.
            prepare: Done once, before the first write.
        """
        self._writer = writer
        self._prepare = prepare
        self._decided.set()

    def failed(self, error: HashdropError) -> None:
        """Say that it cannot be reached."""
        self._error = error
        self._decided.set()

    @property
    def is_decided(self) -> bool:
        """Whether it is known if it can be reached."""
        return self._decided.is_set()

    @property
    def has_failed(self) -> bool:
        """Whether it cannot be reached."""
        return self._error is not None

    @property
    def outage(self) -> Outage | None:
        """Set while the store is out of reach and waited for."""
        return self._writer.outage if self._writer is not None else None

    def hurry(self) -> None:
        """Ask for a store that is out of reach now, not when it is due."""
        if self._writer is not None:
            self._writer.hurry()

    async def writer(self) -> ContentWriter:
        """Wait until it is decided whether it can be reached.

        Raises:
            HashdropError: It cannot be reached.
        """
        await self._decided.wait()
        if self._error is not None:
            raise self._error
        assert self._writer is not None
        async with self._preparing:
            if self._prepare is not None:
                try:
                    await self._prepare(self._writer)
                except Exception:  # it would fail every file
                    self._prepare = None
                    raise
                self._prepare = None  # not where it was cancelled with the first file
        return self._writer

    async def reader(self) -> ContentWriter:
        """As `writer`, for reading: nothing is prepared."""
        await self._decided.wait()
        if self._error is not None:
            raise self._error
        assert self._writer is not None
        return self._writer
