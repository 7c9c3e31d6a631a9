"""Columns of the list of transfers, kept for the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer

from hashdrop_gui.models.columns import Column
from hashdrop_gui.models.columns import Order
from hashdrop_gui.pages.transfers import TransfersPage

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

_PAUSE_MS = 500
"""After a change before it is written: an edge that is dragged changes all the time."""


class KeptColumns(QObject):
    """Gives the header what an earlier run left, and keeps what the person changes.

    Args:
        page: Has the header.
        service: Keeps it.
        tasks: Runs the keeping.
    """

    def __init__(self, page: TransfersPage, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._service = service
        self._tasks = tasks
        kept = service.preferences.transfer_columns
        known = {Column(name): width for name, width in kept.items() if name in set(Column)}
        page.header.begin(frozenset(known), known)
        page.sort(Order.parsed(service.preferences.transfer_order))
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_PAUSE_MS)
        self._wait.timeout.connect(self._keep)
        page.header.changed.connect(self._wait.start)
        page.header.order_chosen.connect(lambda _: self._wait.start())

    async def finish(self) -> None:
        """Write at the end of the program what was changed just before it."""
        if self._wait.isActive():
            self._wait.stop()
            await self._write()

    def _keep(self) -> None:
        self._tasks.spawn(self._write)

    async def _write(self) -> None:
        header = self._page.header
        columns = {str(one): header.widths.get(one, 0) for one in Column if one in header.shown}
        order = str(header.order or "")
        with anyio.CancelScope(shield=True):  # begun, it is not left half done at the end
            await self._service.prefer(transfer_columns=columns, transfer_order=order)
