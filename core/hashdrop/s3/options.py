"""How content is stored: what `S3Storage` and a connection's settings decide, for the writer."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from dataclasses import dataclass

from hashdrop.s3.body import Pace
from hashdrop.s3.buffers import memory_buffer
from hashdrop.s3.copying import DEFAULT_COPY_PART
from hashdrop.s3.copying import MAX_SINGLE_COPY
from hashdrop.s3.multipart import MIN_PART_SIZE
from hashdrop.s3.parts import StreamBufferType


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How content is stored; each has a default. See `S3Storage`."""

    max_writers: int | None = None
    max_readers: int | None = None
    part_size: int = MIN_PART_SIZE
    buffer_type: StreamBufferType = memory_buffer
    read_size: int = 5 * 1024**2
    max_parts_in_flight: int | None = None
    object_tags: bool = True
    checksums: bool | None = None
    equal_parts: bool = False
    tells_size: bool = False
    copy_part_threshold: int = MAX_SINGLE_COPY
    copy_part_size: int = DEFAULT_COPY_PART
    cleanup_timeout: float = 30.0
    own_connections: bool | None = None
    patience_s: float = 0.0
    pace: Pace | None = None
    store_name: str = ""
    """What the store is known by in the log of unfinished uploads; by default its endpoint."""
    check_room: Callable[[int | None], Awaitable[None]] | None = None
    """For a store of ours: raises `StoreFull` where its disk has no room for some bytes more.

    Called before a large file is sent; without a size, when the store says that it cannot now.
    """
    revive: Callable[[], Awaitable[bool]] | None = None
    """Called while a store of ours does not answer: starts it if it ended; returns whether it answers now.

    What it raises ends the wait.
    """
