"""What goes wrong is told in the window: one clear sentence each, and nothing is half-stored."""

from __future__ import annotations

import builtins
import io
import os
import socket

import anyio
import pytest
from PySide6.QtGui import QGuiApplication

from hashdrop.transfers.events import State
from hashdrop_gui.delegates.transfer_row import Action
from hashdrop_gui.dialogs.report import ReportDialog
from hashdrop_gui.models.transfers import Role
from support.window import until


async def sentence_of(driver, tmp_path, size=6 * 2**20):
    """Drop a file on the window, wait until it failed, and read its row."""
    (tmp_path / "scan.tiff").write_bytes(os.urandom(size))
    driver.drop(tmp_path / "scan.tiff")
    await driver.has("scan.tiff", State.FAILED, 60)
    return driver.index("scan.tiff").data(Role.SECOND)


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


async def test_a_bucket_that_does_not_exist_is_named(opened, tmp_path):
    """The row names the bucket and says what to do."""
    async with opened(bucket="no-such-bucket") as driver:
        sentence = await sentence_of(driver, tmp_path)

        assert (
            sentence
            == "The bucket “no-such-bucket” does not exist. Check its name in the settings, or create it."
        )
        assert driver.window.summary.text() == "1 failed"
        assert driver.pointer_names == []


async def test_a_wrong_secret_is_told_without_it(opened, s3_server, bucket, tmp_path, monkeypatch):
    """The row says that the keys are refused, and shows none."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-0000")
    async with opened() as driver:
        sentence = await sentence_of(driver, tmp_path)
        driver.click_row("scan.tiff")
        driver.click_link("scan.tiff", Action.COPY_DETAILS)

        assert (
            sentence
            == "The store does not accept these credentials. The access key is unknown or the secret "
            "does not fit it. Check the profile or the keys."
        )
        assert "wrong-secret-0000" not in driver.clipboard
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


async def test_an_endpoint_that_is_down_is_told(opened, closed_port, tmp_path):
    """A store that never answered is no endless waiting: the row fails and names the address."""
    async with opened(endpoint_url=f"http://127.0.0.1:{closed_port}") as driver:
        sentence = await sentence_of(driver, tmp_path)

        assert f"127.0.0.1:{closed_port}" in sentence
        assert sentence.endswith(".")
        assert sentence.count("Error") == 0


async def test_a_missing_profile_is_told_in_the_banner(opened):
    """The connection itself cannot be used: the window says so, with the way to the settings."""
    async with opened(profile="nobody") as driver:
        await until(driver.window.banner.isVisible)

        assert "nobody" in driver.window.banner.text
        assert driver.window.banner._settings.isVisible()
        assert driver.service.status.state == "failed"


@pytest.fixture
def unreadable(tmp_path, monkeypatch):
    """A file that may not be read, also not by root."""
    path = tmp_path / "secret.bin"
    path.write_bytes(b"x" * 10)
    path.chmod(0)
    opens = {module: module.open for module in (io, builtins, os)}

    def guard(module):
        def opening(file, *arguments, **more):
            if not isinstance(file, int) and os.fspath(file) == str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return opens[module](file, *arguments, **more)

        return opening

    if os.access(path, os.R_OK):  # root: the system would let it
        for module in opens:
            monkeypatch.setattr(module, "open", guard(module))
    return path


async def test_a_file_without_permission_fails_alone(
    driver, s3_server, bucket, tmp_path, unreadable
):
    """Its row says what to do, the others are stored."""
    (tmp_path / "good.txt").write_text("good")
    driver.drop(unreadable, tmp_path / "good.txt")
    await driver.ended(2)

    assert "You may not read “secret.bin”." in driver.index("secret.bin").data(Role.SECOND)
    assert "Change its permissions and retry." in driver.index("secret.bin").data(Role.SECOND)
    assert list(s3_server.objects(bucket).values()) == [4]


async def test_a_missing_path_is_told_in_its_batch(driver, s3_server, bucket, tmp_path):
    """A path that vanished gets no row, but is counted and named with its drop."""
    (tmp_path / "good.txt").write_text("good")
    driver.drop(tmp_path / "gone.txt", tmp_path / "good.txt")
    await driver.ended(1)
    await until(lambda: driver.batches[0].faults)
    index = driver.window.model.index(0, 0)

    assert "1 could not be read" in index.data(Role.SECOND)
    assert (
        f"“gone.txt” does not exist. {tmp_path / 'gone.txt'}. Check the path."
        == driver.window.banner.text
    )
    assert driver.window.banner.isVisible()
    assert list(s3_server.objects(bucket).values()) == [4]


async def test_a_drop_of_nothing_but_missing_paths_is_told(driver, tmp_path):
    """Where no row appears at all, the window still says why."""
    driver.drop(tmp_path / "gone.txt")
    await until(driver.window.banner.isVisible)

    assert "“gone.txt” does not exist." in driver.window.banner.text
    assert driver.rows == []


async def test_what_could_not_be_read_is_listed_where_there_is_no_row(driver, tmp_path):
    """The banner opens the report of all of it."""
    driver.drop(tmp_path / "gone.txt", tmp_path / "lost.txt")
    await until(driver.window.banner.isVisible)
    driver.window.banner.action.click()
    dialog = await until(lambda: driver.window.findChild(ReportDialog))
    lines = dialog.view.toPlainText().splitlines()
    dialog.reject()

    assert [line.partition("”")[0] for line in lines] == ["“gone.txt", "“lost.txt"]


async def test_an_empty_folder_is_told(driver, tmp_path):
    """A drop that holds no file at all is no silence."""
    (tmp_path / "empty").mkdir()
    driver.drop(tmp_path / "empty")
    await anyio.sleep(0.5)

    assert driver.window.summary.text() == "There are no files in what was dropped"


async def test_details_of_a_failure_are_copied(opened, tmp_path):
    """For a report: the path, the sentences, S3's own code."""
    async with opened(bucket="no-such-bucket") as driver:
        await sentence_of(driver, tmp_path)
        driver.click_row("scan.tiff")
        driver.click_link("scan.tiff", Action.COPY_DETAILS)
        copied = QGuiApplication.clipboard().text()

    assert str(tmp_path / "scan.tiff") in copied
    assert "NoSuchBucket" in copied
