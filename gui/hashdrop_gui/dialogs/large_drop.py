"""Asks whether a large drop was meant, while it is still being counted."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import about_text
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr


class LargeDropQuestion(QMessageBox):
    """Upload or cancel.

    Args:
        place: Where the drop would go.
        parent: The window.

    Signals:
        answered: Whether to upload.
    """

    answered = Signal(bool)

    def __init__(self, place: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("largeDrop")
        self.setIcon(QMessageBox.Icon.NoIcon)
        self.setWindowTitle(tr("Large drop"))
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._place = place
        role = QMessageBox.ButtonRole
        cancel = self.addButton(tr("Cancel"), role.RejectRole)
        self._upload = self.addButton(tr("Upload"), role.AcceptRole)
        self.setDefaultButton(cancel)
        self.setEscapeButton(cancel)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.finished.connect(lambda _: self.answered.emit(self.clickedButton() is self._upload))

    def show_count(self, files: int, size: int, seconds: float | None, *, counted: bool) -> None:
        """Say how large it is.

        Args:
            files: Found so far.
            size: Bytes of them.
            seconds: That they will take; `None` where nobody knows.
            counted: Whether these are all.
        """
        count = f"{files_text(files)} · {size_text(size)}"
        words = tr("Store {count} in {place}?") if counted else tr("Counting… {count}")
        text = words.format(count=count, place=self._place)
        if seconds is None:
            time = tr("How long it takes is not known: nothing was sent of late.")
        elif counted:
            time = tr("It takes about {time} at the speed of the last minutes.")
        else:
            time = tr(
                "What was counted so far takes about {time} at the speed of the last minutes."
            )
        rest = tr("Nothing of it is uploaded before you answer.")
        about = f"{time.format(time=about_text(seconds or 0))} {rest}"
        if (text, about) != (self.text(), self.informativeText()):
            self.setText(text)
            self.setInformativeText(about)
