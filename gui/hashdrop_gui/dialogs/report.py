"""What of a batch could not be stored: a list that can be read and copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPlainTextEdit
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import tr

_SHOWN = 2_000
"""Lines that are shown; the copy has all."""


class ReportDialog(QDialog):
    """Shows a batch's report.

    Args:
        title: Of the batch.
        lines: Of the report.
        parent: The window.

    Signals:
        copy_requested: The report, for the clipboard.
    """

    copy_requested = Signal(str)

    def __init__(self, title: str, lines: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("report")
        self.setWindowTitle(tr("Report"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 360)
        self._text = "\n".join(lines)
        count = tr("1 item") if len(lines) == 1 else tr("{n} items").format(n=f"{len(lines):,}")
        words = QLabel(
            tr("“{title}”: {count} could not be stored.").format(title=title, count=count)
        )
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setTabChangesFocus(True)
        self.view.setAccessibleName(tr("Report"))
        shown = list(lines[:_SHOWN])
        if len(lines) > _SHOWN:
            shown.append(
                tr("… and {n} more; the copy has all").format(n=f"{len(lines) - _SHOWN:,}")
            )
        self.view.setPlainText("\n".join(shown))
        buttons = QDialogButtonBox()
        self.copy = buttons.addButton(tr("Copy report"), QDialogButtonBox.ButtonRole.ActionRole)
        close = buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        self.copy.clicked.connect(lambda *_: self.copy_requested.emit(self._text))
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        for widget in (words, self.view, buttons):
            column.addWidget(widget)
