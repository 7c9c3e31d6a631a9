"""The left side: pages and connections."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QFont
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QButtonGroup
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import drawing
from hashdrop_gui.theme import icon
from hashdrop_gui.theme import sized

WIDTH = 208
_NARROW = 60
"""Its width where the window has no room for words beside the icons."""


class NavigationButton(QPushButton):
    """A page's name, with a count at its right.

    Args:
        text: Name of the page.
        drawing_name: Of its icon.
    """

    def __init__(self, text: str, drawing_name: str) -> None:
        super().__init__(text)
        self.setObjectName("navigation")
        self.setCheckable(True)
        self.setIconSize(QSize(20, 20))
        self._words = text
        self._drawing = drawing_name
        self._count = QLabel(self)
        self._count.setObjectName("navigationCount")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 12, 0)
        layout.addStretch(1)
        layout.addWidget(self._count)

    def set_count(self, count: int) -> None:
        """Show a number; none for 0."""
        self._count.setText(f"{count:,}" if count else "")
        name = tr("{page}, {n} active").format(page=self._words, n=count) if count else self._words
        self.setAccessibleName(name)

    def set_narrow(self, narrow: bool) -> None:  # noqa: FBT001  # a state
        """Show the icon only, or its words again."""
        self.setText("" if narrow else self._words)
        self.setToolTip(self._words if narrow else "")
        self.setAccessibleName(self.accessibleName() or self._words)
        self._count.setHidden(narrow)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self.setIcon(icon(self._drawing, tokens.second))


class ConnectionButton(QPushButton):
    """A connection: a dot, its name, a second line.

    Args:
        name: Of the connection.
        second: What it is.
        tokens: Colours.
    """

    def __init__(self, name: str, second: str, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("connection")
        self.setCheckable(True)
        self.setMinimumHeight(48)
        self.setToolTip(f"{name}\n{second}")
        self.name = name
        self.second = second
        self._tokens = tokens
        self._state = ""
        self.set_state("")

    def set_state(self, state: str) -> None:
        """Show how it stands: "ready", "starting", "failed" or "" for not tried."""
        self._state = state
        words = {
            "ready": tr("ready"),
            "starting": tr("starting"),
            "failed": tr("cannot be reached"),
        }
        self.setAccessibleName(
            ", ".join(t for t in (self.name, self.second, words.get(state, "")) if t)
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint dot and lines over the style's frame."""
        super().paintEvent(event)
        t = self._tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = {"ready": t.stored, "starting": t.waiting, "failed": t.failed}
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.get(self._state, t.second)))
        if self.width() < _NARROW:  # the tooltip has its words
            painter.drawEllipse(self.width() // 2 - 4, 9, 8, 8)
            painter.setFont(sized(self.font(), 12, QFont.Weight.Medium))
            painter.setPen(QColor(t.text))
            below = self.rect().adjusted(0, 18, 0, -6)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self.name[:2])
            return
        painter.drawEllipse(12, 14, 8, 8)
        width = self.width() - 42
        for top, text, font, colour in (
            (6, self.name, sized(self.font(), 13, QFont.Weight.Medium), t.text),
            (24, self.second, sized(self.font(), 12), t.second),
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, width)
            painter.drawText(30, top, width, 18, Qt.AlignmentFlag.AlignVCenter, shown)


class Sidebar(QFrame):
    """Pages above, connections below.

    Signals:
        page_chosen: Number of a page.
        connection_chosen: Name of a connection.
        settings_requested: Name of the connection to edit, "" for a new one.
    """

    page_chosen = Signal(int)
    connection_chosen = Signal(str)
    settings_requested = Signal(str)

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setFixedWidth(WIDTH)
        self._tokens = tokens
        self._mark = QLabel()
        self._brand = QLabel("Hashdrop")
        self._brand.setObjectName("brand")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._mark)
        head.addWidget(self._brand, 1)
        head.setContentsMargins(10, 0, 0, 14)
        self.transfers = NavigationButton(tr("Transfers"), "transfers")
        self.pointers = NavigationButton(tr("Pointers"), "pointers")
        self._pages = QButtonGroup(self)
        self._caption = QLabel(tr("CONNECTIONS"))
        self._caption.setObjectName("caption")
        self._add = QToolButton()
        self._add.setObjectName("addConnection")
        self._add.setAccessibleName(tr("Add a connection"))
        self._add.setToolTip(tr("Add a connection"))
        self._add.clicked.connect(lambda *_: self.settings_requested.emit(""))
        captions = QHBoxLayout()
        captions.setContentsMargins(12, 20, 0, 2)
        captions.addWidget(self._caption, 1)
        captions.addWidget(self._add)
        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, ConnectionButton] = {}
        self._painted_with: Tokens | None = None
        self._settings = NavigationButton(tr("Settings…"), "settings")
        self._settings.setCheckable(False)
        self._settings.clicked.connect(lambda *_: self.settings_requested.emit(self._current))
        self._current = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 22, 10, 10)
        layout.setSpacing(4)
        layout.addLayout(head)
        for number, button in enumerate((self.transfers, self.pointers)):
            self._pages.addButton(button, number)
            layout.addWidget(button)
        layout.addLayout(captions)
        layout.addLayout(self._list)
        layout.addStretch(1)
        layout.addWidget(self._settings)
        self._pages.idClicked.connect(self.page_chosen)
        self.transfers.setChecked(True)
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens
        ratio = self.devicePixelRatioF()
        self._mark.setPixmap(drawing("hashdrop", QSize(22, 22), (), ratio))
        self._add.setIcon(icon("add", tokens.second))
        for button in (self.transfers, self.pointers, self._settings):
            button.set_tokens(tokens)

    def set_narrow(self, narrow: bool) -> None:  # noqa: FBT001  # a state
        """Show icons only, or their words again."""
        width = _NARROW if narrow else WIDTH
        if width == self.minimumWidth():
            return
        self.setFixedWidth(width)
        self._brand.setHidden(narrow)
        self._caption.setHidden(narrow)
        for button in (self.transfers, self.pointers, self._settings):
            button.set_narrow(narrow)

    def choose_page(self, number: int) -> None:
        """Mark a page as the one that is shown."""
        self._pages.button(number).setChecked(True)

    def show_connections(self, connections: list[tuple[str, str]], current: str) -> None:
        """List the connections.

        Args:
            connections: Name and second line of each.
            current: Name of the one that drops go to.
        """
        self._current = current
        listed = [(button.name, button.second) for button in self._buttons.values()]
        if connections != listed or self._painted_with is not self._tokens:
            had_focus = any(button.hasFocus() for button in self._buttons.values())
            self._list_connections(connections)
            if had_focus and current in self._buttons:
                self._buttons[current].show()  # what is hidden takes no focus
                self._buttons[current].setFocus(Qt.FocusReason.OtherFocusReason)
        if current in self._buttons:
            self._buttons[current].setChecked(True)
        for (
            name,
            button,
        ) in self._buttons.items():  # Tab comes to the chosen one, arrows to the others
            chosen = name == current or current not in self._buttons
            button.setFocusPolicy(
                Qt.FocusPolicy.StrongFocus if chosen else Qt.FocusPolicy.ClickFocus
            )

    def _list_connections(self, connections: list[tuple[str, str]]) -> None:
        self._painted_with = self._tokens
        for button in self._buttons.values():
            self._list.removeWidget(button)
            self._group.removeButton(button)
            button.deleteLater()
        self._buttons.clear()
        before: QWidget = self._add
        for name, second in connections:
            button = ConnectionButton(name, second, self._tokens)
            button.clicked.connect(lambda *_, chosen=name: self.connection_chosen.emit(chosen))
            self._group.addButton(button)
            self._list.addWidget(button)
            self._buttons[name] = button
            self.setTabOrder(before, button)
            before = button
        self.setTabOrder(before, self._settings)

    def show_state(self, name: str, state: str) -> None:
        """Show how a connection stands."""
        if name in self._buttons:
            self._buttons[name].set_state(state)
