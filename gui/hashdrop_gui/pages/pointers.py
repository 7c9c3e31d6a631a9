"""The page of pointers: what was stored, searched and sorted."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from typing import TYPE_CHECKING

import anyio.lowlevel
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QSplitter
from PySide6.QtWidgets import QStackedWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import SortBy
from hashdrop.errors import UsageError
from hashdrop.stored.places import Place
from hashdrop_gui.models.bucket_listing import BucketPages
from hashdrop_gui.models.bucket_listing import prefix_of
from hashdrop_gui.models.pointer_pages import CatalogPages
from hashdrop_gui.models.pointer_pages import Source
from hashdrop_gui.models.pointers import SORTED_BY
from hashdrop_gui.models.pointers import Column
from hashdrop_gui.models.pointers import PointersModel
from hashdrop_gui.models.pointers import identity
from hashdrop_gui.models.wording import tr
from hashdrop_gui.pages.feed import Feed
from hashdrop_gui.theme import Tokens
from hashdrop_gui.widgets.details_panel import DetailsPanel
from hashdrop_gui.widgets.empty_state import EmptyState
from hashdrop_gui.widgets.look_up_panel import LookUpPanel
from hashdrop_gui.widgets.pointers_bar import PointersBar
from hashdrop_gui.widgets.pointers_view import PointersView
from hashdrop_gui.widgets.work_strip import WorkStrip

if TYPE_CHECKING:
    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

_TYPING_MS = 30
"""Beside the search field's own pause: nobody is asked for each of several changes."""
_LOOKED_AT_ONCE = 10_000
"""Rows that are looked through between two turns of the loop."""
_KEPT = 200
"""Selected rows that stay selected when all is asked anew."""
_NARROWEST_LIST = 220
_COLUMN_OF = {by: column for column, by in SORTED_BY.items()}


class PointersPage(QWidget):
    """What the catalog lists.

    Args:
        service: Asked for pages.
        tasks: Runs the asking.
        tokens: Colours.

    Signals:
        copy_text_requested: A text for the clipboard, and what to say that it is.
        upload_requested: The button of the empty state.
        upload_paths_requested: Files that are to be stored, a list of paths.
        look_up_requested: Files were dropped: are they stored already? A list of paths.
        choose_look_up_requested: The same, of files that are to be chosen.
        told: A sentence for the bottom line.
        warned: A sentence for the banner.
        search_hint_changed: What stands in the search field while it is empty.
        search_picked: A text for the search field: one that was saved, or "" to clear it.
    """

    copy_text_requested = Signal(str, str)
    upload_requested = Signal()
    upload_paths_requested = Signal(list)
    look_up_requested = Signal(list)
    choose_look_up_requested = Signal()
    told = Signal(str)
    warned = Signal(str)
    search_hint_changed = Signal(str)
    search_picked = Signal(str)

    def __init__(self, service: Service, tasks: Tasks, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("page")
        self._service = service
        self._tasks = tasks
        self._tokens = tokens
        self.is_bucket = False
        """Whether the bucket's own listing is shown, not the catalog."""
        self.is_dragging = False
        """Whether what is dragged comes from here."""
        self._texts = {False: "", True: ""}
        """What is searched for in the catalog, and in the bucket."""
        self._filters = Filters()
        self._order = Order()
        self._has_asked = False
        self._kept: set[int | str] = set()
        """Rows to be selected when the answer is there."""
        self.model = PointersModel(self)
        self.feed = Feed(self.model, tasks, self._on_answered, self._on_beginning)
        self.view = PointersView(self.model)
        self._row_actions: list[QAction] = []
        self.menu = QMenu(self)
        """What can be done with the selected rows."""
        self.bar = PointersBar(self.menu, tokens)
        self.act, self.saved = self.bar.act, self.bar.saved
        self.show_details = self.bar.show_details
        self.details = DetailsPanel(tokens)
        self.answers = LookUpPanel(tokens)
        """Whether files that were dropped here are stored."""
        self.fault = QLabel()
        self.fault.setObjectName("fault")
        self.fault.setTextFormat(Qt.TextFormat.PlainText)
        self.fault.setWordWrap(True)
        self.fault.setContentsMargins(24, 0, 24, 6)
        self.fault.hide()
        self.empty = EmptyState(
            tr("Nothing is stored yet"),
            tr("What you store is listed here with its content hash, and stays."),
            tr("Choose files…"),
            tokens,
        )
        self.nothing_fits = EmptyState(
            tr("Nothing fits the search"), "", tr("Clear the search"), tokens
        )
        self._wanted: Place | None = None
        """The object that is to be selected when the answer is there."""
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._build()
        self._connect()
        self._show_order()

    def _build(self) -> None:
        self._stack = QStackedWidget()
        for widget in (self.empty, self.nothing_fits, self.view, self.answers):
            self._stack.addWidget(widget)
        self._stack.setMinimumWidth(_NARROWEST_LIST)
        listing = QWidget()
        inset = QHBoxLayout(listing)
        inset.setContentsMargins(13, 0, 13, 0)
        inset.addWidget(self._stack)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName("pointersSplitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(listing)
        self.splitter.addWidget(self.details)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.fault)
        column.addWidget(self.splitter, 1)
        self._works = QVBoxLayout()
        self._works.setSpacing(0)
        column.addLayout(self._works)

    def _connect(self) -> None:
        self.empty.pressed.connect(self.upload_requested)
        self.nothing_fits.pressed.connect(lambda: self.search_picked.emit(""))
        self.bar.bucket_wanted.connect(self.show_bucket)
        self.bar.look_up.clicked.connect(lambda *_: self.choose_look_up_requested.emit())
        self.bar.go_to.left.connect(self.view.setFocus)
        self._typing.timeout.connect(self._search)
        self.view.title_clicked.connect(self._on_title_clicked)
        self.saved.picked.connect(self.search_picked)
        self.view.doubleClicked.connect(lambda *_: self.copy_pointer())
        self.view.opened.connect(self.copy_pointer)
        self.view.chosen.connect(self._on_chosen)
        self.model.modelReset.connect(self._on_chosen)
        self.view.customContextMenuRequested.connect(self._on_menu_requested)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens
        for part in (
            self.empty,
            self.nothing_fits,
            self.bar,
            self.details,
            self.answers,
            *self.findChildren(WorkStrip),
        ):
            part.set_tokens(tokens)

    # --- searching -------------------------------------------------------------------------------

    @property
    def search_text(self) -> str:
        """What is searched for, as typed."""
        return self._texts[self.is_bucket]

    @property
    def search_hint(self) -> str:
        """What stands in the search field while it is empty."""
        if self.is_bucket:
            return tr("Beginning of the key")
        return tr("Search names, or type:image size:>1mb")

    def show_bucket(self, is_bucket: bool) -> None:  # noqa: FBT001  # a slot
        """List the bucket itself, or the catalog again."""
        if is_bucket == self.is_bucket:
            return
        self.is_bucket = is_bucket
        self.bar.show_bucket(is_bucket)
        self.feed.empty()
        self._show_order()
        self.search_hint_changed.emit(self.search_hint)
        self.search_picked.emit(self.search_text)
        self.saved.setEnabled(not is_bucket)
        self._ask()

    def show_connection(self) -> None:
        """List the bucket of another connection."""
        if self.is_bucket:
            self.feed.empty()
            self._ask()

    def go(self, *, is_bucket: bool, text: str, place: Place) -> None:
        """List something, and select an object in it.

        Args:
            is_bucket: Whether in the bucket itself.
            text: Searched for.
            place: Of the object.
        """
        self._wanted = place
        self._texts[is_bucket] = text
        if is_bucket == self.is_bucket:
            self.search_picked.emit(text)
            self._search()
        else:
            self.show_bucket(is_bucket)
            self._search()

    def begin_go_to(self) -> None:
        """Take the keyboard for where to go."""
        self.bar.go_to.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.bar.go_to.selectAll()

    def show_fault(self, sentence: str) -> None:
        """Say below the row of fields what is wrong with them; "" for nothing."""
        self.fault.setText(sentence)
        self.fault.setVisible(bool(sentence))

    def set_search(self, text: str) -> None:
        """Search, a moment after the last change of the text.

        Args:
            text: As `catalog.filters` reads it.
        """
        if text != self.search_text:
            self._texts[self.is_bucket] = text
            self.saved.show_typed(text)
            if self._stack.currentWidget() is self.answers:
                self.answers.closed.emit()
            self._typing.start()

    def sort(self, by: SortBy, *, descending: bool) -> None:
        """List in another order."""
        self._order = Order(by, descending)
        self._show_order()
        self._ask()

    def refresh(self) -> None:
        """Ask for what is new."""
        if not self._has_asked:
            self._ask()
        elif not self.is_bucket:
            self.feed.renew()

    def reload(self) -> None:
        """Ask for everything anew."""
        self._ask()

    def refresh_rows(self, places: Collection[Place]) -> None:
        """Show rows anew whose marks have changed.

        Args:
            places: Of the objects.
        """
        self._tasks.spawn(self._refresh_rows, {(one.bucket, one.key) for one in places})

    async def _refresh_rows(self, wanted: set[tuple[str, str]]) -> None:
        rows: list[PointerRow] = []
        listed = self.model.rows
        for at in range(0, len(listed), _LOOKED_AT_ONCE):
            some = listed[at : at + _LOOKED_AT_ONCE]
            rows += [row for row in some if (row.pointer.bucket, row.pointer.key) in wanted]
            if len(rows) >= _KEPT:
                break
            await anyio.lowlevel.checkpoint()
        object_id = self._service.stored.object_ids()
        places = {object_id(place): place for place in map(Place.of, rows[:_KEPT])}
        for place in places.values():
            for row in await self._service.stored.names_at(place):
                self.model.replace(row)

    async def forget_rows(self, names: Collection[PointerRow], objects: Collection[Place]) -> None:
        """Take away rows that were deleted; other names of objects that are gone are shown anew.

        Args:
            names: Rows of the catalog.
            objects: That are not in their buckets any more.
        """
        keys = {
            (place.bucket, place.key) for place in objects
        }  # what a bucket lists is of one store
        ids = {row.id for row in names}
        numbers: list[int] = []
        at, shifts = 0, self.model.shifts
        while at < len(self.model.rows):
            some = self.model.rows[at : at + _LOOKED_AT_ONCE]
            numbers += [
                at + number
                for number, row in enumerate(some)
                if row.id in ids or (not row.id and (row.pointer.bucket, row.pointer.key) in keys)
            ]
            at += len(some)
            await anyio.lowlevel.checkpoint()
            if shifts != self.model.shifts:  # their numbers are others now
                at, shifts, numbers = 0, self.model.shifts, []
        self.model.remove(numbers)
        self.refresh_rows(objects)
        if not self.model.rows:
            self._ask()

    def _ask(self) -> None:
        """Begin anew; what is selected stays so where it is on the first page."""
        self._has_asked = True
        source: Source = CatalogPages(self._service, self._filters, self._order)
        if self.is_bucket:
            source = BucketPages(self._service, self.search_text)
        self.feed.ask(source)

    def _search(self) -> None:
        """Ask for what is typed now."""
        self._typing.stop()
        if self.is_bucket:
            self.show_fault("")
            self._ask()
            return
        try:
            filters = parse_filters(self.search_text)
        except UsageError as error:
            self.show_fault(error.sentence)
            return
        self.show_fault("")
        if filters != self._filters or self._wanted:
            self._filters = filters
            self._ask()

    # --- have I stored this? ---------------------------------------------------------------------

    @staticmethod
    def drop_sentence(count: int) -> str:
        """Return what a drop here would do.

        Args:
            count: Files and folders.
        """
        what = tr("1 file") if count == 1 else tr("{n} files").format(n=f"{count:,}")
        return tr("Look up {what}. Nothing is sent.").format(what=what)

    def show_answers(self) -> None:
        """Show what was found out about files that were dropped."""
        self._stack.setCurrentWidget(self.answers)
        self.answers.tree.setFocus()

    def hide_answers(self) -> None:
        """Show the list again."""
        self._stack.setCurrentWidget(self.view)
        self._show_list()
        self.view.setFocus()

    def _on_beginning(self) -> None:
        """Know what is selected now, not what was when it was asked: it stays so where it is listed again."""
        self._kept = {identity(row) for row in self.view.chosen_rows(_KEPT)}

    def _on_answered(self) -> None:
        kept, self._kept = self._kept, set()
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            object_id = self._service.stored.object_ids()
            meant, rows = object_id(wanted), self.model.rows[:_KEPT]
            kept = {identity(row) for row in rows if object_id(Place.of(row)) == meant}
        if self._stack.currentWidget() is not self.answers:
            self._show_list()
        if kept and self.model.rows:
            self.view.choose_rows(
                [at for at, row in enumerate(self.model.rows) if identity(row) in kept]
            )

    def _show_list(self) -> None:
        if self.model.rows:
            self._stack.setCurrentWidget(self.view)
            return
        if self.is_bucket:
            prefix = prefix_of(self.search_text, self._service.connection)
            words = tr("No key in {bucket} begins with “{prefix}”.")
            self.nothing_fits.say(
                words.format(bucket=self._service.connection.bucket, prefix=prefix)
            )
        elif self._filters != Filters():
            words = tr("No stored file fits “{text}”.")
            self.nothing_fits.say(words.format(text=self.search_text.strip()))
        else:
            self._stack.setCurrentWidget(self.empty)
            return
        self._stack.setCurrentWidget(self.nothing_fits)

    def _on_title_clicked(self, column: int) -> None:
        by = SORTED_BY.get(Column(column))
        if by is not None and not self.is_bucket:  # a bucket has one order, that of its keys
            self.sort(by, descending=Order(by, descending=False) == self._order)

    def _show_order(self) -> None:
        if self.is_bucket:
            self.model.show_order(None, descending=False)
            return
        self.model.show_order(_COLUMN_OF[self._order.by], descending=self._order.descending)

    # --- copying ---------------------------------------------------------------------------------

    def selected(self) -> list[PointerRow]:
        """Return the selected rows in order."""
        return self.view.chosen_rows()

    def copy_pointer(self) -> None:
        """Copy the current row's pointer JSON."""
        index = self.view.currentIndex()
        if index.isValid():
            pointer = self.model.rows[index.row()].pointer
            self.copy_text_requested.emit(pointer.to_json(), tr("pointer JSON"))

    # --- actions ---------------------------------------------------------------------------------

    def add_action(
        self, words: str, run: Callable[[], None], *keys: str, menu: QMenu | None = None
    ) -> QAction:
        """Add something that is done with the selected rows.

        Args:
            words: Of its entry.
            run: Does it.
            *keys: While the table has the keyboard.
            menu: Where it stands; by default the rows' own menu.
        """
        action = QAction(words, self)
        action.setShortcuts([QKeySequence(one) for one in keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.setEnabled(False)
        action.triggered.connect(lambda *_: run())
        self._row_actions.append(action)
        (menu or self.menu).addAction(action)
        if keys:
            self.view.addAction(action)
        return action

    def begin_work(self, words: str) -> WorkStrip:
        """Show a line at the foot of the page about some work that begins; what ended before goes away."""
        for strip in self.findChildren(WorkStrip):
            if strip.has_ended:
                strip.deleteLater()
        strip = WorkStrip(words, self._tokens)
        self._works.addWidget(strip)
        return strip

    def _on_chosen(self) -> None:
        has_rows = self.view.chosen_count() > 0
        self.act.setEnabled(has_rows)
        for action in self._row_actions:
            action.setEnabled(has_rows)

    def _on_menu_requested(self, point: QPoint) -> None:
        if self.view.chosen_count():
            self.menu.popup(self.view.viewport().mapToGlobal(point))
