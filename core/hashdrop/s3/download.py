"""Download of an object: verified while it is written, renamed to its name only if its hash fits."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from hashdrop.errors import ContentMismatch
from hashdrop.errors import SourceUnreadable
from hashdrop.pasted import hash_in_key

if TYPE_CHECKING:
    from hashdrop.s3.routing import S3Pointer
    from hashdrop.s3.writing import ContentWriter


async def download(
    reader: ContentWriter, pointer: S3Pointer, output: Path | None, *, expected: str | None
) -> tuple[Path, int, bool]:
    """Download an object to a file; a file in its way stays until the new one is whole and right.

    Args:
        reader: Reads it.
        pointer: The object.
        output: File or existing folder; by default the key's last part in the current folder.
        expected: SHA-256 of the content; `None` to take the one that the key holds, if it does.

    Returns:
        The file, its bytes, and whether its hash was known and fits.

    Raises:
        ObjectMissing: There is no such object.
        ContentMismatch: The bytes do not fit the hash; no file is left.
        SourceUnreadable: The file cannot be written.
        StoreError: It cannot be read to its end.
    """
    expected = expected or hash_in_key(pointer["key"])
    target = await run_sync(_target, pointer["key"], output)
    digest = hashlib.sha256()
    size = 0
    file: IO[bytes] | None = None
    try:
        stream = reader.read_stream(pointer)
        async with contextlib.aclosing(stream):
            async for chunk in stream:
                if file is None:
                    file = await run_sync(_open_beside, target)
                await run_sync(_take, file, digest, chunk)
                size += len(chunk)
        if file is None:
            file = await run_sync(_open_beside, target)
        if expected is not None and digest.hexdigest() != expected:
            raise ContentMismatch(
                "The bytes do not fit the content hash; the download was refused.",
                detail=f"s3://{pointer['bucket']}/{pointer['key']} has the hash {digest.hexdigest()}.",
                hint="The object is damaged. Store the file again from its source.",
            )
        await run_sync(_finish, file, target)
        file = None
    except OSError as error:
        raise SourceUnreadable(
            f"“{target.name}” cannot be written.",
            detail=f"{error.strerror}.",
            hint="Check the disk.",
        ) from error
    finally:
        if file is not None:
            with anyio.CancelScope(shield=True):
                await run_sync(_discard, file)
    return target, size, expected is not None


def _target(key: str, output: Path | None) -> Path:
    name = key.rpartition("/")[2] or "object"
    if output is None:
        return Path.cwd() / name
    return output / name if output.is_dir() else output


def _open_beside(target: Path) -> IO[bytes]:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}-")
    os.close(descriptor)
    return Path(name).open("r+b")


def _take(file: IO[bytes], digest: hashlib._Hash, chunk: bytes) -> None:  # pyright: ignore[reportPrivateUsage]
    file.write(chunk)
    digest.update(chunk)


def _finish(file: IO[bytes], target: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    umask = os.umask(0)
    os.umask(umask)
    Path(file.name).chmod(0o666 & ~umask)  # mkstemp made it 0600
    Path(file.name).replace(target)


def _discard(file: IO[bytes]) -> None:
    file.close()
    Path(file.name).unlink(missing_ok=True)
