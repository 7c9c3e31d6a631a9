"""What S3 confirmed, noted in the catalog: many at once, for each write to the disk costs milliseconds."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from hashdrop.errors import CatalogError
from hashdrop.errors import CatalogFull
from hashdrop.errors import HashdropError
from hashdrop.pointer import StoredPointer
from hashdrop.transfers.events import State
from hashdrop.transfers.journal import QueuedFile

if TYPE_CHECKING:
    from hashdrop.transfers.journal import Journal
    from hashdrop.transfers.transfer import Transfer

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A transfer whose object S3 confirmed."""

    transfer: Transfer
    pointer: StoredPointer


@dataclass(slots=True)
class _Waiting:
    confirmed: tuple[Confirmed, ...]
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

    async def note(self, *confirmed: Confirmed) -> None:
        """Return when the catalog has them; call it shielded.

        Raises:
            CatalogError: They could not be noted.
        """
        if not confirmed:
            return
        mine = _Waiting(confirmed)
        self._waiting.append(mine)
        async with self._writing:
            if not mine.done:
                await self._write()
        if mine.error is not None:
            kind = CatalogFull if isinstance(mine.error, CatalogFull) else CatalogError
            raise kind(
                f"“{confirmed[0].transfer.name}” is in S3, but could not be noted in the catalog.",
                detail=f"It is at {confirmed[0].pointer.uri}. {mine.error.detail}",
                hint="Retry notes it without sending it again.",
                retryable=True,
            ) from mine.error

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        error: HashdropError | None = CatalogError("The catalog did not note what was stored.")
        try:
            await self._record([each for one in batch for each in one.confirmed])
            error = None
        except HashdropError as problem:
            error = problem
        finally:  # whatever ended it: nobody who waits takes silence for success
            for one in batch:
                one.error = error
                one.done = True
        if error is None:
            await self.forget(*(each.transfer.id for one in batch for each in one.confirmed))

    async def forget(self, *ids: int) -> None:
        """Take transfers out of the journal's queue."""
        if self._journal is None:
            return
        try:
            await self._journal.settle(ids)
        except HashdropError as error:  # after a crash they come back, and are found stored
            _LOG.warning("The journal could not be written: %s", error)


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
