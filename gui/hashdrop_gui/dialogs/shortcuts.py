"""All keys on one page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QGridLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr

Entry = tuple[str, str]
"""What is done, and by which keys."""


def entries_of(actions: Sequence[QAction]) -> list[Entry]:
    """Return the entries of actions, as they are set."""
    return [(action.text(), keys_text(action.shortcuts())) for action in actions]


def keys_text(keys: Sequence[QKeySequence]) -> str:
    """Return keys as they stand on this computer's keyboard."""
    return tr(" or ").join(one.toString(QKeySequence.SequenceFormat.NativeText) for one in keys)


class ShortcutsDialog(QDialog):
    """Lists what the keyboard can do.

    Args:
        groups: Title and entries of each group.
        parent: The window.
    """

    def __init__(self, groups: Sequence[tuple[str, Sequence[Entry]]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutsDialog")
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.setModal(True)
        listed = QWidget()
        grid = QGridLayout(listed)
        grid.setContentsMargins(0, 0, 12, 0)
        grid.setHorizontalSpacing(40)
        grid.setVerticalSpacing(6)
        line = 0
        for title, entries in groups:
            caption = QLabel(title)
            caption.setObjectName("caption")
            caption.setContentsMargins(0, 12 if line else 0, 0, 0)
            grid.addWidget(caption, line, 0, 1, 2)
            for words, keys in entries:
                line += 1
                shown = QLabel(keys)
                shown.setObjectName("keys")
                grid.addWidget(QLabel(words), line, 0)
                grid.addWidget(shown, line, 1, Qt.AlignmentFlag.AlignRight)
            line += 1
        buttons = QDialogButtonBox()
        close = buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        area = QScrollArea()  # on a small screen not all of it has room
        area.setWidget(listed)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(listed.sizeHint().width() + 16)
        area.setAccessibleName(tr("Keyboard shortcuts"))
        layout.addWidget(area)
        layout.addSpacing(12)
        layout.addWidget(buttons)
        room = parent.screen().availableSize().height() - 60
        self.resize(area.minimumWidth() + 48, min(listed.sizeHint().height() + 120, room))
        self.setAccessibleDescription(
            ". ".join(f"{words}: {keys}" for _, entries in groups for words, keys in entries)
        )
