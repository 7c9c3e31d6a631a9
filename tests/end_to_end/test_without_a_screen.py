"""Where there is no screen the window says so, and how to go on."""

from __future__ import annotations

import os
import subprocess
import sys


def test_it_says_so_in_a_sentence(tmp_path):
    """Exit code 2, one sentence, no traceback, nothing started."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    } | {"HASHDROP_HOME": str(tmp_path / "home")}
    result = subprocess.run(
        [sys.executable, "-m", "hashdrop_gui"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert result.returncode == 2
    assert (
        result.stderr
        == "hashdrop: There is no screen to open the window on. Use “xvfb-run -a hashdrop” for a virtual one, "
        "or the command line: “hashdrop put FILE”.\n"
    )
    assert not (tmp_path / "home").exists()
