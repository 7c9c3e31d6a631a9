"""Pills that filter by state, with their counts."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QWidget


class FilterPills(QWidget):
    """One pill can be chosen.

    Args:
        words: Of the pills, in order.
        apart: Of pills that stand at the right, and have no count.

    Signals:
        chosen: Number of the pill.
    """

    chosen = Signal(int)

    def __init__(self, words: list[str], apart: list[str]) -> None:
        super().__init__()
        self._words = words
        self._group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(24, 14, 24, 6)
        layout.setSpacing(8)
        for number, text in enumerate([*words, *apart]):
            if number == len(words):
                layout.addStretch(1)
            pill = QPushButton(text)
            pill.setObjectName("pill")
            pill.setCheckable(True)
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
        for number, count in enumerate(counts):
            self._group.button(number).setText(f"{self._words[number]} {count:,}")
