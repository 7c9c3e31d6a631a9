"""What the store says of an object, the tags it has, parts of it, and the bucket's own listing."""

from __future__ import annotations

import hashlib
import os
from contextlib import aclosing

import anyio
import pytest

from hashdrop.errors import AccessRefused
from hashdrop.errors import ClockSkewed
from hashdrop.errors import CredentialsExpired
from hashdrop.errors import CredentialsRefused
from hashdrop.errors import ObjectMissing
from hashdrop.errors import SettingsError
from hashdrop.errors import StoreError
from hashdrop.errors import TagError
from hashdrop.s3.inspecting import MOST_AT_ONCE
from hashdrop.stored.places import Place
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.storage_checks import MIB


@pytest.fixture
def place(bucket):
    return Place(bucket, "raw/k.bin")


async def test_what_the_store_says(service, s3_server, place):
    """Checksum, metadata, versions: as it has them."""
    data = b"content"
    client = s3_server.plain
    client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"older", data):
        client.put_object(
            Bucket=place.bucket, Key=place.key, Body=body, Metadata={"who": "me"},
            ContentType="text/x-test", CacheControl="no-store", ChecksumAlgorithm="SHA256",
            Tagging="run=7",
        )  # fmt: skip
    client.put_object(Bucket=place.bucket, Key=f"{place.key}.other", Body=b"")
    details = await service.stored.details(place)
    standing = details.standing
    for version in client.list_object_versions(Bucket=place.bucket)["Versions"]:
        client.delete_object(
            Bucket=place.bucket, Key=version["Key"], VersionId=version["VersionId"]
        )

    assert (standing.size, standing.content_type, standing.storage_class) == (
        7,
        "text/x-test",
        "STANDARD",
    )
    assert standing.metadata == {"who": "me"}
    assert standing.headers == {"CacheControl": "no-store"}
    assert set(standing.checksums) == {"SHA256"}
    assert details.tags == {"run": "7"}
    assert [(one.size, one.is_latest) for one in details.versions] == [(7, True), (5, False)]
    assert standing.version_id == details.versions[0].version_id != ""


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (403, (403, "SignatureDoesNotMatch"), CredentialsRefused),
        (403, (403, "InvalidAccessKeyId"), CredentialsRefused),
        (403, (403, "RequestTimeTooSkewed"), ClockSkewed),
        (400, (400, "ExpiredToken"), CredentialsExpired),
        (400, (400, "AuthorizationHeaderMalformed"), SettingsError),
        (403, (403, "AccessDenied"), AccessRefused),
        (403, (404, "NoSuchKey"), AccessRefused),
        (403, None, AccessRefused),
    ],
)
async def test_a_refusal_without_words_is_asked_for_its_reason(
    opened, s3_server, place, status, answer, kind
):
    """A HEAD's answer has no body; where the second one says no more, it may be a right that lacks."""
    s3_server.client().put_object(Bucket=place.bucket, Key=place.key, Body=b"content")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            await service.stored.details(place)
            before = proxy.count("GetObject")
            proxy.add(Rule.answer("HeadObject", status, "", times=99))
            if answer:
                proxy.add(Rule.answer("GetObject$", *answer, times=99))
            with pytest.raises(kind) as told:
                await service.stored.details(place)
            asked = proxy.count("GetObject")

    assert type(told.value) is kind
    assert (before, asked) == (0, 1)


async def test_what_may_not_be_known_is_left_out(opened, s3_server, place):
    """Many may read an object, and neither its tags nor its versions."""
    s3_server.plain.put_object(Bucket=place.bucket, Key=place.key, Body=b"x")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        for operation in ("GetObjectTagging", "ListObjectVersions"):
            proxy.add(Rule.answer(operation, 403, "AccessDenied", times=9))
        async with opened(proxy.endpoint_url) as service:
            details = await service.stored.details(place)
        asked = {request.operation for request in proxy.requests}

    assert {"GetObjectTagging", "ListObjectVersions"} <= asked
    assert (details.standing.size, details.tags, details.versions) == (1, None, None)


async def test_nothing_there(service, place):
    with pytest.raises(ObjectMissing):
        await service.stored.details(place)
    with pytest.raises(ObjectMissing):
        await service.stored.read_range(place, 0, 10)
    with pytest.raises(ObjectMissing):
        await service.stored.change_tags(place, {"a": "b"})


@pytest.mark.parametrize(
    ("start", "length"), [(0, 10), (5, 5), (95, 10), (99, 1), (100, 1), (500, 5), (0, 0), (0, 200)]
)
async def test_a_part_of_an_object(service, s3_server, place, start, length):
    data = os.urandom(100)
    s3_server.plain.put_object(Bucket=place.bucket, Key=place.key, Body=data)

    assert await service.stored.read_range(place, start, length) == data[start : start + length]


async def test_no_part_is_more_than_memory_is_to_hold(opened, s3_server, place):
    """Not asked for, and not taken from a store that sends all in spite of it."""
    s3_server.plain.put_object(Bucket=place.bucket, Key=place.key, Body=b"x" * 1000)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            with pytest.raises(ValueError, match=str(MOST_AT_ONCE + 1)):
                await service.stored.read_range(place, 0, MOST_AT_ONCE + 1)
            asked = proxy.count("GetObject")
            proxy.add(Rule.pretend("GetObject", "y" * 5000, times=9))
            read = await service.stored.read_range(place, 0, 10)

    assert asked == 0
    assert read == b"y" * 10


async def test_tags_are_changed_in_the_store_and_in_the_catalog(service, put, s3_server, bucket):
    """For all names of the object; the search knows them at once."""
    row = await put("a.txt", b"data", tags={"run": "7", "old": "1"})
    await put("b.txt", b"data")
    place = Place.of(row)
    in_store = await service.stored.change_tags(place, {"run": "8 ü", "empty": ""})
    found = await service.stored.search('tag:"run=8 ü"')
    tags = s3_server.plain.get_object_tagging(Bucket=bucket, Key=place.key)["TagSet"]
    await service.stored.change_tags(place, {})

    assert in_store
    assert sorted(one.name for one in found) == ["a.txt", "b.txt"]
    assert {one["Key"]: one["Value"] for one in tags} == {"run": "8 ü", "empty": ""}
    assert found[0].tags == {"run": "8 ü", "empty": ""}
    assert await service.stored.search("tag:run") == []
    assert await service.stored.search("tag:old") == []
    assert s3_server.plain.get_object_tagging(Bucket=bucket, Key=place.key)["TagSet"] == []


async def test_a_tag_that_s3_refuses_is_named_and_nothing_is_changed(service, put):
    row = await put("a.txt", b"data", tags={"run": "7"})
    with pytest.raises(TagError, match="be&t"):
        await service.stored.change_tags(Place.of(row), {"be&t": "1"})
    (after,) = await service.stored.search()

    assert after.tags == {"run": "7"}


@pytest.mark.parametrize("answer", ["501", "off"])
async def test_a_store_without_tags_is_not_written_to(opened, s3_server, bucket, tmp_path, answer):
    """Some overwrite the object with them; the catalog keeps them."""
    (tmp_path / "a.txt").write_bytes(b"data")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        if answer == "501":
            proxy.add(Rule.answer("GetObjectTagging", 501, "NotImplemented", times=9))
        async with opened(proxy.endpoint_url, object_tags=answer != "off") as service:
            service.add([tmp_path / "a.txt"])
            await service.transfers.drained()
            (row,) = await service.stored.search()
            in_store = await service.stored.change_tags(Place.of(row), {"run": "7"})
            (after,) = await service.stored.search("tag:run=7")
        asked = [request.operation for request in proxy.requests]

    assert not in_store
    assert after.tags == {"run": "7"}
    assert "PutObjectTagging" not in asked
    assert s3_server.body(bucket, row.pointer.key) == b"data"


async def test_a_store_that_takes_tags_for_the_object_loses_nothing(
    opened, s3_server, bucket, place
):
    """It gives the object when it is asked for its tags: then it is not asked to take any."""
    s3_server.plain.put_object(Bucket=bucket, Key=place.key, Body=b"data")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.pretend("GetObjectTagging", "data", times=9))
        async with opened(proxy.endpoint_url) as service:
            with pytest.raises(StoreError):
                await service.stored.change_tags(place, {"run": "7"})
        asked = [request.operation for request in proxy.requests]

    assert "PutObjectTagging" not in asked
    assert s3_server.body(bucket, place.key) == b"data"


async def test_the_bucket_itself_is_listed(opened, s3_server, bucket):
    """By pages, whatever stored it; ListBuckets is never asked for."""
    content_hash = hashlib.sha256(b"x").hexdigest()
    keys = sorted(
        [f"raw/{number:03} ä&+%.txt" for number in range(25)] + [f"raw/{content_hash}.csv"]
    )
    for key in (*keys, "elsewhere"):
        s3_server.plain.put_object(Bucket=bucket, Key=key, Body=b"x")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            pages = [page async for page in service.stored.bucket_pages(page_size=10)]
            rest = [
                page async for page in service.stored.bucket_pages(after=keys[19], page_size=10)
            ]
            whole = [page async for page in service.stored.bucket_pages(prefix="")]
            before = proxy.count("ListObjectsV2")
            async with aclosing(service.stored.bucket_pages(page_size=1)) as one:
                await anext(one)
            asked = proxy.count("ListObjectsV2") - before
    rows = [row for page in pages for row in page]
    hashed = next(row for row in rows if row.pointer.content_hash)

    assert [len(page) for page in pages] == [10, 10, 6]
    assert [row.pointer.key for row in rows] == keys
    assert [row.pointer.key for page in rest for row in page] == keys[20:]
    assert sum(len(page) for page in whole) == 27
    assert asked == 1  # a page that nobody wants is not asked for
    assert (hashed.pointer.content_hash, hashed.pointer.content_type) == (content_hash, "text/csv")
    assert (hashed.id, hashed.connection, hashed.pointer.content_size) == (0, "lab", 1)
    assert not any(request.path == "/" for request in proxy.requests)


async def test_a_part_that_is_not_wanted_any_more_is_not_read_to_its_end(opened, s3_server, bucket):
    """The next one does not wait for it: else quick steps through a list would pile up large reads."""
    data = os.urandom(32 * MIB)
    s3_server.plain.put_object(Bucket=bucket, Key="big", Body=data)
    s3_server.plain.put_object(Bucket=bucket, Key="small", Body=b"small")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.slow("GetObject", MIB, times=99, path="big"))
        async with opened(endpoint_url=proxy.endpoint_url, max_readers=4) as service:
            with anyio.fail_after(20):  # whole, they would take four minutes
                for _ in range(8):
                    with anyio.move_on_after(0.2):
                        await service.stored.read_range(Place(bucket, "big"), 0, len(data))
                read = await service.stored.read_range(Place(bucket, "small"), 0, 5)

    assert read == b"small"
