"""Drops that are held: nothing of them is begun before they are counted, or before the person answered."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from hashdrop.transfers.transfer import Transfer


@dataclass(frozen=True, slots=True)
class AskAbove:
    """From which size on a drop is asked about."""

    files: int
    """More files than this."""
    size: int
    """More bytes than this."""

    def is_passed(self, files: int, size: int) -> bool:
        """Whether a drop is so large that it is asked about."""
        return files > self.files or size > self.size


LARGE_DROP = AskAbove(files=10_000, size=50_000_000_000)
"""What a person may not have meant to drop."""


@dataclass(slots=True, eq=False)
class HeldDrop:
    """A drop while it is held; only the engine changes it."""

    limit: AskAbove
    transfers: list[Transfer] = field(default_factory=list["Transfer"])
    """What was found of it so far, in order."""
    walk: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """Of the walk that finds its files."""
    walked: anyio.Event = field(default_factory=anyio.Event)
    """Set when that is over."""
    is_asked: bool = False
    """Whether the limit was passed: it goes on only with an answer."""
    is_released: bool = False
    """Whether what is found from now on need not be held."""
    is_dismissed: bool = False
    """Whether the person does not want it."""
