"""Downloads of many: verified, with their folders, never outside of the folder, and resumed."""

from __future__ import annotations

import hashlib
import os
import signal
import sys

import anyio
import pytest

from hashdrop.s3.download import partial_path
from hashdrop.stored.downloading import InTheWay
from hashdrop.stored.downloading import _targets
from hashdrop.stored.downloading import safe_path
from hashdrop.stored.places import Place
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.programs import end_of
from support.programs import start_program
from support.storage_checks import MIB


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "downloads"
    path.mkdir()
    return path


def files_in(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def object_of(s3_server, bucket, data, name="x.bin", folder=""):
    """An object under its hash, as a place."""
    content_hash = hashlib.sha256(data).hexdigest()
    s3_server.plain.put_object(Bucket=bucket, Key=f"raw/{content_hash}.bin", Body=data)
    return Place(
        bucket, f"raw/{content_hash}.bin", content_hash, len(data), name=name, folder=folder
    )


async def test_folders_are_kept_and_each_end_is_told(service, put, folder):
    rows = [await put(name, name.encode()) for name in ("run/a.txt", "run/deep/b.txt", "c.txt")]
    sizes, ends = {}, {}
    done = await service.stored.download_all(
        [Place.of(row) for row in rows],
        folder,
        on_bytes=sizes.__setitem__,
        on_end=ends.__setitem__,
    )

    assert files_in(folder) == {
        "run/a.txt": b"run/a.txt",
        "run/deep/b.txt": b"run/deep/b.txt",
        "c.txt": b"c.txt",
    }
    assert all(end.is_verified and end.error is None for end in done)
    assert [ends[number] for number in range(3)] == done
    assert sizes == {0: 9, 1: 14, 2: 5}


async def test_without_folders_equal_names_get_numbers(service, s3_server, bucket, folder):
    """The same content under the same name is one file."""
    places = [
        object_of(s3_server, bucket, data, "a.txt", name)
        for name, data in (("x", b"1"), ("y", b"22"), ("z", b"1"))
    ]
    done = await service.stored.download_all(places, folder, keeps_folders=False)

    assert files_in(folder) == {"a.txt": b"1", "a (2).txt": b"22"}
    assert [end.path.name for end in done] == ["a.txt", "a (2).txt", "a.txt"]


@pytest.mark.parametrize("in_the_way", InTheWay)
async def test_what_is_in_the_way(service, s3_server, bucket, folder, in_the_way):
    """Is kept or replaced, as asked; the very same content is not read again."""
    (folder / "a.txt").write_bytes(b"other")
    (folder / "b.txt").write_bytes(b"same")
    places = [
        object_of(s3_server, bucket, b"new", "a.txt"),
        object_of(s3_server, bucket, b"same", "b.txt"),
    ]
    first, second = await service.stored.download_all(places, folder, in_the_way=in_the_way)

    assert second.was_there
    assert not first.was_there
    assert files_in(folder) == (
        {"a.txt": b"other", "a (2).txt": b"new", "b.txt": b"same"}
        if in_the_way is InTheWay.KEEP_BOTH
        else {"a.txt": b"new", "b.txt": b"same"}
    )


async def test_what_comes_into_the_way_meanwhile_is_kept_too(opened, s3_server, bucket, folder):
    """Another program, or another download, has written the name while this one was on its way."""
    place = object_of(s3_server, bucket, b"new", "a.txt")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("GetObject", times=1))
        async with (
            opened(endpoint_url=proxy.endpoint_url) as service,
            anyio.create_task_group() as group,
        ):
            ends = []
            group.start_soon(_download_into, service, place, folder, ends)
            while not hold.reached.is_set():
                await anyio.sleep(0.01)
            (folder / "a.txt").write_bytes(b"came meanwhile")
            hold.release()

    assert files_in(folder) == {"a.txt": b"came meanwhile", "a (2).txt": b"new"}
    assert ends[0].path == folder / "a (2).txt"


async def _download_into(service, place, folder, ends):
    ends += await service.stored.download_all([place], folder)


def test_names_that_many_have_are_numbered_in_no_time(folder):
    """Ten thousand of one name: each gets the next number, the same content the same."""
    places = [
        Place("b", f"k{number}", f"{number:064x}", 1, name="Data.csv" if number % 2 else "data.csv")
        for number in range(10_000)
    ]
    looks = 0

    def count(*_):
        nonlocal looks
        looks += 1

    sys.setprofile(count)
    try:
        targets = _targets([*places, places[5]], folder, keeps_folders=True)
    finally:
        sys.setprofile(None)

    assert len(set(targets)) == 10_000
    assert targets[-1] == targets[5]
    assert targets[2] == folder / "data (3).csv"
    assert looks < 10_000 * 300, (
        looks
    )  # each name is looked at a few times, not as often as there are names


async def test_one_that_fails_stops_no_other(service, s3_server, bucket, folder):
    """Damaged, missing: no file of theirs is left."""
    good = object_of(s3_server, bucket, b"good", "good")
    damaged = object_of(s3_server, bucket, b"damaged", "damaged")
    s3_server.plain.put_object(Bucket=bucket, Key=damaged.key, Body=b"Damaged")
    missing = Place(bucket, f"raw/{'0' * 64}.bin", "0" * 64, 3, name="missing")
    done = await service.stored.download_all([damaged, missing, good], folder)

    assert [type(end.error).__name__ for end in done] == [
        "ContentMismatch",
        "ObjectMissing",
        "NoneType",
    ]
    assert files_in(folder) == {"good": b"good"}


@pytest.mark.parametrize(
    ("folder_name", "name"),
    [
        ("../../etc", "passwd"), ("/etc", "passwd"), ("a/../..", ".."), ("..\\..", "x"), ("a", "../../x"),
        ("C:\\", "x"), ("", "."), ("", "/"), ("\0", "\n\x1b[2J"), ("", "\udcff"), ("", "n" * 5000 + ".txt"),
    ],
    ids=repr,
)  # fmt: skip
async def test_no_name_leads_out_of_the_folder(
    service, s3_server, bucket, folder, folder_name, name
):
    """Names come from other people."""
    place = object_of(s3_server, bucket, b"data", name, folder_name)
    (end,) = await service.stored.download_all([place], folder)

    assert end.error is None
    assert end.path.resolve().is_relative_to(folder.resolve())
    assert list(files_in(folder).values()) == [b"data"]
    assert ".." not in safe_path(place, keeps_folders=True).parts


async def test_a_stopped_download_goes_on(opened, s3_server, bucket, folder):
    """In the next start of the program, behind what is there; what was there is not read again."""
    data = os.urandom(6 * MIB)
    place = object_of(s3_server, bucket, data)
    came = anyio.Event()
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.slow("GetObject", rate=4 * MIB))
        async with opened(proxy.endpoint_url) as service, anyio.create_task_group() as group:

            async def get():
                await service.stored.download_all(
                    [place],
                    folder,
                    on_bytes=lambda _, size: came.set() if size >= MIB else None,
                )

            group.start_soon(get)
            await came.wait()
            group.cancel_scope.cancel()
    (left,) = files_in(folder).values()
    assert partial_path(folder / "x.bin", place.content_hash).exists()
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url) as service:
            (end,) = await service.stored.download_all([place], folder)
        (asked,) = [one for one in proxy.requests if one.operation == "GetObject"]

    assert MIB <= len(left) < len(data)
    assert asked.headers["range"] == f"bytes={len(left)}-"
    assert (end.size, end.is_verified) == (len(data), True)
    assert files_in(folder) == {"x.bin": data}


@pytest.mark.parametrize("left", ["damaged", "whole", "longer", "empty"])
async def test_whatever_is_left_of_a_download_does_no_harm(
    service, s3_server, bucket, folder, left
):
    """What does not become the content is read anew; what is whole is not."""
    data = os.urandom(3 * MIB)
    place = object_of(s3_server, bucket, data)
    partial_path(folder / "x.bin", place.content_hash).write_bytes(
        {"damaged": b"x" * MIB, "whole": data, "longer": data + b"x", "empty": b""}[left]
    )
    (end,) = await service.stored.download_all([place], folder)

    assert end.is_verified
    assert files_in(folder) == {"x.bin": data}


async def test_a_link_in_its_way_is_not_followed(service, s3_server, bucket, folder, tmp_path):
    """In a folder that others may write to the name of what is left can be foretold."""
    own = tmp_path / "own.txt"
    own.write_bytes(b"of this person")
    data = os.urandom(MIB)
    place = object_of(s3_server, bucket, data)
    link = partial_path(folder / "x.bin", place.content_hash)
    link.symlink_to(own)
    (end,) = await service.stored.download_all([place], folder)

    assert end.is_verified
    assert own.read_bytes() == b"of this person"
    assert (folder / "x.bin").read_bytes() == data
    assert not (folder / "x.bin").is_symlink()
    assert link.is_symlink()


async def test_two_programs_download_the_same_to_the_same_place(opened, s3_server, bucket, folder):
    """Neither writes into the other's."""
    data = os.urandom(3 * MIB)
    place = object_of(s3_server, bucket, data)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.slow("GetObject", rate=4 * MIB, times=9))
        async with (
            opened(proxy.endpoint_url) as one,
            opened(proxy.endpoint_url) as other,
            anyio.create_task_group() as group,
        ):
            for service in (one, other):
                group.start_soon(service.stored.get, place, folder / "x.bin")

    assert files_in(folder) == {"x.bin": data}


def test_a_killed_get_goes_on(s3_server, bucket, aws_keys, folder):
    """The command line, killed in the middle."""
    data = os.urandom(6 * MIB)
    place = object_of(s3_server, bucket, data)
    target = folder / "x.bin"
    part = partial_path(target, place.content_hash)

    def arguments(proxy):
        return ("get", place.key, "-o", target, "--bucket", bucket, "--endpoint-url", proxy.endpoint_url)  # fmt: skip

    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.slow("GetObject", rate=4 * MIB))
        process = start_program(*arguments(proxy))
        while not part.exists() or part.stat().st_size < MIB:
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGKILL)
        process.communicate()
    left = part.stat().st_size
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        ran = end_of(start_program(*arguments(proxy)))
        (asked,) = [one for one in proxy.requests if one.operation == "GetObject"]

    assert asked.headers["range"] == f"bytes={left}-"
    assert (ran.code, ran.err) == (0, "")
    assert files_in(folder) == {"x.bin": data}
