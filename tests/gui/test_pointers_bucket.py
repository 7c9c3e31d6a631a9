"""The bucket's own listing on the page of pointers, and the field that goes to what is pasted."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING
from typing import ClassVar

import anyio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from hashdrop.service import PointerRow
from hashdrop_gui.dialogs.deleting import DeletingDialog
from hashdrop_gui.models.pointers import Column
from support.storage_checks import heartbeat
from support.window import CTRL
from support.window import entry
from support.window import until

if TYPE_CHECKING:
    from support.window import Driver

KEYS = 1_200
LIMIT_S = 0.05


@pytest.fixture
def others(s3_server, bucket) -> None:
    """What others stored, not below the connection's prefix."""
    client = s3_server.plain
    put = partial(client.put_object, Bucket=bucket)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put(Key=f"others/{n:04}.txt", Body=b"x"), range(KEYS)))


@pytest.fixture
async def listed(two_stored) -> Driver:
    """A window on the page of pointers, `a.csv` and `b.csv` in it."""
    two_stored.window.show_page(1)
    await until(lambda: len(two_stored.pointer_names) == 2)
    return two_stored


def uris(driver) -> list[str]:
    return [row.pointer.uri for row in driver.pointers.model.rows]


async def bucket_shown(driver) -> None:
    driver.pointers.bar.bucket.click()
    await until(lambda: driver.pointers.is_bucket and not driver.pointers.feed.is_asking)


async def test_the_bucket_is_listed_with_the_names_of_the_catalog(listed, s3_server, bucket):
    """What another program put there is seen, too, by its key; a click goes back to the catalog."""
    s3_server.plain.put_object(Bucket=bucket, Key="raw/by-hand.txt", Body=b"12345")
    await bucket_shown(listed)
    names = set(listed.pointer_names)
    row = next(one for one in listed.pointers.model.rows if one.name == "by-hand.txt")
    title = listed.pointers.model.headerData(Column.STORED, Qt.Orientation.Horizontal)
    listed.pointers.bar.catalog.click()
    await until(lambda: set(listed.pointer_names) == {"a.csv", "b.csv"})

    assert names == {"a.csv", "b.csv", "by-hand.txt"}
    assert (row.pointer.content_size, row.pointer.content_type) == (5, "text/plain")
    assert title == "Stored"


async def test_what_is_typed_narrows_by_prefix(listed, others, bucket):
    """Behind the connection's own prefix; from the root with a slash. Catalog and bucket keep their texts."""
    field = listed.window.search
    await bucket_shown(listed)
    hint = field.placeholderText()
    field.setText(hashlib.sha256(b"a.csv").hexdigest()[:6])
    await until(lambda: listed.pointer_names == ["a.csv"])
    field.setText("/others/00")
    await until(lambda: len(listed.pointer_names) == 100)
    field.setText("/nowhere/")
    await until(listed.pointers.nothing_fits.isVisible)
    said = " ".join(one.text() for one in listed.pointers.nothing_fits.findChildren(QLabel))
    listed.pointers.bar.catalog.click()
    await until(lambda: len(listed.pointer_names) == 2)
    in_catalog = field.text()
    listed.pointers.bar.bucket.click()

    assert hint == "Beginning of the key"
    assert f"No key in {bucket} begins with “nowhere/”." in said
    assert (in_catalog, field.text()) == ("", "/nowhere/")


@pytest.mark.alone
async def test_all_keys_come_by_pages_without_a_hold(listed, others, bucket):
    """In the order of the keys, each once; the quietest of three rounds counts."""
    await bucket_shown(listed)
    bar = listed.pointers.view.verticalScrollBar()

    def at_the_end() -> bool:
        bar.setValue(bar.maximum())
        return listed.pointers.model.is_complete and len(uris(listed)) > 500

    longest = []
    for _ in range(3):
        listed.window.search.setText("/others/0000")
        await until(lambda: len(uris(listed)) == 1)
        async with heartbeat() as beat:
            listed.window.search.setText("/")
            await until(at_the_end)
        longest.append(beat.longest)
        if beat.longest < LIMIT_S:
            break

    assert len(uris(listed)) == KEYS + 2
    assert uris(listed) == sorted(set(uris(listed)))
    assert min(longest) < LIMIT_S, longest


class _Noticed(PointerRow):
    """A row that tells which thread lets it go."""

    freed_by: ClassVar[list[int]] = []

    def __del__(self):
        self.freed_by.append(threading.get_ident())


async def test_many_rows_are_let_go_beside_the_loop(listed):
    """Of a million at once the window would be held for seconds."""
    (row, *_) = listed.pointers.model.rows
    fields = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    _Noticed.freed_by.clear()
    listed.pointers.model.extend([_Noticed(**fields) for _ in range(2_000)])
    await bucket_shown(listed)
    await until(lambda: len(_Noticed.freed_by) == 2_000)

    assert threading.get_ident() not in _Noticed.freed_by


async def test_actions_work_on_rows_of_the_bucket(listed, others, s3_server, bucket):
    """Copy, details with a preview, delete: there is no name, only the object."""
    await bucket_shown(listed)
    listed.window.search.setText("/others/0007")
    await until(lambda: listed.pointer_names == ["0007.txt"])
    listed.pointers.view.selectRow(0)
    preview = listed.pointers.details.preview
    await until(lambda: preview.shown is preview.text)
    text, names = preview.text.toPlainText(), listed.pointers.details.names.text()
    entry(listed.pointers.menu, "Copy S3 URI").trigger()
    await until(lambda: listed.clipboard == f"s3://{bucket}/others/0007.txt")
    entry(listed.pointers.menu, "Delete…").trigger()
    dialog = await until(lambda: listed.pointers.findChild(DeletingDialog))
    offered = dialog.names.isEnabled(), dialog.objects.isChecked()
    dialog.delete.click()
    await until(lambda: "others/0007.txt" not in s3_server.objects(bucket))
    await until(lambda: not listed.pointer_names)

    assert text == "x"
    assert names == "The catalog has no name of it."
    assert offered == (False, True)


async def went(driver, text: str) -> None:
    """Press Ctrl+L, paste, Return."""
    driver.press("Go to a pointer…")
    field = driver.pointers.bar.go_to
    field.setText(text)
    QTest.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize("form", ["uri", "hash", "json", "url", "key"])
async def test_what_is_pasted_is_gone_to(listed, form, bucket, s3_server):
    """An address, a hash, pointer JSON, a URL: selected in the catalog."""
    row = next(one for one in listed.pointers.model.rows if one.name == "b.csv")
    pasted = {
        "uri": row.pointer.uri,
        "hash": row.pointer.content_hash[:12],
        "json": json.dumps(json.loads(row.pointer.to_json()), indent=1),
        "url": f"{s3_server.endpoint_url}/{bucket}/{row.pointer.key}?X-Amz-Signature=abc",
        "key": row.pointer.key,
    }[form]
    await went(listed, pasted)
    await until(lambda: listed.pointer_names == ["b.csv"])
    await until(lambda: [one.name for one in listed.pointers.selected()] == ["b.csv"])

    assert listed.window.search.text() == f'key:"{row.pointer.key}"'
    assert listed.pointers.bar.go_to.text() == ""


async def test_what_the_catalog_does_not_know_is_gone_to_in_the_bucket(listed, others, bucket):
    """And what nobody knows is told in words."""
    await went(listed, f"s3://{bucket}/others/0042.txt")
    await until(lambda: listed.pointers.is_bucket and listed.pointer_names == ["0042.txt"])
    await until(listed.pointers.selected)
    await went(listed, "s3://some-other-bucket/key.txt")
    await until(listed.pointers.fault.isVisible)
    bucket_words = listed.pointers.fault.text()
    await went(listed, "0123456789abcdef")
    await until(lambda: listed.pointers.fault.text() != bucket_words)

    assert "some-other-bucket" in bucket_words
    assert "0123456789abcdef" in listed.pointers.fault.text()


async def test_the_field_is_reached_and_left_by_keys(listed):
    """Ctrl+L and Ctrl+K; Escape goes to the list."""
    await until(listed.window.isActiveWindow)
    focused = []
    for key in (Qt.Key.Key_L, Qt.Key.Key_K):
        listed.pointers.view.setFocus()
        QTest.keyClick(listed.window, key, CTRL)
        await anyio.sleep(0)
        focused.append(listed.pointers.bar.go_to.hasFocus())
        QTest.keyClick(listed.pointers.bar.go_to, Qt.Key.Key_Escape)

    assert focused == [True, True]
    assert listed.pointers.view.hasFocus()
