"""The command line: the same engine as the window, for scripts, servers and tests."""

from __future__ import annotations

from hashdrop.cli.main import main
from hashdrop.cli.main import program

__all__ = ("main", "program")
