"""One transfer: what it is to do and how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from hashdrop.s3.progress import Progress
from hashdrop.transfers.events import State

if TYPE_CHECKING:
    import anyio

    from hashdrop.transfers.target import Target

_ALLOWED: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.HASHING, State.FAILED, State.CANCELLED}),
    State.HASHING: frozenset(
        {State.UPLOADING, State.VERIFYING, State.STORED, State.ALREADY_STORED, State.FAILED, State.CANCELLED}
    ),
    State.UPLOADING: frozenset(
        {State.VERIFYING, State.STORED, State.ALREADY_STORED, State.FAILED, State.CANCELLED}
    ),
    State.VERIFYING: frozenset({State.STORED, State.ALREADY_STORED, State.FAILED, State.CANCELLED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
    State.STORED: frozenset(),
    State.ALREADY_STORED: frozenset(),
}  # fmt: skip
"""The state machine: from each state, where it may go."""


@dataclass(slots=True, eq=False)
class Transfer:
    """A file or stream on its way; only the engine changes it."""

    id: int
    batch: int
    name: str
    folder: str
    size: int | None
    target: Target
    path: Path | None = None
    stream: AsyncIterable[bytes] | None = None
    content_type: str | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])
    single_pass: bool = False
    state: State = State.QUEUED
    progress: Progress = field(default_factory=Progress)
    scope: anyio.CancelScope | None = None
    """Of the running work; cancelled to cancel it."""
    reported: tuple[State, int] = (State.QUEUED, 0)
    """State and count that were told last."""

    def enter(self, state: State) -> None:
        """Go to a state.

        Raises:
            AssertionError: The table does not allow it: a fault of the engine.
        """
        assert state in _ALLOWED[self.state], f"{self.state} -> {state}"
        self.state = state
