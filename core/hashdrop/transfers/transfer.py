"""One transfer: what it is to do and how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING

from hashdrop.transfers.events import State

if TYPE_CHECKING:
    import anyio

    from hashdrop.s3.progress import Progress
    from hashdrop.transfers.small_files import SmallFile
    from hashdrop.transfers.target import Target

_ENDS = frozenset({State.STORED, State.ALREADY_STORED, State.FAILED, State.CANCELLED})
_ASIDE = frozenset({State.PAUSED, State.WAITING})
_ALLOWED: dict[State, frozenset[State]] = {
    # A resumed file was hashed by an earlier run.
    State.QUEUED: _ENDS | _ASIDE | {State.HASHING, State.UPLOADING, State.VERIFYING},
    State.HASHING: _ENDS | _ASIDE | {State.QUEUED, State.UPLOADING, State.VERIFYING},
    State.UPLOADING: _ENDS | _ASIDE | {State.QUEUED, State.HASHING, State.VERIFYING},
    State.VERIFYING: _ENDS | _ASIDE | {State.QUEUED, State.HASHING, State.UPLOADING},
    State.WAITING: _ENDS
    | {State.QUEUED, State.HASHING, State.UPLOADING, State.VERIFYING, State.PAUSED},
    State.PAUSED: frozenset({State.QUEUED, State.CANCELLED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
    State.STORED: frozenset(),
    State.ALREADY_STORED: frozenset(),
}
"""The state machine: from each state, where it may go."""

_NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Transfer:
    """A file or stream on its way; only the engine changes it.

    A hundred thousand of them may wait: what only a running one needs is made when it runs.
    """

    id: int
    batch: int
    name: str
    folder: str
    size: int | None
    target: Target
    path: str | None = None
    stream: AsyncIterable[bytes] | None = None
    content_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: _NO_TAGS)
    single_pass: bool = False
    repair: bool = False
    state: State = State.QUEUED
    progress: Progress | None = None
    """While it runs."""
    scope: anyio.CancelScope | SmallFile | None = None
    """Of the running work; cancelled to end it."""
    alone: bool = False
    """Whether it is done by itself, though small: it needs patience, or is no file."""
    wanted: State = State.CANCELLED
    """What a cancelled scope means: cancelled, paused, or queued again (paused, and resumed already)."""
    is_held: bool = False
    """Whether its drop is held: it stands in no line until that is released."""
    is_noted_paused: bool = False
    """Whether it came while all was paused, which the journal has noted."""
    is_queued: bool = False
    """Whether it stands in one of the engine's lines."""
    told: tuple[State, int] = (State.QUEUED, 0)
    """State and count that were told last."""
    is_keyed: bool = False
    """Whether its key was told."""
    is_unheard: bool = False
    """Whether all of it was sent once and no answer came; see `Progress.is_unheard`."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it runs, but only to its end: the person cancelled it."""
        return (
            self.scope is not None and self.scope.cancel_called and self.wanted is State.CANCELLED
        )

    def enter(self, state: State) -> None:
        """Go to a state.

        Raises:
            AssertionError: The table does not allow it: a fault of the engine.
        """
        assert state in _ALLOWED[self.state], f"{self.state} -> {state}"
        self.state = state
