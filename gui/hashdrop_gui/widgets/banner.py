"""A line below the top bar: what needs the person, with the action in it."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt
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


class _Message(NamedTuple):
    text: str
    about: str
    action: str
    settings: bool


class Banner(QFrame):
    """A sentence with up to two buttons, and a cross that puts it away.

    Signals:
        acted: The first button was pressed; what the message is about.
        settings_requested: "Settings…" was pressed.
        said: Another message is shown.
    """

    acted = Signal(str)
    settings_requested = Signal()
    said = Signal(str)

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._about = ""
        self._lasts = False
        self._settings_shown = False
        self._covered: list[_Message] = []
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setObjectName("bannerText")
        self._text.setTextFormat(Qt.TextFormat.PlainText)  # a file may be named like a tag
        self._text.setWordWrap(True)
        self.action = QPushButton()
        self._settings = QPushButton(tr("Settings…"))
        for button in (self.action, self._settings):
            button.setObjectName("small")
        self._close = QToolButton()
        self._close.setAccessibleName(tr("Put this message away"))
        self._close.setToolTip(tr("Put away"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(24, 10, 16, 10)
        layout.setSpacing(12)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.action)
        layout.addWidget(self._settings)
        layout.addWidget(self._close)
        self.action.clicked.connect(lambda *_: self.acted.emit(self._about))
        self._settings.clicked.connect(lambda *_: self.settings_requested.emit())
        self._close.clicked.connect(lambda *_: self._uncover())
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

    def say(
        self,
        text: str,
        *,
        about: str = "",
        action: str = "",
        settings: bool = False,
        lasts: bool = False,
    ) -> None:
        """Show a sentence.

        Args:
            text: The sentence.
            about: What it is about, for `withdraw` and for `acted`.
            action: Words of the first button; none where empty.
            settings: Whether the way to the settings makes sense.
            lasts: Whether it comes back after another one that covers it, until it is withdrawn.
        """
        if self._lasts and not self.isHidden():
            self._covered.append(
                _Message(self.text, self._about, self.action.text(), self._settings_shown)
            )
        self._covered = [one for one in self._covered if one.about != about]
        self._show(_Message(text, about, action, settings), lasts=lasts)

    def _show(self, message: _Message, *, lasts: bool) -> None:
        text, about, action, settings = message
        self._about = about
        self._lasts = lasts
        self._settings_shown = settings
        self._put(text)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._settings.setVisible(settings)
        self.show()
        self.said.emit(text)

    def says(self, about: str) -> bool:
        """Whether a message about something is shown."""
        return not self.isHidden() and self._about == about

    def _uncover(self) -> None:
        """Put the message away; what it covered, and is still so, comes back."""
        if self._covered:
            self._show(self._covered.pop(), lasts=True)
        else:
            self.hide()

    def change(self, text: str, *, about: str) -> None:
        """Change the words of the message about something, if it is shown or covered."""
        if self.says(about):
            self._put(text)
        self._covered = [
            one._replace(text=text) if one.about == about else one for one in self._covered
        ]

    def _put(self, text: str) -> None:
        self._text.setText(text)
        self._text.setAccessibleName(text)

    def withdraw(self, about: str) -> None:
        """Put the message about something away; another one stays."""
        self._covered = [one for one in self._covered if one.about != about]
        if self.says(about):
            self._uncover()
