"""`hashdrop ls`."""

from __future__ import annotations

import click
import humanize

from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import SortBy
from hashdrop.cli.options import Options
from hashdrop.cli.printing import name_of
from hashdrop.cli.printing import plain
from hashdrop.cli.printing import print_json
from hashdrop.cli.printing import when
from hashdrop.service import open_service
from hashdrop.stored.exchange import fields_of

_PAGE = 500


async def run_ls(
    options: Options, *, search: str, limit: int, sort: str, reverse: bool, as_json: bool
) -> int:
    """List what the catalog has; the store is not asked.

    Args:
        options: The shared ones.
        search: As typed into the search box.
        limit: Rows at most; 0 for all.
        sort: What the rows are sorted by.
        reverse: Whether the other way round.
        as_json: Print one JSON object a line.

    Returns:
        The exit code.

    Raises:
        UsageError: A filter of the search cannot be read.
        HashdropError: The catalog cannot be read.
    """
    filters = parse_filters(search)  # before anything is opened
    by = SortBy(sort)
    order = Order(by, descending=(by is SortBy.STORED) != reverse)  # the newest, or from a to z
    left = limit or None
    last: PointerRow | None = None
    async with open_service(options.paths, choice=options.chosen()) as service:
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = await service.stored.search(filters, order, limit=size, after=last)
            for row in page:
                if as_json:
                    print_json(fields_of(row))
                else:
                    click.echo(_line(row))
            if len(page) < size:
                break
            last = page[-1]
            left = None if left is None else left - len(page)
    return 0


def _line(row: PointerRow) -> str:
    size = humanize.naturalsize(row.pointer.content_size)
    gone = "  (gone from the bucket)" if row.gone_at else ""
    return f"{when(row)}  {size:>9}  {plain(row.pointer.uri)}  {name_of(row)}{gone}"
