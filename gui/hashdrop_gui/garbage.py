"""Python's search for cyclic garbage, on the window's own thread only.

By itself it runs in whatever thread allocates; what it finds of Qt's is then destroyed in a worker thread,
under the feet of the window's: "Timers cannot be stopped from another thread", or a crash.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer

_INTERVAL_MS = 250
_YOUNG = 2_000
"""Objects more than at the last search that are worth one among the young."""
_ROUNDS = 20
"""Searches among the young ones to each among those that survived one, and of these to one among all."""


class GarbageSearch(QObject):
    """Searches now and then, as long as it lives, in the place of Python.

    Args:
        parent: Lives as long as the window.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._search)
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.enable()

    def _search(self) -> None:
        young, middle, old = gc.get_count()
        if young < _YOUNG:
            return
        if middle < _ROUNDS:
            gc.collect(0)
        elif old < _ROUNDS:
            gc.collect(1)
        else:
            gc.collect(2)
