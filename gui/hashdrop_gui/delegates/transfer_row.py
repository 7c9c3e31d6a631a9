"""Paints a batch and a file: what is it, how far is it, what state is it in, where is it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QPoint
from PySide6.QtCore import QRect
from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QFont
from PySide6.QtGui import QFontMetrics
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QStyledItemDelegate
from PySide6.QtWidgets import QStyleOptionViewItem

from hashdrop.transfers.events import State
from hashdrop_gui.models.batch_actions import BatchAction
from hashdrop_gui.models.batch_actions import batch_actions_of
from hashdrop_gui.models.batch_actions import words_of
from hashdrop_gui.models.columns import NUMBERS
from hashdrop_gui.models.columns import Column
from hashdrop_gui.models.columns import Place
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfer_words import batch_text
from hashdrop_gui.models.transfer_words import number_text
from hashdrop_gui.models.transfer_words import state_text
from hashdrop_gui.models.transfers import Role
from hashdrop_gui.models.wording import one_line
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import monospace
from hashdrop_gui.theme import sized
from hashdrop_gui.theme import state_colour

if TYPE_CHECKING:
    from PySide6.QtCore import QAbstractItemModel

ROW_HEIGHT = 60
_SIDE = 24
_GAP = 20
_TILE = 28
LEFT = _SIDE + 8 + _TILE + 16
"""Pixels before the first column: its tile stands there."""
RIGHT = _SIDE
"""Pixels behind the last column."""
_BAR = 4
_BATCH_BAR = 220
"""Width of a batch's bar and its per cent; less in a narrow window."""
_PICTURES = 64
"""Pictures of rows that are kept: some screens full."""
_LOOKS = (
    QStyle.StateFlag.State_Selected
    | QStyle.StateFlag.State_MouseOver
    | QStyle.StateFlag.State_HasFocus
).value

Index = QModelIndex | QPersistentModelIndex


class Action(StrEnum):
    """What can be done with a row from within it."""

    COPY = "copy"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    COPY_DETAILS = "copy-details"


def actions_of(row: FileRow) -> list[tuple[Action, str]]:
    """Return the actions that a row offers, with their words."""
    if row.state is State.FAILED:
        return [(Action.RETRY, tr("Retry")), (Action.COPY_DETAILS, tr("Copy details"))]
    if row.state is State.CANCELLED:
        return [(Action.RETRY, tr("Retry"))]
    copy = [(Action.COPY, tr("Copy"))] if row.key else []
    if row.state.is_final:
        return copy
    held = row.state is State.PAUSED
    turn = (Action.RESUME, tr("Resume")) if held else (Action.PAUSE, tr("Pause"))
    return [*copy, turn, (Action.CANCEL, tr("Cancel"))]


class TransferRowDelegate(QStyledItemDelegate):
    """Lays a row out and paints it; the links in it can be clicked.

    Args:
        tokens: Colours.
        places: Says where the columns stand in a row of a width.
        parent: Of the delegate.

    Signals:
        acted: An action and the id of the file that it was clicked on.
        batch_acted: An action and the number of the batch that it was clicked on.
    """

    acted = Signal(str, int)
    batch_acted = Signal(str, int)

    def __init__(
        self,
        tokens: Tokens,
        places: Callable[[int], Sequence[Place]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._tokens = tokens
        self._mono = monospace(12)
        self._pictures: OrderedDict[object, QPixmap] = OrderedDict()
        self._places = places
        self._cells: dict[Column, tuple[int, int]] = {}
        self._cells_of = -1

    def lay_out_again(self) -> None:
        """Ask again where the columns stand."""
        self._cells_of = -1
        self._pictures.clear()

    def _cell(self, column: Column, rect: QRect) -> QRect | None:
        """Return where a column stands in a row, `None` where it is hidden."""
        if self._cells_of != rect.width():
            self._cells_of = rect.width()
            self._cells = {one.column: (one.left, one.width) for one in self._places(rect.width())}
        found = self._cells.get(column)
        if found is None:
            return None
        return QRect(rect.left() + found[0], rect.top(), found[1], rect.height())

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._tokens = tokens
        self._pictures.clear()

    # --- painting --------------------------------------------------------------------------------

    def _paint_batch(
        self, painter: QPainter, option: QStyleOptionViewItem, row: BatchRow, title: str
    ) -> None:
        t = self._tokens
        rect = option.rect.adjusted(_SIDE, 8, -_SIDE, 0)
        middle = rect.center().y()
        painter.setPen(QColor(t.second))
        _arrow(painter, QPoint(rect.left() + 5, middle), QColor(t.text), is_open=row.is_open)
        bold = sized(option.font, 14, QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(t.text))
        metrics = QFontMetrics(bold)
        bar_width = _batch_bar(option.rect)
        right = QRect(rect.right() - bar_width, rect.top(), bar_width, rect.height())
        left = QRect(rect.left() + 20, rect.top(), right.left() - rect.left() - 40, rect.height())
        shown = metrics.elidedText(title, Qt.TextElideMode.ElideMiddle, left.width() // 2)
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, shown)
        small = sized(option.font, 12)
        painter.setFont(small)
        painter.setPen(QColor(t.second))
        left.setLeft(left.left() + metrics.horizontalAdvance(shown) + _GAP)
        chosen = option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver)
        if chosen or row.count(State.FAILED):  # what needs the person offers it at once
            font = sized(option.font, 12, QFont.Weight.Medium)
            painter.setFont(font)
            painter.setPen(QColor(t.accent))
            for _, words, place in _batch_links(row, option.rect, font):
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)
                left.setRight(min(left.right(), place.left() - _GAP))
            painter.setFont(small)
            painter.setPen(QColor(t.second))
        text = QFontMetrics(small).elidedText(
            batch_text(row), Qt.TextElideMode.ElideRight, left.width()
        )
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, text)
        percent = QRect(right.right() - 48, right.top(), 48, right.height())
        painter.drawText(
            percent,
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
            f"{int(row.fraction * 100)} %",
        )
        failed = row.is_finished and row.count(State.FAILED) > 0
        done = row.is_finished and row.count(State.STORED, State.ALREADY_STORED) == len(row.files)
        colour = t.failed if failed else t.stored if done else t.accent
        bar = QRect(right.left() + 20, middle - 2, percent.left() - right.left() - 32, _BAR)
        self._bar(painter, bar, row.fraction, colour)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: D102
        # Else a name in Hebrew or Arabic has its extension at the other end than in the list of pointers.
        painter.setLayoutDirection(option.direction)
        row = index.data(Role.ROW)
        if isinstance(row, FileRow):
            self._show_file(painter, option, row, index.data(Role.SECOND))
        elif isinstance(row, BatchRow):
            painter.save()
            painter.fillRect(option.rect, QColor(self._tokens.background))  # over the view's own
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._ground(painter, option)
            self._paint_batch(painter, option, row, index.data())
            painter.restore()

    def _show_file(
        self, painter: QPainter, option: QStyleOptionViewItem, row: FileRow, second: str
    ) -> None:
        """Paint a file, from the picture that was made of it last if it still looks the same.

        Most rows of most pictures do; painting one costs a millisecond, and a scroll paints all.
        """
        rect, ratio = option.rect, painter.device().devicePixelRatioF()
        state = state_text(row)
        if ratio != int(ratio):  # between pixels a picture of a picture is blurred
            self._paint_file(painter, option, row, second, state)
            return
        key = (
            *(row.name, second, state, row.state, row.verified, row.key),
            row.shown if row.moves else None,
            row.speed if row.moves and Column.SPEED in self._cells else None,
            *(rect.width(), rect.height(), ratio, option.state.value & _LOOKS, option.font.key()),
        )
        picture = self._pictures.get(key)
        if picture is None:
            picture = QPixmap(rect.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(QColor(self._tokens.background))
            onto = QPainter(picture)
            onto.setLayoutDirection(option.direction)
            onto.translate(-rect.topLeft())
            self._paint_file(onto, option, row, second, state)
            onto.end()
            self._pictures[key] = picture
            if len(self._pictures) > _PICTURES:
                self._pictures.popitem(last=False)
        else:
            self._pictures.move_to_end(key)
        painter.drawPixmap(rect.topLeft(), picture)

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        t = self._tokens
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.selection if selected else t.hover))
            painter.drawRoundedRect(option.rect.adjusted(12, 1, -12, -2), 8, 8)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(t.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            # Between the pixels the line would be half as dark.
            painter.drawRoundedRect(QRectF(option.rect).adjusted(12.5, 1.5, -12.5, -2.5), 8, 8)

    def _paint_file(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        row: FileRow,
        second_text: str,
        state_words: str,
    ) -> None:
        t = self._tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, option)
        tile, name = _tile_of(option.rect), self._cell(Column.NAME, option.rect)
        assert name is not None
        state, place = self._cell(Column.STATE, option.rect), self._cell(Column.PATH, option.rect)
        first, second = _lines(option.rect)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if not (selected or hovered):
            painter.setPen(QColor(t.line))
            painter.drawLine(
                name.left(), option.rect.bottom(), option.rect.right() - _SIDE, option.rect.bottom()
            )
        self._tile(painter, option, tile, row)

        body = sized(option.font, 13, QFont.Weight.Medium)
        painter.setFont(body)
        painter.setPen(QColor(t.text))
        text = QFontMetrics(body).elidedText(
            one_line(row.name), Qt.TextElideMode.ElideMiddle, name.width()
        )
        painter.drawText(
            QRect(name.left(), first, name.width(), 20), Qt.AlignmentFlag.AlignVCenter, text
        )
        small = sized(option.font, 12)
        painter.setFont(small)
        is_failed = row.state is State.FAILED
        painter.setPen(QColor(t.failed if is_failed else t.second))
        width = name.width()
        if is_failed and state is not None:  # why it failed may run on below the state
            width += state.width() + _GAP
        text = QFontMetrics(small).elidedText(second_text, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(name.left(), second, width, 18), Qt.AlignmentFlag.AlignVCenter, text)

        if state is not None:
            self._state(painter, option, row, state, state_words)
        for column in NUMBERS:
            cell = self._cell(column, option.rect)
            if cell is not None:
                painter.setFont(small)
                painter.setPen(QColor(t.text if column is Column.SIZE else t.second))
                line = QRect(cell.left(), first, cell.width(), 20)
                text = number_text(row, column)
                text = painter.fontMetrics().elidedText(
                    text, Qt.TextElideMode.ElideRight, cell.width()
                )
                painter.drawText(
                    line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text
                )
        links = selected or hovered or is_failed  # what needs the person offers it at once
        if place is not None:
            self._place(painter, option, row, place)
        if links:
            font = sized(option.font, 12, QFont.Weight.Medium)
            painter.setFont(font)
            for _, words, rect in self._links(option, row, font):
                if place is None:  # over whatever stands there
                    ground = t.selection if selected else t.hover if hovered else t.background
                    painter.fillRect(rect.adjusted(-8, 0, 8, 0), QColor(ground))
                painter.setPen(QColor(t.accent))
                painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, words)
        painter.restore()

    def _state(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        row: FileRow,
        state: QRect,
        state_words: str,
    ) -> None:
        t = self._tokens
        first, second = _lines(option.rect)
        word = sized(option.font, 13, QFont.Weight.DemiBold)
        painter.setFont(word)
        unverified = row.state in {State.STORED, State.ALREADY_STORED} and not row.verified
        painter.setPen(QColor(t.waiting if unverified else state_colour(row.state, t)))
        text = QFontMetrics(word).elidedText(
            state_words, Qt.TextElideMode.ElideRight, state.width()
        )
        painter.drawText(
            QRect(state.left(), first, state.width(), 20), Qt.AlignmentFlag.AlignVCenter, text
        )
        if row.moves:
            bar = QRect(state.left(), second + 8, state.width() - 8, _BAR)
            self._bar(painter, bar, 1.0 if row.state is State.VERIFYING else row.shown, t.accent)

    def _place(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        row: FileRow,
        place: QRect,
    ) -> None:
        t = self._tokens
        first, _ = _lines(option.rect)
        line = QRect(place.left(), first, place.width(), 20)
        if row.key:
            painter.setFont(self._mono)
            painter.setPen(QColor(t.text))
            text = QFontMetrics(self._mono).elidedText(
                row.key, Qt.TextElideMode.ElideMiddle, place.width()
            )
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
        elif row.state in {State.HASHING, State.UPLOADING}:
            painter.setFont(sized(option.font, 12))
            painter.setPen(QColor(t.second))
            text = tr("shown when the hash is known")
            text = painter.fontMetrics().elidedText(
                text, Qt.TextElideMode.ElideRight, place.width()
            )
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)

    def _links(
        self, option: QStyleOptionViewItem, row: FileRow, font: QFont
    ) -> list[tuple[Action, str, QRect]]:
        """Return the links of a row and where they stand: below the path, or at the right without one."""
        metrics = QFontMetrics(font)
        words = [
            (action, text, metrics.horizontalAdvance(text) + 2) for action, text in actions_of(row)
        ]
        place = self._cell(Column.PATH, option.rect)
        if place is not None:
            left = place.left()
        else:
            left = option.rect.right() - _SIDE - sum(width + 16 for *_, width in words)
        top = _lines(option.rect)[1]
        links: list[tuple[Action, str, QRect]] = []
        for action, text, width in words:
            links.append((action, text, QRect(left, top, width, 18)))
            left += width + 16
        return links

    def _tile(
        self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, row: FileRow
    ) -> None:
        t = self._tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.track))
        painter.drawRoundedRect(rect, 6, 6)
        font = sized(option.font, 10, QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(t.second))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, row.extension or "·")

    def _bar(self, painter: QPainter, rect: QRect, fraction: float, colour: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._tokens.track))
        painter.drawRoundedRect(rect, _BAR / 2, _BAR / 2)
        filled = QRect(rect.left(), rect.top(), round(rect.width() * fraction), rect.height())
        if filled.width() >= _BAR:
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(filled, _BAR / 2, _BAR / 2)

    # --- Qt's questions --------------------------------------------------------------------------

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        """Return the height of every row."""
        return QSize(400, ROW_HEIGHT)

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        """Notice a click on one of the links."""
        row = index.data(Role.ROW)
        if (
            event.type() == QEvent.Type.MouseButtonRelease
            and isinstance(event, QMouseEvent)
            and event.button() == Qt.MouseButton.LeftButton
        ):
            point = event.position().toPoint()
            if isinstance(row, FileRow):
                action = self.action_at(option, row, point)
                if action is not None:
                    self.acted.emit(action.value, row.id)
                    return True
            elif isinstance(row, BatchRow):
                batch_action = self.batch_action_at(option, row, point)
                if batch_action is not None:
                    self.batch_acted.emit(batch_action.value, row.number)
                    return True
        return super().editorEvent(event, model, option, index)

    def action_at(self, option: QStyleOptionViewItem, row: FileRow, point: QPoint) -> Action | None:
        """Return the action whose link is at a point of a row."""
        font = sized(option.font, 12, QFont.Weight.Medium)
        for action, _, rect in self._links(option, row, font):
            if rect.adjusted(-4, -4, 4, 4).contains(point):
                return action
        return None

    def batch_action_at(
        self, option: QStyleOptionViewItem, row: BatchRow, point: QPoint
    ) -> BatchAction | None:
        """Return the action whose link is at a point of a batch's row."""
        font = sized(option.font, 12, QFont.Weight.Medium)
        for action, _, rect in _batch_links(row, option.rect, font):
            if rect.adjusted(-4, -4, 4, 4).contains(point):
                return action
        return None


def _batch_bar(rect: QRect) -> int:
    """Return the width of a batch's bar and its per cent: its words and links need room, too."""
    return min(_BATCH_BAR, rect.width() * 3 // 10)


def _batch_links(row: BatchRow, rect: QRect, font: QFont) -> list[tuple[BatchAction, str, QRect]]:
    """Return the links of a batch and where they stand: before its bar, as many as there is room for."""
    metrics = QFontMetrics(font)
    right = rect.right() - _SIDE - _batch_bar(rect) - 8
    room = right - rect.left() - rect.width() * 2 // 5
    middle = rect.adjusted(0, 8, 0, 0).center().y()
    shown: list[tuple[BatchAction, str, int]] = []
    for action in batch_actions_of(row):  # the most urgent first; the menu has all
        words = words_of(action)
        width = metrics.horizontalAdvance(words) + 2
        if width <= room:
            shown.append((action, words, width))
            room -= width + 16
    links: list[tuple[BatchAction, str, QRect]] = []
    for action, words, width in reversed(shown):
        links.append((action, words, QRect(right - width, middle - 9, width, 18)))
        right -= width + 16
    return links


def _tile_of(rect: QRect) -> QRect:
    return QRect(rect.left() + _SIDE + 8, rect.top() + (rect.height() - _TILE) // 2, _TILE, _TILE)


def _lines(rect: QRect) -> tuple[int, int]:
    return rect.top() + 9, rect.top() + 31


def _arrow(painter: QPainter, at: QPoint, colour: QColor, *, is_open: bool) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    x, y = at.x(), at.y()
    if is_open:
        painter.drawPolygon([QPoint(x - 5, y - 3), QPoint(x + 5, y - 3), QPoint(x, y + 4)])
    else:
        painter.drawPolygon([QPoint(x - 3, y - 5), QPoint(x - 3, y + 5), QPoint(x + 4, y)])
