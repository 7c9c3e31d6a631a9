"""Takes the pictures of the README: the real window under Xvfb, real files dropped on it by a real mouse.

Usage: screenshots.py FOLDER [NAME...]
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.s3_server import S3Server
from support.s3_server import run_server
from support.screen import Screen

MIB = 1024 * 1024
WIDTH, HEIGHT = 1120, 700
SLOW = 1.6 * MIB  # bytes a second of each connection


def main() -> None:
    """Take all pictures, or those named."""
    folder, wanted = Path(sys.argv[1]), set(sys.argv[2:])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        server, store = run_server(Path(scratch) / "server")
        try:
            run = files_of_a_day(Path(scratch) / "run-2026-11-24")
            for theme in ("light", "dark"):
                for size in ((WIDTH, HEIGHT), (900, 600)):
                    shot = Shots(folder, wanted, theme, size, server, Path(scratch))
                    shot.take(run)
        finally:
            anyio.run(store.stop)


class Shots:
    """The pictures of one scheme and size."""

    def __init__(
        self,
        folder: Path,
        wanted: set[str],
        theme: str,
        size: tuple[int, int],
        server: S3Server,
        scratch: Path,
    ) -> None:
        self._folder, self._wanted, self._theme, self._size = folder, wanted, theme, size
        self._server, self._scratch = server, scratch
        self._is_small = size != (WIDTH, HEIGHT)

    def take(self, run: Path) -> None:
        """Walk through the window and take each picture on the way."""
        suffix = f"{self._theme}-small" if self._is_small else self._theme
        if self._wanted and not any(name.endswith(f"-{suffix}") for name in self._wanted):
            return
        with (
            FaultProxy.to(self._server.endpoint_url) as proxy,
            self._window(proxy) as (screen, window),
        ):
            self._picture(screen, window, f"empty-{suffix}")
            proxy.add(Rule.answer("PutObject", 403, "AccessDenied", path=r"\.pdf$", times=99))
            proxy.add(Rule.slow_body("UploadPart", SLOW, times=9999))
            over = self._path(f"dragging-{suffix}")
            screen.drag([run], (500, 400), over=over)
            crop(over, self._size, screen.scale)
            time.sleep(3.2)
            screen.click(460, 508)
            self._picture(screen, window, f"running-{suffix}")
            self._wait(proxy)
            screen.click(520, 97)  # the pill “Stored”
            self._picture(screen, window, f"stored-{suffix}")
            screen.do("key", "--window", window, "ctrl+2")
            time.sleep(1)
            screen.click(560, 200)
            self._picture(screen, window, f"pointers-{suffix}")
            screen.do("key", "--window", window, "ctrl+comma")
            time.sleep(1)
            self._picture(screen, "root", f"settings-{suffix}")

    def _wait(self, proxy: FaultProxy) -> None:
        """Let everything be stored."""
        for rule in proxy._rules:
            rule.amount = 10**9 if rule.fault == "slow-body" else rule.amount
        time.sleep(12)

    @contextmanager
    def _window(self, proxy: FaultProxy) -> Generator[tuple[Screen, str], None, None]:
        client = self._server.client()
        name = "lab-data"
        try:
            client.create_bucket(Bucket=name)
        except client.exceptions.BucketAlreadyOwnedByYou:
            self._server.delete_bucket(name)
            client.create_bucket(Bucket=name)
        home = tempfile.mkdtemp(dir=self._scratch)
        with Screen(WIDTH + 200, HEIGHT + 40, scale=2) as screen:
            program = screen.start(
                *("--bucket", name, "--prefix", "raw", "--endpoint-url", proxy.endpoint_url),
                HASHDROP_HOME=home,
                HASHDROP_THEME=self._theme,
                **self._server.environment,
            )
            try:
                window = screen.window("^Hashdrop$")
                screen.place(window, *self._size)
                time.sleep(1.5)
                yield screen, window
            finally:
                for _ in range(2):
                    program.send_signal(signal.SIGINT)
                    time.sleep(0.5)
                try:
                    program.wait(20)
                except subprocess.TimeoutExpired:
                    program.kill()
                    program.wait()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.png"

    def _picture(self, screen: Screen, window: str, name: str) -> None:
        path = self._path(name)
        screen.picture(path, window)
        if window == "root":
            crop(path, self._size, screen.scale)
        else:
            shrink(path)


def files_of_a_day(folder: Path) -> Path:
    """Make what a scientist would drop."""
    folder.mkdir(parents=True)
    random.seed(7)
    for number, mib in zip(range(192, 200), (48, 40, 36, 24, 30, 26, 22, 44), strict=True):
        (folder / f"scan_0{number}.tiff").write_bytes(os.urandom(mib * MIB))
    for name, size in (
        ("calibration.csv", 40_000), ("dark_frame.raw", 12 * MIB), ("notes.md", 12_000),
        ("protocol.pdf", 300_000), ("run.json", 2_000),
    ):  # fmt: skip
        (folder / name).write_bytes(os.urandom(size))
    return folder


def crop(path: Path, size: tuple[int, int], scale: int) -> None:
    """Cut a picture of the screen to the window at its top left."""
    subprocess.run(
        ["convert", str(path), "-crop", f"{size[0] * scale}x{size[1] * scale}+0+0", "+repage", str(path)],
        check=True,
    )  # fmt: skip
    shrink(path)


def shrink(path: Path) -> None:
    """Make a picture small: few colours are enough for it."""
    subprocess.run(
        ["convert", str(path), "+dither", "-colors", "220", "-strip", f"png8:{path}"], check=True
    )


if __name__ == "__main__":
    main()
