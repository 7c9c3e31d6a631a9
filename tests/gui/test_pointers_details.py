"""The details beside the pointers: facts, names, tags, verification, previews; on the real server."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import threading
import zlib
from collections import Counter
from typing import TYPE_CHECKING

import anyio
import pytest
from PySide6.QtCore import QBuffer
from PySide6.QtCore import QIODevice
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from hashdrop.service import PointerRow
from hashdrop_gui.actions import pointers_details
from hashdrop_gui.dialogs.tags import TagsDialog
from hashdrop_gui.models.previewing import IMAGE_BYTES
from hashdrop_gui.models.previewing import LARGEST_SIDE
from hashdrop_gui.models.previewing import Kind
from hashdrop_gui.models.previewing import Picture
from hashdrop_gui.models.previewing import Table
from hashdrop_gui.models.previewing import Text
from hashdrop_gui.models.previewing import Tree
from hashdrop_gui.models.previewing import Words
from hashdrop_gui.models.previewing import bytes_wanted
from hashdrop_gui.models.previewing import decode
from hashdrop_gui.models.previewing import kind_of
from hashdrop_gui.models.previewing import words_without
from support.storage_checks import heartbeat
from support.window import entry
from support.window import until

if TYPE_CHECKING:
    from pathlib import Path

    from support.window import Driver


@pytest.fixture
def shown(driver, tmp_path):
    """Stores files and selects the first of them on the page of pointers."""

    async def make(**files: bytes) -> Driver:
        paths: list[Path] = []
        for name, content in files.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(content)
            paths.append(path)
        driver.window.show_page(0)
        driver.drop(*paths)
        await driver.ended(len(driver.rows) + len(paths) if driver.rows else len(paths))
        driver.window.show_page(1)
        await until(lambda: len(driver.pointer_names) >= len(paths))
        select(driver, paths[0].name)
        return driver

    return make


def select(driver, name: str) -> None:
    driver.pointers.view.selectRow(driver.pointer_names.index(name))


def facts(driver) -> dict[str, str]:
    return dict(driver.pointers.details.facts.facts)


async def previewed(driver) -> object:
    """Wait until the preview is there; return the view that shows it."""
    preview = driver.pointers.details.preview
    await until(lambda: preview.shown is not preview.words or preview.words.text() != "Reading…")
    await until(lambda: preview.shown is not preview.words or preview.words.text())
    return preview.shown


async def test_the_facts_of_a_file(shown, bucket):
    """Hash with its algorithm, size, type, place; who stored it when; what the store says."""
    driver = await shown(a__csv=b"a,b\n1,2\n", b__csv=bytes(1500))
    panel = driver.pointers.details
    await until(lambda: panel.store.facts)
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    known = facts(driver)
    store = dict(panel.store.facts)
    select(driver, "b.csv")
    await until(lambda: facts(driver)["Size"] != "8 bytes")
    larger = facts(driver)["Size"]
    select(driver, "a.csv")
    await until(lambda: panel.store.facts and facts(driver)["Size"] == "8 bytes")

    assert larger == "2 kB · 1,500 bytes"
    assert known["SHA256"].replace("\n", "") == digest
    assert known["Size"] == "8 bytes"
    assert known["Type"] == "text/csv"
    assert known["Place"] == f"s3://{bucket}/raw/{digest[:8]}…{digest[-8:]}.csv"
    assert store["Class"] == "STANDARD"
    assert {"CRC32", "Written"} <= set(store)
    assert panel.names.text().splitlines()[0] == "a.csv"
    assert " on " in panel.names.text()
    assert panel.verified.text() == "Not read back yet"


async def test_all_names_of_an_object_are_listed(shown, tmp_path):
    """A second name of the same bytes, in another folder."""
    driver = await shown(a__txt=b"same bytes")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "copy.txt").write_bytes(b"same bytes")
    driver.window.show_page(0)
    driver.drop(tmp_path / "run")
    await driver.ended(2)
    driver.window.show_page(1)
    await until(lambda: len(driver.pointer_names) == 2)
    select(driver, "a.txt")
    panel = driver.pointers.details
    await until(lambda: "run/copy.txt" in panel.names.text())  # though it was selected before

    assert "a.txt" in panel.names.text().splitlines()


async def test_a_row_that_is_selected_while_an_answer_comes_stays_so(shown):
    """The answer lists the rows anew: the selection of now counts, not that of the question."""
    driver = await shown(a__txt=b"a", b__txt=b"b")
    driver.pointers.reload()
    select(driver, "b.txt")
    await until(lambda: not driver.pointers.feed.is_asking)

    assert [row.name for row in driver.pointers.selected()] == ["b.txt"]


async def test_an_object_is_verified_and_a_damaged_one_is_told(shown, s3_server, bucket):
    """Read back; “Verified on” stays in the catalog. Other bytes under the key are told in red."""
    driver = await shown(a__txt=b"right", b__txt=b"other")
    panel = driver.pointers.details
    await until(lambda: panel.store.facts)
    panel.verify.click()
    await until(lambda: panel.verified.text().startswith("Verified"))
    await until(lambda: driver.pointers.selected()[0].verified_at is not None)
    select(driver, "b.txt")
    await until(lambda: panel.verified.text() == "Not read back yet")
    key = f"raw/{hashlib.sha256(b'other').hexdigest()}.txt"
    s3_server.plain.put_object(Bucket=bucket, Key=key, Body=b"wrong")
    panel.verify.click()
    await until(lambda: "does not have its hash" in panel.verified.text())
    await until(driver.window.banner.isVisible)
    select(driver, "a.txt")
    await until(lambda: panel.verified.text().startswith("Verified on "))


async def test_many_are_verified_from_the_menu(shown):
    """How many have their hash is told; each row knows when it was."""
    driver = await shown(a__txt=b"one", b__txt=b"two")
    driver.pointers.view.selectAll()
    entry(driver.pointers.menu, "Verify now").trigger()
    await until(lambda: driver.window.summary.text() == "2 of 2 have their hash")
    await until(lambda: all(row.verified_at for row in driver.pointers.model.rows))


async def test_tags_are_edited(shown, s3_server, bucket):
    """In the store and in the catalog, where a search finds them; a wrong line is told."""
    driver = await shown(a__txt=b"tagged")
    panel = driver.pointers.details
    await until(lambda: panel.store.facts)
    panel.edit_tags.click()
    dialog = await until(lambda: driver.pointers.findChild(TagsDialog))
    dialog.field.setPlainText("run=7\n=nothing")
    dialog.save.click()
    fault = dialog.fault.text()
    dialog.field.setPlainText("run=7\nplate = B 2")
    dialog.save.click()
    await until(lambda: panel.tags.text() == "run = 7\nplate = B 2")
    key = f"raw/{hashlib.sha256(b'tagged').hexdigest()}.txt"
    stored = s3_server.plain.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    driver.pointers.set_search("tag:run=8")
    await until(driver.pointers.nothing_fits.isVisible)
    driver.pointers.set_search("tag:run=7")
    await until(lambda: driver.pointer_names == ["a.txt"])

    assert "=nothing" in fault
    assert {one["Key"]: one["Value"] for one in stored} == {"run": "7", "plate": "B 2"}


async def test_text_table_tree_and_image_are_previewed(shown, tmp_path):
    """Each in a view of its own; what has no preview says so."""
    image = QImage(300, 200, QImage.Format.Format_RGB32)
    image.fill(QColor("#336699"))
    image.save(str(tmp_path / "made.png"))
    driver = await shown(
        notes__md=b"# Notes\n<script>alert(1)</script><img src='http://example.com/x.png'>\n",
        table__csv=b"well,od600\nA1,0.5\nA2,0.7\n",
        tree__json=json.dumps({"counts": [1, 2, 3], "name": "x"}).encode(),
        picture__png=(tmp_path / "made.png").read_bytes(),
        film__mp4=b"\0" * 100,
        empty__txt=b"",
    )
    preview = driver.pointers.details.preview
    await until(lambda: preview.shown is preview.text)
    text = preview.text.toPlainText()
    select(driver, "table.csv")
    await until(lambda: preview.shown is preview.table)
    model = preview.table.model()
    cells = [model.index(row, 1).data() for row in range(model.rowCount())]
    titles = [model.headerData(at, Qt.Orientation.Horizontal) for at in range(2)]
    select(driver, "tree.json")
    await until(lambda: preview.shown is preview.tree)
    top = [preview.tree.topLevelItem(at) for at in range(preview.tree.topLevelItemCount())]
    entries = [(item.text(0), item.text(1), item.childCount()) for item in top]
    select(driver, "picture.png")
    await until(lambda: preview.shown is preview.picture)
    size, line = preview.picture.picture_size, preview.line.text()
    select(driver, "film.mp4")
    await until(lambda: "by name only" in preview.words.text())
    select(driver, "empty.txt")
    await until(lambda: preview.words.text() == "The file is empty.")

    assert "<script>alert(1)</script>" in text
    assert titles == ["well", "od600"]
    assert cells == ["0.5", "0.7"]
    assert entries == [("counts", "3 values", 3), ("name", '"x"', 0)]
    assert (size.width(), size.height()) == (300, 200)
    assert line == "300 × 200"


def tiff_of(width: int, height: int) -> bytes:
    """A grey TIFF of one strip, packed with zlib."""
    strip = zlib.compress(bytes(range(256)) * (width * height // 256), 1)
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(strip)),
    ]  # fmt: skip
    at = 8 + len(strip) + len(strip) % 2
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *e) for e in entries
    )
    return (
        struct.pack("<2sHI", b"II", 42, at)
        + strip
        + b"\0" * (len(strip) % 2)
        + directory
        + b"\0" * 4
    )


def png_of(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel: some hundred KB, whatever it claims to hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + width // 8)
    lines = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


ACTIVE = "<script>alert(1)</script><image href='http://127.0.0.1:9/x.png'/>"


@pytest.mark.qt_log_ignore("TIFF directory", "read directory")  # Qt says it on stderr, too
@pytest.mark.parametrize(
    ("name", "make", "view", "expected"),
    [
        ("bomb__png", lambda: png_of(60_000, 60_000), "words", "60,000 × 60,000 pixels: too large"),
        ("cut__tiff", lambda: tiff_of(512, 400)[:2_000], "words", "This image cannot be shown."),
        ("active__svg", f"<svg>{ACTIVE}</svg>".encode, "text", ACTIVE),
        ("active__html", f"<html>{ACTIVE}</html>".encode, "text", ACTIVE),
        ("deep__json", lambda: b"[" * 100_000 + b"]" * 100_000, "text", "[[[["),
        ("binary__csv", lambda: bytes(range(256)) * 100, "words", "This is no text"),
        ("nothing__csv", lambda: b"", "words", "The file is empty."),
        ("wide__txt", lambda: "Grüße".encode("utf-16"), "text", "Grüße"),
    ],
)
async def test_the_window_shows_something_bounded_of_hostile_files(
    shown, name, make, view, expected
):
    """A sentence, or the plain beginning; and the window goes on with the next file."""
    driver = await shown(**{name: make(), "zz_next__txt": b"next"})
    preview = driver.pointers.details.preview

    def said() -> str:
        return preview.words.text() if view == "words" else preview.text.toPlainText()

    await until(lambda: expected in said())
    view_shown, length = preview.shown, len(said())
    select(driver, "zz_next.txt")
    await until(lambda: preview.shown is preview.text and preview.text.toPlainText() == "next")

    assert view_shown is getattr(preview, view)
    assert length <= 64 * 1024


@pytest.mark.alone
async def test_a_large_tiff_is_scaled_down_without_a_hold(shown):
    """60 million pixels: decoded in a thread, never more than 50 ms of the window's time."""
    driver = await shown(scan__tiff=tiff_of(7_680, 8_000), a__txt=b"a")
    preview = driver.pointers.details.preview
    longest = []
    for _ in range(3):
        select(driver, "a.txt")
        await until(lambda: preview.shown is preview.text)
        async with heartbeat() as beat:
            select(driver, "scan.tiff")
            await until(lambda: preview.shown is preview.picture)
            await anyio.sleep(0.1)
        longest.append(beat.longest)

    assert (
        max(preview.picture.picture_size.width(), preview.picture.picture_size.height())
        <= LARGEST_SIDE
    )
    assert preview.line.text() == "7,680 × 8,000"
    assert min(longest) < 0.05, longest


async def test_the_selection_moves_on_and_so_does_what_is_asked(shown):
    """Rows that are passed quickly are not asked about; what comes late does not appear."""
    files = {f"f{at}__txt": f"content {at}".encode() for at in range(12)}
    driver = await shown(**files)
    read = []
    inner = driver.service.stored.read_range

    async def watched(place, start, length):
        read.append(place.name)
        return await inner(place, start, length)

    driver.service.stored.read_range = watched
    view = driver.pointers.view
    view.setFocus()
    view.selectRow(0)
    for _ in range(11):
        QTest.keyClick(view, Qt.Key.Key_Down)
    last = driver.pointers.selected()[0].name
    preview = driver.pointers.details.preview
    await until(lambda: preview.shown is preview.text)
    await anyio.sleep(0.2)

    assert read == [last]
    assert preview.text.toPlainText() == f"content {last[1:].partition('.')[0]}"


async def test_names_and_cells_like_tags_are_shown_as_they_are(shown):
    """In tooltips and in the question about tags, which Qt would take for HTML, and look for the picture."""
    name, cell = "<img src=x.png>bold.csv", "<img src=y.png>b"
    driver = await shown(**{name: f"a,b\n{cell},2\n".encode()})
    panel = driver.pointers.details
    await until(lambda: panel.preview.shown is panel.preview.table)
    driver.pointers.details.edit_tags.click()
    dialog = await until(lambda: driver.pointers.findChild(TagsDialog))
    tip = Qt.ItemDataRole.ToolTipRole
    tips = (
        (driver.pointers.model.index(0, 0).data(tip), name),
        (panel.title.toolTip(), name),
        (panel.preview.table.model().index(0, 0).data(tip), cell),
    )
    formats = {one.textFormat() for one in dialog.findChildren(QLabel) if name in one.text()}

    assert formats == {Qt.TextFormat.PlainText}
    for told, text in tips:
        assert QTextDocumentFragment.fromHtml(told).toPlainText().splitlines()[0] == text


async def test_large_pictures_that_are_passed_do_not_pile_up(shown, monkeypatch):
    """Decoding cannot be ended in the middle: those that were passed are few, however quick one is."""
    picture = QImage(64, 64, QImage.Format.Format_RGB32)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    files = {f"p{at}__png": bytes(buffer.data().data()) + bytes([at]) for at in range(8)}
    driver = await shown(**files)
    running, most, release = 0, 0, threading.Event()
    inner = pointers_details.decode

    def slow(*args, **more):
        nonlocal running, most
        running += 1
        most = max(most, running)
        release.wait(20)
        running -= 1
        return inner(*args, **more)

    monkeypatch.setattr(pointers_details, "decode", slow)
    view = driver.pointers.view
    try:
        for row in range(8):
            view.selectRow(row)
            await anyio.sleep(0.3)
    finally:
        release.set()
    preview = driver.pointers.details.preview
    await until(lambda: preview.shown is preview.picture)

    assert 0 < most <= 2


async def test_many_rows_are_counted(shown):
    """Instead of the details of one."""
    driver = await shown(a__txt=b"12345", b__txt=b"123")
    driver.pointers.view.selectAll()
    await until(lambda: driver.pointers.details.title.toolTip() == "2 files · 8 bytes")


async def test_the_sizes_of_many_are_added_between_turns_of_the_loop(shown):
    """Of a million at once the window would be held."""
    driver = await shown(a__txt=b"12345")
    (row,) = driver.pointers.model.rows
    turn = 0
    asked = Counter()

    class Asked(PointerRow):
        def __getattribute__(self, name):
            if name == "pointer":
                asked[turn] += 1
            return super().__getattribute__(name)

    fields = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    driver.pointers.model.extend([Asked(**fields)] * 100_000)
    async with anyio.create_task_group() as group:

        async def count_turns():
            nonlocal turn
            while True:
                turn += 1
                await anyio.sleep(0)

        group.start_soon(count_turns)
        driver.pointers.view.selectAll()
        words = driver.pointers.details.title
        await until(lambda: words.toolTip().startswith("100,001 files"))
        group.cancel_scope.cancel()

    assert sum(asked.values()) >= 100_000
    assert max(asked.values()) < 50_000


async def test_what_is_gone_is_told(shown, s3_server, bucket):
    """The store's answer stands where its facts would."""
    driver = await shown(a__txt=b"gone", b__txt=b"there")
    key = f"raw/{hashlib.sha256(b'gone').hexdigest()}.txt"
    s3_server.plain.delete_object(Bucket=bucket, Key=key)
    select(driver, "b.txt")
    await until(lambda: driver.pointers.details.store.facts)
    select(driver, "a.txt")
    await until(driver.pointers.details.store_fault.isVisible)

    assert "There is no object" in driver.pointers.details.store_fault.text()


async def test_the_panel_is_hidden_and_shown_by_keys_and_stays_so(opened, tmp_path):
    """Space and the button; its width and whether it is wanted are kept over a restart."""
    async with opened() as driver:
        driver.window.show_page(1)
        page = driver.pointers
        (tmp_path / "a.txt").write_text("a")
        driver.window.show_page(0)
        driver.drop(tmp_path / "a.txt")
        await driver.ended(1)
        driver.window.show_page(1)
        await until(lambda: driver.pointer_names)
        begins = page.details.isVisible()
        page.view.selectRow(0)
        page.view.setFocus()
        QTest.keyClick(page.view, Qt.Key.Key_Space)
        hidden = not page.details.isVisible()
        page.show_details.click()
        again = page.details.isVisible()
        page.splitter.setSizes([400, 380])
        page.splitter.splitterMoved.emit(0, 1)
        await until(lambda: driver.service.preferences.pointer_details)
        width = page.details.width()
        page.show_details.click()
        await until(lambda: driver.service.preferences.pointer_details == 0)
    async with opened() as second:
        second.window.show_page(1)
        await anyio.sleep(0.05)
        stays = not second.pointers.details.isVisible()

    assert (begins, hidden, again, stays) == (True, True, True, True)
    assert width > 320


async def test_the_panel_is_given_up_in_a_small_window(shown):
    """And comes back with the room."""
    driver = await shown(a__txt=b"a")
    page = driver.pointers
    wide = page.details.isVisible()
    driver.window.resize(720, 480)
    await until(lambda: not page.details.isVisible())
    driver.window.resize(1120, 700)
    await until(page.details.isVisible)

    assert wide


# --- decoding, by itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "name", "kind"),
    [
        ("image/tiff", "a.tif", Kind.IMAGE),
        ("image/svg+xml", "a.svg", Kind.TEXT),
        ("text/html", "a.html", Kind.TEXT),
        ("application/json", "a", Kind.TREE),
        ("application/octet-stream", "rows.jsonl", Kind.TREE),
        ("text/csv; charset=utf-8", "a", Kind.TABLE),
        ("video/mp4", "a.mp4", Kind.NAME),
        ("application/octet-stream", "a.bin", Kind.NAME),
    ],
)
def test_the_kind_is_that_of_the_type_or_the_name(content_type, name, kind):
    assert kind_of(content_type, name) is kind


def test_the_beginning_of_a_json_document_is_a_tree():
    """Cut anywhere, all whole values before the cut are shown."""
    document = json.dumps({"a": [1, {"b": 'x,]}"y'}, [2, 3]], "c": {"d": None}, "e": "end"})
    shown = []
    for cut in range(1, len(document)):
        content = decode(Kind.TREE, document[:cut].encode(), is_whole=False)
        assert isinstance(content, Tree | Text)
        assert not content.is_whole
        if isinstance(content, Tree):
            shown.append([node.name for node in content.nodes])

    assert shown[-1][:2] == ["a", "c"]
    assert len(shown) > len(document) // 2


def test_how_many_there_are_behind_the_cut_is_not_pretended():
    """Of a list that goes on behind the first part only the least is known."""
    document = json.dumps({"whole": [1, 2], "cut": [[0, 0]] * 50})
    (whole, cut) = decode(Kind.TREE, document[:200].encode(), is_whole=False).nodes
    all_of_it = decode(Kind.TREE, document.encode(), is_whole=True).nodes

    assert whole.text == "2 values"
    assert cut.text == f"{len(cut.children)}+ values"
    assert [node.text for node in cut.children[:-1]] == ["2 values"] * (len(cut.children) - 1)
    assert [node.text for node in all_of_it] == ["2 values", "50 values"]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (Kind.TREE, b"[" * 100_000, Text),  # deeper than a parser goes
        (Kind.TREE, b'{"a": 1}\n{"a": 2}\n', Tree),
        (Kind.TREE, b'{"a":' * 100_000, Text),
        (Kind.TREE, b"no json", Text),
        (Kind.TREE, b"", Words),
        (Kind.TABLE, b"", Words),
        (Kind.TABLE, bytes(range(256)) * 100, Words),
        (Kind.TABLE, "a,ü\n1,2".encode("utf-16"), Table),
        (Kind.TEXT, b"\x00\x01\x02", Words),
        (Kind.TEXT, "Grüße".encode("latin-1"), Text),
        (Kind.TEXT, "Grüße".encode("utf-16"), Text),
        (Kind.TABLE, b"a;b\n1;2\n", Table),
        (Kind.TABLE, b'a,"b\n', Table),
        (Kind.IMAGE, b"no image", Words),
        (
            Kind.IMAGE,
            b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>",
            Words,
        ),
    ],
)
def test_whatever_is_in_a_file_something_is_shown(kind, data, expected):
    assert isinstance(decode(kind, data, is_whole=True), expected)


def test_a_picture_is_no_larger_than_it_must_be(qapp):
    """Its own size is told."""
    content = decode(Kind.IMAGE, tiff_of(2_560, 1_024), is_whole=True)

    assert isinstance(content, Picture)
    assert max(content.image.width(), content.image.height()) <= LARGEST_SIDE
    assert (content.size.width(), content.size.height()) == (2_560, 1_024)


def test_an_image_beyond_all_measure_is_not_decoded(qapp):
    """A hundred million pixels in a small file: said in words."""
    assert decode(Kind.IMAGE, tiff_of(10_240, 10_240), is_whole=True) == Words(
        "10,240 × 10,240 pixels: too large to be shown here."
    )


@pytest.mark.qt_log_ignore("TIFF directory", "read directory")  # Qt says it on stderr, too
def test_an_image_that_was_cut_is_told(qapp):
    """Half of it is not shown as if it were all."""
    whole = tiff_of(512, 400)

    assert isinstance(decode(Kind.IMAGE, whole, is_whole=True), Picture)
    assert isinstance(decode(Kind.IMAGE, whole[: len(whole) // 2], is_whole=True), Words)


def test_an_image_of_too_many_bytes_is_not_read():
    """Its size is said, and the limit."""
    assert bytes_wanted(Kind.IMAGE, IMAGE_BYTES) == IMAGE_BYTES
    assert bytes_wanted(Kind.IMAGE, IMAGE_BYTES + 1) == 0
    assert "64.0 MB" in words_without(Kind.IMAGE, IMAGE_BYTES + 1, "image/tiff").text
