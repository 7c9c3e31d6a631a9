"""The page of pointers: what was stored, from the catalog, also after a restart."""

from __future__ import annotations

import hashlib

from support.window import until


async def store(driver, tmp_path, *names):
    before = len(driver.rows)
    for name in names:
        (tmp_path / name).write_text(name)
    driver.drop(*(tmp_path / name for name in names))
    await driver.ended(before + len(names))


async def test_it_says_that_nothing_is_stored_yet(driver):
    """An empty page is no empty table."""
    driver.window.show_page(1)

    assert driver.pointers.empty.isVisible()
    assert not driver.pointers.view.isVisible()


async def test_what_is_stored_is_listed_newest_first(driver, tmp_path):
    """Name, content hash, size and type of each; a second drop stands above the first."""
    await store(driver, tmp_path, "old.csv")
    await store(driver, tmp_path, "new.csv")
    driver.window.show_page(1)
    await until(lambda: len(driver.pointer_names) == 2)
    model = driver.pointers.model
    cells = [model.index(0, column).data() for column in range(4)]

    assert driver.pointer_names == ["new.csv", "old.csv"]
    assert ["new.csv", hashlib.sha256(b"new.csv").hexdigest(), "7 bytes", "text/csv"] == cells
    assert driver.pointers.view.isVisible()


async def test_it_survives_a_restart(opened, tmp_path):
    """A second window on the same data folder lists what the first one stored."""
    async with opened() as first:
        await store(first, tmp_path, "kept.txt")
    async with opened() as second:
        second.window.show_page(1)
        await until(lambda: second.pointer_names)

        assert second.pointer_names == ["kept.txt"]
        assert second.rows == []


async def test_a_window_that_is_closed_while_it_asks_closes(opened, tmp_path):
    """The page's question is still under way when the window goes; nothing touches what is gone."""
    for _ in range(3):
        async with opened() as driver:
            for _ in range(5):
                driver.pointers.refresh()
