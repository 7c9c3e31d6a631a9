"""A small plot of the speed of the last minutes."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QPointF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPainterPath
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.speed import SpeedLog
from hashdrop_gui.models.wording import speed_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens

_SIZE = QSize(160, 28)
_TICK_MS = 1_000
_SPAN = 3
"""Seconds that a point is the mean of."""
_SHORTEST = 30
"""Seconds that are drawn at least: what has just begun is no dot at the right."""


class SpeedPlot(QWidget):
    """Draws a log; it moves only while there is something to draw.

    Args:
        log: What it draws.
        tokens: Colours.
    """

    def __init__(self, log: SpeedLog, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("speedPlot")
        self.setFixedSize(_SIZE)
        self._log = log
        self._tokens = tokens
        self._points: list[float] = []
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._show()

    @property
    def points(self) -> list[float]:
        """Bytes a second as they are drawn, the oldest first; none where nothing was sent."""
        return self._points

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens
        self.update()

    def wake(self) -> None:
        """Go on drawing: something is sent again."""
        if not self._timer.isActive():
            self._timer.start()

    def _on_timer_timeout(self) -> None:
        self._log.advance()
        if self._log.is_silent:
            self._timer.stop()
        self._show()

    def _show(self) -> None:
        samples = self._log.samples
        begun = next((at for at, sent in enumerate(samples) if sent), len(samples))
        samples = samples[min(begun, len(samples) - _SHORTEST) :]
        spans = [
            samples[at : at + _SPAN] for at in range(len(samples) % _SPAN, len(samples), _SPAN)
        ]
        self._points = [] if self._log.is_silent else [sum(span) / len(span) for span in spans]
        words = tr("Nothing was sent in the last 3 minutes")
        if self._points:
            words = tr("Speed of the last 3 minutes: now {now}, at most {most}").format(
                now=speed_text(self._log.rate), most=speed_text(max(samples))
            )
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the line over its ground."""
        t = self._tokens
        painter = QPainter(self)
        painter.setPen(QPen(QColor(t.line), 1))
        bottom = self.height() - 3
        painter.drawLine(0, bottom, self.width(), bottom)
        if not self._points:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max(*self._points, 1.0)
        step = (self.width() - 4) / max(1, len(self._points) - 1)
        points = [
            QPointF(2 + number * step, bottom - value / most * (bottom - 4))
            for number, value in enumerate(self._points)
        ]
        line = QPainterPath(points[0])
        for before, point in itertools.pairwise(
            points
        ):  # flat at each point: it never swings below
            middle = (before.x() + point.x()) / 2
            line.cubicTo(middle, before.y(), middle, point.y(), point.x(), point.y())
        pen = QPen(QColor(t.accent), 1.6)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPath(line)
