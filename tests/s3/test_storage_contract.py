"""S3Storage, row by row of the design's table."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import aclosing

import anyio
import pytest
from labox.common.exceptions import NoStorageData

from hashdrop import S3Storage
from hashdrop import simple_s3_router
from hashdrop.errors import AccessRefused
from hashdrop.errors import BucketMissing
from hashdrop.errors import ContentMismatch
from hashdrop.errors import CredentialsRefused
from hashdrop.errors import EndpointUnreachable
from hashdrop.errors import ObjectMissing
from hashdrop.errors import RouterError
from hashdrop.errors import SourceChanged
from hashdrop.errors import StoreBusy
from hashdrop.errors import TagError
from hashdrop.s3.multipart import growing_part_size
from hashdrop.s3.multipart import part_size_for
from hashdrop.s3.progress import Phase
from hashdrop.s3.progress import Progress
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.storage_checks import ALL_CHECKS
from support.storage_checks import MIB
from support.storage_checks import digest_of
from support.storage_checks import pieces
from support.storage_checks import stream_of


@pytest.fixture
def proxy(s3_server):
    with FaultProxy.to(s3_server.endpoint_url) as one:
        yield one


@pytest.fixture(params=[False, True], ids=["botocore", "own-connections"])
def make(request, s3_server, proxy, bucket):
    """A storage through the proxy, by botocore's connections and by our own."""

    def make_storage(router=None, *, checksums="when_supported", **more):
        client = s3_server.client(
            proxy.endpoint_url,
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
        )
        return S3Storage(
            s3_client=client,
            s3_router=router or simple_s3_router(bucket, "p"),
            **({"cleanup_timeout": 10, "own_connections": request.param} | more),
        )

    return make_storage


async def write(storage, chunks, tags=None, **more):
    stream, get_digest = stream_of(chunks, **more)
    return await storage.write_data_stream(stream, get_digest, tags or {})


@pytest.mark.parametrize(
    ("make", "checksums"),
    [(False, "when_required"), (True, "when_supported"), (True, "when_required")],
    ids=["botocore", "own-connections", "own-connections-unsigned"],
    indirect=["make"],
)
@pytest.mark.parametrize("size", [0, 1, 10 * 1024, 5 * MIB, 5 * MIB + 1, 17 * MIB])
@pytest.mark.parametrize("check", ALL_CHECKS)
async def test_what_is_written_is_read(make, s3_server, bucket, check, size, checksums):
    """In each combination, at each border of a part; and only the final object is in the bucket."""
    await check(make(checksums=checksums), size)

    assert list(s3_server.objects(bucket).values()) == [size]
    assert s3_server.open_uploads(bucket) == []


async def test_keys_are_prefix_hash_extension(make, bucket):
    """Whatever slashes the prefix has; temporary keys are a uuid, under their own prefix if there is one."""
    router = simple_s3_router(bucket, "/a/b/", temp_prefix="tmp/")
    digest = digest_of(b"x", "text/plain; charset=utf-8") | {"content_hash": "AbC/+="}
    temporary = router(digest, {}, temp=True)["key"]

    assert router(digest, {}, temp=False) == {"bucket": bucket, "key": "a/b/AbC_-=.txt"}
    assert temporary.startswith("tmp/")
    assert len(temporary) == len("tmp/") + 36 + len(".txt")
    assert simple_s3_router(bucket)(digest, {}, temp=True)["key"].count("/") == 0


async def test_the_router_is_asked_first_for_a_temporary_place_then_for_the_final_one(
    make, proxy, bucket
):
    """The final one with the complete digest; the temporary one is created, copied and deleted."""
    asked = []
    simple = simple_s3_router(bucket, "p")

    def router(digest, tags, *, temp):
        asked.append((temp, digest.get("is_complete"), dict(tags)))
        return simple(digest, tags, temp=temp)

    await write(make(router), pieces(MIB), {"run": "7"})

    assert asked == [(True, False, {"run": "7"}), (False, True, {"run": "7"})]
    assert [r.operation for r in proxy.requests if r.method != "HEAD"] == [
        "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "CopyObject", "DeleteObject",
    ]  # fmt: skip


async def test_parts_are_equal_and_go_up_in_parallel(make, proxy):
    """Whatever the chunks; never more at once than there are writers."""
    storage = make(max_writers=3)
    chunks = [os.urandom(size) for size in (1, 7 * MIB, 3, 11 * MIB, 9 * MIB, 100)]
    await write(storage, chunks)
    sizes = [
        len(r.body)
        for r in sorted(proxy.requests, key=lambda r: int(r.query.get("partNumber", ["0"])[0]))
        if r.operation == "UploadPart"
    ]

    assert sizes == [5 * MIB] * 5 + [sum(map(len, chunks)) - 25 * MIB]
    assert 1 < proxy.peak["UploadPart"] <= 3


async def test_a_part_buffer_of_ones_own_is_used(make):
    """labox's `stream_writer_buffer_type`: a context manager around a file."""
    made = []

    def buffer_type():
        made.append(tempfile.SpooledTemporaryFile(max_size=MIB))  # noqa: SIM115
        return made[-1]

    chunks = pieces(12 * MIB)
    storage = make(stream_writer_buffer_type=buffer_type)
    pointer = await write(storage, chunks)

    assert await storage.read_data(pointer) == b"".join(chunks)
    assert len(made) == 3
    assert all(one.closed for one in made)


def test_ten_thousand_parts_are_never_passed():
    """A known size decides it at once; an unknown one grows, far behind the start."""
    assert part_size_for(10 * MIB, 5 * MIB) == 5 * MIB
    assert 50 * 10**12 / part_size_for(50 * 10**12, 5 * MIB) <= 10_000
    assert [growing_part_size(n, 5 * MIB) for n in (1, 2000, 2001, 3001)] == [
        5 * MIB,
        5 * MIB,
        10 * MIB,
        20 * MIB,
    ]
    assert sum(growing_part_size(n, 5 * MIB) for n in range(1, 10_001)) > 2 * 2**40


async def test_a_router_that_gives_the_temporary_place_again_loses_nothing(make, s3_server, bucket):
    """It is an error, and it names where the bytes are."""
    chunks = pieces(MIB)
    with pytest.raises(RouterError, match="kept at s3://") as error:
        await write(make(lambda *_, temp: {"bucket": bucket, "key": "same"}), chunks)

    assert "same" in error.value.detail
    assert s3_server.body(bucket, "same") == b"".join(chunks)


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"bucket": "b"}, {"bucket": "", "key": "k"}, {"bucket": "b", "key": 3}, "raise"],
)
async def test_a_router_that_fails_at_the_end_loses_nothing(make, s3_server, bucket, answer):
    """Nonsense or an exception: the bytes stay where they are, and the error says where."""
    simple = simple_s3_router(bucket)

    def router(digest, tags, *, temp):
        if temp:
            return simple(digest, tags, temp=True)
        if answer == "raise":
            raise LookupError("no such project")
        return answer

    with pytest.raises(RouterError, match="kept at s3://"):
        await write(make(router), pieces(MIB))

    assert list(s3_server.objects(bucket).values()) == [MIB]


async def test_a_key_that_is_too_long_is_refused_before_anything_is_sent(make, proxy, bucket):
    """S3 takes 1,024 bytes."""
    data = b"x"
    with pytest.raises(RouterError, match="too long"):
        await make(simple_s3_router(bucket, "é" * 600)).write_data(data, digest_of(data), {})

    assert proxy.requests == []


async def test_a_large_copy_goes_in_parts(make, proxy, s3_server, bucket):
    """Above the limit of a single copy; type, encoding and tags are kept."""
    storage = make(copy_part_threshold=6 * MIB, copy_part_size=5 * MIB)
    chunks = pieces(13 * MIB)
    pointer = await write(storage, chunks, {"run": "7"}, content_type="text/csv")
    head = s3_server.plain.head_object(Bucket=bucket, Key=pointer["key"])

    assert proxy.count("UploadPartCopy") == 3
    assert proxy.count("CopyObject") == 0
    assert s3_server.body(bucket, pointer["key"]) == b"".join(chunks)
    assert (head["ContentType"], head["TagCount"]) == ("text/csv", 1)
    assert len(s3_server.objects(bucket)) == 1


async def test_a_copy_that_came_out_wrong_is_not_followed_by_a_deletion(
    make, proxy, s3_server, bucket
):
    """The store says that it copied, and did not."""
    proxy.add(Rule.pretend("CopyObject", '<CopyObjectResult><ETag>"0"</ETag></CopyObjectResult>'))
    chunks = pieces(MIB)
    with pytest.raises(ContentMismatch, match="still at s3://"):
        await write(make(), chunks)
    ((key, size),) = s3_server.objects(bucket).items()

    assert size == MIB
    assert s3_server.body(bucket, key) == b"".join(chunks)


async def test_tags_reach_the_object(make, s3_server, bucket):
    """By all ways of writing."""
    tags = {"run": "7", "place": "Zürich +1/2", "empty": ""}
    data = b"tagged"
    storage = make()
    one = await storage.write_data(data, digest_of(data), tags)
    two = await write(storage, [b"streamed"], tags)

    for pointer in (one, two):
        answer = s3_server.plain.get_object_tagging(Bucket=bucket, Key=pointer["key"])
        assert {tag["Key"]: tag["Value"] for tag in answer["TagSet"]} == tags


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ({f"tag{n}": "x" for n in range(11)}, "tag10"),
        ({"aws:x": "1"}, "aws:x"),
        ({"k" * 129: "1"}, "k" * 129),
        ({"long": "v" * 257}, "long"),
        ({"what?": "1"}, "what?"),
        ({"star": "a*b"}, "star"),
    ],
    ids=["eleven", "aws", "long-key", "long-value", "bad-key", "bad-value"],
)
async def test_tags_that_s3_would_refuse_are_refused_before_sending(make, proxy, tags, names):
    """With the offending key named."""
    storage = make()
    with pytest.raises(TagError) as error:
        await storage.write_data(b"x", digest_of(b"x"), tags)
    with pytest.raises(TagError):
        await write(storage, [b"x"], tags)

    assert f"“{names}”" in str(error.value)
    assert proxy.requests == []


async def test_no_tags_no_header(make, proxy):
    """Stores without tagging refuse even an empty one; with tagging off none is ever sent."""
    await make().write_data(b"x", digest_of(b"x"), {})
    await write(make(), [b"y"])
    await make(object_tags=False).write_data(b"z", digest_of(b"z"), {"run": "7"})

    assert not any("x-amz-tagging" in request.headers for request in proxy.requests)


async def test_without_a_router_it_is_read_only(make, s3_server, proxy, bucket):
    """Writes raise before anything is sent; reads work."""
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=b"abc")
    storage = S3Storage(s3_client=s3_server.client(proxy.endpoint_url), s3_router=None)
    with pytest.raises(NotImplementedError):
        await storage.write_data(b"x", digest_of(b"x"), {})
    with pytest.raises(NotImplementedError):
        await write(storage, [b"x"])

    assert proxy.requests == []
    assert await storage.read_data({"bucket": bucket, "key": "k"}) == b"abc"


async def test_data_that_does_not_fit_its_digest_is_refused(make, proxy):
    """It would be stored under a wrong hash."""
    with pytest.raises(ContentMismatch):
        await make().write_data(b"other", digest_of(b"x"), {})

    assert proxy.requests == []


async def test_what_is_not_there_is_no_storage_data(make, bucket):
    """labox's own error, and ours."""
    storage = make()
    pointer = {"bucket": bucket, "key": "nothing"}
    with pytest.raises(NoStorageData):
        await storage.read_data(pointer)
    with pytest.raises(ObjectMissing):
        [chunk async for chunk in storage.read_data_stream(pointer)]


async def test_the_same_content_is_not_written_over(make, proxy, s3_server, bucket):
    """The second write finds it there."""
    storage = make()
    for _ in range(2):
        await storage.write_data(b"x", digest_of(b"x"), {})
        await write(storage, [b"y" * MIB])

    assert len(s3_server.objects(bucket)) == 2
    assert proxy.count("CopyObject") == 1


async def test_another_content_under_this_hash_is_never_taken_for_it(
    make, s3_server, bucket, tmp_path
):
    """It is said, and repaired only when asked."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"right")
    key = f"p/{hashlib.sha256(b'right').hexdigest()}.txt"
    s3_server.plain.put_object(Bucket=bucket, Key=key, Body=b"wrong", ChecksumAlgorithm="CRC32")
    with pytest.raises(ContentMismatch, match="Another content"):
        await make().write_file(path)
    assert s3_server.body(bucket, key) == b"wrong"
    await make().write_file(path, repair=True)

    assert s3_server.body(bucket, key) == b"right"


# --- reading --------------------------------------------------------------------------------------


async def test_a_slow_consumer_slows_the_download(make, s3_server, bucket):
    """It gets every byte, and no more is read ahead than a chunk."""
    data = os.urandom(2 * MIB)
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=data)
    storage = make(stream_reader_max_part_size=64 * 1024)
    got = []
    async for chunk in storage.read_data_stream({"bucket": bucket, "key": "k"}):
        got.append(chunk)
        await anyio.sleep(0.005)

    assert b"".join(got) == data
    assert max(map(len, got)) <= 64 * 1024


async def test_an_early_break_closes_the_connection(make, s3_server, proxy, bucket):
    """With or without closing the generator; the outer task goes on."""
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=bytes(32 * MIB))
    storage = make(stream_reader_max_part_size=64 * 1024)
    async with aclosing(storage.read_data_stream({"bucket": bucket, "key": "k"})) as stream:
        async for _ in stream:
            break
    await anyio.sleep(0.3)

    assert proxy.requests[-1].ended > 0  # the proxy could not go on sending
    assert await storage.read_data({"bucket": bucket, "key": "k"}) == bytes(32 * MIB)


@pytest.mark.parametrize("checksums", ["when_supported", "when_required"])
async def test_a_cut_connection_is_resumed_by_range(make, s3_server, proxy, bucket, checksums):
    """Only for the very same object."""
    data = os.urandom(3 * MIB)
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=data)
    proxy.add(Rule.cut("GetObject", after=MIB + 5))
    proxy.add(Rule.cut("GetObject", after=7, nth=1))
    storage = make(stream_reader_max_part_size=100_000, checksums=checksums)
    got = b"".join([c async for c in storage.read_data_stream({"bucket": bucket, "key": "k"})])
    again = [r for r in proxy.requests if "range" in r.headers]

    assert got == data
    assert len(again) == 2
    assert all("if-match" in r.headers for r in again)


async def test_an_object_that_is_replaced_meanwhile_is_an_error(make, s3_server, proxy, bucket):
    """Never the beginning of one and the end of another."""
    client = s3_server.client()
    client.put_object(Bucket=bucket, Key="k", Body=os.urandom(3 * MIB))
    proxy.add(Rule.cut("GetObject", after=MIB))
    storage = make(stream_reader_max_part_size=100_000)
    with pytest.raises(ContentMismatch, match="replaced"):
        async for _ in storage.read_data_stream({"bucket": bucket, "key": "k"}):
            client.put_object(Bucket=bucket, Key="k", Body=os.urandom(3 * MIB))


async def test_a_body_that_never_comes_is_an_error_not_short_data(make, s3_server, proxy, bucket):
    """Cut again and again at the same byte."""
    s3_server.plain.put_object(Bucket=bucket, Key="k", Body=bytes(MIB))
    proxy.add(Rule.cut("GetObject", after=1000))
    proxy.add(Rule.reset_before("GetObject", times=99))
    with pytest.raises(Exception, match=r"cut|reach"):
        await make().read_data({"bucket": bucket, "key": "k"})


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "CopyObject"]
)
@pytest.mark.parametrize("fault", ["reset", "lose-answer", "503"])
async def test_a_passing_fault_is_got_over(make, s3_server, proxy, bucket, operation, fault):
    """Whatever request it hits; nothing but the final object is left."""
    rule = (
        Rule.answer(operation, 503, "SlowDown", times=3)
        if fault == "503"
        else Rule(operation, fault, times=1)
    )
    proxy.add(rule)
    chunks = pieces(12 * MIB)
    pointer = await write(make(), chunks)

    assert rule.reached.is_set()
    assert s3_server.body(bucket, pointer["key"]) == b"".join(chunks)
    assert len(s3_server.objects(bucket)) == 1
    assert s3_server.open_uploads(bucket) == []


async def test_a_part_that_was_changed_on_its_way_is_sent_again(make, s3_server, proxy, bucket):
    """The store refuses it by its checksum; never is a wrong byte stored."""
    proxy.add(Rule.corrupt("UploadPart"))
    chunks = pieces(12 * MIB)
    pointer = await write(make(), chunks)

    assert s3_server.body(bucket, pointer["key"]) == b"".join(chunks)
    assert s3_server.open_uploads(bucket) == []


@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "CopyObject"]
)
async def test_a_lasting_fault_leaves_nothing(make, s3_server, proxy, bucket, operation):
    """The first error is told; no temporary object and no multipart upload stay."""
    proxy.add(Rule.answer(operation, 403, "AccessDenied", times=99))
    with pytest.raises(AccessRefused, match=operation):
        await write(make(), pieces(12 * MIB))

    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


async def test_a_failure_of_the_clean_up_hides_nothing(make, s3_server, proxy, bucket, caplog):
    """The cause is raised; what is left is logged."""
    proxy.add(Rule.answer("UploadPart", 403, "AccessDenied", times=99))
    proxy.add(Rule.answer("AbortMultipartUpload", 500, "InternalError", times=99))
    with pytest.raises(AccessRefused):
        await write(make(cleanup_timeout=5), pieces(MIB))

    assert "may be left" in caplog.text


async def test_a_temporary_object_that_cannot_be_deleted_is_no_failure(
    make, s3_server, proxy, bucket, caplog
):
    """The upload succeeded; the leftover is logged."""
    proxy.add(Rule.answer("DeleteObject", 403, "AccessDenied", times=99))
    pointer = await write(make(), [b"x"])

    assert s3_server.body(bucket, pointer["key"]) == b"x"
    assert "left at" in caplog.text


@pytest.mark.parametrize(
    "operation",
    [
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "CopyObject",
        "DeleteObject",
    ],
)
async def test_cancelled_at_any_request_nothing_is_left(make, s3_server, proxy, bucket, operation):
    """No temporary object, no multipart upload; a final object only if it is whole."""
    rule = proxy.add(Rule.hold(operation))
    chunks = pieces(12 * MIB)
    async with anyio.create_task_group() as group:
        group.start_soon(write, make(), chunks)
        with anyio.fail_after(15):
            await anyio.to_thread.run_sync(rule.reached.wait)
        group.cancel_scope.cancel()
        rule.release()
    left = s3_server.objects(bucket)

    assert s3_server.open_uploads(bucket) == []
    assert all(key.startswith("p/") and size == 12 * MIB for key, size in left.items())


async def test_cancelled_while_the_source_is_awaited_nothing_is_left(make, s3_server, bucket):
    """Before the first byte and in the middle."""

    async def never(number):
        if number == 7:
            await anyio.sleep_forever()

    with anyio.move_on_after(1.0):
        await write(make(), pieces(10 * MIB), before=never)

    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


async def test_an_error_of_the_source_is_raised_as_it_is(make, s3_server, bucket):
    """And nothing is left."""

    async def fail(number):
        if number == 7:
            raise LookupError("the source is broken")

    with pytest.raises(LookupError, match="broken"):
        await write(make(), pieces(10 * MIB), before=fail)

    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


async def test_errors_are_told_for_people(make, s3_server, bucket):
    """A missing bucket, a wrong secret, a store that is down."""
    data = b"x"
    with pytest.raises(BucketMissing, match="does not exist"):
        await make(simple_s3_router("not-there")).write_data(data, digest_of(data), {})
    wrong = s3_server.__class__(
        s3_server.endpoint_url, s3_server.access_key, "wrong", "us-east-1"
    ).client()
    with pytest.raises(CredentialsRefused, match="does not accept"):
        await S3Storage(s3_client=wrong, s3_router=simple_s3_router(bucket)).write_data(
            data, digest_of(data), {}
        )
    down = s3_server.client("http://127.0.0.1:9")
    with pytest.raises(EndpointUnreachable, match="cannot be reached"):
        await S3Storage(s3_client=down, s3_router=simple_s3_router(bucket)).read_data(
            {"bucket": bucket, "key": "k"}
        )


async def test_a_busy_store_is_told_as_busy(make, proxy, bucket):
    """After all attempts."""
    proxy.add(Rule.answer("PutObject", 503, "SlowDown", times=99))
    with pytest.raises(StoreBusy) as error:
        await make().write_data(b"x", digest_of(b"x"), {})

    assert error.value.retryable
    assert "SlowDown" in error.value.technical


# --- files ----------------------------------------------------------------------------------------


async def test_a_file_goes_straight_to_its_key(make, s3_server, proxy, bucket, tmp_path):
    """No temporary object, no copy; a second time one HEAD and nothing else."""
    data = os.urandom(17 * MIB)
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    first = await make().write_file(path)
    operations = {request.operation for request in proxy.requests}
    proxy.requests.clear()
    second = await make().write_file(path)

    assert operations == {
        "HeadObject",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
    }
    assert (first.already_stored, first.verified, first.sent_bytes) == (False, True, len(data))
    assert {request.operation for request in proxy.requests} == {"HeadObject"}
    assert (second.already_stored, second.sent_bytes) == (True, 0)
    assert s3_server.body(bucket, first.pointer["key"]) == data


@pytest.mark.parametrize("operation", ["PutObject", "CompleteMultipartUpload"])
async def test_who_loses_a_race_has_stored_it_too(make, proxy, bucket, tmp_path, operation):
    """A 412 means that somebody else stored the same bytes."""
    size = MIB if operation == "PutObject" else 12 * MIB
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(size))
    rule = proxy.add(Rule.hold(operation))
    outcomes = []

    async def store(storage):
        outcomes.append(await storage.write_file(path))

    async with anyio.create_task_group() as group:
        group.start_soon(store, make())
        await anyio.to_thread.run_sync(rule.reached.wait, 15)
        await store(make())
        rule.release()

    assert [outcome.already_stored for outcome in outcomes] == [False, True]


async def test_a_file_that_shrinks_is_refused(make, s3_server, bucket, tmp_path):
    """Between hashing and sending; nothing is stored."""
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(12 * MIB))

    def shrink(phase):
        if phase is Phase.SENDING:
            os.truncate(path, MIB)

    with pytest.raises(SourceChanged):
        await make().write_file(path, progress=Progress(on_phase=shrink))

    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


def test_part_sizes_that_s3_does_not_take_are_refused(s3_server, bucket):
    """When it is made, with where it is written."""
    with pytest.raises(ValueError, match="5 MiB to 5 GiB"):
        S3Storage(s3_client=s3_server.client(), s3_router=None, stream_writer_min_part_size=MIB)


async def test_a_body_counts_what_is_sent_and_takes_it_back(make, proxy, bucket, tmp_path):
    """A retried part is counted once."""
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(12 * MIB))
    proxy.add(Rule.answer("UploadPart", 503, "SlowDown", times=3))
    for checksums in ("when_supported", "when_required"):
        progress = Progress()
        await make(simple_s3_router(bucket, checksums), checksums=checksums).write_file(
            path, progress=progress
        )

        assert progress.sent == 12 * MIB
        assert progress.hashed == 12 * MIB
