"""Questions about one object: does it stand there, what does the store say of it, what is in a part of it."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

from hashdrop.errors import AccessRefused
from hashdrop.errors import ClockSkewed
from hashdrop.errors import ContentMismatch
from hashdrop.errors import CredentialsExpired
from hashdrop.errors import CredentialsRefused
from hashdrop.errors import HashdropError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import SettingsError
from hashdrop.errors import StoreError
from hashdrop.s3.body import Stop
from hashdrop.s3.faults import error_of

if TYPE_CHECKING:
    from hashdrop.s3.objects import Requests
    from hashdrop.s3.routing import S3Pointer

MOST_AT_ONCE = 64 * 1024 * 1024
"""Bytes of a range at most: it is held in memory."""
_PIECE = 256 * 1024
_CHECKSUMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
_MOST_VERSIONS = 1000
_WORDLESS = frozenset({"400", "403"})
"""Codes of refusals without one: AWS says 400 of a session that has ended."""


@dataclass(frozen=True, slots=True)
class StandingObject:
    """What the store says of an object."""

    size: int
    """Bytes."""
    whole_sha256: str | None
    """Hexadecimal SHA-256 of the whole content, where the store says that it is one of the whole."""
    etag: str = ""
    modified: datetime | None = None
    """When it was written, with its zone."""
    content_type: str = ""
    content_encoding: str = ""
    storage_class: str = "STANDARD"
    version_id: str = ""
    """"" where the bucket keeps no versions."""
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    """Algorithm -> base64; with `-N` behind it where it is one of N parts' checksums."""
    encryption: str = ""
    """`AES256`, `aws:kms`, …; "" where the store says nothing of it."""
    encryption_key: str = ""
    """Of KMS."""
    locked_until: datetime | None = None
    """Until then nobody may delete this version."""
    lock_mode: str = ""
    """`GOVERNANCE` or `COMPLIANCE`."""
    is_held: bool = False
    """Whether a legal hold keeps this version from being deleted."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """What whoever stored it wrote beside it."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """`Cache-Control` and its like."""


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object, or the mark of its deletion."""

    version_id: str
    modified: datetime
    size: int = 0
    """Bytes."""
    is_latest: bool = False
    is_deletion: bool = False
    """Whether it is no version but the mark that the object was deleted then."""


async def ask_for(requests: Requests, pointer: S3Pointer) -> StandingObject:
    """Return what stands at a place.

    Args:
        requests: To the store.
        pointer: The place.

    Raises:
        ObjectMissing: Nothing does.
        StoreError: The store cannot be asked, or does not let one know.
    """
    head = requests.client.head_object
    try:
        try:
            answer: Any = await requests.read(head, pointer, ChecksumMode="ENABLED")
        except AccessRefused:  # an encrypted object's checksum needs the permission to decrypt
            answer = await requests.read(head, pointer)
    except StoreError as error:
        if error_of(error)[1] == 404:
            raise ObjectMissing(
                f"There is no object at s3://{pointer['bucket']}/{pointer['key']}.",
                technical=error.technical,
            ) from error
        told = await _in_words(requests, pointer, error)
        if told is error:
            raise
        raise told from told.__cause__
    headers = ("CacheControl", "ContentDisposition", "ContentLanguage", "ExpiresString")
    return StandingObject(
        size=int(answer["ContentLength"]),
        whole_sha256=_whole_sha256(answer),
        etag=answer.get("ETag", ""),
        modified=answer.get("LastModified"),
        content_type=answer.get("ContentType", ""),
        content_encoding=answer.get("ContentEncoding", ""),
        storage_class=answer.get("StorageClass") or "STANDARD",  # S3 leaves that one out
        version_id=_version(answer.get("VersionId")),
        checksums={
            name: answer[f"Checksum{name}"] for name in _CHECKSUMS if f"Checksum{name}" in answer
        },
        encryption=answer.get("ServerSideEncryption", ""),
        encryption_key=answer.get("SSEKMSKeyId", ""),
        locked_until=answer.get("ObjectLockRetainUntilDate"),
        lock_mode=answer.get("ObjectLockMode", ""),
        is_held=answer.get("ObjectLockLegalHoldStatus") == "ON",
        metadata=dict(answer.get("Metadata", {})),
        headers={name: answer[name] for name in headers if answer.get(name)},
    )


async def _in_words(requests: Requests, pointer: S3Pointer, refused: StoreError) -> HashdropError:
    """Return what a store says of a HEAD that it refused: whose answer has no body to say it in.

    It is asked for a byte, which takes the same right. Where it says no more then, the refusal stands.
    """
    if error_of(refused)[0] not in _WORDLESS:
        return refused

    def ask() -> None:
        answer = requests.client.get_object(
            Bucket=pointer["bucket"], Key=pointer["key"], Range="bytes=0-0"
        )
        answer["Body"].close()

    try:
        await requests.read_body(ask, pointer)
    except (CredentialsRefused, CredentialsExpired, ClockSkewed, SettingsError) as told:
        return told
    except HashdropError:  # another reason, or the way: what was refused first is told
        return refused
    return refused


async def list_versions(requests: Requests, pointer: S3Pointer) -> list[ObjectVersion]:
    """Return the versions of an object and the marks of its deletions, the newest first, 1,000 at most.

    Args:
        requests: To the store.
        pointer: The object; it need not stand there any more.

    Raises:
        StoreError: The store cannot be asked, or does not let one know.
    """
    key = pointer["key"]

    def ask(*, Bucket: str, Key: str) -> Any:  # noqa: N803  # as boto3 has it
        # Other keys may begin with this one; they come behind it.
        return requests.client.list_object_versions(
            Bucket=Bucket, Prefix=Key, MaxKeys=_MOST_VERSIONS
        )

    answer = await requests.read(ask, pointer)
    versions = [
        ObjectVersion(
            version_id=_version(one.get("VersionId")),
            modified=one["LastModified"],
            size=int(one.get("Size", 0)),
            is_latest=bool(one.get("IsLatest")),
            is_deletion=is_deletion,
        )
        for is_deletion, group in ((False, "Versions"), (True, "DeleteMarkers"))
        for one in answer.get(group, ())
        if one["Key"] == key
    ]
    return sorted(versions, key=lambda one: (one.is_latest, one.modified), reverse=True)


async def read_range(requests: Requests, pointer: S3Pointer, start: int, length: int) -> bytes:
    """Return some bytes of an object, in one request; fewer where it ends before.

    Cancelling it ends it with the piece that is on its way: the rest is not read.

    Args:
        requests: To the store.
        pointer: The object.
        start: The first byte, from 0.
        length: How many at most; not more than `MOST_AT_ONCE`.

    Raises:
        ValueError: More are asked for than are to be held in memory.
        ObjectMissing: There is no such object.
        StoreError: It cannot be read.
        ContentMismatch: The store gives other bytes than were asked for.
    """
    if not 0 <= length <= MOST_AT_ONCE or start < 0:
        raise ValueError(f"{start}+{length}")
    if length == 0:
        return b""

    stop = Stop()

    def read() -> bytes:
        stop.check()
        answer = requests.client.get_object(
            Bucket=pointer["bucket"],
            Key=pointer["key"],
            Range=f"bytes={start}-{start + length - 1}",
        )
        body = answer["Body"]
        try:
            if answer["ResponseMetadata"]["HTTPStatusCode"] != 206 and start:
                raise ContentMismatch(
                    "The store does not give a part of an object.",
                    detail="It ignored the range that was asked for.",
                )
            pieces: list[bytes] = []
            left = length  # a store that ignores the range would send all of it
            while left and (piece := body.read(min(left, _PIECE))):
                stop.check()
                pieces.append(piece)
                left -= len(piece)
            return b"".join(pieces)
        finally:
            with contextlib.suppress(OSError):
                body.close()

    try:
        return await requests.read_body(read, pointer, stop=stop)
    except StoreError as error:
        if error_of(error)[1] == 416:  # it ends before
            return b""
        raise


def _version(given: str | None) -> str:
    return "" if given in {None, "null"} else str(given)


def _whole_sha256(answer: Any) -> str | None:
    """Return the checksum only if it says of itself that it is of the whole: of parts it proves nothing."""
    if answer.get("ChecksumType") != "FULL_OBJECT":
        return None
    try:
        raw = base64.b64decode(answer.get("ChecksumSHA256", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 32 else None
