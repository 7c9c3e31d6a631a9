"""Files whose names nobody would choose, dropped on the window: stored, shown, found again, exported."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtCore import QMimeData
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtWidgets import QLabel

from hashdrop.transfers.events import State
from hashdrop_gui.delegates import transfer_row
from hashdrop_gui.models.transfer_words import second_line
from hashdrop_gui.models.wording import one_line
from support.window import export
from support.window import until

NAMES = (
    b"new\nline.txt", b"back\\slash.txt", b"-dash.txt", "snö ☃ 雪.txt".encode(), b"quo'te \"two\".txt",
    b"<b>bold.csv", "تقرير نهائي.pdf".encode(), b"tab\there.txt", b"  lead.txt", b"trail .txt ", b"&amp;.txt",
    b"cr\rname.txt", b"%41.txt", b"#hash?.txt", b"x" * 250 + b".tif", b"latin-\xe9.txt", b"*star.txt",
)  # fmt: skip


def uris(path):
    """What a file manager hands over: the bytes of the name, those that are no Unicode, too."""
    data = QMimeData()
    data.setData("text/uri-list", QByteArray(path.as_uri().encode() + b"\r\n"))
    return data


@pytest.fixture
def odd(tmp_path):
    """A folder of them, and of what cannot be stored; its own name is odd, too."""
    folder = tmp_path / "dropped" / "run\n-7 \\"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / os.fsdecode(name)).write_bytes(name)
    (folder / "empty.bin").touch()
    (folder / "link").symlink_to("-dash.txt")
    (folder / "broken").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(folder / "socket"))
        yield folder


async def test_all_of_them_are_stored_and_found_again(driver, odd, tmp_path):
    """In the list, in the catalog, in the history, and by `sha256sum -c`; what cannot be stored is told."""
    driver.drop(odd)
    rows = await driver.ended(len(NAMES) + 1)
    (batch,) = driver.batches
    await until(lambda: batch.scanned)
    driver.page.export_requested.emit(batch.files)
    target = tmp_path / "dropped" / "pointers.sha256"
    await export(driver, 2, target)
    check = subprocess.run(
        ["sha256sum", "-c", "--strict", target.name],
        cwd=target.parent,
        capture_output=True,
        check=False,
    )
    (drop,) = await driver.service.history(text="latin")
    pointers = await driver.service.history_pointers(drop.id)
    names = {one.name for one in await driver.service.pointers(limit=50)}

    assert [row.name for row in rows if row.state is not State.STORED] == []
    assert (check.returncode, check.stdout.count(b": OK\n"), check.stderr) == (
        0,
        len(NAMES) + 1,
        b"",
    )
    assert {os.fsencode(one.path.rpartition("/")[2]) for one in pointers} == {*NAMES, b"empty.bin"}
    assert r"latin-\xe9.txt" in names
    assert sorted(fault.title.partition("”")[0] for fault in batch.faults) == [
        "“broken", "“link", "“pipe", "“socket",
    ]  # fmt: skip


async def test_a_failure_of_a_name_that_is_no_unicode_ends_nothing(opened, tmp_path):
    """Its sentence is kept in the history like any other."""
    path = tmp_path / os.fsdecode(b"latin-\xe9.txt")
    async with opened() as driver:
        driver.service.transfers.pause_all()
        path.write_text("x")
        driver.drag(uri := uris(path))
        driver.release(uri)
        await until(lambda: driver.rows)
        path.unlink()
        driver.service.transfers.resume_all()
        row = await driver.has(path.name, State.FAILED)
        (drop,) = await driver.service.history()

    assert "latin" in row.error.sentence
    assert drop.failed == 1


async def test_a_name_like_a_tag_is_shown_as_it_is(driver, tmp_path):
    """In the banner and in tooltips, which Qt would take for HTML."""
    name = "<b>bold.csv"
    (tmp_path / name).write_text("x")
    driver.drop(tmp_path / name, tmp_path / "<img src=gone>")
    await driver.ended(1)
    label = driver.window.banner.findChild(QLabel, "bannerText")
    tip = driver.index(name).data(Qt.ItemDataRole.ToolTipRole)
    shown = QTextDocumentFragment.fromHtml(tip).toPlainText()

    assert label.textFormat() is Qt.TextFormat.PlainText
    assert "“<img src=gone>” does not exist." in label.text()
    assert shown.splitlines()[0] == str(tmp_path / name)


async def test_a_name_from_right_to_left_ends_with_its_extension(driver, tmp_path, monkeypatch):
    """As in the list of pointers: what a file is stands at one place."""
    painted, tile = [], driver.page.delegate._tile

    def note(painter, *others):
        painted.append(painter.layoutDirection())
        tile(painter, *others)

    monkeypatch.setattr(driver.page.delegate, "_tile", note)
    (tmp_path / "שלום.txt").write_text("x")
    driver.drop(tmp_path / "שלום.txt")
    await driver.ended(1)
    await until(lambda: painted)

    assert set(painted) == {Qt.LayoutDirection.LeftToRight}


async def test_a_name_with_a_line_break_is_shown_on_one_line(driver, tmp_path, monkeypatch):
    """It painted over the line below; what turns the rest of a name around is shown, not followed."""
    painted = []

    class Noting(QFontMetrics):
        def elidedText(self, text, *how):
            painted.append(text)
            return super().elidedText(text, *how)

    monkeypatch.setattr(transfer_row, "QFontMetrics", Noting)
    for name in ("new\nline.txt", "photo\u202egpj.exe", "e\u0301 plain\u200e.txt"):
        (tmp_path / name).write_text(name)
    driver.drop(*tmp_path.glob("*.*"))
    await driver.ended(3)
    wanted = {"new↵line.txt", "photo\ufffdgpj.exe", "e\u0301 plain\u200e.txt"}
    await until(lambda: wanted <= set(painted))
    driver.window.show_page(1)
    await until(lambda: driver.pointers.model.rowCount() == 3)
    listed = {driver.pointers.model.index(row, 0).data() for row in range(3)}

    assert listed == wanted
    assert not any("\n" in text for text in painted)
    assert one_line("\x00\x7f\t") == "\ufffd\ufffd "


async def test_files_of_one_name_are_told_apart_by_their_folders(driver, tmp_path):
    """Also when they are stored."""
    for folder in ("one", "two"):
        (tmp_path / "run" / folder).mkdir(parents=True)
        (tmp_path / "run" / folder / "a.csv").write_text(folder)
    driver.drop(tmp_path / "run")
    rows = await driver.ended(2)

    assert [second_line(row).rpartition(" · ")[2] for row in rows] == ["run/one", "run/two"]
