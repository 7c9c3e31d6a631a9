"""What an empty page says: one sentence, what to do, and a drawing of our own."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import drawing

_SIZE = QSize(240, 160)


class EmptyState(QWidget):
    """A drawing, a title, a sentence and a button.

    Args:
        title: One short sentence.
        sentence: What to do.
        button: Words of the button.
        tokens: Colours.

    Signals:
        pressed: The button was pressed.
    """

    pressed = Signal()

    def __init__(self, title: str, sentence: str, button: str, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("emptyState")
        self._drawing = QLabel()
        heading = QLabel(title)
        heading.setObjectName("title")
        self._sentence = QLabel(sentence)
        self._sentence.setObjectName("second")
        action = QPushButton(button)
        action.setObjectName("primary")
        action.clicked.connect(lambda *_: self.pressed.emit())
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addStretch(2)
        for widget in (self._drawing, heading, self._sentence):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(12)
        layout.addWidget(action, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        colours = (
            ("@line", tokens.second),
            ("@ground", tokens.background),
            ("@accent", tokens.accent),
        )
        self._drawing.setPixmap(drawing("empty", _SIZE, colours, self.devicePixelRatioF()))

    def say(self, sentence: str) -> None:
        """Change the sentence."""
        self._sentence.setText(sentence)
