"""The line at the bottom: what goes on, and what holds, slows or ends all of it."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton

from hashdrop_gui.models.speed import SpeedLog
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.widgets.limit_button import LimitButton
from hashdrop_gui.widgets.more_button import MoreButton
from hashdrop_gui.widgets.speed_plot import SpeedPlot

HEIGHT = 44
_WIDE = 760
"""From this width on there is room for the plot."""


class Summary(QLabel):
    """A line of words that gives way where it is narrow; the tooltip has all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("summary")
        self.setTextFormat(Qt.TextFormat.PlainText)

    def setText(self, text: str) -> None:  # noqa: N802  # Qt's name
        """Say something else."""
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        """Return that it may be narrow."""
        return QSize(60, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Paint as much as there is room for."""
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, text)


class BottomBar(QFrame):
    """Totals at the left, the controls of all transfers at the right.

    Args:
        speed: Drawn as a plot.
        tokens: Colours.

    Signals:
        pause_requested: "Pause all" was pressed.
        resume_requested: "Resume all" was pressed.
        cancel_requested: "Cancel all" was pressed.
    """

    pause_requested = Signal()
    resume_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, speed: SpeedLog, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("bottombar")
        self.setFixedHeight(HEIGHT)
        self.summary = Summary()
        self.plot = SpeedPlot(speed, tokens)
        self.limit = LimitButton()
        self.turn = QPushButton()
        self.turn.setObjectName("small")
        self.turn.setMinimumWidth(104)  # both of its words fit: nothing jumps
        self.cancel = QPushButton(tr("Cancel all"))
        self.cancel.setObjectName("small")
        self.cancel.hide()
        self.more = MoreButton(tokens)
        self._resumes = False
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(self.summary, 1)
        # What comes and goes stands before what stays: under a hand on its way to the limit, “Cancel all”
        # would appear.
        for widget in (self.plot, self.cancel, self.limit, self.turn, self.more):
            row.addWidget(widget)
        self.turn.clicked.connect(lambda *_: self.press_turn())
        self.cancel.clicked.connect(lambda *_: self.cancel_requested.emit())
        self.show_paused(paused=False)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.plot.set_tokens(tokens)
        self.more.set_tokens(tokens)

    def show_paused(self, *, paused: bool) -> None:
        """Say what the button does now."""
        self._resumes = paused
        self.turn.setText(tr("Resume all") if paused else tr("Pause all"))

    def press_turn(self) -> None:
        """Ask for what the button says."""
        (self.resume_requested if self._resumes else self.pause_requested).emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the plot where there is room for it."""
        self.plot.setVisible(self.width() >= _WIDE)
        super().resizeEvent(event)
