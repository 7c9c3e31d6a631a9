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
from pathlib import Path

from servers import CREDENTIALS
from servers import made_up_bucket

LIMIT_MIB = 250


def main() -> int:
    """Run it, and print what it took."""
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with made_up_bucket(keys) as url, tempfile.TemporaryDirectory() as home:
        half = rebuild(url, home, ends_after=keys // 1000 // 10)
        rest = rebuild(url, home)
        again = rebuild(url, home)
    print(f"ended in the middle: {half[0]:.0f} s, {half[1]:.0f} MiB at the peak")
    print(f"gone on to the end: {rest[0]:.0f} s, {rest[1]:.0f} MiB: {rest[2]}")
    print(f"again, nothing new: {again[0]:.0f} s, {again[1]:.0f} MiB: {again[2]}")
    good = json.loads(rest[2])["added"] == keys == json.loads(again[2])["seen"]
    return 0 if good and max(half[1], rest[1], again[1]) < LIMIT_MIB else 1


def rebuild(url: str, home: str, ends_after: float | None = None) -> tuple[float, float, str]:
    """Run it once; returns seconds, MiB and what it printed."""
    environment = os.environ | CREDENTIALS | {"HASHDROP_HOME": home}
    command = [
        Path(sys.executable).with_name("hashdrop"), "catalog", "rebuild", "--json",
        "--bucket", "lab-data", "--prefix", "raw", "--endpoint-url", url,
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


if __name__ == "__main__":
    sys.exit(main())
