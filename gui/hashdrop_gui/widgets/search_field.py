"""The search field in the top bar: one for all pages; each page keeps its own text."""

from __future__ import annotations

from typing import Protocol
from typing import runtime_checkable

from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr

_PAUSE_MS = 120
"""After the last key before the page is asked: not for each letter of a word."""


@runtime_checkable
class Searchable(Protocol):
    """A page that can be searched.

    A page may have a text `search_hint`, too: what stands in the field while it is empty. Its rows are in
    its `rows_view`, if it has one, else in its `view`: from the field one comes to them.
    """

    def set_search(self, text: str) -> None:
        """Show only what has this text in it; all for ""."""


class SearchField(QLineEdit):
    """Hands its text to the page that is shown, if that page has a method `set_search`; else it is hidden.

    Escape clears it, and with nothing in it leaves it for the page.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("search")
        self.setClearButtonEnabled(True)
        self.setMinimumWidth(80)
        self.setMaximumWidth(300)
        self._page: QWidget | None = None
        self._texts: dict[QWidget, str] = {}
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_PAUSE_MS)
        self._wait.timeout.connect(self._hand_over)
        self.textChanged.connect(lambda _: self._wait.start())
        self.returnPressed.connect(self._hand_over)

    def serve(self, page: QWidget) -> None:
        """Search in another page from now on; its own text comes back."""
        if page is self._page:
            return
        if self._wait.isActive():
            self._hand_over()
        self._page = page
        self.setVisible(isinstance(page, Searchable))
        hint = getattr(page, "search_hint", "") or tr("Search")
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.blockSignals(True)  # Qt's way  # the page has this text already
        self.setText(self._texts.get(page, ""))
        self.blockSignals(False)  # Qt's way

    def reset(self) -> None:
        """Search for nothing any more."""
        self.clear()
        self._hand_over()

    def begin(self) -> None:
        """Take the keyboard, so that what is typed replaces what stands there."""
        if self.isVisible():
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.selectAll()

    def _hand_over(self) -> None:
        self._wait.stop()
        page = self._page
        if page is None or self._texts.get(page, "") == self.text():
            return
        self._texts[page] = self.text()
        if isinstance(page, Searchable):
            page.set_search(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Clear at Escape; leave at a second one, or at the key down."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            self._hand_over()
        elif event.key() in {Qt.Key.Key_Escape, Qt.Key.Key_Down} and self._page is not None:
            view = getattr(self._page, "rows_view", None) or getattr(self._page, "view", None)
            (view if isinstance(view, QWidget) else self._page).setFocus()
        else:
            super().keyPressEvent(event)
