"""“Have I stored this?”: files dropped on the page of pointers are looked up, and nothing is sent."""

from __future__ import annotations

import hashlib

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from support.window import files_data
from support.window import until


def answers(driver) -> dict[str, str]:
    tree = driver.pointers.answers.tree
    items = [tree.topLevelItem(at) for at in range(tree.topLevelItemCount())]
    return {item.text(0): item.text(1) for item in items}


async def looked_up(driver, count: int) -> None:
    panel = driver.pointers.answers
    await until(
        lambda: panel.tree.topLevelItemCount() == count and "Looking up" not in panel.summary.text()
    )


async def test_a_drop_on_the_pointers_is_looked_up(two_stored, tmp_path, s3_server, bucket):
    """The overlay says so before; the answer has every place, name and date; nothing is sent."""
    driver = two_stored
    driver.window.show_page(1)
    (tmp_path / "other name.csv").write_text("a.csv")
    (tmp_path / "new.txt").write_text("new")
    data = files_data([tmp_path / "other name.csv", tmp_path / "new.txt"])
    driver.drag(data)
    said = driver.overlay.sentence
    before = s3_server.objects(bucket)
    driver.release(data)
    await looked_up(driver, 2)
    tree = driver.pointers.answers.tree
    item = tree.findItems("other name.csv", Qt.MatchFlag.MatchExactly)[0]
    place = item.child(0)
    key = f"raw/{hashlib.sha256(b'a.csv').hexdigest()}.csv"

    assert said == "Look up 2 files. Nothing is sent."
    assert answers(driver) == {"other name.csv": "Stored", "new.txt": "Not stored"}
    assert place.text(0) == f"s3://{bucket}/{key}"
    assert place.text(1) == "In the store · lab"
    assert place.child(0).text(0) == "as a.csv"
    assert driver.pointers.answers.summary.text() == "1 file stored · 1 file not stored"
    assert s3_server.objects(bucket) == before
    assert len(driver.rows) == 2


async def test_what_is_missing_is_uploaded(two_stored, tmp_path):
    """With a button: those files only, shown among the transfers."""
    driver = two_stored
    driver.window.show_page(1)
    (tmp_path / "new.txt").write_text("new")
    driver.drop(tmp_path / "a.csv", tmp_path / "new.txt")
    await looked_up(driver, 2)
    driver.pointers.answers.upload.click()
    rows = await driver.ended(3)

    assert rows[0].name == "new.txt"
    assert driver.page.isVisible()


async def test_a_file_that_cannot_be_read_is_told_and_stops_nothing(two_stored, tmp_path):
    """Beside the others."""
    driver = two_stored
    driver.window.show_page(1)
    driver.drop(tmp_path / "a.csv", tmp_path / "gone.txt")
    await looked_up(driver, 2)

    assert answers(driver)["a.csv"] == "Stored"
    assert "does not exist" in answers(driver)["gone.txt"]
    assert not driver.pointers.answers.upload.isEnabled()


async def test_the_drop_has_its_twin(two_stored, tmp_path):
    """A button and a shortcut ask for files; Escape goes back to the list."""
    driver = two_stored
    driver.press("Have I stored this?…")
    dialog = await until(lambda: driver.pointers.findChild(QFileDialog))
    dialog.filesSelected.emit([str(tmp_path / "b.csv")])
    dialog.close()
    await looked_up(driver, 1)
    shown = driver.pointers.answers.isVisible()
    QTest.keyClick(driver.pointers.answers.tree, Qt.Key.Key_Escape)

    assert shown
    await until(driver.pointers.view.isVisible)


async def test_a_folder_of_many_is_looked_up_and_can_be_cancelled(driver, tmp_path):
    """Then what was found out stays."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.txt").write_text(str(number))
    driver.window.show_page(1)
    driver.drop(folder)
    await looked_up(driver, 300)

    assert len(driver.pointers.answers.missing) == 300
    assert driver.pointers.answers.summary.text() == "300 files not stored"
