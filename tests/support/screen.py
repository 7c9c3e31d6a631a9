"""A virtual screen, the program on it, and a real mouse."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator
    from collections.abc import Sequence

DRAG_SOURCE = Path(__file__).with_name("drag_source.py")
TITLE = "^Hashdrop$"


def wait(what: Callable[[], object], seconds: float = 30.0, *, every: float = 0.1) -> object:
    """Wait until something is so; outside of any event loop."""
    limit = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > limit:
            raise AssertionError(f"not within {seconds:g} s")
        time.sleep(every)
    return found


class Screen:
    """A display of its own."""

    def __init__(
        self, display: str, size: tuple[int, int], server: subprocess.Popen[bytes]
    ) -> None:
        self.display = display
        self.server = server
        self.size = size

    def xdotool(self, *arguments: object) -> str:
        """Run xdotool on this display; "" where it fails."""
        result = subprocess.run(
            ["xdotool", *map(str, arguments)],
            env=os.environ | {"DISPLAY": self.display},
            capture_output=True,
            text=True,
            check=False,
        )
        return result.stdout.strip() if result.returncode == 0 else ""

    def window(self, title: str = TITLE, seconds: float = 30.0) -> str:
        """The number of a visible window, when it is there."""
        found = wait(lambda: self.xdotool("search", "--onlyvisible", "--name", title), seconds)
        return str(found).splitlines()[-1]

    def place(self, width: int, height: int) -> str:
        """Put the program's window at the upper left corner, in a size."""
        window = self.window()
        self.xdotool("windowsize", window, width, height, "windowmove", window, 0, 0)
        wait(lambda: f"Geometry: {width}x{height}" in self.xdotool("getwindowgeometry", window))
        self.xdotool("windowfocus", window)
        return window

    def key(self, *keys: str) -> None:
        """Press keys."""
        self.xdotool("key", "--delay", 60, *keys)

    def click(self, x: int, y: int, *, times: int = 1) -> None:
        """Click with the left button."""
        self.xdotool("mousemove", x, y, "sleep", 0.1, "click", "--repeat", times, "--delay", 80, 1)

    @property
    def clipboard(self) -> str:
        """The text on the clipboard."""
        return subprocess.run(
            [sys.executable, str(DRAG_SOURCE.with_name("clipboard.py"))],
            env=_environment(self.display),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def picture(self, path: Path, window: str = "root") -> None:
        """Take a picture of a window."""
        subprocess.run(
            ["import", "-display", self.display, "-window", window, str(path)], check=True
        )

    @contextmanager
    def dragging(self, files: Sequence[Path], to: tuple[int, int]) -> Iterator[None]:
        """Drag files over a point; they are let go when the block ends."""
        x, y = self.size[0] - 140, 40
        source = subprocess.Popen(
            [sys.executable, str(DRAG_SOURCE), str(x), str(y), *map(str, files)],
            env=_environment(self.display),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert source.stdout is not None
        try:
            assert source.stdout.readline() == "ready\n"
            self.window("^drag source$")
            time.sleep(0.4)
            start = (x + 60, y + 40)
            self.xdotool("mousemove", *start, "sleep", 0.1, "mousedown", 1, "sleep", 0.1)
            steps = 12
            for step in range(1, steps + 1):
                at = [round(a + (b - a) * step / steps) for a, b in zip(start, to, strict=True)]
                self.xdotool("mousemove", *at, "sleep", 0.05)
            time.sleep(0.3)
            yield
            self.xdotool("mouseup", 1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                source.wait(1.5)  # the target asks it for its data only now
        finally:
            self.xdotool("mouseup", 1)
            source.kill()
            source.wait()
            source.stdout.close()

    def drop(self, *files: Path, to: tuple[int, int] = (600, 400)) -> None:
        """Drop files on a point with the mouse."""
        with self.dragging(files, to):
            pass


def _environment(display: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"}
    return kept | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}


@contextmanager
def screen(width: int = 1280, height: int = 900) -> Iterator[Screen]:
    """Start a virtual screen on a free display number."""
    assert shutil.which("Xvfb"), "Xvfb is missing: run resources/packaging/qt-libraries.sh"
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{width}x{height}x24",
         "-nolisten", "tcp", "-noreset"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    try:
        with os.fdopen(reader) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        yield Screen(f":{number}", (width, height), server)
    finally:
        server.terminate()
        server.wait(10)


class Program:
    """The program, started as people start it."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def output(self) -> str:
        """What it wrote on stderr."""
        return self._log.read_text()

    def interrupt(self) -> None:
        """Ctrl-C."""
        import signal

        self.process.send_signal(signal.SIGINT)

    def ends(self, seconds: float = 30.0) -> int:
        """Wait for its end; returns its exit code."""
        return self.process.wait(seconds)


@contextmanager
def program(shown_on: Screen, home: Path, *arguments: str, **environment: str) -> Iterator[Program]:
    """Start `hashdrop` on a screen, with folders of its own; killed if it outlives the block."""
    log = home.with_name(f"{home.name}-stderr-{time.monotonic_ns()}")
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "hashdrop_gui", *arguments],
            env=_environment(shown_on.display) | {"HASHDROP_HOME": str(home)} | environment,
            stderr=stderr,
            text=True,
        )
    try:
        yield Program(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
