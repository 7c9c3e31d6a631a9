"""The server-side copy of an object: one request up to 5 GiB, parts in parallel above; never a download."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import anyio

from hashdrop.errors import ContentMismatch
from hashdrop.errors import StoreError
from hashdrop.s3.multipart import abort_upload
from hashdrop.s3.objects import ObjectFacts
from hashdrop.s3.objects import Requests
from hashdrop.s3.retrying import Retries
from hashdrop.s3.threads import plain_task_group

if TYPE_CHECKING:
    from hashdrop.s3.routing import S3Pointer

# "You can copy up to 5 GB in a single atomic action":
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
MAX_SINGLE_COPY = 5 * 1024**3
DEFAULT_COPY_PART = 1024**3


async def copy_object(
    requests: Requests,
    source: S3Pointer,
    target: S3Pointer,
    *,
    facts: ObjectFacts,
    part_threshold: int,
    part_size: int,
    cleanup_timeout_s: float,
    in_flight: int,
    retries: Retries,
    **create: Any,
) -> None:
    """Copy an object within the store and check the copy.

    Args:
        requests: To the store.
        source: The object.
        target: Where its copy will be.
        facts: What the store says of the source.
        part_threshold: Above this many bytes the copy goes in parts.
        part_size: Bytes of such a part.
        cleanup_timeout_s: Seconds that the abort of a failed copy may take.
        in_flight: Part copies at once.
        retries: How a request is tried again.
        **create: Content type, encoding and tags: a copy in parts takes none from its source.

    Raises:
        StoreError: The copy failed; the source still stands.
        ContentMismatch: The copy is not what its source is; the source still stands.
    """

    async def once() -> None:
        try:
            if facts.size > part_threshold:
                await _copy_in_parts(
                    requests,
                    source,
                    target,
                    facts=facts,
                    part_size=part_size,
                    cleanup_timeout_s=cleanup_timeout_s,
                    in_flight=in_flight,
                    **create,
                )
            else:
                await requests.write(
                    requests.client.copy_object,
                    target,
                    CopySource={"Bucket": source["bucket"], "Key": source["key"]},
                )
        except StoreError as error:
            if not (error.retryable and await is_copy(requests, target, facts)):
                raise  # else only the answer was lost

    await retries.run(f"Copy to {target}", once)
    if not await is_copy(requests, target, facts):
        raise ContentMismatch(
            "The store's copy is not what was sent.",
            detail=f"The bytes are still at s3://{source['bucket']}/{source['key']}.",
            hint="This store cannot copy safely; store files with “Single pass” off.",
        )


async def is_copy(requests: Requests, target: S3Pointer, facts: ObjectFacts) -> bool:
    """Whether the object at a place has the size, and the checksum if comparable, of another.

    Raises:
        StoreError: The store cannot be asked.
    """
    found = await requests.look(target)
    return found is not None and facts.may_equal(found)


async def _copy_in_parts(
    requests: Requests,
    source: S3Pointer,
    target: S3Pointer,
    *,
    facts: ObjectFacts,
    part_size: int,
    cleanup_timeout_s: float,
    in_flight: int,
    **create: Any,
) -> None:

    client = requests.client
    place = {"Bucket": source["bucket"], "Key": source["key"]}
    upload_id = ""
    done = False

    def created(**arguments: Any) -> None:
        nonlocal upload_id
        upload_id = client.create_multipart_upload(**arguments)["UploadId"]

    parts: dict[int, dict[str, Any]] = {}
    slots = anyio.Semaphore(in_flight)

    async def copy_part(number: int, first: int, last: int) -> None:
        async with slots:
            answer: Any = await requests.write(
                client.upload_part_copy,
                target,
                UploadId=upload_id,
                PartNumber=number,
                CopySource=place,
                CopySourceRange=f"bytes={first}-{last}",
            )
        result = answer["CopyPartResult"]
        crc = {"ChecksumCRC32": result["ChecksumCRC32"]} if result.get("ChecksumCRC32") else {}
        parts[number] = {"PartNumber": number, "ETag": result["ETag"], **crc}

    try:
        await requests.write(created, target, **create)
        async with plain_task_group() as group:
            for number, first in enumerate(range(0, facts.size, part_size), 1):
                last = min(first + part_size, facts.size) - 1
                group.start_soon(copy_part, number, first, last)
        await requests.write(
            client.complete_multipart_upload,
            target,
            UploadId=upload_id,
            MultipartUpload={"Parts": [parts[number] for number in sorted(parts)]},
        )
        done = True
    finally:
        if not done:
            await abort_upload(
                requests, target, upload_id, timeout_s=cleanup_timeout_s, sweep=False
            )
