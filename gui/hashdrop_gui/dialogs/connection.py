"""The dialog of a connection: checked as one types, with a live sample of the resulting key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.connection import Connection
from hashdrop.connection import connection_faults
from hashdrop.errors import HashdropError
from hashdrop_gui.models.wording import tr
from hashdrop_gui.theme import monospace

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCAL_FIELDS = {"bucket", "prefix"}


class ConnectionDialog(QDialog):
    """Edits one connection.

    Args:
        connection: The one to edit; `None` for a new one.
        taken: Names that other connections have.
        sample_key: Gives the key that a file would get.
        parent: The window.

    Signals:
        saved: The connection, right in all its fields.
    """

    saved = Signal(object)

    def __init__(
        self,
        connection: Connection | None,
        *,
        taken: set[str],
        sample_key: Callable[[Connection], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("connectionDialog")
        self.setWindowTitle(tr("Connection") if connection else tr("New connection"))
        self.setModal(True)
        self.setMinimumWidth(560)
        self._base = connection
        self._taken = taken
        self._sample_key = sample_key
        self._is_local = connection is not None and connection.name == LOCAL_CONNECTION_NAME
        self.fields: dict[str, QLineEdit] = {}
        self.faults: dict[str, QLabel] = {}
        self._touched: set[str] = set()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(4)
        if self._is_local:
            hint = QLabel(
                tr(
                    "This computer keeps its own store. Only the bucket and the prefix can be changed."
                )
            )
            hint.setObjectName("second")
            hint.setWordWrap(True)
            layout.addWidget(hint)
        for name, words, placeholder in (
            ("name", tr("Name"), tr("as you want to call it")),
            ("bucket", tr("Bucket"), "lab-data"),
            ("prefix", tr("Prefix"), tr("none")),
            ("endpoint_url", tr("Endpoint"), tr("empty for AWS, else https://…")),
            ("region", tr("Region"), tr("as the profile says")),
            ("profile", tr("Profile"), tr("default profile, or the environment's keys")),
        ):
            self._add_field(layout, name, words, placeholder)
        caption = QLabel(tr("A file “scan_0192.tiff” would be stored at"))
        caption.setObjectName("second")
        self.sample = QLabel()
        self.sample.setObjectName("sample")
        self.sample.setFont(monospace(11))
        self.sample.setStyleSheet("font-size: 11px;")  # a whole hash fits a line
        self.sample.setMinimumHeight(54)
        self.sample.setWordWrap(True)
        # A hash has no place to wrap at: the prefix takes a line, and the hash one.
        self.sample.setMinimumHeight(2 * self.sample.fontMetrics().lineSpacing() + 26)
        self.sample.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addSpacing(10)
        layout.addWidget(caption)
        layout.addWidget(self.sample)
        layout.addSpacing(14)
        buttons = QDialogButtonBox()
        self.save = buttons.addButton(tr("Save"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.save.setObjectName("primary")
        cancel = buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        cancel.setAutoDefault(False)
        self.save.setDefault(True)
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._validate()

    def _add_field(self, layout: QVBoxLayout, name: str, words: str, placeholder: str) -> None:
        value = getattr(self._base, name) if self._base else ""
        label = QLabel(words)
        label.setContentsMargins(0, 6, 0, 0)
        field = QLineEdit(value or "")
        field.setObjectName(name)
        field.setAccessibleName(words)
        field.setPlaceholderText(placeholder)
        field.setEnabled(not self._is_local or name in _LOCAL_FIELDS)
        label.setBuddy(field)
        fault = QLabel()
        fault.setObjectName("fault")
        fault.setWordWrap(True)
        fault.hide()
        self.fields[name] = field
        self.faults[name] = fault
        for widget in (label, field, fault):
            layout.addWidget(widget)
        if self._is_local and name not in _LOCAL_FIELDS | {"name"}:
            for widget in (label, field):
                widget.hide()
        field.textEdited.connect(lambda _, edited=name: self._on_field_edited(edited))

    @property
    def values(self) -> dict[str, object]:
        """The fields as they are typed, over what the dialog does not show."""
        values: dict[str, object] = dict(self._base.model_dump()) if self._base else {}
        values.update({name: field.text() for name, field in self.fields.items()})
        return values

    def _on_field_edited(self, name: str) -> None:
        self._touched.add(name)
        self._validate()

    def _validate(self) -> None:
        faults = connection_faults(**self.values)
        if not self.fields["name"].text().strip():
            faults["name"] = tr("Enter a name.")
        elif not self._is_local and self.fields["name"].text() in self._taken:
            faults["name"] = tr("Another connection has this name.")
        for name, label in self.faults.items():
            # A field that nobody has typed in yet is not scolded.
            text = faults.get(name, "") if self._base or name in self._touched else ""
            label.setText(text)
            label.setVisible(bool(text))
            field = self.fields[name]
            if field.property("wrong") != bool(text):
                field.setProperty("wrong", bool(text))
                field.style().unpolish(field)
                field.style().polish(field)
            field.setAccessibleDescription(text)
        self.save.setEnabled(not faults)
        self.sample.setText(
            self._sample() if not faults else tr("shown when the fields above are right")
        )

    def _sample(self) -> str:
        connection = Connection.model_validate(self.values)
        try:
            return f"s3://{connection.bucket}/{self._sample_key(connection)}"
        except HashdropError as error:
            return error.sentence

    def _on_accepted(self) -> None:
        if self.save.isEnabled():
            self.saved.emit(Connection.model_validate(self.values))
            self.accept()
