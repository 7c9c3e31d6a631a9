"""Storing content: files, bytes and streams, each the cheapest safe way. `S3Storage` is labox's face of it.

This module does not import labox, whose import costs half a second that a command line would wait for.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Callable
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from uuid import uuid4

import anyio
from anyio.from_thread import run_sync as on_loop
from anyio.to_thread import run_sync

from hashdrop.content_types import content_type_of
from hashdrop.digest import FileDigest
from hashdrop.digest import digest_memory
from hashdrop.digest import digest_stream
from hashdrop.digest import make_digest
from hashdrop.errors import ContentMismatch
from hashdrop.errors import EndpointUnreachable
from hashdrop.errors import HashdropError
from hashdrop.errors import TransferCut
from hashdrop.s3.body import Stop
from hashdrop.s3.claims import Claim
from hashdrop.s3.claims import Claimed
from hashdrop.s3.claims import Claims
from hashdrop.s3.claims import name_of
from hashdrop.s3.direct import Content
from hashdrop.s3.direct import DirectWriter
from hashdrop.s3.direct import Receipt
from hashdrop.s3.hashing import HASHES_AT_ONCE
from hashdrop.s3.hashing import SMALL_FILE
from hashdrop.s3.hashing import HashedFile
from hashdrop.s3.hashing import hash_file
from hashdrop.s3.hashing import read_small
from hashdrop.s3.multipart import MAX_PART_SIZE
from hashdrop.s3.multipart import MIN_PART_SIZE
from hashdrop.s3.multipart import part_size_for
from hashdrop.s3.objects import Requests
from hashdrop.s3.options import WriteOptions
from hashdrop.s3.parts import FileSource
from hashdrop.s3.parts import MemorySource
from hashdrop.s3.parts import PartCutter
from hashdrop.s3.parts import PartSource
from hashdrop.s3.probe import Abilities
from hashdrop.s3.probe import probe
from hashdrop.s3.progress import Phase
from hashdrop.s3.progress import Progress
from hashdrop.s3.reading import read_object
from hashdrop.s3.reading import stream_object
from hashdrop.s3.resuming import NoLog
from hashdrop.s3.resuming import UnfinishedUpload
from hashdrop.s3.resuming import UploadLog
from hashdrop.s3.retrying import Outage
from hashdrop.s3.retrying import Retries
from hashdrop.s3.routing import S3Pointer
from hashdrop.s3.routing import S3Router
from hashdrop.s3.routing import ask_router
from hashdrop.s3.streaming import StreamLimits
from hashdrop.s3.streaming import StreamWriter
from hashdrop.s3.streaming import is_addressed
from hashdrop.s3.streaming import metadata_of
from hashdrop.s3.tagging import tagging_header
from hashdrop.s3.temporaries import Temporary
from hashdrop.s3.temporaries import TemporaryLog
from hashdrop.s3.temporaries import noted
from hashdrop.s3.temporaries import take_away
from hashdrop.s3.threads import call
from hashdrop.snapshot import FileSnapshot
from hashdrop.turns import TURNS

if TYPE_CHECKING:
    from labox.core.storage import Digest
    from labox.core.storage import GetStreamDigest
    from types_boto3_s3 import S3Client

_DEFAULT_IN_FLIGHT = 8
_HASHED_AWAY = 256 * 1024
"""From so many bytes on a small file is hashed without the turn; see `turns`."""
_SIGN_OF_LIFE = "hashdrop-sign-of-life"
"""A key that nothing stands at: any answer about it says that the store is there."""


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


class ContentWriter:
    """Stores content in the place that a router gives it.

    Args:
        client: A boto3 S3 client; shared by all threads.
        router: Decides the place of content; `None` for read-only.
        options: How.
        claims: Shared with other writers, so that one file is not stored by two of them at once.

    Raises:
        ValueError: The part size is not one that S3 takes, or a limit is below 1.
    """

    def __init__(
        self,
        client: S3Client,
        router: S3Router | None,
        options: WriteOptions | None = None,
        *,
        claims: Claims | None = None,
        temporaries: TemporaryLog | None = None,
    ) -> None:
        options = options or WriteOptions()
        if not MIN_PART_SIZE <= options.part_size <= MAX_PART_SIZE:
            raise ValueError(
                f"The part size is {options.part_size}; S3 takes parts of 5 MiB to 5 GiB: "
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"
            )
        for limit in ("max_writers", "max_readers", "max_parts_in_flight"):
            if (value := getattr(options, limit)) is not None and value < 1:
                raise ValueError(f"{limit} is {value}; give at least 1, or None for the default.")
        checksums = options.checksums
        if checksums is None:
            config: Any = client.meta.config
            checksums = str(config.request_checksum_calculation) == "when_supported"
        self.options = options
        self._client = client
        self._router = router
        self._temporaries = temporaries
        self._last: S3Pointer | None = None
        """The place that was given last: its bucket is asked for a sign of life."""
        writers = anyio.CapacityLimiter(options.max_writers) if options.max_writers else None
        self.requests = Requests(
            client,
            write_limiter=writers,
            read_limiter=anyio.CapacityLimiter(options.max_readers)
            if options.max_readers
            else None,
            checksums=checksums,
            own_connections=options.own_connections,
            pace=options.pace,
        )
        self._retries = Retries(
            patience_s=options.patience_s, ask=self._ask, check_room=options.check_room
        )
        if options.revive is not None:
            self._retries.note_reached()  # it was started for us: its address is right
        self.claims = claims or Claims()
        self._hash_limiter = anyio.CapacityLimiter(HASHES_AT_ONCE)
        in_flight = options.max_parts_in_flight or options.max_writers or _DEFAULT_IN_FLIGHT
        slots = anyio.Semaphore(in_flight)
        self.direct = DirectWriter(
            self.requests,
            self._retries,
            slots=slots,
            cleanup_timeout_s=options.cleanup_timeout,
            tells_size=options.tells_size,
            check_room=options.check_room,
        )
        self.streams = StreamWriter(
            self.requests,
            self._retries,
            slots=slots,
            limits=StreamLimits(
                part_size=options.part_size,
                buffer_type=options.buffer_type,
                equal_parts=options.equal_parts,
                copy_part_threshold=options.copy_part_threshold,
                copy_part_size=options.copy_part_size,
                in_flight=in_flight,
            ),
            cleanup_timeout_s=options.cleanup_timeout,
            store_name=self.store_name,
            log=temporaries,
        )

    @property
    def outage(self) -> Outage | None:
        """Set while the store is out of reach and waited for."""
        return self._retries.outage

    def hurry(self) -> None:
        """Ask for a store that is out of reach now, not when it is due."""
        self._retries.hurry()

    async def probe(self, bucket: str, prefix: str) -> Abilities:
        """Find out what the store can do; see `probe.probe`."""
        key = "/".join(filter(None, (prefix, f"hashdrop-probe-{uuid4()}")))
        stop = Stop()

        def work() -> Abilities:
            return probe(self._client, self.requests.wire(bucket), bucket, key, stop)

        async with noted(self._temporaries, Temporary(self.store_name, bucket, key)) as trace:
            try:
                found = await call(work, limiter=self.requests.write_limiter, stop=stop)
            except HashdropError as error:
                trace.is_gone = not error.retryable  # refused: nothing was made
                raise
            trace.is_gone = True
        return found

    async def take_away(self, bucket: str) -> None:
        """Take away what runs that were killed left in a bucket; see `temporaries.take_away`.

        Raises:
            HashdropError: The log cannot be read or written.
        """
        if self._temporaries is not None:
            await take_away(
                self.requests,
                self._temporaries,
                self.store_name,
                bucket,
                timeout_s=self.options.cleanup_timeout,
            )

    def adapt(self, abilities: Abilities) -> None:
        """Use what the store can do; before the first write."""
        self.requests.checksums = self.requests.checksums_are_proven = abilities.checksums
        self.direct.tells_size = abilities.tells_size

    # --- reading ---------------------------------------------------------------------------------

    async def read(self, pointer: S3Pointer) -> bytes:
        """Return the whole of an object; see `reading.read_object`."""
        return await read_object(self.requests, pointer)

    def read_stream(self, pointer: S3Pointer, *, start: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of an object; see `reading.stream_object`."""
        return stream_object(self.requests, pointer, chunk_size=self.options.read_size, start=start)

    # --- bytes and streams -----------------------------------------------------------------------

    async def write_bytes(
        self, data: bytes, digest: Digest, tags: Mapping[str, str]
    ) -> WriteOutcome:
        """Store bytes with one PUT, without a look first.

        Args:
            data: The content.
            digest: Its digest; size and SHA-256 are checked against the data.
            tags: Become tags of the object.

        Raises:
            NotImplementedError: There is no router.
            ContentMismatch: The digest is not that of the data.
            HashdropError: It cannot be stored.
        """
        self.check_writable()
        tagging = self._tagging(tags)
        found = await run_sync(digest_memory, data, self._direct_part_size(len(data)))
        if found.size != digest["content_size"] or (
            digest["content_hash_algorithm"] == "sha256"
            and found.content_hash != digest["content_hash"]
        ):
            raise ContentMismatch("The digest is not that of the data.")
        content = self._content(found, digest, self.route(digest, tags, temp=False), tagging)
        progress = Progress()
        receipt = await self.direct.store(
            MemorySource(data), content, progress=progress, look_first=False
        )
        return _outcome(content.pointer, digest, receipt, progress)

    async def write_digested_stream(
        self,
        stream: AsyncIterable[bytes],
        get_digest: GetStreamDigest,
        tags: Mapping[str, str],
        *,
        size: int | None = None,
        progress: Progress | None = None,
        expected: Digest | None = None,
        repair: bool = False,
    ) -> WriteOutcome:
        """Store a stream through a temporary object; see `streaming.StreamWriter.store`."""
        self.check_writable()
        progress = progress or Progress()
        tagging = self._tagging(tags)

        def route(digest: Any, temp: bool) -> S3Pointer:  # noqa: FBT001
            return self.route(digest, tags, temp=temp)

        stored = await self.streams.store(
            stream,
            get_digest,
            route,
            tagging=tagging,
            size=size,
            progress=progress,
            expected=expected,
            repair=repair,
        )
        if stored is not None:
            pointer, digest, receipt = stored
            return _outcome(pointer, digest, receipt, progress)
        digest = get_digest()  # an empty stream: multipart uploads have at least one part
        empty = digest_memory(b"", MIN_PART_SIZE)
        content = self._content(empty, digest, route(digest, False), tagging)
        progress.keyed(content.pointer, digest["content_hash"])
        receipt = await self.direct.store(
            MemorySource(b""), content, progress=progress, repair=repair
        )
        return _outcome(content.pointer, digest, receipt, progress)

    async def write_stream(
        self,
        stream: AsyncIterable[bytes],
        *,
        content_type: str,
        tags: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        lookahead: int = 64 * 1024**2,
        repair: bool = False,
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
            repair: Whether to replace an object that stands under this hash but is not this content.

        Raises:
            NotImplementedError: There is no router.
            HashdropError: It cannot be stored.
        """
        self.check_writable()
        progress = progress or Progress()
        tags = tags or {}
        tagging = self._tagging(tags)
        progress.enter(Phase.HASHING)
        cutter = PartCutter(stream, BytesIO)
        head = await cutter.cut(lookahead)
        data = head.take()
        progress.add_hashed(len(data))
        if await cutter.has_more():
            whole, get_digest = digest_stream(
                _chained(data, cutter.rest()), content_type=content_type
            )
            del data
            return await self.write_digested_stream(
                whole, get_digest, tags, progress=progress, repair=repair
            )
        found = await run_sync(digest_memory, data, self._direct_part_size(len(data)))
        digest = make_digest(found.content_hash, found.size, content_type=content_type)
        content = self._content(found, digest, self.route(digest, tags, temp=False), tagging)
        progress.keyed(content.pointer, found.content_hash)
        receipt = await self.direct.store(
            MemorySource(data), content, progress=progress, repair=repair
        )
        return _outcome(content.pointer, digest, receipt, progress)

    # --- files -----------------------------------------------------------------------------------

    async def write_file(
        self,
        path: Path,
        *,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        single_pass: bool = False,
        repair: bool = False,
        log: UploadLog | None = None,
        keep: Callable[[BaseException | None], bool] = lambda _: False,
        hashed: HashedFile | None = None,
    ) -> WriteOutcome:
        """Store a file: hash it, ask for its final key, send it only if it is not there.

        Args:
            path: A regular file.
            content_type: By default that of its name.
            tags: Become tags of the object.
            progress: Told how far it is.
            single_pass: Send it as a stream, through a temporary object.
            repair: Whether to replace an object that stands under this hash but is not this content.
            log: Where unfinished multipart uploads are noted and found.
            keep: Asked, with the error or cancellation, whether such an upload is left for a later start.
            hashed: What `hash_file` found, if it was hashed already; used if the file is still that.

        Raises:
            NotImplementedError: There is no router.
            SourceError: The file is missing, unreadable, no file, or changed meanwhile.
            ContentMismatch: What stands under this hash is not this content.
            HashdropError: It cannot be stored.
        """
        self.check_writable()
        progress = progress or Progress()
        tags = tags or {}
        tagging = self._tagging(tags)
        content_type = content_type or content_type_of(path.name)
        snapshot = await run_sync(FileSnapshot.of, path)
        if snapshot.size <= SMALL_FILE and not (single_pass and snapshot.size):
            return await self._write_small(path, content_type, tags, progress, repair=repair)
        async with self.claims.open() as claim:
            await claim.wait_for(
                f"file:{path}"
            )  # dropped twice: the second time when the first is over
            return await self._write_large(
                path,
                snapshot,
                content_type,
                tags,
                tagging,
                progress,
                claim,
                single_pass=single_pass,
                repair=repair,
                log=log or NoLog(),
                keep=keep,
                hashed=hashed,
            )

    async def has_unfinished(self, path: Path, log: UploadLog) -> bool:
        """Whether an earlier write of a file was left to be gone on with: its hash is known then."""
        return bool(await log.unfinished(path, self.store_name))

    async def drop_unfinished(
        self, path: Path, log: UploadLog, *, content_type: str | None, tags: Mapping[str, str]
    ) -> None:
        """Abort the multipart upload of a file that an earlier write kept, and forget it.

        Args:
            path: The file.
            log: Where it is noted.
            content_type: As of `write_file`.
            tags: As of `write_file`.
        """
        async with self.claims.open() as claim:
            await claim.wait_for(f"file:{path}")
            content_type = content_type or content_type_of(path.name)
            for upload in await log.unfinished(path, self.store_name):
                if self._leads_here(upload, content_type, tags) or not upload.is_queued:
                    await self.direct.drop(upload, log)

    async def _write_large(
        self,
        path: Path,
        snapshot: FileSnapshot,
        content_type: str,
        tags: Mapping[str, str],
        tagging: str | None,
        progress: Progress,
        claim: Claim,
        *,
        single_pass: bool,
        repair: bool,
        log: UploadLog,
        keep: Callable[[BaseException | None], bool],
        hashed: HashedFile | None,
    ) -> WriteOutcome:
        unfinished: UnfinishedUpload | None = None
        if not single_pass:
            unfinished = await self._unfinished(log, path, snapshot, content_type, tags)
        part_size = (
            unfinished.found.part_size if unfinished else self._direct_part_size(snapshot.size)
        )
        if unfinished and unfinished.snapshot == snapshot:
            found = unfinished.found
        elif hashed and hashed.snapshot == snapshot and hashed.found.part_size == part_size:
            found = hashed.found
        else:
            found = (await hash_file(path, part_size, progress, limiter=self._hash_limiter)).found
        if unfinished and unfinished.snapshot != snapshot:
            if found == unfinished.found:  # a new time or another mount, and the same content
                unfinished = replace(unfinished, snapshot=snapshot)
                await log.began(unfinished, intent="")
            else:
                await self.direct.drop(unfinished, log)
                unfinished = None
        digest = make_digest(found.content_hash, found.size, content_type=content_type)
        content = self._content(found, digest, self.route(digest, tags, temp=False), tagging)
        progress.keyed(content.pointer, found.content_hash)
        source = FileSource(path, snapshot)
        if single_pass and found.size:
            await claim.wait_for(name_of(content.pointer))
            known = await self.direct.already(content, repair=repair)
            if known:
                return _outcome(content.pointer, digest, known, progress)
            stream, get_digest = digest_stream(source.chunks(), content_type=content_type)
            return await self.write_digested_stream(
                stream,
                get_digest,
                tags,
                size=found.size,
                progress=progress,
                expected=digest,
                repair=repair,
            )

        def described(content: Content) -> UnfinishedUpload:
            return UnfinishedUpload(
                path=path,
                snapshot=snapshot,
                found=content.found,
                endpoint=self.store_name,
                bucket=content.pointer["bucket"],
                key=content.pointer["key"],
                upload_id="",
            )

        try:
            await claim.wait_for(name_of(content.pointer))
            receipt = await self.direct.store(
                source,
                content,
                progress=progress,
                repair=repair,
                upload=described,
                log=log,
                resumed=unfinished,
                keep=keep,
            )
        finally:
            source.close()
        return _outcome(content.pointer, digest, receipt, progress)

    async def _write_small(
        self,
        path: Path,
        content_type: str,
        tags: Mapping[str, str],
        progress: Progress,
        *,
        repair: bool,
    ) -> WriteOutcome:
        """Do all of a small file in one visit to a worker thread, tried again where that can help."""
        stop = Stop()
        progress.enter(Phase.HASHING)
        async with self.claims.open() as claim:
            while True:
                try:
                    return await self._retries.run(
                        f"Storing of {path.name}",
                        lambda: call(
                            lambda: self.write_small_now(
                                path,
                                content_type=content_type,
                                tags=tags,
                                progress=progress,
                                stop=stop,
                                claim=claim,
                                repair=repair,
                            ),
                            limiter=self.requests.write_limiter,
                            stop=stop,
                        ),
                    )
                except Claimed as busy:
                    await self.claims.ended(busy.place)

    def write_small_now(
        self,
        path: Path,
        *,
        content_type: str,
        tags: Mapping[str, str],
        progress: Progress,
        stop: Stop,
        claim: Claim,
        repair: bool = False,
    ) -> WriteOutcome:
        """Store a file of up to `SMALL_FILE` bytes, once; blocking, in a thread that anyio started.

        It is read once, so it cannot change between hashing and sending.

        Args:
            path: A regular file.
            content_type: Of its content.
            tags: Become tags of the object.
            progress: Notes how far it is.
            stop: Ends it.
            claim: Takes the place for it.
            repair: Whether to replace an object that is not this content.

        Raises:
            Claimed: Another write stores the same content just now.
            Interrupted: It was stopped.
            HashdropError: It cannot be stored, or not now.
        """
        self.check_writable()
        progress.note(Phase.HASHING)
        progress.retract_sent()
        data = read_small(path)
        md5 = ""
        # Others can hash at the same time; for a little, giving the turn away costs more than it gives.
        with TURNS.away if len(data) > _HASHED_AWAY else nullcontext():
            found = digest_memory(data, max(self.options.part_size, SMALL_FILE))
            if not self.requests.checksums:
                md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        digest = make_digest(found.content_hash, found.size, content_type=content_type)
        if getattr(self._router, "thread_safe", False):
            pointer = self.route(digest, tags, temp=False)
        else:
            with TURNS.away:
                pointer = on_loop(partial(self.route, digest, tags, temp=False))
        progress.hashed = len(data)
        progress.note_keyed(pointer, found.content_hash)
        content = self._content(found, digest, pointer, self._tagging(tags))
        if md5:
            content = replace(content, md5=md5)
        claim.take(name_of(pointer))
        receipt = self.direct.store_now(data, content, progress=progress, stop=stop, repair=repair)
        progress.note(Phase.VERIFYING)
        self._retries.note_reached()
        return _outcome(pointer, digest, receipt, progress)

    async def _unfinished(
        self,
        log: UploadLog,
        path: Path,
        snapshot: FileSnapshot,
        content_type: str,
        tags: Mapping[str, str],
    ) -> UnfinishedUpload | None:
        """Return the upload of this file to this place to go on with; take away what nobody goes on with.

        Size, time and identity need not be those of the snapshot: then the content tells.
        """
        mine: UnfinishedUpload | None = None
        for upload in await log.unfinished(path, self.store_name):
            leads_here = self._leads_here(upload, content_type, tags)
            may_fit = upload.snapshot.size == snapshot.size and not upload.is_intent
            if mine is None and leads_here and may_fit:
                mine = upload
            elif leads_here or not upload.is_queued:
                await self.direct.drop(upload, log)
        return mine

    def _leads_here(
        self, upload: UnfinishedUpload, content_type: str, tags: Mapping[str, str]
    ) -> bool:
        """Whether an upload leads to where its content is to go."""
        found = upload.found
        digest = make_digest(found.content_hash, found.size, content_type=content_type)
        try:
            place = self.route(digest, tags, temp=False)
        except HashdropError:
            return False
        return (place["bucket"], place["key"]) == (upload.bucket, upload.key)

    # --- small things ----------------------------------------------------------------------------

    @property
    def store_name(self) -> str:
        """What the store is known by in the journal."""
        return self.options.store_name or str(self._client.meta.endpoint_url or "")

    async def _ask(self) -> bool:
        """Ask the store for a sign of life; return whether it had ended, and was started again."""
        if self._last is None:
            return False
        # Not for the key in question: a path on which one content is cut is no outage.
        try:
            await self.requests.look({"bucket": self._last["bucket"], "key": _SIGN_OF_LIFE})
        except (EndpointUnreachable, TransferCut) as error:
            if self.options.revive is None:
                raise
            if await self.options.revive():
                return True
            raise EndpointUnreachable(
                "The store on this computer does not answer.",
                hint="If it ended, it is started again.",
                technical=error.technical,
            ) from error
        return False

    def check_writable(self) -> None:
        """Raise `NotImplementedError` where there is no router."""
        if self._router is None:
            raise NotImplementedError("This storage is read-only: it has no router.")

    def route(self, digest: Any, tags: Mapping[str, str], *, temp: bool) -> S3Pointer:
        """Ask the router; see `routing.ask_router`."""
        self.check_writable()
        assert self._router is not None
        self._last = ask_router(self._router, digest, tags, temp=temp)
        return self._last

    def _tagging(self, tags: Mapping[str, str]) -> str | None:
        return tagging_header(tags) if self.options.object_tags else None

    def _direct_part_size(self, size: int) -> int:
        return part_size_for(size, self.options.part_size)

    def _content(
        self, found: FileDigest, digest: Digest, pointer: S3Pointer, tagging: str | None
    ) -> Content:
        return Content(
            found=found,
            metadata=metadata_of(digest, tagging),
            pointer=pointer,
            is_sha256=digest["content_hash_algorithm"] == "sha256",
            addressed=is_addressed(pointer, digest),
        )


def _outcome(
    pointer: S3Pointer, digest: Digest, receipt: Receipt, progress: Progress
) -> WriteOutcome:
    return WriteOutcome(
        pointer=pointer,
        digest=digest,
        sent_bytes=progress.sent_now,
        already_stored=receipt.already_stored,
        verified=receipt.verified,
        unverified_reason=receipt.unverified_reason,
    )


async def _chained(data: bytes, rest: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    yield data
    async for chunk in rest:
        yield chunk


__all__ = ("ContentWriter", "PartSource", "WriteOutcome")
