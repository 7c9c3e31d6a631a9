"""The menu of what is needed seldom: after the last upload, the watched folder, the shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QToolButton

from hashdrop_gui.models.finishing import AfterLast
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon


class MoreButton(QToolButton):
    """Three dots, and a menu behind them.

    Args:
        tokens: Colours.

    Signals:
        after_last_chosen: What to do after the last upload.
        watch_requested: A folder is to be chosen that is watched.
        unwatch_requested: No folder is to be watched any more.
        help_requested: The shortcuts are to be shown.
    """

    after_last_chosen = Signal(object)
    watch_requested = Signal()
    unwatch_requested = Signal()
    help_requested = Signal()

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("more")
        self.setAccessibleName(tr("More"))
        self.setToolTip(tr("More"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self.after_last = menu.addMenu(tr("After the last upload"))
        self._after: dict[AfterLast, QAction] = {}
        group = QActionGroup(self)
        for what, words in (
            (AfterLast.NOTHING, tr("Do nothing")),
            (AfterLast.COPY, tr("Copy the pointers")),
            (AfterLast.QUIT, tr("Quit")),
        ):
            action = self._after[what] = self.after_last.addAction(words)
            action.setCheckable(True)
            action.triggered.connect(lambda *_, one=what: self.after_last_chosen.emit(one))
            group.addAction(action)
        self.watched = menu.addMenu(tr("Watched folder"))
        self.watched.addAction(tr("Choose a folder…")).triggered.connect(
            lambda *_: self.watch_requested.emit()
        )
        self._unwatch = self.watched.addAction("")
        self._unwatch.triggered.connect(lambda *_: self.unwatch_requested.emit())
        self.show_watched("")
        menu.addSeparator()
        menu.addAction(tr("Keyboard shortcuts")).triggered.connect(
            lambda *_: self.help_requested.emit()
        )
        self.setMenu(menu)
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.setIcon(icon("more", tokens.second))

    def show_watched(self, folder: str) -> None:
        """Say which folder is watched; "" for none."""
        words = tr("Stop watching {path}").format(path=folder) if folder else tr("Stop watching")
        self._unwatch.setText(words.replace("&", "&&"))
        self._unwatch.setEnabled(bool(folder))

    def show_after_last(self, what: AfterLast) -> None:
        """Mark what is done after the last upload."""
        self._after[what].setChecked(True)
