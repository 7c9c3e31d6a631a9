"""The journal and the catalog on a disk that is full, or locked by another program: the states say the truth."""

from __future__ import annotations

import contextlib
import os
import sqlite3

import anyio
import pytest
from sqlalchemy import event

from hashdrop.catalog.catalog import open_catalog
from hashdrop.errors import CatalogError
from hashdrop.errors import CatalogFull
from hashdrop.transfers import journal as journal_module
from hashdrop.transfers import recording
from hashdrop.transfers.engine import open_engine
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Stored
from hashdrop.transfers.journal import VERSION
from hashdrop.transfers.journal import open_journal
from support.fault_rig import LARGE
from support.fault_rig import SMALL
from support.fault_rig import Rule
from support.fault_rig import open_rig
from support.fault_rig import open_uploads
from support.full_journal import fill_journal
from support.full_journal import make_room
from support.programs import run_program
from support.put_process import Put
from support.put_process import check_folder
from support.tiny_disk import fill as fill_disk
from support.tiny_disk import mounted


async def test_a_journal_that_is_full_before_an_upload_begins(rig):
    """Nothing is sent that nobody would know of after a crash: failed, with the reason; a retry stores it."""
    fill_journal(rig.journal)
    target = rig.target()
    await rig.store(rig.file(), target=target)
    (failed,) = rig.of(Failed)
    assert isinstance(failed.error, CatalogFull)
    assert "journal cannot be written" in failed.error.sentence
    assert "full" in failed.error.sentence
    assert open_uploads(rig.server, rig.bucket) == []
    assert rig.sent_parts() == []
    make_room(rig.journal)
    rig.engine.retry([failed.id], target)
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


@pytest.mark.parametrize("step", ["began", "ended"])
async def test_a_journal_that_gets_full_in_the_middle(rig, monkeypatch, step):
    """The upload is aborted, or completed and told as stored; nothing is left that is not known."""

    async def full(*_, **__):
        raise CatalogError("The journal cannot be written.", detail="It is full.", retryable=True)

    monkeypatch.setattr(rig.journal, step, full)
    await rig.store(rig.file())

    await rig.check(nothing_left=False)
    assert open_uploads(rig.server, rig.bucket) == []
    assert len(rig.of(Stored)) == (1 if step == "ended" else 0)
    assert len(rig.of(Failed)) == (0 if step == "ended" else 1)


async def test_a_full_journal_does_not_hide_why_a_file_failed(rig, monkeypatch):
    """The store's refusal is told, not the journal's trouble."""

    async def full(*_, **__):
        raise CatalogError("The journal cannot be written.")

    monkeypatch.setattr(rig.journal, "ended", full)
    rig.proxy.add(Rule.answer("UploadPart", 403, "AccessDenied", times=99))
    await rig.store(rig.file())
    (failed,) = rig.of(Failed)

    assert "You may not do this" in failed.error.sentence


async def test_small_files_need_no_journal(rig):
    """They are stored though it is full: nothing of them could be left."""
    fill_journal(rig.journal)
    await rig.store(*(rig.file(f"{number}.bin", SMALL + number) for number in range(5)))
    make_room(rig.journal)

    await rig.check()
    assert len(rig.of(Stored)) == 5


async def test_a_full_queue_stops_no_file(s3_server, bucket, proxy, tmp_path):
    """The queue cannot be noted: only a crash would forget it."""
    async with open_rig(s3_server, bucket, proxy, tmp_path / "run", keeps_queue=True) as rig:
        fill_journal(rig.journal)
        await rig.store(rig.file("a.bin", SMALL))
        make_room(rig.journal)

        await rig.check()
        assert len(rig.of(Stored)) == 1


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
async def test_one_that_the_catalog_does_not_take_fails_alone(rig, size):
    """Its neighbours are noted without it, and it is told by its own name; no retry is promised."""
    rig.recorded.refused = "3.bin"
    await rig.store(*(rig.file(f"{number}.bin", size + number) for number in range(6)))
    (failed,) = rig.of(Failed)

    await rig.check()
    assert sorted(name for name, _ in rig.recorded.pointers) == [
        f"{n}.bin" for n in (0, 1, 2, 4, 5)
    ]
    assert failed.error.title == "“3.bin” is in S3, but could not be noted in the catalog."
    assert (failed.error.hint, failed.error.retryable) == ("Call it otherwise.", False)
    assert failed.sent_bytes == size + 3


async def test_a_catalog_that_does_not_answer_is_waited_for_once(rig, monkeypatch):
    """Each wait is half a minute. Nothing is called stored meanwhile; later, or by a retry, it is asked again."""
    monkeypatch.setattr(recording, "_AWAY_S", 3600)
    rig.recorded.is_silent = True
    target = rig.target()
    for number in range(3):
        await rig.store(rig.file(f"{number}.bin", SMALL + number), target=target)
    await rig.store(rig.file("3.bin", LARGE), target=target)
    asked, failed = rig.recorded.asked, rig.of(Failed)
    rig.recorded.is_silent = False
    rig.engine._recording._away_until -= 3600
    await rig.store(rig.file("4.bin", SMALL + 4), target=target)
    rig.recorded.is_silent = True
    await rig.store(rig.file("5.bin", SMALL + 5), target=target)
    rig.recorded.is_silent = False
    rig.engine.retry([one.id for one in rig.of(Failed)], target)
    await rig.engine.drained()

    await rig.check()
    assert (asked, len(failed)) == (1, 4)
    assert all("could not be noted" in one.error.sentence for one in failed)
    assert (len(rig.of(Failed)), len(rig.of(Stored)), len(rig.of(AlreadyStored))) == (5, 1, 5)
    assert len(rig.recorded.pointers) == 6


async def test_a_catalog_that_cannot_be_written(rig):
    """Failed, and said that S3 has it and where; a retry notes it without sending it again."""
    rig.recorded.fails = True
    target = rig.target()
    path = rig.file()
    await rig.store(path, target=target)
    (failed,) = rig.of(Failed)
    ((key, _),) = rig.server.objects(rig.bucket).items()
    assert f"s3://{rig.bucket}/{key}" in failed.error.sentence
    assert "in S3, but could not be noted" in failed.error.sentence
    await rig.check()
    rig.recorded.fails = False
    rig.engine.retry([failed.id], target)
    await rig.engine.drained()

    await rig.check()
    assert [event.sent_bytes for event in rig.of(AlreadyStored)] == [0]
    assert len(rig.recorded.pointers) == 1


async def test_a_journal_that_another_program_locks_is_waited_for(rig):
    """For some seconds: then it goes on."""
    with contextlib.closing(
        sqlite3.connect(rig.folder / "journal.sqlite3", isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        rig.add(rig.file())
        await anyio.sleep(1.0)
        assert rig.of(Stored, Failed) == []
        assert rig.proxy.count("CreateMultipartUpload") == 0
        other.execute("ROLLBACK")
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(Stored)) == 1


async def test_a_journal_that_another_program_locks_for_long_fails(
    s3_server, bucket, proxy, tmp_path, monkeypatch
):
    """With a sentence, and nothing sent; the event loop is not held meanwhile."""
    monkeypatch.setattr(journal_module, "_BUSY_S", 0.5)
    async with open_rig(s3_server, bucket, proxy, tmp_path / "run") as rig:
        with contextlib.closing(
            sqlite3.connect(rig.folder / "journal.sqlite3", isolation_level=None)
        ) as other:
            other.execute("BEGIN IMMEDIATE")
            await rig.store(rig.file())
            other.execute("ROLLBACK")
        (failed,) = rig.of(Failed)

        await rig.check()
        assert "locked" in failed.error.sentence
        assert failed.error.retryable
        assert rig.sent_parts() == []


async def test_a_catalog_that_another_program_locks_for_long_fails(
    s3_server, bucket, proxy, tmp_path
):
    """The real catalog: S3 has it, the catalog not, and so it is not called stored; then a retry notes it."""
    async with (
        open_rig(s3_server, bucket, proxy, tmp_path / "run") as rig,
        open_catalog(tmp_path / "catalog.sqlite3") as catalog,
    ):

        async def record(confirmed):
            for one in confirmed:
                await catalog.record(
                    one.pointer, name=one.transfer.name, folder="", connection="test"
                )

        @event.listens_for(catalog._engine.sync_engine, "begin")
        def impatient(connection):
            connection.exec_driver_sql("PRAGMA busy_timeout = 300")

        rig.recorded = record
        target = rig.target()
        with contextlib.closing(
            sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None)
        ) as other:
            other.execute("BEGIN IMMEDIATE")
            await rig.store(rig.file("a.bin", SMALL), target=target)
            other.execute("ROLLBACK")
        (failed,) = rig.of(Failed)
        assert "locked" in failed.error.sentence
        assert await catalog.page() == []
        rig.engine.retry([failed.id], target)
        await rig.engine.drained()

        assert len(await catalog.page()) == 1
        assert len(rig.of(AlreadyStored)) == 1


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 1 MiB."""
    with mounted(tmp_path / "disk", "1m") as folder:
        yield folder
        Put.end_all()


async def test_the_real_program_on_a_full_disk(s3_server, bucket, tiny_disk, tmp_path):
    """It ends with a sentence, stores nothing that it does not note, and stores all when there is room."""
    data = tiny_disk
    paths = [tmp_path / "large.bin", tmp_path / "small.bin"]
    for path, size in zip(paths, (LARGE, SMALL), strict=True):
        path.write_bytes(os.urandom(size))
    first = tmp_path / "first.bin"
    first.write_bytes(b"first")
    made = Put(s3_server, bucket, data, first)  # the tables are made
    assert await made.ended() == 0, made.errors
    filler = fill_disk(tiny_disk)
    full = Put(s3_server, bucket, data, *paths)
    code = await full.ended()
    said = full.errors + "".join(str(row["error"]) for row in full.rows)

    assert code == 1
    assert "cannot be" in said or "could not be noted" in said
    assert "Traceback" not in full.errors
    check_folder(s3_server, bucket, data, nothing_left=False)
    filler.unlink()
    again = Put(s3_server, bucket, data, *paths)

    assert await again.ended() == 0, again.errors
    check_folder(s3_server, bucket, data, nothing_left=True)
    assert len(s3_server.objects(bucket)) == 3


def test_a_listing_on_a_full_disk(tiny_disk):
    """SQLite shares a file with other programs even to read: what is to be done is told."""
    data = ("--data", tiny_disk / "data", "--config", tiny_disk / "config")
    made = run_program("ls", *data).checked()
    filler = fill_disk(tiny_disk)
    full = run_program("ls", *data).checked()
    filler.unlink()
    again = run_program("ls", *data).checked()

    assert made.code == again.code == 0
    assert (full.code, full.out) == (1, "")
    assert "Make room on the disk" in full.err


async def test_a_file_that_is_no_database_is_told(tmp_path):
    """And is left as it is."""
    file = tmp_path / "journal.sqlite3"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(CatalogError, match="not a database") as told:
        async with open_journal(file):
            pass

    assert str(file) in told.value.detail
    assert "move it out of the data folder" in told.value.hint
    assert file.read_bytes() == b"this is no database" * 100


async def test_a_journal_of_a_later_version_is_told(tmp_path):
    """Never read as if it were of this one."""
    async with open_journal(tmp_path / "journal.sqlite3") as journal:
        journal._database.execute("UPDATE hashdrop_journal SET version = ?", (VERSION + 1,))
    with pytest.raises(CatalogError, match="later version"):
        async with open_journal(tmp_path / "journal.sqlite3"):
            pass


async def test_many_programs_start_at_once(tmp_path):
    """Each finds or makes the tables; none is turned away because the others are at it, whichever comes first."""
    opened = 0

    async def start(file, number):
        nonlocal opened
        first, second = (open_catalog, open_journal)[:: -1 if number % 2 else 1]
        async with first(file), second(file):
            opened += 1

    for turn in range(8):  # it was one of fifty that was turned away
        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(start, tmp_path / f"{turn}.sqlite3", number)

    assert opened == 96
    assert list((tmp_path / "runs").iterdir()) == []


async def test_an_engine_without_a_journal_works(rig):
    """As a library uses it: nothing is resumed, nothing is left."""
    stored = []

    async def record(confirmed):
        stored.extend(confirmed)

    async with open_engine(record) as engine:
        engine.add([rig.file()], rig.target())
        with anyio.fail_after(20):
            await engine.drained()

    assert len(stored) == 1
    assert open_uploads(rig.server, rig.bucket) == []
