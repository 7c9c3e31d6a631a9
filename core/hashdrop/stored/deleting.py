"""Deleting: names only, or their objects too; taken back as long as the program runs, where the store can.

What hangs on an object is told before: who else names it, whether it is locked, whether it can be brought
back.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime

import anyio

from hashdrop.catalog.importing import ImportedName
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import StoredName
from hashdrop.errors import HashdropError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreError
from hashdrop.s3.claims import Claimed
from hashdrop.s3.claims import name_of
from hashdrop.s3.deleting import delete_object
from hashdrop.s3.deleting import keeps_versions
from hashdrop.s3.deleting import lock_of
from hashdrop.s3.deleting import undelete_object
from hashdrop.s3.inspecting import ask_for
from hashdrop.stored.marking import mark_gone
from hashdrop.stored.marking import store_of
from hashdrop.stored.places import ObjectId
from hashdrop.stored.places import Place
from hashdrop.stored.places import Reach
from hashdrop.stored.places import object_ids
from hashdrop.stored.places import of_object
from hashdrop.stored.places import reach_place
from hashdrop.stored.places import told_of
from hashdrop.stored.several import for_each
from hashdrop.stored.several import listed
from hashdrop.stored.several import slices

_NAMED_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Prospect:
    """What it would mean to delete one object."""

    place: Place
    other_names: tuple[PointerRow, ...] = ()
    """Names of the same object that were not chosen, newest first, 1,000 at most."""
    is_there: bool = True
    """Whether it stands in the bucket."""
    can_be_undone: bool = False
    """Whether the bucket keeps what is deleted."""
    lock: str = ""
    """What keeps it from being deleted for ever, in words; "" for nothing."""
    error: HashdropError | None = None
    """Why the store could not be asked."""


@dataclass(slots=True)
class Deletion:
    """What was deleted, and what could not be."""

    names: list[PointerRow] = field(default_factory=list["PointerRow"])
    """Taken out of the catalog."""
    objects: list[Place] = field(default_factory=list["Place"])
    """Deleted from their buckets."""
    absent: list[Place] = field(default_factory=list["Place"])
    """Objects that were not there."""
    refused: list[tuple[Place, HashdropError]] = field(
        default_factory=list["tuple[Place, HashdropError]"]
    )
    """Objects that stay, with their names, and why."""
    marks: dict[Place, str] = field(default_factory=dict["Place", "str"])
    """Objects that can be brought back -> the version of the mark."""
    others: list[PointerRow] = field(default_factory=list["PointerRow"])
    """Names that were not chosen, of objects that are not there any more; they are marked as gone."""

    @property
    def can_be_undone(self) -> bool:
        """Whether all of it can be taken back."""
        return all(one in self.marks for one in self.objects) and bool(self.names or self.objects)


async def foresee(reach: Reach, rows: Sequence[PointerRow]) -> list[Prospect]:
    """Say what it would mean to delete the objects of these rows; each object once.

    Args:
        reach: To the catalog and the stores.
        rows: As chosen; those of a bucket's listing have no name in the catalog.

    Raises:
        CatalogError: The catalog cannot be read.
    """
    places = await _objects_of(reach, rows)
    chosen = {row.id for row in rows}
    found: dict[int, Prospect] = {}
    keeping: dict[tuple[str, str], bool] = {}  # asked once for each bucket

    async def one(item: tuple[int, Place]) -> None:
        number, place = item
        names = await (await reach.catalog()).names_at(place.bucket, place.key)
        others = tuple(row for row in of_object(reach, names, place) if row.id not in chosen)
        found[number] = await _foreseen(reach, place, others, keeping)

    await for_each(listed(list(enumerate(places))), one)
    return [found[number] for number in range(len(places))]


async def delete(
    reach: Reach,
    rows: Sequence[PointerRow],
    *,
    objects: bool,
    into: Deletion | None = None,
    on_object: Callable[[], None] | None = None,
) -> Deletion:
    """Delete names, or their objects with them.

    Cancelling it ends it between two objects; what was deleted the catalog knows then, and so does `into`.

    With objects, a name goes only when its object is gone; names of the same object that were not chosen
    stay, and are marked as gone.

    Args:
        reach: To the catalog and the stores.
        rows: As chosen.
        objects: Whether the objects, too.
        into: Filled as it goes on; by default one of its own.
        on_object: Told after each object.

    Raises:
        CatalogError: The catalog cannot be written.
    """
    done = Deletion() if into is None else into
    if not objects:
        names = [row for row in rows if row.id]
        await (await reach.catalog()).forget(names)
        done.names = names  # not before: who shows them would say that they were deleted
        return done

    places = await _objects_of(reach, rows)

    async def one(place: Place) -> None:
        with anyio.CancelScope(shield=True):  # what the store deleted is to be known
            await _delete_object(reach, place, done)
        if on_object is not None:
            on_object()

    # Who drops one of them meanwhile waits until the catalog knows, finds it gone, and stores it anew.
    async with reach.claims.open() as claim:
        free: list[Place] = []
        for place in places:
            try:
                claim.take(name_of(place.s3))
            except Claimed:
                done.refused.append((place, _being_stored(place)))
                if on_object is not None:
                    on_object()
            else:
                free.append(place)
        try:
            await for_each(listed(free), one)
        finally:
            with anyio.CancelScope(shield=True):
                await _note(reach, rows, done)
    return done


def _being_stored(place: Place) -> HashdropError:
    return StoreError(
        f"“{place.file_name}” is being stored just now.",
        detail=place.uri,
        hint="Delete it when it is stored, or cancel its upload.",
        retryable=True,
    )


async def _note(reach: Reach, rows: Sequence[PointerRow], done: Deletion) -> None:
    """Let the catalog know of objects that are not there any more."""
    object_id = object_ids(reach)
    gone: dict[ObjectId, Place] = {}
    async for some in slices((*done.objects, *done.absent)):
        gone |= {object_id(place): place for place in some}
    names: list[PointerRow] = []
    async for chosen in slices(rows):
        names += [row for row in chosen if row.id and object_id(Place.of(row)) in gone]
    catalog = await reach.catalog()
    await catalog.forget(names, objects=True)
    done.names = names
    keys: dict[str, list[str]] = {}
    for place in gone.values():
        keys.setdefault(place.bucket, []).append(place.key)
    left: dict[ObjectId, Place] = {}
    for bucket, all_of_it in keys.items():
        for at in range(0, len(all_of_it), _NAMED_AT_ONCE):
            for row in await catalog.names_at_any(bucket, all_of_it[at : at + _NAMED_AT_ONCE]):
                which = object_id(Place.of(row))
                if which in gone:
                    done.others.append(row)
                    left[which] = gone[which]
    for place in left.values():
        await mark_gone(reach, place)


async def undo(
    reach: Reach, deletion: Deletion, *, on_back: Callable[[int], None] | None = None
) -> None:
    """Take a deletion back: objects first, then their names; what could not be stays in the deletion.

    Args:
        reach: To the catalog and the stores.
        deletion: That `can_be_undone`.
        on_back: Told how many names and objects are back, as it goes on.

    Raises:
        HashdropError: An object cannot be brought back; its names stay deleted, the others are back.
        CatalogError: The catalog cannot be written.
    """
    problem: HashdropError | None = None
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        if on_back is not None:
            on_back(done)

    with anyio.CancelScope(shield=True):
        back: dict[Place, None] = {}
        for place, mark in list(deletion.marks.items()):
            try:
                reached = await reach_place(reach, place, surely=True)
                await undelete_object(reached.writer.requests, place.s3, mark)
            except HashdropError as error:
                problem = problem or error
                continue
            back[place] = None
            tell(1)
        object_id = object_ids(reach)
        lost = {object_id(one) for one in deletion.objects if one not in back}
        catalog = await reach.catalog()
        absent = await _still_absent(reach, deletion)
        returned: set[int] = set()
        async for some in slices(deletion.names, _NAMED_AT_ONCE):
            of_each = [(row, object_id(Place.of(row))) for row in some]
            named = [
                _as_it_was(row, is_absent=which in absent)
                for row, which in of_each
                if which not in lost
            ]
            if named:
                await catalog.import_many(named)
            returned |= {row.id for row, which in of_each if which not in lost}
            tell(len(named))
        for place in back:
            await catalog.mark_there(place.bucket, place.key, store=await store_of(reach, place))
        if problem is not None:
            for place in back:
                del deletion.marks[place]
            deletion.objects = [one for one in deletion.objects if one not in back]
            deletion.names = [row for row in deletion.names if row.id not in returned]
            raise problem


async def _still_absent(reach: Reach, deletion: Deletion) -> set[ObjectId]:
    """Return the objects that were not there when they were to be deleted, and were not stored since."""
    object_id = object_ids(reach)
    absent = {object_id(place) for place in deletion.absent}
    catalog = await reach.catalog()
    for place in deletion.absent:
        names = await catalog.names_at(place.bucket, place.key)
        absent -= {object_id(Place.of(row)) for row in names if row.gone_at is None}
    return absent


async def _objects_of(reach: Reach, rows: Sequence[PointerRow]) -> list[Place]:
    object_id = object_ids(reach)
    found: dict[ObjectId, Place] = {}
    async for some in slices(rows):
        found |= {object_id(place): place for place in map(Place.of, some)}
    return list(found.values())


async def _foreseen(
    reach: Reach,
    place: Place,
    others: tuple[PointerRow, ...],
    keeping: dict[tuple[str, str], bool],
) -> Prospect:
    bucket = place.connection, place.bucket
    try:
        reached = await reach_place(reach, place, surely=True)
        with told_of(reached, place):
            standing = await ask_for(reached.writer.requests, place.s3)
        if bucket not in keeping:
            keeping[bucket] = await keeps_versions(reached.writer.requests, place.s3)
    except ObjectMissing:
        return Prospect(place, others, is_there=False)
    except HashdropError as error:
        return Prospect(place, others, error=error.kept())
    return Prospect(place, others, can_be_undone=keeping[bucket], lock=lock_of(standing))


async def _delete_object(reach: Reach, place: Place, done: Deletion) -> None:
    try:
        reached = await reach_place(reach, place, surely=True)
        with told_of(reached, place):  # where it was never, it is not gone: its name stays
            mark = await delete_object(reached.writer.requests, place.s3)
    except ObjectMissing:
        done.absent.append(place)
        return
    except HashdropError as error:
        done.refused.append((place, error.kept()))
        return
    done.objects.append(place)
    if mark:
        done.marks[place] = mark


def _as_it_was(row: PointerRow, *, is_absent: bool) -> ImportedName:
    stored = StoredName(
        pointer=row.pointer,
        name=row.name,
        folder=row.folder,
        connection=row.connection,
        tags=dict(row.tags),
        note=row.note,
        stored_at=row.stored_at,
        machine=row.machine,
        user=row.user,
    )
    if is_absent:  # only the name is back
        return ImportedName(stored, gone_at=row.gone_at or datetime.now(UTC))
    return ImportedName(stored, gone_at=row.gone_at, verified_at=row.verified_at)
