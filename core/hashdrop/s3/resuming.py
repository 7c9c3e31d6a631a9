"""What must be known to go on with a multipart upload that a run of the program did not finish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Protocol

if TYPE_CHECKING:
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


class UploadLog(Protocol):
    """Remembers unfinished uploads beyond the end of the program."""

    async def unfinished(self, path: Path, endpoint: str) -> UnfinishedUpload | None:
        """Return the upload that was begun for a path, if there is one."""
        ...

    async def began(self, upload: UnfinishedUpload) -> None:
        """Note an upload; returns when it is on the disk, before the first part is sent."""
        ...

    async def ended(self, upload_id: str) -> None:
        """Forget an upload that was completed or aborted."""
        ...


class NoLog:
    """Remembers nothing."""

    async def unfinished(self, path: Path, endpoint: str) -> UnfinishedUpload | None:
        """Know of none."""
        del path, endpoint

    async def began(self, upload: UnfinishedUpload) -> None:
        """Note nothing."""

    async def ended(self, upload_id: str) -> None:
        """Forget nothing."""
