"""What lies over the whole window while files are dragged: where the drop would go, before release."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QFont
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QWidget

from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import sized


class DropOverlay(QWidget):
    """A tint of the accent, an inner frame, and one sentence.

    Args:
        tokens: Colours.
        parent: What it covers.
    """

    def __init__(self, tokens: Tokens, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setObjectName("dropOverlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._tokens = tokens
        self.sentence = ""
        self.hide()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens

    def show_sentence(self, sentence: str) -> None:
        """Cover the window with a sentence."""
        self.sentence = sentence
        self.setAccessibleName(sentence)
        self.setGeometry(self._over.rect())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Paint it."""
        t = self._tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(t.background)
        veil.setAlpha(225)
        painter.fillRect(self.rect(), veil)
        tint = QColor(t.accent)
        tint.setAlpha(28)
        painter.fillRect(self.rect(), tint)
        painter.setPen(QPen(QColor(t.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self.rect().adjusted(13, 13, -13, -13), 8, 8)
        font = sized(self.font(), 18, QFont.Weight.DemiBold)
        painter.setFont(font)
        text = painter.fontMetrics().elidedText(
            self.sentence, Qt.TextElideMode.ElideMiddle, self.width() - 160
        )
        width = painter.fontMetrics().horizontalAdvance(text) + 56
        pill = QRect((self.width() - width) // 2, self.height() // 2 - 28, width, 56)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.accent))
        painter.drawRoundedRect(pill, 12, 12)
        painter.setPen(QColor(t.on_accent))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
