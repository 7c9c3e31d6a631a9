"""A small window that takes dropped files, and prints the content of each on a line of its own.

Usage: drop_target.py X Y
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLabel

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent
    from PySide6.QtGui import QDropEvent


class Target(QLabel):
    """Takes files as copies."""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take all that has files."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        """Read them at once, as a file manager does."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        for url in event.mimeData().urls():
            path = Path(url.toLocalFile())
            sys.stdout.write(f"{path.name} {path.read_bytes().hex()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    app = QApplication(sys.argv[:1])
    target = Target("drop here")
    target.setAcceptDrops(True)
    target.setWindowTitle("drop target")
    target.setGeometry(int(sys.argv[1]), int(sys.argv[2]), 160, 160)
    target.show()
    app.exec()
