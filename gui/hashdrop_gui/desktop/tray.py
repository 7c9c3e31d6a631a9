"""The icon in the desktop's tray: how far all of it is, what holds it, and a word at each end."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QIcon
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QSystemTrayIcon
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.timed_pause import Pause
from hashdrop_gui.models.timed_pause import pause_words
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import drawing

_SIZE = 64
_WITHOUT_DESKTOP = {"offscreen", "minimal"}
_STEPS = 20
"""Of the progress in the icon: a new picture costs a trip to the desktop."""


class Tray(QObject):
    """Shows how it stands; where the desktop has no tray it only knows what it would show.

    Args:
        tokens: Colours.
        parent: The window.

    Signals:
        open_requested: The icon or "Open Hashdrop" was clicked.
        batch_requested: A notification was clicked; the number of its batch.
        turn_requested: "Pause all" or "Resume all".
        pause_chosen: How long to pause, a `Pause`.
        quit_requested: "Quit".
    """

    open_requested = Signal()
    batch_requested = Signal(int)
    turn_requested = Signal()
    pause_chosen = Signal(object)
    quit_requested = Signal()

    def __init__(self, tokens: Tokens, parent: QWidget) -> None:
        super().__init__(parent)
        self._tokens = tokens
        self._shown: tuple[int | None, bool] | None = None
        self._batch = 0
        self.tooltip = ""
        """What the icon says."""
        self.notice = ("", "")
        """Title and text of the last notification."""
        self.menu = QMenu(parent)
        self.menu.addAction(tr("Open Hashdrop")).triggered.connect(
            lambda *_: self.open_requested.emit()
        )
        self.menu.addSeparator()
        self._turn = self.menu.addAction(tr("Pause all"))
        self._turn.triggered.connect(lambda *_: self.turn_requested.emit())
        for pause in Pause:
            self.menu.addAction(pause_words(pause)).triggered.connect(
                lambda *_, one=pause: self.pause_chosen.emit(one)
            )
        self.menu.addSeparator()
        self.menu.addAction(tr("Quit")).triggered.connect(lambda *_: self.quit_requested.emit())
        self._icon: QSystemTrayIcon | None = None
        # Made even where there is no tray yet: one that comes later is found by Qt itself.
        if QGuiApplication.platformName() not in _WITHOUT_DESKTOP:
            self._icon = QSystemTrayIcon(self)
            self._icon.setContextMenu(self.menu)
            self._icon.activated.connect(self._on_icon_activated)
            self._icon.messageClicked.connect(self.click_notice)
        self.show_state("", None, paused=False)
        if self._icon is not None:
            self._icon.show()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens
        shown, self._shown = self._shown, None
        if shown is not None:
            self._paint(*shown)

    def show_state(self, words: str, fraction: float | None, *, paused: bool) -> None:
        """Show how it stands.

        Args:
            words: As the window's bottom line.
            fraction: How much of all is done; `None` where nothing is to be done.
            paused: Whether all is held.
        """
        self.tooltip = f"Hashdrop: {words}" if words else "Hashdrop"
        if fraction is not None:
            self.tooltip += f" · {int(fraction * 100)} %"
        self._turn.setText(tr("Resume all") if paused else tr("Pause all"))
        if self._icon is not None:
            self._icon.setToolTip(self.tooltip)
        self._paint(None if fraction is None else int(fraction * _STEPS), paused)

    def _paint(self, step: int | None, paused: bool) -> None:  # noqa: FBT001  # a pair, as remembered
        if (step, paused) == self._shown:
            return
        self._shown = (step, paused)
        if self._icon is not None:
            fraction = None if step is None else step / _STEPS
            self._icon.setIcon(QIcon(tray_picture(fraction, self._tokens, paused=paused)))

    def notify(self, batch: int, title: str, text: str) -> None:
        """Tell the end of a batch; a click on it asks for the batch."""
        self._batch = batch
        self.notice = (title, text)
        if self._icon is not None and QSystemTrayIcon.isSystemTrayAvailable():
            self._icon.showMessage(title, text, QIcon(tray_picture(None, self._tokens)))

    def click_notice(self) -> None:
        """Do what a click on the last notification does."""
        self.batch_requested.emit(self._batch)

    def hide(self) -> None:
        """Take the icon out of the tray."""
        if self._icon is not None:
            self._icon.hide()

    def _on_icon_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in {
            QSystemTrayIcon.ActivationReason.Trigger,
            QSystemTrayIcon.ActivationReason.DoubleClick,
        }:
            self.open_requested.emit()


def tray_picture(fraction: float | None, tokens: Tokens, *, paused: bool = False) -> QPixmap:
    """Return the program's drop, with a bar for how much is done, and two strokes where all is held."""
    picture = QPixmap(drawing("hashdrop", QSize(_SIZE, _SIZE), ()))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    if fraction is not None:
        painter.setBrush(QColor(tokens.background))
        painter.drawRoundedRect(QRectF(0, 50, _SIZE, 14), 6, 6)
        painter.setBrush(QColor(tokens.waiting if paused else tokens.stored))
        painter.drawRoundedRect(QRectF(2, 52, (_SIZE - 4) * max(0.08, fraction), 10), 4, 4)
    if paused:
        painter.setBrush(QColor(tokens.background))
        painter.drawEllipse(QRectF(32, 14, 32, 32))
        painter.setBrush(QColor(tokens.waiting))
        painter.drawRoundedRect(QRectF(41, 21, 5, 18), 2, 2)
        painter.drawRoundedRect(QRectF(50, 21, 5, 18), 2, 2)
    painter.end()
    return picture
