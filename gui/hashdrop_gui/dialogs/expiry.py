"""Asks how long a link is to hold, and says when it would end."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop.s3.linking import LONGEST
from hashdrop_gui.models.wording import time_text
from hashdrop_gui.models.wording import tr

_UNITS = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
_PROPOSED = 3


class ExpiryDialog(QDialog):
    """A number of minutes, hours or days, seven days at most.

    Args:
        parent: The window.

    Signals:
        chosen: A `timedelta`.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("expiryDialog")
        self.setWindowTitle(tr("Link that expires"))
        self.setModal(True)
        self.setMinimumWidth(360)
        label = QLabel(tr("Whoever has the link can read the file for"))
        self.field = QSpinBox()
        self.field.setAccessibleName(tr("How long"))
        self.unit = QComboBox()
        self.unit.setAccessibleName(tr("Minutes, hours or days"))
        self.unit.addItems([tr("minutes"), tr("hours"), tr("days")])
        self.unit.setCurrentIndex(2)
        self.ends = QLabel()
        self.ends.setObjectName("second")
        label.setBuddy(self.field)
        buttons = QDialogButtonBox()
        copy = buttons.addButton(tr("Copy link"), QDialogButtonBox.ButtonRole.AcceptRole)
        copy.setObjectName("primary")
        copy.setDefault(True)
        buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole).setAutoDefault(
            False
        )
        row = QHBoxLayout()
        row.addWidget(self.field, 1)
        row.addWidget(self.unit, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(8)
        layout.addWidget(label)
        layout.addLayout(row)
        layout.addWidget(self.ends)
        layout.addSpacing(10)
        layout.addWidget(buttons)
        self.unit.currentIndexChanged.connect(self._on_unit_changed)
        self.field.valueChanged.connect(self._show_end)
        self._on_unit_changed(self.unit.currentIndex())
        self.field.setValue(_PROPOSED)
        self.field.selectAll()
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)

    @property
    def expires(self) -> timedelta:
        """How long."""
        return self.field.value() * _UNITS[self.unit.currentIndex()]

    def _on_unit_changed(self, number: int) -> None:
        self.field.setRange(1, LONGEST // _UNITS[number])
        self._show_end()

    def _show_end(self) -> None:
        ends_at = datetime.now(UTC) + self.expires
        self.ends.setText(tr("It holds until {time}.").format(time=time_text(ends_at)))

    def _on_accepted(self) -> None:
        self.chosen.emit(self.expires)
        self.accept()
