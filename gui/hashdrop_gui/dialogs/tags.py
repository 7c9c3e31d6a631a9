"""Edits the tags of an object, a line each."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPlainTextEdit
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr


class TagsDialog(QDialog):
    """A field with `tag=value` on each line.

    Args:
        name: Of the file.
        tags: As they are.
        parent: The window.

    Signals:
        changed: All tags, as a `dict`, when they are others than before.
    """

    changed = Signal(object)

    def __init__(self, name: str, tags: Mapping[str, str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tagsDialog")
        self.setWindowTitle(tr("Tags"))
        self.setModal(True)
        self.setMinimumWidth(420)
        self._before = dict(tags)
        label = QLabel(tr("Tags of {name}").format(name=name))
        label.setTextFormat(Qt.TextFormat.PlainText)  # a file may be named like a tag of HTML
        label.setWordWrap(True)
        self.field = QPlainTextEdit("\n".join(f"{tag}={value}" for tag, value in tags.items()))
        self.field.setAccessibleName(tr("Tags, one a line"))
        self.field.setPlaceholderText(tr("run=7"))
        self.field.setTabChangesFocus(True)
        self.field.setFixedHeight(140)
        label.setBuddy(self.field)
        hint = QLabel(tr("One a line, as run=7. A store takes 10 of an object."))
        hint.setObjectName("fieldHint")
        self.fault = QLabel()
        self.fault.setObjectName("fault")
        self.fault.setTextFormat(Qt.TextFormat.PlainText)
        self.fault.setWordWrap(True)
        self.fault.hide()
        buttons = QDialogButtonBox()
        self.save = buttons.addButton(tr("Save"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.save.setObjectName("primary")
        self.save.setDefault(True)
        buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole).setAutoDefault(
            False
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(8)
        for widget in (label, self.field, hint, self.fault):
            layout.addWidget(widget)
        layout.addSpacing(10)
        layout.addWidget(buttons)
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)

    def _on_accepted(self) -> None:
        tags: dict[str, str] = {}
        for line in self.field.toPlainText().splitlines():
            tag, _, value = (part.strip() for part in line.partition("="))
            if not tag and not value:
                continue
            if not tag or tag in tags:
                words = tr("“{line}” has no tag before the equals sign.")
                if tag in tags:
                    words = tr("“{line}”: this tag stands there twice.")
                self.fault.setText(words.format(line=line.strip()))
                self.fault.show()
                return
            tags[tag] = value
        if tags != self._before:
            self.changed.emit(tags)
        self.accept()
