"""What happens to transfers, as the window, the command line and the tests read it.

Events are values: frozen, free of Qt and of S3. A transfer is known by its `id`, a number that grows
within one run of the program. Events of one transfer arrive in order; the last one is always one of
`Stored`, `AlreadyStored`, `Failed`, `Cancelled`, unless `Queued` comes again (a retry, the end of a pause).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hashdrop.errors import HashdropError
from hashdrop.errors import SourceError
from hashdrop.pointer import StoredPointer


class State(StrEnum):
    """The states of a transfer, named as they are shown."""

    QUEUED = "Queued"
    HASHING = "Hashing"
    UPLOADING = "Uploading"
    VERIFYING = "Verifying"
    WAITING = "Waiting"
    PAUSED = "Paused"
    STORED = "Stored"
    ALREADY_STORED = "Already stored"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the transfer by itself."""
        return self in _FINAL


_FINAL = frozenset({State.STORED, State.ALREADY_STORED, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Queued:
    """A file stands in the queue. The first event of every transfer."""

    id: int
    batch: int
    """Number of the drop that it came with."""
    name: str
    """File name, without folders."""
    folder: str
    """Folder below what was dropped, "" at its top."""
    path: str
    """Absolute path, or "-" for standard input."""
    size: int | None
    """Bytes; `None` for a stream of unknown length."""


@dataclass(frozen=True, slots=True)
class Hashing:
    """The content hash is being computed."""

    id: int
    done: int
    """Bytes read so far."""
    total: int | None


@dataclass(frozen=True, slots=True)
class Keyed:
    """The final key is known; no byte has been sent."""

    id: int
    bucket: str
    key: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Uploading:
    """Bytes are on their way."""

    id: int
    done: int
    """Bytes sent; goes down when a part is sent again."""
    total: int | None


@dataclass(frozen=True, slots=True)
class Verifying:
    """All bytes are sent; what S3 has is compared with what was read."""

    id: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be done now: the store is out of reach, or the person has to sign in."""

    id: int
    error: HashdropError
    """Why."""
    seconds: float | None
    """Until it is tried again; `None`: when the person has signed in."""


@dataclass(frozen=True, slots=True)
class Paused:
    """The person paused it; what was sent of it stays in the store, and is not sent again."""

    id: int


@dataclass(frozen=True, slots=True)
class HashedAgain:
    """The file changed while it was read, so it is hashed anew."""

    id: int
    error: HashdropError
    """What changed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """S3 confirmed the object."""

    id: int
    pointer: StoredPointer
    sent_bytes: int
    seconds: float
    verified: bool
    """Whether S3's own checksum or size-and-signature was compared with ours."""
    unverified_reason: str = ""


@dataclass(frozen=True, slots=True)
class AlreadyStored:
    """S3 had the object before."""

    id: int
    pointer: StoredPointer
    sent_bytes: int
    """0, but for a stream whose hash is known only at its end."""
    seconds: float
    verified: bool = True
    """As for `Stored`; else only its key and size were compared."""
    unverified_reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The transfer ended without a stored object, or with one that the catalog does not know."""

    id: int
    error: HashdropError
    seconds: float
    sent_bytes: int = 0
    """Of an object that S3 confirmed."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The person cancelled it; nothing of it is left in S3."""

    id: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchScanned:
    """All of a drop is in the queue.

    `faults` are the paths that cannot be stored (unreadable, special, vanished), each told.
    """

    batch: int
    files: int
    total_size: int
    faults: tuple[SourceError, ...]


@dataclass(frozen=True, slots=True)
class BatchHeld:
    """A drop is larger than what is begun without asking; nothing of it is begun before the answer.

    It comes again, with `held` false, when the answer is to go on.
    """

    batch: int
    held: bool


@dataclass(frozen=True, slots=True)
class BatchDismissed:
    """A drop that was held is not wanted: its files are gone from the queue, with no event for each."""

    batch: int


Event = (
    Queued
    | Hashing
    | Keyed
    | Uploading
    | Verifying
    | Waiting
    | Paused
    | HashedAgain
    | Stored
    | AlreadyStored
    | Failed
    | Cancelled
    | BatchScanned
    | BatchHeld
    | BatchDismissed
)

Listener = Callable[[Event], None]
"""Called on the event loop; must return at once and never raise."""
