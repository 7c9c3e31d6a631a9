"""Objects that stand in a bucket only for a while: noted before they are made, taken away after a kill."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Protocol

import anyio

from hashdrop.errors import HashdropError
from hashdrop.s3.multipart import abort_upload
from hashdrop.s3.resuming import UnfinishedUpload
from hashdrop.s3.resuming import UploadLog
from hashdrop.s3.retrying import Retries

if TYPE_CHECKING:
    from hashdrop.s3.objects import Requests
    from hashdrop.s3.routing import S3Pointer

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Temporary:
    """A key under which an upload or an object may stand that nobody needs."""

    store: str
    """What the store is known by."""
    bucket: str
    key: str
    """Of one run alone: everything under it may be taken away."""


class TemporaryLog(UploadLog, Protocol):
    """Remembers temporary objects, and the uploads of copies, beyond the end of the program."""

    async def will_be(self, temporary: Temporary) -> None:
        """Note it; on the disk before anything is made under its key."""
        ...

    async def is_gone(self, temporary: Temporary) -> None:
        """Forget it: nothing is left, or a person was told of it."""
        ...

    async def left_behind(self, store: str, bucket: str) -> Sequence[Temporary]:
        """Return those of runs that are over."""
        ...

    async def copies_left(self, store: str, bucket: str) -> Sequence[UnfinishedUpload]:
        """Return the uploads of copies in parts of runs that are over."""
        ...


class Trace:
    """What becomes of a temporary object; see `noted`."""

    is_gone = False
    """To be set when nothing of it is left, or a person was told of it."""


@asynccontextmanager
async def noted(log: TemporaryLog | None, temporary: Temporary) -> AsyncGenerator[Trace, None]:
    """Note a temporary object while it may stand there; what is not gone at the end stays noted.

    Args:
        log: Where; `None` for nowhere.
        temporary: What will be made.

    Raises:
        HashdropError: It cannot be noted.
    """
    trace = Trace()
    if log is None:
        yield trace
        return
    await log.will_be(temporary)
    try:
        yield trace
    finally:
        if trace.is_gone:
            with anyio.CancelScope(shield=True):
                try:
                    await log.is_gone(temporary)
                except HashdropError as error:  # it is found to be gone by a later run
                    _LOG.warning("What is gone stays in the journal: %s", error)


async def take_away(
    requests: Requests, log: TemporaryLog, store: str, bucket: str, *, timeout_s: float
) -> None:
    """Abort and delete what runs that were killed left in a bucket; what cannot be stays noted.

    Args:
        requests: To the store.
        log: Where it is noted.
        store: What the store is known by.
        bucket: Of the store.
        timeout_s: Seconds that each may take.

    Raises:
        HashdropError: The log cannot be read or written.
    """
    for one in await log.left_behind(store, bucket):
        pointer: S3Pointer = {"bucket": one.bucket, "key": one.key}
        if not await abort_upload(requests, pointer, "", timeout_s=timeout_s, sweep=True):
            continue
        if await delete_temporary(requests, pointer, timeout_s=timeout_s):
            await log.is_gone(one)
    for upload in await log.copies_left(store, bucket):
        # At a final key, where other uploads may be under way and an object may stand.
        is_gone = await abort_upload(
            requests,
            {"bucket": upload.bucket, "key": upload.key},
            "" if upload.is_intent else upload.upload_id,
            timeout_s=timeout_s,
            sweep=False,
            unheard_since=upload.begun_at if upload.is_intent else None,
        )
        if is_gone:
            await log.ended(upload.upload_id)


async def delete_temporary(requests: Requests, pointer: S3Pointer, *, timeout_s: float) -> bool:
    """Delete a temporary object, whatever happens around; a failure is logged, not raised.

    Returns:
        Whether the store said that it is gone.
    """
    done = False
    with anyio.move_on_after(timeout_s, shield=True) as scope:
        try:
            await Retries().run(f"Deletion of {pointer}", lambda: requests.delete(pointer))
            done = True
        except HashdropError as error:
            _LOG.warning("A temporary object is left at %s: %s", pointer, error)
    if scope.cancelled_caught:
        _LOG.warning("A temporary object may be left at %s: the store did not answer", pointer)
    return done
