"""Reading an object: as a whole, or as a stream that resumes by range where its connection is cut."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

import anyio

from hashdrop.errors import ContentMismatch
from hashdrop.errors import StoreError
from hashdrop.errors import TransferCut
from hashdrop.s3.faults import error_status

if TYPE_CHECKING:
    from hashdrop.s3.objects import Requests
    from hashdrop.s3.routing import S3Pointer

_LOG = logging.getLogger(__name__)

_FRUITLESS_ATTEMPTS = 5
"""Cuts in a row, without a byte in between, that end a stream."""
_BACKOFF_S = 0.2


async def read_object(requests: Requests, pointer: S3Pointer) -> bytes:
    """Return the whole of an object; request and body in one worker thread.

    Raises:
        ObjectMissing: There is no such object.
        StoreError: It cannot be read.
    """
    chunks = [chunk async for chunk in stream_object(requests, pointer, chunk_size=None)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def stream_object(
    requests: Requests, pointer: S3Pointer, *, chunk_size: int | None, start: int = 0
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of an object as fast as they are asked for, and no faster.

    A cut connection is resumed behind the last byte, if the object is still the same (`If-Match`).
    Closing the generator closes the connection.

    Args:
        requests: To the store.
        pointer: The object.
        chunk_size: Bytes of a chunk at most; `None` for as much as a connection gives.
        start: The first byte; there must be one.

    Raises:
        ObjectMissing: There is no such object.
        ContentMismatch: It was replaced while it was read, or is not as long as `start`.
        StoreError: It cannot be read to its end.
    """
    at = start
    total: int | None = None
    etag = ""
    fruitless = 0
    body: Any = None
    try:
        while total is None or at < total:
            try:
                if body is None:
                    answer = await _open(requests, pointer, at=at, etag=etag)
                    body, etag = answer["Body"], answer.get("ETag", "")
                    if at == start:  # also a second time: another object may stand there by now
                        total = start + int(answer["ContentLength"])
                        if total == 0:
                            return
                chunk = cast(
                    "bytes", await requests.read_body(partial(body.read, chunk_size), pointer)
                )
                if not chunk:
                    raise TransferCut("The connection to the store was cut.", hint="Retry.")
            except StoreError as error:
                _close(body)
                body = None
                fruitless += 1
                if not error.retryable or fruitless > _FRUITLESS_ATTEMPTS:
                    raise
                _LOG.info("Reading %s resumes at byte %d: %s", pointer, at, error.title)
                await anyio.sleep(_BACKOFF_S * (fruitless - 1))
                continue
            fruitless = 0
            at += len(chunk)
            yield chunk
    finally:
        _close(body)


async def _open(requests: Requests, pointer: S3Pointer, *, at: int, etag: str) -> Any:
    more: dict[str, Any] = {}
    if requests.checksums and not at:
        more["ChecksumMode"] = "ENABLED"
    if at:
        more |= {"Range": f"bytes={at}-", **({"IfMatch": etag} if etag else {})}
    try:
        answer: Any = await requests.read(requests.client.get_object, pointer, **more)
    except StoreError as error:
        if error.__cause__ and error_status(error.__cause__) in {412, 416}:
            raise ContentMismatch(
                "The object was replaced while it was read.",
                detail=f"s3://{pointer['bucket']}/{pointer['key']}",
                hint="Read it again.",
            ) from error
        raise
    if at:
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if status != 206 or not str(answer.get("ContentRange", "")).startswith(f"bytes {at}-"):
            _close(answer["Body"])
            raise ContentMismatch(
                "The store does not give the rest of an object.",
                detail="It ignored the range that was asked for.",
                hint="Read it again from the beginning.",
            )
        if etag and answer.get("ETag") != etag:
            _close(answer["Body"])
            raise ContentMismatch(
                "The object was replaced while it was read.",
                detail=f"s3://{pointer['bucket']}/{pointer['key']}",
                hint="Read it again.",
            )
    return answer


def _close(body: Any) -> None:
    if body is not None:
        with contextlib.suppress(OSError):  # a broken connection is closed already
            body.close()
