"""Where transfers go: a connection whose storage may still be on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from hashdrop.errors import HashdropError

if TYPE_CHECKING:
    from hashdrop.connection import Connection
    from hashdrop.s3.storage import S3Storage


class Target:
    """A connection with its storage; transfers keep the one that they were queued with.

    Args:
        connection: Where.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._decided = anyio.Event()
        self._storage: S3Storage | None = None
        self._error: HashdropError | None = None

    def opened(self, storage: S3Storage) -> None:
        """Say that the storage is there."""
        self._storage = storage
        self._decided.set()

    def failed(self, error: HashdropError) -> None:
        """Say that the storage cannot be had."""
        self._error = error
        self._decided.set()

    @property
    def has_failed(self) -> bool:
        """Whether the storage cannot be had."""
        return self._error is not None

    async def storage(self) -> S3Storage:
        """Wait for the storage.

        Raises:
            HashdropError: It cannot be had.
        """
        await self._decided.wait()
        if self._error is not None:
            raise self._error
        assert self._storage is not None
        return self._storage
