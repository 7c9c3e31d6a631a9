"""The buffer of a part."""

from __future__ import annotations

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


def test_what_is_closed_holds_no_memory():
    """The pages go back to the system at once."""
    with memory_buffer() as buffer:
        buffer.write(bytes(9 * 2**20))
        (segment, *_) = buffer._segments

        assert len(buffer._segments) == 3
    assert buffer.closed
    assert segment.closed
    assert buffer._segments == []
