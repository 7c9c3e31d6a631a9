"""A stream, whose hash is known at its end: in parts to a temporary object, then copied to its final key."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashdrop.errors import BucketMissing
from hashdrop.errors import ContentMismatch
from hashdrop.errors import HashdropError
from hashdrop.errors import RouterError
from hashdrop.errors import SourceChanged
from hashdrop.s3.copying import CopyLimits
from hashdrop.s3.copying import copy_object
from hashdrop.s3.direct import NO_CHECKSUM
from hashdrop.s3.direct import Receipt
from hashdrop.s3.judging import Known
from hashdrop.s3.judging import judge_now
from hashdrop.s3.judging import other_content
from hashdrop.s3.multipart import Fate
from hashdrop.s3.multipart import MultipartUpload
from hashdrop.s3.multipart import growing_part_size
from hashdrop.s3.multipart import open_multipart
from hashdrop.s3.multipart import part_size_for
from hashdrop.s3.objects import Metadata
from hashdrop.s3.objects import ObjectFacts
from hashdrop.s3.objects import Requests
from hashdrop.s3.parts import PartCutter
from hashdrop.s3.progress import Phase
from hashdrop.s3.retrying import Retries
from hashdrop.s3.temporaries import Temporary
from hashdrop.s3.temporaries import Trace
from hashdrop.s3.temporaries import delete_temporary
from hashdrop.s3.temporaries import noted
from hashdrop.s3.threads import call

if TYPE_CHECKING:
    import anyio
    from labox.core.storage import Digest
    from labox.core.storage import GetStreamDigest
    from labox.core.storage import StreamDigest

    from hashdrop.s3.parts import StreamBufferType
    from hashdrop.s3.progress import Progress
    from hashdrop.s3.routing import S3Pointer
    from hashdrop.s3.temporaries import TemporaryLog

_LOG = logging.getLogger(__name__)

_EQUAL_PART_SIZE = 64 * 1024**2
"""For stores that want equal parts and a stream of unknown length: 10,000 of these are 625 GiB."""

Route = Callable[["Digest | StreamDigest", bool], "S3Pointer"]
"""Asks the router; the flag is its `temp`."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How a stream is cut and copied."""

    part_size: int
    """Bytes of a part, at least."""
    buffer_type: StreamBufferType
    equal_parts: bool
    """Whether the store refuses parts that grow."""
    copy_part_threshold: int
    copy_part_size: int
    in_flight: int


class StreamWriter:
    """Stores streams.

    Args:
        requests: To the store.
        retries: How a request is tried again.
        slots: Of parts in memory at once, all uploads together.
        limits: How a stream is cut and copied.
        cleanup_timeout_s: Seconds that a clean-up may take.
        store_name: What the store is known by in the log of temporary objects.
        log: Where they are noted; `None` for nowhere.
    """

    def __init__(
        self,
        requests: Requests,
        retries: Retries,
        *,
        slots: anyio.Semaphore,
        limits: StreamLimits,
        cleanup_timeout_s: float,
        store_name: str = "",
        log: TemporaryLog | None = None,
    ) -> None:
        self._requests = requests
        self._retries = retries
        self._slots = slots
        self._limits = limits
        self._store_name = store_name
        self._log = log
        self._cleanup_timeout_s = cleanup_timeout_s

    async def store(
        self,
        stream: AsyncIterable[bytes],
        get_digest: GetStreamDigest,
        route: Route,
        *,
        tagging: str | None,
        size: int | None,
        progress: Progress,
        expected: Digest | None = None,
        repair: bool = False,
    ) -> tuple[S3Pointer, Digest, Receipt] | None:
        """Store a stream.

        Args:
            stream: The bytes.
            get_digest: Gives their digest when they were read.
            route: Asks the router.
            tagging: Of the object.
            size: Bytes of the whole, if known.
            progress: Told how far it is.
            expected: The digest that must come out, of content that can be read again.
            repair: Whether to replace an object that stands under this hash but is not this content.

        Returns:
            Where it is, its digest, and what came of it; `None` for an empty stream: nothing was sent.

        Raises:
            RouterError: The router failed at the end; the error names where the bytes are.
            ContentMismatch: Something else stands under this hash; the error names where the bytes are.
            HashdropError: It cannot be stored; nothing of it is left.
        """
        initial = get_digest(allow_incomplete=True)
        temp = route(initial, True)
        cutter = PartCutter(stream, self._limits.buffer_type)
        if not await cutter.has_more():
            return None
        async with noted(
            self._log, Temporary(self._store_name, temp["bucket"], temp["key"])
        ) as trace:
            return await self._store(
                cutter,
                get_digest,
                route,
                temp,
                trace,
                metadata=metadata_of(initial, tagging),
                size=size,
                progress=progress,
                expected=expected,
                repair=repair,
            )

    async def _store(
        self,
        cutter: PartCutter,
        get_digest: GetStreamDigest,
        route: Route,
        temp: S3Pointer,
        trace: Trace,
        *,
        metadata: Metadata,
        size: int | None,
        progress: Progress,
        expected: Digest | None,
        repair: bool,
    ) -> tuple[S3Pointer, Digest, Receipt]:
        progress.enter(Phase.SENDING)
        keep = False
        created = False
        fate = Fate()
        try:
            async with open_multipart(
                self._requests,
                temp,
                slots=self._slots,
                cleanup_timeout_s=self._cleanup_timeout_s,
                sweep=True,
                retries=self._retries,
                on_sent=progress.add_sent,
                fate=fate,
                **metadata.arguments,
            ) as upload:
                created = True
                await self._send(cutter, upload, size)
                digest = get_digest()
                if expected and digest["content_hash"] != expected["content_hash"]:
                    raise SourceChanged(
                        "The file changed while it was read.", hint="Retry hashes it again."
                    )
                await upload.complete()
            progress.enter(Phase.VERIFYING)
            known = upload.known
            facts, judgement = await self._judged(temp, known)
            if (facts and not upload.fits(facts)) or upload.size != digest["content_size"]:
                judgement = False
            if judgement is False:
                raise ContentMismatch(
                    "What the store has is not what was sent.", hint="Store it again."
                )
            try:
                pointer = _final(route, digest, temp)
            except RouterError:
                keep = True
                raise
            progress.keyed(pointer, digest["content_hash"])
            try:
                already, copied = await self._copy_to_final(
                    temp, pointer, known, digest, metadata, repair=repair
                )
            except ContentMismatch as error:
                keep = expected is None  # else the file can be read again
                if keep and not error.detail.endswith(_kept(temp)):
                    error.detail = f"{error.detail} {_kept(temp)}"
                raise
            except BucketMissing as error:
                keep = True
                raise RouterError(
                    error.title, detail=_kept(temp), hint=error.hint, technical=error.technical
                ) from error
        finally:
            is_deleted = keep or not created or await self._delete_temporary(temp)
            trace.is_gone = is_deleted and not fate.may_be_left
        # A copy that has no checksum to compare is one of what was compared, within the store.
        verified = bool(copied) or (judgement is True and not already)
        receipt = Receipt(
            already_stored=already,
            verified=verified,
            unverified_reason="" if verified else NO_CHECKSUM,
        )
        return pointer, digest, receipt

    async def _send(self, cutter: PartCutter, upload: MultipartUpload, size: int | None) -> None:
        limits = self._limits
        minimum = limits.part_size
        if size is not None:
            minimum = part_size_for(size, minimum)
        elif limits.equal_parts:
            minimum = max(minimum, _EQUAL_PART_SIZE)
        grows = size is None and not limits.equal_parts
        number = 0
        while await cutter.has_more():
            number += 1
            await upload.reserve()
            try:
                part = await cutter.cut(growing_part_size(number, minimum) if grows else minimum)
            except BaseException:
                upload.unreserve()
                raise
            upload.send(part)
        await upload.join()

    async def _judged(
        self, pointer: S3Pointer, known: Known
    ) -> tuple[ObjectFacts | None, bool | None]:
        """Return what the store says of an object, and whether it is this content; see `judge_now`."""

        def work() -> tuple[ObjectFacts | None, bool | None]:
            facts = self._requests.look_now(pointer)
            return facts, judge_now(self._requests, pointer, facts, known) if facts else None

        return await self._retries.run(
            f"Look at {pointer}", lambda: call(work, limiter=self._requests.write_limiter)
        )

    async def _copy_to_final(
        self,
        temp: S3Pointer,
        pointer: S3Pointer,
        known: Known,
        digest: Digest,
        metadata: Metadata,
        *,
        repair: bool,
    ) -> tuple[bool, bool | None]:
        """Copy, unless the object is there; return whether it was, and how what stands there was judged."""
        facts: ObjectFacts | None = None
        if is_addressed(pointer, digest):
            facts, judgement = await self._judged(pointer, known)
            if facts and (judgement or (judgement is None and not repair)):
                return True, judgement
            if facts and not repair:
                raise other_content(pointer, facts, known.size)
        copied = await copy_object(
            self._requests,
            temp,
            pointer,
            known=known,
            content_hash=digest["content_hash"],
            limits=CopyLimits(
                part_threshold=self._limits.copy_part_threshold,
                part_size=self._limits.copy_part_size,
                in_flight=self._limits.in_flight,
                cleanup_timeout_s=self._cleanup_timeout_s,
                store_name=self._store_name,
            ),
            retries=self._retries,
            replaces=facts is not None,
            log=self._log,
            **metadata.arguments,
        )
        return False, copied

    async def _delete_temporary(self, temp: S3Pointer) -> bool:
        return await delete_temporary(self._requests, temp, timeout_s=self._cleanup_timeout_s)


def is_addressed(pointer: S3Pointer, digest: Mapping[str, object]) -> bool:
    """Whether a key follows from the content, so that one content only can stand there."""
    content_hash = str(digest["content_hash"])
    return content_hash.replace("/", "_").replace("+", "-") in pointer["key"]


def metadata_of(digest: Digest | StreamDigest, tagging: str | None) -> Metadata:
    """Return what an object of a digest has beside its bytes."""
    return Metadata(digest["content_type"], digest["content_encoding"], tagging)


def _final(route: Route, digest: Digest, temp: S3Pointer) -> S3Pointer:
    """Ask for the final place; an error names where the bytes are, for they cannot be read again."""
    kept = _kept(temp)
    try:
        pointer = route(digest, False)
    except HashdropError as error:
        raise RouterError(
            error.title, detail=f"{error.detail} {kept}".strip(), hint=error.hint
        ) from error
    if pointer == temp:
        raise RouterError(
            "The router gave the temporary place again.",
            detail=kept,
            hint="A router returns the final place when it is called with temp=False.",
        )
    return pointer


def _kept(temp: S3Pointer) -> str:
    return f"The bytes are kept at s3://{temp['bucket']}/{temp['key']}."
