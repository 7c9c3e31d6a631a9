"""A small window from which files can be dragged with a real mouse: press on it and move.

Usage: drag_source.py X Y FILE...
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QMimeData
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDrag
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLabel


class Source(QLabel):
    """Starts one drag."""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Start the drag; this program has no asyncio, so a loop of Qt's own does no harm."""
        if self.isEnabled():
            self.setEnabled(False)
            drag = QDrag(self)
            data = QMimeData()
            data.setUrls([QUrl.fromLocalFile(path) for path in sys.argv[3:]])
            drag.setMimeData(data)
            every = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction | Qt.DropAction.LinkAction
            drag.exec(every, Qt.DropAction.CopyAction)


if __name__ == "__main__":
    app = QApplication(sys.argv[:1])
    source = Source("drag me")
    source.setWindowTitle("drag source")
    source.setGeometry(int(sys.argv[1]), int(sys.argv[2]), 120, 80)
    source.show()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    app.exec()
