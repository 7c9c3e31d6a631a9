"""The line at the bottom: what goes on, and what holds or ends all of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton

from hashdrop_gui.models.wording import tr

HEIGHT = 44


class BottomBar(QFrame):
    """Totals at the left, the controls of all transfers at the right.

    Signals:
        pause_requested: "Pause all" was pressed.
        resume_requested: "Resume all" was pressed.
        cancel_requested: "Cancel all" was pressed.
    """

    pause_requested = Signal()
    resume_requested = Signal()
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bottombar")
        self.setFixedHeight(HEIGHT)
        self.summary = QLabel()
        self.summary.setObjectName("summary")
        self.turn = QPushButton()
        self.turn.setObjectName("small")
        self.turn.setMinimumWidth(104)  # both of its words fit: nothing jumps
        self.cancel = QPushButton(tr("Cancel all"))
        self.cancel.setObjectName("small")
        self.cancel.hide()
        self._resumes = False
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 0, 24, 0)
        row.setSpacing(8)
        row.addWidget(self.summary, 1)
        row.addWidget(self.cancel)
        row.addWidget(self.turn)
        self.turn.clicked.connect(lambda *_: self.press_turn())
        self.cancel.clicked.connect(lambda *_: self.cancel_requested.emit())
        self.show_paused(paused=False)

    def show_paused(self, *, paused: bool) -> None:
        """Say what the button does now."""
        self._resumes = paused
        self.turn.setText(tr("Resume all") if paused else tr("Pause all"))

    def press_turn(self) -> None:
        """Ask for what the button says."""
        (self.resume_requested if self._resumes else self.pause_requested).emit()
