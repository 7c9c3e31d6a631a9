"""Files dragged out of the page of pointers into another program, with a real mouse."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import screen as on_screen
from support.screen import program
from support.screen import screen
from support.screen import wait

TARGET = Path(on_screen.__file__).with_name("drop_target.py")
POINTERS = (100, 120)
ROWS = ((430, 173), (430, 213))


@pytest.fixture
def shown_on():
    with screen(1500, 900) as one:
        yield one


@pytest.fixture
def taken(shown_on, tmp_path):
    """Another program that takes files, at the right of the window; returns what it took."""
    log = tmp_path / "taken"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(TARGET), "1280", "300"],
            env=on_screen._environment(shown_on.display),
            stdout=output,
        )
    shown_on.window("^drop target$")
    yield lambda: sorted(log.read_text().splitlines())
    process.kill()
    process.wait()


def drag(shown_on, start, end) -> None:
    """As a hand does: press, move, wait a moment, let go."""
    shown_on.xdotool("mousemove", *start, "sleep", 0.1, "mousedown", 1, "sleep", 0.1)
    for step in range(1, 9):
        at = [round(a + (b - a) * step / 8) for a, b in zip(start, end, strict=True)]
        shown_on.xdotool("mousemove", *at, "sleep", 0.25)
    for shake in (4, 0, 4, 0):
        shown_on.xdotool("mousemove", end[0] + shake, end[1], "sleep", 0.15)
    shown_on.xdotool("mouseup", 1)


def test_two_files_are_dragged_into_another_program(shown_on, taken, tmp_path):
    """They are brought here, verified, while the button is held; the program goes on afterwards."""
    contents = {"a.csv": b"a,b\n1,2\n", "b.csv": b"c,d\n3,4\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with program(shown_on, tmp_path / "home") as running:
        shown_on.place(1120, 700)
        time.sleep(2)
        shown_on.drop(tmp_path / "a.csv", tmp_path / "b.csv")
        time.sleep(4)
        shown_on.click(*POINTERS)
        time.sleep(1.5)
        shown_on.click(*ROWS[0])
        shown_on.xdotool("keydown", "shift", "mousemove", *ROWS[1], "click", 1, "keyup", "shift")
        time.sleep(0.5)
        drag(shown_on, ROWS[0], (1360, 380))
        wait(lambda: len(taken()) == 2)
        shown_on.click(*ROWS[0])
        shown_on.key("ctrl+c")
        wait(lambda: shown_on.clipboard.endswith(".csv"))
        running.interrupt()
        running.interrupt()
        running.ends(60)

    assert taken() == [f"{name} {content.hex()}" for name, content in contents.items()]
    assert (tmp_path / "a.csv").exists()
