"""The menu of searches that are kept: pick one, keep the one that is typed, forget one."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QToolButton

from hashdrop_gui.models.wording import plain_tip
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon


class SavedSearches(QToolButton):
    """A bookmark, and a menu behind it.

    Args:
        tokens: Colours.

    Signals:
        picked: The text of a search.
        save_requested: What is typed is to be kept.
        delete_requested: Name of one that is to be forgotten.
    """

    picked = Signal(str)
    save_requested = Signal()
    delete_requested = Signal(str)

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("savedSearches")
        self.setAccessibleName(tr("Saved searches"))
        self.setToolTip(tr("Saved searches"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._searches: dict[str, str] = {}
        self._typed = ""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.setIcon(icon("bookmark", tokens.second))

    def show_searches(self, searches: Mapping[str, str]) -> None:
        """List these names with their searches."""
        self._searches = dict(searches)

    def show_typed(self, text: str) -> None:
        """Know what is typed now."""
        self._typed = text.strip()

    def fill(self) -> None:
        """Make the menu's entries anew."""
        menu = self.menu()
        menu.clear()
        for name, text in sorted(self._searches.items(), key=lambda one: one[0].casefold()):
            action = menu.addAction(name.replace("&", "&&"))
            action.setToolTip(plain_tip(text))
            action.setCheckable(True)
            action.setChecked(text == self._typed)
            action.triggered.connect(lambda *_, wanted=text: self.picked.emit(wanted))
        if not self._searches:
            menu.addAction(tr("No search is saved yet")).setEnabled(False)
        menu.addSeparator()
        save = menu.addAction(tr("Save this search…"))
        save.setEnabled(bool(self._typed))
        save.triggered.connect(lambda *_: self.save_requested.emit())
        forget = menu.addMenu(tr("Delete"))
        forget.setEnabled(bool(self._searches))
        for name in sorted(self._searches, key=str.casefold):
            forget.addAction(name.replace("&", "&&")).triggered.connect(
                lambda *_, gone=name: self.delete_requested.emit(gone)
            )
