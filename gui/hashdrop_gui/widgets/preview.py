"""Shows the preview of a file: a picture, a text, a table or a tree; plain widgets that load nothing."""

from __future__ import annotations

from typing import Any
from typing import assert_never

from PySide6.QtCore import QAbstractTableModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QRect
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPlainTextEdit
from PySide6.QtWidgets import QStackedWidget
from PySide6.QtWidgets import QTableView
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.previewing import Content
from hashdrop_gui.models.previewing import Node
from hashdrop_gui.models.previewing import Picture
from hashdrop_gui.models.previewing import Table
from hashdrop_gui.models.previewing import Text
from hashdrop_gui.models.previewing import Tree
from hashdrop_gui.models.previewing import Words
from hashdrop_gui.models.wording import plain_tip
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import monospace

HEIGHT = 220
_INSET = 12
_OPENED_BELOW = 12
"""A tree's branch with fewer entries is shown open."""


class Preview(QWidget):
    """One of several views, and a line below it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("preview")
        self.setFixedHeight(HEIGHT)
        self.words = QLabel()
        self.words.setObjectName("second")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setContentsMargins(24, 0, 24, 0)
        self.picture = _PictureView()
        self.text = QPlainTextEdit()
        self.text.setObjectName("previewText")
        self.text.setAccessibleName(tr("Beginning of the file"))
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setTabChangesFocus(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.table = QTableView()
        self.table.setObjectName("previewTable")
        self.table.setAccessibleName(tr("Beginning of the table"))
        self.table.setModel(_Rows(self.table))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.verticalHeader().setVisible(False)
        self.table.horizontalHeader().setDefaultSectionSize(88)
        self.table.horizontalHeader().setHighlightSections(False)
        self.tree = QTreeWidget()
        self.tree.setObjectName("previewTree")
        self.tree.setAccessibleName(tr("Beginning of the JSON document"))
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(14)
        self._stack = QStackedWidget()
        for widget in (self.words, self.picture, self.text, self.table, self.tree):
            self._stack.addWidget(widget)
        self.line = QLabel()
        self.line.setObjectName("previewLine")
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.line)
        self.show_content(Words(""))

    def show_content(self, content: Content) -> None:
        """Show a preview, or the words that stand for it."""
        self.line.setText(_line(content))
        self.line.setVisible(bool(self.line.text()))
        match content:
            case Words(text):
                self.words.setText(text)
                self._stack.setCurrentWidget(self.words)
            case Picture(image, _):
                self.picture.show_image(image)
                self._stack.setCurrentWidget(self.picture)
            case Text(text, _):
                self.text.setFont(monospace(12))
                self.text.setPlainText(text)
                self._stack.setCurrentWidget(self.text)
            case Table(titles, rows, _):
                self._rows.show_rows(titles, rows)
                self.table.scrollToTop()
                self._stack.setCurrentWidget(self.table)
            case Tree(nodes, _):
                self._show_tree(nodes)
                self._stack.setCurrentWidget(self.tree)
            case _:
                assert_never(content)

    @property
    def shown(self) -> QWidget | None:
        """The view that is shown."""
        return self._stack.currentWidget()

    @property
    def _rows(self) -> _Rows:
        rows = self.table.model()
        assert isinstance(rows, _Rows)
        return rows

    def _show_tree(self, nodes: list[Node]) -> None:
        self.tree.clear()
        items = [_item(node) for node in nodes]
        self.tree.addTopLevelItems(items)
        for item in items:
            item.setExpanded(0 < item.childCount() < _OPENED_BELOW or len(items) == 1)
        self.tree.resizeColumnToContents(0)
        self.tree.setColumnWidth(0, min(self.tree.columnWidth(0), 160))


class _PictureView(QWidget):
    """A picture in the middle, as large as there is room, never larger than it is."""

    def __init__(self) -> None:
        super().__init__()
        self._picture = QPixmap()

    def show_image(self, image: QImage) -> None:
        """Show a picture."""
        self._picture = QPixmap.fromImage(image)
        self.setAccessibleName(tr("Preview of the image"))
        self.update()

    @property
    def picture_size(self) -> QSize:
        """Of what is kept, pixels."""
        return self._picture.size()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Paint it."""
        if self._picture.isNull():
            return
        ratio = self.devicePixelRatioF()
        size = self._picture.size() / ratio
        room = self.size() - QSize(_INSET, _INSET)
        if size.width() > room.width() or size.height() > room.height():
            size = size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        target = QRect(0, 0, size.width(), size.height())
        target.moveCenter(self.rect().center())
        painter.drawPixmap(target, self._picture)


class _Rows(QAbstractTableModel):
    """The rows of a table."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._titles: list[str] = []
        self._lines: list[list[str]] = []

    def show_rows(self, titles: list[str], rows: list[list[str]]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._titles, self._lines = titles, rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Return the number of columns."""
        if parent.isValid():
            return 0
        return max([len(self._titles), *(len(line) for line in self._lines[:20])])

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._titles[section] if section < len(self._titles) else ""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a cell's text."""
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole}:
            line = self._lines[index.row()]
            text = line[index.column()] if index.column() < len(line) else ""
            return plain_tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        return None


def _line(content: Content) -> str:
    match content:
        case Picture(_, size):
            return f"{size.width():,} × {size.height():,}"
        case Text(_, False) | Table(_, _, False) | Tree(_, False):
            return tr("The beginning of the file")
        case _:
            return ""


def _item(node: Node) -> QTreeWidgetItem:
    item = QTreeWidgetItem([node.name, node.text])
    for child in node.children:
        item.addChild(_item(child))
    return item
