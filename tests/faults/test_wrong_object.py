"""An object of other bytes under a hash: never taken for the content, whichever way that comes."""

from __future__ import annotations

import hashlib
import os

import pytest

from hashdrop.errors import ContentMismatch
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Stored
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule
from support.fault_rig import objects_of
from support.fault_rig import open_uploads

COMPLETE = "CompleteMultipartUpload"
WRONG = b"x" * LARGE
TYPE = "application/x-nothing"
"""Has no extension."""


def put_wrong(rig, key, how):
    """Put other bytes of the same size there, in one or in parts, with a checksum or without."""
    client = rig.server.plain
    if how == "whole":
        client.put_object(Bucket=rig.bucket, Key=key, Body=WRONG)
        return
    size, more = {
        "parts": (6 * MIB, {}),
        "the same parts": (5 * MIB, {"ChecksumAlgorithm": "CRC32"}),
    }[how]
    upload_id = client.create_multipart_upload(Bucket=rig.bucket, Key=key, **more)["UploadId"]
    place = {"Bucket": rig.bucket, "Key": key, "UploadId": upload_id}
    parts = []
    for number, start in enumerate(range(0, LARGE, size), 1):
        answer = client.upload_part(**place, PartNumber=number, Body=WRONG[start : start + size])
        names = ("ETag", "ChecksumCRC32") if more else ("ETag",)
        parts.append({"PartNumber": number, **{name: answer[name] for name in names}})
    client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})


def key_of(data):
    return f"p/{hashlib.sha256(data).hexdigest()}"


async def write_stream(rig, data, **more):
    """Store a stream that is longer than what is read ahead of it."""
    writer = await rig.target().writer()

    async def stream():
        for start in range(0, len(data), MIB):
            yield data[start : start + MIB]

    return await writer.write_stream(stream(), content_type=TYPE, lookahead=MIB, **more)


@pytest.mark.parametrize("how", ["whole", "the same parts"])
async def test_a_stream_is_not_said_to_be_what_it_is_not(rig, how):
    """Its bytes cannot be read again: they are kept, and the error says where."""
    data = os.urandom(LARGE)
    put_wrong(rig, key_of(data), how)
    with pytest.raises(ContentMismatch, match="Another content stands") as caught:
        await write_stream(rig, data)
    (kept,) = [key for key in objects_of(rig.server, rig.bucket) if not key.startswith("p/")]

    assert f"s3://{rig.bucket}/{kept}" in caught.value.sentence
    assert rig.server.body(rig.bucket, kept) == data
    assert rig.server.body(rig.bucket, key_of(data)) == WRONG


async def test_a_stream_that_cannot_be_compared_is_not_called_verified(rig):
    """Parts of another size and no checksum: only the size tells."""
    data = os.urandom(LARGE)
    put_wrong(rig, key_of(data), "parts")
    outcome = await write_stream(rig, data)

    assert outcome.already_stored
    assert not outcome.verified
    assert "no checksum" in outcome.unverified_reason


async def test_a_stream_that_stands_there_is_verified_there(rig):
    """Its own object is compared, not the temporary one."""
    data = os.urandom(LARGE)
    first = await write_stream(rig, data)
    second = await write_stream(rig, data)

    assert (first.already_stored, first.verified) == (False, True)
    assert (second.already_stored, second.verified) == (True, True)
    assert list(objects_of(rig.server, rig.bucket)) == [key_of(data)]


@pytest.mark.parametrize("how", ["whole", "parts", "the same parts"])
async def test_a_stream_repairs(rig, how):
    """Also where nothing but the size can be compared: the right bytes are at hand."""
    data = os.urandom(LARGE)
    put_wrong(rig, key_of(data), how)
    outcome = await write_stream(rig, data, repair=True)

    assert not outcome.already_stored
    assert rig.server.body(rig.bucket, key_of(data)) == data
    assert list(objects_of(rig.server, rig.bucket)) == [key_of(data)]


async def test_a_repair_whose_copy_is_refused_is_not_said_to_be_done(rig):
    """The wrong object has the right size, which proves nothing."""
    data = os.urandom(LARGE)
    put_wrong(rig, key_of(data), "parts")
    rig.proxy.add(Rule.answer("CopyObject", 503, "SlowDown", times=4))
    outcome = await write_stream(rig, data, repair=True)

    assert rig.server.body(rig.bucket, key_of(data)) == data
    assert not outcome.already_stored


@pytest.mark.parametrize("how", ["whole", "parts", "the same parts"])
@pytest.mark.parametrize("repair", [False, True])
async def test_a_file_in_a_single_pass(rig, how, repair):
    """It can be read again: nothing of it is kept where it must not replace what stands there."""
    path = rig.file()
    key = f"{key_of(path.read_bytes())}.bin"
    put_wrong(rig, key, how)
    await rig.store(path, single_pass=True, repair=repair)
    is_right = rig.server.body(rig.bucket, key) == path.read_bytes()

    assert list(objects_of(rig.server, rig.bucket)) == [key]
    assert open_uploads(rig.server, rig.bucket) == []
    if repair:
        assert is_right
        assert len(rig.of(Stored)) == 1
    elif how == "parts":  # nothing tells them apart: not called verified
        assert [event.verified for event in rig.of(AlreadyStored)] == [False]
    else:
        assert not is_right
        assert isinstance(rig.of(Failed)[0].error, ContentMismatch)


@pytest.mark.parametrize("size", [SMALL, 4 * MIB + 1000, LARGE])
async def test_a_file_repairs_where_only_the_size_tells(rig, size):
    """A store without checksums: that its object is damaged was found out by reading it."""
    path = rig.file("a.bin", size)
    key = f"{key_of(path.read_bytes())}.bin"
    rig.server.client().put_object(Bucket=rig.bucket, Key=key, Body=b"x" * size)
    await rig.store(path, target=rig.target(checksums=False), repair=True)

    await rig.check()
    assert [event.sent_bytes for event in rig.of(Stored)] == [size]


async def test_a_repair_whose_completion_fails_is_not_said_to_be_done(rig):
    """What stands there has the right size, and is the wrong one still."""
    path = rig.file()
    put_wrong(rig, f"{key_of(path.read_bytes())}.bin", "whole")
    rule = rig.proxy.add(Rule.answer(COMPLETE, 503, "SlowDown", times=4))
    await rig.store(path, target=rig.target(checksums=False), repair=True)

    await rig.check()
    assert rule.seen > 4  # tried again until the store did it
    assert sorted(rig.sent_parts()) == [1, 2, 3]
    assert len(rig.of(Stored)) == 1


@pytest.mark.parametrize("checksums", [True, False])
async def test_a_repair_whose_answer_is_lost_is_known_by_its_parts(rig, checksums):
    """The ETag of the object is made of theirs: nothing is sent again."""
    path = rig.file()
    put_wrong(rig, f"{key_of(path.read_bytes())}.bin", "whole")
    rig.proxy.add(Rule.lose_answer(COMPLETE))
    rig.proxy.add(Rule.answer(COMPLETE, 404, "NoSuchUpload", times=99))
    await rig.store(path, target=rig.target(checksums=checksums), repair=True)

    await rig.check()
    assert sorted(rig.sent_parts()) == [1, 2, 3]
    assert len(rig.of(Stored)) == 1
