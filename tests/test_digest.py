"""Digests of files, memory and streams."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from hashdrop.digest import digest_file
from hashdrop.digest import digest_memory
from hashdrop.digest import digest_stream


@given(data=st.binary(max_size=300), part_size=st.integers(1, 64))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_pass_gives_the_hash_and_every_parts_checksum(tmp_path, data, part_size):
    """Of any content, cut at any size, from a file and from memory alike."""
    path = tmp_path / "file"
    path.write_bytes(data)
    found = digest_file(path, part_size=part_size)
    parts = [data[at : at + part_size] for at in range(0, len(data), part_size)]

    assert found.content_hash == hashlib.sha256(data).hexdigest()
    assert found.part_crcs == tuple(zlib.crc32(part) for part in parts)
    assert (found.size, found.crc) == (len(data), zlib.crc32(data))
    assert digest_memory(data, part_size) == found


def test_a_check_ends_the_pass(tmp_path):
    """What the check raises comes out, before the file is read to its end."""
    path = tmp_path / "file"
    path.write_bytes(bytes(5 * 2**20))
    read = []

    def check():
        if len(read) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        digest_file(path, part_size=2**20, on_read=read.append, check=check)

    assert sum(read) == 2 * 2**20


async def test_a_stream_is_hashed_as_it_passes():
    """The digest is refused before the end and right at it; the source is closed."""
    closed = []

    async def source():
        try:
            yield b"ab"
            yield bytes(200_000)
        finally:
            closed.append(True)

    stream, get_digest = digest_stream(source(), content_type="text/csv")
    first = await anext(stream)
    with pytest.raises(ValueError, match="to its end"):
        get_digest()
    partial = get_digest(allow_incomplete=True)
    rest = [chunk async for chunk in stream]

    assert first == b"ab"
    assert partial["is_complete"] is False
    assert get_digest()["content_hash"] == hashlib.sha256(b"ab" + b"".join(rest)).hexdigest()
    assert get_digest()["content_size"] == 200_002
    assert closed == [True]
