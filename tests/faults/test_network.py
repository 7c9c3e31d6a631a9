"""What a network and a store do to single requests: the object is right, nothing is left, it is told as it is."""

from __future__ import annotations

import hashlib

import pytest

from hashdrop.errors import StoreBusy
from hashdrop.errors import StoreFull
from hashdrop.errors import TransferCut
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Stored
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule

WAYS = {
    "small": (SMALL, False, ("HeadObject", "PutObject")),
    "large": (
        LARGE,
        False,
        ("HeadObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"),
    ),
    "single-pass": (
        LARGE,
        True,
        (
            "CreateMultipartUpload",
            "UploadPart",
            "CompleteMultipartUpload",
            "CopyObject",
            "DeleteObject",
        ),
    ),
}
EACH_REQUEST = [
    pytest.param(size, single_pass, operation, id=f"{way}-{operation}")
    for way, (size, single_pass, operations) in WAYS.items()
    for operation in operations
]
EACH_BODY = [
    pytest.param(size, single_pass, operation, id=f"{way}-{operation}")
    for way, (size, single_pass, operations) in WAYS.items()
    for operation in operations
    if operation in {"PutObject", "UploadPart"}
]
FAULTS = {
    "reset-at-head": Rule.reset_at_head,
    "reset-after-body": Rule.reset_before,
    "500": lambda operation: Rule.answer(operation, 500, "InternalError", times=2),
    "503": lambda operation: Rule.answer(operation, 503, "SlowDown", times=2),
    "429": lambda operation: Rule.answer(operation, 429, "", times=2),
    "answer-lost": Rule.lose_answer,
    "late-500": lambda operation: Rule.late_answer(operation, 500, "InternalError"),
    "stall": Rule.stall,
}
BODY_FAULTS = {
    "cut": lambda operation: Rule.cut_body(operation, after=40_000),
    "slow": lambda operation: Rule.slow_body(operation, rate=400_000),
    "wrong-bytes": Rule.corrupt,
}


async def stored_under(rig, rule, size, single_pass, **target):
    """Store a file while a rule is at work; return the last event."""
    path = rig.file("a.bin", size)
    rig.proxy.add(rule)
    await rig.store(path, single_pass=single_pass, target=rig.target(read_timeout=1, **target))

    assert rule.reached.is_set()
    (event,) = rig.last().values()
    return path, event


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("size", "single_pass", "operation"), EACH_REQUEST)
async def test_a_fault_of_one_request_is_got_over(rig, size, single_pass, operation, fault):
    """Stored once and told as stored, not as already there; whatever request it hits."""
    path, event = await stored_under(rig, FAULTS[fault](operation), size, single_pass)

    await rig.check()
    assert isinstance(event, Stored)
    assert event.pointer.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (event.sent_bytes, event.verified) == (size, True)


@pytest.mark.parametrize("fault", BODY_FAULTS)
@pytest.mark.parametrize(("size", "single_pass", "operation"), EACH_BODY)
async def test_a_fault_of_one_body_is_got_over(rig, size, single_pass, operation, fault):
    """Cut in the middle, slow, or changed on its way: what is stored is right, and counted once."""
    _, event = await stored_under(rig, BODY_FAULTS[fault](operation), size, single_pass)

    await rig.check()
    assert isinstance(event, Stored)
    assert (event.sent_bytes, event.verified) == (size, True)


@pytest.mark.parametrize("fault", ["reset-after-body", "answer-lost", "503"])
@pytest.mark.parametrize(("size", "single_pass", "operation"), EACH_REQUEST)
async def test_botocores_connections_get_over_it_too(rig, size, single_pass, operation, fault):
    """A store behind a proxy, for which our own connections are not made."""
    _, event = await stored_under(
        rig, FAULTS[fault](operation), size, single_pass, own_connections=False
    )

    await rig.check()
    assert isinstance(event, Stored)
    assert event.sent_bytes == size


@pytest.mark.parametrize(
    ("size", "single_pass", "operation"),
    [
        one
        for one in EACH_REQUEST
        if "HeadObject" not in one.values and "DeleteObject" not in one.values
    ],
)
@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(503, "SlowDown", StoreBusy), (507, "InsufficientStorage", StoreFull)],
)
async def test_a_store_that_stays_busy_or_is_full_is_told(
    rig, size, single_pass, operation, status, code, error
):
    """Failed with a sentence that says so; what was sent is kept for a retry, which stores it."""
    rule = rig.proxy.add(Rule.answer(operation, status, code, times=999))
    path = rig.file("a.bin", size)
    target = rig.target()
    await rig.store(path, single_pass=single_pass, target=target)
    (failed,) = rig.last().values()

    assert rule.reached.is_set()
    await rig.check(nothing_left=single_pass)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, error)
    rig.proxy.clear()
    rig.engine.retry([failed.id], target)
    await rig.engine.drained()

    await rig.check()
    assert isinstance(rig.last()[failed.id], Stored)


@pytest.mark.parametrize(
    ("size", "single_pass", "operation", "code"),
    [
        (SMALL, False, "PutObject", "ConditionalRequestConflict"),
        (LARGE, True, "CopyObject", "OperationAborted"),
    ],
)
async def test_a_conflict_of_two_writes_is_tried_again(rig, size, single_pass, operation, code):
    """409: S3's documentation says so. Nothing was stored by it that could be called ours."""
    rule = rig.proxy.add(Rule.answer(operation, 409, code))
    await rig.store(rig.file("a.bin", size), single_pass=single_pass)

    assert rule.reached.is_set()
    await rig.check()
    assert [event.verified for event in rig.of(Stored)] == [True]


async def test_what_somebody_else_stored_in_a_conflict_is_not_called_ours(rig):
    """The other write has won: already stored, and nothing is counted as sent."""
    path = rig.file("a.bin", SMALL)
    rule = rig.proxy.add(Rule.answer("PutObject", 409, "ConditionalRequestConflict"))
    hold = rig.proxy.add(Rule.hold("HeadObject", nth=2))
    rig.add(path)
    await rig.reached(rule)
    await rig.reached(hold)
    key = hold_key(rig)
    rig.server.plain.put_object(Bucket=rig.bucket, Key=key, Body=path.read_bytes())
    hold.release()
    await rig.engine.drained()

    await rig.check()
    assert [event.sent_bytes for event in rig.of(AlreadyStored)] == [0]


def hold_key(rig):
    """The key that was asked for last."""
    return rig.proxy.requests[-1].path.split("/", 2)[2]


async def test_a_store_that_is_busy_for_a_while_is_waited_for(rig):
    """A bucket that is divided anew says SlowDown for longer than a hiccup."""
    rule = rig.proxy.add(Rule.answer("PutObject", 503, "SlowDown", times=7))
    await rig.store(rig.file("a.bin", SMALL))

    assert rule.seen == 8
    await rig.check()
    assert len(rig.of(Stored)) == 1


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
async def test_bytes_that_never_arrive_right_are_never_stored(rig, operation):
    """Changed on their way each time: failed, no object."""
    rig.proxy.add(Rule.corrupt(operation, times=999))
    await rig.store(rig.file("a.bin", SMALL if operation == "PutObject" else LARGE))
    (failed,) = rig.last().values()

    await rig.check(nothing_left=False)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, TransferCut)
    assert rig.server.objects(rig.bucket) == {}


async def test_what_cannot_be_compared_is_told_as_unverified(rig):
    """Without S3's checksums the ETag of a small file is its MD5; that of parts says nothing."""
    await rig.store(rig.file("small.bin", SMALL), rig.file(), target=rig.target(checksums=False))
    stored = {event.pointer.content_size > SMALL: event for event in rig.of(Stored)}

    await rig.check()
    assert {is_large: event.verified for is_large, event in stored.items()} == {
        False: True,
        True: False,
    }
    assert "no checksum" in stored[True].unverified_reason


async def test_what_was_there_and_cannot_be_compared_is_told_as_unverified(rig):
    """Its key and size say that it is stored, no checksum does."""
    path = rig.file()
    await rig.store(path, target=rig.target(checksums=False))
    await rig.store(path, target=rig.target(checksums=False))
    (again,) = rig.of(AlreadyStored)

    await rig.check()
    assert not again.verified
    assert "no checksum" in again.unverified_reason


async def test_one_body_that_never_gets_through_does_not_hold_the_others_up(rig):
    """A middlebox that cuts one file's content each time: that one fails, the rest is stored."""
    good = [rig.file(f"{number}.txt", SMALL) for number in range(20)]
    bad = rig.file("bad.csv", SMALL)
    rig.proxy.add(Rule.reset_before("PutObject", path=r"\.csv$", times=999))
    await rig.store(bad, *good, target=rig.target(patience_s=600))
    failed = rig.of(Failed)

    await rig.check()
    assert len(rig.of(Stored)) == 20
    assert [event.error.title for event in failed] == ["The connection to the store was cut."]


async def test_many_small_files_over_a_bad_network(rig):
    """Every seventh request fails in one way or another; every file is stored and told once."""
    faults = ("reset", "lose-answer", "reset-at-head", "reset")
    for number in range(16):
        rig.proxy.add(Rule("HeadObject|PutObject", faults[number % 4], nth=5 + 6 * number))
    paths = [rig.file(f"{number}.bin", 20_000 + number) for number in range(60)]
    await rig.store(*paths)

    await rig.check()
    assert len(rig.of(Stored)) == 60
    assert rig.of(AlreadyStored) == []


async def test_several_parts_at_once_over_a_bad_network(rig):
    """Parts that are sent again are counted once."""
    for fault in ("reset", "lose-answer", "reset-at-head", "corrupt"):
        rig.proxy.add(Rule("UploadPart", fault, nth=2))
    await rig.store(rig.file("a.bin", 40 * MIB))
    (event,) = rig.last().values()

    await rig.check()
    assert isinstance(event, Stored)
    assert event.sent_bytes == 40 * MIB
