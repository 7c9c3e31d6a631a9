"""Make the pictures of the page of pointers: the real program under Xvfb, as `screenshots.py` does.

Usage: pointer_pictures.py FOLDER [NAME...]
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import screenshots
from screenshots import HEIGHT
from screenshots import SCALE
from screenshots import WIDTH
from screenshots import Studio
from screenshots import lab
from screenshots import take

from hashdrop.catalog.catalog import open_catalog
from hashdrop.paths import Paths
from support.pointer_rows import stored_names
from support.s3_server import run_server
from support.screen import screen

_POINTERS = (100, 120)
_FIRST_ROW = (430, 173)


def make_files(folder: Path) -> None:
    """Make one file of each kind that has a preview."""
    from PySide6.QtGui import QColor
    from PySide6.QtGui import QImage

    folder.mkdir(parents=True)
    image = QImage(1200, 900, QImage.Format.Format_RGB32)
    for x in range(1200):
        for y in range(900):
            light = 128 + 90 * math.sin(x / 70) * math.cos(y / 55) + 30 * math.sin((x + y) / 23)
            image.setPixelColor(x, y, QColor.fromHsv(205, 110, max(0, min(255, round(light)))))
    image.save(str(folder / "interference_0192.tiff"))
    rows = "\n".join(f"{row}{column},{(row_number * 7 + column * 3) % 97 / 100:.2f},{25 + column % 4}"
                     for row_number, row in enumerate("ABCDEFGH") for column in range(1, 13))  # fmt: skip
    (folder / "calibration.csv").write_text(f"well,od600,temperature\n{rows}\n")
    (folder / "spectrum.json").write_text(
        json.dumps(
            {
                "instrument": "spectrometer 2",
                "counts": [round(900 * math.exp(-((at - 40) ** 2) / 200)) for at in range(80)],
                "range": {"from": 380, "to": 750, "unit": "nm"},
                "calibrated": True,
            }
        )
    )
    (folder / "notes.md").write_text(
        "# Run of 24 November\n\nThe lamp was changed at 10:40; the dark frames before that\n"
        "belong to the old one.\n\n- scan_0192 to scan_0195: plate B\n- scan_0196: repeated\n"
        "- dark_frame: 30 s\n\nNext: plate C at 37 degrees.\n"
    )


def empty(studio: Studio, target: Path, theme: str) -> None:
    """Nothing is stored yet."""
    with lab(studio, theme):
        studio.screen.click(*studio.point(*_POINTERS))
        time.sleep(1)
        take(studio, target)


def thousand(studio: Studio, target: Path, theme: str) -> None:
    """A thousand names, searched."""
    home = _with_names(studio)
    with lab(studio, theme, home=home):
        studio.screen.click(*studio.point(*_POINTERS))
        time.sleep(1)
        studio.screen.key("ctrl+f")
        studio.screen.xdotool("type", "--delay", 30, "scan type:image")
        time.sleep(1)
        studio.screen.click(*studio.point(*_FIRST_ROW))
        studio.screen.key("shift+Down", "shift+Down")
        time.sleep(1)
        take(studio, target)


def no_results(studio: Studio, target: Path, theme: str) -> None:
    """A search that nothing fits."""
    with lab(studio, theme, home=_with_names(studio)):
        studio.screen.click(*studio.point(*_POINTERS))
        time.sleep(1)
        studio.screen.key("ctrl+f")
        studio.screen.xdotool("type", "--delay", 30, "tag:run=77")
        time.sleep(1)
        take(studio, target)


def preview(name: str, studio: Studio, target: Path, theme: str) -> None:
    """The details of one file, with its preview."""
    with lab(studio, theme):
        studio.screen.drop(*sorted(studio.files.iterdir()), to=studio.point(620, 420))
        time.sleep(3)
        studio.screen.click(*studio.point(*_POINTERS))
        time.sleep(1)
        studio.screen.key("ctrl+f")
        studio.screen.xdotool("type", "--delay", 30, name)
        time.sleep(1)
        studio.screen.click(*studio.point(*_FIRST_ROW))
        time.sleep(0.5)
        studio.screen.key("ctrl+f", "Escape")
        time.sleep(1.5)
        take(studio, target)


def look_up(studio: Studio, target: Path, theme: str) -> None:
    """Files dropped on the pointers: which of them are stored."""
    with lab(studio, theme):
        files = sorted(studio.files.iterdir())
        studio.screen.drop(*files[:3], to=studio.point(620, 420))
        time.sleep(3)
        studio.screen.click(*studio.point(*_POINTERS))
        time.sleep(1)
        renamed = studio.folder / "interference_final.tiff"
        renamed.write_bytes((studio.files / "interference_0192.tiff").read_bytes())
        studio.screen.drop(files[0], renamed, files[3], to=studio.point(620, 420))
        time.sleep(2)
        take(studio, target)


def bucket(studio: Studio, target: Path, theme: str) -> None:
    """The bucket's own listing."""
    with lab(studio, theme):
        studio.screen.drop(*sorted(studio.files.iterdir()), to=studio.point(620, 420))
        client = studio.server.client()
        for number in range(20):
            key = f"raw/exported/plate_{number:02}.csv"
            client.put_object(Bucket="lab-data", Key=key, Body=b"well,od600")
        time.sleep(3)
        studio.screen.click(*studio.point(*_POINTERS))
        time.sleep(1)
        studio.screen.click(*studio.point(325, 94))
        time.sleep(1)
        studio.screen.click(*studio.point(*_FIRST_ROW))
        time.sleep(1)
        take(studio, target)


def deleting(studio: Studio, target: Path, theme: str) -> None:
    """The question before something is deleted."""
    with lab(studio, theme):
        studio.screen.drop(*sorted(studio.files.iterdir()), to=studio.point(620, 420))
        copy = studio.folder / "calibration (copy).csv"
        copy.write_bytes((studio.files / "calibration.csv").read_bytes())
        time.sleep(2)
        studio.screen.drop(copy, to=studio.point(620, 420))
        time.sleep(3)
        studio.screen.click(*studio.point(*_POINTERS))
        time.sleep(1)
        studio.screen.click(*studio.point(*_FIRST_ROW))
        studio.screen.key("Delete")
        time.sleep(1)
        dialog = studio.screen.window("^Delete$")
        studio.screen.xdotool("windowmove", dialog, *studio.point(330, 180))
        time.sleep(0.8)
        take(studio, target)


def _with_names(studio: Studio) -> Path:
    home = Path(tempfile.mkdtemp(dir=studio.folder))
    paths = Paths(home / "config", home / "data")

    async def fill() -> None:
        paths.ensure()
        async with open_catalog(paths.catalog_file) as catalog:
            await catalog.record_many(stored_names(1_000))

    anyio.run(fill)
    return home


PICTURES: dict[str, tuple[Callable[[Studio, Path, str], None], str]] = {
    "pointers-empty-light": (empty, "light"),
    "pointers-empty-dark": (empty, "dark"),
    "pointers-thousand-light": (thousand, "light"),
    "pointers-thousand-dark": (thousand, "dark"),
    "pointers-nothing-fits": (no_results, "light"),
    "pointers-look-up": (look_up, "light"),
    "pointers-bucket": (bucket, "dark"),
    "pointers-deleting": (deleting, "light"),
    **{
        f"pointers-{kind}-{theme}": (partial(preview, name), theme)
        for kind, name in (
            ("image", "interference"),
            ("table", "calibration"),
            ("tree", "spectrum"),
            ("text", "notes"),
        )
        for theme in ("light", "dark")
    },
}


def main(arguments: list[str]) -> int:
    """Make all pictures, or those that are named."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hashdrop-pictures-") as name:
        place = Path(name)
        make_files(place / "files")
        server, store = run_server(place / "server")
        try:
            server.client().create_bucket(Bucket="lab-data")
            for wanted in arguments[1:] or list(PICTURES):
                make, theme = PICTURES[wanted]
                for key in server.objects("lab-data"):
                    server.client().delete_object(Bucket="lab-data", Key=key)
                with screen(WIDTH * SCALE + 320, HEIGHT * SCALE + 200) as shown_on:
                    target = folder / f"{wanted}.png"
                    make(Studio(shown_on, server, place, place / "files"), target, theme)
                sys.stdout.write(f"{target} {target.stat().st_size // 1000} kB\n")
        finally:
            anyio.run(store.stop)
    return 0


if __name__ == "__main__":
    assert screenshots.TESTS.is_dir()
    sys.exit(main(sys.argv[1:]))
