"""Storing one transfer: hashed ahead where that saves time, hashed again where the file changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from hashdrop.content_types import content_type_of
from hashdrop.errors import HashdropError
from hashdrop.errors import SourceChanged
from hashdrop.errors import SourceError
from hashdrop.s3.direct import is_resumable
from hashdrop.s3.hashing import HASHES_AT_ONCE
from hashdrop.s3.hashing import hash_file
from hashdrop.s3.multipart import part_size_for
from hashdrop.s3.progress import Progress
from hashdrop.s3.threads import plain_task_group
from hashdrop.transfers.events import HashedAgain
from hashdrop.transfers.events import State

if TYPE_CHECKING:
    from hashdrop.s3.hashing import HashedFile
    from hashdrop.s3.writing import ContentWriter
    from hashdrop.s3.writing import WriteOutcome
    from hashdrop.transfers.journal import Journal
    from hashdrop.transfers.reporting import Reporter
    from hashdrop.transfers.transfer import Transfer

_LOG = logging.getLogger(__name__)

_HASHED_AGAIN = 2
"""How often a file that changed while it was read is hashed anew by itself."""
_SETTLE_S = 0.5


class Storing:
    """Stores transfers one by one, as many at once as are asked for.

    Args:
        reporter: Told how far they are.
        journal: Of unfinished uploads; `None` for nothing.
    """

    def __init__(self, reporter: Reporter, journal: Journal | None) -> None:
        self._reporter = reporter
        self._journal = journal
        self._hashes_ahead = anyio.CapacityLimiter(HASHES_AT_ONCE)

    async def store(self, transfer: Transfer) -> WriteOutcome:
        """Store a file or a stream; `transfer.wanted` says at its cancellation what of it is to stay.

        Raises:
            HashdropError: It cannot be stored.
        """
        progress = transfer.progress = self._progress_of(transfer)
        writer, hashed = await self._writer(transfer, progress)
        attempt = 0

        def keep(cause: BaseException | None) -> bool:
            if isinstance(cause, Exception):
                return is_resumable(cause)
            return transfer.wanted is not State.CANCELLED

        while True:
            try:
                if transfer.path is not None:
                    return await writer.write_file(
                        Path(transfer.path),
                        content_type=transfer.content_type,
                        tags=transfer.tags,
                        progress=progress,
                        single_pass=transfer.single_pass or transfer.target.connection.single_pass,
                        repair=transfer.repair,
                        log=self._journal,
                        keep=keep,
                        hashed=hashed,
                    )
                assert transfer.stream is not None
                return await writer.write_stream(
                    transfer.stream,
                    content_type=transfer.content_type or content_type_of(transfer.name),
                    tags=transfer.tags,
                    progress=progress,
                    repair=transfer.repair,
                )
            except SourceChanged as error:
                attempt += 1
                if transfer.path is None or attempt > _HASHED_AGAIN:
                    raise
                self._reporter.emit(HashedAgain(id=transfer.id, error=error))
                await anyio.sleep(_SETTLE_S * attempt)
                progress = transfer.progress = self._progress_of(transfer)
                hashed = None

    async def drop_unfinished(self, transfers: Sequence[Transfer]) -> None:
        """Take away what paused or waiting files had in their stores, now that they are cancelled.

        What cannot be taken away is logged; the journal knows it still.
        """
        if self._journal is None:
            return
        try:
            begun = await self._journal.begun_paths()
        except HashdropError as error:
            _LOG.warning("Uploads may be left: %s", error)
            return
        for transfer in transfers:
            if transfer.path in begun:
                try:
                    writer = await transfer.target.writer()
                    await writer.drop_unfinished(
                        Path(transfer.path),
                        self._journal,
                        content_type=transfer.content_type,
                        tags=transfer.tags,
                    )
                except HashdropError as error:
                    _LOG.warning("An upload of %s may be left: %s", transfer.name, error)

    async def _writer(
        self, transfer: Transfer, progress: Progress
    ) -> tuple[ContentWriter, HashedFile | None]:
        """Return the writer of a transfer's target; while that is being reached, the file is hashed."""
        target, size = transfer.target, transfer.size
        if target.is_decided or transfer.path is None or size is None or transfer.alone:
            return await target.writer(), None
        path, part_size = Path(transfer.path), part_size_for(size, target.connection.part_size)
        hashed: HashedFile | None = None

        async def hash_ahead() -> None:
            nonlocal hashed
            with suppress(SourceError):  # the write itself tells it
                hashed = await hash_file(path, part_size, progress, limiter=self._hashes_ahead)

        async with plain_task_group() as group:
            group.start_soon(hash_ahead)
            writer = await target.writer()
            if self._journal is not None and await writer.has_unfinished(path, self._journal):
                group.cancel_scope.cancel()
        return writer, hashed

    def _progress_of(self, transfer: Transfer) -> Progress:
        transfer.is_keyed = False
        progress = Progress(
            on_phase=lambda _: self._reporter.report(transfer),
            on_keyed=lambda _place, _hash: self._reporter.tell_key(transfer),
        )
        progress.is_unheard, transfer.is_unheard = transfer.is_unheard, False
        return progress
