"""The bucket's own listing as rows of the pointers, page by page, with the names that the catalog has."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from hashdrop_gui.models.pointer_pages import Page

if TYPE_CHECKING:
    from hashdrop.connection import Connection
    from hashdrop.service import PointerRow
    from hashdrop.service import Service

KEYS_AT_ONCE = 500
_NAMES_AT_ONCE = 250


def prefix_of(text: str, connection: Connection) -> str:
    """Return the beginning of the keys that a typed text means.

    Args:
        text: Behind the connection's prefix; from the bucket's root where it begins with a slash.
        connection: The current one.
    """
    text = text.strip()
    own = f"{connection.prefix}/" if connection.prefix else ""
    if text.startswith("/"):
        return text[1:]
    return text if own and text.startswith(own) else own + text


class BucketPages:
    """What is in the bucket of the current connection.

    Args:
        service: Asked.
        text: As of `prefix_of`.
    """

    def __init__(self, service: Service, text: str) -> None:
        self._service = service
        self._connection = service.connection.name
        self.prefix = prefix_of(text, service.connection)

    async def page(self, following: object | None, size: int = KEYS_AT_ONCE) -> Page:  # noqa: ARG002
        """Return the objects behind the last one of the page before, in the order of their keys.

        Args:
            following: Its key.
            size: Unused: a store gives as many as it does.

        Raises:
            HashdropError: The store refuses, or cannot be asked.
        """
        pages = self._service.stored.bucket_pages(
            connection=self._connection,
            prefix=self.prefix,
            after=str(following or ""),
            page_size=KEYS_AT_ONCE,
        )
        async with aclosing(pages):
            rows = await anext(pages, [])
        is_last = len(rows) < KEYS_AT_ONCE - 1  # a store may give the last one again
        return Page(await self._named(rows), None if is_last else rows[-1].pointer.key)

    async def _named(self, rows: list[PointerRow]) -> list[PointerRow]:
        known: dict[tuple[str, str], PointerRow] = {}
        for at in range(0, len(rows), _NAMES_AT_ONCE):
            pointers = [row.pointer for row in rows[at : at + _NAMES_AT_ONCE]]
            for named in await self._service.first_names(
                [one for one in pointers if one.content_hash], connection=self._connection
            ):
                known[named.pointer.bucket, named.pointer.key] = named
        return [_with_name(row, known.get((row.pointer.bucket, row.pointer.key))) for row in rows]


def _with_name(row: PointerRow, named: PointerRow | None) -> PointerRow:
    """Return a row with what the catalog knows of its object; its id stays that of no name."""
    if named is None:
        return row
    pointer = replace(
        row.pointer,
        content_type=named.pointer.content_type,
        content_hash_algorithm=named.pointer.content_hash_algorithm,
    )
    return replace(
        row,
        name=named.name,
        folder=named.folder,
        pointer=pointer,
        machine=named.machine,
        user=named.user,
        tags=named.tags,
        note=named.note,
        verified_at=named.verified_at,
    )
