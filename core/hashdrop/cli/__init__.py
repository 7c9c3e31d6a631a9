"""The command line: the same engine as the window, for scripts, servers and tests."""

from __future__ import annotations

try:
    from hashdrop.cli.main import main
    from hashdrop.cli.main import program
except KeyboardInterrupt:  # Ctrl-C while the libraries are loaded: no traceback for it
    raise SystemExit(130) from None

__all__ = ("main", "program")
