"""Run again after a kill: only what was missing is sent; what is of no use any more is taken away."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import asynccontextmanager
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from hashdrop.digest import FileDigest
from hashdrop.errors import CatalogError
from hashdrop.s3.claims import Claims
from hashdrop.s3.resuming import UnfinishedUpload
from hashdrop.snapshot import FileSnapshot
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.journal import open_journal
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule
from support.fault_rig import open_rig
from support.fault_rig import open_uploads
from support.put_process import Put
from support.put_process import check_folder

PARTS = 6
SIZE = PARTS * 5 * MIB


@pytest.fixture
async def killed(s3_server, bucket, proxy, tmp_path):
    """What a run that was killed when it had sent two parts of six has left, and the next run."""

    @asynccontextmanager
    async def after_a_kill(*, rule=None, path=None, **target):
        path = path or tmp_path / "a.bin"
        path.write_bytes(os.urandom(SIZE))
        copy = tmp_path / "after"
        rule = proxy.add(rule or Rule.hold("UploadPart", nth=3))
        async with open_rig(s3_server, bucket, proxy, tmp_path / "before") as first:
            first.add(path, target=first.target(max_parts_in_flight=1, **target))
            await first.reached(rule)
            copy_of_the_disk(first.folder, copy)
            first.engine._transfers[1].wanted = State.PAUSED
            first.engine._transfers[1].scope.cancel()  # the kill: it says no word to the store
            proxy.clear()
            with anyio.fail_after(20):
                while first.engine._running:
                    await anyio.sleep(0.01)
        proxy.requests.clear()
        async with open_rig(s3_server, bucket, proxy, copy) as rig:
            rig.path = path
            yield rig

    return after_a_kill


def copy_of_the_disk(folder, copy):
    """What a kill leaves: the journal as it is, and the lock file of nobody."""
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.bin"))


async def rows_of_the_queue(folder, count):
    """Wait until so many files stand in the journal's queue."""
    database = sqlite3.connect(folder / "journal.sqlite3")
    try:
        with anyio.fail_after(20):
            while database.execute("SELECT count(*) FROM hashdrop_queue").fetchone() != (count,):
                await anyio.sleep(0.01)
    finally:
        database.close()
    return True


def numbers(rig):
    return sorted(rig.sent_parts())


@pytest.mark.parametrize("checksums", [True, False])
async def test_only_what_was_missing_is_sent(killed, checksums):
    """With the store's checksums, and by the MD5 in its ETags; not even hashed again."""
    async with killed(checksums=checksums) as rig:
        await rig.store(rig.path, target=rig.target(checksums=checksums))
        (stored,) = rig.of(Stored)

        await rig.check()
        assert numbers(rig)[-3:] == [4, 5, 6]
        assert set(numbers(rig)) <= {3, 4, 5, 6}
        assert stored.sent_bytes == 5 * MIB * len(numbers(rig))
        assert rig.of(Hashing) == []
        assert stored.verified is checksums


async def test_a_file_that_changed_meanwhile_starts_anew(killed):
    """The upload of what it was is aborted."""
    async with killed() as rig:
        rig.path.write_bytes(os.urandom(LARGE))
        await rig.store(rig.path)

        await rig.check()
        assert numbers(rig) == [1, 2, 3]
        assert [event.sent_bytes for event in rig.of(Stored)] == [LARGE]


@pytest.mark.parametrize("how", ["touched", "replaced"])
async def test_the_same_content_with_another_time_or_identity_is_gone_on_with(killed, how):
    """It is hashed again, and what the store has of it is not sent again: a disk that was mounted anew."""
    async with killed() as rig:
        if how == "replaced":
            copy = rig.path.with_name("copy")
            shutil.copy2(rig.path, copy)
            copy.replace(rig.path)
        else:
            os.utime(rig.path)
        await rig.store(rig.path)

        await rig.check()
        assert set(numbers(rig)) <= {3, 4, 5, 6}
        assert len(rig.of(Stored)) == 1
        assert rig.of(Hashing) != []


async def test_other_content_of_the_same_size_starts_anew(killed):
    """The upload of what it was is aborted."""
    async with killed() as rig:
        rig.path.write_bytes(os.urandom(SIZE))
        await rig.store(rig.path)

        await rig.check()
        assert numbers(rig) == list(range(1, PARTS + 1))
        assert len(rig.of(Stored)) == 1


@pytest.mark.parametrize("then", ["stored", "cancelled"])
async def test_the_same_file_to_another_place_leaves_a_paused_upload_alone(
    s3_server, bucket, proxy, tmp_path, then
):
    """Dropped on two prefixes of one store: each has its own upload, and no part is sent again."""
    async with open_rig(s3_server, bucket, proxy, tmp_path / "run", keeps_queue=True) as rig:
        path = rig.file("a.bin", SIZE)
        rule = proxy.add(Rule.hold("UploadPart", nth=4))
        claims = Claims()
        rig.add(path, target=rig.target(max_parts_in_flight=1, claims=claims))
        await rig.reached(rule)
        (first,) = rig.ids()
        rig.engine.pause([first])
        rule.release()
        await rig.until(Paused)
        kept = open_uploads(s3_server, bucket)
        if then == "cancelled":
            rule = proxy.add(Rule.hold("UploadPart"))
        rig.add(path, target=rig.target(prefix="q", claims=claims))
        if then == "stored":
            await rig.until(Stored)
        else:
            await rig.reached(rule)
            rig.engine.cancel([number for number in rig.ids() if number != first])
            rule.release()
            await rig.until(Cancelled)
            with anyio.fail_after(20):
                while rig.engine._clean_ups:
                    await anyio.sleep(0.01)
        assert open_uploads(s3_server, bucket) == kept
        proxy.requests.clear()
        rig.engine.resume([first])
        await rig.engine.drained()

        await rig.check()
        assert set(numbers(rig)) <= {4, 5, 6}


async def test_two_places_of_one_file_both_come_back(s3_server, bucket, proxy, tmp_path):
    """After a kill neither takes the other's upload away."""
    folder = tmp_path / "run"
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as first:
        path = first.file("a.bin", SIZE)
        for prefix in ("p", "q"):
            rule = proxy.add(Rule.hold("UploadPart", nth=3, path=f"/{prefix}/"))
            first.add(path, target=first.target(prefix=prefix, max_parts_in_flight=1))
            await first.reached(rule)
            first.engine.pause(first.ids())
            rule.release()
            await first.until(Paused, count="pq".index(prefix) + 1)
        await first.engine.suspend()
        assert len(open_uploads(s3_server, bucket)) == 2
    proxy.requests.clear()
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as second:
        claims = Claims()
        targets = {
            prefix: second.target(prefix=prefix, max_parts_in_flight=1, claims=claims)
            for prefix in ("p", "q")
        }
        assert await second.engine.restore(lambda file: targets[file.connection.prefix]) == 2
        second.engine.resume_all()
        await second.engine.drained()

        await second.check()
        assert len(second.of(Stored)) == 2
        assert set(numbers(second)) <= {3, 4, 5, 6}


async def test_a_file_that_became_small_leaves_nothing_unknown(killed):
    """It is stored by one PUT; the old upload is in the journal, or gone."""
    async with killed() as rig:
        rig.path.write_bytes(b"small now")
        await rig.store(rig.path)

        await rig.check(nothing_left=False)
        assert len(rig.of(Stored)) == 1


async def test_other_bytes_under_the_old_time_are_found_out(killed):
    """Size, time and inode are the same: the parts that were not sent tell."""
    async with killed() as rig:
        status = rig.path.stat()
        data = os.urandom(SIZE)
        with rig.path.open("r+b") as file:
            file.write(data)
        os.utime(rig.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        await rig.store(rig.path)

        await rig.check()
        assert numbers(rig)[-PARTS:] != []
        assert rig.server.body(rig.bucket, rig.of(Stored)[0].pointer.key) == data


async def test_an_upload_that_somebody_aborted_starts_anew(killed):
    """Its id is gone: hashed already, all is sent."""
    async with killed() as rig:
        ((key, upload_id),) = open_uploads(rig.server, rig.bucket)
        rig.server.plain.abort_multipart_upload(Bucket=rig.bucket, Key=key, UploadId=upload_id)
        await rig.store(rig.path)

        await rig.check()
        assert numbers(rig) == list(range(1, PARTS + 1))
        assert [event.sent_bytes for event in rig.of(Stored)] == [SIZE]


async def test_content_that_somebody_stored_meanwhile_is_found(killed):
    """No byte is sent; the upload is aborted."""
    async with killed() as rig:
        other = await rig.target(endpoint_url=rig.server.endpoint_url).writer()
        await other.write_file(rig.path)
        await rig.store(rig.path)

        await rig.check()
        assert numbers(rig) == []
        assert [event.sent_bytes for event in rig.of(AlreadyStored)] == [0]


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("wrong", ["other-bytes", "too-short"])
async def test_a_part_that_s3_has_with_other_bytes_is_sent_again(killed, wrong, checksums):
    """Whoever wrote it: held against the recorded hash of the part."""
    async with killed(checksums=checksums) as rig:
        ((key, upload_id),) = open_uploads(rig.server, rig.bucket)
        data = os.urandom(5 * MIB if wrong == "other-bytes" else 5 * MIB - 1)
        more = {"ChecksumAlgorithm": "CRC32"} if checksums else {}
        rig.server.plain.upload_part(
            Bucket=rig.bucket, Key=key, UploadId=upload_id, PartNumber=5, Body=data, **more
        )
        await rig.store(rig.path, target=rig.target(checksums=checksums))

        await rig.check()
        assert numbers(rig)[-3:] == [4, 5, 6]
        assert {1, 2} & set(numbers(rig)) == set()
        assert len(rig.of(Stored)) == 1


async def test_another_prefix_starts_anew(killed):
    """The upload under the old key is aborted."""
    async with killed() as rig:
        await rig.store(rig.path, target=rig.target(prefix="q"))

        await rig.check()
        assert numbers(rig) == list(range(1, PARTS + 1))
        assert list(rig.server.objects(rig.bucket)) == [rig.of(Stored)[0].pointer.key]


async def test_another_store_is_not_asked_for_it(killed):
    """The same path to another endpoint: its own upload; the first stays known."""
    async with killed() as rig:
        await rig.store(rig.path, target=rig.target(store_name="another store", prefix="q"))

        await rig.check(nothing_left=False)
        assert numbers(rig) == list(range(1, PARTS + 1))
        assert len(await rig.journal.leftovers()) == 1


async def test_killed_between_the_creation_and_its_note(killed):
    """Only the intent is known: the upload is found by its key, and nothing of it is left."""
    async with killed(rule=Rule.hold_answer("CreateMultipartUpload")) as rig:
        (left,) = await rig.journal.leftovers()
        assert left.is_intent
        assert len(open_uploads(rig.server, rig.bucket)) == 1
        await rig.check(nothing_left=False)
        await rig.store(rig.path)

        await rig.check()
        assert len(rig.of(Stored)) == 1


async def test_an_intent_that_cannot_be_looked_into_stays_known(killed):
    """The store does not list uploads now: the file is stored, and the intent is not forgotten."""
    async with killed(rule=Rule.hold_answer("CreateMultipartUpload")) as rig:
        rig.proxy.add(Rule.answer("ListMultipartUploads", 503, "SlowDown", times=999))
        await rig.store(rig.path)
        await rig.check(nothing_left=False)
        assert len(rig.of(Stored)) == 1
        rig.proxy.clear()
        await rig.store(rig.path)

        await rig.check()


async def test_an_intent_takes_no_upload_of_another_run(killed, s3_server, bucket):
    """One that has parts under the same key is somebody's."""
    async with killed(rule=Rule.hold_answer("CreateMultipartUpload")) as rig:
        client = s3_server.client()
        key = open_uploads(s3_server, bucket)[0][0]
        theirs = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        client.upload_part(Bucket=bucket, Key=key, UploadId=theirs, PartNumber=1, Body=b"x")
        await rig.store(rig.path)

        assert open_uploads(s3_server, bucket) == [(key, theirs)]
        assert await rig.journal.leftovers() == []


@pytest.mark.parametrize("then", ["resumed", "cancelled"])
async def test_who_may_not_list_parts_sends_them_anew(rig, then):
    """Listing is a permission of its own, which many keys have not: the file is stored all the same."""
    rig.proxy.add(Rule.answer("ListParts", 403, "AccessDenied", times=999))
    path = rig.file()
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=2))
    target = rig.target(max_parts_in_flight=1)
    rig.add(path, target=target)
    await rig.reached(rule)
    if then == "resumed":
        rig.engine.pause(rig.ids())
    else:
        rig.engine.cancel(rig.ids())
    rule.release()
    await rig.until(Paused, Cancelled)
    if then == "resumed":
        rig.engine.resume(rig.ids())
    else:
        rig.engine.retry(rig.ids(), target)
    with anyio.fail_after(30):
        await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1
    assert rig.sent_parts()[-3:] == [1, 2, 3]


async def test_a_run_that_lives_keeps_its_upload(rig, s3_server, bucket, proxy):
    """Another run on the same path begins its own."""
    path = rig.file("a.bin", SIZE)
    rule = proxy.add(Rule.hold("UploadPart", nth=2))
    rig.add(path, target=rig.target(max_parts_in_flight=1))
    await rig.reached(rule)
    async with open_rig(s3_server, bucket, proxy, rig.folder) as other:
        assert await other.journal.leftovers() == []
        await other.store(path)
        assert len(other.of(Stored)) == 1
        assert len(open_uploads(s3_server, bucket)) == 1
    rule.release()
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(AlreadyStored)) == 1


async def test_the_queue_comes_back(s3_server, bucket, proxy, tmp_path):
    """Running, waiting and paused files; the paused ones paused, what was sent of the others is kept."""
    folder = tmp_path / "run"
    people = {"keeps_queue": True, "waits_for_sign_in": True}
    async with open_rig(s3_server, bucket, proxy, folder, **people) as first:
        paths = [first.file(f"{number}.bin", LARGE) for number in range(6)]
        paths += [first.file(f"small-{number}.bin", SMALL + number) for number in range(3)]
        rule = proxy.add(Rule.hold("UploadPart", nth=3, times=99))  # two pass: no file is whole
        first.add(*paths, target=first.target(max_parts_in_flight=2))
        await first.reached(rule)
        await first.until(Queued, count=9)
        await first.until(Stored, count=3)
        first.engine.pause([6])
        await first.until(Paused)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(first.engine.suspend)
                await anyio.sleep(0.1)
                rule.release()
        assert first.engine.active_count == 6
    sent = len(proxy.requests)
    async with open_rig(s3_server, bucket, proxy, folder, **people) as second:
        target = second.target()
        assert await second.engine.restore(lambda _: target) == 6
        second.recorded.pointers += first.recorded.pointers
        await second.until(Stored, AlreadyStored, count=5)
        (paused,) = second.of(Paused)
        assert {event.name for event in second.of(Queued) if event.id == paused.id} == {"5.bin"}
        second.engine.resume([paused.id])
        with anyio.fail_after(30):
            await second.engine.drained()

        await second.check()
        assert len(second.of(Stored, AlreadyStored)) == 6
        again = [r for r in proxy.requests[sent:] if r.operation == "UploadPart"]
        assert len(again) < 6 * 3
    async with open_rig(s3_server, bucket, proxy, folder, **people) as third:
        assert await third.engine.restore(lambda _: target) == 0


@pytest.mark.parametrize("before", ["nothing", "all"], ids=lambda one: f"after a pause of {one}")
async def test_a_pause_for_now_ends_with_the_program(s3_server, bucket, proxy, tmp_path, before):
    """What it held goes on at the next start; what was paused by itself is paused there, too."""
    folder = tmp_path / "run"
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as first:
        if before == "all":
            first.engine.pause_all()
        else:
            first.engine.pause_all(lasts=False)
        first.add(first.file("own.bin"), first.file("a.bin"))
        await first.until(Queued, count=2)
        own = next(one.id for one in first.of(Queued) if one.name == "own.bin")
        first.engine.pause([own])
        first.engine.pause_all(lasts=False)
        first.add(first.file("later.bin"))
        await first.until(Queued, count=3)
        await first.engine.suspend()
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as second:
        assert await second.engine.restore(lambda _: second.target()) == 3
        await second.until(Stored, AlreadyStored, count=2)

        assert second.engine.paused_count == 1
        names = {one.name for one in second.of(Queued)}
        assert names == {"own.bin", "a.bin", "later.bin"}
        second.engine.resume_all()
        await second.engine.drained()


async def test_a_file_of_the_queue_that_cannot_be_read_keeps_no_other_back(
    s3_server, bucket, proxy, tmp_path
):
    """Noted by a later version, which knows more of connections: that version finds it still."""
    folder = tmp_path / "run"
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as first:
        first.engine.pause_all()
        first.add(first.file("a.bin", SMALL), first.file("b.bin", SMALL))
        await first.until(Queued, count=2)
        await first.engine.suspend()
    with closing(sqlite3.connect(folder / "journal.sqlite3")) as database, database:
        database.execute(
            "UPDATE hashdrop_queue SET connection = replace(connection, 'automatic', 'later') "
            "WHERE transfer = 1"
        )
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as second:
        second.engine.pause_all()
        assert await second.engine.restore(lambda _: second.target()) == 1
        second.engine.resume_all()
        await second.engine.drained()

        await second.check()
        assert len(second.of(Stored)) == 1
        assert await rows_of_the_queue(folder, 1)


async def test_a_queue_that_cannot_be_noted_again_is_not_forgotten(
    s3_server, bucket, proxy, tmp_path, monkeypatch
):
    """Restored while the journal cannot be written: the next start has it still."""
    folder = tmp_path / "run"
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as first:
        first.engine.pause_all()
        first.add(first.file("a.bin", SMALL), first.file("b.bin"))
        await first.until(Queued, count=2)
        await first.engine.suspend()
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as second:

        async def full(*_, **__):
            raise CatalogError("The journal cannot be written.")

        monkeypatch.setattr(second.journal, "queue", full)
        second.engine.pause_all()
        assert await second.engine.restore(lambda _: second.target()) == 2
        await second.engine.suspend()
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as third:
        assert await third.engine.restore(lambda _: third.target()) == 2
        third.engine.resume_all()  # they were paused
        await third.engine.drained()

        await third.check()
        assert len(third.of(Stored)) == 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_file_that_was_cancelled_and_retried_comes_back(
    s3_server, bucket, proxy, tmp_path, at_once
):
    """Cancelled, it was taken out of the journal; retried, it is to survive a kill again."""
    folder = tmp_path / "run"
    async with open_rig(s3_server, bucket, proxy, folder, keeps_queue=True) as first:
        first.engine.pause_all()
        first.add(first.file("a.bin", SMALL), first.file("b.bin", SMALL))
        await first.until(Queued, count=2)
        first.engine.cancel(first.ids())
        if not at_once:
            assert await rows_of_the_queue(folder, 0)
        first.engine.retry(first.ids(), first.target())
        for _ in range(5):
            await first.journal.leftovers()  # its turn comes after what was asked before
        assert await rows_of_the_queue(folder, 2)
        copy_of_the_disk(folder, tmp_path / "copy")
    async with open_rig(s3_server, bucket, proxy, tmp_path / "copy", keeps_queue=True) as second:
        second.engine.pause_all()
        assert await second.engine.restore(lambda _: second.target()) == 2
        second.engine.cancel([1])
        second.engine.retry([1], second.target())
        second.engine.resume_all()
        await second.until(Queued, count=3)
        await second.engine.drained()

        await second.check()
        assert len(second.of(Stored)) == 2
        assert await rows_of_the_queue(second.folder, 0)  # what is stored is not noted again


async def test_a_restored_file_that_is_cancelled_leaves_nothing(killed):
    """Cancelled before it was started again: its upload is aborted."""
    async with killed() as rig:
        rig.engine.pause_all()
        rig.add(rig.path)
        await rig.until(Queued)
        await rig.engine.cancel_all()

        await rig.check()
        assert rig.of(Failed) == []


async def test_the_journal_gives_back_what_it_was_given(tmp_path):
    """Numbers beyond 63 bits, and a path that is no Unicode."""
    snapshot = FileSnapshot(size=2**40, mtime_ns=2**62, inode=2**64 - 1, device=2**64 - 3)
    found = FileDigest(content_hash="ab" * 32, size=2**40, part_size=7, part_crcs=(0, 2**32 - 1))
    upload = UnfinishedUpload(
        path=Path(os.fsdecode(b"/\xff\xfe/a")),
        snapshot=snapshot,
        found=found,
        endpoint="",
        bucket="b",
        key="k",
        upload_id="u",
    )
    async with open_journal(tmp_path / "journal.sqlite3") as journal:
        await journal.began(upload, intent="")
        (back,) = await journal.unfinished(upload.path, "")

    assert replace(back, begun_at=0.0) == upload


@pytest.mark.parametrize("checksums", [True, False])
async def test_hashdrop_put_run_again_sends_only_what_was_missing(
    s3_server, bucket, proxy, tmp_path, checksums
):
    """Killed in the middle of a large file: both runs together send little more than its size."""
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(60 * MIB))
    data = tmp_path / "data"
    more = {
        "endpoint_url": proxy.endpoint_url,
        "options": ["--limit-rate", "30M"],
        "checksums": checksums,
    }
    killed = Put(s3_server, bucket, data, path, **more)
    with anyio.fail_after(30):
        while proxy.received.get("UploadPart", 0) < 30 * MIB:
            await anyio.sleep(0.01)
    killed.kill()
    await killed.ended()
    await anyio.sleep(0.5)
    check_folder(s3_server, bucket, data, nothing_left=False)
    again = Put(s3_server, bucket, data, path, **more)

    assert await again.ended() == 0, again.errors
    (row,) = again.rows
    in_flight = 4 * 5 * MIB
    check_folder(s3_server, bucket, data, nothing_left=True)
    assert row["status"] == "stored"
    assert 60 * MIB <= proxy.received["UploadPart"] <= 60 * MIB + in_flight
    assert row["sent_bytes"] <= 30 * MIB + in_flight
