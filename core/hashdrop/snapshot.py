"""What a file was before it was hashed: a file that changes meanwhile is never stored under its old hash."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hashdrop.errors import SourceChanged
from hashdrop.errors import SourceError
from hashdrop.errors import SourceMissing
from hashdrop.errors import SourceNotAFile
from hashdrop.errors import SourceUnreadable


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """Size, time of change and identity of a file."""

    size: int
    """Bytes."""
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: Path) -> FileSnapshot:
        """Look at a file; blocking.

        Raises:
            SourceMissing: It does not exist.
            SourceNotAFile: It is a folder, a FIFO, a socket or a device.
            SourceUnreadable: The system does not let it be seen.
        """
        try:
            status = path.stat()
        except (OSError, ValueError) as error:
            raise source_error(path, error) from error
        if not stat.S_ISREG(status.st_mode):
            raise SourceNotAFile(
                f"“{path.name}” is {_kind(status.st_mode)}, not a file.", detail=str(path)
            )
        return cls(
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            inode=status.st_ino,
            device=status.st_dev,
        )

    def check(self, path: Path) -> None:
        """Compare a file with this snapshot; blocking.

        Raises:
            SourceChanged: It is another or was written to.
            SourceError: It is gone or cannot be seen.
        """
        if FileSnapshot.of(path) != self:
            raise SourceChanged(
                f"“{path.name}” changed while it was read.", hint="Retry hashes it again."
            )

    def open_again(self, path: Path) -> IO[bytes]:
        """Open the file, unbuffered, if it is still the one of this snapshot; blocking.

        Raises:
            SourceChanged: Another file stands in its place.
            SourceError: It cannot be opened.
        """
        try:
            file = path.open("rb", buffering=0)
        except OSError as error:
            raise source_error(path, error) from error
        status = os.fstat(file.fileno())
        if (status.st_ino, status.st_dev) != (self.inode, self.device):
            file.close()
            raise SourceChanged(
                f"“{path.name}” was replaced while it was read.", hint="Retry hashes it again."
            )
        return file


def source_error(path: Path, error: OSError | ValueError) -> SourceError:
    """Return the error for people that stands for what the system said of a path."""
    name = path.name or str(path)
    if isinstance(error, ValueError):  # a NUL in the path
        return SourceMissing(f"“{name}” is no path of a file.")
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return SourceMissing(
                f"“{name}” does not exist.", detail=str(path), hint="Check the path."
            )
        case errno.EACCES | errno.EPERM:
            return SourceUnreadable(
                f"You may not read “{name}”.",
                detail=str(path),
                hint="Change its permissions and retry.",
            )
        case errno.EISDIR:
            return SourceNotAFile(f"“{name}” is a folder, not a file.", detail=str(path))
        case errno.ENAMETOOLONG:
            return SourceMissing(f"The path of “{name[:40]}…” is too long for this system.")
        case _:
            return SourceUnreadable(
                f"“{name}” cannot be read.",
                detail=f"The system says: {error.strerror}.",
                hint="Retry.",
            )


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something special")
