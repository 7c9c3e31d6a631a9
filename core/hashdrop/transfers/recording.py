"""What S3 confirmed, noted in the catalog: many at once, for each write to the disk costs milliseconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from hashdrop.errors import CatalogAway
from hashdrop.errors import CatalogError
from hashdrop.errors import CatalogFull
from hashdrop.errors import HashdropError
from hashdrop.errors import NoteRefused
from hashdrop.pointer import StoredPointer
from hashdrop.transfers.events import State
from hashdrop.transfers.journal import QueuedFile

if TYPE_CHECKING:
    from hashdrop.transfers.journal import Journal
    from hashdrop.transfers.transfer import Transfer

_LOG = logging.getLogger(__name__)


_AWAY_S = 15.0
"""Seconds for which a database that did not answer is not asked again."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A transfer whose object S3 confirmed."""

    transfer: Transfer
    pointer: StoredPointer


@dataclass(slots=True)
class _Waiting:
    confirmed: Confirmed
    done: bool = False
    error: HashdropError | None = None


class Recording:
    """Gathers what is confirmed while the catalog writes; whoever comes first writes for all who wait.

    Args:
        record: Notes them, all or none; raises `CatalogError`.
        journal: Of the queue: what is recorded need not come back after a crash.
    """

    def __init__(
        self,
        record: Callable[[Sequence[Confirmed]], Awaitable[None]],
        journal: Journal | None,
    ) -> None:
        self._record = record
        self._journal = journal
        self._waiting: list[_Waiting] = []
        self._writing = anyio.Lock()
        self._away: CatalogAway | None = None
        self._away_until = 0.0

    async def note(self, *confirmed: Confirmed) -> list[CatalogError | None]:
        """Return when it is known of each whether the catalog has it; call it shielded.

        Returns:
            For each why it could not be noted; `None` where the catalog has it.
        """
        mine = [_Waiting(one) for one in confirmed]
        self._waiting += mine
        async with self._writing:
            if not all(one.done for one in mine):
                await self._write()
        return [_unnoted(one.confirmed, one.error) if one.error else None for one in mine]

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        for one in batch:  # whatever ends it: nobody who waits takes silence for success
            one.error = CatalogError("The catalog did not note what was stored.")
        try:
            await self._record_some(batch)
        finally:
            for one in batch:
                one.done = True
        await self.forget(*(one.confirmed.transfer.id for one in batch if one.error is None))

    async def _record_some(self, batch: Sequence[_Waiting]) -> None:
        """Record them; where the database refuses one of them, its neighbours are noted without it.

        One that does not answer is waited for once, not for each batch that comes meanwhile.
        """
        error: HashdropError | None = None
        if self._away is not None and time.monotonic() < self._away_until:
            error = self._away
        else:
            self._away = None
            try:
                await self._record([one.confirmed for one in batch])
            except CatalogAway as problem:
                self._away, self._away_until = problem.kept(), time.monotonic() + _AWAY_S
                error = problem
            except NoteRefused as problem:
                if len(batch) > 1:
                    middle = len(batch) // 2
                    await self._record_some(batch[:middle])
                    await self._record_some(batch[middle:])
                    return
                error = problem
            except HashdropError as problem:
                error = problem
        for one in batch:
            one.error = error

    def ask_again(self) -> None:
        """Let the next batch ask a database that did not answer: a person wants it tried again."""
        self._away = None

    async def forget(self, *ids: int) -> None:
        """Take transfers out of the journal's queue."""
        if self._journal is None or not ids:
            return
        try:
            await self._journal.settle(ids)
        except HashdropError as error:  # after a crash they come back, and are found stored
            _LOG.warning("The journal could not be written: %s", error)


def _unnoted(confirmed: Confirmed, error: HashdropError) -> CatalogError:
    refused = isinstance(error, NoteRefused)
    kind = CatalogFull if isinstance(error, CatalogFull) else CatalogError
    told = kind(
        f"“{confirmed.transfer.name}” is in S3, but could not be noted in the catalog.",
        detail=f"It is at {confirmed.pointer.uri}. {error.detail}",
        hint=error.hint if refused else "Retry notes it without sending it again.",
        retryable=not refused,
    )
    told.__cause__ = error
    return told


class QueueNotes:
    """Notes of the queue in the journal, for the next start; without a journal it notes nothing.

    A note that cannot be written stops no upload: only a crash would forget the file.

    Args:
        journal: Of the queue.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal

    async def queued(
        self, transfers: Sequence[Transfer], *, taken_over: bool = False, held: bool = False
    ) -> None:
        """Note files that wait.

        Args:
            transfers: The files; streams are left out.
            held: Whether they wait for an answer: then they come back paused.
            taken_over: Whether they are what the journal's `take_over` returned.
        """
        if self._journal is None:
            return
        files = [
            QueuedFile(
                transfer=one.id,
                batch=one.batch,
                path=one.path,
                folder=one.folder,
                size=one.size or 0,
                connection=one.target.connection,
                tags=dict(one.tags),
                single_pass=one.single_pass,
                paused=held or one.is_noted_paused or one.state is State.PAUSED,
            )
            for one in transfers
            if one.path is not None
        ]
        try:
            await self._journal.queue(files, taken_over=taken_over)
        except HashdropError as error:
            _LOG.warning("The queue could not be journaled: %s", error)

    async def paused(self, ids: Sequence[int], *, paused: bool) -> None:
        """Note which files are paused, or no more."""
        if self._journal is None or not ids:
            return
        try:
            await self._journal.pause(ids, paused=paused)
        except HashdropError as error:
            _LOG.warning("The pause could not be journaled: %s", error)
