"""A file that grows, shrinks, vanishes or is replaced: never completed under its old hash, and said so."""

from __future__ import annotations

import hashlib
import os

import anyio
import pytest

from hashdrop.s3 import hashing
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import HashedAgain
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule

ONE_PART = 4 * MIB + 1000
"""Hashed first, and sent with one PUT."""


def grow(path):
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path):
    os.truncate(path, path.stat().st_size // 2)


def replace(path):
    other = path.with_suffix(".new")
    other.write_bytes(os.urandom(path.stat().st_size))
    other.replace(path)


def overwrite(path):
    """Other bytes, and the time of change set back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(os.urandom(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def vanish(path):
    path.unlink()


CHANGES = [grow, shrink, replace, overwrite, vanish]
MOMENTS = {
    # After it was hashed, and before a byte is sent.
    "before-sending": "HeadObject",
    "before-the-first-part": "CreateMultipartUpload",
    "while-sending": "UploadPart",
}


async def changed_at(rig, path, change, rule, **more):
    """Change a file while a request is held, and let it end."""
    rig.proxy.add(rule)
    rig.add(path, **more)
    await rig.reached(rule)
    change(path)
    rule.release()
    with anyio.fail_after(30):
        await rig.engine.drained()


async def check_told(rig, path, old):
    """Stored as it is now, and hashed again first; or failed where it is gone."""
    await rig.check()
    assert old not in {event.pointer.content_hash for event in rig.of(Stored, AlreadyStored)}
    assert not any(old in key for key in rig.server.objects(rig.bucket))
    if path.exists():
        (stored,) = rig.of(Stored)

        assert stored.pointer.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(rig.of(HashedAgain)) == 1
        assert (
            "changed" in rig.of(HashedAgain)[0].error.sentence
            or "replaced" in rig.of(HashedAgain)[0].error.sentence
        )
    else:
        (failed,) = rig.of(Failed)

        assert "does not exist" in failed.error.sentence


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_large_file_that_changes(rig, moment, change):
    """Whatever the change and the moment between its hash and its last part."""
    path = rig.file()
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    await changed_at(
        rig,
        path,
        change,
        Rule.hold(MOMENTS[moment]),
        target=rig.target(max_parts_in_flight=1),
    )

    await check_told(rig, path, old)


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
async def test_a_file_of_one_part_that_changes(rig, change):
    """Between its hash and its only request."""
    path = rig.file("a.bin", ONE_PART)
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    await changed_at(rig, path, change, Rule.hold("HeadObject"))

    await check_told(rig, path, old)


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
async def test_a_single_pass_file_that_changes(rig, change):
    """While it is streamed; nothing temporary is left."""
    path = rig.file()
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    await changed_at(
        rig, path, change, Rule.hold("HeadObject"), target=rig.target(), single_pass=True
    )

    await check_told(rig, path, old)


@pytest.mark.parametrize("change", [grow, shrink, replace, overwrite], ids=lambda one: one.__name__)
async def test_a_change_between_the_last_part_and_the_completion(rig, change):
    """The part before is held, the file changes when all but that is sent."""
    path = rig.file()
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    last = rig.proxy.add(Rule.hold("UploadPart", nth=3))
    rig.add(path, target=rig.target(max_parts_in_flight=1))
    await rig.reached(last)
    change(path)  # all its bytes have come to the proxy
    last.release()
    with anyio.fail_after(30):
        await rig.engine.drained()

    await check_told(rig, path, old)


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
async def test_a_change_while_it_is_hashed(rig, change, monkeypatch):
    """Nothing is sent under a hash of half the old and half the new."""
    path = rig.file("a.bin", 30 * MIB)
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    changed = False

    def digested(file, *, on_read, **more):
        def told(count):
            nonlocal changed
            if not changed:
                changed = True
                change(path)
            on_read(count)

        return digest_file(file, on_read=told, **more)

    digest_file = hashing.digest_file
    monkeypatch.setattr(hashing, "digest_file", digested)
    await rig.store(path)

    await check_told(rig, path, old)


@pytest.mark.parametrize("change", [grow, shrink, replace, vanish], ids=lambda one: one.__name__)
async def test_a_small_file_that_changes_meanwhile(rig, change):
    """It was read once: what was read is stored, or what it is now; never a mixture."""
    path = rig.file("a.bin", SMALL)
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    await changed_at(rig, path, change, Rule.hold("HeadObject"))
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.pointer.content_hash == old


async def test_a_small_file_that_changes_before_a_second_try(rig):
    """What was read first is not sent again under its old hash: it is read anew."""
    path = rig.file("a.bin", SMALL)
    rule = rig.proxy.add(Rule.stall("PutObject"))
    rig.add(path, target=rig.target(read_timeout=1))
    await rig.reached(rule)
    replace(path)
    with anyio.fail_after(30):
        await rig.engine.drained()
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.pointer.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_file_that_never_rests_fails_with_a_sentence(rig):
    """Hashed again twice by itself, then it is left to the person."""
    path = rig.file()
    rig.engine.subscribe(lambda event: grow(path) if isinstance(event, HashedAgain) else None)
    rule = rig.proxy.add(Rule.hold("HeadObject"))
    rig.add(path)
    for count in range(1, 4):
        await rig.reached(rule)
        grow(path)
        following = Rule.hold("HeadObject")
        rig.proxy._rules = [following]
        rule.release()
        rule = following
        if count < 3:
            await rig.until(HashedAgain, count=count)
    with anyio.fail_after(30):
        await rig.engine.drained()
    (failed,) = rig.of(Failed)

    await rig.check()
    assert len(rig.of(HashedAgain)) == 2
    assert "changed" in failed.error.sentence
    assert failed.error.retryable
    assert rig.server.objects(rig.bucket) == {}


async def test_a_file_that_is_gone_before_its_turn(rig):
    """Failed with a sentence; the others are stored."""
    rig.engine.pause_all()
    gone, good = rig.file("gone.bin"), rig.file("good.bin")
    small = rig.file("small.bin", SMALL)
    rig.add(gone, good, small)
    await rig.until(Queued, count=3)
    gone.unlink()
    small.unlink()
    rig.engine.resume_all()
    await rig.engine.drained()

    await rig.check()
    assert sorted(event.error.sentence.split("”")[0] for event in rig.of(Failed)) == [
        "“gone.bin",
        "“small.bin",
    ]
    assert len(rig.of(Stored)) == 1


async def test_a_file_that_became_a_folder_or_may_not_be_read_fails(rig):
    """Each with its own sentence."""
    rig.engine.pause_all()
    paths = [rig.file("folder.bin"), rig.file("pipe.bin", SMALL)]
    rig.add(*paths)
    await rig.until(Queued, count=2)
    for path in paths:
        path.unlink()
    paths[0].mkdir()
    os.mkfifo(paths[1])
    rig.engine.resume_all()
    with anyio.fail_after(20):
        await rig.engine.drained()

    await rig.check()
    assert sorted(event.error.title for event in rig.of(Failed)) == [
        "“folder.bin” is a folder, not a file.",
        "“pipe.bin” is a pipe, not a file.",
    ]


async def test_a_small_file_that_became_large_is_stored_whole(rig):
    """Between the walk of the drop and its turn, and the other way round."""
    rig.engine.pause_all()
    small, large = rig.file("small.bin", SMALL), rig.file("large.bin")
    rig.add(small, large)
    await rig.until(Queued, count=2)
    small.write_bytes(os.urandom(LARGE))
    large.write_bytes(b"tiny")
    rig.engine.resume_all()
    await rig.engine.drained()

    await rig.check()
    assert sorted(event.pointer.content_size for event in rig.of(Stored)) == [4, LARGE]
