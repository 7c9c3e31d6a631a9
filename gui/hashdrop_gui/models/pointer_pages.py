"""Where the rows of the pointers come from, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Protocol

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.rows import Order

if TYPE_CHECKING:
    from hashdrop.service import PointerRow
    from hashdrop.service import Service

PAGE_SIZE = 200
PAGE_OF_ALL = 5_000
"""Rows of a page where all are wanted: 100,000 take a third of the time that small ones take."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where to go on."""

    rows: list[PointerRow]
    following: object | None
    """Given back to ask for the page behind; `None` at the end."""


class Source(Protocol):
    """Gives rows."""

    async def page(self, following: object | None, size: int = PAGE_SIZE) -> Page:
        """Return a page: the first one, or the one behind another.

        Args:
            following: Of the page before.
            size: Rows wanted; a source may have a size of its own.
        """
        ...


class CatalogPages:
    """What the catalog lists.

    Args:
        service: Asked.
        filters: What the rows must be.
        order: Of the rows.
    """

    def __init__(
        self, service: Service, filters: Filters | None = None, order: Order | None = None
    ) -> None:
        self._service = service
        self._filters = filters or Filters()
        self._order = order or Order()

    async def page(self, following: object | None, size: int = PAGE_SIZE) -> Page:
        """Return the rows behind the last one of the page before.

        Args:
            following: That row.
            size: Rows at most.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        after: PointerRow | None = following  # type: ignore[assignment]  # as the page before gave it
        stored = await self._service.load_stored()
        rows = await stored.search(self._filters, self._order, limit=size, after=after)
        return Page(rows, rows[-1] if len(rows) == size else None)
