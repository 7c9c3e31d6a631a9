"""`hashdrop catalog rebuild` of a million keys: its memory; ended in the middle, gone on, and again.

python benchmarks/rebuild.py [KEYS]

The bucket is a listing that a program of its own makes up; ends with 1 above the limit of memory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs
from urllib.parse import urlsplit

LIMIT_MIB = 250
_KEY = "raw/{:064x}.txt"


def main() -> int:
    """Run it, and print what it took."""
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    store = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(keys)], stdout=subprocess.PIPE, text=True
    )
    try:
        port = store.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as home:
            half = rebuild(port, home, ends_after=keys // 1000 // 10)
            rest = rebuild(port, home)
            again = rebuild(port, home)
    finally:
        store.kill()
        store.wait()
    print(f"ended in the middle: {half[0]:.0f} s, {half[1]:.0f} MiB at the peak")
    print(f"gone on to the end: {rest[0]:.0f} s, {rest[1]:.0f} MiB: {rest[2]}")
    print(f"again, nothing new: {again[0]:.0f} s, {again[1]:.0f} MiB: {again[2]}")
    good = json.loads(rest[2])["added"] == keys == json.loads(again[2])["seen"]
    return 0 if good and max(half[1], rest[1], again[1]) < LIMIT_MIB else 1


def rebuild(port: str, home: str, ends_after: float | None = None) -> tuple[float, float, str]:
    """Run it once; returns seconds, MiB and what it printed."""
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark-secret",
        "AWS_REGION": "us-east-1",
        "HASHDROP_HOME": home,
    }
    command = [
        Path(sys.executable).with_name("hashdrop"), "catalog", "rebuild", "--json",
        "--bucket", "lab-data", "--prefix", "raw", "--endpoint-url", f"http://127.0.0.1:{port}",
    ]  # fmt: skip
    began = time.perf_counter()
    program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    if ends_after is not None:
        time.sleep(ends_after)
        program.send_signal(signal.SIGINT)
    said = program.stdout.read()
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    assert program.returncode == (0 if ends_after is None else 130), program.returncode
    return time.perf_counter() - began, usage.ru_maxrss / 1024, said.strip()


class _Listing(BaseHTTPRequestHandler):
    """Answers ListObjectsV2."""

    protocol_version = "HTTP/1.1"
    keys = 0

    def do_GET(self) -> None:
        """Answer."""
        query = parse_qs(urlsplit(self.path).query)
        after = query.get("continuation-token", query.get("start-after", [""]))[0]
        first = int(after[4:68], 16) + 1 if after else 0
        last = min(first + int(query["max-keys"][0]), self.keys)
        rows = "".join(
            f"<Contents><Key>{_KEY.format(number)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>x</ETag><Size>{number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for number in range(first, last)
        )
        more = last < self.keys
        token = (
            f"<NextContinuationToken>{_KEY.format(last - 1)}</NextContinuationToken>"
            if more
            else ""
        )
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>lab-data</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(keys: int) -> None:
    """Be the bucket."""
    _Listing.keys = keys
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Listing)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        sys.exit(main())
