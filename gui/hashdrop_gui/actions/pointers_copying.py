"""Copies the selected pointers in the form that a notebook, a shell, a mail or another program takes."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from hashdrop.errors import UsageError
from hashdrop.forms import Form
from hashdrop.stored.places import Place
from hashdrop_gui.dialogs.expiry import ExpiryDialog
from hashdrop_gui.models.wording import time_text
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.s3.linking import Link
    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks

_AT_ONCE = 500
"""Rows that are written between two turns of the loop."""
_MOST_IN_A_SNIPPET = 2_000
_MOST_LINKS = 1_000
_LINKS_AT_ONCE = 8
_SNIPPETS = {Form.LABOX, Form.BOTO3}


class Copying(QObject):
    """Adds what is copied to the page's menu.

    Args:
        page: The page of pointers.
        service: Writes the forms, signs the links.
        tasks: Runs both.
    """

    def __init__(self, page: PointersPage, *, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._service = service
        self._tasks = tasks
        self._add(tr("Copy key"), Form.KEY, tr("key"), tr("keys"), "Ctrl+C")
        self._add(tr("Copy S3 URI"), Form.S3_URI, tr("S3 URI"), tr("S3 URIs"), "Ctrl+Shift+C")
        self._add(tr("Copy HTTPS URL"), Form.HTTPS, tr("HTTPS URL"), tr("HTTPS URLs"))
        self._add(tr("Copy pointer JSON"), Form.JSON, tr("pointer JSON"), tr("pointers"))
        more = page.menu.addMenu(tr("Copy as"))
        page.add_action(tr("Content hash"), self._copy_hashes, menu=more)
        for words, form, one, many in (
            (tr("Python with labox"), Form.LABOX, tr("Python snippet"), tr("pointers in Python")),
            (tr("Python with boto3"), Form.BOTO3, tr("Python snippet"), tr("pointers in Python")),
            (tr("aws s3 cp line"), Form.AWS_CLI, tr("aws s3 cp line"), tr("aws s3 cp lines")),
            (tr("Markdown link"), Form.MARKDOWN, tr("Markdown link"), tr("Markdown links")),
        ):
            self._add(words, form, one, many, menu=more)
        links = page.menu.addMenu(tr("Copy link that expires"))
        for words, expires in (
            (tr("In 1 hour"), timedelta(hours=1)),
            (tr("In 24 hours"), timedelta(hours=24)),
            (tr("In 7 days"), timedelta(days=7)),
        ):
            page.add_action(words, partial(self._copy_links, expires), menu=links)
        page.add_action(tr("Another time…"), self._ask_for_expiry, menu=links)

    def _add(
        self, words: str, form: Form, one: str, many: str, *keys: str, menu: QMenu | None = None
    ) -> None:
        self._page.add_action(words, partial(self._copy, form, one, many), *keys, menu=menu)

    def _copy(self, form: Form, one: str, many: str) -> None:
        rows = self._page.selected()
        if form is Form.KEY and len(rows) <= _AT_ONCE:
            self._tell("\n".join(row.pointer.key for row in rows), len(rows), one, many)
        elif rows:
            self._tasks.spawn(self._write, form, rows, one, many)

    def _copy_hashes(self) -> None:
        rows = self._page.selected()
        if rows:
            self._tasks.spawn(self._write_hashes, rows)

    async def _write_hashes(self, rows: Sequence[PointerRow]) -> None:
        texts: list[str] = []
        for at in range(0, len(rows), _AT_ONCE):
            hashes = (row.pointer.content_hash for row in rows[at : at + _AT_ONCE])
            texts += [one for one in hashes if one]
            await anyio.lowlevel.checkpoint()
        if not texts:
            raise UsageError(
                tr("Nobody knows the content hash: the key of {name} does not hold it.").format(
                    name=rows[0].name
                ),
                hint=tr("Download it; its hash is found out then."),
            )
        self._tell("\n".join(texts), len(texts), tr("content hash"), tr("content hashes"))

    async def _write(self, form: Form, rows: Sequence[PointerRow], one: str, many: str) -> None:
        if form in _SNIPPETS and len(rows) > _MOST_IN_A_SNIPPET:
            raise UsageError(
                tr("A snippet is written for {n} files at most.").format(
                    n=f"{_MOST_IN_A_SNIPPET:,}"
                ),
                hint=tr("Select fewer, or copy their pointer JSON."),
            )
        at_once = len(rows) if form in _SNIPPETS else _AT_ONCE
        texts: list[str] = []
        for at in range(0, len(rows), at_once):
            places = [Place.of(row) for row in rows[at : at + at_once]]
            texts.append(await self._service.stored.written(form, places))
            await anyio.lowlevel.checkpoint()
        self._tell("\n".join(texts), len(rows), one, many)

    def _tell(self, text: str, count: int, one: str, many: str) -> None:
        if count:
            self._page.copy_text_requested.emit(text, one if count == 1 else f"{count:,} {many}")

    # --- links that expire -----------------------------------------------------------------------

    def _ask_for_expiry(self) -> None:
        dialog = ExpiryDialog(self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._copy_links)
        dialog.open()

    def _copy_links(self, expires: timedelta) -> None:
        rows = self._page.selected()
        if rows:
            self._tasks.spawn(self._sign, rows, expires)

    async def _sign(self, rows: Sequence[PointerRow], expires: timedelta) -> None:
        if len(rows) > _MOST_LINKS:
            raise UsageError(
                tr("Links are made for {n} files at most at once.").format(n=f"{_MOST_LINKS:,}"),
                hint=tr("Select fewer."),
            )
        links: list[Link] = []
        for at in range(0, len(rows), _LINKS_AT_ONCE):
            links += await self._signed(rows[at : at + _LINKS_AT_ONCE], expires)
        end = time_text(min(link.ends_at for link in links))
        one = tr("a link that holds until {time}").format(time=end)
        many = tr("links that hold until {time}").format(time=end)
        if any(link.is_of_this_computer for link in links):
            here = tr("on this computer only, while Hashdrop runs")
            one, many = f"{one}, {here}", f"{many}, {here}"
        self._tell("\n".join(link.url for link in links), len(links), one, many)

    async def _signed(self, rows: Sequence[PointerRow], expires: timedelta) -> list[Link]:
        """Sign some links at the same time, in their order; the first error is that of all."""
        links: dict[int, Link] = {}
        faults: list[Exception] = []

        async def sign(number: int, row: PointerRow) -> None:
            try:
                links[number] = await self._service.stored.link(Place.of(row), expires)
            except Exception as error:  # noqa: BLE001  # raised again below, by itself
                faults.append(error)

        async with anyio.create_task_group() as group:
            for number, row in enumerate(rows):
                group.start_soon(sign, number, row)
        if faults:
            raise faults[0]
        return [links[number] for number in range(len(rows))]
