"""“Have I stored this?”: the answers, file by file, with every place, name and date."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import one_line
from hashdrop_gui.models.wording import plain_tip
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.models.wording import when_text
from hashdrop_gui.theme import Tokens

if TYPE_CHECKING:
    from hashdrop.stored.looking_up import Answer
    from hashdrop.stored.looking_up import FoundPlace

_OPENED = 50
"""Files whose places are shown at once; the others open with a click."""
_NAMES = 5
"""Names of a place that are told."""


class LookUpPanel(QWidget):
    """A sentence, a tree of answers, and what can be done.

    Args:
        tokens: Colours.

    Signals:
        upload_requested: The files that are not stored, a list of paths.
        closed: The answers are not wanted any more.
    """

    upload_requested = Signal(list)
    closed = Signal()

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("lookUp")
        self._tokens = tokens
        self._stored = self._failed = 0
        self.missing: list[Path] = []
        """Files that are not stored."""
        self.title = QLabel()
        self.title.setObjectName("title")
        self.summary = QLabel()
        self.summary.setObjectName("second")
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.upload = QPushButton(tr("Upload what is missing"))
        self.upload.setObjectName("primary")
        self.upload.clicked.connect(lambda *_: self.upload_requested.emit(list(self.missing)))
        self._close = QPushButton(tr("Close"))
        self._close.clicked.connect(lambda *_: self.closed.emit())
        self.tree = QTreeWidget()
        self.tree.setObjectName("lookUpTree")
        self.tree.setAccessibleName(tr("Answers"))
        self.tree.setColumnCount(3)
        self.tree.setHeaderLabels([tr("File"), tr("Answer"), tr("Size")])
        self.tree.setUniformRowHeights(True)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(1, 210)
        header.resizeSection(2, 90)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.summary)
        head = QHBoxLayout()
        head.setContentsMargins(11, 4, 7, 8)
        head.addLayout(words, 1)
        head.addWidget(self.upload)
        head.addWidget(self._close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.tree, 1)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint what comes in another scheme."""
        self._tokens = tokens

    def begin(self) -> None:
        """Forget the answers before."""
        self._stored = self._failed = 0
        self.missing = []
        self.tree.clear()
        self.title.setText(tr("Have I stored this?"))
        self.summary.setText(tr("Looking up. Nothing is sent."))
        self.upload.setEnabled(False)

    def add(self, answers: Sequence[Answer]) -> None:
        """Show more answers."""
        items = [self._item(answer) for answer in answers]
        room = _OPENED - self.tree.topLevelItemCount()
        self.tree.addTopLevelItems(items)
        for item in items[: max(0, room)]:
            item.setExpanded(True)
            for at in range(item.childCount()):
                if (place := item.child(at)) is not None:
                    place.setExpanded(True)
        self.summary.setText(tr("Looking up. Nothing is sent. {so_far}").format(so_far=self._words))

    def finish(self) -> None:
        """Say that all is answered."""
        self.summary.setText(self._words or tr("There are no files in what was dropped"))
        self.upload.setEnabled(bool(self.missing))
        self.setAccessibleDescription(self.summary.text())

    @property
    def _words(self) -> str:
        parts = [
            (self._stored, tr("{files} stored")),
            (len(self.missing), tr("{files} not stored")),
            (self._failed, tr("{files} not looked up")),
        ]
        return " · ".join(words.format(files=files_text(n)) for n, words in parts if n)

    def _item(self, answer: Answer) -> QTreeWidgetItem:
        t = self._tokens
        name = answer.path.name if answer.path else ""
        if not answer.content_hash and answer.error is not None:
            self._failed += 1
            words, colour = answer.error.sentence, t.failed
        elif answer.is_stored:
            self._stored += 1
            words, colour = tr("Stored"), t.stored
        else:
            if answer.path is not None:
                self.missing.append(answer.path)
            words, colour = tr("Not stored"), t.waiting
            if answer.error is not None:
                words = tr("Not in the catalog; the store was not asked")
        item = QTreeWidgetItem([name, words, size_text(answer.size) if answer.content_hash else ""])
        item.setForeground(1, QColor(colour))
        item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setToolTip(0, plain_tip(str(answer.path or "")))
        item.setToolTip(
            1, plain_tip(answer.error.sentence if answer.error else answer.content_hash)
        )
        for place in answer.places:
            item.addChild(self._place_item(place))
        return item

    def _place_item(self, place: FoundPlace) -> QTreeWidgetItem:
        address = f"s3://{place.bucket}/{place.key}"
        if place.error is not None:
            words = tr("The store was not asked")
        else:
            words = {
                True: tr("In the store"),
                False: tr("Not in the store"),
                None: tr("In another store"),
            }[place.in_store]
        item = QTreeWidgetItem([address, f"{words} · {place.connection}".rstrip(" ·"), ""])
        item.setToolTip(0, plain_tip(address))
        item.setForeground(0, QColor(self._tokens.second))
        item.setForeground(1, QColor(self._tokens.second))
        if place.error is not None:
            item.setToolTip(1, plain_tip(place.error.sentence))
        for row in place.names[:_NAMES]:
            who = row.user or row.machine
            what = one_line(f"{row.folder}/{row.name}" if row.folder else row.name)
            named = QTreeWidgetItem(
                [
                    tr("as {name}").format(name=what),
                    f"{when_text(row.stored_at)} · {who}".rstrip(" ·"),
                    "",
                ]
            )
            named.setForeground(1, QColor(self._tokens.second))
            item.addChild(named)
        if len(place.names) > _NAMES:
            more = tr("and {n} more").format(n=f"{len(place.names) - _NAMES:,}")
            item.addChild(QTreeWidgetItem([more, "", ""]))
        return item

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close at Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
