"""The servers that benchmarks run beside them, each a program of its own, and what clients need."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark-secret",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""For the environment of a client; neither server checks a signature."""


@contextmanager
def sink(*options: str) -> Generator[int, None, None]:
    """Run what takes and forgets everything, `sink.py`; gives its port.

    Args:
        options: Of the program.
    """
    with _program("sink.py", *options) as port:
        yield port


@contextmanager
def made_up_bucket(keys: int) -> Generator[str, None, None]:
    """Run a bucket of so many keys, `made_up_bucket.py`; gives its endpoint."""
    with _program("made_up_bucket.py", str(keys)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _program(name: str, *arguments: str) -> Generator[int, None, None]:
    command = [sys.executable, str(HERE / name), *arguments]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(program.stdout.readline())
    finally:
        program.terminate()
        program.communicate()
