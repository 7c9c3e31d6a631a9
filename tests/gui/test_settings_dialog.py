"""The dialog of a connection, and that it counts from the next drop on."""

from __future__ import annotations

import hashlib

import anyio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from hashdrop.settings import load_settings
from hashdrop_gui.dialogs.connection import ConnectionDialog
from support.window import type_into
from support.window import until


@pytest.fixture
async def dialog(driver):
    return await driver.settings()


@pytest.mark.parametrize(
    ("field", "typed", "fault"),
    [
        ("bucket", "ab", "A bucket name has 3 to 63 characters."),
        ("bucket", "Lab-Data", "A bucket name has no capital letters."),
        ("prefix", "a//b", "A prefix has no empty part and no part that is “.” or “..”."),
        (
            "endpoint_url",
            "s3.example",
            "An endpoint begins with https:// or http:// and names a host.",
        ),
        (
            "endpoint_url",
            "https://key:secret@s3.example",
            "Keys do not belong in the endpoint; use a profile.",
        ),
        ("region", "eu central", "There must be no space in it."),
        ("name", "This computer", "Another connection has this name."),
    ],
)
async def test_a_fault_is_told_while_one_types(dialog, field, typed, fault):
    """Under the field that is wrong, in words; Save waits until it is right again."""
    before = dialog.fields[field].text()
    type_into(dialog.fields[field], typed)
    wrong = (dialog.faults[field].isVisible(), dialog.faults[field].text(), dialog.save.isEnabled())
    described = dialog.fields[field].accessibleDescription()
    type_into(dialog.fields[field], before)

    assert (True, fault, False) == wrong
    assert fault == described
    assert (dialog.faults[field].isVisible(), dialog.save.isEnabled()) == (False, True)


async def test_the_sample_shows_the_key_as_one_types(dialog, bucket):
    """The key that the router would give, live; words instead of a key where something is wrong."""
    samples = [dialog.sample.text()]
    heights = []
    for prefix in ("raw/2026", "", "a//b"):
        type_into(dialog.fields["prefix"], prefix)
        samples.append(dialog.sample.text())
        await anyio.sleep(0.05)  # laid out
        label = dialog.sample
        heights.append(label.height() - label.heightForWidth(label.width()))

    assert min(heights) >= 0  # nothing of it is cut off
    name = "6a654e42c5f2eba2803d70a89b1946ac92492d2347c6235b4d2611184e7a2e6f.tiff"
    assert [
        f"s3://{bucket}/raw/{name}",
        f"s3://{bucket}/raw/2026/{name}",
        f"s3://{bucket}/{name}",
        "shown when the fields above are right",
    ] == samples


async def test_what_was_saved_counts_from_the_next_drop_on(
    driver, s3_server, bucket, paths, tmp_path
):
    """Without a restart: the window names the new place, the next file goes there, the file is kept."""
    dialog = await driver.settings()
    type_into(dialog.fields["prefix"], "raw/2026")
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    await until(lambda: driver.service.status.connection.prefix == "raw/2026")
    await until(lambda: driver.service.status.state == "ready")
    (tmp_path / "a.txt").write_text("a")
    driver.drop(tmp_path / "a.txt")
    await driver.ended(1)
    saved = load_settings(paths.settings_file)

    assert {f"raw/2026/{hashlib.sha256(b'a').hexdigest()}.txt": 1} == s3_server.objects(bucket)
    assert (saved.current, saved.named("lab").prefix) == ("lab", "raw/2026")
    assert paths.settings_file.stat().st_mode & 0o777 == 0o600
    assert s3_server.secret_key not in paths.settings_file.read_text()


async def test_escape_changes_nothing(driver, paths):
    """What was typed is forgotten with the dialog."""
    dialog = await driver.settings()
    type_into(dialog.fields["prefix"], "other")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    await until(lambda: not driver.window.findChildren(ConnectionDialog))

    assert driver.service.status.connection.prefix == "raw"
    assert not paths.settings_file.exists()


async def test_a_new_connection_scolds_nobody_before_one_typed(driver):
    """The plus opens an empty form: no fault is told yet, and Save waits."""
    add = driver.window.sidebar.findChild(QToolButton, "addConnection")
    QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    await until(lambda: driver.window.findChild(ConnectionDialog))
    dialog = driver.window.findChild(ConnectionDialog)

    assert {""} == {field.text() for field in dialog.fields.values()}
    assert not any(fault.isVisible() for fault in dialog.faults.values())
    assert not dialog.save.isEnabled()


async def test_another_connection_is_chosen_in_the_sidebar(driver, bucket):
    """A click on it makes it the one that drops go to, and the window says where that is."""
    button = driver.window.sidebar._buttons["This computer"]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    status = lambda: driver.service.status  # noqa: E731
    await until(
        lambda: (status().connection.name, status().state) == ("This computer", "ready"), 60
    )

    assert driver.window._breadcrumb.text() == "hashdrop  /"
