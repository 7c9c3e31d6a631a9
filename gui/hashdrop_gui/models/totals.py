"""All transfers together, in one line of words."""

from __future__ import annotations

from hashdrop.transfers.events import State
from hashdrop_gui.models.transfer_list import TransferList
from hashdrop_gui.models.wording import left_text
from hashdrop_gui.models.wording import progress_text
from hashdrop_gui.models.wording import speed_text
from hashdrop_gui.models.wording import tr


def bytes_done(listed: TransferList) -> int:
    """Return how many bytes of all that is wanted are there."""
    uploading = sum(row.done for row in listed.moving.values() if row.is_sent)
    uploading += sum(row.kept for row in listed.held.values())
    return min(listed.total, listed.finished_bytes + uploading)


def is_held(listed: TransferList, *, all_paused: bool) -> bool:
    """Whether nothing moves because it is paused: all at once, or file by file."""
    held = listed.counts[State.PAUSED]
    return 0 < held == listed.active or (all_paused and not listed.moving)


def active_text(listed: TransferList, rate: float, *, all_paused: bool) -> str:
    """Return what is on its way.

    Args:
        listed: The transfers.
        rate: Bytes a second now.
        all_paused: Whether nothing is started.
    """
    done = bytes_done(listed)
    words = tr("{n} paused") if is_held(listed, all_paused=all_paused) else tr("{n} active")
    parts = [words.format(n=f"{listed.active:,}")]
    if listed.moving and rate > 0:
        parts += [speed_text(rate), left_text((listed.total - done) / rate)]
    parts.append(progress_text(done, listed.total))
    return " · ".join(parts)


def idle_text(listed: TransferList) -> str:
    """Return how all of it ended; "" where there was nothing."""
    numbers = (
        (listed.counts[State.STORED], tr("{n} stored")),
        (listed.counts[State.ALREADY_STORED], tr("{n} already stored")),
        (listed.counts[State.FAILED], tr("{n} failed")),
        (listed.counts[State.CANCELLED], tr("{n} cancelled")),
    )
    return " · ".join(words.format(n=f"{number:,}") for number, words in numbers if number)
