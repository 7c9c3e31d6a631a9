"""Requests about whole objects: look, put, copy, delete; each in a worker thread, each told for people."""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar
from urllib.parse import quote

import botocore.exceptions

from hashdrop.content_types import header_value
from hashdrop.errors import ObjectMissing
from hashdrop.s3.client import is_plain
from hashdrop.s3.client import prepare_client
from hashdrop.s3.faults import error_code
from hashdrop.s3.faults import error_status
from hashdrop.s3.faults import translate
from hashdrop.s3.threads import call
from hashdrop.s3.wire import UNSIGNED
from hashdrop.s3.wire import Wire
from hashdrop.s3.wire import WireUnfit

if TYPE_CHECKING:
    import anyio
    from types_boto3_s3 import S3Client

    from hashdrop.s3.body import Body
    from hashdrop.s3.body import Pace
    from hashdrop.s3.body import Stop
    from hashdrop.s3.routing import S3Pointer

T = TypeVar("T")

_HASH_PIECE = 1024 * 1024
_HEADER_OF = {
    "ChecksumCRC32": "x-amz-checksum-crc32",
    "ContentEncoding": "content-encoding",
    "ContentType": "content-type",
    "IfNoneMatch": "if-none-match",
    "Tagging": "x-amz-tagging",
}

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


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an object has beside its bytes."""

    content_type: str
    content_encoding: str | None = None
    tagging: str | None = None
    """As of the `x-amz-tagging` header."""

    @property
    def arguments(self) -> dict[str, Any]:
        """For a boto3 call."""
        arguments: dict[str, Any] = {"ContentType": header_value(self.content_type)}
        if self.content_encoding:
            arguments["ContentEncoding"] = self.content_encoding
        if self.tagging:
            arguments["Tagging"] = self.tagging
        return arguments

    @property
    def headers(self) -> dict[str, str]:
        """For a request of our own."""
        return _headers(self.arguments)


class Requests:
    """The requests of one client.

    Args:
        client: A boto3 S3 client, shared by all threads.
        write_limiter: Of the threads that write; `None` for anyio's own.
        read_limiter: Of the threads that read.
        checksums: Whether to send and ask for S3's own checksums.
        own_connections: Whether HEAD, PUT and parts go by `Wire` where it can; by default if nobody hooked
            into the client.
        pace: The bandwidth limit.
    """

    def __init__(
        self,
        client: S3Client,
        *,
        write_limiter: anyio.CapacityLimiter | None,
        read_limiter: anyio.CapacityLimiter | None,
        checksums: bool,
        own_connections: bool | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.client = client
        self.checksums = checksums
        self.checksums_are_proven = False
        """Whether the store was seen to refuse bytes that are not those of their checksum."""
        self.pace = pace
        self.write_limiter = write_limiter
        self._read_limiter = read_limiter
        self._own_connections = own_connections
        self._wires: dict[str, Wire | None] = {}
        self._wire_lock = threading.Lock()
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
        return await self._call(function, pointer, self.write_limiter, stop, more)

    async def read(self, function: Callable[..., T], pointer: S3Pointer, **more: Any) -> T:
        """Call a client method that reads; as `write`."""
        return await self._call(function, pointer, self._read_limiter, None, more)

    async def read_body(
        self, function: Callable[[], T], pointer: S3Pointer, *, stop: Stop | None = None
    ) -> T:
        """Run the read of a body under the readers' limiter; errors are told for people.

        Args:
            function: The read.
            pointer: The object.
            stop: That it checks; see `threads.call`.
        """

        def work() -> T:
            try:
                return function()
            except Exception as error:
                raise _translated(error, pointer) from error

        return await call(work, limiter=self._read_limiter, stop=stop)

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
        """Return what stands at a place; see `look_now`."""
        return await call(lambda: self.look_now(pointer), limiter=self._read_limiter)

    async def delete(self, pointer: S3Pointer) -> None:
        """Delete an object; deleting what is not there is no error.

        Raises:
            StoreError: The store refused.
        """
        await self.write(self.client.delete_object, pointer)

    # --- blocking, for worker threads ------------------------------------------------------------

    def look_now(
        self, pointer: S3Pointer, *, stop: Stop | None = None, must_stand: bool = False
    ) -> ObjectFacts | None:
        """Return what stands at a place; `None` where nothing does or one may not know.

        Without the permission to list, S3 answers 403 for a missing key: that is "unknown", and the
        write that follows finds out.

        Args:
            pointer: The place.
            stop: Ends it.
            must_stand: Whether the store has said that an object stands there.

        Raises:
            ObjectMissing: It must, and does not.
            StoreError: The store cannot be asked.
        """
        try:
            return self._head(pointer, stop)
        except Exception as error:
            # A HEAD has no body: 400 is what some stores say of a wrong region or key.
            if must_stand and error_status(error) == 404:
                raise ObjectMissing(
                    "The store confirmed an object that is not there.",
                    detail=f"s3://{pointer['bucket']}/{pointer['key']}",
                    hint="Retry.",
                    retryable=True,
                ) from error
            if error_status(error) in {400, 403, 404} and error_code(error) != "ExpiredToken":
                return None
            raise _translated(error, pointer) from error

    def _head(self, pointer: S3Pointer, stop: Stop | None) -> ObjectFacts:
        wire = self.wire(pointer["bucket"])
        if wire is not None:
            headers = {"x-amz-checksum-mode": "ENABLED"} if self.checksums else {}
            try:
                fields = wire.request(
                    "HeadObject", "HEAD", pointer["key"], headers=headers, stop=stop
                ).headers
            except WireUnfit:
                self._wires[pointer["bucket"]] = None
            else:
                return ObjectFacts(
                    size=int(fields.get("content-length", 0)),
                    etag=fields.get("etag", ""),
                    crc=fields.get("x-amz-checksum-crc32"),
                )
        mode: Any = {"ChecksumMode": "ENABLED"} if self.checksums else {}
        answer = self.client.head_object(Bucket=pointer["bucket"], Key=pointer["key"], **mode)
        return ObjectFacts(
            size=answer["ContentLength"],
            etag=answer.get("ETag", ""),
            crc=answer.get("ChecksumCRC32"),
        )

    def put_now(
        self,
        pointer: S3Pointer,
        body: Body,
        metadata: Metadata,
        *,
        crc: int,
        sha256: str | None,
        create_only: bool,
        stop: Stop,
    ) -> tuple[str, str | None]:
        """Store an object with one PUT.

        Args:
            pointer: Where.
            body: Its bytes.
            metadata: Content type, encoding, tags.
            crc: CRC-32 of the bytes.
            sha256: Theirs in hex, if it is known: signed with the request, every store checks it.
            create_only: Only if there is no object yet (`If-None-Match: *`).
            stop: Ends it.

        Returns:
            The ETag and the CRC-32 in base64 that the store answered with.

        Raises:
            StoreError: It failed; with status 412 there was one already.
        """
        more: dict[str, Any] = {"ChecksumCRC32": encode_crc(crc)} if self.checksums else {}
        if create_only:
            more["IfNoneMatch"] = "*"
        try:
            wire = self.wire(pointer["bucket"])
            if wire is not None:
                try:
                    answer = wire.request(
                        "PutObject",
                        "PUT",
                        pointer["key"],
                        headers=metadata.headers | _headers(more),
                        body=body,
                        payload_hash=sha256 or (UNSIGNED if self.checksums else _sha256(body)),
                        stop=stop,
                    )
                except WireUnfit:
                    self._wires[pointer["bucket"]] = None
                else:
                    fields = answer.headers
                    return fields.get("etag", ""), fields.get("x-amz-checksum-crc32")
            content: Any = body if len(body) else b""
            said: Any = self.client.put_object(
                Bucket=pointer["bucket"],
                Key=pointer["key"],
                Body=content,
                **metadata.arguments,
                **more,
            )
            return said.get("ETag", ""), said.get("ChecksumCRC32")
        except Exception as error:
            raise _translated(error, pointer) from error

    def part_now(
        self, pointer: S3Pointer, upload_id: str, number: int, body: Body, *, crc: int, stop: Stop
    ) -> str:
        """Send a part of a multipart upload.

        Args:
            pointer: Of the object to be.
            upload_id: Of the upload.
            number: Of the part, from 1.
            body: Its bytes.
            crc: Their CRC-32.
            stop: Ends it.

        Returns:
            The part's ETag.

        Raises:
            StoreError: It failed.
        """
        more: dict[str, Any] = {"ChecksumCRC32": encode_crc(crc)} if self.checksums else {}
        try:
            wire = self.wire(pointer["bucket"])
            if wire is not None:
                try:
                    return wire.request(
                        "UploadPart",
                        "PUT",
                        pointer["key"],
                        query=f"partNumber={number}&uploadId={quote(upload_id, safe='~')}",
                        headers=_headers(more),
                        body=body,
                        payload_hash=UNSIGNED if self.checksums else _sha256(body),
                        stop=stop,
                    ).headers.get("etag", "")
                except WireUnfit:
                    self._wires[pointer["bucket"]] = None
            content: Any = body
            answer = self.client.upload_part(
                Bucket=pointer["bucket"],
                Key=pointer["key"],
                UploadId=upload_id,
                PartNumber=number,
                Body=content,
                **more,
            )
            return answer["ETag"]
        except Exception as error:
            raise _translated(error, pointer) from error

    def first_part_size_now(self, pointer: S3Pointer) -> int | None:
        """Return the bytes of the first part that an object was made of; `None` if the store won't say.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, `partNumber`.
        """
        try:
            answer = self.client.head_object(
                Bucket=pointer["bucket"], Key=pointer["key"], PartNumber=1
            )
        except botocore.exceptions.ClientError:
            return None
        except Exception as error:
            raise _translated(error, pointer) from error
        return answer["ContentLength"] if answer.get("PartsCount") else None

    def wire(self, bucket: str) -> Wire | None:
        """Return the connections of our own to a bucket, `None` where botocore's are used; blocking."""
        if self._own_connections is False:
            return None
        if bucket not in self._wires:
            with self._wire_lock:
                if self._own_connections is None:
                    self._own_connections = is_plain(self.client)
                if not self._own_connections:
                    return None
                if bucket not in self._wires:
                    self._wires[bucket] = Wire.of(self.client, bucket)
        return self._wires[bucket]


def _headers(arguments: Mapping[str, str]) -> dict[str, str]:
    return {_HEADER_OF[name]: value for name, value in arguments.items()}


def _sha256(body: Body) -> str:
    """Hash what is about to be sent: where no checksum header is, the signature holds the hash."""
    digest = hashlib.sha256()
    body.seek(0)
    while piece := body.read(_HASH_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _translated(error: Exception, pointer: S3Pointer) -> Exception:
    translated = translate(error, bucket=pointer["bucket"], key=pointer["key"])
    if translated is not error:
        _LOG.debug("Request for %s failed", pointer, exc_info=error)
    return translated
