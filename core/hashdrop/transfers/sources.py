"""From dropped paths to files: folders are walked without following links, what cannot be stored is told."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hashdrop.errors import SourceError
from hashdrop.errors import SourceNotAFile
from hashdrop.snapshot import FileSnapshot
from hashdrop.snapshot import source_error


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file that a drop holds."""

    path: Path
    """Absolute."""
    folder: str
    """Folder below what was dropped, its own name included; "" for a file dropped by itself."""
    size: int
    """Bytes, when it was found."""


Found = FoundFile | SourceError


def find_files(paths: Sequence[Path]) -> Iterator[Found]:
    """Yield every file of a drop, and a fault for each path that cannot be stored; blocking.

    A link that was dropped itself is followed; links inside a folder are not, and told.

    Args:
        paths: Files and folders.
    """
    for path in paths:
        try:
            # resolve() would follow links; where the current folder is gone, neither finds anything.
            path = Path(os.path.abspath(path))  # noqa: PLW2901, PTH100
            if path.is_dir():
                yield from _walk(path)
            else:
                yield FoundFile(path=path, folder="", size=FileSnapshot.of(path).size)
        except SourceError as error:
            yield _at(path, error)
        except OSError as error:
            yield _at(path, source_error(path, error))


def _walk(top: Path) -> Iterator[Found]:
    # A stack of our own: folders may be nested deeper than Python recurses.
    waiting = [(top, top.name)]
    while waiting:
        folder, name = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield _at(folder, source_error(folder, error))
            continue
        inner: list[tuple[Path, str]] = []
        for entry in entries:
            path = Path(entry.path)
            try:
                if entry.is_symlink():
                    error = SourceNotAFile(
                        f"“{entry.name}” is a link and was not followed.", detail=str(path)
                    )
                    yield _at(path, error)
                elif entry.is_dir():
                    inner.append((path, f"{name}/{entry.name}"))
                else:
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        yield FoundFile(path=path, folder=name, size=status.st_size)
                    else:
                        FileSnapshot.of(path)  # raises with what it is
            except SourceError as error:
                yield _at(path, error)
            except OSError as error:
                yield _at(path, source_error(path, error))
        waiting.extend(reversed(inner))


def _at(path: Path, error: SourceError) -> SourceError:
    error.path = path
    return error
