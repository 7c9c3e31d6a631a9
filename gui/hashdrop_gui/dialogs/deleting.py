"""Asks what is to be deleted, names or objects, and tells what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QRadioButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import day_text
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import one_line
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from hashdrop.service import PointerRow
    from hashdrop.stored.deleting import Prospect

_LINES = 6
"""Objects that are told about one by one."""


class DeletingDialog(QDialog):
    """Two choices, and what each means.

    Args:
        rows: What was chosen.
        prospects: What is known of their objects; empty where they are too many to be asked about.
        parent: The window.

    Signals:
        chosen: Whether the objects are deleted, too.
    """

    chosen = Signal(bool)

    def __init__(
        self, rows: Sequence[PointerRow], prospects: Sequence[Prospect], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("deletingDialog")
        self.setWindowTitle(tr("Delete"))
        self.setModal(True)
        self.setMinimumWidth(460)
        is_one = len(rows) == 1
        what = (
            tr("“{name}”").format(name=one_line(rows[0].name)) if is_one else files_text(len(rows))
        )
        title = QLabel(tr("Delete {what}?").format(what=what))
        title.setObjectName("title")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setWordWrap(True)
        self.names = QRadioButton(
            tr("Only the name in the catalog; what is stored stays")
            if is_one
            else tr("Only the names in the catalog; what is stored stays")
        )
        self.objects = QRadioButton(
            tr("The object in the store, too") if is_one else tr("The objects in the store, too")
        )
        has_names = any(row.id for row in rows)
        self.names.setEnabled(has_names)
        (self.names if has_names else self.objects).setChecked(True)
        self.meaning = QLabel(_meaning(prospects, is_known=bool(prospects)))
        self.meaning.setObjectName("second")
        self.meaning.setTextFormat(Qt.TextFormat.PlainText)
        self.meaning.setWordWrap(True)
        self.meaning.setContentsMargins(24, 0, 0, 0)
        buttons = QDialogButtonBox()
        self.delete = buttons.addButton(tr("Delete"), QDialogButtonBox.ButtonRole.DestructiveRole)
        self.delete.setObjectName("danger")
        self.delete.setAutoDefault(False)
        cancel = buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        cancel.setDefault(True)
        self.delete.clicked.connect(lambda *_: self._on_delete_clicked())
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(10)
        for widget in (title, self.names, self.objects, self.meaning):
            layout.addWidget(widget)
        layout.addSpacing(10)
        layout.addWidget(buttons)

    def _on_delete_clicked(self) -> None:
        self.chosen.emit(self.objects.isChecked())
        self.accept()


def _meaning(prospects: Sequence[Prospect], *, is_known: bool) -> str:
    """Return what it means to delete the objects."""
    if not is_known:
        return tr("They are too many to look up what else names them.")
    lines: list[str] = []
    named = [one for one in prospects if one.other_names]
    for one in named[:_LINES]:
        others = ", ".join(
            f"{row.name} ({row.connection}, {day_text(row.stored_at)})"
            for row in one.other_names[:3]
        )
        if len(one.other_names) > 3:
            others = tr("{some} and {n} more").format(
                some=others, n=f"{len(one.other_names) - 3:,}"
            )
        lines.append(
            tr("The object of {name} is also named {others}.").format(
                name=one.place.file_name, others=others
            )
        )
    if len(named) > _LINES:
        lines.append(tr("{n} more have other names.").format(n=f"{len(named) - _LINES:,}"))
    if not named:
        lines.append(
            tr("Nothing else in the catalog names it.")
            if len(prospects) == 1
            else tr("Nothing else in the catalog names them.")
        )
    lines += [f"{one.place.file_name}: {one.lock}" for one in prospects if one.lock][:_LINES]
    absent = sum(not one.is_there for one in prospects)
    if absent:
        lines.append(_absent(absent))
    unknown = next((one.error for one in prospects if one.error is not None), None)
    if unknown is not None:
        lines.append(unknown.sentence)
    there = [one for one in prospects if one.is_there and one.error is None]
    if there and all(one.can_be_undone for one in there):
        lines.append(tr("The bucket keeps versions: it can be undone until Hashdrop ends."))
    elif there:
        lines.append(tr("The bucket keeps no versions: what is deleted cannot be brought back."))
    return "\n".join(lines)


def _absent(count: int) -> str:
    if count == 1:
        return tr("1 is not in the store any more.")
    return tr("{n} are not in the store any more.").format(n=f"{count:,}")
