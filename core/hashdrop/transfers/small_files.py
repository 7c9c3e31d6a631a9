"""Small files: many to one visit of a worker thread, for the visit costs more than the file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from hashdrop.content_types import content_type_of
from hashdrop.s3.body import Interrupted
from hashdrop.s3.body import Stop
from hashdrop.s3.progress import Progress
from hashdrop.turns import TURNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.s3.claims import Claim
    from hashdrop.s3.writing import ContentWriter
    from hashdrop.s3.writing import WriteOutcome
    from hashdrop.transfers.transfer import Transfer


@dataclass(slots=True, eq=False)
class SmallFile:
    """A small file on its visit."""

    transfer: Transfer
    progress: Progress = field(default_factory=Progress)
    stop: Stop = field(default_factory=Stop)
    claim: Claim | None = None
    begun: bool = False
    """Whether the thread is at it, or past it."""
    settled: bool = False
    """Whether its end was told: it was cancelled or paused before its turn."""
    outcome: WriteOutcome | None = None
    error: Exception | None = None
    seconds: float = 0.0

    @property
    def cancel_called(self) -> bool:
        """Whether it was told to end."""
        return self.stop.is_set

    def cancel(self) -> None:
        """End it, as an `anyio.CancelScope` would."""
        self.stop.set()


async def visit(
    writer: ContentWriter, files: Sequence[SmallFile], limiter: anyio.CapacityLimiter
) -> None:
    """Store small files, one after the other, in a worker thread; results stand in each.

    One try each: whatever needs patience (an outage, a busy store, the same content on its way elsewhere)
    ends in its error, and is then done alone.

    Args:
        writer: Of their target.
        files: Of one target.
        limiter: Of such visits.
    """
    for file in files:
        file.claim = writer.claims.claim()

    def work() -> None:
        for file in files:
            file.begun = True
            if not file.stop.is_set:
                began = time.perf_counter()
                with TURNS.busy:
                    _store(writer, file)
                file.seconds = time.perf_counter() - began

    try:
        await run_sync(work, limiter=limiter, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        for file in files:
            file.stop.set()
        raise
    finally:
        for file in files:
            if file.claim is not None:
                file.claim.release()


def _store(writer: ContentWriter, file: SmallFile) -> None:
    transfer = file.transfer
    assert transfer.path is not None
    assert file.claim is not None
    try:
        file.outcome = writer.write_small_now(
            Path(transfer.path),
            content_type=transfer.content_type or content_type_of(transfer.name),
            tags=transfer.tags,
            progress=file.progress,
            stop=file.stop,
            claim=file.claim,
            repair=transfer.repair,
        )
    except Interrupted:
        pass
    except Exception as error:  # noqa: BLE001  # carried to the loop, where the engine tells it
        file.error = error
