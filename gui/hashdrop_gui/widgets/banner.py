"""A line below the top bar: what needs the person, with the action in it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon


class Banner(QFrame):
    """A sentence with up to two buttons, and a cross that puts it away.

    Signals:
        retry_requested: "Try again" was pressed.
        settings_requested: "Settings…" was pressed.
    """

    retry_requested = Signal()
    settings_requested = Signal()

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setObjectName("bannerText")
        self._text.setWordWrap(True)
        self._retry = QPushButton(tr("Try again"))
        self._settings = QPushButton(tr("Settings…"))
        for button in (self._retry, self._settings):
            button.setObjectName("small")
        self._close = QToolButton()
        self._close.setAccessibleName(tr("Put this message away"))
        self._close.setToolTip(tr("Put away"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(24, 10, 16, 10)
        layout.setSpacing(12)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._retry)
        layout.addWidget(self._settings)
        layout.addWidget(self._close)
        self._retry.clicked.connect(lambda *_: self.retry_requested.emit())
        self._settings.clicked.connect(lambda *_: self.settings_requested.emit())
        self._close.clicked.connect(lambda *_: self.hide())
        self.set_tokens(tokens)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._icon.setPixmap(icon("warning", tokens.waiting).pixmap(20, 20))
        self._close.setIcon(icon("close", tokens.second))

    def say(self, text: str, *, with_actions: bool = False) -> None:
        """Show a sentence.

        Args:
            text: The sentence.
            with_actions: Whether "Try again" and "Settings…" make sense.
        """
        self._text.setText(text)
        self._text.setAccessibleName(text)
        self._retry.setVisible(with_actions)
        self._settings.setVisible(with_actions)
        self.show()
