"""`python -m hashdrop_gui` and `hashdrop-gui`: the window."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hashdrop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hashdrop.connection import Choice
    from hashdrop.paths import Paths


def open_window(paths: Paths, *, choice: Choice | None = None, files: Sequence[Path] = ()) -> int:
    """Open the window; see `app.run_window`.

    Raises:
        UsageError: There is no screen.
    """
    check_screen()
    from hashdrop_gui.app import run_window  # Qt is loaded only when there is a screen for it

    return run_window(paths, choice=choice, files=files)


def check_screen() -> None:
    """Return where a window can be shown; Qt itself would abort the process.

    Raises:
        UsageError: There is no screen.
    """
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UsageError(
            "There is no screen to open the window on.",
            hint="Use “xvfb-run -a hashdrop” for a virtual one, or the command line: “hashdrop put FILE”.",
        )


def main() -> int:
    """Run the program as `hashdrop` without a command does."""
    from hashdrop.cli import main as run_cli

    return run_cli(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
