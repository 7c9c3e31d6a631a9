"""The row above the pointers: catalog or bucket, where to go, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon
from hashdrop_gui.widgets.saved_searches import SavedSearches

_ROOM_FOR_WORDS = 600
"""Logical pixels below which “Look up…” gives way to the path field; its shortcut stays."""


class GoTo(QLineEdit):
    """Takes whatever names an object.

    Signals:
        wanted: What was pasted or typed, at Return.
        left: Escape.
    """

    wanted = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("goTo")
        self.setPlaceholderText(tr("Go to s3://…, hash, URL or JSON"))
        self.setAccessibleName(tr("Go to an address, a hash, a URL or pointer JSON"))
        self.setMinimumWidth(90)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.returnPressed.connect(self._on_return_pressed)

    def _on_return_pressed(self) -> None:
        if self.text().strip():
            self.wanted.emit(self.text().strip())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave at Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        else:
            super().keyPressEvent(event)


class PointersBar(QWidget):
    """Pills, the path field, buttons.

    Args:
        menu: What can be done with the selected rows.
        tokens: Colours.

    Signals:
        bucket_wanted: Whether the bucket's own listing is to be shown, not the catalog.
    """

    bucket_wanted = Signal(bool)

    def __init__(self, menu: QMenu, tokens: Tokens) -> None:
        super().__init__()
        self.catalog = _pill(tr("Catalog"), tr("What the catalog knows, by name"))
        self.bucket = _pill(
            tr("Bucket"), tr("What is in the bucket itself, by whomever it was stored")
        )
        self.catalog.setChecked(True)
        group = QButtonGroup(self)
        group.addButton(self.catalog, 0)
        group.addButton(self.bucket, 1)
        group.idClicked.connect(lambda number: self.bucket_wanted.emit(number == 1))
        self.go_to = GoTo()
        self.look_up = QPushButton(tr("Look up…"))
        self.look_up.setObjectName("small")
        self.look_up.setToolTip(tr("Have I stored this? Drop files here, or choose them"))
        self.act = QToolButton()
        self.act.setObjectName("act")
        self.act.setText(tr("Actions"))
        self.act.setToolTip(tr("What can be done with the selected files"))
        self.act.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.act.setMenu(menu)
        self.act.setEnabled(False)
        self.saved = SavedSearches(tokens)
        self.show_details = QToolButton()
        self.show_details.setObjectName("showDetails")
        self.show_details.setAccessibleName(tr("Details"))
        self.show_details.setToolTip(tr("Details of the selected file"))
        self.show_details.setCheckable(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 10, 20, 6)
        row.setSpacing(6)
        for widget in (self.catalog, self.bucket):
            row.addWidget(widget)
        row.addSpacing(6)
        row.addWidget(self.go_to, 1)
        row.addSpacing(6)
        for widget in (self.look_up, self.act, self.saved, self.show_details):
            row.addWidget(widget)
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.saved.set_tokens(tokens)
        self.show_details.setIcon(icon("details", tokens.second))

    def show_bucket(self, is_bucket: bool) -> None:  # noqa: FBT001  # as the signal
        """Mark what is listed."""
        (self.bucket if is_bucket else self.catalog).setChecked(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give way where it is narrow."""
        self.look_up.setVisible(event.size().width() >= _ROOM_FOR_WORDS)
        super().resizeEvent(event)


def _pill(words: str, tip: str) -> QPushButton:
    pill = QPushButton(words)
    pill.setObjectName("pill")
    pill.setCheckable(True)
    pill.setToolTip(tip)
    return pill
