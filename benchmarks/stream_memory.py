"""The memory of streaming: 2 GiB through `write_data_stream`, 8 parts of 16 MiB in flight.

The server is the embedded store, a process of its own; what is measured is this process at its peak. It ends
with 1 if the peak is above the limit, or if what the store has is not what was sent.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio

from hashdrop import S3Storage
from hashdrop import simple_s3_router
from hashdrop.connection import Connection
from hashdrop.digest import digest_stream
from hashdrop.local_store import LocalStore
from hashdrop.s3.client import Keys
from hashdrop.s3.client import ensure_bucket
from hashdrop.s3.client import open_client

MIB = 1024**2
BUCKET = "stream-memory"
PARTS = 8
PART_SIZE = 16 * MIB
LIMIT_MIB = 350


def peak_mib() -> float:
    """The most that this process ever had resident."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024


async def source(size: int) -> AsyncGenerator[bytes, None]:
    """Fresh random bytes, as fast as they are taken."""
    for _ in range(size // MIB):
        yield os.urandom(MIB)


async def run(size: int, folder: Path) -> int:
    """Stream, measure, print."""
    store = LocalStore(folder / "store")
    endpoint = await store.start()
    try:
        connection = Connection(
            name="benchmark",
            bucket=BUCKET,
            endpoint_url=endpoint.endpoint_url,
            region=endpoint.region,
            checksum_mode="when_supported",
        )
        client = open_client(connection, keys=Keys(endpoint.access_key, endpoint.secret_key))
        ensure_bucket(client, BUCKET)
        storage = S3Storage(
            s3_client=client,
            s3_router=simple_s3_router(BUCKET),
            max_writers=PARTS,
            max_parts_in_flight=PARTS,
            stream_writer_min_part_size=PART_SIZE,
        )
        before = peak_mib()
        began = time.perf_counter()
        stream, get_digest = digest_stream(source(size), content_type="application/octet-stream")
        pointer = await storage.write_data_stream(stream, get_digest, {})
        seconds = time.perf_counter() - began
        peak = peak_mib()
        stored = client.head_object(Bucket=pointer["bucket"], Key=pointer["key"])["ContentLength"]
    finally:
        await store.stop()
    passed = peak < LIMIT_MIB and stored == size
    print(f"streamed {stored / MIB:,.0f} MiB in {seconds:.1f} s, {PARTS} parts of 16 MiB in flight")
    print(f"resident before {before:.0f} MiB, at the peak {peak:.0f} MiB, limit {LIMIT_MIB} MiB")
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2048, metavar="MIB", help="MiB to stream")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hashdrop-benchmark-") as folder:
        return anyio.run(run, arguments.size * MIB, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
