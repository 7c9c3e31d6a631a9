"""Checks of a storage of labox's kind, run against ours and against labox's own."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

MIB = 2**20


def digest_of(data: bytes, content_type: str = "application/octet-stream") -> Any:
    """labox's digest of bytes."""
    return {
        "content_encoding": None,
        "content_hash": hashlib.sha256(data).hexdigest(),
        "content_hash_algorithm": "sha256",
        "content_size": len(data),
        "content_type": content_type,
    }


def stream_of(
    chunks: Sequence[bytes],
    content_type: str = "application/octet-stream",
    before: Callable[[int], Any] | None = None,
) -> tuple[AsyncGenerator[bytes, None], Any]:
    """A stream and its `get_digest`, as labox's saver makes them."""
    whole = hashlib.sha256()
    size = 0
    complete = False

    async def stream() -> AsyncGenerator[bytes, None]:
        nonlocal size, complete
        for number, chunk in enumerate(chunks):
            if before is not None:
                await before(number)
            whole.update(chunk)
            size += len(chunk)
            yield chunk
        complete = True

    def get_digest(*, allow_incomplete: bool = False) -> Any:
        if not complete and not allow_incomplete:
            raise ValueError("not complete")
        return {
            "content_encoding": None,
            "content_hash": whole.hexdigest(),
            "content_hash_algorithm": "sha256",
            "content_size": size,
            "content_type": content_type,
            "is_complete": complete,
        }

    return stream(), get_digest


def pieces(size: int, chunk: int = MIB) -> list[bytes]:
    """Random bytes in chunks."""
    return [os.urandom(min(chunk, size - at)) for at in range(0, size, chunk)]


async def check_value_and_value(storage: Any, size: int) -> None:
    """A value that was written is read."""
    data = os.urandom(size)
    pointer = await storage.write_data(data, digest_of(data), {})

    assert await storage.read_data(pointer) == data


async def check_value_and_stream(storage: Any, size: int) -> None:
    """A value that was written is read as a stream."""
    data = os.urandom(size)
    pointer = await storage.write_data(data, digest_of(data), {})

    assert b"".join([chunk async for chunk in storage.read_data_stream(pointer)]) == data


async def check_stream_and_value(storage: Any, size: int) -> None:
    """A stream that was written is read as a value."""
    chunks = pieces(size)
    stream, get_digest = stream_of(chunks)
    pointer = await storage.write_data_stream(stream, get_digest, {})

    assert await storage.read_data(pointer) == b"".join(chunks)


async def check_stream_and_stream(storage: Any, size: int) -> None:
    """A stream that was written is read as a stream."""
    chunks = pieces(size)
    stream, get_digest = stream_of(chunks)
    pointer = await storage.write_data_stream(stream, get_digest, {})

    assert b"".join([chunk async for chunk in storage.read_data_stream(pointer)]) == b"".join(
        chunks
    )


ALL_CHECKS = (
    check_value_and_value,
    check_value_and_stream,
    check_stream_and_value,
    check_stream_and_stream,
)


def _starved() -> float:
    """Seconds that this thread was ready to run, and the system let others run; 0 where it is not told."""
    try:
        with open(f"/proc/self/task/{threading.get_native_id()}/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class Heartbeat:
    """The longest time that the event loop was held, without what other programs took of the processor."""

    longest = 0.0


@asynccontextmanager
async def heartbeat() -> AsyncGenerator[Heartbeat, None]:
    """Measure how long the event loop is held at most, while the block runs."""
    beat = Heartbeat()

    async def run() -> None:
        last, starved = time.perf_counter(), _starved()
        while True:
            await anyio.sleep(0.001)
            now, starved_now = time.perf_counter(), _starved()
            beat.longest = max(beat.longest, now - last - 0.001 - (starved_now - starved))
            last, starved = now, starved_now

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await anyio.sleep(0.05)
        beat.longest = 0.0
        yield beat
        await anyio.sleep(0.005)
        group.cancel_scope.cancel()
