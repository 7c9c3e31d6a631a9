"""The catalog rebuilt from the bucket: what is missing comes, what is gone is marked, at any size, at any time."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import anyio
import pytest

from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rebuilding import Page
from hashdrop.catalog.rebuilding import Rebuild
from hashdrop.catalog.rebuilding import Rebuilt
from hashdrop.catalog.rows import StoredName
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.pointer import StoredPointer
from hashdrop.stored import rebuilding
from hashdrop.stored.marking import rebuild_of
from hashdrop.stored.places import Place
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule

NOW = timedelta(seconds=-60)
"""No name is too new to be marked."""


def key_of(data: bytes) -> str:
    return f"raw/{hashlib.sha256(data).hexdigest()}.txt"


@pytest.fixture
def fill(s3_server, bucket):
    """Puts objects under their hashes; returns their keys in the order of a listing."""

    def some(count, first=0):
        keys = []
        for number in range(first, first + count):
            data = str(number).encode()
            keys.append(key_of(data))
            s3_server.plain.put_object(Bucket=bucket, Key=keys[-1], Body=data)
        return sorted(keys)

    return some


async def rebuild(service, **more):
    more.setdefault("clocks_differ", NOW)
    return await rebuilding.rebuild(service, **more)


async def keys_in(service, text=""):
    return sorted(row.pointer.key for row in await service.stored.search(text, limit=999))


async def test_an_empty_catalog_gets_what_is_in_the_bucket(service, fill, s3_server, bucket):
    """Keys that are a hash, with the listing's size and date; nothing twice when it runs again."""
    keys = fill(12)
    client = s3_server.plain
    client.put_object(Bucket=bucket, Key="raw/notes.txt", Body=b"")
    client.put_object(Bucket=bucket, Key=f"elsewhere/{'0' * 64}", Body=b"")
    steps = []
    first = await rebuild(service, page_size=5, on_progress=steps.append)
    again = await rebuild(service, page_size=5)
    row = next(row for row in await service.stored.search() if row.pointer.key == key_of(b"11"))
    stored = client.head_object(Bucket=bucket, Key=key_of(b"11"))["LastModified"]

    assert (first.seen, first.added, first.gone) == (13, 12, 0)
    assert (again.seen, again.added, again.gone) == (13, 0, 0)
    assert [step.seen for step in steps] == [5, 10, 13]
    assert await keys_in(service) == keys
    assert (row.name, row.pointer.content_size, row.pointer.content_type) == (
        key_of(b"11").removeprefix("raw/"),
        2,
        "text/plain",
    )
    assert abs(row.stored_at - stored) < timedelta(seconds=2)
    assert (row.connection, row.user) == ("lab", "")


async def test_what_is_gone_is_marked_and_what_is_there_again_is_not(
    service, put, fill, s3_server, bucket
):
    """Wherever in the listing it was: before the first key, between two, behind the last; every name of it."""
    keys = fill(12)
    await rebuild(service)
    await put("named.txt", b"5")
    lost = [keys[0], keys[4], keys[-1], key_of(b"5")]
    for key in lost:
        s3_server.plain.delete_object(Bucket=bucket, Key=key)
    done = await rebuild(service, page_size=3)
    marked = await keys_in(service, "is:gone")
    fill(12)
    await rebuild(service, page_size=3)

    assert set(marked) == set(lost)
    assert done.gone == len(set(lost)) + 1  # one of them has two names
    assert done.added == 0
    assert await keys_in(service, "is:gone") == []


async def test_an_empty_bucket(service, fill, s3_server, bucket):
    keys = fill(3)
    await rebuild(service)
    for key in keys:
        s3_server.plain.delete_object(Bucket=bucket, Key=key)
    done = await rebuild(service)

    assert (done.seen, done.gone) == (0, 3)


async def test_only_the_prefix_is_judged(service, fill, s3_server, bucket):
    """What was not listed is not gone."""
    fill(3)
    other = f"other/{'1' * 64}.txt"
    s3_server.plain.put_object(Bucket=bucket, Key=other, Body=b"x")
    whole = await rebuild(service, prefix="")
    s3_server.plain.delete_object(Bucket=bucket, Key=other)
    first = await rebuild(service)
    second = await rebuild(service, prefix="other/")

    assert (whole.added, first.gone, second.gone) == (4, 0, 1)


async def test_one_that_was_ended_goes_on(opened, fill, s3_server):
    """In the next start of the program, behind the last page; anew if that is asked for."""
    keys = fill(20)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        rule = proxy.add(Rule.hold("ListObjectsV2", nth=3))
        async with opened(proxy.endpoint_url) as service:
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: rebuild(service, page_size=4))
                while not rule.reached.is_set():
                    await anyio.sleep(0.01)
                group.cancel_scope.cancel()
                rule.release()
            between = await keys_in(service)
        proxy.clear()
        before = len(proxy.requests)
        async with opened(proxy.endpoint_url) as service:
            done = await rebuild(service, page_size=4)
            after = await keys_in(service)
            asked = [r.query for r in proxy.requests[before:] if r.operation == "ListObjectsV2"]
            anew = await rebuild(service, anew=True)

    assert between == keys[:8]
    assert asked[0]["start-after"] == [keys[7]]
    assert (done.seen, done.added) == (20, 20)
    assert after == keys
    assert (anew.seen, anew.added) == (20, 0)


async def test_a_store_that_fails_in_the_middle_loses_nothing(opened, fill, s3_server):
    """What was listed before is in the catalog, nothing is marked that was not looked for."""
    keys = fill(8)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            await rebuild(service)
            proxy.add(Rule.answer("ListObjectsV2", 403, "AccessDenied", nth=2, times=9))
            with pytest.raises(Exception, match="You may not do this"):
                await rebuild(service, page_size=4)

            assert await keys_in(service, "is:there") == keys


async def test_what_is_stored_while_it_runs_is_not_gone(opened, put, fill, s3_server, bucket):
    """The listing is older than it: what is newer than its beginning, and than clocks may differ, stays."""
    fill(3)
    async with opened() as service:
        row = await put("new.txt", b"new")
        s3_server.plain.delete_object(Bucket=bucket, Key=row.pointer.key)  # as if listed before
        done = await service.stored.rebuild()

        assert done.gone == 0


async def test_other_stores_with_a_bucket_of_this_name_are_left_alone(service, s3_server):
    """Connections that lead elsewhere; and each computer has a store of its own."""
    here = rebuild_of(service, service.connection, "raw/")
    local = next(one for one in service.connections if one.name == LOCAL_CONNECTION_NAME)
    own = rebuild_of(service, local, "")

    assert here.other_connections == (LOCAL_CONNECTION_NAME,)
    assert here.machine is None
    assert own.other_connections == ("lab",)
    assert own.machine == platform.node()


def named(key, connection="lab", machine="", stored_at=None):
    content_hash = hashlib.sha256(key.encode()).hexdigest()
    pointer = StoredPointer("lab-data", key, content_hash, 1, "text/plain")
    stored_at = stored_at or datetime(2026, 1, 1, tzinfo=UTC)
    return StoredName(
        pointer, key, "", connection, {}, stored_at=stored_at, machine=machine, user=""
    )


def page(*keys, is_last=False):
    return Page(keys, [named(key) for key in keys], is_last, datetime.now(UTC))


async def gone_in(catalog):
    return sorted(row.name for row in await catalog.search(parse_filters("is:gone")))


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        ({}, ["elsewhere", "here", "mine", "nobody's", "theirs"]),
        ({"other_connections": ("other",)}, ["here", "mine", "nobody's", "theirs"]),
        ({"machine": "a"}, ["elsewhere", "here", "mine", "nobody's"]),
    ],
    ids=["all", "not-of-other-connections", "only-of-this-computer"],
)
async def test_whose_names_are_judged(catalog_place, scope, gone):
    """On every database."""
    async with open_catalog(catalog_place) as catalog:
        await catalog.record_many(
            [
                named("here"),
                named("elsewhere", "other"),
                named("mine", machine="a"),
                named("theirs", machine="b"),
                named("nobody's"),
            ]
        )
        what = Rebuild(store="s", bucket="lab-data", prefix="", **scope)
        await catalog.note_page(what, Rebuilt(), page(is_last=True))

        assert await gone_in(catalog) == gone


async def test_pages_of_any_order_end_right(catalog_place):
    """A store may list in another order than S3's: in the end every key is there that was listed."""
    keys = [f"raw/{number:02}" for number in range(9)]
    async with open_catalog(catalog_place) as catalog:
        await catalog.record_many([named(key) for key in (*keys, "raw/04x", "zzz")])
        what = Rebuild(store="s", bucket="lab-data", prefix="raw/")
        done = Rebuilt()
        for some in (keys[3:5], keys[6:], keys[:3], keys[5:6]):
            before, done = done, await catalog.note_page(what, done, page(*some))
            is_ordered = some[0] > before.reached
            assert await catalog.find_rebuild(what) == (done if is_ordered else None)
        await catalog.note_page(what, done, page(is_last=True))

        assert await gone_in(catalog) == ["raw/04x"]
        assert await catalog.find_rebuild(what) is None


async def test_the_same_object_under_another_name_is_known(service, put, bucket):
    """Its key has a name; it gets no other."""
    row = await put("a.txt", b"data")
    done = await rebuild(service)

    assert done.added == 0
    assert await service.stored.names_at(Place.of(row)) == [row]
