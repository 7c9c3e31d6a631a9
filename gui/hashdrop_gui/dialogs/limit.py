"""Asks for a bandwidth limit of one's own."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr
from hashdrop_gui.widgets.limit_button import MB

_MOST = 1_000_000.0
_PROPOSED = 8.0


class LimitDialog(QDialog):
    """A number of megabytes a second.

    Args:
        bytes_per_s: The limit now.
        parent: The window.

    Signals:
        chosen: Bytes a second.
    """

    chosen = Signal(float)

    def __init__(self, bytes_per_s: float | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("limitDialog")
        self.setWindowTitle(tr("Bandwidth limit"))
        self.setModal(True)
        label = QLabel(tr("All uploads together send at most"))
        self.field = QDoubleSpinBox()
        self.field.setAccessibleName(tr("Megabytes a second"))
        self.field.setDecimals(2)
        self.field.setRange(0.01, _MOST)
        self.field.setSuffix(tr(" MB/s"))
        self.field.setValue(bytes_per_s / MB if bytes_per_s else _PROPOSED)
        self.field.selectAll()
        label.setBuddy(self.field)
        buttons = QDialogButtonBox()
        limit = buttons.addButton(tr("Limit"), QDialogButtonBox.ButtonRole.AcceptRole)
        limit.setObjectName("primary")
        limit.setDefault(True)
        buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole).setAutoDefault(
            False
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(8)
        layout.addWidget(label)
        layout.addWidget(self.field)
        layout.addSpacing(10)
        layout.addWidget(buttons)
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)

    def _on_accepted(self) -> None:
        self.chosen.emit(self.field.value() * MB)
        self.accept()
