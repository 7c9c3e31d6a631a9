"""Pills that filter by state, with their counts."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtCore import Signal
from PySide6.QtGui import QFont
from PySide6.QtGui import QFontMetrics
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QWidget

_SIDE = 24
_LEVELS = ((14, 8, True), (8, 4, True), (8, 4, False))
"""Space beside the words of a pill and between two, and whether counts are shown: the roomier the better."""
_EDGES = 4
"""Pixels of a pill's border, with a focus."""


class FilterPills(QWidget):
    """One pill can be chosen. Where there is little room they draw together, then leave their counts out.

    Args:
        words: Of the pills, in order.
        apart: Of pills that stand at the right, and have no count.

    Signals:
        chosen: Number of the pill.
    """

    chosen = Signal(int)

    def __init__(self, words: list[str], apart: list[str]) -> None:
        super().__init__()
        self._words = [*words, *apart]
        self._counts: list[int] = []
        self._level = 0
        self._group = QButtonGroup(self)
        layout = self._row = QHBoxLayout(self)
        layout.setContentsMargins(_SIDE, 14, _SIDE, 6)
        layout.setSpacing(_LEVELS[0][1])
        for number, text in enumerate([*words, *apart]):
            if number == len(words):
                layout.addStretch(1)
            pill = QPushButton(text)
            pill.setObjectName("pill")
            pill.setCheckable(True)
            pill.setProperty("tight", False)
            self._group.addButton(pill, number)
            layout.addWidget(pill)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(self.chosen)

    @property
    def chosen_number(self) -> int:
        """Number of the pill that is chosen."""
        return self._group.checkedId()

    def choose(self, number: int) -> None:
        """Choose a pill."""
        if self._group.checkedId() != number:
            self._group.button(number).setChecked(True)
            self.chosen.emit(number)

    def show_counts(self, counts: list[int]) -> None:
        """Show how many there are behind each pill."""
        if counts != self._counts:
            self._counts = counts
            self._fit()

    def minimumSizeHint(self) -> QSize:
        """Return that it may be as narrow as without its counts."""
        return QSize(self._needed(len(_LEVELS) - 1), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw together where there is little room."""
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        fitting = (level for level in range(len(_LEVELS)) if self._needed(level) <= self.width())
        level = next(fitting, len(_LEVELS) - 1)
        spacing = _LEVELS[level][1]
        for number, text in enumerate(self._texts(level)):
            pill = self._group.button(number)
            pill.setText(text)
            whole = self._texts(0)[number]
            pill.setToolTip("" if text == whole else whole)
            pill.setAccessibleName(whole)
            if (level > 0) != (self._level > 0):
                pill.setProperty("tight", level > 0)
                pill.style().unpolish(pill)
                pill.style().polish(pill)
        self._level = level
        self._row.setSpacing(spacing)

    def _texts(self, level: int) -> list[str]:
        counts = [f" {count:,}" for count in self._counts] if _LEVELS[level][2] else []
        counts += [""] * (len(self._words) - len(counts))
        return [f"{words}{count}" for words, count in zip(self._words, counts, strict=True)]

    def _needed(self, level: int) -> int:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)  # as the chosen one is
        measured, texts = QFontMetrics(font), self._texts(level)
        padding, spacing, _ = _LEVELS[level]
        words = sum(measured.horizontalAdvance(text) + 2 * padding + _EDGES for text in texts)
        return words + spacing * len(texts) + 2 * _SIDE
