"""A virtual screen with a real mouse: programs run on it, files are dragged, pictures are taken."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
HASHDROP = Path(sys.executable).with_name("hashdrop")


class Screen:
    """An Xvfb of its own; use it as a context manager.

    Args:
        width: Pixels.
        height: Pixels.
        scale: Device pixels to one pixel of the programs on it.
    """

    def __init__(self, width: int = 1400, height: int = 900, *, scale: int = 1) -> None:
        self._size = (width * scale, height * scale)
        self.scale = scale

    def __enter__(self) -> Screen:
        reader, writer = os.pipe()
        width, height = self._size
        self._server = subprocess.Popen(
            [
                "Xvfb",
                "-displayfd",
                str(writer),
                "-screen",
                "0",
                f"{width}x{height}x24",
                "-nolisten",
                "tcp",
            ],
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as file:
            self.display = f":{file.readline().strip()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait(10)

    @property
    def environment(self) -> dict[str, str]:
        """For a program on this screen."""
        hidden = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "QT_SCALE_FACTOR")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return kept | {
            "DISPLAY": self.display,
            "QT_QPA_PLATFORM": "xcb",
            "QT_SCALE_FACTOR": str(self.scale),
        }

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `hashdrop` with arguments."""
        return subprocess.Popen(
            [str(HASHDROP), *arguments],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def do(self, *words: object) -> str:
        """Let xdotool do something; return what it printed."""
        done = subprocess.run(
            ["xdotool", *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout.strip()

    def window(self, title: str, *, timeout_s: float = 30.0) -> str:
        """Wait for a window; return its id."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = self.do("search", "--onlyvisible", "--name", title).splitlines()
            if found:
                return found[-1]
            time.sleep(0.1)
        raise TimeoutError(f"no window named {title}")

    def place(self, window: str, width: int, height: int) -> None:
        """Put a window at the top left, in a size of logical pixels."""
        self.do("windowsize", window, width * self.scale, height * self.scale)
        self.do("windowmove", window, 0, 0)
        time.sleep(0.5)

    def move(self, x: int, y: int) -> None:
        """Move the mouse, in logical pixels."""
        self.do("mousemove", x * self.scale, y * self.scale)

    def click(self, x: int, y: int) -> None:
        """Click somewhere, in logical pixels."""
        self.move(x, y)
        self.do("click", 1)
        time.sleep(0.3)

    def drag(self, paths: list[Path], to: tuple[int, int], *, over: Path | None = None) -> str:
        """Drag files with the mouse and drop them; return the action that the drop took.

        Args:
            paths: The files and folders.
            to: Where, in logical pixels.
            over: Takes a picture before the release.
        """
        left = self._size[0] // self.scale - 160
        source = subprocess.Popen(
            [sys.executable, str(HERE / "drag_source.py"), str(left), "60", *map(str, paths)],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert source.stdout is not None
            assert source.stdout.readline().strip() == "ready"
            self.window("drag source")
            time.sleep(0.5)
            self.move(left + 50, 100)
            self.do("mousedown", 1)
            steps = 12
            for step in range(1, steps + 1):
                x = left + 50 + (to[0] - left - 50) * step // steps
                self.move(x, 100 + (to[1] - 100) * step // steps)
                time.sleep(0.06)
            if over is not None:
                time.sleep(0.6)
                self.picture(over)
            self.do("mouseup", 1)
            action = source.stdout.readline().strip()
            time.sleep(1)  # the target asks the source for its data only now
            return action
        finally:
            source.terminate()
            source.communicate(timeout=10)

    def picture(self, path: Path, window: str = "root") -> None:
        """Take a picture of the screen, or of one window."""
        subprocess.run(
            ["import", "-window", window, str(path)], env=self.environment, check=True, timeout=60
        )
