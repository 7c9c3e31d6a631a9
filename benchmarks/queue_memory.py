"""Memory of `hashdrop put` with 100,000 files in its queue and a sparse file of 20 GiB, against the sink.

python benchmarks/queue_memory.py [FILES] [GIB]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import CREDENTIALS
from servers import sink

LIMIT_MIB = 400


def main() -> None:
    """Run it and print the peak."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    gib = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        for number in range(count):
            path = source / f"{number // 1000:03}" / f"{number:06}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"file {number}")
        big = Path(scratch) / "big.bin"
        with big.open("wb") as file:
            file.truncate(gib * 1024**3)
        began = time.perf_counter()
        with sink() as port:
            command = [
                Path(sys.executable).with_name("hashdrop"), "put", source, big, "--json",
                "--bucket", "lab-data", "--endpoint-url", f"http://127.0.0.1:{port}",
            ]  # fmt: skip
            environment = os.environ | CREDENTIALS | {"HASHDROP_HOME": f"{scratch}/home"}
            program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            rows = sum(1 for line in program.stdout if '"status": "stored"' in line)
            _, status, usage = os.wait4(program.pid, 0)
            program.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss / 1024
    print(
        f"{rows:,} files stored, one of them of {gib} GiB, in {time.perf_counter() - began:.0f} s"
    )
    print(
        f"peak of resident memory {peak:.0f} MiB of {LIMIT_MIB}: {'ok' if peak < LIMIT_MIB else 'TOO MUCH'}"
    )
    sys.exit(peak >= LIMIT_MIB or rows != count + 1)


if __name__ == "__main__":
    main()
