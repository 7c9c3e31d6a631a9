"""A small window from which a real mouse drags files: press on it and move.

Usage: drag_source.py X Y FILE...   It says “ready” when it can be pressed, and at the end which action the drop took.
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
    """Begins one drag at the first move with the button down."""

    dragged = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        del event
        if self.dragged:
            return
        self.dragged = True
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path) for path in sys.argv[3:]])
        drag = QDrag(self)
        drag.setMimeData(data)
        offered = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
        print(drag.exec(offered, Qt.DropAction.MoveAction).name, flush=True)  # no task runs here


app = QApplication(sys.argv[:1])
source = Source("drag me")
source.setWindowTitle("drag source")
source.setGeometry(int(sys.argv[1]), int(sys.argv[2]), 120, 80)
source.show()
print("ready", flush=True)
app.exec()
