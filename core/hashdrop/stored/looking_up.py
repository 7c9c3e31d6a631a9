"""“Have I stored this?”: files are hashed, looked up, and asked for in their stores; nothing is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from hashdrop.content_types import content_type_of
from hashdrop.digest import digest_file
from hashdrop.digest import make_digest
from hashdrop.errors import HashdropError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import SourceChanged
from hashdrop.errors import SourceError
from hashdrop.s3.body import Stop
from hashdrop.s3.inspecting import ask_for
from hashdrop.s3.threads import call
from hashdrop.snapshot import FileSnapshot
from hashdrop.snapshot import source_error
from hashdrop.stored.places import ObjectId
from hashdrop.stored.places import Place
from hashdrop.stored.places import Reach
from hashdrop.stored.places import Reached
from hashdrop.stored.places import is_of_another
from hashdrop.stored.places import object_ids
from hashdrop.stored.several import for_each
from hashdrop.transfers.sources import Found
from hashdrop.transfers.sources import find_files

if TYPE_CHECKING:
    from hashdrop.catalog.rows import PointerRow

_PART = 64 * 1024**2
_WALKED = 64
"""Files that are found by one visit of a thread."""


@dataclass(slots=True)
class FoundPlace:
    """A place where the content of a file is, or could be."""

    bucket: str
    key: str
    connection: str = ""
    """Name of the connection that stored it there, or that a drop now would use."""
    in_store: bool | None = None
    """Whether the store has it; `None` where it was not, or could not be, asked."""
    names: list[PointerRow] = field(default_factory=list["PointerRow"])
    """Under which the catalog knows it, newest first."""
    error: HashdropError | None = None
    """Why the store could not be asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a file's content."""

    path: Path | None
    """`None` where an error is not of one file."""
    content_hash: str = ""
    size: int = 0
    """Bytes."""
    places: tuple[FoundPlace, ...] = ()
    """Those that the catalog knows, and that of a drop now."""
    error: HashdropError | None = None
    """Why not all is known: the file cannot be read, or the store where a drop would go cannot be reached."""

    @property
    def is_stored(self) -> bool:
        """Whether a store has it, or the catalog knows it in a store that was not asked."""
        return any(
            place.in_store
            or (place.in_store is None and any(row.gone_at is None for row in place.names))
            for place in self.places
        )


async def look_up_all(
    reach: Reach,
    paths: Sequence[Path],
    *,
    on_answer: Callable[[Answer], None],
    on_found: Callable[[Path, int], None] | None = None,
    on_read: Callable[[int], None] | None = None,
) -> None:
    """Say of every file of a drop where its content is stored; some are looked up at the same time.

    Cancelling it ends it within one read of a file.

    Args:
        reach: To the catalog and the stores.
        paths: Files and folders; what cannot be read is answered with its error.
        on_answer: Told each answer as it is known, in no order.
        on_found: Told each file and its bytes before it is hashed.
        on_read: Told the bytes of each read, in a worker thread.

    Raises:
        HashdropError: The catalog cannot be read, or the router fails.
    """

    async def work(found: Found) -> None:
        if isinstance(found, SourceError):
            on_answer(Answer(found.path, error=found))
            return
        if on_found is not None:
            on_found(found.path, found.size)
        try:
            answer = await look_up(reach, found.path, on_read=on_read)
        except SourceError as error:
            answer = Answer(found.path, error=error.kept())
        on_answer(answer)

    await for_each(_walked(paths), work)


async def look_up(
    reach: Reach, path: Path, *, on_read: Callable[[int], None] | None = None
) -> Answer:
    """Say where the content of a file is stored.

    Args:
        reach: To the catalog and the stores.
        path: A regular file.
        on_read: Told the bytes of each read, in a worker thread.

    Raises:
        SourceError: The file cannot be read, or changed meanwhile.
        HashdropError: The catalog cannot be read, or the router fails.
    """
    content_hash, size = await _hashed(path, on_read)
    object_id = object_ids(reach)
    places: dict[ObjectId, FoundPlace] = {}
    for row in await (await reach.catalog()).names_of(content_hash):
        at = Place.of(row)
        found = FoundPlace(at.bucket, at.key, at.connection)
        places.setdefault(object_id(at), found).names.append(row)
    unreached: HashdropError | None = None
    try:
        current = await reach.reached()
    except HashdropError as error:
        unreached = error
    else:
        digest = make_digest(content_hash, size, content_type=content_type_of(path.name))
        pointer = current.writer.route(digest, {}, temp=False)
        here = Place(pointer["bucket"], pointer["key"], connection=current.connection.name)
        found = FoundPlace(here.bucket, here.key, here.connection)
        places.setdefault(object_id(here), found)
    for place in places.values():
        await _ask(reach, place, size)
    known = [place for place in places.values() if place.names or place.in_store or place.error]
    return Answer(path, content_hash, size, tuple(known), unreached)


async def _hashed(path: Path, on_read: Callable[[int], None] | None) -> tuple[str, int]:
    stop = Stop()

    def work() -> tuple[str, int]:
        try:
            before = FileSnapshot.of(path)
            found = digest_file(path, part_size=_PART, on_read=on_read, check=stop.check)
            if FileSnapshot.of(path) != before:
                raise SourceChanged(
                    f"“{path.name}” changed while it was read.",
                    hint="Ask again when it is written.",
                )
        except OSError as error:
            raise source_error(path, error) from error
        return found.content_hash, found.size

    return await call(work, limiter=None, stop=stop)


async def _ask(reach: Reach, place: FoundPlace, size: int) -> None:
    try:
        reached = await _leading_to(reach, place)
        if reached is None:
            return
        standing = await ask_for(
            reached.writer.requests, {"bucket": place.bucket, "key": place.key}
        )
    except ObjectMissing:
        place.in_store = False
    except HashdropError as error:
        place.error = error.kept()
    else:
        place.in_store = standing.size == size  # what has another size is no copy of it


async def _leading_to(reach: Reach, place: FoundPlace) -> Reached | None:
    """Return the connection of a place; `None` if there is none any more: another's keys prove nothing."""
    own = Place(place.bucket, place.key, connection=place.connection)
    known = {(row.connection, row.machine): Place.of(row) for row in place.names}
    for one in known.values() or [own]:
        reached = await reach.reached(one.connection, one.bucket)
        where = reached.connection
        is_it = where.name == one.connection or where.bucket == one.bucket
        if is_it and not is_of_another(reached, one):
            return reached
    return None


async def _walked(paths: Sequence[Path]) -> AsyncGenerator[Found, None]:
    files = find_files(paths)

    def some() -> list[Found]:
        return list(islice(files, _WALKED))

    while found := await run_sync(some):
        for one in found:
            yield one
