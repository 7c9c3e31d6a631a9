"""The icon in a real tray: its menu holds and lets go, its notification opens the drop, it may come later."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager

import pytest

from support.screen import program
from support.screen import screen
from support.screen import wait

ICON = (1280, 880)
PANEL = (
    "trayer",
    *("--edge", "bottom", "--align", "right", "--widthtype", "request"),
    *("--height", "40", "--heighttype", "pixel"),
)


@pytest.fixture
def shown_on():
    with screen(1300, 900) as one:
        yield one


@contextmanager
def panel(shown_on):
    """A tray, at the lower right."""
    process = subprocess.Popen(
        PANEL,
        env=os.environ | {"DISPLAY": shown_on.display},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def windows(shown_on) -> dict[str, tuple[int, int]]:
    """Number -> width and height of all that is shown."""
    found = {}
    for window in shown_on.xdotool("search", "--onlyvisible", "--name", ".*").split():
        lines = shown_on.xdotool("getwindowgeometry", "--shell", window).splitlines()
        geometry = dict(line.split("=") for line in lines)
        if geometry:
            found[window] = (int(geometry["WIDTH"]), int(geometry["HEIGHT"]))
    return found


def docked(shown_on) -> bool:
    """Whether the icon stands in the tray: a small window of the program's own connection to the screen."""
    program_of = int(shown_on.window()) >> 21
    return any(
        int(window) >> 21 == program_of and 10 < width < 40
        for window, (width, _) in windows(shown_on).items()
    )


def choose(shown_on, downs: int) -> None:
    """Open the icon's menu and take its entry."""
    before = set(windows(shown_on))
    shown_on.xdotool("mousemove", *ICON, "sleep", 0.2, "click", 3)
    wait(lambda: set(windows(shown_on)) - before)
    time.sleep(0.3)
    shown_on.key(*["Down"] * downs, "Return")


def test_the_trays_menu_pauses_and_resumes_and_its_notice_opens_the_drop(
    shown_on, s3_server, bucket, tmp_path
):
    """The tray comes after the program, as at a login; nothing is sent while it is held."""
    notes = tmp_path / "notes.md"
    notes.write_text("# notes\n")
    arguments = ("--bucket", bucket, "--prefix", "p", "--endpoint-url", s3_server.endpoint_url)
    with program(shown_on, tmp_path / "home", *arguments, **s3_server.environment) as running:
        shown_on.place(1000, 700)
        with panel(shown_on):
            wait(lambda: docked(shown_on))
            choose(shown_on, 2)  # Open Hashdrop, Pause all
            time.sleep(0.5)
            shown_on.drop(notes)
            time.sleep(2)
            held = s3_server.objects(bucket)
            shown_on.key("ctrl+2")
            before = set(windows(shown_on))
            choose(shown_on, 2)
            wait(lambda: s3_server.objects(bucket))
            notice = wait(lambda: [
                window for window, (width, _) in windows(shown_on).items()
                if window not in before and 100 < width < 500
            ])  # fmt: skip
            shown_on.xdotool("mousemove", "--window", notice[-1], 60, 30, "sleep", 0.2, "click", 1)
            time.sleep(0.5)
            shown_on.picture(tmp_path / "x.png")
            shown_on.xdotool("windowfocus", "--sync", shown_on.window())  # as a window manager does
            shown_on.key("ctrl+c")
            copied = wait(lambda: shown_on.clipboard)
            choose(shown_on, 6)  # Quit
            code = running.ends()

    assert held == {}
    assert [copied] == list(s3_server.objects(bucket))
    assert (code, running.output) == (0, "")
