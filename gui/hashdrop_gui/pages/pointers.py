"""The page of pointers: what was stored, searched and sorted."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from typing import TYPE_CHECKING

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
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import SortBy
from hashdrop.errors import UsageError
from hashdrop.stored.places import Place
from hashdrop_gui.models.pointer_pages import CatalogPages
from hashdrop_gui.models.pointers import SORTED_BY
from hashdrop_gui.models.pointers import Column
from hashdrop_gui.models.pointers import PointersModel
from hashdrop_gui.models.pointers import identity
from hashdrop_gui.models.wording import tr
from hashdrop_gui.pages.feed import Feed
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon
from hashdrop_gui.widgets.details_panel import DetailsPanel
from hashdrop_gui.widgets.empty_state import EmptyState
from hashdrop_gui.widgets.pointers_view import PointersView
from hashdrop_gui.widgets.saved_searches import SavedSearches
from hashdrop_gui.widgets.work_strip import WorkStrip

if TYPE_CHECKING:
    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

_TYPING_MS = 30
"""Beside the search field's own pause: nobody is asked for each of several changes."""
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
        told: A sentence for the bottom line.
        warned: A sentence for the banner.
        search_picked: A text for the search field: one that was saved, or "" to clear it.
    """

    copy_text_requested = Signal(str, str)
    upload_requested = Signal()
    told = Signal(str)
    warned = Signal(str)
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
        self.search_hint = tr("Search names, or type:image size:>1mb")
        self._text = ""
        self._filters = Filters()
        self._order = Order()
        self._has_asked = False
        self._kept: set[int | str] = set()
        """Rows to be selected when the answer is there."""
        self.model = PointersModel(self)
        self.feed = Feed(self.model, tasks, self._on_answered)
        self.view = PointersView(self.model)
        self._row_actions: list[QAction] = []
        self.menu = QMenu(self)
        """What can be done with the selected rows."""
        self.act = QToolButton()
        self.act.setObjectName("act")
        self.act.setText(tr("Actions"))
        self.act.setToolTip(tr("What can be done with the selected files"))
        self.act.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.act.setMenu(self.menu)
        self.act.setEnabled(False)
        self.saved = SavedSearches(tokens)
        self.details = DetailsPanel(tokens)
        self.show_details = QToolButton()
        self.show_details.setObjectName("showDetails")
        self.show_details.setAccessibleName(tr("Details"))
        self.show_details.setToolTip(tr("Details of the selected file"))
        self.show_details.setCheckable(True)
        self.show_details.setIcon(icon("details", tokens.second))
        self.fault = QLabel()
        self.fault.setObjectName("fault")
        self.fault.setTextFormat(Qt.TextFormat.PlainText)
        self.fault.setWordWrap(True)
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
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._build()
        self._connect()
        self._show_order()

    def _build(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(24, 10, 20, 6)
        bar.addWidget(self.fault, 1)
        bar.addStretch(0)
        for widget in (self.act, self.saved, self.show_details):
            bar.addWidget(widget)
        self._stack = QStackedWidget()
        for widget in (self.empty, self.nothing_fits, self.view):
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
        column.addLayout(bar)
        column.addWidget(self.splitter, 1)
        self._works = QVBoxLayout()
        self._works.setSpacing(0)
        column.addLayout(self._works)

    def _connect(self) -> None:
        self.empty.pressed.connect(self.upload_requested)
        self.nothing_fits.pressed.connect(lambda: self.search_picked.emit(""))
        self._typing.timeout.connect(self._on_typing_ended)
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
            self.saved,
            self.details,
            *self.findChildren(WorkStrip),
        ):
            part.set_tokens(tokens)
        self.show_details.setIcon(icon("details", tokens.second))

    # --- searching -------------------------------------------------------------------------------

    @property
    def search_text(self) -> str:
        """What is searched for, as typed."""
        return self._text

    def set_search(self, text: str) -> None:
        """Search, a moment after the last change of the text.

        Args:
            text: As `catalog.filters` reads it.
        """
        if text != self._text:
            self._text = text
            self.saved.show_typed(text)
            self._typing.start()

    def sort(self, by: SortBy, *, descending: bool) -> None:
        """List in another order."""
        self._order = Order(by, descending)
        self._show_order()
        self._ask()

    def refresh(self) -> None:
        """Ask for what is new."""
        if self._has_asked:
            self.feed.renew()
        else:
            self._ask()

    def reload(self) -> None:
        """Ask for everything anew."""
        self._ask()

    def refresh_rows(self, places: Collection[tuple[str, str]]) -> None:
        """Show rows anew whose marks have changed.

        Args:
            places: Bucket and key of each.
        """
        rows = [row for row in self.model.rows if (row.pointer.bucket, row.pointer.key) in places]
        if rows:
            self._tasks.spawn(self._refresh_rows, rows[:_KEPT])

    async def _refresh_rows(self, rows: list[PointerRow]) -> None:
        for place in {row.pointer.uri: Place.of(row) for row in rows}.values():
            for row in await self._service.stored.names_at(place):
                self.model.replace(row)

    def forget_rows(self, names: Collection[PointerRow], objects: Collection[Place]) -> None:
        """Take away rows that were deleted; other names of objects that are gone are shown anew.

        Args:
            names: Rows of the catalog.
            objects: That are not in their buckets any more.
        """
        places = {(one.bucket, one.key) for one in objects}
        ids = {row.id for row in names}
        self.model.remove(
            [
                number
                for number, row in enumerate(self.model.rows)
                if row.id in ids or (not row.id and (row.pointer.bucket, row.pointer.key) in places)
            ]
        )
        self.refresh_rows(places)
        if not self.model.rows:
            self._ask()

    def _ask(self) -> None:
        """Begin anew; what is selected stays so where it is on the first page."""
        self._kept = {identity(row) for row in self.view.chosen_rows(_KEPT)}
        self._has_asked = True
        self.feed.ask(CatalogPages(self._service.stored, self._filters, self._order))

    def _on_typing_ended(self) -> None:
        try:
            filters = parse_filters(self._text)
        except UsageError as error:
            self.fault.setText(error.sentence)
            self.fault.show()
            return
        self.fault.hide()
        if filters != self._filters:
            self._filters = filters
            self._ask()

    def _on_answered(self) -> None:
        kept, self._kept = self._kept, set()
        if self.model.rows:
            self._stack.setCurrentWidget(self.view)
            if kept:
                self.view.choose_rows(
                    [at for at, row in enumerate(self.model.rows) if identity(row) in kept]
                )
            return
        searched = self._filters != Filters()
        if searched:
            self.nothing_fits.say(
                tr("No stored file fits “{text}”.").format(text=self._text.strip())
            )
        self._stack.setCurrentWidget(self.nothing_fits if searched else self.empty)

    def _on_title_clicked(self, column: int) -> None:
        by = SORTED_BY.get(Column(column))
        if by is not None:
            self.sort(by, descending=Order(by, descending=False) == self._order)

    def _show_order(self) -> None:
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
