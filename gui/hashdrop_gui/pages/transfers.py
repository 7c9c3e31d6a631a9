"""The page of transfers: filter pills over the list, or the empty state."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QKeySequence
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QStackedWidget
from PySide6.QtWidgets import QTableView
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop.transfers.events import State
from hashdrop_gui.delegates.transfer_row import LEFT
from hashdrop_gui.delegates.transfer_row import RIGHT
from hashdrop_gui.delegates.transfer_row import ROW_HEIGHT
from hashdrop_gui.delegates.transfer_row import Action
from hashdrop_gui.delegates.transfer_row import TransferRowDelegate
from hashdrop_gui.models.batch_actions import BatchAction
from hashdrop_gui.models.batch_actions import batch_actions_of
from hashdrop_gui.models.batch_actions import words_of
from hashdrop_gui.models.columns import Order
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfers import Role
from hashdrop_gui.models.transfers import TransfersModel
from hashdrop_gui.models.wording import tr
from hashdrop_gui.pages.history import HistoryPage
from hashdrop_gui.theme import Tokens
from hashdrop_gui.widgets.column_header import ColumnHeader
from hashdrop_gui.widgets.empty_state import EmptyState
from hashdrop_gui.widgets.filter_pills import FilterPills
from hashdrop_gui.widgets.row_view import prepare_rows

_WAITING = frozenset({State.WAITING, State.PAUSED})
_ACTIVE = frozenset(state for state in State if not state.is_final) - _WAITING
_FILTERS: tuple[frozenset[State] | None, ...] = (
    None,
    _ACTIVE,
    _WAITING,
    frozenset({State.FAILED}),
    frozenset({State.STORED, State.ALREADY_STORED}),
)


_HISTORY = len(_FILTERS)
"""Number of the pill of the history."""


class TransfersView(QTableView):
    """The list itself.

    Signals:
        copy_requested: Ctrl+C.
        cancel_requested: Delete or Escape.
        open_requested: The right arrow (true) or the left one.
        resized: The rows are so many pixels wide now.
    """

    open_requested = Signal(bool)
    resized = Signal(int)
    copy_requested = Signal()
    cancel_requested = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell the new width."""
        super().resizeEvent(event)
        self.resized.emit(self.viewport().width())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Notice the keys of the list."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_requested.emit()
        elif event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self.open_requested.emit(event.key() == Qt.Key.Key_Right)
        elif event.key() in {Qt.Key.Key_Home, Qt.Key.Key_End} and not event.modifiers():
            last = self.model().rowCount() - 1  # a table's own keys go along the row
            at = 0 if event.key() == Qt.Key.Key_Home else last
            self.setCurrentIndex(self.model().index(at, 0))
        elif event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Escape}:
            self.cancel_requested.emit()
        else:
            super().keyPressEvent(event)


class TransfersPage(QWidget):
    """All transfers of this run.

    Args:
        model: The transfers.
        history: Shown instead of them where it is asked for.
        tokens: Colours.

    Signals:
        copy_text_requested: A text for the clipboard, and what to say that it is.
        cancel_requested: Ids of files.
        pause_requested: Ids of files.
        resume_requested: Ids of files.
        retry_requested: Ids of files.
        upload_requested: The button of the empty state.
        batch_action_requested: A `BatchAction` and the number of a batch.
        remove_requested: Rows of files that are to be taken off the list.
        clear_requested: All that is done is to be taken off the list.
        export_requested: Rows of files whose pointers are to be written to a file.
    """

    copy_text_requested = Signal(str, str)
    batch_action_requested = Signal(str, int)
    remove_requested = Signal(list)
    clear_requested = Signal()
    export_requested = Signal(list)
    cancel_requested = Signal(list)
    pause_requested = Signal(list)
    resume_requested = Signal(list)
    retry_requested = Signal(list)
    upload_requested = Signal()

    def __init__(self, model: TransfersModel, history: HistoryPage, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("page")
        self.history = history
        self._text = ""
        self._has_history = False
        self.search_hint = tr("Search transfers")
        self._model = model
        self._link_clicked = False
        self._pills = FilterPills(
            [tr("All"), tr("Active"), tr("Waiting"), tr("Failed"), tr("Stored")], [tr("History")]
        )
        self.view = TransfersView()
        self.header = ColumnHeader(LEFT, RIGHT)
        self.delegate = TransferRowDelegate(tokens, self.header.places, self)
        self._prepare_view()
        self.empty = EmptyState(
            tr("Drop files anywhere in this window"),
            "",
            tr("Choose files…"),
            tokens,
        )
        self.nothing = QLabel()
        self.nothing.setObjectName("second")
        self.nothing.setTextFormat(Qt.TextFormat.PlainText)
        self.nothing.setContentsMargins(32, 24, 32, 0)
        listing = QWidget()
        inner = QVBoxLayout(listing)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(self.header)
        inner.addWidget(self.nothing)
        inner.addWidget(self.view, 1)
        self._stack = QStackedWidget()
        for widget in (self.empty, listing, history):
            self._stack.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._pills)
        column.addWidget(self._stack, 1)
        history.found_any.connect(self._on_history_found)
        self._show_part()
        self.empty.pressed.connect(self.upload_requested)
        self._pills.chosen.connect(self._on_pill_chosen)
        self.header.order_chosen.connect(model.sort)
        self.header.changed.connect(self._on_header_changed)
        self.view.resized.connect(self.header.fit)
        model.counted.connect(self._on_model_counted)
        model.moved.connect(self.view.viewport().update)
        model.arranged.connect(self._show_nothing)

    def _prepare_view(self) -> None:
        view = self.view
        view.setObjectName("transfers")
        view.setAccessibleName(tr("Transfers"))
        view.setModel(self._model)
        view.setItemDelegate(self.delegate)
        prepare_rows(view, ROW_HEIGHT)
        view.setCornerButtonEnabled(False)
        view.clicked.connect(self._on_view_clicked)
        view.doubleClicked.connect(self._on_view_double_clicked)
        view.copy_requested.connect(self.copy_selected)
        view.cancel_requested.connect(self.cancel_selected)
        view.open_requested.connect(self._on_open_requested)
        for words, keys, act in (
            (tr("Open or close a drop, copy a file's pointer"), "Return", self._on_return),
            (tr("Pause or resume the selected files"), "Ctrl+P", self.turn_selected),
            (tr("Retry the selected files"), "Ctrl+Shift+R", self.retry_selected),
            (tr("Export the pointers of the selected files"), "Ctrl+E", self.export_selected),
            (tr("Take the selected files off the list"), "Shift+Del", self.remove_selected),
        ):
            action = QAction(words, view)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda *_, run=act: run())
            view.addAction(action)
        view.customContextMenuRequested.connect(self._on_menu_requested)
        self.delegate.acted.connect(self._on_delegate_acted)
        self.delegate.batch_acted.connect(self._on_delegate_batch_acted)
        # Behind the click, for it may take the row away.
        self.delegate.batch_acted.connect(
            self.batch_action_requested, Qt.ConnectionType.QueuedConnection
        )

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.history.set_tokens(tokens)
        self.delegate.set_tokens(tokens)
        self.empty.set_tokens(tokens)
        self.view.viewport().update()

    def set_destination(self, destination: str) -> None:
        """Say in the empty state where a drop would go."""
        self.empty.say(
            tr("They are stored in {place} under the hash of their content.").format(
                place=destination
            )
        )

    @property
    def shows_history(self) -> bool:
        """Whether the history stands in the place of the list."""
        return self._pills.chosen_number == _HISTORY

    @property
    def rows_view(self) -> QTableView:
        """The rows that are shown."""
        return self.history.view if self.shows_history else self.view

    def show_history(self) -> None:
        """Show what became of earlier drops."""
        self._pills.choose(_HISTORY)

    def leave_history(self) -> None:
        """Show the files again, if the history stands in their place."""
        if self.shows_history:
            self._pills.choose(0)

    def _show_part(self) -> None:
        listed = bool(self._model.list.files)
        self._stack.setCurrentIndex(2 if self.shows_history else 1 if listed else 0)
        self._pills.setVisible(listed or self.shows_history or self._has_history)

    def _on_history_found(self, found: bool) -> None:  # noqa: FBT001  # Qt's way
        self._has_history = found
        self._show_part()

    def set_search(self, text: str) -> None:
        """Show only files that have a text in their name, folder or key; all for ""."""
        self._text = text
        if self.shows_history:
            self.history.set_search(text)
        else:
            self._model.show_text(text)

    def sort(self, order: Order | None) -> None:
        """Put the files of each batch in an order; `None` for that of their coming."""
        self.header.show_order(order)
        self._model.sort(order)

    def show_newest(self) -> None:
        """Bring what is dropped now before the eyes: no filter hides it, and it stands at the top."""
        self._pills.choose(0)
        self.view.scrollToTop()

    def show_batch(self, number: int) -> None:
        """Bring a batch before the eyes, whatever the filter was."""
        self._pills.choose(0)
        batch = self._model.list.batches.get(number)
        if batch is None:
            return
        self._model.set_open(batch, is_open=True)
        index = self._model.index(self._model.row_of_batch(batch), 0)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtTop)
        self.view.setFocus()

    # --- selection -------------------------------------------------------------------------------

    def selected(self) -> list[FileRow]:
        """Return the selected files, those of selected batches included, in order."""
        rows: dict[int, FileRow] = {}
        for index in self.view.selectionModel().selectedIndexes():
            row = index.data(Role.ROW)
            for one in row.files if isinstance(row, BatchRow) else [row]:
                rows[one.id] = one
        return sorted(rows.values(), key=lambda row: (row.batch, row.place))

    def copy_selected(self) -> None:
        """Copy the paths of the selected files, one a line."""
        self._copy([row.key for row in self.selected() if row.key], tr("path"), tr("paths"))

    def cancel_selected(self) -> None:
        """Cancel the selected files that are on their way."""
        self._act_on_counting(BatchAction.CANCEL)
        ids = [row.id for row in self.selected() if not row.state.is_final]
        if ids:
            self.cancel_requested.emit(ids)

    def _act_on_counting(self, action: BatchAction) -> None:
        """Do it also with what is still to be found of the selected drops."""
        for index in self.view.selectionModel().selectedIndexes():
            row = index.data(Role.ROW)
            if isinstance(row, BatchRow) and not row.scanned:
                self.batch_action_requested.emit(action, row.number)

    def retry_selected(self) -> None:
        """Queue the selected files that failed or were cancelled again."""
        ended = {State.FAILED, State.CANCELLED}
        ids = [row.id for row in self.selected() if row.state in ended]
        if ids:
            self.retry_requested.emit(ids)

    def export_selected(self) -> None:
        """Write the pointers of the selected files to a file."""
        rows = [row for row in self.selected() if row.pointer]
        if rows:
            self.export_requested.emit(rows)

    def remove_selected(self) -> None:
        """Take the selected files that are at their end off the list."""
        rows = [row for row in self.selected() if row.state.is_final]
        if rows:
            self.remove_requested.emit(rows)

    def turn_selected(self) -> None:
        """Pause the selected files that are on their way; resume them if all of them are paused."""
        unfinished = [row for row in self.selected() if not row.state.is_final]
        running = [row.id for row in unfinished if row.state is not State.PAUSED]
        self._act_on_counting(
            BatchAction.PAUSE if running or not unfinished else BatchAction.RESUME
        )
        if running:
            self.pause_requested.emit(running)
        elif unfinished:
            self.resume_requested.emit([row.id for row in unfinished])

    def _copy(self, texts: list[str], one: str, many: str) -> None:
        if texts:
            what = one if len(texts) == 1 else f"{len(texts):,} {many}"
            self.copy_text_requested.emit("\n".join(texts), what)

    # --- slots -----------------------------------------------------------------------------------

    def _on_pill_chosen(self, number: int) -> None:
        if number == _HISTORY:
            self._show_part()
            self.history.set_search(self._text)
            return
        self._show_part()
        self._model.show_text(self._text)
        self._model.show_states(_FILTERS[number])

    def _on_header_changed(self) -> None:
        self.delegate.lay_out_again()
        self.view.viewport().update()

    def _show_nothing(self) -> None:
        """Say it where a filter or a search leaves no row."""
        text = self._text.strip()
        words = (
            tr("No transfer has “{text}” in it.").format(text=text)
            if text
            else nothing_words(max(self._pills.chosen_number, 0))
        )
        self.nothing.setText(words)
        self.nothing.setVisible(self._model.rowCount() == 0)

    def _on_model_counted(self) -> None:
        self._show_nothing()
        counts = self._model.list.counts
        self._show_part()
        self._pills.show_counts(
            [sum(counts[state] for state in (chosen or State)) for chosen in _FILTERS]
        )

    def _on_return(self) -> None:
        index = self.view.currentIndex()
        if index.isValid():
            self._on_view_clicked(index)
            self._on_view_double_clicked(index)

    def _on_delegate_batch_acted(self) -> None:
        self._link_clicked = True

    def _on_view_clicked(self, index: QModelIndex) -> None:
        link_clicked, self._link_clicked = self._link_clicked, False
        row = index.data(Role.ROW)
        adds = QGuiApplication.keyboardModifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        )  # then it is selected beside others
        if isinstance(row, BatchRow) and not (link_clicked or adds):
            self._model.set_open(row, is_open=not row.is_open)

    def _on_open_requested(self, is_open: bool) -> None:  # noqa: FBT001  # Qt's way
        """Open or close the batch of the current row, as in a tree."""
        row = self.view.currentIndex().data(Role.ROW)
        if isinstance(row, BatchRow):
            self._model.set_open(row, is_open=is_open)
        elif isinstance(row, FileRow) and not is_open:
            header = self.view.currentIndex().row() - 1
            while not isinstance(self._model.row_at(self._model.index(header, 0)), BatchRow):
                header -= 1
            self.view.setCurrentIndex(self._model.index(header, 0))

    def _on_view_double_clicked(self, index: QModelIndex) -> None:
        row = index.data(Role.ROW)
        if isinstance(row, FileRow) and row.pointer is not None:
            self._copy([row.pointer.to_json()], tr("pointer JSON"), "")

    def _on_delegate_acted(self, action: str, number: int) -> None:
        row = self._model.list.files[number]
        match Action(action):
            case Action.COPY:
                self._copy([row.key], tr("path"), "")
            case Action.PAUSE:
                self.pause_requested.emit([row.id])
            case Action.RESUME:
                self.resume_requested.emit([row.id])
            case Action.CANCEL:
                self.cancel_requested.emit([row.id])
            case Action.RETRY:
                self.retry_requested.emit([row.id])
            case Action.COPY_DETAILS:
                self._copy([details(row)], tr("details"), "")

    def _on_menu_requested(self, point: QPoint) -> None:
        menu = self.menu()
        if menu is not None:
            menu.popup(self.view.viewport().mapToGlobal(point))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu from the keyboard's menu key, too."""
        self._on_menu_requested(self.view.viewport().mapFromGlobal(event.globalPos()))

    def menu(self) -> QMenu | None:
        """Return the menu for the selected files, `None` without any."""
        rows = self.selected()
        if not rows:
            return None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen = [index.data(Role.ROW) for index in self.view.selectionModel().selectedIndexes()]
        if len(chosen) == 1 and isinstance(chosen[0], BatchRow):
            self._fill_for_batch(menu, chosen[0])
            return menu
        keyed = [row.key for row in rows if row.key]
        pointers = [row.pointer for row in rows if row.pointer]
        running = [row.id for row in rows if not row.state.is_final]
        paused = [row.id for row in rows if row.state is State.PAUSED]
        movable = [number for number in running if number not in set(paused)]
        ended = [row.id for row in rows if row.state in {State.FAILED, State.CANCELLED}]
        failed = [row for row in rows if row.error]
        done = [row for row in rows if row.state.is_final]
        entries = (
            (tr("Copy path"), keyed, lambda: self._copy(keyed, tr("path"), tr("paths"))),
            (
                tr("Copy S3 URI"),
                pointers,
                lambda: self._copy([p.uri for p in pointers], tr("S3 URI"), tr("S3 URIs")),
            ),
            (
                tr("Copy pointer JSON"),
                pointers,
                lambda: self._copy(
                    [p.to_json() for p in pointers], tr("pointer JSON"), tr("pointers")
                ),
            ),
            None,
            (tr("Pause"), movable, lambda: self.pause_requested.emit(movable)),
            (tr("Resume"), paused, lambda: self.resume_requested.emit(paused)),
            (tr("Cancel"), running, lambda: self.cancel_requested.emit(running)),
            (tr("Retry"), ended, lambda: self.retry_requested.emit(ended)),
            (
                tr("Copy details"),
                failed,
                lambda: self._copy([details(row) for row in failed], tr("details"), tr("details")),
            ),
            None,
            (tr("Export pointers…"), pointers, lambda: self.export_requested.emit(rows)),
            (tr("Remove from the list"), done, lambda: self.remove_requested.emit(done)),
            (tr("Clear completed"), True, self.clear_requested.emit),
        )
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            words, applies, act = entry
            action = menu.addAction(words)
            action.setEnabled(bool(applies))
            action.triggered.connect(lambda *_, run=act: run())
        return menu

    def _fill_for_batch(self, menu: QMenu, batch: BatchRow) -> None:
        offered = batch_actions_of(batch)
        pointers = [row.pointer.to_json() for row in batch.files if row.pointer]
        for action in BatchAction:
            entry = menu.addAction(words_of(action))
            entry.setEnabled(action in offered)
            entry.triggered.connect(
                lambda *_, one=action: self.batch_action_requested.emit(one, batch.number)
            )
        menu.addSeparator()
        entry = menu.addAction(tr("Copy pointer JSON"))
        entry.setEnabled(bool(pointers))
        entry.triggered.connect(lambda *_: self._copy(pointers, tr("pointer JSON"), tr("pointers")))
        menu.addAction(tr("Clear completed")).triggered.connect(
            lambda *_: self.clear_requested.emit()
        )


def nothing_words(number: int) -> str:
    """Return what a filter says that leaves no row."""
    words = (
        tr("Nothing is listed."),
        tr("Nothing is on its way."),
        tr("Nothing waits."),
        tr("Nothing has failed."),
        tr("Nothing is stored yet."),
    )
    return words[number] if number < len(words) else ""


def details(row: FileRow) -> str:
    """Return what there is to say of a failure, for a report; never a credential."""
    error = row.error
    if error is None:
        return row.path
    lines = [row.path, error.title, error.detail, error.hint, error.technical]
    return "\n".join(line for line in lines if line)
