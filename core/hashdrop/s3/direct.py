"""Content whose hash is known, straight to its final key: look, send what is not there, verify.

No temporary object, no copy. Whoever loses a race (412) finds the same bytes there: that is success.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING
from typing import Any

import anyio
from anyio.to_thread import run_sync

from hashdrop.digest import FileDigest
from hashdrop.errors import AccessRefused
from hashdrop.errors import ContentMismatch
from hashdrop.errors import CredentialsExpired
from hashdrop.errors import HashdropError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreError
from hashdrop.errors import StoreFull
from hashdrop.errors import StoreRefused
from hashdrop.s3.body import Body
from hashdrop.s3.body import Stop
from hashdrop.s3.faults import error_of
from hashdrop.s3.faults import is_other_content
from hashdrop.s3.judging import Known
from hashdrop.s3.judging import judge_now
from hashdrop.s3.judging import other_content
from hashdrop.s3.multipart import Fate
from hashdrop.s3.multipart import SentPart
from hashdrop.s3.multipart import UploadGone
from hashdrop.s3.multipart import abort_upload
from hashdrop.s3.multipart import open_multipart
from hashdrop.s3.multipart import sent_parts
from hashdrop.s3.objects import Metadata
from hashdrop.s3.objects import ObjectFacts
from hashdrop.s3.objects import Requests
from hashdrop.s3.objects import encode_crc
from hashdrop.s3.progress import Phase
from hashdrop.s3.resuming import UnfinishedUpload
from hashdrop.s3.threads import call

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from collections.abc import Callable
    from typing import IO

    from hashdrop.s3.parts import PartSource
    from hashdrop.s3.progress import Progress
    from hashdrop.s3.resuming import UploadLog
    from hashdrop.s3.retrying import Retries
    from hashdrop.s3.routing import S3Pointer

_LOG = logging.getLogger(__name__)

NO_CHECKSUM = "this store gives no checksum to compare"
_NO_LOOK = "the store does not let the object be looked at"
_FRESH_UPLOADS = 3
"""How often an upload that was ended from outside is begun anew."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be stored, and where."""

    found: FileDigest
    metadata: Metadata
    pointer: S3Pointer
    is_sha256: bool
    """Whether the content hash of `found` is that of the digest: then a signature can hold it."""
    addressed: bool
    """Whether the key follows from the content, so that one content only can stand there."""
    md5: str = ""
    """MD5 in hex where it was cheap to compute: what most stores give as ETag of an object of one PUT."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of it."""

    already_stored: bool
    verified: bool
    unverified_reason: str = ""


class DirectWriter:
    """Stores known content.

    Args:
        requests: To the store.
        retries: How a request is tried again.
        slots: Of parts that are on their way at once, all uploads together.
        cleanup_timeout_s: Seconds that a clean-up may take.
        tells_size: Whether the store is told the size of the whole when it completes an upload.
        check_room: Of `WriteOptions`.
    """

    def __init__(
        self,
        requests: Requests,
        retries: Retries,
        *,
        slots: anyio.Semaphore,
        cleanup_timeout_s: float,
        tells_size: bool,
        check_room: Callable[[int | None], Awaitable[None]] | None = None,
    ) -> None:
        self._requests = requests
        self._retries = retries
        self._slots = slots
        self._cleanup_timeout_s = cleanup_timeout_s
        self.tells_size = tells_size
        self._check_room = check_room
        self._conditional = True
        """Whether the store knows `If-None-Match`; learnt when it says that it does not."""

    async def store(
        self,
        source: PartSource,
        content: Content,
        *,
        progress: Progress,
        look_first: bool = True,
        repair: bool = False,
        upload: Callable[[Content], UnfinishedUpload] | None = None,
        log: UploadLog | None = None,
        resumed: UnfinishedUpload | None = None,
        keep: Callable[[BaseException | None], bool] = lambda _: False,
    ) -> Receipt:
        """Store content that can be read again at any offset.

        Args:
            source: The bytes.
            content: What they are, and where they go.
            progress: Told how far it is.
            look_first: Whether to look before sending.
            repair: Whether to replace an object that is not this content.
            upload: Describes a multipart upload for the log, but for its id.
            log: Where unfinished uploads are noted.
            resumed: An upload to go on with.
            keep: Whether an upload that was not completed is left for a later start.

        Raises:
            ContentMismatch: Something else stands there.
            SourceChanged: The bytes are not those that were hashed.
            StoreError: It failed.
        """
        if look_first:
            known = await self.already(content, repair=repair)
            if known:
                if resumed and log:
                    await self.drop(resumed, log)
                return known
        progress.enter(Phase.SENDING)
        if content.found.size <= content.found.part_size:
            return await self._put(source, content, progress, repair=repair)
        for attempt in range(_FRESH_UPLOADS):
            try:
                made = await self._put_parts(
                    source, content, progress, repair, upload, log, resumed, keep
                )
                break
            except UploadGone:
                # A conflict is with somebody who stores the same: perhaps it stands there now.
                if known := await self.already(content, repair=repair):
                    return known
                if attempt == _FRESH_UPLOADS - 1:
                    raise
                resumed = None
                progress.retract_sent()
        else:  # pragma: no cover
            raise AssertionError("unreachable")
        return made or await self._found_after_all(content)

    async def already(self, content: Content, *, repair: bool) -> Receipt | None:
        """Look whether content stands at its place; what does not fit is never taken for it."""
        stop = Stop()
        return await self._retries.run(
            f"Look at {content.pointer}",
            lambda: call(
                lambda: self._already_now(content, repair=repair, stop=stop),
                limiter=self._requests.write_limiter,
                stop=stop,
            ),
        )

    # --- one PUT ---------------------------------------------------------------------------------

    async def _put(
        self, source: PartSource, content: Content, progress: Progress, *, repair: bool
    ) -> Receipt:
        stop = Stop()
        found = content.found

        def work() -> Receipt:
            source.check()
            with source.slice(0, found.size, found.crc) as file:
                try:
                    return self._put_now(file, content, progress, stop=stop, repair=repair)
                except StoreError as error:
                    if is_other_content(error):  # on its way, or in the file since it was hashed?
                        source.check_part(0, found.size, found.crc)
                    raise

        async with self._slots:
            return await self._retries.run(
                f"Put of {content.pointer}",
                lambda: call(work, limiter=self._requests.write_limiter, stop=stop),
            )

    def store_now(
        self, data: bytes, content: Content, *, progress: Progress, stop: Stop, repair: bool
    ) -> Receipt:
        """Look, send and verify content in memory, all in the calling worker thread.

        Raises:
            ContentMismatch: Something else stands there.
            StoreError: It failed; to be tried again from the beginning if it is retryable.
        """
        known = self._already_now(content, repair=repair, stop=stop)
        if known and progress.is_unheard:
            progress.add_sent(content.found.size)
            return replace(known, already_stored=False)
        if known:
            return known
        progress.note(Phase.SENDING)
        return self._put_now(BytesIO(data), content, progress, stop=stop, repair=repair)

    def _put_now(
        self, file: IO[bytes], content: Content, progress: Progress, *, stop: Stop, repair: bool
    ) -> Receipt:
        found, pointer = content.found, content.pointer
        create_only = self._conditional and content.addressed and not repair
        body = Body(
            file,
            found.size,
            stop=stop,
            on_sent=progress.add_sent,
            pace=self._requests.pace,
            is_checked=self._requests.checksums_are_proven,
        )
        try:
            etag, crc = self._requests.put_now(
                pointer,
                body,
                content.metadata,
                crc=found.crc,
                sha256=found.content_hash if content.is_sha256 else None,
                create_only=create_only,
                stop=stop,
            )
        except StoreError as error:
            _, status = error_of(error)
            if status == 412:
                # An answer was lost: it is our own object that stands there.
                progress.is_unheard = progress.is_unheard or body.attempts > 1
                try:
                    known = self._found_now(content, stop=stop)
                except StoreError:
                    body.retract()
                    raise
                return replace(known, already_stored=False) if progress.is_unheard else known
            is_answer = status in {408, 409, 429, 503}  # else it may have been stored, unheard
            if error.retryable and not is_answer and body.attempts and body.tell() == found.size:
                progress.is_unheard = True
            body.retract()
            if status == 501 and create_only:
                self._conditional = False
                file.seek(0)
                return self._put_now(file, content, progress, stop=stop, repair=repair)
            raise
        except BaseException:
            body.retract()
            raise
        if crc is None and content.md5 and etag.strip('"') == content.md5:
            return Receipt(already_stored=False, verified=True)
        return self._verify_now(content, crc, stop=stop)

    async def _found_after_all(self, content: Content) -> Receipt:
        return await self._retries.run(
            f"Look at {content.pointer}",
            lambda: call(lambda: self._found_now(content), limiter=self._requests.write_limiter),
        )

    # --- parts -----------------------------------------------------------------------------------

    async def _put_parts(  # noqa: C901  # resumed or new, kept or not
        self,
        source: PartSource,
        content: Content,
        progress: Progress,
        repair: bool,  # noqa: FBT001
        describe: Callable[[Content], UnfinishedUpload] | None,
        log: UploadLog | None,
        resumed: UnfinishedUpload | None,
        keep: Callable[[BaseException | None], bool],
    ) -> Receipt | None:
        """Send what is not there, and verify the object; `None` where somebody else had made it."""
        found = content.found
        sent = await self._sent_before(resumed, content, source, progress, log)
        resumed = resumed if sent is not None else None
        await self._need_room(found, sent)
        kept = False

        def decide(cause: BaseException | None) -> bool:
            nonlocal kept
            kept = log is not None and keep(cause)
            return kept

        fate = Fate()
        note = describe(content) if describe else None
        noted = {resumed.upload_id} if resumed else set[str]()
        intent = ""
        if log and note and not resumed:
            intent = await log.intends(note)
            noted.add(intent)
        try:
            async with open_multipart(
                self._requests,
                content.pointer,
                slots=self._slots,
                cleanup_timeout_s=self._cleanup_timeout_s,
                sweep=False,
                retries=self._retries,
                on_sent=progress.add_sent,
                resumed=resumed.upload_id if resumed else "",
                sent=sent or {},
                keep=decide,
                fate=fate,
                **content.metadata.arguments,
            ) as upload:
                if log and note and not resumed:
                    noted.add(upload.upload_id)
                    if fate.may_be_left:  # another one, unheard of: its intent stays
                        noted.discard(intent)
                        intent = ""
                        fate.may_be_left = False
                    await log.began(replace(note, upload_id=upload.upload_id), intent=intent)
                for index, crc in enumerate(found.part_crcs):
                    if sent and index + 1 in sent:
                        continue
                    await upload.reserve()
                    upload.send(_SourcePart(source, found, index, crc), index + 1)
                await upload.join()
                await run_sync(source.check)
                made = await upload.complete(
                    create_only=self._conditional and content.addressed and not repair,
                    replaces=repair or not content.addressed,
                    tell_size=self.tells_size,
                )
                fate.may_be_left = upload.may_be_left
            if not made:
                return None
            progress.enter(Phase.VERIFYING)
            return await self._retries.run(
                f"Look at {content.pointer}",
                lambda: call(
                    lambda: self._verify_now(content, None),
                    limiter=self._requests.write_limiter,
                ),
            )
        except ObjectMissing:
            fate.may_be_left = True  # completed, the store said: the upload may be there still
            raise
        except StoreError as error:
            if error_of(error)[0] == "NoSuchUpload" and not isinstance(error, UploadGone):
                raise UploadGone(error.title, hint=error.hint, technical=error.technical) from error
            raise
        finally:
            if log and not kept and not fate.may_be_left:
                with anyio.CancelScope(shield=True):
                    for upload_id in noted:
                        await _forget(log, upload_id)

    async def _need_room(self, found: FileDigest, sent: dict[int, SentPart] | None) -> None:
        if self._check_room is not None:
            there = sum(part.size for part in (sent or {}).values())
            await self._check_room(found.size - there)

    async def _sent_before(
        self,
        resumed: UnfinishedUpload | None,
        content: Content,
        source: PartSource,
        progress: Progress,
        log: UploadLog | None,
    ) -> dict[int, SentPart] | None:
        """Return the parts of an earlier upload; `None` where a new one has to be begun."""
        if resumed is None:
            return None
        there = await self._resumable(resumed, content, source)
        if there is None and log:  # gone, or for another key: the settings changed
            await self.drop(resumed, log)
        progress.add_resumed(sum(part.size for part in (there or {}).values()))
        return there

    async def _resumable(
        self, resumed: UnfinishedUpload, content: Content, source: PartSource
    ) -> dict[int, SentPart] | None:
        """Return the parts of an upload that need not be sent again; `None` if it cannot be gone on with."""
        found = content.found
        place = (content.pointer["bucket"], content.pointer["key"])
        if found != resumed.found or place != (resumed.bucket, resumed.key):
            return None
        try:
            there = await self._retries.run(
                f"Parts of {content.pointer}",
                lambda: sent_parts(self._requests, content.pointer, resumed.upload_id),
            )
        except (AccessRefused, StoreRefused) as error:  # it asks for a permission of its own
            _LOG.info("What was sent of %s may not be known: %s", content.pointer, error)
            return None
        if there is None:
            return None
        good: dict[int, SentPart] = {}
        for number, (size, etag, crc) in there.items():
            if not 1 <= number <= len(found.part_crcs):
                return None  # not an upload of this content
            expected = found.part_crcs[number - 1]
            offset = (number - 1) * found.part_size
            if size != min(found.part_size, found.size - offset):
                continue  # cut short: sent again
            if crc is not None:
                is_right = crc == encode_crc(expected)
            else:  # a store without checksums gives the MD5 of a part as its ETag
                is_right = await run_sync(
                    partial(_has_md5, source, offset, size, expected, etag.strip('"'))
                )
            if is_right:
                good[number] = SentPart(etag=etag, size=size, crc=expected)
        return good

    async def drop(self, upload: UnfinishedUpload, log: UploadLog) -> None:
        """Take away an upload that is not needed any more, and forget it."""
        pointer: S3Pointer = {"bucket": upload.bucket, "key": upload.key}
        gone = await abort_upload(
            self._requests,
            pointer,
            "" if upload.is_intent else upload.upload_id,
            timeout_s=self._cleanup_timeout_s,
            sweep=False,
            unheard_since=upload.begun_at if upload.is_intent else None,
        )
        if gone:
            await _forget(log, upload.upload_id)

    # --- looking ---------------------------------------------------------------------------------

    def _already_now(
        self, content: Content, *, repair: bool, stop: Stop | None = None
    ) -> Receipt | None:
        if not content.addressed:
            return None  # a router that reuses keys: what stands there says nothing
        facts = self._requests.look_now(content.pointer, stop=stop)
        return self._receipt_now(content, facts, repair=repair) if facts is not None else None

    def _found_now(self, content: Content, *, stop: Stop | None = None) -> Receipt:
        """Look at what somebody else has stored meanwhile (412)."""
        facts = self._requests.look_now(content.pointer, stop=stop, must_stand=True)
        found = self._receipt_now(content, facts, repair=False) if facts is not None else None
        return found or Receipt(already_stored=True, verified=False, unverified_reason=_NO_LOOK)

    def _receipt_now(self, content: Content, facts: ObjectFacts, *, repair: bool) -> Receipt | None:
        known = Known.of(content.found, content.md5)
        judgement = judge_now(self._requests, content.pointer, facts, known)
        if repair and not judgement:
            return None  # also where nothing but the size tells: the right bytes are at hand
        if judgement is False:
            raise other_content(content.pointer, facts, content.found.size)
        return Receipt(
            already_stored=True,
            verified=judgement is True,
            unverified_reason="" if judgement else NO_CHECKSUM,
        )

    def _verify_now(
        self, content: Content, crc: str | None, *, stop: Stop | None = None
    ) -> Receipt:
        """Compare what the store confirmed with what was read."""
        found, pointer = content.found, content.pointer
        if crc is not None and crc == encode_crc(found.crc):
            return Receipt(already_stored=False, verified=True)
        facts = self._requests.look_now(pointer, stop=stop, must_stand=True)
        if facts is None:
            return Receipt(already_stored=False, verified=False, unverified_reason=_NO_LOOK)
        judgement = judge_now(self._requests, pointer, facts, Known.of(found, content.md5))
        if judgement is False:
            raise ContentMismatch(
                "What the store has is not what was sent.",
                detail=f"s3://{pointer['bucket']}/{pointer['key']}",
                hint="Store it again with repair; if it happens again, do not trust this store.",
            )
        return Receipt(
            already_stored=False,
            verified=judgement is True,
            unverified_reason="" if judgement else NO_CHECKSUM,
        )


class _SourcePart:
    """A part of a source, opened when it is sent."""

    def __init__(self, source: PartSource, found: FileDigest, index: int, crc: int) -> None:
        self._source = source
        self._offset = index * found.part_size
        self.size = min(found.part_size, found.size - self._offset)
        self.crc = crc

    @property
    def buffer(self) -> IO[bytes]:
        return self._source.slice(self._offset, self.size, self.crc)

    def check(self) -> None:
        """Raise `SourceChanged` if its bytes are others by now; blocking."""
        self._source.check_part(self._offset, self.size, self.crc)

    def close(self) -> None:
        """Nothing is held: the source stays open for the other parts."""


def is_resumable(error: BaseException | None) -> bool:
    """Whether an upload that ended so is worth keeping: the same call can go on with it later."""
    if isinstance(error, (AccessRefused, UploadGone)):
        return False
    if isinstance(error, (CredentialsExpired, StoreFull)):
        return True
    return isinstance(error, StoreError) and error.retryable


async def _forget(log: UploadLog, upload_id: str) -> None:
    """Take an upload that is over out of the log; one that stays there is found to be gone later."""
    try:
        await log.ended(upload_id)
    except HashdropError as error:
        _LOG.warning("An upload that is over stays in the journal: %s", error)


def _has_md5(source: PartSource, offset: int, size: int, crc: int, etag: str) -> bool:
    digest: Any = hashlib.md5(usedforsecurity=False)
    try:
        with source.slice(offset, size, crc) as file:
            while piece := file.read(1024 * 1024):
                digest.update(piece)
    except HashdropError:
        return False
    return digest.hexdigest() == etag
