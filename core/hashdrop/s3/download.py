"""Download of an object: verified while it is written, renamed to its name only if its hash fits.

What was written of an object whose hash is known stays, when the download is cut or stopped or the disk
becomes full, beside the target with the hash in its name; the next download of the same goes on behind it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO
from typing import TYPE_CHECKING

import anyio
import humanize
from anyio.to_thread import run_sync

from hashdrop.errors import DISK_FULL
from hashdrop.errors import ContentMismatch
from hashdrop.errors import SourceUnreadable
from hashdrop.pasted import hash_in_key
from hashdrop.s3.body import Stop
from hashdrop.s3.threads import call

if TYPE_CHECKING:
    from hashdrop.s3.routing import S3Pointer
    from hashdrop.s3.writing import ContentWriter

_READ = 1024 * 1024


@dataclass(slots=True, eq=False)
class _Part:
    """A download that is going on."""

    file: IO[bytes]
    digest: hashlib._Hash  # pyright: ignore[reportPrivateUsage]
    size: int
    """Bytes that are there already."""
    is_kept: bool
    """Whether it stays when the download ends before its end."""
    is_finished: bool = False
    """Whether it has its name."""
    path: Path | None = None
    """The file, then."""


class Room:
    """The room of one disk, for downloads that go on at the same time: none counts on another's."""

    def __init__(self) -> None:
        self._taken: dict[_Part, int] = {}
        self._lock = threading.Lock()

    def take(self, part: _Part, target: Path, size: int) -> None:
        """Count on room for a download; blocking.

        Args:
            part: The download.
            target: The file that it becomes.
            size: Bytes of the object.

        Raises:
            SourceUnreadable: There is less.
            OSError: The disk cannot be asked.
        """
        with self._lock:
            disk = shutil.disk_usage(target.parent)
            free = disk.free - sum(max(0, total - one.size) for one, total in self._taken.items())
            needed = size - part.size
            if needed > free and disk.total > 0:  # some disks in a network do not tell
                raise SourceUnreadable(
                    f"“{target.name}” does not fit on the disk.",
                    detail=f"It needs {_amount(needed)}; {target.parent} has {_amount(free)} for it.",
                    hint="Make room and download it again, or choose another folder.",
                )
            self._taken[part] = size

    def leave(self, part: _Part) -> None:
        """Count no more on it."""
        with self._lock:
            self._taken.pop(part, None)


async def download(
    reader: ContentWriter,
    pointer: S3Pointer,
    target: Path,
    *,
    expected: str | None,
    size: int | None = None,
    room: Room | None = None,
    on_bytes: Callable[[int], None] | None = None,
    replaces: bool = True,
) -> tuple[Path, int, bool]:
    """Download an object to a file; a file in its way stays until the new one is whole and right.

    What does not fit on the disk is not begun. If the disk becomes full nevertheless, what is there stays.

    Args:
        reader: Reads it.
        pointer: The object.
        target: The file.
        expected: SHA-256 of the content; `None` to take the one that the key holds, if it does.
        size: Bytes that it should have, if they are known.
        room: Shared with other downloads to the same disk; by default its own.
        on_bytes: Told how many bytes of the object are there, as they grow; fewer than before if what was
            there was of no use.
        replaces: Whether it takes the place of a file in its way; else it gets a number behind its name.

    Returns:
        The file, its bytes, and whether its hash was known and fits.

    Raises:
        ObjectMissing: There is no such object.
        ContentMismatch: The bytes do not fit the hash; no file is left.
        SourceUnreadable: The file cannot be written.
        StoreError: It cannot be read to its end.
    """
    expected = expected or hash_in_key(pointer["key"])
    room = room or Room()
    try:
        attempt = partial(
            _attempt, reader, pointer, target, expected, size, room, on_bytes, replaces
        )
        part = await attempt()
        if part is None:  # what was there was of something else, or damaged
            part = await attempt()
    except OSError as error:
        raise unwritten(target, error) from error
    assert part is not None
    return part.path or target, part.size, expected is not None


def partial_path(target: Path, content_hash: str) -> Path:
    """Return where what was written so far of a download lies.

    Args:
        target: The file that it is to become.
        content_hash: Of the content, whole.
    """
    # 40 characters are 160 bytes at most, of the 255 that a name may have.
    return target.with_name(f".{target.name[:40]}.{content_hash}.part")


def unwritten(target: Path, error: OSError, kept: int = 0) -> SourceUnreadable:
    """Return what it means that the system did not take a file.

    Args:
        target: The file.
        error: What the system said.
        kept: Bytes of it that are there for the next download.
    """
    name = target.name
    if error.errno in DISK_FULL:
        return SourceUnreadable(
            f"The disk became full while “{name}” was downloaded.",
            detail=f"{_amount(kept)} of it are kept in {target.parent}." if kept else "",
            hint="Make room and download it again" + (": it goes on there." if kept else "."),
        )
    if error.errno == errno.EFBIG:
        return SourceUnreadable(
            f"“{name}” is too large for this disk.",
            detail="Some, as FAT32, take no file of 4 GiB or more.",
            hint="Choose a folder on another disk.",
        )
    return SourceUnreadable(
        f"“{name}” cannot be written.",
        detail=f"{target.parent}: {error.strerror}.",
        hint="Check the folder and the disk, or choose another.",
    )


async def _attempt(
    reader: ContentWriter,
    pointer: S3Pointer,
    target: Path,
    expected: str | None,
    size: int | None,
    room: Room,
    on_bytes: Callable[[int], None] | None,
    replaces: bool,  # noqa: FBT001
) -> _Part | None:
    """Download once; returns `None` where it was of no use to go on behind what was there.

    Raises:
        ContentMismatch: The hash does not fit, and all was read now.
        SourceUnreadable: It does not fit on the disk.
    """
    part = await _left_over(target, expected) or await run_sync(_open_beside, target, expected)
    start = part.size
    try:
        if size is not None:
            await run_sync(room.take, part, target, size)
        await _fill(part, reader, pointer, on_bytes)
        found = part.digest.hexdigest()
        if expected is not None and found != expected:
            part.is_kept = False
            if start:
                return None
            raise ContentMismatch(
                "The bytes do not fit the content hash; the download was refused.",
                detail=f"s3://{pointer['bucket']}/{pointer['key']} has the hash {found}.",
                hint="The object is damaged. Store the file again from its source.",
            )
        part.path = await run_sync(_finish, part, target, replaces)
    except OSError as error:
        if error.errno == errno.EFBIG:
            part.is_kept = False  # there it never comes to its end
        raise unwritten(target, error, part.size if part.is_kept else 0) from error
    else:
        return part
    finally:
        room.leave(part)
        with anyio.CancelScope(shield=True):
            await run_sync(_leave, part)


async def _fill(
    part: _Part,
    reader: ContentWriter,
    pointer: S3Pointer,
    on_bytes: Callable[[int], None] | None,
) -> None:
    """Read what is behind the bytes that are there.

    Raises:
        ContentMismatch: The object was replaced while it was read.
    """
    start = part.size
    stream = reader.read_stream(pointer, start=start)
    try:
        async with contextlib.aclosing(stream):
            async for chunk in stream:
                await run_sync(_take, part, chunk)
                if on_bytes is not None:
                    on_bytes(part.size)
    except ContentMismatch:
        # Nothing is behind what was there: it may be the whole of it, or of another object.
        if not start or part.size > start:
            raise


async def _left_over(target: Path, expected: str | None) -> _Part | None:
    """Open what an earlier download left and hash it; `None` if there is nothing."""
    if expected is None:
        return None
    stop = Stop()

    def opened() -> _Part | None:
        file = _open_own(partial_path(target, expected))
        if file is None:
            return None
        if not _locked(file):
            file.close()  # another program is at it
            return None
        digest = hashlib.sha256()
        size = 0
        while piece := file.read(_READ):
            if stop.is_set:
                file.close()
                stop.check()
            digest.update(piece)
            size += len(piece)
        if size == 0:
            file.close()
            return None
        return _Part(file, digest, size, is_kept=True)

    return await call(opened, limiter=None, stop=stop)


def _amount(size: int) -> str:
    return humanize.naturalsize(max(0, size))


def _open_beside(target: Path, expected: str | None) -> _Part:
    if expected is not None:
        path = partial_path(target, expected)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        file = _open_own(path)
        if file is not None and _locked(file):
            file.truncate()
            return _Part(file, hashlib.sha256(), 0, is_kept=True)
        if file is not None:
            file.close()  # another program downloads the same to the same place
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}-")
    os.close(descriptor)
    return _Part(Path(name).open("r+b"), hashlib.sha256(), 0, is_kept=False)


def _open_own(path: Path) -> IO[bytes] | None:
    """Open what an earlier download left; `None` if there is nothing, or a link that others put there.

    Its name can be foretold: in a folder that many may write to a link would lead to a file of this person.
    """
    try:
        return open(path, "r+b", opener=_without_links)  # Path has no opener
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP}:
            return None
        raise


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _locked(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows opens no file for two to write
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it may have renamed it while we opened it.
        return os.fstat(file.fileno()).st_ino == Path(file.name).stat().st_ino
    except OSError:
        return False


def _take(part: _Part, chunk: bytes) -> None:
    part.file.write(chunk)
    part.digest.update(chunk)
    part.size += len(chunk)


def numbered(path: Path, number: int) -> Path:
    """Return the path that a file gets where another has its name: `a (2).csv`."""
    return path.with_name(f"{path.stem} ({number}){path.suffix}")


def _finish(part: _Part, target: Path, replaces: bool) -> Path:  # noqa: FBT001
    """Give it its name, or the next that is free; returns the file."""
    part.file.flush()
    os.fsync(part.file.fileno())
    umask = os.umask(0)
    os.umask(umask)
    path = Path(part.file.name)
    path.chmod(0o666 & ~umask)  # it was made 0600
    if replaces:
        path.replace(target)
    else:
        target = _named(path, target)
    part.is_finished = True
    return target


def _named(path: Path, target: Path) -> Path:
    """Rename a file to a name that nobody has, also if it came while this one was written."""
    name, number = target, 1
    while True:
        try:
            os.link(path, name)
        except FileExistsError:
            pass
        except OSError:  # a disk without links
            if not name.exists():
                path.replace(name)
                return name
        else:
            path.unlink()
            return name
        number += 1
        name = numbered(target, number)


def _leave(part: _Part) -> None:
    with contextlib.suppress(OSError):
        if not part.is_finished and not (part.is_kept and part.size > 0):
            Path(part.file.name).unlink(missing_ok=True)
    with contextlib.suppress(
        OSError
    ):  # a full disk does not take what is still to be written, either
        part.file.close()  # the lock goes with it
