"""One multipart upload: parts in parallel, completed, or aborted on any other way out."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

import anyio

from hashdrop.errors import AccessRefused
from hashdrop.errors import HashdropError
from hashdrop.errors import StoreError
from hashdrop.errors import StoreRefused
from hashdrop.s3.body import Body
from hashdrop.s3.body import Stop
from hashdrop.s3.faults import error_of
from hashdrop.s3.faults import is_other_content
from hashdrop.s3.judging import Known
from hashdrop.s3.judging import composite_crc
from hashdrop.s3.objects import ObjectFacts
from hashdrop.s3.objects import Requests
from hashdrop.s3.objects import encode_crc
from hashdrop.s3.retrying import Retries
from hashdrop.s3.threads import call
from hashdrop.s3.threads import plain_task_group

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from hashdrop.s3.routing import S3Pointer

_LOG = logging.getLogger(__name__)

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000
MIN_PART_SIZE = 5 * 1024**2
MAX_PART_SIZE = 5 * 1024**3
_ROOMY_PARTS = 9_000
"""Parts that a known size is spread over: some room below the limit."""
_EQUAL_PARTS = 2_000
_GROWTH_STEP = 1_000
_ABORT_ROUNDS = 5
_CLOCKS_DIFFER_S = 900.0
"""This computer's clock may be so far from the store's: S3 refuses more."""


def part_size_for(size: int, minimum: int) -> int:
    """Return the part size for content of a known size: as wanted, larger where 10,000 parts need it.

    Args:
        size: Bytes of the content.
        minimum: Bytes of a part as configured.
    """
    return min(max(minimum, -(-size // _ROOMY_PARTS)), MAX_PART_SIZE)


def growing_part_size(number: int, minimum: int) -> int:
    """Return the size of a part of a stream of unknown length.

    Equal for the first 2,000 parts; from there it doubles every 1,000, so that 10,000 parts hold more
    than 2 TiB even at 5 MiB.

    Args:
        number: Of the part, from 1.
        minimum: Bytes of the first part.
    """
    doublings = max(0, -(-(number - _EQUAL_PARTS) // _GROWTH_STEP))
    return min(minimum << doublings, MAX_PART_SIZE)


class UploadGone(StoreError):
    """Raised when an upload cannot be completed any more: its parts have to be sent under a new one."""

    retryable_by_default = True


@dataclass(slots=True)
class Fate:
    """What became of an upload that was ended without an object."""

    may_be_left: bool = False
    """Whether something may be left in the store, because it did not answer."""


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that the store has."""

    etag: str
    size: int
    crc: int


class Sendable(Protocol):
    """A part that waits to be sent."""

    size: int
    crc: int

    @property
    def buffer(self) -> IO[bytes]:
        """Its bytes; asked for in the sending thread."""
        ...

    def check(self) -> None:
        """Raise `SourceChanged` if its bytes are not those of its CRC any more; blocking."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class MultipartUpload:
    """A multipart upload that was created; made by `open_multipart`."""

    def __init__(
        self,
        requests: Requests,
        pointer: S3Pointer,
        upload_id: str,
        *,
        group: TaskGroup,
        slots: anyio.Semaphore,
        stop: Stop,
        on_sent: Callable[[int], None] | None,
        retries: Retries,
        sent: Mapping[int, SentPart],
    ) -> None:
        self.pointer = pointer
        self.upload_id = upload_id
        self._requests = requests
        self._group = group
        self._slots = slots
        self._outstanding = 0
        self._idle = anyio.Event()
        self._stop = stop
        self._on_sent = on_sent
        self._retries = retries
        self._etags: dict[int, str] = {number: part.etag for number, part in sent.items()}
        self._crcs: dict[int, int] = {number: part.crc for number, part in sent.items()}
        self._sizes: dict[int, int] = {number: part.size for number, part in sent.items()}
        self.size = sum(self._sizes.values())
        """Bytes handed over so far."""
        self.completed = False
        """Whether S3 confirmed the object that this upload made."""
        self.may_be_left = False
        """Whether it may be there still, though an object of its content stands there: somebody else's."""

    async def reserve(self) -> None:
        """Wait until one more part may be held in memory, then cut it.

        The places are shared by all uploads of a storage. `send` takes the place over; whoever fails
        to cut a part gives it back with `unreserve`.
        """
        await self._slots.acquire()

    def unreserve(self) -> None:
        """Give back a place that no part came for."""
        self._slots.release()

    def send(self, part: Sendable, number: int | None = None) -> None:
        """Send a part in the background; it is closed when it is sent or given up.

        Args:
            part: The part.
            number: Its own; by default the next one.

        Raises:
            StoreRefused: S3 takes no more parts.
        """
        number = number or len(self._crcs) + 1
        if number > MAX_PARTS:
            part.close()
            self._slots.release()
            raise StoreRefused(
                "The stream is too long for S3.",
                detail=f"It needs more than {MAX_PARTS:,} parts.",
                hint="Choose a larger part size.",
            )
        self._crcs[number] = part.crc
        self._sizes[number] = part.size
        self.size += part.size
        self._outstanding += 1
        self._group.start_soon(self._send, number, part)

    async def _send(self, number: int, part: Sendable) -> None:
        requests = self._requests

        def work() -> str:
            body = Body(
                part.buffer,
                part.size,
                stop=self._stop,
                on_sent=self._on_sent,
                pace=requests.pace,
                is_checked=requests.checksums_are_proven,
            )
            try:
                etag = requests.part_now(
                    self.pointer, self.upload_id, number, body, crc=part.crc, stop=self._stop
                )
                part.close()
                return etag
            except HashdropError as error:
                body.retract()
                if is_other_content(error):  # on its way, or in the file since it was hashed?
                    part.check()
                raise

        try:
            self._etags[number] = await self._retries.run(
                f"Part {number} of {self.pointer}",
                lambda: call(work, limiter=requests.write_limiter, stop=self._stop),
            )
        finally:
            part.close()
            self._slots.release()
            self._outstanding -= 1
            self._idle.set()

    async def join(self) -> None:
        """Wait until every part that was handed over is sent."""
        while self._outstanding:
            self._idle = anyio.Event()
            await self._idle.wait()

    async def complete(  # noqa: C901  # what may come of it
        self, *, create_only: bool = False, replaces: bool = False, tell_size: bool = False
    ) -> bool:
        """Make the parts one object.

        Args:
            create_only: Only if there is no object yet (`If-None-Match: *`).
            replaces: Whether another object may stand there: then one of the same size is not taken for this
                one, whose answer was lost.
            tell_size: Say how large it must be, so that the store refuses if it is not
                (`MpuObjectSize`).

        Returns:
            Whether this upload made the object; false: somebody else had (412).

        Raises:
            UploadGone: All parts have to be sent again (409, or the upload was aborted by others).
            StoreError: It failed, and no such object stands there.
        """
        await self.join()
        more: dict[str, Any] = {"IfNoneMatch": "*"} if create_only else {}
        if tell_size:
            more["MpuObjectSize"] = self.size
        parts: list[dict[str, Any]] = [
            {"PartNumber": number, "ETag": self._etags[number]} for number in sorted(self._etags)
        ]
        if self._requests.checksums:
            for part in parts:
                part["ChecksumCRC32"] = encode_crc(self._crcs[part["PartNumber"]])

        gone: UploadGone | None = None
        unheard = False

        async def once() -> bool:
            nonlocal gone, unheard
            try:
                await self._requests.write(
                    self._requests.client.complete_multipart_upload,
                    self.pointer,
                    UploadId=self.upload_id,
                    MultipartUpload={"Parts": parts},
                    **more,
                )
            except StoreError as error:
                code, status = error_of(error)
                unheard = unheard or _attempts_of(error) > 1
                if status == 412:  # somebody else's object, or our own, whose answer was lost
                    facts = await self._requests.look(self.pointer) if unheard else None
                    if facts is None or not self.fits(facts):
                        return False
                    self.may_be_left = await self._is_there()
                    return True
                if more and (status == 501 or code == "NotImplemented"):
                    more.clear()
                    return await once()
                # A lost answer: the upload may have been completed after all. A conflict is an answer.
                is_unsure = code == "NoSuchUpload" or (error.retryable and status != 409)
                if is_unsure and await self._stands(surely=replaces):
                    self.may_be_left = code != "NoSuchUpload" and await self._is_there()
                    return True
                if code == "NoSuchUpload" or status == 409:
                    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
                    gone = UploadGone(
                        "The upload was ended from outside.",
                        hint="Retry.",
                        technical=error.technical,
                    )
                    gone.__cause__ = error
                    return False  # not to be tried again as it is
                unheard = unheard or error.retryable
                raise
            return True

        self.completed = await self._retries.run(f"Completion of {self.pointer}", once)
        if gone is not None:
            raise gone
        return self.completed

    async def _is_there(self) -> bool:
        """Whether the upload was not completed; it is not aborted now, for the store may be just at it."""
        try:
            return await sent_parts(self._requests, self.pointer, self.upload_id) is not None
        except StoreError:
            return True

    async def _stands(self, *, surely: bool) -> bool:
        try:
            facts = await self._requests.look(self.pointer)
        except StoreError:
            return False
        return facts is not None and self.fits(facts) and (not surely or self._is_proven(facts))

    def _is_proven(self, facts: ObjectFacts) -> bool:
        """Whether more than the size tells that an object is made of these parts."""
        if facts.crc:
            return True  # compared by `fits`
        etags = [self._etags[number].strip('"') for number in sorted(self._etags)]
        try:
            digests = b"".join(map(bytes.fromhex, etags))
        except ValueError:
            return False
        whole = hashlib.md5(digests, usedforsecurity=False).hexdigest()
        return facts.etag.strip('"') == f"{whole}-{len(etags)}"

    @property
    def known(self) -> Known:
        """What is known of the whole, when all of it was handed over."""
        numbers = sorted(self._crcs)
        return Known(self.size, tuple((self._sizes[n], self._crcs[n]) for n in numbers))

    def fits(self, facts: ObjectFacts) -> bool:
        """Whether what the store says of an object is true of these parts."""
        if facts.size != self.size:
            return False
        if facts.crc and "-" in facts.crc:
            return facts.crc == composite_crc([self._crcs[n] for n in sorted(self._crcs)])
        return not facts.crc or facts.crc == encode_crc(self.known.crc)


@asynccontextmanager
async def open_multipart(
    requests: Requests,
    pointer: S3Pointer,
    *,
    slots: anyio.Semaphore,
    cleanup_timeout_s: float,
    sweep: bool,
    retries: Retries,
    on_sent: Callable[[int], None] | None = None,
    stop: Stop | None = None,
    resumed: str = "",
    sent: Mapping[int, SentPart] | None = None,
    keep: Callable[[BaseException | None], bool] = lambda _: False,
    fate: Fate | None = None,
    is_copied: bool = False,
    **create: Any,
) -> AsyncGenerator[MultipartUpload, None]:
    """Create a multipart upload; abort it unless `complete` made the object.

    Args:
        requests: To the store.
        pointer: Where the object will be.
        slots: One for each part that may be held in memory at once, the one being filled included.
        cleanup_timeout_s: Seconds that the abort may take.
        sweep: Whether the key is this upload's own, so that every upload under it may be aborted
            (the answer to a creation that was lost leaves one whose id nobody knows).
        retries: How a request is tried again.
        on_sent: Told each change of the number of bytes sent, in a worker thread.
        stop: Ends the bodies; made here if not given.
        resumed: Id of an upload that exists, instead of a new one.
        sent: The parts that it has.
        keep: Asked with the error, or `None`, at an end that made no object: whether to leave the upload, so
            that it can be resumed.
        fate: Told whether anything may be left, at the creation and at the end.
        is_copied: Whether its parts are copied within the store, which gives them no checksums of ours.
        **create: Of the request: content type, encoding, tags.

    Raises:
        StoreError: The upload cannot be created, or a part failed for good.
    """
    stop = stop or Stop()
    if requests.checksums and not is_copied:
        create["ChecksumAlgorithm"] = "CRC32"
    upload_id = resumed
    attempts = 0
    upload: MultipartUpload | None = None
    cause: BaseException | None = None
    fate = fate or Fate()
    began_at = time.time()

    def created(**arguments: Any) -> None:
        # The id is kept in the thread: a cancellation may drop what the call returns.
        nonlocal upload_id, attempts
        attempts += 1
        answer: Any = requests.client.create_multipart_upload(**arguments)
        attempts += answer["ResponseMetadata"].get("RetryAttempts", 0)
        upload_id = answer["UploadId"]

    try:
        if not resumed:
            await retries.run(
                f"Creation of an upload of {pointer}",
                lambda: requests.write(created, pointer, **create),
            )
            if attempts > 1 and not sweep:
                fate.may_be_left = not await abort_upload(
                    requests,
                    pointer,
                    "",
                    timeout_s=cleanup_timeout_s,
                    sweep=False,
                    unheard_since=began_at,
                    but=upload_id,
                )
        async with plain_task_group() as group:
            upload = MultipartUpload(
                requests,
                pointer,
                upload_id,
                group=group,
                slots=slots,
                stop=stop,
                on_sent=on_sent,
                retries=retries,
                sent=sent or {},
            )
            yield upload
    except BaseException as error:
        cause = error
        raise
    finally:
        if upload is None or not upload.completed:
            stop.set()
            if not (upload_id and keep(cause)):
                # Without an id: refused, or created and never heard of.
                refused = isinstance(cause, HashdropError) and not cause.retryable
                fate.may_be_left = not await abort_upload(
                    requests,
                    pointer,
                    upload_id,
                    timeout_s=cleanup_timeout_s,
                    sweep=sweep,
                    unheard_since=None if upload_id or sweep or refused else began_at,
                )
        elif sweep and attempts > 1:  # an earlier creation may have got through
            await abort_upload(requests, pointer, "", timeout_s=cleanup_timeout_s, sweep=True)


async def sent_parts(
    requests: Requests, pointer: S3Pointer, upload_id: str
) -> dict[int, tuple[int, str, str | None]] | None:
    """Return what parts a multipart upload has; `None` where there is no such upload (any more).

    Returns:
        Number -> bytes, ETag, and CRC-32 in base64 if the store gives it.

    Raises:
        StoreError: The store cannot be asked.
    """
    found: dict[int, tuple[int, str, str | None]] = {}
    marker = 0
    while True:
        try:
            answer: Any = await requests.read(
                requests.client.list_parts, pointer, UploadId=upload_id, PartNumberMarker=marker
            )
        except StoreError as error:
            if error_of(error)[0] == "NoSuchUpload" or error_of(error)[1] == 404:
                return None
            raise
        for part in answer.get("Parts", []):
            found[part["PartNumber"]] = (part["Size"], part["ETag"], part.get("ChecksumCRC32"))
        following = int(answer.get("NextPartNumberMarker") or 0)
        if not answer.get("IsTruncated") or following <= marker:
            return found
        marker = following


async def abort_upload(
    requests: Requests,
    pointer: S3Pointer,
    upload_id: str,
    *,
    timeout_s: float,
    sweep: bool,
    unheard_since: float | None = None,
    but: str = "",
) -> bool:
    """Abort, and see to it that nothing is left; a failure is logged, never raised over the cause.

    Args:
        requests: To the store.
        pointer: The key.
        upload_id: Of the upload; "" for one whose id is not known.
        timeout_s: Seconds that it may take.
        sweep: Whether every upload under the key is aborted.
        unheard_since: Abort, too, what `unheard_uploads` finds since then.
        but: Not this one.

    Returns:
        Whether nothing is left, as far as the store says.
    """
    gone = False
    # A store that does not answer is left behind after the timeout.
    stop = Stop()
    with anyio.move_on_after(timeout_s, shield=True) as scope:
        try:
            ids = [upload_id] if upload_id else []
            if sweep:
                ids += await _uploads_of(requests, pointer)
            if unheard_since is not None:
                ids += await unheard_uploads(requests, pointer, since=unheard_since, but=but)
            gone = all([await _abort_one(requests, pointer, one, stop) for one in ids])
        except HashdropError as error:
            _LOG.warning("A multipart upload of %s may be left: %s", pointer, error)
    if scope.cancelled_caught:
        _LOG.warning("A multipart upload of %s may be left: the store did not answer", pointer)
    return gone


async def _abort_one(requests: Requests, pointer: S3Pointer, upload_id: str, stop: Stop) -> bool:
    client = requests.client
    for number in range(_ABORT_ROUNDS):
        is_aborted = False
        try:
            await Retries().run(
                f"Abort of an upload of {pointer}",
                lambda: requests.write(
                    client.abort_multipart_upload, pointer, stop=stop, UploadId=upload_id
                ),
            )
            is_aborted = True
            # A part in flight may land after an abort: look, and abort again.
            listing = await requests.write(
                client.list_parts, pointer, stop=stop, UploadId=upload_id, MaxParts=1
            )
            if not listing.get("Parts"):
                return True
        except HashdropError as error:
            if error_of(error)[0] == "NoSuchUpload" or error_of(error)[1] == 404:
                return True
            # To look asks for a permission of its own: who has it not aborts twice.
            if not (is_aborted and isinstance(error, (AccessRefused, StoreRefused))):
                raise
            if number:
                return True
        await anyio.sleep(0.2)
    _LOG.warning("The multipart upload %s of %s still has parts", upload_id, pointer)
    return False


async def _uploads_of(requests: Requests, pointer: S3Pointer) -> list[str]:
    try:
        return [upload_id for upload_id, _ in await _listed_uploads(requests, pointer)]
    except AccessRefused:
        return []  # not everyone may list; the upload whose id is known is aborted


async def unheard_uploads(
    requests: Requests, pointer: S3Pointer, *, since: float, but: str = ""
) -> list[str]:
    """Return the uploads of a key that have no part and are not older than an intent to create one.

    Args:
        requests: To the store.
        pointer: The key.
        since: Of the intent, in seconds since 1970.
        but: The one that was heard of. It was created by the store's clock: then that clock is gone by,
            and nothing that another program creates later is taken.

    Raises:
        StoreError: The store does not list them.
    """
    listed = dict(await _listed_uploads(requests, pointer))
    heard = listed.pop(but, None)
    earliest = since - _CLOCKS_DIFFER_S
    latest = float("inf")
    if heard is not None:
        earliest, latest = heard - (time.time() - since) - 1, heard
    found: list[str] = []
    for upload_id, initiated in listed.items():
        if earliest <= initiated <= latest and not await sent_parts(requests, pointer, upload_id):
            found.append(upload_id)
    return found


async def _listed_uploads(requests: Requests, pointer: S3Pointer) -> list[tuple[str, float]]:
    def listed(*, Bucket: str, Key: str) -> list[tuple[str, float]]:  # noqa: N803  # boto3's names
        answer = requests.client.list_multipart_uploads(Bucket=Bucket, Prefix=Key)
        return [
            (upload.get("UploadId", ""), upload["Initiated"].timestamp())
            for upload in answer.get("Uploads", [])
            if upload.get("Key") == Key and "Initiated" in upload
        ]

    return await requests.read(listed, pointer)


def _attempts_of(error: StoreError) -> int:
    """Return how often botocore sent a request that failed."""
    response: Any = getattr(error.__cause__, "response", {})
    return 1 + int(response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
