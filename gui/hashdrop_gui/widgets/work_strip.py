"""A line at the foot of a page that tells how far some work is, and how it ended."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QProgressBar
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QToolButton

from hashdrop_gui.models.wording import plain_tip
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon

_EVERY_MS = 100
_STEPS = 1000


class WorkStrip(QFrame):
    """Words, a bar, and a button.

    Args:
        words: What is done.
        tokens: Colours.

    Signals:
        cancelled: The work is not wanted any more.
        acted: The button at its end was pressed.
    """

    cancelled = Signal()
    acted = Signal()

    def __init__(self, words: str, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("workStrip")
        self._told = QElapsedTimer()
        self.has_ended = False
        self.label = QLabel(words)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setObjectName("workBar")
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(140, 6)
        self.bar.setRange(0, 0)
        self.bar.setAccessibleName(words)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setObjectName("small")
        self.cancel.clicked.connect(lambda *_: self.cancelled.emit())
        self.action = QPushButton()
        self.action.setObjectName("small")
        self.action.clicked.connect(lambda *_: self.acted.emit())
        self.action.hide()
        self._close = QToolButton()
        self._close.setAccessibleName(tr("Put this message away"))
        self._close.setToolTip(tr("Put away"))
        self._close.clicked.connect(lambda *_: self.deleteLater())
        self._close.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 8, 16, 8)
        row.setSpacing(12)
        row.addWidget(self.label, 1)
        for widget in (self.bar, self.cancel, self.action, self._close):
            row.addWidget(widget)
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._close.setIcon(icon("close", tokens.second))

    def tell(self, words: str, fraction: float | None) -> None:
        """Say how far it is, ten times a second at most.

        Args:
            words: What is done.
            fraction: Of the whole, 0 to 1; `None` where that is not known.
        """
        if self._told.isValid() and self._told.elapsed() < _EVERY_MS:
            return
        self._told.restart()
        self._say(words)
        if fraction is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _STEPS)
            self.bar.setValue(round(fraction * _STEPS))

    def end(self, words: str, action: str = "") -> None:
        """Say how it ended; it stays until it is put away.

        Args:
            words: How.
            action: Words of a button; none where empty.
        """
        self.has_ended = True
        self._say(words)
        self.bar.hide()
        self.cancel.hide()
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._close.show()

    def _say(self, words: str) -> None:
        self.label.setText(words)
        self.label.setToolTip(plain_tip(words))
        self.label.setAccessibleName(words)
