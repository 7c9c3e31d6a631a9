"""What must be known to go on with a multipart upload that a run of the program did not finish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.digest import FileDigest
    from hashdrop.snapshot import FileSnapshot


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """A multipart upload of a file, and what the file was when it was hashed."""

    path: Path
    snapshot: FileSnapshot
    found: FileDigest
    """Hash, size, part size and the checksum of each part."""
    endpoint: str
    """Where the bucket is; "" for AWS."""
    bucket: str
    key: str
    upload_id: str
    """Of S3; a made-up one while it is only an intent."""
    is_intent: bool = False
    """Whether the upload was about to be created: it may exist, under an id that nobody learnt."""
    begun_at: float = 0.0
    """Seconds since 1970."""
    is_queued: bool = False
    """Whether the path waits in the queue for where this upload leads: then it is gone on with."""


class UploadLog(Protocol):
    """Remembers unfinished uploads beyond the end of the program."""

    async def unfinished(self, path: Path, endpoint: str) -> Sequence[UnfinishedUpload]:
        """Return the uploads that were begun for a path, wherever they lead, the newest first."""
        ...

    async def intends(self, upload: UnfinishedUpload) -> str:
        """Note, before it is created, that there will be an upload; returns the made-up id of the note."""
        ...

    async def began(self, upload: UnfinishedUpload, *, intent: str) -> None:
        """Note an upload in the place of its intent; on the disk before a part is sent."""
        ...

    async def ended(self, upload_id: str) -> None:
        """Forget an upload that was completed or aborted."""
        ...


class NoLog:
    """Remembers nothing."""

    async def unfinished(self, path: Path, endpoint: str) -> Sequence[UnfinishedUpload]:
        """Know of none."""
        del path, endpoint
        return ()

    async def intends(self, upload: UnfinishedUpload) -> str:
        """Note nothing."""
        del upload
        return ""

    async def began(self, upload: UnfinishedUpload, *, intent: str) -> None:
        """Note nothing."""

    async def ended(self, upload_id: str) -> None:
        """Forget nothing."""
