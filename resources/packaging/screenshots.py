"""Takes the pictures of the README: the real window under Xvfb, real files dropped on it by a real mouse.

Usage: screenshots.py FOLDER [NAME...]
"""

from __future__ import annotations

import os
import random
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
from support.screen import program
from support.screen import screen as virtual_screen

MIB = 1024 * 1024
WIDTH, HEIGHT = 1120, 700
SCALE = 2
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
            self._window(proxy) as (shown, window),
        ):
            self._picture(shown, window, f"empty-{suffix}")
            proxy.add(Rule.answer("PutObject", 403, "AccessDenied", path=r"\.pdf$", times=99))
            slow = proxy.add(Rule.slow_body("UploadPart", SLOW, times=9999))
            with shown.dragging([run], (500 * SCALE, 400 * SCALE)):
                time.sleep(0.5)
                self._picture(shown, "root", f"dragging-{suffix}")
            time.sleep(3.5)
            self._click(shown, 460, 508)
            self._picture(shown, window, f"running-{suffix}")
            slow.amount = 10**9
            time.sleep(12)
            self._click(shown, 520, 97)  # the pill “Stored”
            self._picture(shown, window, f"stored-{suffix}")
            shown.key("ctrl+2")
            time.sleep(1)
            self._click(shown, 560, 200)
            self._picture(shown, window, f"pointers-{suffix}")
            shown.key("ctrl+comma")
            time.sleep(1)
            self._picture(shown, "root", f"settings-{suffix}")

    @contextmanager
    def _window(self, proxy: FaultProxy) -> Generator[tuple[Screen, str], None, None]:
        client = self._server.client()
        name = "lab-data"
        try:
            client.create_bucket(Bucket=name)
        except client.exceptions.BucketAlreadyOwnedByYou:
            self._server.delete_bucket(name)
            client.create_bucket(Bucket=name)
        home = Path(tempfile.mkdtemp(dir=self._scratch))
        with (
            virtual_screen((WIDTH + 200) * SCALE, (HEIGHT + 40) * SCALE) as shown,
            program(
                shown,
                home,
                *("--bucket", name, "--prefix", "raw", "--endpoint-url", proxy.endpoint_url),
                HASHDROP_THEME=self._theme,
                QT_SCALE_FACTOR=str(SCALE),
                **self._server.environment,
            ) as running,
        ):
            window = shown.place(self._size[0] * SCALE, self._size[1] * SCALE)
            time.sleep(2)
            yield shown, window
            for _ in range(2):
                running.interrupt()
                time.sleep(0.5)
            running.ends()

    def _click(self, shown: Screen, x: int, y: int) -> None:
        shown.click(x * SCALE, y * SCALE)
        time.sleep(0.4)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.png"

    def _picture(self, shown: Screen, window: str, name: str) -> None:
        path = self._path(name)
        shown.picture(path, window)
        if window == "root":
            crop(path, self._size, SCALE)
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
