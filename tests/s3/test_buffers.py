"""The buffer of a part."""

from __future__ import annotations

import os
from collections import deque
from io import BytesIO

from hypothesis import given
from hypothesis import strategies

from hashdrop.s3 import buffers
from hashdrop.s3.buffers import PartBuffer
from hashdrop.s3.buffers import memory_buffer

STEPS = strategies.lists(
    strategies.one_of(
        strategies.tuples(strategies.just("write"), strategies.binary(max_size=40)),
        strategies.tuples(strategies.just("read"), strategies.integers(-1, 40)),
        strategies.tuples(strategies.just("seek"), strategies.integers(0, 60)),
    )
)


@given(STEPS)
def test_it_is_as_a_file_in_memory(steps):
    """Whatever is written, sought and read, across the borders of its segments."""
    real, ours = BytesIO(), PartBuffer()
    size, buffers._SEGMENT_SIZE = buffers._SEGMENT_SIZE, 8
    try:
        for step, argument in steps:
            assert getattr(ours, step)(argument) == getattr(real, step)(argument)
            assert ours.tell() == real.tell()
        ours.seek(0)

        assert ours.read() == real.getvalue()
    finally:
        buffers._SEGMENT_SIZE = size
        ours.close()


def test_what_is_closed_goes_back_but_for_a_little(monkeypatch):
    """As much as the next part takes is kept; the system gets the rest at once."""
    monkeypatch.setattr(buffers, "_SPARE", deque())
    monkeypatch.setattr(buffers, "_MOST_SPARE", 2)
    with memory_buffer() as buffer:
        buffer.write(bytes(9 * 2**20))
        segments = list(buffer._segments)

        assert len(segments) == 3
    assert buffer.closed
    assert sorted(segment.closed for segment in segments) == [False, False, True]
    with memory_buffer() as again:
        again.write(b"x")

        assert again._segments[0] in segments


def test_what_was_anothers_is_not_read(monkeypatch):
    """A segment that is used again has old bytes: a gap that nobody wrote reads as nought."""
    monkeypatch.setattr(buffers, "_SPARE", deque())
    with memory_buffer() as buffer:
        buffer.write(b"secret" * 100)
    with memory_buffer() as again:
        again.write(b"a")
        again.seek(50)
        again.write(b"b")
        again.seek(0)

        assert again.read() == b"a" + bytes(49) + b"b"


def test_a_segment_that_a_thread_still_sends_is_not_used_again(monkeypatch):
    """A thread that was left behind at a cancellation may read it to the end."""
    monkeypatch.setattr(buffers, "_SPARE", deque())

    class Left:
        def send(self, part):
            buffer.close()
            assert bytes(part) == b"x" * 1000
            return len(part)

    buffer = memory_buffer()
    buffer.write(b"x" * 1000)
    buffer.seek(0)
    buffer.send_to(Left(), 5000)

    assert not buffers._SPARE


def test_all_of_it_is_sent_a_segment_at_a_time():
    """As `read` gives it, without a copy."""
    sent = bytearray()

    class Sock:
        def send(self, part):
            sent.extend(part[: 2**20])
            return len(part[: 2**20])

    data = os.urandom(9 * 2**20)
    with memory_buffer() as buffer:
        buffer.write(data)
        buffer.seek(0)
        while buffer.send_to(Sock(), 3 * 2**20):
            pass

    assert bytes(sent) == data
