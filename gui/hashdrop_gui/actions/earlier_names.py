"""Under which name, and when, what is already stored was stored first: asked of the catalog, many at once."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING

from hashdrop.catalog.rows import legible
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import Event
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.transfer_list import TransferList

if TYPE_CHECKING:
    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

_AT_ONCE = 200


class EarlierNames:
    """Adds the first name to rows that were already stored.

    Args:
        listed: The transfers.
        service: Asked.
        tasks: Runs the asking.
        found: Called with rows that were given one.
    """

    def __init__(
        self,
        listed: TransferList,
        *,
        service: Service,
        tasks: Tasks,
        found: Callable[[list[FileRow]], None],
    ) -> None:
        self._list = listed
        self._service = service
        self._tasks = tasks
        self._found = found
        self._wanted: list[tuple[FileRow, datetime]] = []
        """Rows, and when their transfer began."""
        self._asking = False

    def take(self, events: Iterable[Event]) -> None:
        """Take events that the list knows by now."""
        now = datetime.now(UTC)
        for event in events:
            if isinstance(event, AlreadyStored) and event.id in self._list.files:
                began = now - timedelta(seconds=event.seconds + 1)
                self._wanted.append((self._list.files[event.id], began))
        if self._wanted and not self._asking:
            self._asking = True
            self._tasks.spawn(self._ask)

    async def _ask(self) -> None:
        try:
            while self._wanted:
                asked, self._wanted = self._wanted[:_AT_ONCE], self._wanted[_AT_ONCE:]
                pointers = [row.pointer for row, _ in asked if row.pointer is not None]
                names = await self._service.first_names(pointers)
                known = {(one.pointer.bucket, one.pointer.key): one for one in names}
                self._found([row for row, began in asked if _tell(row, began, known)])
        finally:
            self._asking = False


def _tell(row: FileRow, began: datetime, known: dict[tuple[str, str], PointerRow]) -> bool:
    """Give a row its first name; whether there was one before this transfer noted its own."""
    first = known.get((row.bucket, row.key))
    if first is None:
        return False
    own = (legible(row.name), legible(row.folder))
    if (first.name, first.folder) == own and first.stored_at >= began:
        return False  # the store had it, but the catalog did not: this is the name just noted
    row.earlier_name, row.earlier_at = first.name, first.stored_at
    return True
