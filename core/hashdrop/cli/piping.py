"""Standard input and output as commands use them: what comes by a pipe, and what does not go out."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TextIO
from typing import cast

import anyio
from anyio.to_thread import run_sync

from hashdrop.errors import HashdropError
from hashdrop.errors import UsageError

STANDARD = Path("-")
"""How a command line names standard input or output."""
_READ_SIZE = 1024 * 1024
_UNTAKEN = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


async def standard_input() -> AsyncGenerator[bytes, None]:
    """Yield what comes by standard input, as it comes.

    Raises:
        UsageError: It is closed.
    """
    if cast("TextIO | None", sys.stdin) is None:
        raise UsageError("Standard input is closed.")
    # Unbuffered: what a pipe has is taken at once.
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0) as source:
        can_wait = True
        while True:
            if can_wait:
                try:  # on the loop: a thread that waits for a terminal's next line would hold up the exit
                    await anyio.wait_readable(source)
                except (OSError, NotImplementedError):  # a file, which is always ready; Windows
                    can_wait = False
            chunk = await run_sync(source.read, _READ_SIZE, abandon_on_cancel=True)
            if not chunk:
                return
            yield chunk


def standard_output() -> TextIO:
    """Return standard output.

    Raises:
        UsageError: It is closed.
    """
    if cast("TextIO | None", sys.stdout) is None:
        raise UsageError("Standard output is closed.", hint="Give a file with -o.")
    return sys.stdout


def is_of_output(error: OSError) -> bool:
    """Whether an error that reached the end of a command is of standard output: those of files have names."""
    return error.filename is None and error.errno in _UNTAKEN


def output_error(error: OSError) -> HashdropError:
    """Return what it means that standard output did not take what was written."""
    return HashdropError(
        "Standard output does not take what is written to it.",
        detail=f"The system says: {error.strerror}.",
        hint="Check the disk that it goes to.",
    )


def give_output_up() -> None:
    """Let what is still to be written go nowhere: at the end of the program it would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
