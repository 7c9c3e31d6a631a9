"""Asks for a short text, as the name of a search that is kept."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr

_LONGEST = 60


class NameDialog(QDialog):
    """A field for a name.

    Args:
        title: Of the window.
        question: What the name is for.
        proposed: Stands in the field.
        button: Words of the button that takes it.
        parent: The window.

    Signals:
        named: The name, without space around it.
    """

    named = Signal(str)

    def __init__(
        self, title: str, question: str, proposed: str, button: str, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("nameDialog")
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(380)
        label = QLabel(question)
        self.field = QLineEdit(proposed[:_LONGEST])
        self.field.setMaxLength(_LONGEST)
        self.field.setAccessibleName(question)
        self.field.selectAll()
        label.setBuddy(self.field)
        buttons = QDialogButtonBox()
        self.take = buttons.addButton(button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.take.setObjectName("primary")
        self.take.setDefault(True)
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
        self.field.textChanged.connect(lambda text: self.take.setEnabled(bool(text.strip())))
        self.take.setEnabled(bool(proposed.strip()))
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)

    def _on_accepted(self) -> None:
        self.named.emit(self.field.text().strip())
        self.accept()
