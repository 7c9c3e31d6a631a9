"""Paints a past drop: what it was, what became of it, where it is."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QPoint
from PySide6.QtCore import QRect
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QFont
from PySide6.QtGui import QFontMetrics
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QStyledItemDelegate
from PySide6.QtWidgets import QStyleOptionViewItem

from hashdrop_gui.models.history import HistoryRole
from hashdrop_gui.models.history import details_text
from hashdrop_gui.models.history import outcome_text
from hashdrop_gui.models.history import title_of
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import monospace
from hashdrop_gui.theme import sized

if TYPE_CHECKING:
    from PySide6.QtCore import QAbstractItemModel

    from hashdrop.service import PastDrop

ROW_HEIGHT = 60
_SIDE = 24
_GAP = 20
_STATE = 130
Index = QModelIndex | QPersistentModelIndex


class HistoryAction(StrEnum):
    """What can be done with a past drop."""

    EXPORT = "export"
    COPY = "copy"
    FORGET = "forget"


def words_of(action: HistoryAction) -> str:
    """Return what an action is called."""
    return {
        HistoryAction.EXPORT: tr("Export…"),
        HistoryAction.COPY: tr("Copy pointers"),
        HistoryAction.FORGET: tr("Remove"),
    }[action]


def actions_of(drop: PastDrop) -> list[HistoryAction]:
    """Return what a past drop offers."""
    there = drop.stored + drop.already_stored
    return list(HistoryAction) if there else [HistoryAction.FORGET]


class HistoryRowDelegate(QStyledItemDelegate):
    """Lays a row out and paints it; the links in it can be clicked.

    Signals:
        acted: A `HistoryAction` and the row of the model that it was clicked on.
    """

    acted = Signal(str, int)

    def __init__(self, tokens: Tokens, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tokens = tokens

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: D102
        drop: PastDrop = index.data(HistoryRole.DROP)
        t, rect = self._tokens, option.rect
        painter.save()
        painter.setLayoutDirection(option.direction)
        painter.fillRect(rect, QColor(t.background))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if chosen or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.selection if chosen else t.hover))
            painter.drawRoundedRect(rect.adjusted(12, 1, -12, -2), 8, 8)
        else:
            painter.setPen(QColor(t.line))
            painter.drawLine(
                rect.left() + _SIDE + 8, rect.bottom(), rect.right() - _SIDE, rect.bottom()
            )
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(t.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(12.5, 1.5, -12.5, -2.5), 8, 8)
        name, state, place = _cells(rect)
        first, second = rect.top() + 9, rect.top() + 31
        body = sized(option.font, 13, QFont.Weight.Medium)
        small = sized(option.font, 12)
        _write(painter, name, first, title_of(drop), body, t.text, Qt.TextElideMode.ElideMiddle)
        _write(painter, name, second, details_text(drop), small, t.second)
        colour = t.failed if drop.failed else t.waiting if drop.left else t.stored
        if drop.cancelled == drop.files:
            colour = t.second
        bold = sized(option.font, 13, QFont.Weight.DemiBold)
        _write(painter, state, first, outcome_text(drop), bold, colour)
        mono = monospace(12)
        middle = Qt.TextElideMode.ElideMiddle
        _write(painter, place, first, drop.destination, mono, t.text, middle)
        if chosen or hovered:
            font = sized(option.font, 12, QFont.Weight.Medium)
            for _, words, link in _links(drop, rect, font):
                _write(painter, link, second, words, font, t.accent)
        else:
            _write(painter, place, second, drop.connection, small, t.second)
        painter.restore()

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        """Notice a click on one of the links."""
        if (
            event.type() == QEvent.Type.MouseButtonRelease
            and isinstance(event, QMouseEvent)
            and event.button() == Qt.MouseButton.LeftButton
        ):
            point = event.position().toPoint()
            action = self.action_at(option, index.data(HistoryRole.DROP), point)
            if action is not None:
                self.acted.emit(action.value, index.row())
                return True
        return super().editorEvent(event, model, option, index)

    def action_at(
        self, option: QStyleOptionViewItem, drop: PastDrop, point: QPoint
    ) -> HistoryAction | None:
        """Return the action whose link is at a point of a row."""
        font = sized(option.font, 12, QFont.Weight.Medium)
        for action, _, rect in _links(drop, option.rect, font):
            if rect.adjusted(-4, -4, 4, 4).contains(point):
                return action
        return None


def _cells(rect: QRect) -> tuple[QRect, QRect, QRect]:
    """Return where name, state and place stand in a row."""
    left = rect.left() + _SIDE + 8
    width = rect.right() - _SIDE - left
    place = max(216, (width - _STATE - 2 * _GAP) * 42 // 100)
    name = width - _STATE - place - 2 * _GAP
    return (
        QRect(left, rect.top(), name, rect.height()),
        QRect(left + name + _GAP, rect.top(), _STATE, rect.height()),
        QRect(left + name + _STATE + 2 * _GAP, rect.top(), place, rect.height()),
    )


def _links(drop: PastDrop, rect: QRect, font: QFont) -> list[tuple[HistoryAction, str, QRect]]:
    metrics = QFontMetrics(font)
    left = _cells(rect)[2].left()
    links: list[tuple[HistoryAction, str, QRect]] = []
    for action in actions_of(drop):
        words = words_of(action)
        width = metrics.horizontalAdvance(words) + 2
        links.append((action, words, QRect(left, rect.top() + 31, width, 18)))
        left += width + 16
    return links


def _write(
    painter: QPainter,
    cell: QRect,
    top: int,
    text: str,
    font: QFont,
    colour: str,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = QFontMetrics(font).elidedText(text, elide, cell.width())
    painter.drawText(
        QRect(cell.left(), top, cell.width(), 19), Qt.AlignmentFlag.AlignVCenter, shown
    )
