"""The history: what became of each drop, for some weeks. SQLite in a file of its own, written in a thread.

The engine tells what happens to files; it is gathered, and written once a second. A drop is listed when it
has come to its end; one whose run was killed is listed at the next start with what became of it till then.
The format is described in docs/files.md.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from hashdrop.errors import CatalogError
from hashdrop.pointer import StoredPointer
from hashdrop.pointer_export import NamedPointer
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.history_file import PUT_DROP
from hashdrop.transfers.history_file import DropCounts
from hashdrop.transfers.history_file import PastDrop
from hashdrop.transfers.history_file import drop_row
from hashdrop.transfers.history_file import escaped
from hashdrop.transfers.history_file import file_row
from hashdrop.transfers.history_file import named_pointer
from hashdrop.transfers.history_file import now_s
from hashdrop.transfers.history_file import open_file
from hashdrop.transfers.history_file import past_drop
from hashdrop.transfers.history_file import told

if TYPE_CHECKING:
    from hashdrop.transfers.transfer import Transfer

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

_GATHER_S = 1.0
_CLEAN_S = 6 * 3600.0
"""Seconds between two looks for what is too old."""


class History:
    """The history of one run of the program; made by `open_history`.

    Args:
        database: Open; used by one thread at a time.
        days: That a drop is kept for.
    """

    def __init__(self, database: sqlite3.Connection, days: int) -> None:
        self._database = database
        self.days = days
        """That a drop is kept for."""
        self._run_name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._one = anyio.CapacityLimiter(1)
        self._is_closed = False
        self._drops: dict[int, DropCounts] = {}
        self._changed: dict[int, DropCounts] = {}
        self._files: list[tuple[int, tuple[Any, ...]]] = []
        self._dismissed: list[int] = []
        self._news = anyio.Event()

    # --- what the engine tells -------------------------------------------------------------------

    def queued(self, transfer: Transfer) -> None:
        """Note that a file stands in the queue, for the first time or again."""
        drop = self._drops.get(transfer.batch)
        if drop is None:
            connection = transfer.target.connection
            drop = self._drops[transfer.batch] = DropCounts(
                batch=transfer.batch,
                connection=connection.name,
                destination=connection.destination,
                begun_at=now_s(),
                name=transfer.name,
            )
        drop.unfinished += 1
        given_up = drop.given_up.pop(transfer.id, None)
        if given_up is not None:
            drop.counts[given_up] -= 1
            return
        drop.files += 1
        drop.size += transfer.size or 0
        if len(drop.tops) < 2:
            drop.tops.add(transfer.folder.partition("/")[0])

    def ended(self, transfer: Transfer, state: State, event: Event) -> None:
        """Note what became of a file."""
        drop = self._drops.get(transfer.batch)
        if drop is None:
            return
        drop.unfinished -= 1
        drop.counts[state] = drop.counts.get(state, 0) + 1
        pointer: StoredPointer | None = None
        error = ""
        if isinstance(event, (Stored, AlreadyStored)):
            pointer = event.pointer
            drop.sent_bytes += event.sent_bytes
            if transfer.size is None:
                drop.size += pointer.content_size
        else:
            drop.given_up[transfer.id] = state
            if isinstance(event, Failed):
                drop.sent_bytes += event.sent_bytes
                error = event.error.sentence
        self._files.append((transfer.batch, file_row(transfer, state, pointer, error)))
        self._note(drop)

    def scanned(self, batch: int, faults: int) -> None:
        """Note that all of a drop was found."""
        drop = self._drops.get(batch)
        if drop is not None:
            drop.scanned = True
            drop.faults = faults
            self._note(drop)

    def dismissed(self, batch: int) -> None:
        """Forget a drop that was not wanted."""
        self._drops.pop(batch, None)
        self._changed.pop(batch, None)
        self._files = [one for one in self._files if one[0] != batch]
        self._dismissed.append(batch)
        self._news.set()

    def _note(self, drop: DropCounts) -> None:
        if drop.scanned and not drop.unfinished:
            drop.ended_at = now_s()
            if not drop.given_up:
                self._drops.pop(drop.batch, None)  # nothing more can happen to it
        self._changed[drop.batch] = drop
        self._news.set()

    # --- writing ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what is told, and take away what is too old, until cancelled."""
        next_look = 0.0
        while True:
            try:
                if time.monotonic() > next_look:
                    next_look = time.monotonic() + _CLEAN_S
                    await self.clean()
                with anyio.move_on_after(_CLEAN_S):
                    await self._news.wait()
                    self._news = anyio.Event()
                    await anyio.sleep(_GATHER_S)
                await self.write()
            except CatalogError as error:  # no upload ends for that
                _LOG.warning("%s", error.sentence)

    async def write(self) -> None:
        """Write what was told so far; whoever asks for it may be cancelled, nothing of it is lost."""
        with anyio.CancelScope(shield=True):
            await self._write()

    async def _write(self) -> None:
        drops, self._changed = list(self._changed.values()), {}
        files, self._files = self._files, []
        dismissed, self._dismissed = self._dismissed, []
        if not (drops or dismissed):
            return
        rows = [drop_row(self._run_name, drop) for drop in drops]
        numbers = {drop.batch for drop in drops}

        def work(database: sqlite3.Connection) -> None:
            database.executemany(
                "DELETE FROM history_drops WHERE run = ? AND batch = ?",
                [(self._run_name, batch) for batch in dismissed],
            )
            database.executemany(PUT_DROP, rows)
            ids = {
                row["batch"]: row["id"]
                for row in database.execute(
                    "SELECT id, batch FROM history_drops WHERE run = ?", (self._run_name,)
                )
                if row["batch"] in numbers
            }
            database.executemany(
                f"INSERT OR REPLACE INTO history_files VALUES ({', '.join('?' * 13)})",  # noqa: S608  # only "?"
                ((ids[batch], *row) for batch, row in files if batch in ids),
            )

        await self._do(work)

    async def clean(self) -> None:
        """Take away what is older than it is to be kept."""
        limit = time.time() - self.days * 86400.0
        await self._do(
            lambda database: database.execute(
                "DELETE FROM history_drops WHERE ended_at < ?", (limit,)
            )
        )

    async def forget(self, ids: Sequence[int]) -> None:
        """Take drops out of the history."""
        await self._do(
            lambda database: database.executemany(
                "DELETE FROM history_drops WHERE id = ?", [(one,) for one in ids]
            )
        )

    # --- reading ---------------------------------------------------------------------------------

    async def page(
        self, *, text: str = "", before: PastDrop | None = None, limit: int = 100
    ) -> list[PastDrop]:
        """Return drops that came to their end, newest first.

        Args:
            text: In the name of the drop, its connection, or a name, folder or key of its files.
            before: The last one of the page before.
            limit: Drops at most.

        Raises:
            CatalogError: The history cannot be read.
        """
        await self.write()
        where, values = ["ended_at IS NOT NULL"], list[Any]()
        if text.strip():
            pattern = f"%{escaped(text.strip().casefold())}%"
            where.append(
                "(folded LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM history_files AS file "
                "WHERE file.drop_id = history_drops.id AND file.folded LIKE ? ESCAPE '\\'))"
            )
            values += [pattern, pattern]
        if before is not None:
            where.append("(ended_at, id) < (?, ?)")
            values += [before.ended_at.timestamp(), before.id]
        query = (
            f"SELECT * FROM history_drops WHERE {' AND '.join(where)} "  # noqa: S608  # our own words
            "ORDER BY ended_at DESC, id DESC LIMIT ?"
        )
        return await self._do(
            lambda database: [
                past_drop(row) for row in database.execute(query, (*values, limit)).fetchall()
            ]
        )

    async def pointers(self, drop: int) -> list[NamedPointer]:
        """Return the pointers of a drop's files, in the order in which they were dropped.

        Raises:
            CatalogError: The history cannot be read.
        """

        def work(database: sqlite3.Connection) -> list[NamedPointer]:
            rows = database.execute(
                "SELECT * FROM history_files WHERE drop_id = ? AND content_hash <> '' "
                "ORDER BY transfer",
                (drop,),
            )
            return [named_pointer(row) for row in rows]

        return await self._do(work)

    async def close(self) -> None:
        """Write what was told, and close the file when nobody reads it any more."""

        def end() -> None:
            self._is_closed = True
            self._database.close()

        with anyio.CancelScope(shield=True):
            try:
                await self.write()
            except CatalogError as error:
                _LOG.warning("%s", error.sentence)
            # In its turn: SQLite does not survive that a file is closed while another thread is in it.
            await run_sync(end, limiter=self._one)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def guarded() -> T:
            if self._is_closed:
                raise CatalogError("The history of transfers is closed.")
            with told(), self._database:
                self._database.execute("BEGIN IMMEDIATE")
                return work(self._database)

        return await run_sync(guarded, limiter=self._one)


@asynccontextmanager
async def open_history(path: Path, *, days: int) -> AsyncGenerator[History, None]:
    """Open the history, made where there is none.

    Args:
        path: Its file; the folder exists.
        days: That a drop is kept for.

    Raises:
        CatalogError: The file is no database, or is of a later version of Hashdrop.
    """
    database = await run_sync(open_file, path)
    history = History(database, days)
    try:
        yield history
    finally:
        await history.close()


__all__ = ("History", "PastDrop", "open_history")
