"""Make the README's pictures: the real program under Xvfb, real files dropped on it with the mouse.

Usage: screenshots.py FOLDER [NAME...]
       screenshots.py FOLDER --review [NAME...]

With --review it is the Transfers page at 900 x 600, in both schemes and at 100 % and 200 %.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from hashdrop.connection import ChecksumMode
from hashdrop.connection import Connection
from hashdrop.paths import Paths
from hashdrop.settings import Settings
from hashdrop.settings import save_settings

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path.insert(0, str(TESTS))

from support.fault_proxy import FaultProxy  # noqa: E402  # the helpers live with the tests
from support.s3_server import S3Server  # noqa: E402
from support.s3_server import run_server  # noqa: E402
from support.screen import Program  # noqa: E402
from support.screen import Screen  # noqa: E402
from support.screen import program  # noqa: E402
from support.screen import screen  # noqa: E402

SCALE = 2
WIDTH, HEIGHT = 1120, 700
MIB = 2**20
RATE = 9 * MIB
"""Bytes a second that the slow way to the store lets through."""


@dataclass(frozen=True)
class Studio:
    """What every picture needs."""

    screen: Screen
    server: S3Server
    folder: Path
    files: Path
    scale: int = SCALE
    width: int = WIDTH
    height: int = HEIGHT

    def point(self, x: int, y: int) -> tuple[int, int]:
        """Return a place of the window in the screen's pixels."""
        return x * self.scale, y * self.scale


class Throttle:
    """A bandwidth limit for all requests with a body, in front of a fault proxy's upstream."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = 0.0
        self._lock = threading.Lock()

    def pay(self, size: int) -> None:
        """Wait until some bytes have passed."""
        with self._lock:
            start = max(time.monotonic(), self._free_at)
            self._free_at = start + size / self._rate
        time.sleep(max(0.0, self._free_at - time.monotonic()))


class SlowProxy(FaultProxy):
    """Reads what is sent to it no faster than a rate, so that uploads can be watched."""

    def __init__(self, host: str, port: int, *, keeps_bodies: bool = False) -> None:
        super().__init__(host, port, keeps_bodies=keeps_bodies)
        self._throttle = Throttle(RATE)

    def _serve(self, connection) -> None:
        connection.setsockopt(1, 8, 256 * 1024)  # SO_RCVBUF: else the system takes it all at once
        super()._serve(_Slowly(connection, self._throttle))  # pyright: ignore[reportArgumentType]


class _Slowly:
    def __init__(self, connection, throttle: Throttle) -> None:
        self._connection = connection
        self._throttle = throttle

    def makefile(self, mode: str) -> _SlowReader:
        return _SlowReader(self._connection.makefile(mode), self._throttle)

    def __getattr__(self, name: str):
        return getattr(self._connection, name)

    def __hash__(self) -> int:
        return hash(self._connection)


class _SlowReader:
    def __init__(self, reader, throttle: Throttle) -> None:
        self._reader = reader
        self._throttle = throttle

    def read1(self, size: int) -> bytes:
        part = self._reader.read1(min(size, 128 * 1024))
        self._throttle.pay(len(part))
        return part

    def __getattr__(self, name: str):
        return getattr(self._reader, name)


def make_files(folder: Path) -> None:
    """Make what a morning in a laboratory leaves."""
    chance = random.Random(2026)  # noqa: S311
    run = folder / "run-2026-11-24"
    run.mkdir(parents=True)
    for number in range(192, 200):
        (run / f"scan_{number:04}.tiff").write_bytes(chance.randbytes(48 * MIB))
    (run / "calibration.csv").write_bytes(chance.randbytes(4_200_000))
    (run / "notes.md").write_text("# Run of 24 November\n" * 500)
    (run / "dark_frame.raw").write_bytes(chance.randbytes(3 * MIB))
    (run / "spectrum.json").write_text('{"counts": [1, 2, 3]}\n' * 900)
    (run / "empty.log").write_bytes(b"")
    many = folder / "plates"
    many.mkdir()
    for number in range(24):
        (many / f"plate_{number:02}.csv").write_text(f"well,od600\nA1,0.{number:02}\n" * 200)


@contextmanager
def window(studio: Studio, theme: str, *arguments: str, home: Path | None = None,
           **environment: str) -> Iterator[Program]:  # fmt: skip
    """Start the program, as large as the pictures."""
    home = home or Path(tempfile.mkdtemp(dir=studio.folder))
    with program(
        studio.screen,
        home,
        *arguments,
        QT_SCALE_FACTOR=str(studio.scale),
        HASHDROP_THEME=theme,
        **environment,
    ) as running:
        studio.screen.place(*studio.point(studio.width, studio.height))
        studio.screen.xdotool("mousemove", *studio.point(studio.width - 20, studio.height - 60))
        time.sleep(1.5)
        yield running
        running.interrupt()
        time.sleep(0.3)
        running.interrupt()
        running.ends(60)


@contextmanager
def lab(studio: Studio, theme: str, *, home: Path | None = None, slow: bool = False,
        bucket: str = "lab-data", prefix: str = "raw") -> Iterator[Program]:  # fmt: skip
    """The same, with a connection to a bucket of a laboratory."""
    with ExitStack() as stack:
        endpoint = studio.server.endpoint_url
        if slow:
            endpoint = stack.enter_context(SlowProxy.to(endpoint)).endpoint_url
        home = home or Path(tempfile.mkdtemp(dir=studio.folder))
        connection = Connection(
            name="lab-data",
            bucket=bucket,
            prefix=prefix,
            endpoint_url=endpoint,
            checksum_mode=ChecksumMode.WHEN_SUPPORTED,
        )
        settings_file = Paths(home / "config", home / "data").settings_file
        save_settings(settings_file, Settings((connection,), connection.name))
        yield stack.enter_context(window(studio, theme, home=home, **studio.server.environment))


def point(x: int, y: int) -> tuple[int, int]:
    """Return a place of a window in the pictures' own scale in the screen's pixels."""
    return x * SCALE, y * SCALE


def take(studio: Studio, target: Path) -> None:
    """Take the picture, and make the file small: few colours, well packed."""
    studio.screen.picture(target)
    size = "x".join(map(str, studio.point(studio.width, studio.height)))
    subprocess.run(  # our own arguments
        ["convert", str(target), "-crop", f"{size}+0+0", "+repage",
         "-dither", "None", "-colors", "128", "-define", "png:compression-level=9",
         f"PNG8:{target}"],
        check=True,
    )  # fmt: skip


# --- the pictures --------------------------------------------------------------------------------


def empty(studio: Studio, target: Path, theme: str) -> None:
    """The first start: nothing set up, nothing stored."""
    with window(studio, theme):
        time.sleep(4)
        take(studio, target)


def dragging(studio: Studio, target: Path, theme: str) -> None:
    """Files over the window."""
    run = sorted((studio.files / "plates").iterdir())
    with lab(studio, theme), studio.screen.dragging(run, studio.point(620, 380)):
        time.sleep(0.6)
        take(studio, target)


def running(studio: Studio, target: Path, theme: str) -> None:
    """A folder while it is stored: some of it is there, some is hashed, some on its way."""
    home = Path(tempfile.mkdtemp(dir=studio.folder))
    already = studio.files / "run-2026-11-24" / "notes.md"
    with lab(studio, theme, home=home, slow=True):
        studio.screen.drop(already, to=studio.point(620, 420))
        time.sleep(1.5)
        studio.screen.drop(studio.files / "run-2026-11-24", to=studio.point(620, 420))
        time.sleep(7)
        studio.screen.click(*studio.point(430, 430))
        time.sleep(2)
        take(studio, target)


def stored(studio: Studio, target: Path, theme: str) -> None:
    """All of a drop stored."""
    with lab(studio, theme):
        studio.screen.drop(studio.files / "plates", to=studio.point(620, 420))
        time.sleep(4)
        studio.screen.click(*studio.point(430, 250))
        time.sleep(0.5)
        take(studio, target)


def failures(studio: Studio, target: Path, theme: str) -> None:
    """What goes wrong, told."""
    scans = sorted((studio.files / "plates").iterdir())[:4]
    gone = studio.files / "deleted_meanwhile.csv"
    with lab(studio, theme, bucket="lab-dta"):
        studio.screen.drop(*scans, gone, to=studio.point(620, 420))
        time.sleep(4)
        studio.screen.click(*studio.point(430, 320))
        time.sleep(0.5)
        take(studio, target)


def pointers(studio: Studio, target: Path, theme: str) -> None:
    """What was stored, on the page of pointers."""
    with lab(studio, theme):
        studio.screen.drop(
            *sorted((studio.files / "run-2026-11-24").glob("*[!f]")), to=studio.point(620, 420)
        )
        studio.screen.drop(studio.files / "plates", to=studio.point(620, 420))
        time.sleep(5)
        studio.screen.click(*studio.point(100, 120))
        time.sleep(0.5)
        studio.screen.click(*studio.point(430, 200))
        time.sleep(1)
        take(studio, target)


def settings(studio: Studio, target: Path, theme: str) -> None:
    """The dialog of a connection, with the live sample of a key."""
    with lab(studio, theme):
        studio.screen.key("ctrl+comma")
        time.sleep(1.5)
        dialog = studio.screen.window("^Connection$")
        studio.screen.xdotool("windowmove", dialog, *studio.point(280, 40))
        time.sleep(0.8)
        take(studio, target)


def many(studio: Studio, target: Path, theme: str) -> None:
    """A hundred thousand files, counted and asked about."""
    folder = studio.files / "archive"
    if not folder.exists():
        for number in range(100_000):
            path = folder / f"{number // 1000:03}" / f"plate_{number:06}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"well,od600\nA1,{number}\n")
    with lab(studio, theme):
        studio.screen.drop(folder, to=studio.point(620, 380))
        studio.screen.window("^Large drop$", 60)
        time.sleep(60)
        studio.screen.key("Tab", "space")  # from Cancel to Upload
        time.sleep(6)
        take(studio, target)


def history(studio: Studio, target: Path, theme: str) -> None:
    """What became of earlier drops."""
    with lab(studio, theme):
        studio.screen.drop(studio.files / "plates", to=studio.point(620, 420))
        time.sleep(3)
        notes = studio.files / "run-2026-11-24" / "notes.md"
        studio.screen.drop(notes, to=studio.point(620, 420))
        time.sleep(3)
        studio.screen.click(*studio.point(studio.width - 60, 96))  # the pill
        time.sleep(2)
        studio.screen.click(*studio.point(430, 190))
        time.sleep(1)
        take(studio, target)


REVIEW: dict[str, Callable[[Studio, Path, str], None]] = {
    "empty": empty,
    "dragging": dragging,
    "running": running,
    "many": many,
    "failures": failures,
    "history": history,
}
"""Pictures of the Transfers page that are looked at in every scheme and scale."""

PICTURES: dict[str, tuple[Callable[[Studio, Path, str], None], str]] = {
    "empty-light": (empty, "light"),
    "empty-dark": (empty, "dark"),
    "dragging-light": (dragging, "light"),
    "running-light": (running, "light"),
    "running-dark": (running, "dark"),
    "stored": (stored, "light"),
    "failures": (failures, "light"),
    "history": (history, "light"),
    "pointers-light": (pointers, "light"),
    "pointers-dark": (pointers, "dark"),
    "settings": (settings, "light"),
}


def main(arguments: list[str]) -> int:
    """Make all pictures, or those that are named."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in arguments[1:] if name != "--review"]
    if "--review" in arguments:
        wanted = [
            (f"{name}-{theme}-{scale}", REVIEW[name], theme, (scale, 900, 600))
            for name in names or REVIEW
            for theme in ("light", "dark")
            for scale in (1, 2)
        ]
    else:
        wanted = [(name, *PICTURES[name], (SCALE, WIDTH, HEIGHT)) for name in names or PICTURES]
    with tempfile.TemporaryDirectory(prefix="hashdrop-pictures-") as scratch:
        place = Path(scratch)
        make_files(place / "files")
        server, store = run_server(place / "server")
        try:
            server.client().create_bucket(Bucket="lab-data")
            for name, make, theme, (scale, width, height) in wanted:
                for key in server.objects("lab-data"):
                    server.client().delete_object(Bucket="lab-data", Key=key)
                with screen(width * scale + 320, height * scale + 200) as shown_on:
                    target = folder / f"{name}.png"
                    studio = Studio(shown_on, server, place, place / "files", scale, width, height)
                    make(studio, target, theme)
                sys.stdout.write(f"{target} {target.stat().st_size // 1000} kB\n")
        finally:
            anyio.run(store.stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
