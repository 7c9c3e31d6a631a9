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
from hashdrop.errors import HashdropError
from hashdrop.pointer import StoredPointer

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

    async def note(self, confirmed: Confirmed) -> None:
        """Return when the catalog has it; call it shielded.

        Raises:
            CatalogError: It could not be noted.
        """
        mine = _Waiting(confirmed)
        self._waiting.append(mine)
        async with self._writing:
            if not mine.done:
                await self._write()
        if mine.error is not None:
            raise CatalogError(
                f"“{confirmed.transfer.name}” is in S3, but could not be noted in the catalog.",
                detail=f"It is at {confirmed.pointer.uri}. {mine.error.detail}",
                hint="Retry notes it without sending it again.",
                retryable=True,
            ) from mine.error

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        error: HashdropError | None = CatalogError("The catalog did not note what was stored.")
        try:
            await self._record([one.confirmed for one in batch])
            error = None
        except HashdropError as problem:
            error = problem
        finally:  # whatever ended it: nobody who waits takes silence for success
            for one in batch:
                one.error = error
                one.done = True
        if error is None:
            await self.forget(*(one.confirmed.transfer.id for one in batch))

    async def forget(self, *ids: int) -> None:
        """Take transfers out of the journal's queue."""
        if self._journal is None:
            return
        try:
            await self._journal.settle(ids)
        except HashdropError as error:  # after a crash they come back, and are found stored
            _LOG.warning("The journal could not be written: %s", error)
