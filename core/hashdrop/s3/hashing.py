"""Reads and hashes files that will be stored: small ones whole, large ones in a thread of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashdrop.digest import FileDigest
from hashdrop.digest import digest_file
from hashdrop.errors import SourceChanged
from hashdrop.s3.body import Stop
from hashdrop.s3.progress import Phase
from hashdrop.s3.progress import Progress
from hashdrop.s3.threads import call
from hashdrop.snapshot import FileSnapshot
from hashdrop.snapshot import source_error
from hashdrop.turns import TURNS

if TYPE_CHECKING:
    from pathlib import Path

    import anyio

SMALL_FILE = 4 * 1024**2
"""Files up to this many bytes are read once, hashed and sent from memory, in one visit to a thread."""
HASHES_AT_ONCE = 2
"""Large files that are hashed at once."""


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file that was hashed, and what it was then."""

    snapshot: FileSnapshot
    found: FileDigest


async def hash_file(
    path: Path, part_size: int, progress: Progress, *, limiter: anyio.CapacityLimiter
) -> HashedFile:
    """Hash a file in a worker thread.

    Args:
        path: A regular file.
        part_size: Of the parts that it will be sent in, in bytes.
        progress: Told how far it is.
        limiter: Of such threads.

    Raises:
        SourceError: The file is missing, unreadable, no file, or changed meanwhile.
    """
    progress.enter(Phase.HASHING)
    stop = Stop()

    def hashed() -> HashedFile:
        snapshot = FileSnapshot.of(path)
        try:
            found = digest_file(
                path, part_size=part_size, on_read=progress.add_hashed, check=stop.check
            )
        except OSError as error:
            raise source_error(path, error) from error
        snapshot.check(path)
        return HashedFile(snapshot, found)

    return await call(hashed, limiter=limiter, stop=stop)


def read_small(path: Path) -> bytes:
    """Read a small file once.

    Raises:
        SourceChanged: It is not as long as it was, or changed while it was read.
        SourceError: It cannot be read.
    """
    snapshot = FileSnapshot.of(path)
    with snapshot.open_again(path) as file:
        try:
            with TURNS.away:
                data = file.read(SMALL_FILE + 1)
        except OSError as error:
            raise source_error(path, error) from error
    if len(data) != snapshot.size:
        raise SourceChanged(
            f"“{path.name}” changed while it was read.", hint="Retry hashes it again."
        )
    snapshot.check(path)
    return data
