"""What a store may answer to the request that makes the object, and to the copy."""

from __future__ import annotations

import pytest

from hashdrop.errors import ContentMismatch
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Stored
from support.fault_rig import LARGE
from support.fault_rig import SMALL
from support.fault_rig import Rule

COMPLETE = "CompleteMultipartUpload"
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>x</Message></Error>'
UPLOAD_IDS = "uploadId"


def used_uploads(rig):
    """Ids of the uploads that parts were sent to, in order."""
    ids = []
    for request in rig.proxy.requests:
        if request.operation == "UploadPart" and request.query[UPLOAD_IDS][0] not in ids:
            ids.append(request.query[UPLOAD_IDS][0])
    return ids


async def test_a_conflict_on_completion_sends_all_parts_anew(rig):
    """409: the parts of that upload are of no use any more, S3's documentation says."""
    rig.proxy.add(Rule.answer(COMPLETE, 409, "ConditionalRequestConflict"))
    await rig.store(rig.file())
    (stored,) = rig.of(Stored)

    await rig.check()
    assert len(used_uploads(rig)) == 2
    assert sorted(rig.sent_parts()) == [1, 1, 2, 2, 3, 3]
    assert (stored.sent_bytes, stored.verified) == (LARGE, True)


async def store_while_another_does(rig, path, completion):
    """Another machine stores the same between our parts and our completion, which is answered so."""
    rule = rig.proxy.add(Rule.hold("UploadPart", nth=3))
    rig.proxy.add(completion)
    rig.add(path)
    await rig.reached(rule)
    other = rig.target(endpoint_url=rig.server.endpoint_url)
    await (await other.writer()).write_file(path)
    rule.release()
    await rig.engine.drained()


async def test_a_conflict_with_who_stored_the_same_sends_nothing_anew(rig):
    """Two machines at once: the other's object stands there, all parts of it."""
    path = rig.file()
    await store_while_another_does(
        rig, path, Rule.answer(COMPLETE, 409, "ConditionalRequestConflict")
    )

    await rig.check()
    assert sorted(rig.sent_parts()) == [1, 2, 3]
    assert [event.verified for event in rig.of(AlreadyStored)] == [True]


async def test_an_upload_beside_somebody_elses_object_is_not_forgotten(rig):
    """A busy store did not complete it: it is taken away when the file is dropped again."""
    path = rig.file()
    await store_while_another_does(rig, path, Rule.answer(COMPLETE, 503, "SlowDown", times=99))

    await rig.check(nothing_left=False)
    assert len(rig.of(Stored)) == 1
    await rig.store(path)

    await rig.check()
    assert len(rig.of(AlreadyStored)) == 1


async def test_a_conflict_that_stays_fails(rig):
    """With a sentence, and nothing is left."""
    rig.proxy.add(Rule.answer(COMPLETE, 409, "ConditionalRequestConflict", times=99))
    await rig.store(rig.file())
    (failed,) = rig.of(Failed)

    await rig.check()
    assert failed.error.retryable
    assert len(used_uploads(rig)) == 3


@pytest.mark.parametrize(
    ("rule", "options"),
    [(Rule.hold(COMPLETE), {}), (Rule.hold("UploadPart", nth=2), {"max_parts_in_flight": 1})],
    ids=["at completion", "while parts are sent"],
)
async def test_an_upload_that_is_gone_begins_anew(rig, rule, options):
    """Aborted by somebody else, or by a rule of the bucket."""
    rig.proxy.add(rule)
    rig.add(rig.file(), target=rig.target(**options))
    await rig.reached(rule)
    rig.server.plain.abort_multipart_upload(
        Bucket=rig.bucket,
        Key=rig.server.open_uploads(rig.bucket)[0],
        UploadId=used_uploads(rig)[0],
    )
    rule.release()
    await rig.engine.drained()
    (stored,) = rig.of(Stored)

    await rig.check()
    assert len(used_uploads(rig)) == 2
    assert stored.sent_bytes == LARGE


async def test_no_such_upload_after_a_lost_answer_is_stored(rig):
    """The store that forgets a completed upload: the object that stands there is ours."""
    rig.proxy.add(Rule.lose_answer(COMPLETE))
    rig.proxy.add(Rule.answer(COMPLETE, 404, "NoSuchUpload", times=99))
    await rig.store(rig.file())
    (stored,) = rig.of(Stored)

    await rig.check()
    assert len(used_uploads(rig)) == 1
    assert (stored.sent_bytes, stored.verified) == (LARGE, True)


@pytest.mark.parametrize("single_pass", [False, True])
@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
async def test_a_200_that_holds_an_error_is_an_error(rig, code, single_pass):
    """S3 sends the status before it knows; the completion is tried again."""
    rule = rig.proxy.add(Rule.pretend(COMPLETE, ERROR.format(code), times=2))
    await rig.store(rig.file(), single_pass=single_pass)

    await rig.check()
    assert rule.reached.is_set()
    assert len(rig.of(Stored)) == 1


async def test_a_200_that_holds_an_error_of_a_copy_is_an_error(rig):
    """The copy is tried again."""
    rule = rig.proxy.add(Rule.pretend("CopyObject", ERROR.format("InternalError"), times=3))
    await rig.store(rig.file(), single_pass=True)

    await rig.check()
    assert rule.reached.is_set()
    assert len(rig.of(Stored)) == 1


@pytest.mark.parametrize("is_done", [True, False], ids=["done, unheard", "ended from outside"])
async def test_a_copy_in_parts_whose_upload_is_gone_is_stored(rig, is_done):
    """A stream that cannot be read again: its object stands there, or is copied anew."""
    path = rig.file()
    completed = "/p/.*"
    if is_done:
        rig.proxy.add(Rule.lose_answer(COMPLETE, path=completed))
    times = 99 if is_done else 1
    rig.proxy.add(Rule.answer(COMPLETE, 404, "NoSuchUpload", path=completed, times=times))
    target = rig.target(copy_part_threshold=SMALL, copy_part_size=LARGE // 2)
    await rig.store(path, target=target, single_pass=True)

    await rig.check()
    assert [event.verified for event in rig.of(Stored)] == [True]
    assert sorted(rig.sent_parts()) == [1, 2, 3]


@pytest.mark.parametrize("operation", [COMPLETE, "CopyObject"])
async def test_a_200_that_holds_a_lasting_error_fails(rig, operation):
    """Never told as stored."""
    rig.proxy.add(Rule.pretend(operation, ERROR.format("InternalError"), times=99))
    await rig.store(rig.file(), single_pass=operation == "CopyObject")

    await rig.check(nothing_left=False)
    assert len(rig.of(Failed)) == 1
    assert rig.server.objects(rig.bucket) == {}


async def test_a_completion_that_only_pretends_is_found_out(rig):
    """200 and nothing done: no object, and so not stored."""
    rig.proxy.add(
        Rule.pretend(
            COMPLETE,
            "<CompleteMultipartUploadResult><ETag>&quot;0-3&quot;</ETag>"
            "</CompleteMultipartUploadResult>",
            times=99,
        )
    )
    await rig.store(rig.file())

    await rig.check(nothing_left=False)
    assert rig.of(Stored, AlreadyStored) == []
    assert len(rig.of(Failed)) == 1


@pytest.mark.parametrize("own_connections", [True, False])
@pytest.mark.parametrize(
    "first", [Rule.lose_answer, lambda operation: Rule.late_answer(operation, 500, "InternalError")]
)
async def test_a_412_after_our_own_lost_answer_is_told_as_stored(rig, first, own_connections):
    """By the look that is lost, too: then only the 412 tells that the object stands there."""
    rig.proxy.add(first("PutObject"))
    rig.proxy.add(Rule.answer("HeadObject", 404, "NotFound", nth=1, times=2))
    await rig.store(rig.file("a.bin", SMALL), target=rig.target(own_connections=own_connections))
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.sent_bytes == SMALL


async def test_a_412_after_our_own_lost_completion_is_told_as_stored(rig):
    """The answer and the look behind it are lost; the second completion meets our own object."""
    rig.proxy.add(Rule.lose_answer(COMPLETE))
    rig.proxy.add(Rule.answer(COMPLETE, 412, "PreconditionFailed", times=99))
    rig.proxy.add(Rule.answer("HeadObject", 503, "SlowDown", nth=2, times=1))
    await rig.store(rig.file())
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.sent_bytes == LARGE


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_412_by_somebody_else_is_told_as_already_stored(rig, size):
    """The same content, stored by another program between our look and our write."""
    path = rig.file("a.bin", size)
    rule = rig.proxy.add(Rule.hold("PutObject" if size == SMALL else COMPLETE))
    rig.add(path)
    await rig.reached(rule)
    rig.proxy._rules = []
    await rig.target().writer()
    other = rig.target(endpoint_url=rig.server.endpoint_url)
    await (await other.writer()).write_file(path)
    rule.release()
    await rig.engine.drained()

    await rig.check()
    assert len(rig.of(AlreadyStored)) == 1
    assert len(rig.server.objects(rig.bucket)) == 1


async def test_a_412_by_somebody_elses_other_content_is_a_failure(rig):
    """Damaged or made by hand, under our key: never taken for ours."""
    path = rig.file("a.bin", SMALL)
    rule = rig.proxy.add(Rule.hold("PutObject"))
    rig.add(path)
    await rig.reached(rule)
    key = rule_key(rig)
    rig.server.plain.put_object(Bucket=rig.bucket, Key=key, Body=b"other")
    rule.release()
    await rig.engine.drained()
    (failed,) = rig.of(Failed)

    assert isinstance(failed.error, ContentMismatch)
    assert rig.server.body(rig.bucket, key) == b"other"
    assert rig.recorded.pointers == []


def rule_key(rig):
    """Key of the request that came last."""
    return rig.proxy.requests[-1].path.split("/", 2)[2]


@pytest.mark.parametrize("operation", ["PutObject", COMPLETE])
async def test_a_store_without_conditional_writes_is_learnt(rig, operation):
    """501: sent again without the condition."""
    rig.proxy.add(Rule.answer(operation, 501, "NotImplemented"))
    await rig.store(rig.file("a.bin", SMALL if operation == "PutObject" else LARGE))

    await rig.check()
    assert len(rig.of(Stored)) == 1
    assert "if-none-match" not in rig.proxy.requests[-1].headers


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_412_where_nothing_may_be_looked_at_is_stored_all_the_same(rig, size):
    """Keys that may only write: somebody had stored it, and that could not be verified."""
    path = rig.file("a.bin", size)
    other = await rig.target(endpoint_url=rig.server.endpoint_url).writer()
    await other.write_file(path)
    rig.proxy.add(Rule.answer("HeadObject", 403, "AccessDenied", times=99))
    await rig.store(path)

    await rig.check()
    assert len(rig.of(AlreadyStored)) == 1


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_may_not_be_looked_at_is_told_as_unverified_or_by_the_answer(rig, size):
    """A PUT's own answer holds the checksum; a completion's does not."""
    rig.proxy.add(Rule.answer("HeadObject", 403, "AccessDenied", times=99))
    await rig.store(rig.file("a.bin", size))
    (stored,) = rig.of(Stored)

    await rig.check()
    assert stored.verified is (size == SMALL)
    assert stored.unverified_reason == (
        "" if size == SMALL else "the store does not let the object be looked at"
    )
