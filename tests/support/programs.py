"""The command line as people and scripts run it: in this process, or as a program of its own."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HASHDROP = Path(sys.executable).parent / "hashdrop"
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2

DATA = b"a,b\n1,2\n" * 1000
"""Of the file that the tests of the command line store."""


@dataclass(frozen=True)
class Ran:
    """How a run ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What `--json` printed: nothing but one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        """Its only line."""
        (row,) = self.rows
        return row

    def checked(self, *secrets: str) -> Ran:
        """What holds of every run: no traceback, no secret in what it says."""
        said = self.out + self.err

        assert "Traceback" not in said, said
        assert not any(secret in said for secret in secrets)
        return self


def run_inside(capfd, *arguments: object) -> Ran:
    """Run the command line in this process."""
    from hashdrop.cli import main

    capfd.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return Ran(code, out, err)


def start_program(*arguments: object, **more: Any) -> subprocess.Popen[bytes]:
    """Start the installed program; its output is kept, its input is empty unless given."""
    return subprocess.Popen(
        [str(HASHDROP), *(str(argument) for argument in arguments)],
        **{
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **more,
        },
    )


def end_of(process: subprocess.Popen[bytes], data: bytes | None = None, timeout: float = 60) -> Ran:
    """Wait for the end of a program; one that does not end is killed, and that is a failure."""
    try:
        out, err = process.communicate(data, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ran(process.returncode, out.decode(), err.decode())


def run_program(*arguments: object, data: bytes | None = None, **more: Any) -> Ran:
    """Run the installed program to its end; `data` comes through a pipe."""
    if data is not None:
        more["stdin"] = subprocess.PIPE
    return end_of(start_program(*arguments, **more), data)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """What Ctrl-C sends."""
    process.send_signal(signal.SIGINT)


def bound_by_permissions() -> None:
    """In a child before it becomes a program: file permissions bind it even where it runs as root.

    Raises:
        OSError: It may not give its powers away.
    """
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for power in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        if libc.prctl(_PR_CAPBSET_DROP, power, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


def make_unreadable(path: Path) -> None:
    """Another's file, for nobody else to read."""
    path.chmod(0o600 if os.geteuid() == 0 else 0)
    if os.geteuid() == 0:
        os.chown(path, 65_534, 65_534)
