"""S3Storage: the storage that labox's page describes, written anew, and `write_file` for files on disk.

A stream goes in parts to a temporary object, because its hash is known only at its end, and is copied
within the store to its final key. Content that can be read twice (a file, bytes) is hashed first and
goes straight to its final key, once.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import anyio
from anyio.to_thread import run_sync
from labox.core.storage import Storage

from hashdrop.content_types import content_type_of
from hashdrop.digest import FileDigest
from hashdrop.digest import digest_file
from hashdrop.digest import digest_memory
from hashdrop.digest import digest_stream
from hashdrop.digest import make_digest
from hashdrop.errors import ContentMismatch
from hashdrop.errors import HashdropError
from hashdrop.errors import RouterError
from hashdrop.errors import SourceChanged
from hashdrop.errors import StoreError
from hashdrop.s3.body import Body
from hashdrop.s3.body import Stop
from hashdrop.s3.copying import DEFAULT_COPY_PART
from hashdrop.s3.copying import MAX_SINGLE_COPY
from hashdrop.s3.copying import copy_object
from hashdrop.s3.faults import error_of
from hashdrop.s3.multipart import MAX_PART_SIZE
from hashdrop.s3.multipart import MIN_PART_SIZE
from hashdrop.s3.multipart import MultipartUpload
from hashdrop.s3.multipart import composite_crc
from hashdrop.s3.multipart import growing_part_size
from hashdrop.s3.multipart import open_multipart
from hashdrop.s3.multipart import part_size_for
from hashdrop.s3.objects import ObjectFacts
from hashdrop.s3.objects import Requests
from hashdrop.s3.objects import encode_crc
from hashdrop.s3.parts import FileSource
from hashdrop.s3.parts import MemorySource
from hashdrop.s3.parts import Part
from hashdrop.s3.parts import PartCutter
from hashdrop.s3.parts import PartSource
from hashdrop.s3.parts import StreamBufferType
from hashdrop.s3.progress import Phase
from hashdrop.s3.progress import Progress
from hashdrop.s3.reading import read_object
from hashdrop.s3.reading import stream_object
from hashdrop.s3.retrying import retrying
from hashdrop.s3.routing import S3Pointer
from hashdrop.s3.routing import S3Router
from hashdrop.s3.routing import ask_router
from hashdrop.s3.tagging import tagging_header
from hashdrop.s3.threads import call
from hashdrop.snapshot import FileSnapshot
from hashdrop.snapshot import source_error

if TYPE_CHECKING:
    from labox.core.storage import Digest
    from labox.core.storage import GetStreamDigest
    from types_boto3_s3 import S3Client

_LOG = logging.getLogger(__name__)

MIB = 1024**2
_EQUAL_PART_SIZE = 64 * MIB
"""For stores that want equal parts and a stream of unknown length: 10,000 of these are 625 GiB."""
_DEFAULT_IN_FLIGHT = 8
_NO_CHECKSUM = "this store gives no checksum to compare"


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What a write did."""

    pointer: S3Pointer
    digest: Digest
    sent_bytes: int
    """Bytes of content that were sent, parts sent twice counted once."""
    already_stored: bool
    """Whether the store had the object before."""
    verified: bool
    """Whether the store's own checksum was compared with ours."""
    unverified_reason: str = ""


class S3Storage(Storage[S3Pointer]):
    """Storage for S3, by labox's interface and under its name, so that each reads the other's records.

    Args:
        s3_client: A boto3 S3 client; shared by all threads.
        s3_router: Decides the place of content; `None` makes the storage read-only.
        max_writers: Threads that write at once; `None` for anyio's own limit.
        max_readers: Threads that read at once, bodies included.
        stream_writer_min_part_size: Bytes of a part of a stream, 5 MiB to 5 GiB. All parts are equal
            but the last; far above 10 GiB of unknown length they grow.
        stream_writer_buffer_type: Makes the buffer that a part waits in; in memory by default.
        stream_reader_max_part_size: Bytes that `read_data_stream` yields at once, at most.
        max_parts_in_flight: Parts in memory at once; by default `max_writers`, or 8.
        object_tags: Whether tags go to S3; off for stores that lack tagging.
        checksums: Whether to send CRC-32 headers of our own and to compare the store's. By default as
            the client is configured (`request_checksum_calculation`).
        equal_parts: Whether the store refuses parts that grow (R2).
        copy_part_threshold: Bytes above which a server-side copy goes in parts; S3's limit is 5 GiB.
        copy_part_size: Bytes of such a part.
        cleanup_timeout: Seconds that the clean-up after a failure or cancellation may take.

    Raises:
        ValueError: The part size is not one that S3 takes.
    """

    name = "labox.aws.s3@v1"

    def __init__(
        self,
        *,
        s3_client: S3Client,
        s3_router: S3Router | None,
        max_writers: int | None = None,
        max_readers: int | None = None,
        stream_writer_min_part_size: int = MIN_PART_SIZE,
        stream_writer_buffer_type: StreamBufferType | None = None,
        stream_reader_max_part_size: int = 5 * MIB,
        max_parts_in_flight: int | None = None,
        object_tags: bool = True,
        checksums: bool | None = None,
        equal_parts: bool = False,
        copy_part_threshold: int = MAX_SINGLE_COPY,
        copy_part_size: int = DEFAULT_COPY_PART,
        cleanup_timeout: float = 30.0,
    ) -> None:
        if not MIN_PART_SIZE <= stream_writer_min_part_size <= MAX_PART_SIZE:
            raise ValueError(
                f"stream_writer_min_part_size is {stream_writer_min_part_size}; S3 takes parts of "
                "5 MiB to 5 GiB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"
            )
        if checksums is None:
            config: Any = s3_client.meta.config
            checksums = str(config.request_checksum_calculation) == "when_supported"
        self._client = s3_client
        self._router = s3_router
        self._requests = Requests(
            s3_client,
            write_limiter=anyio.CapacityLimiter(max_writers) if max_writers else None,
            read_limiter=anyio.CapacityLimiter(max_readers) if max_readers else None,
            checksums=checksums,
        )
        self._hash_limiter = anyio.CapacityLimiter(2)
        self._part_size = stream_writer_min_part_size
        self._buffer_type: StreamBufferType = stream_writer_buffer_type or BytesIO
        self._read_size = stream_reader_max_part_size
        self._in_flight = max_parts_in_flight or max_writers or _DEFAULT_IN_FLIGHT
        self._slots = anyio.Semaphore(self._in_flight)
        self._object_tags = object_tags
        self._equal_parts = equal_parts
        self._copy_part_threshold = copy_part_threshold
        self._copy_part_size = copy_part_size
        self._cleanup_timeout = cleanup_timeout
        self._conditional = True
        """Whether the store knows `If-None-Match`; learnt when it says that it does not."""

    # --- labox's interface -----------------------------------------------------------------------

    async def write_data(
        self, data: bytes, digest: Digest, tags: Mapping[str, str], /
    ) -> S3Pointer:
        """Store bytes with one PUT.

        Args:
            data: The content.
            digest: Its digest; size and SHA-256 are checked against the data.
            tags: Become tags of the object.

        Raises:
            NotImplementedError: The storage is read-only.
            ContentMismatch: The digest is not that of the data.
            HashdropError: It cannot be stored.
        """
        self._check_writable()
        tagging = self._tagging(tags)
        found = await run_sync(digest_memory, data, self._direct_part_size(len(data)))
        if found.size != digest["content_size"] or (
            digest["content_hash_algorithm"] == "sha256"
            and found.content_hash != digest["content_hash"]
        ):
            raise ContentMismatch("The digest is not that of the data.")
        pointer = self._route(digest, tags, temp=False)
        outcome = await self._store(
            MemorySource(data), found, digest, pointer, tagging, look_first=False
        )
        return outcome.pointer

    async def read_data(self, pointer: S3Pointer, /) -> bytes:
        """Return the whole of an object.

        Raises:
            ObjectMissing: There is none (labox's `NoStorageData`).
            HashdropError: It cannot be read.
        """
        return await read_object(self._requests, pointer)

    async def write_data_stream(
        self,
        data_stream: AsyncIterable[bytes],
        get_digest: GetStreamDigest,
        tags: Mapping[str, str],
        /,
        *,
        content_size: int | None = None,
    ) -> S3Pointer:
        """Store a stream: in parts to a temporary object, then copied to its final key.

        Args:
            data_stream: The content, in chunks of any size.
            get_digest: Gives its digest when it was read.
            tags: Become tags of the object.
            content_size: Bytes of the whole if they are known ahead; decides the part size.

        Raises:
            NotImplementedError: The storage is read-only.
            RouterError: The router failed at the end; the error names where the bytes are.
            HashdropError: It cannot be stored; nothing of it is left.
        """
        outcome = await self._store_stream(
            data_stream, get_digest, tags, size=content_size, progress=Progress()
        )
        return outcome.pointer

    async def read_data_stream(self, pointer: S3Pointer, /) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of an object as fast as they are taken.

        Raises:
            ObjectMissing: There is none (labox's `NoStorageData`).
            ContentMismatch: It was replaced while it was read.
            HashdropError: It cannot be read to its end.
        """
        stream = stream_object(self._requests, pointer, chunk_size=self._read_size)
        try:
            async for chunk in stream:
                yield chunk
        finally:
            await stream.aclose()

    # --- ours ------------------------------------------------------------------------------------

    async def write_file(
        self,
        path: Path,
        *,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        single_pass: bool = False,
        repair: bool = False,
    ) -> WriteOutcome:
        """Store a file: hash it, ask for its final key, send it only if it is not there.

        Args:
            path: A regular file.
            content_type: By default that of its name.
            tags: Become tags of the object.
            progress: Told how far it is.
            single_pass: Send it as a stream, through a temporary object.
            repair: Whether to replace an object that stands under this hash but is not this content.

        Raises:
            NotImplementedError: The storage is read-only.
            SourceError: The file is missing, unreadable, no file, or changed meanwhile.
            ContentMismatch: What stands under this hash is not this content.
            HashdropError: It cannot be stored.
        """
        self._check_writable()
        progress = progress or Progress()
        tags = tags or {}
        tagging = self._tagging(tags)
        snapshot = await run_sync(FileSnapshot.of, path)
        progress.enter(Phase.HASHING)
        stop = Stop()
        part_size = self._direct_part_size(snapshot.size)

        def hashed() -> FileDigest:
            try:
                found = digest_file(
                    path, part_size=part_size, on_read=progress.add_hashed, check=stop.check
                )
            except OSError as error:
                raise source_error(path, error) from error
            snapshot.check(path)
            return found

        found = await call(hashed, limiter=self._hash_limiter, stop=stop)
        digest = make_digest(
            found.content_hash, found.size, content_type=content_type or content_type_of(path.name)
        )
        pointer = self._route(digest, tags, temp=False)
        progress.keyed(pointer, found.content_hash)
        source = FileSource(path, snapshot)
        if single_pass and found.size:
            known = await self._already(pointer, found, digest, repair=repair)
            if known:
                return known
            stream, get_digest = digest_stream(source.chunks(), content_type=digest["content_type"])
            return await self._store_stream(
                stream, get_digest, tags, size=found.size, progress=progress, expected=digest
            )
        return await self._store(
            source, found, digest, pointer, tagging, progress=progress, repair=repair
        )

    async def write_stream(
        self,
        stream: AsyncIterable[bytes],
        *,
        content_type: str,
        tags: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        lookahead: int = 64 * MIB,
    ) -> WriteOutcome:
        """Store a stream that comes once, such as standard input.

        One that ends within the lookahead is hashed before anything is sent, and goes straight to its
        final key; a longer one goes through a temporary object.

        Args:
            stream: The bytes.
            content_type: Of the whole.
            tags: Become tags of the object.
            progress: Told how far it is.
            lookahead: Bytes read into memory first.

        Raises:
            NotImplementedError: The storage is read-only.
            HashdropError: It cannot be stored.
        """
        self._check_writable()
        progress = progress or Progress()
        tags = tags or {}
        tagging = self._tagging(tags)
        progress.enter(Phase.HASHING)
        cutter = PartCutter(stream, BytesIO)
        head = await cutter.cut(lookahead)
        data = head.take()
        progress.add_hashed(len(data))
        if await cutter.has_more():
            rest = cutter.rest()
            whole, get_digest = digest_stream(_chained(data, rest), content_type=content_type)
            del data
            return await self._store_stream(whole, get_digest, tags, size=None, progress=progress)
        found = await run_sync(digest_memory, data, self._direct_part_size(len(data)))
        digest = make_digest(found.content_hash, found.size, content_type=content_type)
        pointer = self._route(digest, tags, temp=False)
        progress.keyed(pointer, found.content_hash)
        return await self._store(
            MemorySource(data), found, digest, pointer, tagging, progress=progress
        )

    # --- content whose hash is known -------------------------------------------------------------

    async def _store(
        self,
        source: PartSource,
        found: FileDigest,
        digest: Digest,
        pointer: S3Pointer,
        tagging: str | None,
        *,
        progress: Progress | None = None,
        look_first: bool = True,
        repair: bool = False,
    ) -> WriteOutcome:
        progress = progress or Progress()
        if look_first:
            known = await self._already(pointer, found, digest, repair=repair)
            if known:
                return known
        progress.enter(Phase.SENDING)
        create_only = self._conditional and _is_addressed(pointer, digest) and not repair
        create = _metadata(digest, tagging)
        if found.size <= found.part_size:
            made, crc = await self._put(source, found, pointer, create, create_only, progress)
        else:
            made, crc = await self._put_parts(source, found, pointer, create, create_only, progress)
        if not made:
            known = await self._already(pointer, found, digest, repair=False)
            if known:
                return known
            raise StoreError(
                "The store changed its mind about an object.", hint="Retry.", retryable=True
            )
        progress.enter(Phase.VERIFYING)
        verified, reason = await self._verify(pointer, found, crc)
        return WriteOutcome(
            pointer=pointer,
            digest=digest,
            sent_bytes=found.size,
            already_stored=False,
            verified=verified,
            unverified_reason=reason,
        )

    async def _already(
        self, pointer: S3Pointer, found: FileDigest, digest: Digest, *, repair: bool
    ) -> WriteOutcome | None:
        """Look whether content stands at its place; what does not fit is never taken for it."""
        if not _is_addressed(pointer, digest):
            return None  # a router that reuses keys: what stands there says nothing
        facts = await retrying(f"Look at {pointer}", lambda: self._requests.look(pointer))
        if facts is None:
            return None
        judgement = await self._judge(pointer, facts, found)
        if judgement is False:
            if repair:
                return None
            raise ContentMismatch(
                f"Another content stands at {pointer['key']}.",
                detail=f"It has {facts.size:,} bytes; this content has {found.size:,}."
                if facts.size != found.size
                else "Its checksum is another.",
                hint="It was damaged or not made by Hashdrop. Verify it, or store with repair.",
            )
        return WriteOutcome(
            pointer=pointer,
            digest=digest,
            sent_bytes=0,
            already_stored=True,
            verified=judgement is True,
            unverified_reason="" if judgement else _NO_CHECKSUM,
        )

    async def _judge(
        self, pointer: S3Pointer, facts: ObjectFacts, found: FileDigest
    ) -> bool | None:
        """Whether an object is this content: yes, no, or as far as its size tells (`None`)."""
        if facts.size != found.size:
            return False
        if not facts.crc:
            return None
        if "-" not in facts.crc:
            return facts.crc == encode_crc(found.crc)
        if facts.crc == composite_crc(found.part_crcs):
            return True
        # Parts of another size give another checksum of the same bytes.
        if await self._requests.first_part_size(pointer) == min(found.part_size, found.size):
            return False
        return None

    async def _put(
        self,
        source: PartSource,
        found: FileDigest,
        pointer: S3Pointer,
        create: dict[str, Any],
        create_only: bool,  # noqa: FBT001
        progress: Progress,
    ) -> tuple[bool, str | None]:
        async with self._slots:
            return await self._put_now(source, found, pointer, create, create_only, progress)

    async def _put_now(
        self,
        source: PartSource,
        found: FileDigest,
        pointer: S3Pointer,
        create: dict[str, Any],
        create_only: bool,  # noqa: FBT001
        progress: Progress,
    ) -> tuple[bool, str | None]:
        data = await run_sync(_read_checked, source, found, 0)
        more = dict(create)
        if create_only:
            more["IfNoneMatch"] = "*"
        if self._requests.checksums:
            more["ChecksumCRC32"] = encode_crc(found.crc)
        stop = Stop()

        async def once() -> tuple[bool, str | None]:
            body = Body(BytesIO(data), len(data), stop=stop, on_sent=progress.add_sent)
            try:
                answer: Any = await self._requests.write(
                    self._client.put_object, pointer, stop=stop, Body=body if data else b"", **more
                )
            except StoreError as error:
                body.retract()
                _, status = error_of(error)
                if status == 412:
                    return False, None
                if status == 501 and "IfNoneMatch" in more:
                    self._conditional = False
                    del more["IfNoneMatch"]
                    return await once()
                raise
            return True, answer.get("ChecksumCRC32")

        return await retrying(f"Put of {pointer}", once)

    async def _put_parts(
        self,
        source: PartSource,
        found: FileDigest,
        pointer: S3Pointer,
        create: dict[str, Any],
        create_only: bool,  # noqa: FBT001
        progress: Progress,
    ) -> tuple[bool, str | None]:
        async with open_multipart(
            self._requests,
            pointer,
            slots=self._slots,
            cleanup_timeout_s=self._cleanup_timeout,
            sweep=False,
            on_sent=progress.add_sent,
            **create,
        ) as upload:
            for index in range(len(found.part_crcs)):
                await upload.reserve()
                try:
                    part = await run_sync(_read_part, source, found, index)
                except BaseException:
                    upload.unreserve()
                    raise
                upload.send(part)
            await upload.join()
            await run_sync(source.check)
            made = await upload.complete(create_only=create_only)
        return made, None

    async def _verify(
        self, pointer: S3Pointer, found: FileDigest, crc: str | None
    ) -> tuple[bool, str]:
        """Compare what the store confirmed with what was read."""
        if crc is not None and crc == encode_crc(found.crc):
            return True, ""
        facts = await retrying(f"Look at {pointer}", lambda: self._requests.look(pointer))
        if facts is None:
            return False, "the store does not let the object be looked at"
        if await self._judge(pointer, facts, found) is False:
            raise ContentMismatch(
                "What the store has is not what was sent.",
                detail=f"s3://{pointer['bucket']}/{pointer['key']}",
                hint="Store it again with repair; if it happens again, do not trust this store.",
            )
        if facts.crc:
            return True, ""
        return False, _NO_CHECKSUM

    # --- a stream, whose hash is known at its end ------------------------------------------------

    async def _store_stream(
        self,
        stream: AsyncIterable[bytes],
        get_digest: GetStreamDigest,
        tags: Mapping[str, str],
        *,
        size: int | None,
        progress: Progress,
        expected: Digest | None = None,
    ) -> WriteOutcome:
        self._check_writable()
        tagging = self._tagging(tags)
        initial = get_digest(allow_incomplete=True)
        temp = self._route(initial, tags, temp=True)
        cutter = PartCutter(stream, self._buffer_type)
        if not await cutter.has_more():
            digest = get_digest()
            pointer = self._route(digest, tags, temp=False)
            progress.keyed(pointer, digest["content_hash"])
            return await self._store(
                MemorySource(b""), digest_memory(b"", MIN_PART_SIZE), digest, pointer, tagging,
                progress=progress,
            )  # fmt: skip
        progress.enter(Phase.SENDING)
        create = _metadata(initial, tagging)
        keep = False
        created = False
        try:
            async with open_multipart(
                self._requests,
                temp,
                slots=self._slots,
                cleanup_timeout_s=self._cleanup_timeout,
                sweep=True,
                on_sent=progress.add_sent,
                **create,
            ) as upload:
                created = True
                await self._send_stream(cutter, upload, size)
                digest = get_digest()
                if expected and digest["content_hash"] != expected["content_hash"]:
                    raise SourceChanged(
                        "The file changed while it was read.", hint="Retry hashes it again."
                    )
                await upload.complete()
            progress.enter(Phase.VERIFYING)
            facts = await retrying(f"Look at {temp}", lambda: self._requests.look(temp))
            facts = facts or ObjectFacts(size=upload.size, etag="", crc=None)
            if not upload.fits(facts) or upload.size != digest["content_size"]:
                raise ContentMismatch(
                    "What the store has is not what was sent.", hint="Store it again."
                )
            try:
                pointer = self._final(digest, tags, temp)
            except RouterError:
                keep = True
                raise
            progress.keyed(pointer, digest["content_hash"])
            try:
                already = await self._copy_to_final(temp, pointer, facts, digest, create)
            except ContentMismatch:
                keep = True
                raise
        finally:
            if created and not keep:
                await self._delete_temporary(temp)
        return WriteOutcome(
            pointer=pointer,
            digest=digest,
            sent_bytes=upload.size,
            already_stored=already,
            verified=bool(facts.crc),
            unverified_reason="" if facts.crc else _NO_CHECKSUM,
        )

    async def _send_stream(
        self, cutter: PartCutter, upload: MultipartUpload, size: int | None
    ) -> None:
        minimum = self._part_size
        if size is not None:
            minimum = part_size_for(size, minimum)
        elif self._equal_parts:
            minimum = max(minimum, _EQUAL_PART_SIZE)
        number = 0
        while await cutter.has_more():
            number += 1
            grows = size is None and not self._equal_parts
            await upload.reserve()
            try:
                part = await cutter.cut(growing_part_size(number, minimum) if grows else minimum)
            except BaseException:
                upload.unreserve()
                raise
            upload.send(part)
        await upload.join()

    def _final(self, digest: Digest, tags: Mapping[str, str], temp: S3Pointer) -> S3Pointer:
        """Ask for the final place; an error names where the bytes are, for they cannot be read again."""
        kept = f"The bytes are kept at s3://{temp['bucket']}/{temp['key']}."
        try:
            pointer = self._route(digest, tags, temp=False)
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

    async def _copy_to_final(
        self,
        temp: S3Pointer,
        pointer: S3Pointer,
        facts: ObjectFacts,
        digest: Digest,
        create: dict[str, Any],
    ) -> bool:
        """Copy, unless the object is there; return whether it was."""
        if _is_addressed(pointer, digest):
            found = await retrying(f"Look at {pointer}", lambda: self._requests.look(pointer))
            if found is not None and facts.may_equal(found):
                return True
        await copy_object(
            self._requests,
            temp,
            pointer,
            facts=facts,
            part_threshold=self._copy_part_threshold,
            part_size=self._copy_part_size,
            cleanup_timeout_s=self._cleanup_timeout,
            in_flight=self._in_flight,
            **create,
        )
        return False

    async def _delete_temporary(self, temp: S3Pointer) -> None:
        """Delete the temporary object, whatever happens around; a failure is logged, not raised."""
        with anyio.move_on_after(self._cleanup_timeout, shield=True) as scope:
            try:
                await self._requests.delete(temp)
            except HashdropError as error:
                _LOG.warning("A temporary object is left at %s: %s", temp, error)
        if scope.cancelled_caught:
            _LOG.warning("A temporary object may be left at %s: the store did not answer", temp)

    # --- small things ----------------------------------------------------------------------------

    def _check_writable(self) -> None:
        if self._router is None:
            raise NotImplementedError(f"{self} is read-only: it has no router.")

    def _route(self, digest: Digest, tags: Mapping[str, str], *, temp: bool) -> S3Pointer:
        self._check_writable()
        assert self._router is not None
        return ask_router(self._router, digest, tags, temp=temp)

    def _tagging(self, tags: Mapping[str, str]) -> str | None:
        return tagging_header(tags) if self._object_tags else None

    def _direct_part_size(self, size: int) -> int:
        return part_size_for(size, self._part_size)


def _is_addressed(pointer: S3Pointer, digest: Digest) -> bool:
    """Whether a key follows from the content, so that one content only can stand there."""
    return digest["content_hash"].replace("/", "_").replace("+", "-") in pointer["key"]


def _metadata(digest: Digest, tagging: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"ContentType": digest["content_type"]}
    if digest["content_encoding"]:
        metadata["ContentEncoding"] = digest["content_encoding"]
    if tagging:
        metadata["Tagging"] = tagging
    return metadata


def _read_part(source: PartSource, found: FileDigest, index: int) -> Part:
    part = Part()
    part.absorb([memoryview(_read_checked(source, found, index))])
    return part


def _read_checked(source: PartSource, found: FileDigest, index: int) -> bytes:
    """Read a part again; what is not what was hashed is never sent."""
    offset = index * found.part_size
    data = source.read_at(offset, min(found.part_size, found.size - offset))
    expected = found.part_crcs[index] if found.part_crcs else 0
    if zlib.crc32(data) != expected:
        raise SourceChanged("The file changed while it was read.", hint="Retry hashes it again.")
    return data


async def _chained(data: bytes, rest: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    yield data
    async for chunk in rest:
        yield chunk


__all__ = ("S3Storage", "WriteOutcome")
