"""Files dropped on the window are stored, and the window says so."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import anyio
import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QPushButton

from hashdrop.transfers.events import State
from hashdrop_gui.models.transfers import Role
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import CTRL
from support.window import files_data
from support.window import until

MIB = 2**20


def key_of(data: bytes, extension: str = "") -> str:
    return f"raw/{hashlib.sha256(data).hexdigest()}{extension}"


async def test_the_destination_is_named_before_release(driver, bucket, tmp_path):
    """While files are over the window it is covered, and says where they would go."""
    files = [tmp_path / f"{number}.txt" for number in range(3)]
    event = driver.drag(files_data(files))

    assert driver.overlay.isVisible()
    assert f"Store 3 items in s3://{bucket}/raw/" == driver.overlay.sentence

    await until(lambda: driver.overlay.sentence == f"Store 3 files in s3://{bucket}/raw/")

    assert driver.overlay.geometry() == driver.window.rect()
    assert (True, Qt.DropAction.CopyAction) == (event.isAccepted(), event.dropAction())

    driver.leave()

    assert not driver.overlay.isVisible()
    assert driver.rows == []


async def test_one_file_and_a_folder_are_called_what_they_are(
    driver, bucket, tmp_path, monkeypatch
):
    """One file is no "1 files", and a folder is no file."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").touch()
    said = []
    asked_in = set()
    is_dir = Path.is_dir

    def noted(path):
        asked_in.add(threading.get_ident())
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", noted)
    for paths in (["a.txt"], ["folder"], ["a.txt", "folder"]):
        asked_in.clear()
        driver.drag(files_data([tmp_path / path for path in paths]))
        await until(lambda: asked_in)
        await anyio.sleep(0.2)
        assert threading.get_ident() not in asked_in  # a network folder may not answer
        said.append(driver.overlay.sentence.partition(" in s3://")[0])
        driver.leave()

    assert said == ["Store 1 file", "Store this folder", "Store 2 items"]


async def test_files_and_folders_are_stored_under_their_hash(driver, s3_server, bucket, tmp_path):
    """Each file becomes a row with the path of its content, and the bucket holds its bytes."""
    contents = {
        "scan.tiff": os.urandom(300_000),
        "table.csv": b"a,b\n1,2\n",
        "empty.txt": b"",
        "run/deep/raw.bin": os.urandom(6 * MIB),
        "run/notes.md": "naïve ☃".encode(),
    }
    for name, data in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    event = driver.drop(
        *(tmp_path / name for name in ("scan.tiff", "table.csv", "empty.txt", "run"))
    )
    rows = await driver.ended(5)
    expected = {key_of(data, os.path.splitext(name)[1]): data for name, data in contents.items()}

    # A move would delete the person's files.
    assert (True, Qt.DropAction.CopyAction) == (event.isAccepted(), event.dropAction())
    assert not driver.overlay.isVisible()
    assert [driver.words(row.name) for row in rows] == ["Stored · verified"] * 5
    assert {os.path.basename(name): key_of(data, os.path.splitext(name)[1]) for name, data in contents.items()} == {row.name: row.key for row in rows}  # fmt: skip
    assert expected == {key: s3_server.body(bucket, key) for key in s3_server.objects(bucket)}
    assert driver.window.summary.text() == "5 stored"


async def test_a_row_says_each_step_and_the_key_before_a_byte_arrived(
    opened, s3_server, bucket, tmp_path
):
    """Queued, then Uploading with the path shown while the first parts are still held, then Stored."""
    data = os.urandom(12 * MIB)
    (tmp_path / "big.bin").write_bytes(data)
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        hold = proxy.add(Rule.hold("UploadPart", times=99))
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            seen = []
            driver.window.model.dataChanged.connect(lambda *_: seen.append(driver.words("big.bin")))
            driver.drop(tmp_path / "big.bin")
            await until(hold.reached.is_set)
            await driver.has("big.bin", State.UPLOADING)
            await until(lambda: driver.row("big.bin").key)
            held = (driver.words("big.bin"), driver.row("big.bin").key)
            bottom = driver.window.summary.text()
            objects = s3_server.objects(bucket)
            hold.release()
            await driver.ended(1)
            await until(lambda: driver.words("big.bin") == seen[-1])

    steps = list(dict.fromkeys(seen))

    assert ("Uploading", key_of(data, ".bin")) == held
    assert objects == {}
    assert bottom.startswith("1 active")
    assert "of 12.6 MB" in bottom
    assert steps[-1] == "Stored · verified"
    assert steps.index("Uploading") < steps.index("Stored · verified")


async def test_the_bar_moves_and_never_jumps_back(opened, s3_server, tmp_path):
    """What is drawn of the bar grows from tick to tick while parts arrive."""
    (tmp_path / "big.bin").write_bytes(os.urandom(30 * MIB))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        first = proxy.add(Rule.hold("UploadPart", nth=3, times=2))
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            drawn = []
            driver.window.bridge.ticked.connect(
                lambda: [
                    drawn.append(row.shown) for row in driver.rows if row.state is State.UPLOADING
                ]
            )
            driver.drop(tmp_path / "big.bin")
            await until(first.reached.is_set)
            await until(lambda: drawn and drawn[-1] > 0.2)
            first.release()
            await driver.ended(1)

    assert sorted(drawn) == drawn
    assert len(set(drawn)) > 3


async def test_what_is_there_is_not_sent_again(driver, tmp_path):
    """The same content under another name says so, and that nothing was sent."""
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("same")
    driver.drop(tmp_path / "one.csv")
    await driver.ended(1)
    driver.drop(tmp_path / "two.csv")
    await driver.ended(2)

    await until(lambda: driver.row("two.csv").earlier_name)

    assert driver.words("two.csv") == "Already stored"
    assert driver.index("two.csv").data(Role.SECOND) == "4 bytes · as “one.csv”, today"
    assert driver.row("two.csv").sent_bytes == 0
    assert driver.row("one.csv").key == driver.row("two.csv").key
    assert driver.window.summary.text() == "1 stored · 1 already stored"


async def test_the_newest_drop_stands_first(driver, tmp_path):
    """A second drop is a batch above the first one."""
    for name in ("old.txt", "new.txt"):
        (tmp_path / name).write_text(name)
        driver.drop(tmp_path / name)
        await until(lambda wanted=name: any(row.name == wanted for row in driver.rows))

    assert [batch.title for batch in driver.batches] == ["new.txt", "old.txt"]


async def test_a_web_address_is_refused_in_a_sentence(driver):
    """A dropped link of a browser is no file: nothing is queued, and the window says what to do."""
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/scan.tiff")])
    driver.drag(data)
    before = driver.overlay.sentence
    driver.release(data)
    await anyio.sleep(0.1)

    assert before == "Only files on this computer can be stored"
    assert driver.window.banner.isVisible()
    assert (
        driver.window.banner.text
        == "Only files on this computer can be stored. Download it first, then drop it."
    )
    assert driver.rows == []


async def test_a_dragged_text_is_left_alone(driver):
    """What holds no addresses is not taken, so the pointer says so."""
    data = QMimeData()
    data.setText("s3://…")

    assert not driver.drag(data).isAccepted()
    assert not driver.overlay.isVisible()


async def test_files_on_the_clipboard_are_pasted(driver, s3_server, bucket, tmp_path):
    """Ctrl+V stores the files that a file manager copied."""
    (tmp_path / "pasted.txt").write_text("pasted")
    QGuiApplication.clipboard().setMimeData(files_data([tmp_path / "pasted.txt"]))
    await until(driver.window.isActiveWindow)
    QTest.keyClick(driver.window, Qt.Key.Key_V, CTRL)
    await driver.ended(1)

    assert {key_of(b"pasted", ".txt"): 6} == s3_server.objects(bucket)


async def test_an_empty_clipboard_is_told(driver):
    """Ctrl+V says why nothing happens."""
    QGuiApplication.clipboard().clear()
    await until(driver.window.isActiveWindow)
    QTest.keyClick(driver.window, Qt.Key.Key_V, CTRL)

    assert driver.window.summary.text() == "There is nothing on the clipboard that can be stored"
    assert driver.rows == []


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ("Upload files…", QFileDialog.FileMode.ExistingFiles),
        ("Upload folder…", QFileDialog.FileMode.Directory),
    ],
)
async def test_files_and_folders_are_chosen_in_a_dialog(
    driver, s3_server, bucket, tmp_path, words, mode
):
    """Upload… opens a dialog that does not hold the loop; what is chosen in it is stored."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "chosen.txt").write_text("chosen")
    driver.press(words)
    dialog = await until(lambda: driver.window.findChild(QFileDialog))
    is_file = mode is QFileDialog.FileMode.ExistingFiles
    assert mode == dialog.fileMode()
    dialog.filesSelected.emit([str(tmp_path / "in" / "chosen.txt" if is_file else tmp_path / "in")])
    dialog.close()
    await driver.ended(1)

    assert {key_of(b"chosen", ".txt"): 6} == s3_server.objects(bucket)


async def test_the_button_of_the_empty_page_opens_the_dialog(driver):
    """Whoever cannot drag finds the way in on the empty page."""
    button = driver.page.empty.findChild(QPushButton)

    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    dialog = await until(lambda: driver.window.findChild(QFileDialog))
    dialog.close()
