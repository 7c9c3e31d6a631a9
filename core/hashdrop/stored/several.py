"""Several objects at a time, taken one by one from where they come: nothing is gathered in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import aclosing
from typing import TypeVar

import anyio
import anyio.lowlevel

from hashdrop.s3.threads import plain_task_group

T = TypeVar("T")

AT_ONCE = 4
"""Objects that are read at the same time: one alone leaves the network idle between requests."""


async def for_each(
    items: AsyncGenerator[T, None],
    work: Callable[[T], Awaitable[None]],
    *,
    at_once: int = AT_ONCE,
) -> None:
    """Do something with each item, some at the same time; the first error ends all.

    Args:
        items: Taken as they are needed; closed at the end.
        work: Done with each.
        at_once: How many at the same time.
    """
    taking = anyio.Lock()

    async def run() -> None:
        while True:
            async with taking:
                item = await anext(items, None)
            if item is None:
                return
            await work(item)

    async with aclosing(items), plain_task_group() as group:
        for _ in range(at_once):
            group.start_soon(run)


async def slices(items: Sequence[T], size: int = 1_000) -> AsyncGenerator[Sequence[T], None]:
    """Yield some items at a time, and let the event loop turn in between.

    Args:
        items: Of which there may be a hundred thousand; not to be changed meanwhile.
        size: Items at a time.
    """
    for at in range(0, len(items), size):
        yield items[at : at + size]
        await anyio.lowlevel.checkpoint()


async def listed(items: Iterable[T]) -> AsyncGenerator[T, None]:
    """Yield the items of a list, for `for_each`."""
    for item in items:
        yield item
