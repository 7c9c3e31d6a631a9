"""From what a write did, or how it failed, to the state and the event that tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashdrop.errors import HashdropError
from hashdrop.errors import SourceChanged
from hashdrop.errors import StoreError
from hashdrop.pointer import StoredPointer
from hashdrop.s3.claims import Claimed
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.reporting import queued_event

if TYPE_CHECKING:
    from hashdrop.s3.writing import WriteOutcome
    from hashdrop.transfers.transfer import Transfer


def pointer_of(outcome: WriteOutcome) -> StoredPointer:
    """Return the pointer of what was stored."""
    return StoredPointer(
        bucket=outcome.pointer["bucket"],
        key=outcome.pointer["key"],
        content_hash=outcome.digest["content_hash"],
        content_size=outcome.digest["content_size"],
        content_type=outcome.digest["content_type"],
    )


def success_event(
    number: int, outcome: WriteOutcome, pointer: StoredPointer, seconds: float
) -> tuple[State, Event]:
    """Return the state and event of a transfer that S3 confirmed.

    Args:
        number: Of the transfer.
        outcome: What the write did.
        pointer: To what was stored.
        seconds: That it took.
    """
    state, kind = (
        (State.ALREADY_STORED, AlreadyStored) if outcome.already_stored else (State.STORED, Stored)
    )
    return state, kind(
        id=number,
        pointer=pointer,
        sent_bytes=outcome.sent_bytes,
        seconds=seconds,
        verified=outcome.verified,
        unverified_reason=outcome.unverified_reason,
    )


def ended_event(transfer: Transfer, seconds: float) -> Event:
    """Return the event of a transfer that was cancelled or paused, or paused and resumed already.

    Args:
        transfer: At the end of its work.
        seconds: That it took.
    """
    if transfer.wanted is State.PAUSED:
        return Paused(id=transfer.id)
    if transfer.wanted is State.QUEUED:
        return queued_event(transfer)
    return Cancelled(id=transfer.id, seconds=seconds)


def needs_patience(error: Exception) -> bool:
    """Whether a small file that failed on its one try is worth to be done again by itself."""
    if isinstance(error, (Claimed, SourceChanged)):
        return True
    return isinstance(error, StoreError) and error.retryable


def unexpected(name: str, error: Exception) -> HashdropError:
    """Return the error for people that stands for one of the program."""
    if isinstance(error, NotImplementedError):
        return HashdropError(
            "This connection is read-only.", hint="Choose another one to store files."
        )
    return HashdropError(
        f"Something unexpected went wrong with “{name}”.",
        hint="Retry; if it stays, report it with the details.",
        retryable=True,
        technical=type(error).__name__,
    )
