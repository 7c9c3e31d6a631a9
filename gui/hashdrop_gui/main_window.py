"""The window: sidebar, top bar, pages, bottom bar; drops, and the ways that stand beside each drop."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtGui import QCloseEvent
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDragLeaveEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QKeySequence
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMainWindow
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QStackedWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.connection import Connection
from hashdrop.errors import HashdropError
from hashdrop_gui.actions.batches import Batches
from hashdrop_gui.actions.coming_back import ComingBack
from hashdrop_gui.actions.earlier_names import EarlierNames
from hashdrop_gui.actions.finishing import Finishing
from hashdrop_gui.actions.full_disk import FullDisk
from hashdrop_gui.actions.holding import Holding
from hashdrop_gui.actions.intake import Intake
from hashdrop_gui.actions.intake import local_paths
from hashdrop_gui.actions.kept_columns import KeptColumns
from hashdrop_gui.actions.large_drops import LargeDrops
from hashdrop_gui.actions.pointers import serve_pointers
from hashdrop_gui.actions.unread import Unread
from hashdrop_gui.actions.waits import Waits
from hashdrop_gui.bridge import EventBridge
from hashdrop_gui.desktop.announcing import announce
from hashdrop_gui.desktop.tray import Tray
from hashdrop_gui.dialogs.connection import ConnectionDialog
from hashdrop_gui.dialogs.quitting import Leave
from hashdrop_gui.dialogs.quitting import QuitQuestion
from hashdrop_gui.dialogs.shortcuts import ShortcutsDialog
from hashdrop_gui.dialogs.shortcuts import entries_of
from hashdrop_gui.dialogs.shortcuts import keys_text
from hashdrop_gui.models.speed import SpeedLog
from hashdrop_gui.models.totals import active_text
from hashdrop_gui.models.totals import bytes_done
from hashdrop_gui.models.totals import idle_text
from hashdrop_gui.models.transfers import TransfersModel
from hashdrop_gui.models.wording import tr
from hashdrop_gui.pages.history import HistoryPage
from hashdrop_gui.pages.pointers import PointersPage
from hashdrop_gui.pages.transfers import TransfersPage
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon
from hashdrop_gui.widgets.banner import Banner
from hashdrop_gui.widgets.bottom_bar import BottomBar
from hashdrop_gui.widgets.drop_overlay import DropOverlay
from hashdrop_gui.widgets.search_field import SearchField
from hashdrop_gui.widgets.sidebar import Sidebar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.service import ConnectionStatus
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

_SPARE_EVERY = 2_000
"""New rows after which what is there is left out of the search for garbage."""
_SAID_MS = 4_000
_NARROWEST = 600
_WORDS_FROM = 720
"""Width of the window from which on the sidebar has words, logical pixels."""


class MainWindow(QMainWindow):
    """The program's one window.

    Args:
        service: What does the work.
        tasks: Runs what slots cannot await.
        tokens: Colours.
    """

    def __init__(self, service: Service, tasks: Tasks, tokens: Tokens) -> None:
        super().__init__()
        self._service = service
        self._tasks = tasks
        self._tokens = tokens
        self.closed = anyio.Event()
        """Set when the person is done with the window."""
        self.keeps_queue = False
        """Whether the next start is to go on with what is unfinished."""
        self._may_close = False
        self._spared = 0
        self._asking: QuitQuestion | None = None
        self.setWindowTitle("Hashdrop")
        self.setWindowIcon(icon("hashdrop", ""))
        self.resize(1120, 700)
        self.setMinimumSize(_NARROWEST, 480)
        self.setAcceptDrops(True)

        self.model = TransfersModel(self)
        self.bridge = EventBridge(self)
        self.sidebar = Sidebar(tokens)
        self.history = HistoryPage(service, tasks, tokens)
        self.transfers = TransfersPage(self.model, self.history, tokens)
        self.pointers = PointersPage(service, tasks, tokens)
        self.banner = Banner(tokens)
        self.speed = SpeedLog()
        self.bottom = BottomBar(self.speed, tokens)
        self.summary = self.bottom.summary
        self.intake = Intake(service, tasks, self)
        self._build()
        self._overlay = DropOverlay(tokens, self)
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.setInterval(_SAID_MS)
        self.holding = Holding(
            self.model.list, self.bottom, service=service, tasks=tasks, window=self
        )
        self.waits = Waits(self.banner, service=service, tasks=tasks, parent=self)
        self.tray = Tray(tokens, self)
        self.finishing = Finishing(
            self.model.list,
            self.tray,
            self._shows_transfers,
            service=service,
            tasks=tasks,
            parent=self,
        )
        self.batches = Batches(self.model, service=service, tasks=tasks, window=self)
        self.large_drops = LargeDrops(self.model.list, self.speed, service=service, window=self)
        self.kept_columns = KeptColumns(self.transfers, service, tasks)
        self._earlier_names = EarlierNames(
            self.model.list, service=service, tasks=tasks, found=self.model.show_changes
        )
        self.bottom.more.show_after_last(self.finishing.after_last)
        self._connect()
        self._connect_pages()
        self._add_actions()
        self._show_connections()
        self._on_status_changed(service.status)
        if service.notice:
            self.banner.say(service.notice)
        self.pointers.refresh()
        self.history.refresh()

    # --- building --------------------------------------------------------------------------------

    def _build(self) -> None:
        self._breadcrumb = QLabel()
        self._breadcrumb.setObjectName("breadcrumb")
        self._breadcrumb.setTextFormat(Qt.TextFormat.PlainText)
        self.search = SearchField()
        self.upload = QPushButton(tr("Upload…"))
        self.upload.setObjectName("primary")
        self.upload.setMinimumWidth(112)
        top = QFrame()
        top.setObjectName("topbar")
        top.setFixedHeight(68)
        row = QHBoxLayout(top)
        row.setContentsMargins(24, 0, 24, 0)
        row.setSpacing(12)
        row.addWidget(self._breadcrumb, 1)
        row.addWidget(self.search, 1)
        row.addWidget(self.upload)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.transfers)
        self._pages.addWidget(self.pointers)
        self.search.serve(self.transfers)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        for widget, stretch in ((top, 0), (self.banner, 0), (self._pages, 1), (self.bottom, 0)):
            right.addWidget(widget, stretch)
        content = QWidget()
        content.setObjectName("content")
        content.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        whole = QHBoxLayout(content)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.sidebar)
        whole.addLayout(right, 1)
        self.setCentralWidget(content)
        content.setFocus()  # else the first button begins with a ring around it

    def _connect(self) -> None:
        self._unsubscribe = (
            self._service.transfers.subscribe(self.bridge.take),
            self._service.watch_status(self._on_status_changed),
        )
        self.bridge.arrived.connect(self.model.take)
        self.bridge.arrived.connect(self.speed.take)
        unread = Unread(self.banner, self)
        self.bridge.arrived.connect(unread.take)
        unread.told.connect(self.say)
        unread.copy_requested.connect(self.copy)
        self.bridge.ticked.connect(self._on_bridge_ticked)
        self.model.counted.connect(self._on_model_counted)
        self.model.stored.connect(self._on_model_stored)
        self.sidebar.page_chosen.connect(self.show_page)
        self.sidebar.connection_chosen.connect(self._on_connection_chosen)
        self.sidebar.settings_requested.connect(self.edit_connection)
        self.bridge.arrived.connect(self.waits.take)
        full = FullDisk(self.banner, self.model, service=self._service, parent=self)
        self.bridge.arrived.connect(full.take)
        self.bridge.arrived.connect(self.large_drops.take)
        self.bridge.ticked.connect(self.large_drops.show)
        self.banner.settings_requested.connect(lambda: self.edit_connection(None))
        self.holding.changed.connect(self._show_summary)
        self.holding.changed.connect(lambda: self.model.show_held(self.holding.words))
        self.bridge.arrived.connect(self.finishing.take)
        self.intake.added.connect(self._show_added)
        self.intake.told.connect(self.say)
        self.intake.warned.connect(self.banner.say)
        self.intake.watch_changed.connect(self.bottom.more.show_watched)
        self.bottom.more.watch_requested.connect(self.intake.choose_watched_folder)
        self.bottom.more.unwatch_requested.connect(self.intake.stop_watching)
        self.bottom.more.help_requested.connect(self.show_shortcuts)
        self.intake.watch_as_before()
        self.bridge.arrived.connect(self._earlier_names.take)
        self.bottom.more.after_last_chosen.connect(self.finishing.want)
        self.finishing.copy_requested.connect(self.copy)
        self.finishing.told.connect(self.say)
        self.finishing.batch_ended.connect(lambda title: announce(self, title))
        self.model.counted.connect(self.history.refresh_soon)
        self.banner.said.connect(lambda text: announce(self, text))
        self.finishing.quit_requested.connect(self.ask_to_quit)
        self._coming_back = ComingBack(
            self.banner, self.model, self.holding, service=self._service, parent=self
        )
        self._coming_back.told.connect(self.say)
        self.intake.added.connect(self._coming_back.forget)
        self.tray.open_requested.connect(self.come_forward)
        self.tray.batch_requested.connect(self.show_batch)
        self.tray.turn_requested.connect(self.bottom.press_turn)
        self.tray.pause_chosen.connect(self.holding.pause_for)
        self.tray.quit_requested.connect(self.ask_to_quit)
        self._said.timeout.connect(self._show_summary)

    def _connect_pages(self) -> None:
        """Let the pages ask for what they cannot do."""
        for page in (self.transfers, self.pointers):
            page.copy_text_requested.connect(self.copy)
            page.upload_requested.connect(self.intake.choose_files)
        self.transfers.cancel_requested.connect(self._service.transfers.cancel)
        self.transfers.retry_requested.connect(self._service.retry)
        self.transfers.pause_requested.connect(self._service.transfers.pause)
        self.transfers.resume_requested.connect(self.holding.resume)
        self.transfers.batch_action_requested.connect(self.batches.act)
        self.transfers.remove_requested.connect(self.batches.remove)
        self.transfers.clear_requested.connect(self.batches.remove_finished)
        self.transfers.export_requested.connect(
            lambda rows: self.batches.choose_export(rows, tr("pointers"))
        )
        self.history.export_requested.connect(self.batches.export_history)
        self.history.copy_text_requested.connect(self.copy)
        self.batches.told.connect(self.say)
        self.batches.copy_requested.connect(self.copy)
        self.pointers.search_picked.connect(self.search.setText)
        self.pointers.search_hint_changed.connect(self.search.setPlaceholderText)
        self.pointers.told.connect(self.say)
        self.pointers.upload_paths_requested.connect(self.add)
        self.pointers.warned.connect(self.banner.say)
        serve_pointers(self.pointers, service=self._service, tasks=self._tasks)

    def _add_actions(self) -> None:
        menu = QMenu(self)
        for words, keys, act, target in (
            (tr("Upload files…"), ("Ctrl+U", "Alt+Up"), self.intake.choose_files, menu),
            (tr("Upload folder…"), ("Ctrl+Shift+U",), self.intake.choose_folder, menu),
            (tr("Paste"), ("Ctrl+V", "Shift+Ins"), self.intake.paste, menu),
            (tr("Pause or resume all"), ("Ctrl+Shift+P",), self.bottom.press_turn, None),
            (tr("Transfers"), ("Ctrl+1", "Ctrl+Shift+A"), lambda: self.show_page(0), None),
            (tr("Pointers"), ("Ctrl+2",), lambda: self.show_page(1), None),
            (tr("History"), ("Ctrl+H",), self.show_history, None),
            (tr("Search"), ("Ctrl+F",), self.search.begin, None),
            (tr("Go to a pointer…"), ("Ctrl+L", "Ctrl+K"), self._go_to, None),
            (
                tr("Have I stored this?…"),
                ("Ctrl+Shift+F",),
                self._choose_look_up,
                None,
            ),
            (tr("Look for new pointers"), ("F5", "Ctrl+R"), self.pointers.reload, None),
            (tr("Settings…"), ("Ctrl+,",), lambda: self.edit_connection(None), None),
            (tr("Keyboard shortcuts"), ("F1", "Ctrl+?"), self.show_shortcuts, None),
            (tr("Quit"), ("Ctrl+Q",), self.close, None),
        ):
            action = QAction(words, self)
            action.setShortcuts([QKeySequence(one) for one in keys])
            action.triggered.connect(lambda *_, run=act: run())
            self.addAction(action)
            if target is not None:
                target.addAction(action)
        self.upload.setMenu(menu)

    def show_history(self) -> None:
        """Show what became of earlier drops."""
        self.show_page(0)
        self.transfers.show_history()

    def _go_to(self) -> None:
        self.show_page(1)
        self.pointers.begin_go_to()

    def _choose_look_up(self) -> None:
        self.show_page(1)
        self.pointers.choose_look_up_requested.emit()

    def show_shortcuts(self) -> None:
        """Show what the keyboard can do."""
        in_list = [
            *entries_of(self.transfers.view.actions()),
            (tr("Copy the paths of the selected files"), keys_text([QKeySequence("Ctrl+C")])),
            (tr("Cancel the selected files"), tr("Del or Esc")),
            (tr("Menu of the selected files"), tr("Menu key or Shift+F10")),
        ]
        groups = (
            (tr("WINDOW"), entries_of(self.actions())),
            (tr("LIST OF TRANSFERS"), in_list),
            (tr("HISTORY"), entries_of(self.history.view.actions())),
            (tr("LIST OF POINTERS"), entries_of(self.pointers.view.actions())),
        )
        dialog = ShortcutsDialog(groups, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens
        for part in (
            self.sidebar,
            self.transfers,
            self.pointers,
            self.banner,
            self.bottom,
            self.tray,
            self._overlay,
        ):
            part.set_tokens(tokens)
        self._show_connections()

    # --- pages and words -------------------------------------------------------------------------

    def show_page(self, number: int) -> None:
        """Show a page: 0 transfers, 1 pointers."""
        if number == 0:
            self.transfers.leave_history()  # who asks for the transfers, or drops some, wants to see them
        self._pages.setCurrentIndex(number)
        self.sidebar.choose_page(number)
        self.search.serve(self.pointers if number == 1 else self.transfers)
        if number == 1:
            self.pointers.refresh()

    def _show_added(self) -> None:
        """Show what was just added: neither another page nor a filter or search hides it."""
        self.show_page(0)
        self.search.reset()
        self.transfers.show_newest()

    def come_forward(self) -> None:
        """Bring the window before the eyes, from wherever it is."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def show_batch(self, number: int) -> None:
        """Bring a batch before the eyes."""
        self.come_forward()
        self.show_page(0)
        self.transfers.show_batch(number)

    def _shows_transfers(self) -> bool:
        return self.isActiveWindow() and self._pages.currentIndex() == 0

    def report(self, error: HashdropError) -> None:
        """Tell an error that belongs to no row."""
        self.banner.say(error.sentence)

    def say(self, text: str) -> None:
        """Say something in the bottom bar for a moment."""
        self.summary.setText(text)
        self._said.start()
        announce(self, text)

    def copy(self, text: str, what: str) -> None:
        """Put a text on the clipboard and say so."""
        QGuiApplication.clipboard().setText(text)
        self.say(tr("Copied {what}").format(what=what))

    def _spare_the_rows(self) -> None:
        """Leave what is listed out of Python's search for garbage: of a hundred thousand rows none is.

        It held the window for a fifth of a second each time that their number had grown by a quarter.
        """
        count = len(self.model.list.files) + self._service.transfers.active_count
        if abs(count - self._spared) > _SPARE_EVERY:
            self._spared = count
            gc.freeze()

    def _on_bridge_ticked(self) -> None:
        self._spare_the_rows()
        if self.model.list.moving:
            self.bottom.plot.wake()
        if not self.model.tick() and not self.model.list.active:
            self.bridge.rest()
        self._show_summary()

    def _on_model_stored(self) -> None:
        if self.pointers.isVisible():  # else it asks when it is shown
            self.pointers.refresh()

    def _on_model_counted(self) -> None:
        self._spare_the_rows()
        self.sidebar.transfers.set_count(self.model.list.active)
        self.holding.show()

    def _show_summary(self) -> None:
        listed, all_paused = self.model.list, self._service.transfers.is_paused
        words, fraction = self._idle_text(), None
        if listed.active:
            words = active_text(listed, self.speed.rate, all_paused=all_paused)
            fraction = bytes_done(listed) / listed.total if listed.total else 0.0
        self.tray.show_state(words, fraction, paused=self.holding.is_held)
        if not self._said.isActive():
            self.summary.setText(words)

    def _idle_text(self) -> str:
        status = self._service.status
        if status.state == "starting":
            local = status.connection.name == LOCAL_CONNECTION_NAME
            return tr("Starting the store on this computer…") if local else tr("Connecting…")
        if self._service.transfers.is_paused:
            return tr("All paused")
        return idle_text(self.model.list) or tr("Ready")

    # --- connections -----------------------------------------------------------------------------

    def _show_connections(self) -> None:
        current = self._service.status.connection
        self.sidebar.show_connections(
            [(one.name, _second_line(one)) for one in self._service.connections], current.name
        )
        self.sidebar.show_state(current.name, self._service.status.state)

    def _on_status_changed(self, status: ConnectionStatus) -> None:
        connection = status.connection
        self._show_connections()
        parts = [connection.bucket, *[part for part in connection.prefix.split("/") if part], ""]
        self._breadcrumb.setText("  /  ".join(parts).rstrip() if len(parts) > 1 else parts[0])
        self.transfers.set_destination(connection.destination)
        if status.state == "ready":
            self.pointers.show_connection()
        self.waits.show_connection(status.error, is_ready=status.state == "ready")
        self._show_summary()

    def _on_connection_chosen(self, name: str) -> None:
        self._tasks.spawn(self._service.use_connection, name)

    def edit_connection(self, name: str | None) -> None:
        """Open the dialog of a connection: `None` for the current one, "" for a new one."""
        current = self._service.status.connection
        chosen = None
        if name != "":
            wanted = name or current.name
            chosen = next((one for one in self._service.connections if one.name == wanted), current)
        dialog = ConnectionDialog(
            chosen,
            taken={one.name for one in self._service.connections}
            - ({chosen.name} if chosen else set()),
            sample_key=self._service.sample_key,
            parent=self,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        replaces = chosen.name if chosen else None
        dialog.saved.connect(lambda connection: self._tasks.spawn(self._save, connection, replaces))
        dialog.open()

    async def _save(self, connection: Connection, replaces: str | None) -> None:
        await self._service.save_connection(connection, replaces=replaces)
        self.say(tr("Saved. Drops now go to {place}").format(place=connection.destination))

    # --- ways in ---------------------------------------------------------------------------------

    def add(self, paths: Sequence[Path]) -> None:
        """Queue files and folders, and show them."""
        self.intake.add(paths)

    def take_over(self, paths: Sequence[Path]) -> None:
        """Take what another start of the program hands over, and come forward."""
        self.add(paths)
        self.come_forward()

    async def restore(self) -> None:
        """Go on with what an earlier run left in the queue, and say so."""
        await self._coming_back.restore()
        await self.intake.clean()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Say before release where the drop would go."""
        data = event.mimeData()
        if not data.hasUrls() or self.pointers.is_dragging:
            return
        count = len(local_paths(data))
        place = self._service.status.connection.destination
        if not count:
            sentence = tr("Only files on this computer can be stored")
        elif self.pointers.isVisible():
            sentence = self.pointers.drop_sentence(count)
        else:
            sentence = tr("Store {n} items in {place}").format(n=f"{count:,}", place=place)
            if count == 1:
                sentence = tr("Store this in {place}").format(place=place)
            self._tasks.spawn(self._name_dragged, local_paths(data), place, sentence)
        self._overlay.show_sentence(sentence)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    async def _name_dragged(self, paths: list[Path], place: str, shown: str) -> None:
        """Call what is dragged by its kind, once that is known: a network folder may not answer."""

        def has_folder() -> bool:
            return any(path.is_dir() for path in paths[:50])

        folder, count = await run_sync(has_folder, abandon_on_cancel=True), len(paths)
        if self._overlay.isHidden() or self._overlay.sentence != shown:
            return
        if count == 1:
            words = tr("Store this folder in {place}") if folder else tr("Store 1 file in {place}")
            self._overlay.show_sentence(words.format(place=place))
        elif not folder:
            words = tr("Store {n} files in {place}")
            self._overlay.show_sentence(words.format(n=f"{count:,}", place=place))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Take the sentence away."""
        self._overlay.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the files."""
        self._overlay.hide()
        paths = local_paths(event.mimeData())
        # A copy, whatever the source proposed: a move would delete its files.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if paths and self.pointers.isVisible():
            self.pointers.look_up_requested.emit(paths)
        elif paths:
            self.add(paths)
        elif event.mimeData().hasUrls():
            self.banner.say(
                tr("Only files on this computer can be stored. Download it first, then drop it.")
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the overlay over the whole window, and words beside the icons where there is room."""
        self._overlay.setGeometry(self.rect())
        self.sidebar.set_narrow(self.width() < _WORDS_FROM)
        super().resizeEvent(event)

    # --- closing ---------------------------------------------------------------------------------

    def let_close(self) -> None:
        """Allow the window to close without asking; it hears of nothing any more."""
        self._may_close = True
        self.tray.hide()
        self.intake.end()
        for end in self._unsubscribe:
            end()

    def quit_now(self, *, keep: bool = False) -> None:
        """End the program.

        Args:
            keep: Whether the next start goes on with what is unfinished; else it is cancelled and cleaned up.
        """
        self.keeps_queue = keep
        if self._service.transfers.active_count:
            self.say(tr("Stopping…") if keep else tr("Cancelling…"))
            self.setEnabled(False)
        else:
            self.hide()
        self.closed.set()

    def ask_to_quit(self) -> None:
        """End the program, or ask first where uploads are running."""
        active = self._service.transfers.active_count
        if not active:
            self.quit_now()
            return
        if self._asking is not None:
            return
        box = self._asking = QuitQuestion(active, self)
        box.answered.connect(self._on_quit_answered)
        box.open()

    def _on_quit_answered(self, leave: Leave) -> None:
        self._asking = None
        if leave is not Leave.STAY:
            self.quit_now(keep=leave is Leave.KEEP)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Only say that the person wants to leave; the program's main ends it."""
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.ask_to_quit()


def _second_line(connection: Connection) -> str:
    if connection.name == LOCAL_CONNECTION_NAME:
        return tr("embedded store")
    where = (
        connection.region or connection.profile or ("AWS" if not connection.endpoint_url else "")
    )
    if connection.endpoint_url:
        where = connection.endpoint_url.partition("://")[2]
    place = f"{connection.prefix}/" if connection.prefix else connection.bucket
    return " · ".join(part for part in (where, place) if part)
