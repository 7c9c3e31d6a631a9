"""Does what is stored still have its hash? Objects are read back, piece by piece, and hashed on the way."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Literal

import anyio
from anyio.to_thread import run_sync

from hashdrop.catalog.rebuilding import Rebuild
from hashdrop.errors import BucketMissing
from hashdrop.errors import ContentMismatch
from hashdrop.errors import HashdropError
from hashdrop.errors import LocalStoreError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreError
from hashdrop.errors import UsageError
from hashdrop.pointer import StoredPointer
from hashdrop.s3.inspecting import ask_for
from hashdrop.s3.threads import plain_task_group
from hashdrop.stored.marking import store_of
from hashdrop.stored.places import Place
from hashdrop.stored.places import Reach
from hashdrop.stored.places import Reached
from hashdrop.stored.places import missing_there
from hashdrop.stored.places import reach_place
from hashdrop.stored.places import with_hash
from hashdrop.stored.several import for_each

if TYPE_CHECKING:
    from hashdrop.s3.writing import ContentWriter

_MOST_AT_ONCE = 200
_EVERY_S = 0.5
"""Verdicts that are noted by one write, and how long the first of them waits for the others."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one object."""

    bucket: str
    key: str
    status: Literal["verified", "mismatch", "missing", "unknown", "failed"]
    """"unknown": nobody knows which hash it should have; "failed": it could not be read."""
    content_hash: str | None = None
    """That it should have."""
    found_hash: str | None = None
    """That it has; `None` where it was not found out."""
    size: int | None = None
    """Bytes."""
    how: Literal["read", "checksum", ""] = ""
    """Read back, or told by the store's own checksum of the whole."""
    error: HashdropError | None = None
    """Why it is missing or failed."""
    place: Place | None = None
    """As it was given: the same bucket and key may be in two stores. `None` where a text led to none."""


async def verify_all(
    reach: Reach,
    places: AsyncGenerator[Place, None],
    *,
    on_verdict: Callable[[Verdict], None],
    trusts_checksum: bool = False,
    on_read: Callable[[int], None] | None = None,
) -> None:
    """Verify objects, some at the same time; one that cannot be read stops nothing.

    Args:
        reach: To the catalog and the stores.
        places: Of the objects.
        on_verdict: Told each verdict, in no order.
        trusts_checksum: Whether the store's SHA-256 is enough where it says that it is one of the whole.
        on_read: Told the bytes of each chunk.

    Raises:
        CatalogError: The catalog cannot be read or written; what was found out till then was told.
    """
    notes = _Notes(reach, on_verdict)

    async def one(place: Place) -> None:
        verdict = await _judged(reach, place, with_hash(place), trusts_checksum, on_read)
        await notes.add(replace(verdict, place=place))

    async with plain_task_group() as group:
        group.start_soon(notes.keep_writing)
        try:
            await for_each(places, one)
        finally:
            await notes.write()
        group.cancel_scope.cancel()


class _Notes:
    """Gathers verdicts and notes them many at a time: each write to the disk costs milliseconds.

    Args:
        reach: To the catalog.
        on_verdict: Told each, when it is noted.
    """

    def __init__(self, reach: Reach, on_verdict: Callable[[Verdict], None]) -> None:
        self._reach = reach
        self._on_verdict = on_verdict
        self._waiting: list[Verdict] = []
        self._writing = anyio.Lock()
        self._failed = False

    async def add(self, verdict: Verdict) -> None:
        """Take a verdict; returns at once, or when all are noted that wait.

        Raises:
            CatalogError: They could not be noted.
        """
        self._waiting.append(verdict)
        if len(self._waiting) >= _MOST_AT_ONCE:
            await self.write()

    async def keep_writing(self) -> None:
        """Write what waits again and again; for a task that is cancelled.

        Raises:
            CatalogError: It could not be noted.
        """
        while True:
            await anyio.sleep(_EVERY_S)
            await self.write()

    async def write(self) -> None:
        """Note what waits, and tell it: shielded, for what was found out cost a read of the whole.

        Raises:
            CatalogError: It could not be noted; it was told nevertheless.
        """
        with anyio.CancelScope(shield=True):
            async with self._writing:
                verdicts, self._waiting = self._waiting, []
                try:
                    if verdicts and not self._failed:  # a catalog that is away is waited for once
                        await self._note(verdicts)
                except BaseException:
                    self._failed = True
                    raise
                finally:  # that an object is damaged is told, whatever can be noted of it
                    for verdict in verdicts:
                        self._on_verdict(verdict)

    async def _note(self, verdicts: Sequence[Verdict]) -> None:
        alike: dict[tuple[str, Rebuild], list[StoredPointer]] = {}
        for one in verdicts:
            is_read = one.status in {"verified", "mismatch"} and one.content_hash
            if one.place is not None and (is_read or one.status == "missing"):
                store = await store_of(self._reach, one.place)
                pointer = StoredPointer(
                    one.bucket, one.key, one.content_hash or "", one.size or 0, ""
                )
                alike.setdefault((one.status, store), []).append(pointer)
        if not alike:
            return
        catalog = await self._reach.catalog()
        for (status, store), pointers in alike.items():
            if status == "missing":
                await catalog.mark_gone([(one.bucket, one.key) for one in pointers], store=store)
            else:
                await catalog.mark_verified(
                    pointers, has_its_hash=status == "verified", store=store
                )


async def _judged(
    reach: Reach,
    place: Place,
    expected: str | None,
    trusts_checksum: bool,  # noqa: FBT001
    on_read: Callable[[int], None] | None,
) -> Verdict:
    bucket, key = place.bucket, place.key
    found: str | None = None
    size = 0
    how: Literal["read", "checksum"] = "read"
    reached: Reached | None = None
    try:
        reached = await reach_place(reach, place)
        reader = reached.writer
        if expected is None or trusts_checksum:
            standing = await ask_for(reader.requests, place.s3)
            if expected is None:
                return Verdict(bucket, key, "unknown", size=standing.size)
            found, size, how = standing.whole_sha256, standing.size, "checksum"
        if found is None:
            found, size = await _read_back(reader, place, on_read)
            how = "read"
    except (ObjectMissing, BucketMissing) as error:
        told = missing_there(reached, place, error) if reached else error
        is_gone = isinstance(told, ObjectMissing)
        return Verdict(bucket, key, "missing" if is_gone else "failed", expected, error=told.kept())
    except (StoreError, ContentMismatch, UsageError, LocalStoreError) as error:
        return Verdict(bucket, key, "failed", expected, error=error.kept())
    status = "verified" if found == expected else "mismatch"
    return Verdict(bucket, key, status, expected, found, size, how)


async def _read_back(
    reader: ContentWriter, place: Place, on_read: Callable[[int], None] | None
) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    stream = reader.read_stream(place.s3)
    async with contextlib.aclosing(stream):
        async for chunk in stream:
            await run_sync(digest.update, chunk)
            size += len(chunk)
            if on_read is not None:
                on_read(len(chunk))
    return digest.hexdigest(), size
