"""Have I stored this? As the window asks it: with progress, and an end at any time."""

from __future__ import annotations

import anyio
import pytest

from support.fault_proxy import FaultProxy
from support.storage_checks import MIB
from support.storage_checks import heartbeat


async def look(service, paths):
    answers, found, read = [], [], []
    await service.stored.look_up_all(
        paths,
        on_answer=answers.append,
        on_found=lambda path, size: found.append((path.name, size)),
        on_read=read.append,
    )
    return answers, found, sum(read)


async def test_every_file_of_a_drop_is_answered(service, put, tmp_path):
    """With every name of its content, in whatever folder; what was read is told."""
    await put("run1/a.csv", b"same")
    await put("other.csv", b"same")
    for number in range(40):
        (tmp_path / "sources" / "run1" / f"{number}.txt").write_bytes(b"%d" % number)
    answers, found, read = await look(service, [tmp_path / "sources" / "run1"])
    by_name = {answer.path.name: answer for answer in answers}
    (place,) = by_name["a.csv"].places

    assert len(answers) == len(found) == 41
    assert read == sum(size for _, size in found)
    assert {row.name for row in place.names} == {"a.csv", "other.csv"}
    assert [name for name, one in by_name.items() if one.is_stored] == ["a.csv"]


@pytest.mark.parametrize("single_pass", [False, True])
async def test_nothing_is_sent(opened, service, put, s3_server, tmp_path, single_pass):
    """Stored and not, small and of many parts, in a store that is asked for the first time: HEAD, and no byte."""
    await put("drop/small.csv", b"stored")
    await put("drop/large.bin", bytes(20 * MIB))
    folder = tmp_path / "sources" / "drop"
    (folder / "new.csv").write_bytes(b"new")
    (folder / "new.bin").write_bytes(b"x" * 20 * MIB)
    (folder / "empty").write_bytes(b"")
    before = s3_server.objects(service.connection.bucket)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        async with opened(proxy.endpoint_url, single_pass=single_pass) as one:
            answers, *_ = await look(one, [folder])
        requests, received = list(proxy.requests), dict(proxy.received)

    assert {answer.path.name for answer in answers if answer.is_stored} == {
        "small.csv",
        "large.bin",
    }
    assert {request.method for request in requests} == {"HEAD"}
    assert len(requests) == 5
    assert sum(request.size for request in requests) == 0
    assert received == {}
    assert s3_server.objects(service.connection.bucket) == before


async def test_it_ends_at_once(service, tmp_path):
    """In the middle of a file of a terabyte."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1024**4)
    began = anyio.Event()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:

            async def ask():
                await service.stored.look_up_all(
                    [path], on_answer=print, on_found=lambda *_: began.set()
                )

            group.start_soon(ask)
            await began.wait()
            group.cancel_scope.cancel()


async def test_other_connections_are_asked_by_their_own(opened, put, service, s3_server, tmp_path):
    """What lies in another bucket is looked for there."""
    await put("a.csv", b"there")
    other = s3_server.new_bucket()
    async with opened(name="other", bucket=other) as elsewhere:
        (before,), *_ = await look(elsewhere, [tmp_path / "sources" / "a.csv"])
    s3_server.delete_bucket(other)

    # The connection of an option is known to one run only: nobody knows its keys any more.
    assert [(place.bucket == other, place.in_store) for place in before.places] == [(False, None)]
    assert before.is_stored


@pytest.mark.alone
async def test_the_loop_is_not_held(service, tmp_path):
    """In the best of some rounds: what the system withholds on a busy machine is not ours."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(100 * 1024**2)
    holds = []
    for _ in range(5):
        async with heartbeat() as beat:
            await look(service, [tmp_path / "large"])
        holds.append(beat.longest)

    assert min(holds) < 0.05
