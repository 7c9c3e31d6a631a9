"""The ways in beside the drop: the clipboard, another start of the program, a watched folder."""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync
from PySide6.QtCore import QMimeData
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from hashdrop.paths import Paths
from hashdrop.settings import load_settings
from hashdrop.transfers.events import State
from hashdrop_gui.desktop.instance import Instance
from hashdrop_gui.desktop.instance import claim
from hashdrop_gui.desktop.instance import hand_over
from hashdrop_gui.desktop.instance import socket_name
from support.tiny_disk import fill
from support.tiny_disk import mounted
from support.window import CTRL
from support.window import entry
from support.window import until

ROOT = Path(__file__).parents[2]


def key_of(data: bytes, extension: str) -> str:
    return f"raw/{hashlib.sha256(data).hexdigest()}{extension}"


async def paste(driver) -> None:
    await until(driver.window.isActiveWindow)
    QTest.keyClick(driver.window, Qt.Key.Key_V, CTRL)


# --- the clipboard -----------------------------------------------------------------------------


async def test_a_text_is_pasted_as_a_file(driver, paths, s3_server, bucket):
    """Its bytes are stored; the file that held them is gone afterwards."""
    QGuiApplication.clipboard().setText("naïve ☃\n")
    await paste(driver)
    (row,) = await driver.ended(1)
    await until(lambda: not list(paths.pasted.iterdir()))

    assert s3_server.objects(bucket) == {key_of("naïve ☃\n".encode(), ".txt"): 11}
    assert row.name.startswith("pasted-")
    assert row.name.endswith(".txt")


async def test_an_image_is_pasted_as_a_file(driver, s3_server, bucket):
    """What is stored is a PNG with the pixels that were copied."""
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("#336699"))
    QGuiApplication.clipboard().setImage(image)
    await paste(driver)
    (row,) = await driver.ended(1)
    body = s3_server.plain.get_object(Bucket=bucket, Key=row.key)["Body"].read()
    stored = QImage.fromData(body)

    assert row.name.endswith(".png")
    assert (stored.width(), stored.height()) == (40, 30)
    assert stored.pixelColor(20, 15) == QColor("#336699")


async def test_cells_of_a_spreadsheet_are_pasted_as_text(driver, s3_server, bucket):
    """There is a picture of them on the clipboard, too."""
    data = QMimeData()
    data.setText("a\tb\n1\t2\n")
    data.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    QGuiApplication.clipboard().setMimeData(data)
    await paste(driver)
    await driver.ended(1)

    assert s3_server.objects(bucket) == {key_of(b"a\tb\n1\t2\n", ".txt"): 8}


async def test_what_is_pasted_is_kept_until_it_is_stored(opened, paths, s3_server, bucket):
    """The clipboard has changed by then: a failure keeps it, also over a restart, until a retry stores it."""
    QGuiApplication.clipboard().setText("precious")
    async with opened(bucket="no-such-bucket") as driver:
        await paste(driver)
        await until(lambda: driver.rows)
        name = driver.rows[0].name
        await driver.has(name, State.FAILED)
        QGuiApplication.clipboard().setText("something else")
        kept = [path.read_text() for path in paths.pasted.iterdir()]
        s3_server.plain.create_bucket(Bucket="no-such-bucket")
        try:
            driver.service.retry([driver.rows[0].id])
            await driver.has(name, State.STORED)
            await until(lambda: not list(paths.pasted.iterdir()))
            stored = s3_server.objects("no-such-bucket")
        finally:
            s3_server.delete_bucket("no-such-bucket")

    assert kept == ["precious"]
    assert stored == {key_of(b"precious", ".txt"): 8}


async def test_what_nothing_waits_for_is_deleted_at_the_next_start(opened, paths):
    """A paste that was cancelled is no more on the disk than it is in S3."""
    paths.ensure()
    paths.pasted.mkdir()
    (paths.pasted / "pasted-2026-01-01-000000.txt").write_text("cancelled")
    async with opened():
        await until(lambda: not list(paths.pasted.iterdir()))


async def test_a_pasted_file_is_for_this_person_only(opened, paths):
    """What people paste may be a password."""
    QGuiApplication.clipboard().setText("secret")
    async with opened() as driver:
        driver.service.transfers.pause_all()
        await paste(driver)
        await until(lambda: driver.rows)
        (path,) = paths.pasted.iterdir()
        modes = path.stat().st_mode & 0o777, paths.pasted.stat().st_mode & 0o777

    assert modes == (0o600, 0o700)


# --- another start -----------------------------------------------------------------------------


@asynccontextmanager
async def listening(driver, paths):
    """What the program's main does beside the window."""
    lock = claim(paths)
    instance = Instance(paths, driver.window)
    instance.files_arrived.connect(driver.window.take_over)
    try:
        assert instance.is_listening
        yield lock
    finally:
        instance.close()
        lock.unlock()


@pytest.fixture
def second(paths):
    """Starts the program a second time and waits for its end, with the loop running."""

    async def run(*arguments: str, cwd: Path | None = None):
        return await run_sync(start, paths, arguments, cwd)

    return run


def start(paths, arguments, cwd):
    folders = ("--config", str(paths.config), "--data", str(paths.data))
    return subprocess.run(
        [sys.executable, "-m", "hashdrop_gui", *folders, *arguments],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_second_start_hands_its_files_to_the_window(
    driver, paths, second, s3_server, bucket, tmp_path
):
    """Relative paths and odd names are those of its own folder; it ends at once, and the window comes forward."""
    (tmp_path / "odd ☃ name.txt").write_text("odd")
    driver.window.show_page(1)
    driver.window.hide()
    async with listening(driver, paths):
        result = await second("odd ☃ name.txt", cwd=tmp_path)
        await driver.ended(1)

    assert (result.returncode, result.stderr) == (0, "")
    assert driver.rows[0].path == str(tmp_path / "odd ☃ name.txt")
    assert s3_server.objects(bucket) == {key_of(b"odd", ".txt"): 3}
    assert driver.window.isVisible()
    assert driver.window._pages.currentWidget() is driver.page


async def test_a_second_start_without_files_only_brings_the_window_forward(driver, paths, second):
    """One window for each data folder."""
    driver.window.hide()
    async with listening(driver, paths):
        result = await second()
        await until(driver.window.isVisible)

    assert (result.returncode, result.stderr) == (0, "")
    assert driver.rows == []


async def test_a_second_start_with_another_connection_is_refused(driver, paths, second, tmp_path):
    """Its files would go where it did not say."""
    (tmp_path / "a.txt").write_text("a")
    async with listening(driver, paths):
        result = await second("--bucket", "other", str(tmp_path / "a.txt"))
        await anyio.sleep(0.1)

    assert result.returncode == 2
    assert result.stderr.startswith("hashdrop: Hashdrop is open already, with a connection")
    assert driver.rows == []


def kill_a_window(paths):
    """Have one that was killed: its exit code."""
    script = (
        "import os, sys; from pathlib import Path; from hashdrop.paths import Paths\n"
        "from PySide6.QtCore import QCoreApplication; app = QCoreApplication([])\n"
        "from hashdrop_gui.desktop.instance import Instance, claim\n"
        f"paths = Paths(Path({str(paths.config)!r}), Path({str(paths.data)!r}))\n"
        "lock = claim(paths); instance = Instance(paths, app)\n"
        "assert instance.is_listening; os.kill(os.getpid(), 9)\n"
    )
    return subprocess.run([sys.executable, "-c", script], check=False).returncode


async def test_a_killed_run_leaves_nothing_in_the_way(driver, paths, second, s3_server, bucket):
    """Its lock names a process that is gone, its socket nobody listens on: the next start is the window."""
    killed = await run_sync(kill_a_window, paths)
    left = Path(socket_name(paths.data)).exists(), paths.window_lock.exists()
    async with listening(driver, paths) as lock:
        locked = lock is not None and lock.isLocked()
        result = await second()

    assert (killed, left) == (-9, (True, True))
    assert locked
    assert result.returncode == 0


def test_nor_does_a_killed_run_on_a_full_disk(tmp_path):
    """Its lock cannot be replaced there, nor be taken for that of a window that is open."""
    with mounted(tmp_path / "disk", "1m") as disk:
        paths = Paths(config=disk / "config", data=disk / "data")
        paths.ensure()
        killed = kill_a_window(paths)
        fill(disk)
        lock = claim(paths)
        assert killed == -9
        assert lock is not None
        assert not lock.isLocked()


async def test_a_start_while_a_window_ends_becomes_the_window(qapp, paths):
    """Who quits and starts again at once gets a window, not a sentence that none answers."""
    paths.ensure()
    ending, found = claim(paths), []

    async def start_again():
        found.append(await run_sync(hand_over, paths, []))

    async with anyio.create_task_group() as group:
        group.start_soon(start_again)
        await anyio.sleep(0.3)
        assert ending is not None
        early = list(found)
        ending.unlock()

    assert early == []
    assert found[0].isLocked()
    found[0].unlock()


@pytest.mark.parametrize("room", ["still none", "made"])
async def test_a_window_of_a_full_disk_is_found_by_the_next_start(driver, tmp_path, room):
    """It could not lock; the next start could, and was a second window."""
    (tmp_path / "a.txt").write_text("a")
    with mounted(tmp_path / "disk", "1m") as disk:
        paths = Paths(config=disk / "config", data=disk / "data")
        paths.ensure()
        filler = fill(disk)
        async with listening(driver, paths) as lock:
            locked = lock.isLocked()
            if room == "made":
                filler.unlink()
            result = await run_sync(start, paths, (str(tmp_path / "a.txt"),), None)
            await driver.ended(1)
            lock_left = paths.window_lock.exists()

    assert (result.returncode, result.stderr) == (0, "")
    assert not locked
    assert not lock_left


async def test_only_this_person_can_reach_the_window(driver, paths, tmp_path):
    """The socket is for its owner; one whose path would be too long lies in a folder that is."""
    long = tmp_path / ("x" * 100)
    async with listening(driver, paths):
        mode = os.stat(socket_name(paths.data)).st_mode & 0o777
    folder = Path(socket_name(long)).parent

    assert mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
    assert len(socket_name(long)) < 100


async def test_a_folder_that_others_can_enter_is_not_used(driver, tmp_path, monkeypatch, caplog):
    """The window opens without being reachable, and the log says why."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    long = tmp_path / ("x" * 100)
    instance = Instance(Paths(config=long, data=long), driver.window)

    assert not instance.is_listening
    assert "is not yours alone" in caplog.text
    assert list(shared.iterdir()) == []


async def test_nonsense_on_the_socket_is_dropped(driver, paths, second):
    """Whoever speaks another language is hung up on, and the window goes on."""
    async with listening(driver, paths):
        for message in (b"hello\n", b'{"files": [1]}\n', b'{"files": ["relative"]}\n', b"[]\n"):
            stream = await anyio.connect_unix(socket_name(paths.data))
            async with stream:
                await stream.send(message)
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()
        result = await second()

    assert driver.rows == []
    assert result.returncode == 0


def test_the_desktop_entry_hands_files_to_the_program():
    """%F: many files, one start; the program and its icon are those that are installed."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "resources" / "packaging" / "hashdrop.desktop")
    entry_of = parser["Desktop Entry"]
    command, *arguments = entry_of["Exec"].split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert command in project["scripts"]
    assert arguments == ["%F"]
    assert (entry_of["Type"], entry_of["Terminal"]) == ("Application", "false")


# --- a watched folder --------------------------------------------------------------------------


@pytest.fixture
async def watching(driver, tmp_path):
    """A window that watches `in`, chosen in its dialog; one file was there before."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    watched = driver.window.intake.watched
    watched.look_ms = 150
    entry(driver.window.bottom.more.watched, "Choose a folder…").trigger()
    dialog = await until(lambda: driver.window.findChild(QFileDialog))
    dialog.filesSelected.emit([str(folder)])
    dialog.close()
    await until(lambda: watched._known is not None)
    return driver, folder


async def test_what_arrives_is_stored_and_what_was_there_is_not(watching, s3_server, bucket):
    """A file, and a folder with all that is in it."""
    driver, folder = watching
    (folder / "new.txt").write_text("new")
    (folder / "run" / "deep").mkdir(parents=True)
    (folder / "run" / "deep" / "scan.csv").write_text("scan")
    await driver.ended(2)

    assert set(s3_server.objects(bucket)) == {key_of(b"new", ".txt"), key_of(b"scan", ".csv")}
    assert {row.folder for row in driver.rows} == {"", "run/deep"}


async def test_a_file_is_taken_when_it_has_stopped_growing(watching, s3_server, bucket):
    """Half of a measurement is never stored."""
    driver, folder = watching
    with (folder / "growing.txt").open("wb", buffering=0) as file:
        for _ in range(12):
            file.write(b"x" * 100)
            await anyio.sleep(0.1)
        while_growing = len(driver.rows)
    await driver.ended(1)

    assert while_growing == 0
    assert s3_server.objects(bucket) == {key_of(b"x" * 1200, ".txt"): 1200}


async def test_a_download_is_taken_under_its_last_name(watching):
    """What a browser or an editor is still writing has a name of its own."""
    driver, folder = watching
    (folder / "movie.mp4.part").write_text("movie")
    (folder / ".hidden").write_text("hidden")
    await anyio.sleep(0.8)
    before = len(driver.rows)
    (folder / "movie.mp4.part").rename(folder / "movie.mp4")
    await driver.ended(1)

    assert before == 0
    assert driver.rows[0].name == "movie.mp4"


async def test_a_folder_that_goes_away_is_told_and_waited_for(watching):
    """A drive is pulled and comes back."""
    driver, folder = watching
    shutil.rmtree(folder)
    await until(driver.window.banner.isVisible)
    said = driver.window.banner.text
    folder.mkdir()
    await anyio.sleep(0.4)
    (folder / "later.txt").write_text("later")
    await driver.ended(1)

    assert said.startswith("The watched folder is not there.")
    assert driver.rows[0].name == "later.txt"


async def test_the_watched_folder_is_kept_and_can_be_given_up(watching, paths, opened):
    """The next start watches it, too; "Stop watching" is kept as well."""
    driver, folder = watching
    await until(
        lambda: load_settings(paths.settings_file).preferences.watched_folder == str(folder)
    )
    entry(driver.window.bottom.more.watched, f"Stop watching {folder}").trigger()
    (folder / "unwatched.txt").write_text("unwatched")
    await until(lambda: not load_settings(paths.settings_file).preferences.watched_folder)
    await anyio.sleep(0.5)

    assert driver.rows == []
    assert driver.window.intake.watched.folder is None


async def test_no_folder_is_watched_unless_it_was_chosen(opened, paths, tmp_path):
    """Off by default; what was chosen in an earlier run is watched from the start."""
    async with opened() as driver:
        off = driver.window.intake.watched.folder
        await driver.service.prefer(watched_folder=str(tmp_path))
    async with opened() as driver:
        on = driver.window.intake.watched.folder
        await driver.service.prefer(watched_folder="")

    assert (off, on) == (None, tmp_path)
