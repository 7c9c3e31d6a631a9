"""What is copied from the page of pointers: every form, for one row and for many, with links that work."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.to_thread import run_sync
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from hashdrop.stored import stored as stored_module
from hashdrop_gui.dialogs.expiry import ExpiryDialog
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule
from support.window import CTRL
from support.window import LEFT
from support.window import entry
from support.window import until

if TYPE_CHECKING:
    from support.window import Driver


def key_of(name: str) -> str:
    return f"raw/{hashlib.sha256(name.encode()).hexdigest()}.csv"


@pytest.fixture
async def listed(two_stored) -> Driver:
    """A window on the page of pointers, `b.csv` and `a.csv` in it."""
    two_stored.window.show_page(1)
    await until(lambda: len(two_stored.pointer_names) == 2)
    two_stored.pointers.sort("name", descending=False)
    await until(lambda: not two_stored.pointers.feed.is_asking)
    return two_stored


def click_row(driver, row: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    view = driver.pointers.view
    point = view.visualRect(view.model().index(row, 0)).center()
    QTest.mouseClick(view.viewport(), LEFT, modifier, point)


async def copied(driver, *words: str) -> str:
    """Choose an entry of the rows' menu; what is on the clipboard then."""
    driver.window.copy("before", "nothing")
    menu = driver.pointers.menu
    for word in words[:-1]:
        menu = entry(menu, word).menu()
    entry(menu, words[-1]).trigger()
    await until(lambda: driver.clipboard != "before")
    return driver.clipboard


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return answer.read()


async def test_each_form_of_one(listed, bucket, s3_server):
    """As the forms of the core write it."""
    click_row(listed, 0)
    key, endpoint = key_of("a.csv"), s3_server.endpoint_url

    assert await copied(listed, "Copy key") == key
    assert await copied(listed, "Copy S3 URI") == f"s3://{bucket}/{key}"
    assert await copied(listed, "Copy HTTPS URL") == f"{endpoint}/{bucket}/{key}"
    assert json.loads(await copied(listed, "Copy pointer JSON"))["key"] == key
    assert await copied(listed, "Copy as", "Content hash") == key[4:68]
    assert "read_data" in await copied(listed, "Copy as", "Python with labox")
    assert "get_object" in await copied(listed, "Copy as", "Python with boto3")
    line = await copied(listed, "Copy as", "aws s3 cp line")
    assert line == f"aws s3 cp s3://{bucket}/{key} a.csv --endpoint-url {endpoint}"
    link = await copied(listed, "Copy as", "Markdown link")
    assert link == f"[a.csv]({endpoint}/{bucket}/{key})"
    assert listed.window.summary.text() == "Copied Markdown link"


async def test_many_are_one_a_line(listed, bucket):
    """In the order of the list; and what is said counts them."""
    click_row(listed, 0)
    click_row(listed, 1, CTRL)
    uris = await copied(listed, "Copy S3 URI")
    said = listed.window.summary.text()
    snippet = await copied(listed, "Copy as", "Python with boto3")

    assert uris.splitlines() == [f"s3://{bucket}/{key_of(name)}" for name in ("a.csv", "b.csv")]
    assert said == "Copied 2 S3 URIs"
    assert "for pointer in pointers" in snippet


async def test_keys_and_a_double_click_copy(listed, bucket):
    """Ctrl+C the key, Ctrl+Shift+C the URI, a double click the pointer JSON."""
    click_row(listed, 0)
    view = listed.pointers.view
    QTest.keyClick(view, Qt.Key.Key_C, CTRL)
    key = listed.clipboard
    QTest.keyClick(view, Qt.Key.Key_C, CTRL | Qt.KeyboardModifier.ShiftModifier)
    await until(lambda: listed.clipboard.startswith("s3://"))
    uri = listed.clipboard
    point = view.visualRect(view.model().index(0, 0)).center()
    no = Qt.KeyboardModifier.NoModifier
    QTest.mouseDClick(view.viewport(), LEFT, no, point + QPoint(1, 0))

    assert key == key_of("a.csv")
    assert uri == f"s3://{bucket}/{key}"
    assert json.loads(listed.clipboard)["bucket"] == bucket


async def test_a_link_works_and_its_end_is_said(listed):
    """One for each file; without the signature the store refuses."""
    click_row(listed, 0)
    click_row(listed, 1, CTRL)
    links = (await copied(listed, "Copy link that expires", "In 1 hour")).splitlines()
    said = listed.window.summary.text()
    contents = [await run_sync(fetched, link) for link in links]
    with pytest.raises(urllib.error.HTTPError) as refused:
        await run_sync(fetched, links[0].partition("?")[0])
    refused.value.close()

    assert contents == [b"a.csv", b"b.csv"]
    assert "X-Amz-Expires=3600" in links[0]
    assert re.match(r"Copied 2 links that hold until .*[0-9]+:[0-9]{2}$", said)


async def test_a_link_into_the_own_store_is_told_to_hold_here_only(listed, monkeypatch):
    own = listed.service.connection.name
    monkeypatch.setattr(stored_module, "LOCAL_CONNECTION_NAME", own)
    click_row(listed, 0)
    await copied(listed, "Copy link that expires", "In 1 hour")

    assert re.match(
        r"Copied a link that holds until .*, on this computer only, while Hashdrop runs$",
        listed.window.summary.text(),
    )


async def test_a_link_of_another_time(listed):
    """Asked for in a dialog that says its end and offers no more than seven days."""
    click_row(listed, 0)
    entry(entry(listed.pointers.menu, "Copy link that expires").menu(), "Another time…").trigger()
    dialog = await until(lambda: listed.pointers.findChild(ExpiryDialog))
    dialog.unit.setCurrentIndex(2)
    most = dialog.field.maximum()
    dialog.unit.setCurrentIndex(0)
    dialog.field.setValue(90)
    proposed, said = dialog.expires, dialog.ends.text()
    listed.window.copy("before", "nothing")
    dialog.accept()
    dialog.chosen.emit(proposed)
    await until(lambda: "X-Amz-Expires=5400" in listed.clipboard)

    assert most == 7
    assert proposed == timedelta(minutes=90)
    assert said.startswith("It holds until ")


async def test_a_link_to_what_is_gone_is_told(listed, s3_server, bucket):
    """In the banner, in words; the clipboard stays."""
    s3_server.plain.delete_object(Bucket=bucket, Key=key_of("a.csv"))
    click_row(listed, 0)
    listed.window.copy("before", "nothing")
    entry(entry(listed.pointers.menu, "Copy link that expires").menu(), "In 7 days").trigger()
    await until(listed.window.banner.isVisible)

    assert listed.clipboard == "before"


async def test_nothing_can_be_done_without_a_selection(listed):
    """The button and each entry say so."""
    listed.pointers.view.clearSelection()
    await anyio.sleep(0)
    none = [
        a.text()
        for a in listed.pointers.menu.actions()
        if a.isEnabled() and a.text() and not a.menu()
    ]
    disabled = listed.pointers.act.isEnabled()
    click_row(listed, 1)

    assert none == []
    assert not disabled
    assert listed.pointers.act.isEnabled()


async def test_a_link_ends_no_later_than_the_session(opened, two_stored, s3_server, monkeypatch):
    """One that would end sooner than said is refused in words; the clipboard stays. Others are made."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:  # the server knows no sessions
        proxy.add(Rule.answer("HeadObject", 200, "", times=99))
        monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session")
        async with opened(endpoint_url=proxy.endpoint_url) as driver:
            driver.window.show_page(1)
            await until(lambda: len(driver.pointer_names) == 2)
            click_row(driver, 0)
            driver.window.copy("before", "nothing")
            links = entry(driver.pointers.menu, "Copy link that expires").menu()
            entry(links, "In 7 days").trigger()
            await until(driver.window.banner.isVisible)
            said, kept = driver.window.banner.text, driver.clipboard
            entry(links, "In 24 hours").trigger()
            await until(lambda: "X-Amz-Security-Token=a-session" in driver.clipboard)

    assert said.startswith("The link would not hold that long: it ends with your session.")
    assert kept == "before"
