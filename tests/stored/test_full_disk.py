"""Downloads to a disk that is too small, or becomes full: told in words, and gone on with when there is room."""

from __future__ import annotations

import hashlib
import os
import resource

import anyio
import pytest

from hashdrop.errors import SourceUnreadable
from hashdrop.s3 import download as download_module
from hashdrop.s3.download import partial_path
from hashdrop.stored.places import Place
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.programs import end_of
from support.programs import start_program
from support.storage_checks import MIB
from support.tiny_disk import fill
from support.tiny_disk import mounted


@pytest.fixture
def disk(tmp_path):
    """A file system of 8 MiB."""
    with mounted(tmp_path / "disk", "8m") as folder:
        yield folder


def object_of(s3_server, bucket, data, name):
    content_hash = hashlib.sha256(data).hexdigest()
    key = f"raw/{content_hash}.bin"
    s3_server.plain.put_object(Bucket=bucket, Key=key, Body=data)
    return Place(bucket, key, content_hash, len(data), name=name)


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


async def test_what_does_not_fit_is_not_begun(opened, s3_server, bucket, disk):
    """Not a byte of it is asked for; the small ones of the same download come."""
    large = object_of(s3_server, bucket, os.urandom(9 * MIB), "large.bin")
    small = object_of(s3_server, bucket, b"small", "small.bin")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            first, second = await service.stored.download_all([large, small], disk)
        asked = [one.path for one in proxy.requests if one.operation == "GetObject"]

    assert isinstance(first.error, SourceUnreadable)
    assert first.error.title == "“large.bin” does not fit on the disk."
    assert f"It needs 9.4 MB; {disk} has" in first.error.sentence
    assert "Make room" in first.error.hint
    assert (second.error, second.is_verified) == (None, True)
    assert left_in(disk) == ["small.bin"]
    assert [small.key in path for path in asked] == [True]


async def test_files_that_come_at_the_same_time_share_the_room(service, s3_server, bucket, disk):
    """As many as fit become whole; without that all would end in the middle."""
    data = [os.urandom(3 * MIB) for _ in range(4)]
    places = [object_of(s3_server, bucket, one, f"{n}.bin") for n, one in enumerate(data)]
    ends = await service.stored.download_all(places, disk)
    good = [end for end in ends if end.error is None]

    assert len(good) == 2
    assert left_in(disk) == sorted(end.path.name for end in good)
    assert all(end.path.read_bytes() in data for end in good)
    assert {end.error.title.partition("” ")[2] for end in ends if end.error} == {
        "does not fit on the disk."
    }


async def test_a_disk_that_becomes_full_keeps_what_came(opened, s3_server, bucket, disk):
    """It is told how much; with room the next download goes on there."""
    data = os.urandom(6 * MIB)
    place = object_of(s3_server, bucket, data, "x.bin")
    fillers = []

    def fill_up(size):
        if size >= MIB and not fillers:
            fillers.append(fill(disk))

    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.slow("GetObject", rate=16 * MIB))
        async with opened(proxy.endpoint_url) as service:
            with pytest.raises(SourceUnreadable) as told:
                await service.stored.get(place, disk / "x.bin", on_bytes=fill_up)
            part = partial_path(disk / "x.bin", place.content_hash)
            kept = part.stat().st_size
            names = left_in(disk)
            fillers[0].unlink()
            _, size, verified = await service.stored.get(place, disk / "x.bin")
        asked = [one for one in proxy.requests if one.operation == "GetObject"]

    assert told.value.title == "The disk became full while “x.bin” was downloaded."
    assert f"of it are kept in {disk}." in told.value.detail
    assert "it goes on there" in told.value.hint
    assert names == sorted([part.name, "filler"])
    assert MIB <= kept < len(data)
    assert asked[-1].headers["range"] == f"bytes={kept}-"
    assert (size, verified) == (len(data), True)
    assert (disk / "x.bin").read_bytes() == data
    assert left_in(disk) == ["x.bin"]


async def test_what_nobody_knows_the_hash_of_is_not_kept(opened, s3_server, bucket, disk):
    """What is left of it could not be gone on with; its size was not known before either."""
    s3_server.plain.put_object(Bucket=bucket, Key="notes.bin", Body=os.urandom(9 * MIB))
    async with opened() as service:
        with pytest.raises(SourceUnreadable, match="became full") as told:
            await service.stored.get(Place(bucket, "notes.bin"), disk / "notes.bin")

    assert "kept" not in told.value.sentence
    assert left_in(disk) == []


async def test_a_file_in_the_way_stays(service, s3_server, bucket, disk):
    """It is replaced by what is whole, never by nothing."""
    (disk / "x.bin").write_bytes(b"the older one")
    place = object_of(s3_server, bucket, os.urandom(9 * MIB), "x.bin")
    with pytest.raises(SourceUnreadable):
        await service.stored.get(place, disk / "x.bin")

    assert left_in(disk) == ["x.bin"]
    assert (disk / "x.bin").read_bytes() == b"the older one"


async def test_a_cancelled_download_on_a_full_disk_is_cancelled(service, s3_server, bucket, disk):
    """What the file still has to write, and cannot, does not hide that."""
    place = object_of(s3_server, bucket, os.urandom(4 * MIB), "x.bin")
    with anyio.CancelScope() as scope:

        def stop(_):
            fill(disk)
            scope.cancel()

        await service.stored.get(place, disk / "x.bin", on_bytes=stop)

    assert scope.cancelled_caught


async def test_a_disk_that_does_not_tell_its_size_is_tried(
    service, s3_server, bucket, tmp_path, monkeypatch
):
    """Some in a network say that they have nothing at all."""
    nothing = download_module.shutil._ntuple_diskusage(0, 0, 0)
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda _: nothing)
    place = object_of(s3_server, bucket, b"data", "x.bin")
    await service.stored.get(place, tmp_path / "x.bin")

    assert (tmp_path / "x.bin").read_bytes() == b"data"


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def place_options(s3_server, bucket, aws_keys):
    return ("--bucket", bucket, "--prefix", "raw", "--endpoint-url", s3_server.endpoint_url)


def test_get_on_a_full_disk(s3_server, bucket, disk, place_options):
    """A sentence and the exit code 1; nothing is left under the name."""
    data = os.urandom(6 * MIB)
    place = object_of(s3_server, bucket, data, "x.bin")
    filler = fill(disk, leaving=2 * MIB)
    target = disk / "x.bin"
    full = end_of(start_program("get", place.key, "-o", target, *place_options)).checked()
    names = left_in(disk)
    filler.unlink()
    again = end_of(start_program("get", place.key, "-o", target, *place_options)).checked()

    assert (full.code, full.out) == (1, "")
    assert full.err.startswith("hashdrop: The disk became full while “x.bin” was downloaded.")
    assert len(full.err.splitlines()) == 1
    assert "x.bin" not in names
    assert again.code == 0
    assert target.read_bytes() == data
    assert left_in(disk) == ["x.bin"]


def test_get_of_a_file_that_the_disk_never_takes(s3_server, bucket, tmp_path, place_options):
    """As FAT32, which has none of 4 GiB: what came of it would never be of use, and is removed."""
    place = object_of(s3_server, bucket, os.urandom(6 * MIB), "x.bin")
    folder = tmp_path / "out"
    folder.mkdir()
    ran = end_of(
        start_program(
            "get", place.key, "-o", folder / "x.bin", *place_options,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, 3 * MIB)),
        )
    ).checked()  # fmt: skip

    assert (ran.code, ran.out) == (1, "")
    assert "“x.bin” is too large for this disk" in ran.err
    assert left_in(folder) == []


def test_get_to_standard_output_needs_room_beside(s3_server, bucket, disk, place_options, tmp_path):
    """It is verified in a file first: where that is, is told; nothing comes out."""
    place = object_of(s3_server, bucket, os.urandom(9 * MIB), "x.bin")
    environment = {**os.environ, "TMPDIR": str(disk)}
    ran = end_of(start_program("get", place.key, "-o", "-", *place_options, env=environment))

    assert (ran.checked().code, ran.out) == (1, "")
    assert f"Make room in {disk}, or set TMPDIR" in ran.err
    assert left_in(disk) == []


@pytest.mark.parametrize("name", ["n" * 300, "file/x.bin"], ids=["long", "below-a-file"])
def test_a_path_that_the_system_does_not_take(s3_server, bucket, tmp_path, place_options, name):
    """In words, whoever comes upon it first."""
    place = object_of(s3_server, bucket, b"data", "x.bin")
    (tmp_path / "file").write_bytes(b"")
    ran = end_of(start_program("get", place.key, "-o", tmp_path / name, *place_options)).checked()

    assert (ran.code, ran.out) == (1, "")
    assert "cannot be written" in ran.err
