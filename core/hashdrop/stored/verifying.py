"""Does what is stored still have its hash? Objects are read back, piece by piece, and hashed on the way."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncGenerator
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Literal

from anyio.to_thread import run_sync

from hashdrop.errors import BucketMissing
from hashdrop.errors import CatalogError
from hashdrop.errors import ContentMismatch
from hashdrop.errors import HashdropError
from hashdrop.errors import LocalStoreError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreError
from hashdrop.errors import UsageError
from hashdrop.pointer import StoredPointer
from hashdrop.s3.inspecting import ask_for
from hashdrop.stored.marking import mark_gone
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

    async def one(place: Place) -> None:
        verdict = await _judged(reach, place, with_hash(place), trusts_checksum, on_read)
        verdict = replace(verdict, place=place)
        try:
            await _note(reach, place, verdict)
        except CatalogError:
            on_verdict(verdict)  # that an object is damaged is told, whatever can be noted of it
            raise
        on_verdict(verdict)

    await for_each(places, one)


async def _note(reach: Reach, place: Place, verdict: Verdict) -> None:
    expected = verdict.content_hash
    if verdict.status in {"verified", "mismatch"} and expected:
        pointer = StoredPointer(place.bucket, place.key, expected, verdict.size or 0, "")
        catalog = await reach.catalog()
        await catalog.mark_verified(
            pointer,
            has_its_hash=verdict.status == "verified",
            store=await store_of(reach, place),
        )
    elif verdict.status == "missing":
        await mark_gone(reach, place)


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
