"""Requests about whole objects: look, put, copy, delete; each in a worker thread, each told for people."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import botocore.exceptions

from hashdrop.s3.client import prepare_client
from hashdrop.s3.faults import error_code
from hashdrop.s3.faults import error_status
from hashdrop.s3.faults import translate
from hashdrop.s3.threads import call

if TYPE_CHECKING:
    import anyio
    from types_boto3_s3 import S3Client

    from hashdrop.s3.body import Stop
    from hashdrop.s3.routing import S3Pointer

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


def encode_crc(crc: int) -> str:
    """Return a CRC-32 as S3 writes it: base64 of four bytes, big-endian."""
    return base64.b64encode(crc.to_bytes(4, "big")).decode()


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the store says of an object."""

    size: int
    """Bytes."""
    etag: str
    crc: str | None
    """Base64 CRC-32 of the whole object, or of its parts' CRC-32s with `-N` behind it."""

    def may_equal(self, other: ObjectFacts) -> bool:
        """Whether nothing speaks against the two having the same bytes.

        Checksums of parts are not compared: they differ with the parts' sizes.
        """
        if self.size != other.size:
            return False
        crcs = [crc for crc in (self.crc, other.crc) if crc and "-" not in crc]
        return len(crcs) < 2 or crcs[0] == crcs[1]


class Requests:
    """The requests of one client.

    Args:
        client: A boto3 S3 client, shared by all threads.
        write_limiter: Of the threads that write; `None` for anyio's own.
        read_limiter: Of the threads that read.
        checksums: Whether to send and ask for S3's own checksums.
    """

    def __init__(
        self,
        client: S3Client,
        *,
        write_limiter: anyio.CapacityLimiter | None,
        read_limiter: anyio.CapacityLimiter | None,
        checksums: bool,
    ) -> None:
        self.client = client
        self.checksums = checksums
        self._write_limiter = write_limiter
        self._read_limiter = read_limiter
        prepare_client(client)

    async def write(
        self,
        function: Callable[..., T],
        pointer: S3Pointer,
        *,
        stop: Stop | None = None,
        **more: Any,
    ) -> T:
        """Call a client method that writes.

        Args:
            function: The bound client method.
            pointer: Becomes `Bucket` and `Key`.
            stop: See `threads.call`.
            **more: The other arguments of the request.

        Raises:
            HashdropError: The request failed.
        """
        return await self._call(function, pointer, self._write_limiter, stop, more)

    async def read(self, function: Callable[..., T], pointer: S3Pointer, **more: Any) -> T:
        """Call a client method that reads; as `write`."""
        return await self._call(function, pointer, self._read_limiter, None, more)

    async def read_body(self, function: Callable[[], T], pointer: S3Pointer) -> T:
        """Run the read of a body under the readers' limiter; errors are told for people."""

        def work() -> T:
            try:
                return function()
            except Exception as error:
                raise _translated(error, pointer) from error

        return await call(work, limiter=self._read_limiter)

    async def _call(
        self,
        function: Callable[..., T],
        pointer: S3Pointer,
        limiter: anyio.CapacityLimiter | None,
        stop: Stop | None,
        more: Mapping[str, Any],
    ) -> T:
        def work() -> T:
            try:
                return function(Bucket=pointer["bucket"], Key=pointer["key"], **more)
            except Exception as error:
                raise _translated(error, pointer) from error

        return await call(work, limiter=limiter, stop=stop)

    async def look(self, pointer: S3Pointer) -> ObjectFacts | None:
        """Return what stands at a place; `None` where nothing does or one may not know.

        Without the permission to list, S3 answers 403 for a missing key: that is "unknown", and the
        write that follows finds out.

        Raises:
            StoreError: The store cannot be asked.
        """
        mode = {"ChecksumMode": "ENABLED"} if self.checksums else {}

        def work() -> ObjectFacts | None:
            try:
                answer = self.client.head_object(
                    Bucket=pointer["bucket"],
                    Key=pointer["key"],
                    **mode,  # pyright: ignore[reportArgumentType]
                )
            except Exception as error:
                # A HEAD has no body: 400 is what some stores say of a wrong region or key.
                if error_status(error) in {400, 403, 404} and error_code(error) != "ExpiredToken":
                    return None
                raise _translated(error, pointer) from error
            return ObjectFacts(
                size=answer["ContentLength"],
                etag=answer.get("ETag", ""),
                crc=answer.get("ChecksumCRC32"),
            )

        return await call(work, limiter=self._read_limiter)

    async def first_part_size(self, pointer: S3Pointer) -> int | None:
        """Return the bytes of the first part that an object was made of; `None` if the store won't say.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, `partNumber`.
        """

        def work() -> int | None:
            try:
                answer = self.client.head_object(
                    Bucket=pointer["bucket"], Key=pointer["key"], PartNumber=1
                )
            except botocore.exceptions.ClientError:
                return None
            return answer["ContentLength"] if answer.get("PartsCount") else None

        return await self.read_body(work, pointer)

    async def delete(self, pointer: S3Pointer) -> None:
        """Delete an object; deleting what is not there is no error.

        Raises:
            StoreError: The store refused.
        """
        await self.write(self.client.delete_object, pointer)


def _translated(error: Exception, pointer: S3Pointer) -> Exception:
    translated = translate(error, bucket=pointer["bucket"], key=pointer["key"])
    if translated is not error:
        _LOG.debug("Request for %s failed", pointer, exc_info=error)
    return translated
