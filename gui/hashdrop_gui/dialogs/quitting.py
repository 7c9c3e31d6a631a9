"""Asks what becomes of uploads that are still running."""

from __future__ import annotations

from enum import Enum
from enum import auto

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr


class Leave(Enum):
    """How to leave."""

    STAY = auto()
    KEEP = auto()
    """The next start goes on with what is unfinished."""
    CANCEL = auto()


class QuitQuestion(QMessageBox):
    """Stay, keep the queue for the next start, or cancel.

    Args:
        active: How many uploads are not at their end.
        parent: The window.

    Signals:
        answered: How to leave.
    """

    answered = Signal(object)

    def __init__(self, active: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("confirmQuit")
        self.setIcon(QMessageBox.Icon.NoIcon)
        self.setWindowTitle(tr("Quit Hashdrop"))
        self.setText(
            tr("1 upload is not finished.")
            if active == 1
            else tr("{n} uploads are not finished.").format(n=f"{active:,}")
        )
        self.setInformativeText(
            tr(
                "The next start can go on with them: what was sent is not sent again. If you cancel "
                "them, nothing of them is left in S3."
            )
        )
        role = QMessageBox.ButtonRole
        stay = self.addButton(tr("Stay"), role.RejectRole)
        self._answers = {
            stay: Leave.STAY,
            self.addButton(tr("Cancel uploads and quit"), role.DestructiveRole): Leave.CANCEL,
            self.addButton(tr("Quit and go on next time"), role.AcceptRole): Leave.KEEP,
        }
        self.setDefaultButton(stay)
        self.setEscapeButton(stay)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.finished.connect(self._on_finished)

    def _on_finished(self, _: int) -> None:
        clicked = self.clickedButton()
        self.answered.emit(
            next((leave for one, leave in self._answers.items() if one is clicked), Leave.STAY)
        )
