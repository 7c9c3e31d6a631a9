"""Every defect of labox's own S3Storage (labox 0.1.0), one check each: ours passes it, labox's fails it.

labox's runs are strict xfails: they must fail, and as told. Where labox leaves tasks cancelled and threads
waiting, the check runs in a loop and a thread of its own, so that none of it reaches pytest's.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import mimetypes
import os
import threading
import time
from contextlib import suppress
from io import BytesIO
from uuid import UUID

import anyio
import pytest
from anyio.lowlevel import checkpoint
from botocore.exceptions import ClientError
from labox.common.exceptions import NoStorageData
from labox.core.api.saver import _wrap_stream_dump  # what labox's saver wraps a stream with
from labox.extra.aws import S3Storage as LaboxS3Storage
from labox.extra.aws import simple_s3_router as labox_simple_s3_router

from hashdrop import S3Storage
from hashdrop import simple_s3_router
from hashdrop.digest import digest_stream
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.storage_checks import MIB
from support.storage_checks import digest_of
from support.storage_checks import heartbeat
from support.storage_checks import pieces
from support.storage_checks import stream_of

LABOX = "labox"
OURS_ALONE = ("cleanup_timeout", "copy_part_threshold", "copy_part_size")


def but_labox(reason: str, raises: type[BaseException] | tuple[type[BaseException], ...]):
    """Run a check against ours, and against labox's, which must fail it with one of these errors."""
    fails = pytest.mark.xfail(strict=True, raises=raises, reason=reason)
    return pytest.mark.parametrize("kind", ["ours", pytest.param(LABOX, marks=fails)])


@pytest.fixture
def proxy(s3_server):
    with FaultProxy.to(s3_server.endpoint_url) as one:
        yield one


@pytest.fixture
def simple_router(kind):
    """The simple router of the kind."""
    return labox_simple_s3_router if kind == LABOX else simple_s3_router


@pytest.fixture
def make(kind, s3_server, proxy, bucket, simple_router):
    """A storage of the kind, through the proxy."""

    def make_storage(router=None, *, client=None, **more):
        storage_class = LaboxS3Storage if kind == LABOX else S3Storage
        if kind == LABOX:
            more = {name: value for name, value in more.items() if name not in OURS_ALONE}
        return storage_class(
            s3_client=client or s3_server.client(proxy.endpoint_url),
            s3_router=router or simple_router(bucket, "p"),
            **more,
        )

    return make_storage


async def write(storage, chunks, tags=None, **more):
    stream, get_digest = stream_of(chunks, **more)
    return await storage.write_data_stream(stream, get_digest, tags or {})


class Misbehaved(Exception):
    """What a check met in its own loop, without the frames that would keep labox's generators alive."""


def in_its_own_loop(main):
    """Run a check in a daemon thread: what it leaves behind holds up neither pytest nor its exit."""
    ends = []

    def run():
        try:
            ends.append((anyio.run(main), None))
        except BaseException as error:  # noqa: BLE001  # whatever labox raises is told
            ends.append((None, repr(error)))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    gc.collect()  # what cannot be raised is raised here, not in a later test
    result, fault = ends.pop() if ends else (None, "it does not end")
    if fault:
        raise Misbehaved(fault)
    return result


async def reached(rule, seconds=10):
    """Whether the proxy came to a rule."""
    return await anyio.to_thread.run_sync(rule.reached.wait, seconds)


# --- 1: the empty stream --------------------------------------------------------------------------


@but_labox("completes an upload without parts", raises=ClientError)
async def test_an_empty_stream_is_an_empty_object(make, s3_server, bucket):
    """At its final key, and nothing beside it."""
    pointer = await write(make(), [])

    assert s3_server.objects(bucket) == {pointer["key"]: 0}
    assert s3_server.open_uploads(bucket) == []


# --- 2: more than 5 GiB ---------------------------------------------------------------------------


@but_labox("deletes what it cannot copy", raises=AssertionError)
async def test_what_is_too_large_for_one_copy_is_not_lost(make, proxy, s3_server, bucket):
    """S3 answers 400 to a CopyObject of more than 5 GiB; here to any."""
    proxy.add(Rule.answer("CopyObject", 400, "InvalidRequest", times=99))
    chunks = pieces(12 * MIB)
    with suppress(ClientError):  # labox's own: what counts is where the bytes are
        await write(make(copy_part_threshold=6 * MIB, copy_part_size=5 * MIB), chunks)

    kept = [s3_server.body(bucket, key) for key in s3_server.objects(bucket)]

    assert kept == [b"".join(chunks)]


# --- 3: cancellation ------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["source", "UploadPart", "CompleteMultipartUpload", "CopyObject"])
@but_labox("its clean-up is cancelled, too", raises=AssertionError)
async def test_a_cancelled_upload_leaves_nothing(make, proxy, s3_server, bucket, at):
    """No multipart upload and no temporary object, at whichever moment; a final object only if whole."""
    waits = anyio.Event()

    async def stop_before(number):
        if at == "source" and number == 7:
            waits.set()
            await anyio.sleep_forever()

    rule = proxy.add(Rule.hold(at))
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: write(make(), pieces(12 * MIB), before=stop_before))
        with anyio.fail_after(15):
            await (waits.wait() if at == "source" else reached(rule))
        group.cancel_scope.cancel()
        rule.release()
    left = s3_server.objects(bucket)

    assert s3_server.open_uploads(bucket) == []
    assert [key for key in left if len(key.rpartition("/")[2]) < 64] == []  # a uuid, no hash
    assert set(left.values()) <= {12 * MIB}


@pytest.mark.parametrize("kind", ["ours"])
async def test_a_cancelled_upload_ends_though_the_store_is_silent(make, proxy, s3_server, bucket):
    """labox waits until the store answers; what arrives after the abort leaves nothing either."""
    rule = proxy.add(Rule.hold("UploadPart"))
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: write(make(), pieces(12 * MIB)))
        with anyio.fail_after(15):
            await reached(rule)
        group.cancel_scope.cancel()
    was_released = rule.released.is_set()
    rule.release()

    assert not was_released
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


# --- 4 to 6: reading ------------------------------------------------------------------------------


@pytest.mark.alone
@but_labox("reads the body on the event loop", raises=AssertionError)
async def test_reading_a_slow_body_does_not_hold_the_loop(make, proxy, s3_server, bucket):
    """The body takes half a second to come."""
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=bytes(MIB))
    proxy.add(Rule.slow("GetObject", rate=2 * MIB))
    async with heartbeat() as beat:
        await make().read_data({"bucket": bucket, "key": "k"})

    assert beat.longest < 0.25


@but_labox("drops what is not taken at once", raises=Misbehaved)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_consumer_may_be_slower_than_the_network(make, s3_server, bucket):
    """It gets every byte."""
    data = os.urandom(MIB)
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=data)

    async def read():
        got = []
        storage = make(stream_reader_max_part_size=64 * 1024)
        async for chunk in storage.read_data_stream({"bucket": bucket, "key": "k"}):
            got.append(chunk)
            await anyio.sleep(0.01)
        return b"".join(got)

    assert in_its_own_loop(read) == data


@pytest.mark.parametrize("closes", [True, False], ids=["closed", "left-to-the-collector"])
@but_labox(
    "yields inside of a task group",
    raises=(Misbehaved, AssertionError),
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_reader_may_stop_early(make, s3_server, bucket, closes):
    """Nothing is raised, nothing is told to the loop's handler, and the task goes on."""
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=bytes(4 * MIB))
    told = []

    async def read():
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        stream = make(stream_reader_max_part_size=64 * 1024).read_data_stream(
            {"bucket": bucket, "key": "k"}
        )
        async for _ in stream:
            break
        if closes:
            await stream.aclose()
        del stream
        gc.collect()
        for _ in range(20):
            await anyio.sleep(0.01)
        return "went on"

    assert in_its_own_loop(read) == "went on"
    assert told == []


# --- 7: parts in parallel -------------------------------------------------------------------------


@but_labox("sends one part after the other", raises=AssertionError)
async def test_parts_go_up_in_parallel(make, proxy):
    """The second is on its way while the first is held."""
    first = proxy.add(Rule.hold("UploadPart"))
    second = proxy.add(Rule.hold("UploadPart"))
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: write(make(max_writers=8), pieces(12 * MIB)))
        both = await reached(first) and await reached(second, 2)
        first.release()
        second.release()

    assert both


# --- 8: tags --------------------------------------------------------------------------------------


@but_labox("sends an empty header, which stores without tagging refuse", raises=AssertionError)
async def test_no_tags_no_header(make, proxy):
    """By both ways of writing."""
    storage = make()
    await storage.write_data(b"x", digest_of(b"x"), {})
    await write(storage, [b"y"])

    assert [r.operation for r in proxy.requests if "x-amz-tagging" in r.headers] == []


@pytest.mark.parametrize(
    "tags",
    [{f"tag{n}": "x" for n in range(11)}, {"aws:x": "1"}, {"k" * 129: "1"}, {"k": "v" * 257}, {"k": "a*b?"}],
    ids=["eleven", "aws", "long-key", "long-value", "character"],
)  # fmt: skip
@but_labox("leaves the check to the store, after everything was sent", raises=AssertionError)
async def test_tags_that_s3_refuses_are_refused_before_anything_is_sent(make, proxy, tags):
    """S3's limits: 10 tags, 128 and 256 characters, no “aws:”, some characters only."""
    with suppress(ClientError, ValueError):
        await make().write_data(b"x", digest_of(b"x"), tags)

    assert proxy.requests == []


# --- 9 and 11: keys -------------------------------------------------------------------------------


@but_labox("asks the machine's MIME files", raises=AssertionError)
def test_the_key_is_the_same_on_every_machine(simple_router, monkeypatch, tmp_path):
    """Whatever its MIME files say."""
    digest = digest_of(b"x", "application/vnd.apache.parquet")
    keys = []
    for number, extension in enumerate(("pq", "parq")):
        mime_file = tmp_path / f"mime{number}.types"
        mime_file.write_text(f"application/vnd.apache.parquet {extension}\n")
        monkeypatch.setattr(mimetypes, "_db", mimetypes.MimeTypes((str(mime_file),)))
        keys.append(simple_router("bucket")(digest, {}, temp=False)["key"])

    assert keys[0] == keys[1]


@but_labox("takes the parameters for a part of the type", raises=AssertionError)
def test_a_parameter_of_the_content_type_does_not_change_the_key(simple_router):
    """Nor do capital letters."""
    router = simple_router("bucket")
    keys = {
        router(digest_of(b"x", content_type), {}, temp=False)["key"]
        for content_type in ("text/csv", "text/csv; charset=utf-8", "TEXT/CSV")
    }

    assert keys == {f"{digest_of(b'x')['content_hash']}.csv"}


@but_labox("sends bytes that no header may hold", raises=AssertionError)
async def test_a_content_type_outside_of_ascii_is_not_garbled(make, s3_server, bucket):
    """What a header cannot hold is left out; the type itself is kept."""
    pointer = await make().write_data(b"x", digest_of(b"x", "text/plain; name=é"), {})
    head = s3_server.plain.head_object(Bucket=bucket, Key=pointer["key"])

    assert head["ContentType"].isascii()
    assert head["ContentType"].startswith("text/plain")


@but_labox("writes over it", raises=AssertionError)
async def test_the_same_bytes_of_another_type_change_nothing(make, s3_server, bucket):
    """Two types without an extension have one key: the first one's type and tags stay."""
    storage = make()
    await storage.write_data(b"same", digest_of(b"same", "application/x-a"), {"run": "1"})
    pointer = await storage.write_data(b"same", digest_of(b"same", "application/x-b"), {"run": "2"})
    client = s3_server.client()
    tags = client.get_object_tagging(Bucket=bucket, Key=pointer["key"])["TagSet"]

    assert client.head_object(Bucket=bucket, Key=pointer["key"])["ContentType"] == "application/x-a"
    assert tags == [{"Key": "run", "Value": "1"}]


@but_labox("puts it below prefix/temp", raises=ValueError)
def test_a_temporary_key_is_a_uuid(simple_router):
    """`{uuid4}{ext}`, as labox's page says."""
    key = simple_router("bucket", "p")(digest_of(b"x", "text/csv"), {}, temp=True)["key"]
    stem, _, extension = key.partition(".")

    assert UUID(stem).version == 4
    assert extension == "csv"


@but_labox("keeps the slash", raises=AssertionError)
@pytest.mark.parametrize("prefix", ["/a/b", "/a/b/"])
def test_a_key_has_no_slash_at_its_beginning(simple_router, prefix):
    """Whatever slashes the prefix has."""
    key = simple_router("bucket", prefix)(digest_of(b"x"), {}, temp=False)["key"]

    assert key.startswith("a/b/")
    assert "//" not in key


@but_labox("folds case and drops signs", raises=AssertionError)
def test_a_hash_that_is_not_hexadecimal_keeps_its_case(simple_router):
    """Base64 hashes that differ in case only are two contents."""
    router = simple_router("bucket")
    keys = {
        router(digest_of(b"x") | {"content_hash": content_hash}, {}, temp=False)["key"]
        for content_hash in ("AbC=", "abc=", "abc+", "abc/", "abc")
    }

    assert len(keys) == 5


# --- 12: the network ------------------------------------------------------------------------------


@but_labox("raises the abort's error over the cause", raises=AssertionError)
async def test_the_cause_is_told_not_what_the_clean_up_met(make, proxy):
    """A part is refused, and then the abort fails, too."""
    proxy.add(Rule.answer("UploadPart", 403, "AccessDenied", times=99))
    proxy.add(Rule.answer("AbortMultipartUpload", 500, "InternalError", times=99))
    with pytest.raises(Exception) as error:
        await write(make(cleanup_timeout=2), [b"x"])

    assert "UploadPart" in str(error.value)


@but_labox("leaves it open", raises=AssertionError)
async def test_a_network_that_comes_back_finds_nothing_left(make, proxy, s3_server, bucket):
    """It is gone from the second part on, and back for the clean-up."""
    proxy.add(Rule.reset_before("UploadPart", nth=2, times=99))
    proxy.add(Rule.reset_before("AbortMultipartUpload", times=2))  # botocore's attempts
    with suppress(Exception):
        await write(make(cleanup_timeout=20), pieces(12 * MIB))

    assert s3_server.open_uploads(bucket) == []
    assert s3_server.objects(bucket) == {}


@but_labox("calls the upload failed", raises=ClientError)
async def test_an_upload_whose_temporary_object_stays_is_no_failure(make, proxy, s3_server, bucket):
    """The copy is right: the deletion is only tidying up."""
    proxy.add(Rule.answer("DeleteObject", 403, "AccessDenied", times=99))
    pointer = await write(make(), [b"x"])

    assert s3_server.body(bucket, pointer["key"]) == b"x"


# --- 13: routers ----------------------------------------------------------------------------------


def _same_place(bucket):
    return lambda *_, temp: {"bucket": bucket, "key": "same"}


def _raises_at_the_end(bucket):
    def router(*_, temp):
        if not temp:
            raise LookupError("no such project")
        return {"bucket": bucket, "key": "temporary"}

    return router


def _gives_nothing_at_the_end(bucket):
    return lambda *_, temp: {"bucket": bucket, "key": "temporary"} if temp else None


@pytest.mark.parametrize(
    "make_router", [_same_place, _raises_at_the_end, _gives_nothing_at_the_end]
)
@but_labox("deletes the only copy", raises=AssertionError)
async def test_a_wrong_router_loses_nothing(make, s3_server, bucket, make_router):
    """The stream cannot be read again: the bytes stay where they are, and the error says where."""
    chunks = pieces(MIB)
    with pytest.raises(Exception) as error:
        await write(make(make_router(bucket)), chunks)

    kept = {key: s3_server.body(bucket, key) for key in s3_server.objects(bucket)}

    assert list(kept.values()) == [b"".join(chunks)]
    assert f"s3://{bucket}/{next(iter(kept))}" in str(error.value)


@but_labox("deletes the only copy", raises=AssertionError)
async def test_a_final_bucket_that_does_not_exist_loses_nothing(make, proxy, s3_server, bucket):
    """S3 answers 404 to the copy (SeaweedFS 500, hence the proxy)."""
    proxy.add(Rule.answer("CopyObject", 404, "NoSuchBucket", times=99))
    chunks = pieces(MIB)
    with pytest.raises(Exception) as error:
        await write(
            make(lambda *_, temp: {"bucket": bucket if temp else "no-such-bucket", "key": "k"}),
            chunks,
        )

    assert s3_server.objects(bucket) == {"k": MIB}
    assert f"s3://{bucket}/k" in str(error.value)


# --- 14: parts and sources ------------------------------------------------------------------------


@but_labox("cuts where the chunks end, which R2 refuses", raises=AssertionError)
async def test_all_parts_but_the_last_are_equal(make, proxy):
    """Whatever the chunks; one huge chunk is split."""
    chunks = [os.urandom(size) for size in (3 * MIB, 3 * MIB + 7, 17 * MIB, 1)]
    await write(make(), chunks)
    parts = [r for r in proxy.requests if r.operation == "UploadPart"]
    parts.sort(key=lambda r: int(r.query["partNumber"][0]))

    assert [len(r.body) for r in parts] == [5 * MIB] * 4 + [3 * MIB + 8]
    assert b"".join(r.body for r in parts) == b"".join(chunks)


class Restarting:
    """A legal `AsyncIterable` that begins anew each time that it is asked for its iterator."""

    def __init__(self):
        self.starts = 0

    async def __aiter__(self):
        self.starts += 1
        if self.starts > 1:
            raise RecursionError("read again: this would never end")
        for _ in range(3):
            yield bytes(5 * MIB)


@but_labox("reads it again for each part, for ever", raises=RecursionError)
async def test_a_source_that_can_be_iterated_again_is_read_once(make, s3_server, bucket):
    """It need not be an iterator."""
    digest = digest_of(bytes(15 * MIB)) | {"is_complete": True}
    pointer = await make().write_data_stream(Restarting(), lambda **_: digest, {})

    assert s3_server.objects(bucket) == {pointer["key"]: 15 * MIB}


# --- 15: limits -----------------------------------------------------------------------------------


@but_labox("reads bodies beside the limit", raises=AssertionError)
async def test_the_limit_of_readers_holds_for_bodies_too(make, s3_server, proxy, bucket):
    """Four streams, one reader."""
    client = s3_server.client(proxy.endpoint_url)
    client.put_object(Bucket=bucket, Key="k", Body=bytes(1024))
    lock = threading.Lock()
    counts = {"now": 0, "peak": 0}

    def count_reads(parsed, **_):
        original = parsed["Body"].read

        def read(*size):
            with lock:
                counts["now"] += 1
                counts["peak"] = max(counts["peak"], counts["now"])
            try:
                time.sleep(0.05)  # long enough for the others to come
                return original(*size)
            finally:
                with lock:
                    counts["now"] -= 1

        parsed["Body"].read = read

    client.meta.events.register("after-call.s3.GetObject", count_reads)
    storage = make(client=client, max_readers=1)

    async def read_all():
        async for _ in storage.read_data_stream({"bucket": bucket, "key": "k"}):
            pass

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(read_all)

    assert counts["peak"] == 1


@but_labox("sends more at once than the client has connections", raises=AssertionError)
async def test_no_connection_is_thrown_away(make, s3_server, proxy, caplog):
    """By default no more goes on at once than a client of boto3 has connections: ten."""
    client = s3_server.client(proxy.endpoint_url, max_pool_connections=10)
    client.meta.events.register("before-send.s3.PutObject", lambda **_: time.sleep(0.1))
    storage = make(client=client)
    with caplog.at_level(logging.WARNING, "urllib3.connectionpool"):
        async with anyio.create_task_group() as group:
            for number in range(40):
                data = str(number).encode()
                group.start_soon(storage.write_data, data, digest_of(data), {})

    assert [record.getMessage() for record in caplog.records if "full" in record.getMessage()] == []


@pytest.mark.parametrize("limit", ["max_writers", "max_readers"])
@but_labox("takes 0 for no limit", raises=pytest.fail.Exception)
def test_a_limit_of_nought_is_refused(make, limit):
    """It is not “unlimited”."""
    with pytest.raises(ValueError, match=limit):
        make(**{limit: 0})


# --- 16: downloads that are cut -------------------------------------------------------------------


@but_labox("does not resume", raises=Misbehaved)
@pytest.mark.parametrize("by_stream", [False, True], ids=["read_data", "read_data_stream"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_download_that_is_cut_is_resumed(make, s3_server, proxy, bucket, by_stream):
    """Behind the last byte that came."""
    data = os.urandom(MIB)
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=data)
    proxy.add(Rule.cut("GetObject", after=300_000))
    storage = make()

    async def read():
        pointer = {"bucket": bucket, "key": "k"}
        if by_stream:
            return b"".join([chunk async for chunk in storage.read_data_stream(pointer)])
        return await storage.read_data(pointer)

    assert in_its_own_loop(read) == data


@but_labox("lets botocore's errors through", raises=ClientError)
@pytest.mark.parametrize("by_stream", [False, True], ids=["read_data", "read_data_stream"])
async def test_data_of_a_missing_bucket_is_no_storage_data(make, by_stream):
    """labox's own error for what is not there."""
    storage = make()
    pointer = {"bucket": "no-such-bucket", "key": "k"}
    with pytest.raises(NoStorageData):
        if by_stream:
            [chunk async for chunk in storage.read_data_stream(pointer)]
        else:
            await storage.read_data(pointer)


# --- 17: work on the event loop -------------------------------------------------------------------


@but_labox("fills its buffer on the event loop", raises=AssertionError)
async def test_parts_are_filled_in_worker_threads(make):
    """A buffer may be a file: writing to it may take long."""
    threads = set()

    class Watched(BytesIO):
        def write(self, data, /):
            threads.add(threading.get_ident())
            return super().write(data)

    await write(make(stream_writer_buffer_type=Watched), [bytes(32 * MIB)])

    assert threads
    assert threading.get_ident() not in threads


@but_labox("hashes on the event loop", raises=AssertionError)
async def test_a_stream_is_hashed_in_worker_threads(kind, monkeypatch):
    """What wraps a stream to know its digest at the end."""
    import hashlib

    threads = set()

    class Watched:
        name = "sha256"

        def __init__(self, *data):
            self._real = hashlib.new("sha256", *data)
            self.hexdigest = self._real.hexdigest

        def update(self, data):
            threads.add(threading.get_ident())
            self._real.update(data)

    async def source():
        yield bytes(4 * MIB)
        await checkpoint()

    if kind == LABOX:
        monkeypatch.setattr("labox.core.api.saver.sha256", Watched)
        stream, get_digest = _wrap_stream_dump(
            {"data_stream": source(), "content_type": "text/plain", "content_encoding": None}
        )
    else:
        monkeypatch.setattr("hashdrop.digest.hashlib.sha256", Watched)
        stream, get_digest = digest_stream(source(), content_type="text/plain")
    data = b"".join([chunk async for chunk in stream])
    monkeypatch.undo()

    assert get_digest()["content_hash"] == hashlib.sha256(data).hexdigest()
    assert threads
    assert threading.get_ident() not in threads


# --- 18: write_data -------------------------------------------------------------------------------


@but_labox("writes over it", raises=AssertionError)
async def test_what_stands_under_its_hash_is_not_written_over(make, s3_server, bucket):
    """The object of the first write stays as it is."""
    digest = digest_of(b"x")
    client = s3_server.client()
    key = f"p/{digest['content_hash']}.bin"
    pointer = await make().write_data(b"x", digest, {})
    client.put_object(Bucket=bucket, Key=pointer["key"], Body=b"x", Metadata={"of": "the first"})
    await make().write_data(b"x", digest, {})

    assert pointer["key"] == key
    assert client.head_object(Bucket=bucket, Key=key)["Metadata"] == {"of": "the first"}


@but_labox("sends it with one PUT all the same", raises=ClientError)
async def test_data_too_large_for_one_put_is_stored(make, proxy, s3_server, bucket):
    """S3 answers 400 to a PutObject of more than 5 GiB; here to any."""
    proxy.add(Rule.answer("PutObject", 400, "EntityTooLarge", times=99))
    data = os.urandom(12 * MIB)
    pointer = await make().write_data(data, digest_of(data), {})

    assert s3_server.body(bucket, pointer["key"]) == data


@but_labox("stores it under a wrong hash", raises=AssertionError)
async def test_data_that_does_not_fit_its_digest_is_not_stored(make, s3_server, bucket):
    """It would be found under a hash that is not its own."""
    with suppress(Exception):
        await make().write_data(b"other", digest_of(b"right"), {})

    assert s3_server.objects(bucket) == {}
