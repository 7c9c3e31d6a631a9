"""Print the text on a screen's clipboard."""

from __future__ import annotations

import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

if __name__ == "__main__":
    app = QApplication(sys.argv[:1])

    def tell() -> None:
        sys.stdout.write(app.clipboard().text())
        app.quit()

    QTimer.singleShot(300, tell)
    app.exec()
