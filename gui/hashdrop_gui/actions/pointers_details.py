"""Finds out what the panel shows of the selected pointer; stops when the selection moves on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from anyio.to_thread import run_sync
from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer

from hashdrop.errors import HashdropError
from hashdrop.stored.places import ObjectId
from hashdrop.stored.places import Place
from hashdrop_gui.dialogs.tags import TagsDialog
from hashdrop_gui.models.pointers import identity
from hashdrop_gui.models.pointers import places_of
from hashdrop_gui.models.previewing import Kind
from hashdrop_gui.models.previewing import Words
from hashdrop_gui.models.previewing import bytes_wanted
from hashdrop_gui.models.previewing import decode
from hashdrop_gui.models.previewing import kind_of
from hashdrop_gui.models.previewing import words_without
from hashdrop_gui.models.standing import facts_of
from hashdrop_gui.models.wording import progress_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.pages.feed import let_go
from hashdrop_gui.widgets.details_panel import WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop.stored.verifying import Verdict
    from hashdrop_gui.models.previewing import Content
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks

_REST_MS = 80
"""Nobody is asked about a row that the selection only passes."""
_KEPT_MS = 600
_ROOM = 640
"""Logical pixels of the page below which the panel is given up."""
_ADDED_AT_ONCE = 5_000
"""Rows whose sizes are added up between two turns of the loop."""
_DECODED_AT_ONCE = 2
"""Previews: each may take 256 MiB, and none can be ended in the middle."""
_TOLD_EVERY = 8 * 1024**2


class Details(QObject):
    """Fills the panel.

    Args:
        page: The page of pointers.
        service: Asked.
        tasks: Runs the asking.
    """

    def __init__(self, page: PointersPage, *, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._panel = page.details
        self._service = service
        self._tasks = tasks
        self._row: PointerRow | None = None
        self._scope: anyio.CancelScope | None = None
        """Of what is asked about the row; cancelled when the selection moves on."""
        self._verifying: dict[ObjectId, str] = {}
        """Objects that are being read back, and how far they are."""
        self._decoding = anyio.CapacityLimiter(_DECODED_AT_ONCE)
        self._is_wanted = service.preferences.pointer_details != 0
        self._rest = _timer(self, _REST_MS, self._show)
        self._keep = _timer(self, _KEPT_MS, self._keep_width)
        page.view.chosen.connect(self._rest.start)
        page.model.modelReset.connect(self._rest.start)
        page.model.rowsInserted.connect(lambda *_: self._rest.start())
        page.model.dataChanged.connect(lambda *_: self._rest.start())
        page.show_details.clicked.connect(self.want)
        page.splitter.splitterMoved.connect(lambda *_: self._keep.start())
        page.installEventFilter(self)
        self._panel.hide_requested.connect(lambda: self.want(False))  # as `clicked`
        self._panel.verify_requested.connect(self._on_verify_requested)
        self._panel.tags_requested.connect(self._on_tags_requested)
        page.add_action(tr("Verify now"), lambda: self.verify(page.selected()))
        page.add_action(tr("Show or hide the details"), self.turn, "Space", "Alt+Return")
        width = service.preferences.pointer_details or WIDTH
        page.splitter.setSizes([10_000, width])
        self._show_or_hide()

    # --- the panel itself ------------------------------------------------------------------------

    def turn(self) -> None:
        """Show the panel, or hide it."""
        self.want(not self._is_wanted)

    def want(self, wanted: bool) -> None:  # noqa: FBT001  # a slot of `clicked`
        """Show the panel from now on, or do not."""
        self._is_wanted = wanted
        self._show_or_hide()
        self._keep.start()

    def _show_or_hide(self) -> None:
        is_shown = self._is_wanted and self._page.width() >= _ROOM
        self._page.show_details.setChecked(is_shown)
        self._page.show_details.setEnabled(self._page.width() >= _ROOM)
        if self._panel.isHidden() == is_shown:
            if not is_shown and self._panel.isAncestorOf(self._page.focusWidget() or self._page):
                self._page.view.setFocus()
            self._panel.setVisible(is_shown)
            self._rest.start()

    def _keep_width(self) -> None:
        width = self._page.splitter.sizes()[1] if self._is_wanted else 0
        known = self._service.preferences.pointer_details
        if width != known and (width or not self._is_wanted):
            self._tasks.spawn(partial(self._service.prefer, pointer_details=width))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give the panel up where there is no room for it."""
        if watched is self._page and event.type() == QEvent.Type.Resize:
            self._show_or_hide()
        return super().eventFilter(watched, event)

    # --- the row ---------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self._tasks.can_start:  # a timer of Qt's, which runs on behind the loop
            return
        count = 0 if self._panel.isHidden() else self._page.view.chosen_count()
        if count == 1 and self._row is not None:
            row = self._page.view.chosen_rows(1)[0]
            if identity(row) == identity(self._row):  # the list came anew, or marks of it
                if row != self._row:
                    self._row = row
                    self._panel.show_verified(row)
                    self._show_verifying()
                self._tasks.spawn(self._tell_names, row)
                return
        self._stop()
        self._row = None
        if self._panel.isHidden():
            return
        if count != 1:
            if count:
                self._scope = anyio.CancelScope()
                self._tasks.spawn(self._tell_many, self._page.selected(), self._scope)
            else:
                self._panel.show_nothing()
            return
        row = self._row = self._page.view.chosen_rows(1)[0]
        self._panel.show_row(row, row.pointer.uri)
        self._show_verifying()
        self._scope = anyio.CancelScope()
        self._tasks.spawn(self._ask, row, self._scope)

    async def _tell_many(self, rows: list[PointerRow], scope: anyio.CancelScope) -> None:
        """Add up their sizes between turns of the loop: a million at once would hold it for 150 ms.

        They are let go on the way: these may be the last that know them, when another list is shown.
        """
        count, size = len(rows), 0
        try:
            with scope:
                while rows:
                    size += sum(row.pointer.content_size for row in rows[-_ADDED_AT_ONCE:])
                    del rows[-_ADDED_AT_ONCE:]
                    await anyio.lowlevel.checkpoint()
                self._panel.show_many(count, size)
        finally:
            if rows:
                self._tasks.spawn(run_sync, let_go, rows)

    def _stop(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
            self._scope = None

    async def _ask(self, row: PointerRow, scope: anyio.CancelScope) -> None:
        with scope:
            await self._tell_names(row)
            async with anyio.create_task_group() as group:
                group.start_soon(self._ask_store, row)
                group.start_soon(self._preview, row)

    async def _tell_names(self, row: PointerRow) -> None:
        names = await self._service.stored.names_at(Place.of(row))
        if self._row is None or identity(self._row) != identity(row):
            return
        self._panel.show_names(names)
        now = next((one for one in names if one.id == row.id or not row.id), None)
        if (
            now is not None and now.verified_at != row.verified_at
        ):  # the list is not asked anew for it
            self._panel.show_verified(now)
            self._show_verifying()

    async def _ask_store(self, row: PointerRow) -> None:
        try:
            found = await self._service.stored.details(Place.of(row))
        except HashdropError as error:
            self._panel.show_store([], error.sentence)
            return
        self._panel.show_store(facts_of(found))
        if found.tags is not None:
            self._panel.show_tags({**row.tags, **found.tags})

    async def _preview(self, row: PointerRow) -> None:
        pointer = row.pointer
        kind = kind_of(pointer.content_type, row.name)
        wanted = bytes_wanted(kind, pointer.content_size)
        preview = self._panel.preview
        if pointer.content_size == 0:
            preview.show_content(Words(tr("The file is empty.")))
            return
        if not wanted:
            preview.show_content(words_without(kind, pointer.content_size, pointer.content_type))
            return
        preview.show_content(Words(tr("Reading…")))
        try:
            data = await self._service.stored.read_range(Place.of(row), 0, wanted)
        except HashdropError as error:
            preview.show_content(Words(error.title))
            return
        is_whole = kind is Kind.IMAGE or wanted >= pointer.content_size
        content = await self._decoded(partial(decode, kind, data, is_whole=is_whole))
        if content is not None:
            preview.show_content(content)

    async def _decoded(self, work: Callable[[], Content]) -> Content | None:
        """Make a preview in a thread; one that was passed counts until its thread ends."""
        found: list[Content] = []
        ended = anyio.Event()
        turn = object()
        await self._decoding.acquire_on_behalf_of(turn)

        async def run() -> None:
            try:
                found.append(await run_sync(work, abandon_on_cancel=True))  # by the program's end
            finally:
                self._decoding.release_on_behalf_of(turn)
                ended.set()

        self._tasks.spawn(run)
        await ended.wait()
        return found[0] if found else None

    # --- tags ------------------------------------------------------------------------------------

    def _on_tags_requested(self) -> None:
        row = self._row
        if row is None:
            return
        dialog = TagsDialog(row.name, self._panel.tags_shown, self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(lambda tags: self._tasks.spawn(self._change_tags, row, tags))
        dialog.open()

    async def _change_tags(self, row: PointerRow, tags: dict[str, str]) -> None:
        in_store = await self._service.stored.change_tags(Place.of(row), tags)
        words = tr("Tags saved, in the store and in the catalog")
        self._page.told.emit(words if in_store else tr("Tags saved in the catalog only"))
        if self._row is row:
            self._panel.show_tags(tags)
        self._page.refresh_rows([Place.of(row)])

    # --- reading back ----------------------------------------------------------------------------

    def _on_verify_requested(self) -> None:
        if self._row is not None:
            self.verify([self._row])

    def verify(self, rows: list[PointerRow]) -> None:
        """Read objects back, and say whether they have their hashes."""
        if len(rows) == 1:
            self._begin_verifying([Place.of(row) for row in rows])
        elif rows:
            self._tasks.spawn(self._verify_many, rows)

    async def _verify_many(self, rows: list[PointerRow]) -> None:
        self._begin_verifying(await places_of(rows))

    def _begin_verifying(self, places: list[Place]) -> None:
        object_id = self._service.stored.object_ids()
        wanted = {object_id(place): place for place in places}
        wanted = {one: place for one, place in wanted.items() if one not in self._verifying}
        if wanted:
            self._verifying |= dict.fromkeys(wanted, tr("Reading back…"))
            self._show_verifying()
            self._tasks.spawn(self._verify, wanted)

    async def _verify(self, places: dict[ObjectId, Place]) -> None:
        verdicts: list[Verdict] = []
        read = 0
        total = sum(place.size or 0 for place in places.values())

        def on_read(size: int) -> None:
            nonlocal read
            before, read = read, read + size
            if read // _TOLD_EVERY != before // _TOLD_EVERY:
                words = tr("Reading back: {done}").format(done=progress_text(read, total))
                self._verifying |= dict.fromkeys(self._verifying.keys() & places.keys(), words)
                self._show_verifying()
                if strip is not None:
                    strip.tell(words, min(1.0, read / total) if total else None)

        def on_verdict(verdict: Verdict) -> None:
            verdicts.append(verdict)
            if verdict.place is not None:
                self._verifying.pop(object_id(verdict.place), None)
            self._show_verdict(verdict)

        strip = self._page.begin_work(tr("Reading back…")) if len(places) > 1 else None
        object_id = self._service.stored.object_ids()
        try:
            with anyio.CancelScope() as scope:
                if strip is not None:
                    strip.cancelled.connect(scope.cancel)
                await self._service.stored.verify_all(
                    list(places.values()), on_verdict=on_verdict, on_read=on_read
                )
        finally:
            for one in places:
                self._verifying.pop(one, None)
            if strip is not None:
                strip.deleteLater()
        self._page.refresh_rows(places.values())
        self._tell_verdicts(verdicts, len(places), is_cancelled=scope.cancelled_caught)

    def _tell_verdicts(self, verdicts: list[Verdict], count: int, *, is_cancelled: bool) -> None:
        """Say of how many objects the hash fits, and what is wrong with the first other."""
        good = sum(one.status == "verified" for one in verdicts)
        words = tr("{good} of {all} have their hash")
        if is_cancelled:
            words = tr("Cancelled: {good} of {read} that were read have their hash")
        if count > 1:
            self._page.told.emit(
                words.format(good=f"{good:,}", all=f"{count:,}", read=f"{len(verdicts):,}")
            )
        for verdict in verdicts:
            if verdict.status != "verified":
                self._page.warned.emit(_words_of(verdict))
                break

    def _show_verifying(self) -> None:
        row = self._row
        words = (
            self._verifying.get(self._service.stored.object_ids()(Place.of(row))) if row else None
        )
        if words:
            self._panel.verify.setEnabled(False)
            self._panel.say_verified(words, "second")

    def _show_verdict(self, verdict: Verdict) -> None:
        row = self._row
        object_id = self._service.stored.object_ids()
        if row is None or verdict.place is None:
            return
        if object_id(Place.of(row)) != object_id(verdict.place):
            return
        self._panel.verify.setEnabled(True)
        if verdict.status == "verified":
            self._panel.say_verified(tr("Verified just now: it has its hash"), "good")
        else:
            self._panel.say_verified(_words_of(verdict), "fault")


def _words_of(verdict: Verdict) -> str:
    place = f"s3://{verdict.bucket}/{verdict.key}"
    match verdict.status:
        case "mismatch":
            return tr("{place} does not have its hash: it is damaged. Store it again.").format(
                place=place
            )
        case "unknown":
            return tr("Nobody knows which hash {place} should have.").format(place=place)
        case _:
            return verdict.error.sentence if verdict.error else tr("It could not be read.")


def _timer(parent: QObject, milliseconds: int, act: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer
