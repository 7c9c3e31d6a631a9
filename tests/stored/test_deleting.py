"""Deleting: names only, or objects too; what can be undone, what is refused, what others still name."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest

from hashdrop.errors import CatalogError
from hashdrop.errors import ObjectMissing
from hashdrop.stored import deleting
from hashdrop.stored.deleting import Deletion
from hashdrop.stored.places import Place
from hashdrop.stored.places import object_ids
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.pointer_rows import stored_names


@pytest.fixture
def versioned(s3_server, bucket):
    """The bucket keeps versions; they are taken away at its end."""
    client = s3_server.plain
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    yield bucket
    empty(client, bucket)


@pytest.fixture
def locking(s3_server):
    """A bucket whose objects can be locked."""
    client = s3_server.plain
    name = f"{s3_server.new_bucket()}-l"
    client.delete_bucket(Bucket=name.removesuffix("-l"))
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    yield name
    empty(client, name)
    with contextlib.suppress(client.exceptions.ClientError):
        client.delete_bucket(Bucket=name)


def empty(client, bucket):
    answer = client.list_object_versions(Bucket=bucket)
    for one in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())):
        client.delete_object(
            Bucket=bucket,
            Key=one["Key"],
            VersionId=one["VersionId"],
            BypassGovernanceRetention=True,
        )


def names(rows):
    return sorted(row.name for row in rows)


async def test_names_only(service, put, s3_server, bucket):
    """The object stays; it can be undone with all that was known of the name."""
    row = await put("run/a.txt", b"data", tags={"run": "7"})
    deletion = await service.stored.delete([row], objects=False)
    after = await service.stored.search()
    await service.stored.undo(service.stored.deletions[-1])
    (again,) = await service.stored.search("tag:run=7 a.t")

    assert (deletion.names, deletion.objects, deletion.can_be_undone) == ([row], [], True)
    assert after == []
    assert row.pointer.key in s3_server.objects(bucket)
    assert (again.name, again.folder, again.stored_at, again.user) == (
        row.name, row.folder, row.stored_at, row.user,
    )  # fmt: skip
    assert service.stored.deletions == []


async def test_many_names_come_back_some_at_a_time(service, monkeypatch):
    """Nothing looks through all of them in one turn of the loop: 10,000 held the window for 53 ms."""
    await (await service.catalog()).record_many(stored_names(600))
    rows = await service.stored.search(limit=600)
    deletion = await service.stored.delete(rows, objects=False)
    turn, looks, told = 0, Counter(), []

    def counting(reach):
        of = object_ids(reach)
        return lambda place: looks.update([turn]) or of(place)

    async def count_turns():
        nonlocal turn
        while True:
            turn += 1
            await anyio.lowlevel.checkpoint()

    monkeypatch.setattr(deleting, "object_ids", counting)
    async with anyio.create_task_group() as group:
        group.start_soon(count_turns)
        await service.stored.undo(deletion, on_back=told.append)
        group.cancel_scope.cancel()

    assert looks.total() == 600
    assert max(looks.values()) <= 250
    assert told == [250, 500, 600]
    assert len(await service.stored.search(limit=700)) == 600


async def test_what_was_known_of_a_name_comes_back_with_it(service, put):
    """That it was verified, and that its object is gone."""
    for name in ("a.txt", "b.txt"):
        await put(name, name.encode())
    rows = {row.name: row for row in await service.stored.search()}
    await service.stored.verify_all([Place.of(rows["a.txt"])], on_verdict=lambda _: None)
    catalog = await service.catalog()
    await catalog.mark_gone([(rows["b.txt"].pointer.bucket, rows["b.txt"].pointer.key)])
    before = {row.name: (row.verified_at, row.gone_at) for row in await service.stored.search()}
    await service.stored.delete(await service.stored.search(), objects=False)
    await service.stored.undo(service.stored.deletions[-1])
    after = {row.name: (row.verified_at, row.gone_at) for row in await service.stored.search()}

    assert after == before
    assert all(any(marks) for marks in before.values())


async def test_the_object_too(service, put, s3_server, bucket):
    """What else names it is told before, and marked afterwards; without versions it is for ever."""
    row = await put("a.txt", b"data")
    await put("b.txt", b"data")
    (before,) = await service.stored.foresee([row])
    deletion = await service.stored.delete([row], objects=True)
    (left,) = await service.stored.search()

    assert (names(before.other_names), before.can_be_undone, before.lock) == (["b.txt"], False, "")
    assert s3_server.objects(bucket) == {}
    assert (left.name, left.gone_at is not None) == ("b.txt", True)
    assert names(deletion.others) == ["b.txt"]
    assert not deletion.can_be_undone
    assert service.stored.deletions == []


async def test_where_there_are_versions_it_is_undone(service, put, s3_server, versioned):
    """Twice: the object is there again, and so are its names."""
    rows = [await put(name, name.encode()) for name in ("a.txt", "b.txt")]
    await put("other.txt", b"a.txt")
    for _ in range(2):
        first, second = await service.stored.foresee(rows)
        await service.stored.delete(rows, objects=True)
        gone = await service.stored.search()
        empty_bucket = s3_server.objects(versioned)
        await service.stored.undo(service.stored.deletions[-1])
        rows = [row for row in await service.stored.search() if row.name != "other.txt"]

        assert first.can_be_undone
        assert second.can_be_undone
        assert [(row.name, bool(row.gone_at)) for row in gone] == [("other.txt", True)]
        assert empty_bucket == {}
        assert set(s3_server.objects(versioned)) == {row.pointer.key for row in rows}
        assert [row.gone_at for row in await service.stored.search()] == [None] * 3


async def test_what_was_not_there_does_not_come_back_as_if_it_were(
    service, put, s3_server, versioned
):
    """Its name was deleted with those of others; one that was stored since is there."""
    rows = [await put(name, name.encode()) for name in ("a.txt", "b.txt", "c.txt")]
    for row in rows[:2]:
        s3_server.plain.delete_object(Bucket=versioned, Key=row.pointer.key)
    deletion = await service.stored.delete(rows, objects=True)
    await put("again.txt", b"b.txt")
    await service.stored.undo(service.stored.deletions[-1])
    after = {row.name: bool(row.gone_at) for row in await service.stored.search()}

    assert {one.key for one in deletion.absent} == {row.pointer.key for row in rows[:2]}
    assert after == {"a.txt": True, "b.txt": False, "c.txt": False, "again.txt": False}


@pytest.mark.parametrize("objects", [False, True])
async def test_names_that_the_catalog_keeps_are_not_told_as_deleted(service, put, objects):
    """It refuses: they stand there still."""
    row = await put("a.txt", b"data")
    deletion = Deletion()
    with closing(sqlite3.connect(service.paths.data / "catalog.sqlite3")) as other:
        other.execute(
            "CREATE TRIGGER no BEFORE DELETE ON hashdrop_names BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    with pytest.raises(CatalogError, match="cannot be written"):
        await service.stored.delete([row], objects=objects, into=deletion)

    assert names(await service.stored.search()) == ["a.txt"]
    assert deletion.names == []
    assert len(deletion.objects) == objects
    assert service.stored.deletions == []


async def test_what_is_gone_for_ever_is_said(service, put, s3_server, versioned):
    """Someone took the versions away meanwhile: the names do not come back as if nothing had happened."""
    row = await put("a.txt", b"data")
    await service.stored.delete([row], objects=True)
    empty(s3_server.plain, versioned)
    with pytest.raises(ObjectMissing, match="cannot be brought back"):
        await service.stored.undo(service.stored.deletions[-1])

    assert await service.stored.search() == []
    assert len(service.stored.deletions) == 1


async def test_one_of_two_that_is_gone_for_ever_keeps_the_other_from_nothing(
    service, put, s3_server, versioned
):
    """The other is there again with its name; what is lost stays deleted, and is told."""
    rows = [await put(name, name.encode()) for name in ("a.txt", "b.txt")]
    await service.stored.delete(rows, objects=True)
    client = s3_server.plain
    for kind in ("Versions", "DeleteMarkers"):
        for one in client.list_object_versions(Bucket=versioned).get(kind, []):
            if one["Key"] == rows[0].pointer.key:
                client.delete_object(Bucket=versioned, Key=one["Key"], VersionId=one["VersionId"])
    with pytest.raises(ObjectMissing, match="cannot be brought back"):
        await service.stored.undo(service.stored.deletions[-1])
    (left,) = service.stored.deletions

    assert [row.name for row in await service.stored.search()] == ["b.txt"]
    assert set(s3_server.objects(versioned)) == {rows[1].pointer.key}
    assert [row.name for row in left.names] == ["a.txt"]


async def test_an_object_that_is_not_there_costs_no_mark(service, put, s3_server, versioned):
    """In a bucket with versions a deletion of nothing would leave a mark upon nothing."""
    row = await put("a.txt", b"data")
    s3_server.plain.delete_object(Bucket=versioned, Key=row.pointer.key)
    (before,) = await service.stored.foresee([row])
    await service.stored.delete([row], objects=True)
    marks = s3_server.plain.list_object_versions(Bucket=versioned)["DeleteMarkers"]

    assert not before.is_there
    assert len(marks) == 1
    assert await service.stored.search() == []


async def test_a_refusal_keeps_the_name(opened, s3_server, bucket, tmp_path):
    """One that is refused stops no other."""
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(name.encode())
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            service.add([tmp_path / "a.txt", tmp_path / "b.txt"])
            await service.transfers.drained()
            rows = await service.stored.search("", limit=9)
            kept = next(row for row in rows if row.name == "a.txt")
            proxy.add(
                Rule.answer("DeleteObject", 403, "AccessDenied", path=kept.pointer.key, times=9)
            )
            deletion = await service.stored.delete(rows, objects=True)
            left = await service.stored.search()
    ((place, error),) = deletion.refused

    assert place.key == kept.pointer.key
    assert "You may not do this" in error.sentence
    assert (names(left), left[0].gone_at) == (["a.txt"], None)
    assert set(s3_server.objects(bucket)) == {kept.pointer.key}


async def test_what_is_dropped_while_it_is_deleted_is_stored_anew(
    opened, s3_server, bucket, tmp_path
):
    """Also before its turn comes: else it is told as stored, and then deleted."""
    paths = [tmp_path / f"{number}.txt" for number in range(6)]
    for path in paths:
        path.write_text(path.name)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service, anyio.create_task_group() as group:
            engine = service.transfers
            service.add(paths)
            await engine.drained()
            rows = await service.stored.search("", limit=9)
            held = proxy.add(Rule.hold("DeleteObject", times=len(paths)))

            async def delete():
                await service.stored.delete(rows, objects=True)

            group.start_soon(delete)
            await anyio.to_thread.run_sync(held.reached.wait, 20)
            service.add(paths)
            with anyio.fail_after(20):
                while not engine._transfers:
                    await anyio.sleep(0.01)
                # They are told as stored, or wait.
                while not all(one.alone for one in engine._transfers.values()):
                    await anyio.sleep(0.01)
            held.release()
            with anyio.fail_after(30):
                await engine.drained()
        async with opened(proxy.endpoint_url) as service:
            left = await service.stored.search()

    assert names(left) == [path.name for path in paths]
    assert [row.gone_at for row in left] == [None] * len(paths)
    assert set(s3_server.objects(bucket)) == {row.pointer.key for row in left}


async def test_what_is_being_stored_is_not_deleted(opened, s3_server, bucket, tmp_path):
    """It would be told as stored, and be gone."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"data")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            service.add([path])
            await service.transfers.drained()
            rows = await service.stored.search()
            held = proxy.add(Rule.hold_answer("HeadObject"))
            service.add([path])
            await anyio.to_thread.run_sync(held.reached.wait, 20)
            deletion = await service.stored.delete(rows, objects=True)
            held.release()
            await service.transfers.drained()
            (left,) = await service.stored.search()
    ((_, error),) = deletion.refused

    assert "is being stored just now" in error.sentence
    assert left.gone_at is None
    assert list(s3_server.objects(bucket)) == [left.pointer.key]


async def test_a_lock_is_told_before_and_when_it_refuses(opened, s3_server, locking, tmp_path):
    """In words, with its end."""
    (tmp_path / "a.txt").write_bytes(b"data")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url, bucket=locking) as service:
            service.add([tmp_path / "a.txt"])
            await service.transfers.drained()
            (row,) = await service.stored.search()
            client = s3_server.plain
            ends = datetime.now(UTC) + timedelta(hours=1)
            retention = {"Mode": "GOVERNANCE", "RetainUntilDate": ends}
            client.put_object_retention(Bucket=locking, Key=row.pointer.key, Retention=retention)
            client.put_object_legal_hold(
                Bucket=locking, Key=row.pointer.key, LegalHold={"Status": "ON"}
            )
            (before,) = await service.stored.foresee([row])
            proxy.add(Rule.answer("DeleteObject", 403, "AccessDenied", times=9))
            deletion = await service.stored.delete([row], objects=True)
            proxy.clear()
            # Only a mark is set: the locked version stays, and it can be undone.
            marked = await service.stored.delete([row], objects=True)
            await service.stored.undo(marked)
            left = await service.stored.search()
            client.put_object_legal_hold(
                Bucket=locking, Key=row.pointer.key, LegalHold={"Status": "OFF"}
            )
    ((_, error),) = deletion.refused

    assert f"It is locked until {ends.astimezone():%Y-%m-%d %H:%M}." in before.lock
    assert "A legal hold is on it." in before.lock
    assert error.title == "The object is locked and cannot be deleted."
    assert before.lock in error.sentence
    assert [row.gone_at for row in left] == [None]
