"""The start of the window: what takes its time is loaded beside the loop."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
from importlib.abc import MetaPathFinder

found = {}

class Finder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy":
            found[name] = threading.current_thread() is threading.main_thread()

sys.meta_path.insert(0, Finder())

import anyio
from PySide6.QtWidgets import QApplication
from hashdrop.paths import Paths
from hashdrop.service import open_service
from hashdrop_gui.app import open_window
from hashdrop_gui.loop import run
from pathlib import Path

home = Path(sys.argv[1])
app = QApplication([])
app.setQuitOnLastWindowClosed(False)

async def main():
    async with open_service(Paths(home / "config", home / "data"), for_people=True) as service:
        async with open_window(app, service) as window:
            with anyio.fail_after(60):
                while window.pointers.feed.is_asking or service.status.state == "starting":
                    await anyio.sleep(0.05)
    return 0

code = run(app, main, sys.exit)
print(sorted(found.items()))
sys.exit(code)
"""


def test_the_catalogs_libraries_are_loaded_in_a_thread(tmp_path):
    """They take half a second, in which the window would not be painted."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[('sqlalchemy', False)]"
