"""Downloads of many objects: into one folder, with their own folders below it, each verified."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from anyio.to_thread import run_sync

from hashdrop.errors import HashdropError
from hashdrop.s3.body import Stop
from hashdrop.s3.download import Room
from hashdrop.s3.download import download
from hashdrop.s3.download import numbered
from hashdrop.s3.download import unwritten
from hashdrop.s3.threads import call
from hashdrop.stored.places import Place
from hashdrop.stored.places import Reach
from hashdrop.stored.places import reach_place
from hashdrop.stored.places import told_of
from hashdrop.stored.places import with_hash
from hashdrop.stored.several import for_each
from hashdrop.stored.several import listed

_READ = 1024 * 1024
_LONGEST_NAME = 255
"""Bytes of a file name that every system here takes."""
_FORBIDDEN = frozenset('<>:"|?*\\/')
"""What a file name may not have on Windows or in a folder structure."""


class InTheWay(StrEnum):
    """What becomes of another file that has the name already."""

    KEEP_BOTH = "keep-both"
    """The new one gets a number behind its name."""
    REPLACE = "replace"
    """It is replaced, once the new one is whole and right."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """How the download of one object ended."""

    place: Place
    path: Path
    """The file."""
    size: int = 0
    """Bytes."""
    is_verified: bool = False
    """Whether its hash was known, and fits."""
    was_there: bool = False
    """Whether the file stood there already, with these very bytes; nothing was read from the store."""
    error: HashdropError | None = None
    """Why there is no file."""


async def download_all(
    reach: Reach,
    places: Sequence[Place],
    folder: Path,
    *,
    keeps_folders: bool = True,
    in_the_way: InTheWay = InTheWay.KEEP_BOTH,
    on_bytes: Callable[[int, int], None] | None = None,
    on_end: Callable[[int, Downloaded], None] | None = None,
) -> list[Downloaded]:
    """Download objects, some at the same time; one that fails stops no other.

    Cancelling it leaves what was written of objects whose hash is known beside their targets; the next
    download of the same into the same folder goes on behind that. What does not fit on the disk is refused
    before it is begun, what fits is downloaded.

    Args:
        reach: To the stores.
        places: Of the objects; two with the same path and the same content become one file.
        folder: An existing one.
        keeps_folders: Whether each file goes into the folder below what was dropped that it came from.
        in_the_way: What becomes of another file of that name.
        on_bytes: Told the number of a place in `places`, and how many of its bytes are there.
        on_end: Told the number of a place, and how its download ended.

    Returns:
        How each ended, in the order of `places`.
    """
    ends: list[Downloaded | None] = [None] * len(places)
    targets = await run_sync(partial(_targets, places, folder, keeps_folders=keeps_folders))
    same = await run_sync(_grouped, targets)
    room = Room()

    async def one(numbers: tuple[int, ...]) -> None:
        first = numbers[0]

        def tell(size: int) -> None:
            for number in numbers if on_bytes else ():
                assert on_bytes is not None
                on_bytes(number, size)

        end = await _download(reach, places[first], targets[first], in_the_way, room, tell)
        for number in numbers:
            ends[number] = end
            if on_end is not None:
                on_end(number, end)

    await for_each(listed(same), one)
    return [end for end in ends if end is not None]


def safe_path(place: Place, *, keeps_folders: bool) -> Path:
    """Return the relative path that a downloaded object gets: it never leads out of its folder.

    Names come from other computers and other people.

    Args:
        place: Of the object.
        keeps_folders: Whether its folder is part of it.
    """
    folders = place.folder.replace("\\", "/").split("/") if keeps_folders else []
    parts = [_safe(part) for part in folders if part not in {"", "."}]
    return Path(*parts, _safe(place.file_name))


def _safe(name: str) -> str:
    plain = "".join("_" if char in _FORBIDDEN or not char.isprintable() else char for char in name)
    plain = plain.encode(errors="replace").decode()  # a name need not be Unicode
    if plain.strip(". ") == "":
        plain = "_" * max(1, len(plain))
    if len(plain.encode()) > _LONGEST_NAME:
        ending = Path(plain).suffix
        ending = ending if len(ending.encode()) < 32 else ""
        kept = plain.encode()[: _LONGEST_NAME - len(ending.encode())]
        plain = kept.decode(errors="ignore") + ending
    return plain


def _targets(places: Sequence[Place], folder: Path, *, keeps_folders: bool) -> list[Path]:
    """Return a path for each: the same only for the same content."""
    taken: set[str] = set()
    known: dict[tuple[str, str], Path] = {}
    numbers: dict[str, int] = {}
    targets: list[Path] = []
    for place in places:
        wanted = path = folder / safe_path(place, keeps_folders=keeps_folders)
        folded = str(path).casefold()  # some disks know no capitals
        content = with_hash(place) or place.uri
        if (found := known.get((folded, content))) is None:
            while str(path).casefold() in taken:
                numbers[folded] = numbers.get(folded, 1) + 1
                path = numbered(wanted, numbers[folded])
            taken.add(str(path).casefold())
            found = known[folded, content] = path
        targets.append(found)
    return targets


def _grouped(targets: Sequence[Path]) -> list[tuple[int, ...]]:
    """Return the numbers of those that become one file."""
    same: dict[Path, list[int]] = {}
    for number, target in enumerate(targets):
        same.setdefault(target, []).append(number)
    return [tuple(numbers) for numbers in same.values()]


async def _download(
    reach: Reach,
    place: Place,
    target: Path,
    in_the_way: InTheWay,
    room: Room,
    on_bytes: Callable[[int], None],
) -> Downloaded:
    expected = with_hash(place)
    try:
        target, was_there = await _made_ready(target, place, in_the_way)
        if was_there:
            size = place.size or 0
            on_bytes(size)
            return Downloaded(place, target, size, is_verified=True, was_there=True)
        reached = await reach_place(reach, place)
        with told_of(reached, place):
            path, size, verified = await download(
                reached.writer,
                place.s3,
                target,
                expected=expected,
                size=place.size,
                room=room,
                on_bytes=on_bytes,
                replaces=in_the_way is InTheWay.REPLACE,
            )
    except HashdropError as error:
        return Downloaded(place, target, error=error.kept())
    return Downloaded(place, path, size, verified)


async def _made_ready(target: Path, place: Place, in_the_way: InTheWay) -> tuple[Path, bool]:
    """Make the folder, find a free name; returns the path and whether the very content stands there."""
    stop = Stop()

    def ready() -> tuple[Path, bool]:
        path = target
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            number = 1
            while path.exists() or path.is_symlink():
                if _has_content(path, place, stop):
                    return path, True
                if in_the_way is InTheWay.REPLACE and not path.is_dir():
                    break
                number += 1
                path = numbered(target, number)
        except OSError as error:
            raise unwritten(path, error) from error
        return path, False

    return await call(ready, limiter=None, stop=stop)


def _has_content(path: Path, place: Place, stop: Stop) -> bool:
    expected = with_hash(place)
    if expected is None or not path.is_file():
        return False
    if place.size is not None and path.stat().st_size != place.size:
        return False  # else every file in the way would be read
    return _hash_of(path, stop) == expected


def _hash_of(path: Path, stop: Stop) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ):
            stop.check()
            digest.update(piece)
    return digest.hexdigest()
