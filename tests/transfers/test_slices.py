"""Many transfers are seen to a slice at a time, and what was asked first is done first."""

from __future__ import annotations

import anyio

from hashdrop.transfers.slices import Slices


async def test_few_are_done_at_once_and_many_in_slices():
    """The loop has its turn between two slices."""
    done = []
    async with anyio.create_task_group() as group:
        slices = Slices(group, 10)
        slices.do(done.append, range(10))
        assert [list(range(10))] == done
        slices.do(done.append, range(25))
        assert len(done) == 1
        await slices.done()

    assert [len(one) for one in done] == [10, 10, 10, 5]


async def test_what_is_asked_later_waits_for_what_was_asked_before():
    """A few resumed behind many paused are resumed in the end."""
    done = []
    async with anyio.create_task_group() as group:
        slices = Slices(group, 10)
        slices.do(lambda ids: done.append(("pause", len(ids))), range(25))
        slices.do(lambda ids: done.append(("resume", len(ids))), range(3))
        assert done == []
        await slices.done()

    assert done == [("pause", 10), ("pause", 10), ("pause", 5), ("resume", 3)]
