"""boto3 calls in worker threads: under a limiter, interruptible, their errors told for people."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from typing import TypeVar
from typing import cast

import anyio
from anyio.to_thread import run_sync

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from hashdrop.s3.body import Stop

T = TypeVar("T")

_GRACE_S = 5.0
_LOOK_S = 0.02


async def call(
    function: Callable[[], T], *, limiter: anyio.CapacityLimiter | None, stop: Stop | None = None
) -> T:
    """Run a blocking call in a worker thread.

    Without `stop` a cancellation waits for the call to end (its timeouts bound that): what it did is
    then known, and can be undone. With `stop` the call's body is told to end, and after a grace of
    some seconds the thread is left behind.

    Args:
        function: The call.
        limiter: Of threads; `None` for anyio's own.
        stop: The stop that the call's body checks.
    """
    if stop is None:
        return await run_sync(function, limiter=limiter)
    running = False

    def work() -> T:
        nonlocal running
        running = True
        try:
            return function()
        finally:
            running = False

    try:
        return await run_sync(work, limiter=limiter, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        stop.set()
        with anyio.move_on_after(_GRACE_S, shield=True):
            while running:  # noqa: ASYNC110  # telling the loop at each end would cost every call a visit
                await anyio.sleep(_LOOK_S)
        raise


@asynccontextmanager
async def plain_task_group() -> AsyncGenerator[TaskGroup, None]:
    """A task group that raises its first error itself, not wrapped in a group."""
    first: BaseException | None = None
    try:
        async with anyio.create_task_group() as group:
            yield group
    except BaseExceptionGroup as errors:
        first = first_error(errors)
    if first is not None:
        raise first


def first_error(error: BaseException) -> BaseException:
    """Return the first error that is no group."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
