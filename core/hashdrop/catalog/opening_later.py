"""A catalog that is opened when it is needed, and written without its libraries where that can be."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.sqlite_notes import SqliteNotes
from hashdrop.catalog.sqlite_notes import open_notes
from hashdrop.errors import CatalogError

if TYPE_CHECKING:
    from hashdrop.catalog.catalog import Catalog


class OpeningCatalog:
    """The catalog while it is opened: its libraries take half a second that an upload need not wait for.

    What is stored is noted without them wherever that can be. Else it is opened when it is wanted: beside
    the libraries of the connection its own would slow both down, beside the hashing of the first files they
    cost nothing.

    Args:
        place: Of its file, or the URL of a team's.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self._notes: SqliteNotes | None = None
        self._catalog: Catalog | None = None
        self._error: CatalogError | None = None
        self._wanted = anyio.Event()
        self._opened = anyio.Event()
        self._closing = anyio.Event()

    async def run(self) -> None:
        """Open it, and close it when `close` was called.

        Raises:
            CatalogError: It cannot be opened.
        """
        # Shielded: what S3 confirmed is noted even when the program is being ended.
        with anyio.CancelScope(shield=True):
            try:
                await self._keep_open()
            finally:
                if self._notes is not None:
                    await self._notes.close()

    async def _keep_open(self) -> None:
        await self._wanted.wait()
        while not self._closing.is_set():
            try:
                module = await run_sync(import_module, "hashdrop.catalog.catalog")
                async with module.open_catalog(self.place) as self._catalog:
                    self._opened.set()
                    await self._closing.wait()
            except CatalogError as error:
                # A team's database may be there again later: the window goes on without it.
                self._error = error
                self._wanted = anyio.Event()
                self._opened.set()
                self._opened = anyio.Event()
                await self._wanted.wait()

    def close(self) -> None:
        """Let `run` end."""
        self._closing.set()
        self._wanted.set()

    async def want(self) -> None:
        """See to it that what is stored can soon be noted."""
        if self._notes is None and isinstance(self.place, Path):
            self._notes = await open_notes(self.place)
        if self._notes is None:
            self._wanted.set()

    async def opened(self) -> Catalog:
        """Return it when it is open.

        Raises:
            CatalogError: It cannot be opened.
        """
        self._wanted.set()
        await self._opened.wait()
        if self._catalog is None:
            assert self._error is not None
            raise self._error
        return self._catalog

    async def record_many(self, stored: Sequence[StoredName]) -> None:
        """Note objects that S3 confirmed; see `Catalog.record_many`.

        Raises:
            CatalogError: The database cannot be opened or written.
        """
        notes = self._notes or await self.opened()
        await notes.record_many(stored)
