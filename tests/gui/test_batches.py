"""A drop as a whole: what its row says, and cancel, pause, retry, export, report and remove from within it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import QRect
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QStyleOptionViewItem

from hashdrop.transfers.events import State
from hashdrop_gui.delegates.transfer_row import _batch_links
from hashdrop_gui.dialogs.report import ReportDialog
from hashdrop_gui.models.batch_actions import BatchAction
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfers import Role
from hashdrop_gui.theme import sized
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import CTRL
from support.window import LEFT
from support.window import Driver
from support.window import entry
from support.window import export
from support.window import until


def batch_index(driver: Driver, number: int = 0):
    """The view's index of a batch, the newest by default."""
    row = driver.window.model.row_of_batch(driver.batches[number])
    return driver.window.model.index(row, 0)


def click_batch(driver: Driver, action: BatchAction) -> None:
    """Click on a link within the newest batch's row, found as the eye finds it."""
    index = batch_index(driver)
    option = QStyleOptionViewItem()
    option.initFrom(driver.view)
    option.rect = driver.view.visualRect(index)
    row = index.data(Role.ROW)
    for x in range(option.rect.left(), option.rect.right(), 3):
        point = QPoint(x, option.rect.center().y() + 4)
        if driver.page.delegate.batch_action_at(option, row, point) is action:
            QTest.mouseClick(
                driver.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, point + QPoint(6, 0)
            )
            return
    raise AssertionError(f"no link {action}")


@pytest.mark.parametrize("width", [900, 512, 540])
async def test_a_row_offers_first_what_helps(driver, width):
    """Where there is room for few links, too: what failed can be retried."""
    row = BatchRow(number=1, scanned=True, counts={State.FAILED: 1, State.STORED: 1})
    row.files = [FileRow(1, 1, 0, "a", "", "a", 1), FileRow(2, 1, 1, "b", "", "b", 1)]
    font = sized(driver.view.font(), 12, QFont.Weight.Medium)
    links = _batch_links(row, QRect(0, 0, width, 52), font)

    assert links[-1][0] is BatchAction.RETRY
    assert all(place.left() > width * 2 // 5 for _, _, place in links)


@pytest.fixture
def run(tmp_path):
    """A folder with a folder in it, and names that are hard to write."""
    run = tmp_path / "data" / "run"
    (run / "deep").mkdir(parents=True)
    for name in ("a.csv", "deep/b c.csv", "deep/back\\slash\n.csv"):
        (run / name).write_bytes(os.fsencode(name))
    return run


async def test_a_batch_says_what_it_is_and_how_far(driver, run):
    """Name, count, total size, what is stored, and 100 % in the end."""
    driver.drop(run)
    await driver.ended(3)
    index = batch_index(driver)
    sizes = sum(row.size for row in driver.rows)

    assert index.data() == "run"
    assert index.data(Role.SECOND) == f"3 files · {sizes} bytes · 3 stored"
    assert driver.batches[0].fraction == 1


async def test_the_pointers_of_a_batch_are_exported_for_sha256sum(driver, run, tmp_path):
    """By the link in its row; the real sha256sum finds every file right from where the folder lies."""
    driver.drop(run)
    await driver.ended(3)
    was_open = driver.batches[0].is_open
    click_batch(driver, BatchAction.EXPORT)
    await export(driver, 2, tmp_path / "sums.sha256")
    await until(lambda: driver.window.summary.text() == "Exported 3 pointers to sums.sha256")
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", tmp_path / "sums.sha256"],
        cwd=run.parent, capture_output=True, check=False,
    )  # fmt: skip

    assert (checked.returncode, checked.stdout.count(b": OK\n")) == (0, 3), checked.stderr
    assert driver.batches[0].is_open is was_open  # the click on the link was none on the row


async def test_the_pointers_of_selected_files_are_exported_as_json(driver, run, tmp_path, bucket):
    """From their menu: those, and no others."""
    driver.drop(run)
    await driver.ended(3)
    await driver.choose(await driver.menu("a.csv"), "Export pointers…")
    await export(driver, 1, tmp_path / "out.json")
    rows = json.loads((tmp_path / "out.json").read_text())

    assert [("run/a.csv", bucket, driver.row("a.csv").key)] == [
        (row["path"], row["bucket"], row["key"]) for row in rows
    ]


async def test_an_export_that_cannot_be_written_is_told(two_stored, tmp_path):
    """A sentence in the banner, with the file."""
    click_batch(two_stored, BatchAction.EXPORT)
    dialog = await until(lambda: two_stored.window.findChild(QFileDialog, "export"))
    dialog.fileSelected.emit(str(tmp_path / "gone" / "out.csv"))
    dialog.close()
    await until(two_stored.window.banner.isVisible)

    assert "“out.csv” cannot be written." in two_stored.window.banner.text


async def test_what_could_not_be_read_is_in_the_report(driver, run):
    """A link and a FIFO stop nothing; the report names them, and can be copied."""
    (run / "elsewhere").symlink_to("nowhere")
    os.mkfifo(run / "pipe")
    driver.drop(run)
    await driver.ended(3)
    await until(lambda: driver.batches[0].scanned)
    assert "2 could not be read" in batch_index(driver).data(Role.SECOND)
    click_batch(driver, BatchAction.REPORT)
    dialog: ReportDialog = await until(lambda: driver.window.findChild(ReportDialog))
    text = dialog.view.toPlainText()
    dialog.copy.click()
    dialog.close()

    assert [str(run / "elsewhere") in text, str(run / "pipe") in text] == [True, True]
    assert text == driver.clipboard


async def test_a_batch_is_paused_resumed_and_cancelled_by_its_links(uploading, s3_server, bucket):
    """As its files are; nothing is left behind in the end."""
    async with uploading() as (driver, hold):
        click_batch(driver, BatchAction.PAUSE)
        await driver.has("big.bin", State.PAUSED)
        click_batch(driver, BatchAction.RESUME)
        await until(lambda: driver.row("big.bin").state is not State.PAUSED)
        click_batch(driver, BatchAction.CANCEL)
        hold.release()
        await driver.has("big.bin", State.CANCELLED)
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


@pytest.mark.parametrize("way", ["link", "key"])
async def test_a_batch_that_is_cancelled_while_it_is_counted_is_cancelled_as_a_whole(
    driver, s3_server, bucket, tmp_path, way
):
    """What is found behind the click is not stored either."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(6_000):
        (folder / f"{number}.txt").touch()
    driver.drop(folder)
    await until(lambda: driver.rows)
    (batch,) = driver.batches
    was_counted = batch.scanned
    driver.view.setCurrentIndex(batch_index(driver))
    if way == "link":
        click_batch(driver, BatchAction.CANCEL)
    else:
        QTest.keyClick(driver.view, Qt.Key.Key_Delete)
    await until(lambda: batch.is_finished)

    assert not was_counted
    assert {row.state for row in batch.files} == {State.CANCELLED}
    assert len(batch.files) < 6_000
    assert s3_server.objects(bucket) == {}


async def test_what_failed_of_a_batch_is_retried_by_its_link(opened, s3_server, bucket, tmp_path):
    """The store refuses one of two files once; the link sends that one again, and no other."""
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(os.urandom(50_000))
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.answer("PutObject", 403, "AccessDenied", times=1))
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            driver.drop(tmp_path / "a.bin", tmp_path / "b.bin")
            rows = await driver.ended(2)
            assert sorted(row.state for row in rows) == [State.FAILED, State.STORED]
            before = proxy.count("PutObject")
            click_batch(driver, BatchAction.RETRY)
            await until(lambda: all(row.state is State.STORED for row in driver.rows))

            assert proxy.count("PutObject") == before + 1
    assert len(s3_server.objects(bucket)) == 2


async def test_a_batch_is_selected_beside_others_without_being_closed(two_stored, tmp_path):
    """Ctrl and a click select; a click alone opens and closes."""
    (tmp_path / "c.csv").write_text("c")
    two_stored.drop(tmp_path / "c.csv")
    await two_stored.ended(3)
    for number in (0, 1):
        point = two_stored.view.visualRect(batch_index(two_stored, number)).center() - QPoint(
            200, 0
        )
        QTest.mouseClick(two_stored.view.viewport(), LEFT, CTRL, point)

    assert [batch.is_open for batch in two_stored.batches] == [True, True]
    assert {row.name for row in two_stored.page.selected()} == {"a.csv", "b.csv", "c.csv"}


async def test_a_batch_is_taken_off_the_list(two_stored, tmp_path, s3_server, bucket):
    """What is stored stays stored; what failed does not come back."""
    stored = s3_server.objects(bucket)
    (tmp_path / "c.csv").write_text("c")
    two_stored.drop(tmp_path / "c.csv")
    await two_stored.ended(3)
    click_batch(two_stored, BatchAction.REMOVE)
    await until(lambda: len(two_stored.batches) == 1)

    assert [row.name for row in two_stored.rows] == ["a.csv", "b.csv"]
    two_stored.click_row("a.csv")
    await two_stored.choose(await two_stored.menu("a.csv"), "Remove from the list")
    assert [row.name for row in two_stored.rows] == ["b.csv"]
    await two_stored.choose(await two_stored.menu("b.csv"), "Clear completed")
    await until(two_stored.page.empty.isVisible)
    assert set(stored) < set(s3_server.objects(bucket))


async def test_what_failed_and_was_removed_does_not_come_back(opened, tmp_path):
    """Not at the next start either."""
    (tmp_path / "a.csv").write_text("a")
    async with opened(bucket="no-such-bucket") as driver:
        driver.drop(tmp_path / "a.csv")
        await driver.has("a.csv", State.FAILED)
        click_batch(driver, BatchAction.REMOVE)
        await until(lambda: not driver.rows)
        await driver.service.suspend()
    async with opened(bucket="no-such-bucket") as driver:
        assert driver.rows == []


async def test_the_menu_of_a_batch_offers_what_can_be_done(two_stored):
    """The same as its links, and the pointers for the clipboard."""
    two_stored.view.setCurrentIndex(batch_index(two_stored))
    menu = two_stored.page.menu()
    offered = {action.text() for action in menu.actions() if action.isEnabled() and action.text()}
    entry(menu, "Copy pointer JSON").trigger()

    assert offered == {"Export…", "Remove", "Copy pointer JSON", "Clear completed"}
    assert len(two_stored.clipboard.splitlines()) == 2
