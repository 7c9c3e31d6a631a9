"""The server-side copy of an object: one request up to 5 GiB, parts in parallel above; never a download."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import anyio

from hashdrop.digest import FileDigest
from hashdrop.errors import ContentMismatch
from hashdrop.errors import HashdropError
from hashdrop.errors import StoreError
from hashdrop.s3.faults import error_of
from hashdrop.s3.judging import Known
from hashdrop.s3.judging import judge_now
from hashdrop.s3.multipart import Fate
from hashdrop.s3.multipart import UploadGone
from hashdrop.s3.multipart import open_multipart
from hashdrop.s3.objects import Requests
from hashdrop.s3.resuming import UnfinishedUpload
from hashdrop.s3.resuming import UploadLog
from hashdrop.s3.retrying import Retries
from hashdrop.s3.threads import call
from hashdrop.s3.threads import plain_task_group
from hashdrop.snapshot import FileSnapshot

if TYPE_CHECKING:
    from hashdrop.s3.routing import S3Pointer

_LOG = logging.getLogger(__name__)

# "You can copy up to 5 GB in a single atomic action":
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
MAX_SINGLE_COPY = 5 * 1024**3
DEFAULT_COPY_PART = 1024**3
NO_FILE = Path()
"""What a copy in parts is noted under in the log of uploads: no file is sent by it."""


@dataclass(frozen=True, slots=True)
class CopyLimits:
    """How a copy is made."""

    part_threshold: int
    """Above this many bytes it goes in parts."""
    part_size: int
    """Bytes of such a part."""
    in_flight: int
    """Part copies at once."""
    cleanup_timeout_s: float
    """Seconds that the abort of a failed copy may take."""
    store_name: str = ""
    """What the store is known by in the log."""


async def copy_object(
    requests: Requests,
    source: S3Pointer,
    target: S3Pointer,
    *,
    known: Known,
    content_hash: str,
    limits: CopyLimits,
    retries: Retries,
    replaces: bool,
    log: UploadLog | None,
    **create: Any,
) -> bool | None:
    """Copy an object within the store and check the copy.

    Args:
        requests: To the store.
        source: The object.
        target: Where its copy will be.
        known: What is known of the content.
        content_hash: Its hash, for the log.
        limits: How.
        retries: How a request is tried again.
        replaces: Whether another object may stand there, which the copy replaces.
        log: Where the upload that a copy in parts needs is noted; `None` for nowhere.
        **create: Content type, encoding and tags: a copy in parts takes none from its source.

    Returns:
        Whether the store's checksum of the copy was compared; `None` where it gives none to compare.

    Raises:
        StoreError: The copy failed; the source still stands.
        ContentMismatch: The copy is not what its source is; the source still stands.
    """

    async def is_copy() -> bool | None:
        def work() -> bool | None:
            facts = requests.look_now(target)
            return False if facts is None else judge_now(requests, target, facts, known)

        return await call(work, limiter=requests.write_limiter)

    async def once() -> None:
        try:
            if known.size > limits.part_threshold:
                note = _note(target, known, content_hash, limits)
                await _copy_in_parts(
                    requests,
                    source,
                    target,
                    limits=limits,
                    retries=retries,
                    note=note,
                    log=log,
                    **create,
                )
            else:
                await requests.write(
                    requests.client.copy_object,
                    target,
                    CopySource={"Bucket": source["bucket"], "Key": source["key"]},
                )
        except StoreError as error:
            is_gone = error_of(error)[0] == "NoSuchUpload"
            # Perhaps only the answer was lost; where another object stood, its size tells nothing.
            is_there = await is_copy() if error.retryable or is_gone else False
            if is_there or (is_there is None and not replaces):
                return
            if is_gone:  # ended from outside: begun anew
                raise UploadGone(
                    "The copy was ended from outside.", hint="Retry.", technical=error.technical
                ) from error
            raise

    await retries.run(f"Copy to {target}", once)
    judgement = await retries.run(f"Look at {target}", is_copy)
    if judgement is False:
        raise ContentMismatch(
            "The store's copy is not what was sent.",
            detail=f"The bytes are still at s3://{source['bucket']}/{source['key']}.",
            hint="This store cannot copy safely; store files with “Single pass” off.",
        )
    return judgement


def _note(
    target: S3Pointer, known: Known, content_hash: str, limits: CopyLimits
) -> UnfinishedUpload:
    return UnfinishedUpload(
        path=NO_FILE,
        snapshot=FileSnapshot(size=known.size, mtime_ns=0, inode=0, device=0),
        found=FileDigest(content_hash, known.size, limits.part_size, ()),
        endpoint=limits.store_name,
        bucket=target["bucket"],
        key=target["key"],
        upload_id="",
    )


async def _copy_in_parts(
    requests: Requests,
    source: S3Pointer,
    target: S3Pointer,
    *,
    limits: CopyLimits,
    retries: Retries,
    note: UnfinishedUpload,
    log: UploadLog | None,
    **create: Any,
) -> None:
    client = requests.client
    place = {"Bucket": source["bucket"], "Key": source["key"]}
    size = note.found.size
    parts: dict[int, dict[str, Any]] = {}
    slots = anyio.Semaphore(limits.in_flight)
    fate = Fate()
    intent = await log.intends(note) if log else ""
    noted = {intent}

    async def copy_part(upload_id: str, number: int, first: int, last: int) -> None:
        async with slots:
            answer: Any = await retries.run(
                f"Copy of part {number} to {target}",
                lambda: requests.write(
                    client.upload_part_copy,
                    target,
                    UploadId=upload_id,
                    PartNumber=number,
                    CopySource=place,
                    CopySourceRange=f"bytes={first}-{last}",
                ),
            )
        result = answer["CopyPartResult"]
        crc = {"ChecksumCRC32": result["ChecksumCRC32"]} if result.get("ChecksumCRC32") else {}
        parts[number] = {"PartNumber": number, "ETag": result["ETag"], **crc}

    try:
        async with open_multipart(
            requests,
            target,
            slots=slots,
            cleanup_timeout_s=limits.cleanup_timeout_s,
            sweep=False,
            retries=retries,
            fate=fate,
            is_copied=True,
            **create,
        ) as upload:
            if log:
                # The final key may be another upload's, too: this one is known by its id.
                noted.add(upload.upload_id)
                if fate.may_be_left:  # another one, unheard of: its intent stays
                    noted.discard(intent)
                    intent = ""
                    fate.may_be_left = False
                await log.began(replace(note, upload_id=upload.upload_id), intent=intent)
            async with plain_task_group() as group:
                for number, first in enumerate(range(0, size, limits.part_size), 1):
                    last = min(first + limits.part_size, size) - 1
                    group.start_soon(copy_part, upload.upload_id, number, first, last)
            await requests.write(
                client.complete_multipart_upload,
                target,
                UploadId=upload.upload_id,
                MultipartUpload={"Parts": [parts[number] for number in sorted(parts)]},
            )
            upload.completed = True
    finally:
        if log and not fate.may_be_left:
            with anyio.CancelScope(shield=True):
                for upload_id in noted:
                    try:
                        await log.ended(upload_id)
                    except HashdropError as error:  # it is found to be gone by a later run
                        _LOG.warning("An upload that is over stays in the journal: %s", error)
