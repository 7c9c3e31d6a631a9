"""The header over the list of transfers: a click sorts, a drag makes wider, the menu hides and shows."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.columns import ALWAYS
from hashdrop_gui.models.columns import AT_FIRST
from hashdrop_gui.models.columns import NARROWEST
from hashdrop_gui.models.columns import NUMBERS
from hashdrop_gui.models.columns import Column
from hashdrop_gui.models.columns import Order
from hashdrop_gui.models.columns import Place
from hashdrop_gui.models.columns import laid_out
from hashdrop_gui.models.columns import title_of
from hashdrop_gui.models.wording import tr

HEIGHT = 30
_INDENT = 8
"""Of a button's words within it."""
_STEP = 16
"""Pixels by which a key makes a column wider."""


class _Title(QPushButton):
    """A column's title."""

    widened = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("column")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Make the column wider or narrower with Alt and an arrow."""
        steps = {Qt.Key.Key_Left: -_STEP, Qt.Key.Key_Right: _STEP}
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in steps:
            self.widened.emit(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)


class _Edge(QWidget):
    """Between two columns; dragged, it moves width from one to the other."""

    moved = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self._from: int | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = round(event.globalPosition().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell how far it went since last."""
        at = round(event.globalPosition().x())
        if self._from is not None and at != self._from:
            self.moved.emit(at - self._from)
            self._from = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: ARG002
        """End."""
        self._from = None


class ColumnHeader(QFrame):
    """Titles of the columns, over them.

    Args:
        left: Pixels before the first column.
        right: Pixels behind the last one.

    Signals:
        order_chosen: Another `Order`, or `None`.
        changed: Other columns are shown, or they have other widths.
    """

    order_chosen = Signal(object)
    changed = Signal()

    def __init__(self, left: int, right: int) -> None:
        super().__init__()
        self.setObjectName("columns")
        self.setFixedHeight(HEIGHT)
        self._left, self._right = left, right
        self._over = 0
        self.shown: frozenset[Column] = AT_FIRST
        """Columns that are shown."""
        self.widths: dict[Column, int] = {}
        """Of the columns that the person gave one."""
        self.order: Order | None = None
        """By which the rows stand."""
        self._titles: dict[Column, _Title] = {}
        self._edges: dict[Column, _Edge] = {}
        for column in Column:
            title = self._titles[column] = _Title(self)
            title.setProperty("isNumber", column in NUMBERS)
            title.clicked.connect(lambda *_, one=column: self._on_title_clicked(one))
            title.widened.connect(lambda by, one=column: self._widen(one, by))
            edge = self._edges[column] = _Edge(self)
            edge.moved.connect(lambda by, one=column: self._on_edge_moved(one, by))
        self._show_order()

    def begin(self, shown: frozenset[Column], widths: Mapping[Column, int]) -> None:
        """Show other columns, as they were kept."""
        self.shown = (shown or AT_FIRST) | ALWAYS
        self.widths = {column: width for column, width in widths.items() if width >= NARROWEST}
        self._lay_out()
        self.changed.emit()

    def show_order(self, order: Order | None) -> None:
        """Mark the column by which the rows stand."""
        self.order = order
        self._show_order()

    def fit(self, width: int) -> None:
        """Stand over a list that is so many pixels wide."""
        if width != self._over:
            self._over = width
            self._lay_out()

    def places(self, width: int) -> tuple[Place, ...]:
        """Return where the columns stand in a row that is so many pixels wide."""
        return laid_out(self.shown, self.widths, self._left, width - self._left - self._right)

    # --- inside ----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        places = {place.column: place for place in self.places(self._over)}
        for column in Column:
            title, edge = self._titles[column], self._edges[column]
            place = places.get(column)
            title.setVisible(place is not None)
            edge.setVisible(place is not None and column is not Column.NAME)
            if place is not None:
                behind = _INDENT if column in NUMBERS else 0
                title.setGeometry(
                    place.left - _INDENT, 1, place.width + _INDENT + behind, HEIGHT - 3
                )
                edge.setGeometry(place.left - 16, 0, 9, HEIGHT)

    def _show_order(self) -> None:
        for column, title in self._titles.items():
            words = name = title_of(column)
            if self.order is not None and self.order.column is column:
                words += "  ▾" if self.order.descending else "  ▴"
                name = (
                    tr("{column}, sorted downward")
                    if self.order.descending
                    else tr("{column}, sorted upward")
                ).format(column=name)
            title.setText(words)
            title.setAccessibleName(name)
            title.setToolTip(tr("Sort by this column. The menu hides and shows columns."))

    def _on_title_clicked(self, column: Column) -> None:
        order: Order | None = Order(column)
        if self.order == Order(column):
            order = Order(column, descending=True)
        elif self.order == Order(column, descending=True):
            order = None
        self.show_order(order)
        self.order_chosen.emit(order)

    def _on_edge_moved(self, column: Column, by: int) -> None:
        """Move the edge at the left of a column: its neighbour gets what it loses."""
        shown = [place.column for place in self.places(self._over)]
        self._give(shown[shown.index(column) - 1], column, by)

    def _widen(self, column: Column, by: int) -> None:
        shown = [place.column for place in self.places(self._over)]
        at = shown.index(column)
        if column is Column.NAME and len(shown) > 1:
            self._give(column, shown[1], by)
        elif at:
            self._give(Column.NAME, column, -by)

    def _give(self, first: Column, second: Column, by: int) -> None:
        """Make one column wider and another narrower; what the name has follows from the others."""
        places = {place.column: place.width for place in self.places(self._over)}
        least = NARROWEST
        by = max(least - places[first], min(places[second] - least, by))
        if not by:
            return
        places[first] += by
        places[second] -= by
        del places[Column.NAME]
        self.widths |= places  # all of them: else those that nobody touched would give way
        self._lay_out()
        self.changed.emit()

    # --- the menu --------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu, by the mouse or the keyboard."""
        self.menu().popup(event.globalPos() + QPoint(1, 1))

    def menu(self) -> QMenu:
        """Return the menu that hides and shows columns."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for column in Column:
            action = menu.addAction(title_of(column))
            action.setCheckable(True)
            action.setChecked(column in self.shown)
            action.setEnabled(column not in ALWAYS)
            action.toggled.connect(lambda _, one=column: self._turn(one))
        menu.addSeparator()
        menu.addAction(tr("Columns as at first")).triggered.connect(
            lambda *_: self.begin(AT_FIRST, {})
        )
        return menu

    def _turn(self, column: Column) -> None:
        self.shown ^= {column}
        self._lay_out()
        self.changed.emit()
