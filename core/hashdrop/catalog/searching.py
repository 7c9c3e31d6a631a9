"""Reading a page of names: any order, any filters, from any place on; never by counting or skipping rows.

A page is the rows behind the last one of the page before, in the order's own index. With filters there are
two ways, and the wrong one takes seconds among a million names:

- few rows fit: they are taken from the index of a filter, and sorted;
- many rows fit: the order's index is walked, and what does not fit is passed over.

Which one it is, is found out by looking whether a filter's index gives more than some thousands of rows;
the look ends there. The planners are then told, for SQLite keeps no statistics and PostgreSQL guesses
substrings badly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

from anyio.to_thread import run_sync
from sqlalchemy import ARRAY
from sqlalchemy import BigInteger
from sqlalchemy import BindParameter
from sqlalchemy import DateTime
from sqlalchemy import TextClause
from sqlalchemy import bindparam
from sqlalchemy import text

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.records import NameRecord
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import SortBy
from hashdrop.catalog.rows import fold
from hashdrop.pointer import StoredPointer

if TYPE_CHECKING:
    from sqlalchemy import CursorResult
    from sqlalchemy.ext.asyncio import AsyncConnection

FEW = 10_000
"""Rows that are sorted sooner than the order's index is walked."""
_MADE_HERE = 500
"""Rows that are made on the event loop; 2,000 take 20 ms."""
_LAST = "\U0010ffff"
"""Behind every text that goes on in any other way."""
_TRIGRAM = 3
_MOMENT = DateTime(timezone=True)
_PLACE = re.compile(r":(v[0-9]+)")

_COLUMN_OF = {
    SortBy.NAME: "folded",
    SortBy.SIZE: "size",
    SortBy.TYPE: "content_type",
    SortBy.STORED: "stored_at",
    SortBy.HASH: "content_hash",
    SortBy.CONNECTION: "connection",
}
_COLUMNS = (
    NameRecord.id,
    NameRecord.name,
    NameRecord.folder,
    NameRecord.stored_at,
    NameRecord.connection,
    NameRecord.machine,
    NameRecord.user,
    NameRecord.tags,
    NameRecord.note,
    NameRecord.gone_at,
    NameRecord.bucket,
    NameRecord.key,
    NameRecord.content_hash,
    NameRecord.size,
    NameRecord.content_type,
    NameRecord.verified_at,
)
_LISTED = ", ".join(f'"{column.key}"' for column in _COLUMNS)


@dataclass(slots=True)
class _Question:
    """The conditions of a search, and where rows that fit one of them are found."""

    is_sqlite: bool
    conditions: list[str] = field(default_factory=list[str])
    sources: list[str] = field(default_factory=list[str])
    """Selects of ids, each along one index, likely the narrowest first."""
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def value(self, value: object) -> str:
        """Keep a value; returns its place in the SQL."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def require(self, condition: str, index: str = "") -> None:
        """Add a condition on the table of names; with an index that leads to what fits it."""
        self.conditions.append(condition)
        if index:
            hint = f" INDEXED BY {index}" if self.is_sqlite else ""
            self.sources.append(f"SELECT id FROM hashdrop_names{hint} WHERE {condition}")


async def search(
    connection: AsyncConnection,
    filters: Filters,
    order: Order,
    *,
    limit: int,
    after: PointerRow | None,
) -> list[PointerRow]:
    """Return rows that fit, in an order, behind a row.

    Args:
        connection: To the database, in a transaction.
        filters: What they must be.
        order: Of the rows.
        limit: Rows at most.
        after: The last row of the page before; it need not exist any more.

    Raises:
        SQLAlchemyError: The database cannot be read.
    """
    question = _asked(filters, is_sqlite=connection.dialect.name == "sqlite")
    source = await _narrow_source(connection, question)
    column = _COLUMN_OF[order.by]
    if after is None:
        return await _page(connection, question, order, source, (), limit)
    value, number = question.value(_value_of(after, order.by)), question.value(after.id)
    sign = "<" if order.descending else ">"
    if source is not None or not question.is_sqlite:
        behind = f"({column}, id) {sign} ({value}, {number})"
        return await _page(connection, question, order, source, (behind,), limit)
    # SQLite finds the place among equal rows only if it is asked for them by themselves; else it passes over
    # all that are before it, half a million of one connection.
    equal = (f"{column} = {value}", f"id {sign} {number}")
    rows = await _page(connection, question, order, source, equal, limit)
    if len(rows) < limit:
        others = (f"{column} {sign} {value}",)
        rows += await _page(connection, question, order, source, others, limit - len(rows))
    return rows


async def _page(
    connection: AsyncConnection,
    question: _Question,
    order: Order,
    source: str | None,
    behind: Sequence[str],
    limit: int,
) -> list[PointerRow]:
    """Return rows that fit and are behind a place, from a narrow source or along the order's index."""
    conditions = [*question.conditions, *behind]
    column = _COLUMN_OF[order.by]
    hint = ""
    if source is not None:
        if question.is_sqlite:
            hint = " NOT INDEXED"
            conditions.append(f"id IN ({source})")
        else:
            conditions.append(f"id = ANY(ARRAY({source}))")  # read once, and no guess about it
    elif question.is_sqlite:
        hint = f" INDEXED BY hashdrop_names_by_{order.by}"
    direction = "DESC" if order.descending else "ASC"
    chosen = (
        f"hashdrop_names{hint}{_where(conditions)} "
        f"ORDER BY {column} {direction}, id {direction} LIMIT {question.value(limit)}"
    )
    if source is None and question.conditions and not question.is_sqlite:
        return await _walked(connection, chosen, question.values)
    statement = _text(f"SELECT {_LISTED} FROM {chosen}", question.values).columns(*_COLUMNS)
    found = await connection.execute(statement)
    if limit <= _MADE_HERE:
        return _rows_of(found)
    return await run_sync(_rows_of, found)  # what the database gave is here already


async def _walked(
    connection: AsyncConnection, chosen: str, values: dict[str, Any]
) -> list[PointerRow]:
    """Return rows that PostgreSQL finds by walking the order's index.

    Their ids first: a walk that the index answers alone is ten times as fast as one that fetches each row
    that it passes over. (SQLite does so by itself.)
    """
    await connection.execute(text("SET LOCAL enable_sort = off"))
    await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
    ids = list(await connection.scalars(_text(f"SELECT id FROM {chosen}", values)))
    query = text(f"SELECT {_LISTED} FROM hashdrop_names WHERE id = ANY(:ids)").bindparams(
        bindparam("ids", ids, type_=ARRAY(BigInteger))
    )
    result = await connection.execute(query.columns(*_COLUMNS))
    rows = _rows_of(result) if len(ids) <= _MADE_HERE else await run_sync(_rows_of, result)
    found = {row.id: row for row in rows}
    return [found[number] for number in ids if number in found]  # one may have been forgotten


def _rows_of(result: CursorResult[Any]) -> list[PointerRow]:
    return [row_of(row) for row in result.all()]


def row_of(row: Sequence[Any]) -> PointerRow:
    """Return a row of the listed columns as a value."""
    return PointerRow(
        id=row[0],
        name=row[1],
        folder=row[2],
        stored_at=_zoned(row[3]),
        connection=row[4],
        machine=row[5],
        user=row[6],
        tags=row[7],
        note=row[8],
        gone_at=_zoned(row[9]) if row[9] else None,
        verified_at=_zoned(row[15]) if row[15] else None,
        pointer=StoredPointer(
            bucket=row[10],
            key=row[11],
            content_hash=row[12],
            content_size=row[13],
            content_type=row[14],
        ),
    )


def listed_columns() -> Sequence[Any]:
    """Return the columns that `row_of` reads."""
    return _COLUMNS


async def _narrow_source(connection: AsyncConnection, question: _Question) -> str | None:
    """Return the first source that gives few rows; `None` if all give many."""
    for source in question.sources:
        probe = f"SELECT count(*) FROM ({source} LIMIT {FEW + 1}) AS found"
        if await connection.scalar(_text(probe, question.values)) <= FEW:
            return source
    return None


def _asked(filters: Filters, *, is_sqlite: bool) -> _Question:
    question = _Question(is_sqlite)
    if filters.hash_prefix:
        question.require(
            _begins("content_hash", filters.hash_prefix, question), "hashdrop_names_by_hash"
        )
    if filters.key_prefix:
        question.require(_begins('"key"', filters.key_prefix, question), "hashdrop_names_by_key")
    for tag, value in filters.tags:
        _require_tag(question, tag, value)
    words = sorted((fold(word) for word in filters.words), key=len, reverse=True)
    _require_words(question, [word for word in words if len(word) >= _TRIGRAM])
    _require_dates(question, filters)
    _require_sizes(question, filters)
    if filters.content_type:
        wanted = filters.content_type
        question.require(
            f"content_type = {question.value(wanted)}"
            if "/" in wanted
            else _begins("content_type", f"{wanted}/", question),
            "hashdrop_names_by_type",
        )
    for word in (one for one in words if 0 < len(one) < _TRIGRAM):  # too short for the trigrams
        condition = _contains(question, word)
        question.require(condition, "hashdrop_names_by_name")  # that index is small
    if filters.folder:
        _require_folder(question, filters.folder)
    if filters.gone is not None:
        question.require(
            f"gone_at IS {'NOT ' if filters.gone else ''}NULL",
            "hashdrop_names_gone" if filters.gone else "",  # most are there
        )
    if filters.connection:
        question.require(
            f"connection = {question.value(filters.connection)}", "hashdrop_names_by_connection"
        )
    return question


def _require_tag(question: _Question, tag: str, value: str | None) -> None:
    source = f"SELECT name_id AS id FROM hashdrop_tags WHERE tag = {question.value(tag)}"
    if value is not None:
        source += f" AND value = {question.value(value)}"
    question.sources.append(source)
    question.conditions.append(
        f"EXISTS (SELECT 1 FROM ({source}) AS tagged WHERE tagged.id = hashdrop_names.id)"
    )


def _require_folder(question: _Question, folder: str) -> None:
    itself = f"folder = {question.value(folder)}"
    # Behind the slash follows the digit zero, and between the two lies all that is below the folder.
    below = f"folder >= {question.value(f'{folder}/')} AND folder < {question.value(f'{folder}0')}"
    question.conditions.append(f"({itself} OR ({below}))")
    hint = " INDEXED BY hashdrop_names_by_folder" if question.is_sqlite else ""
    question.sources.append(
        " UNION ALL ".join(
            f"SELECT id FROM hashdrop_names{hint} WHERE {one}" for one in (itself, below)
        )
    )


def _require_words(question: _Question, words: Sequence[str]) -> None:
    """Require words that the index of trigrams finds: all of them by one look."""
    if not words:
        return
    conditions = [_contains(question, word) for word in words]
    question.conditions += conditions
    if not question.is_sqlite:
        question.sources.append(f"SELECT id FROM hashdrop_names{_where(conditions)}")
        return
    trigrams = dict.fromkeys(
        word[at : at + _TRIGRAM] for word in words for at in range(len(word) - _TRIGRAM + 1)
    )
    match = " AND ".join('"' + one.replace('"', '""') + '"' for one in trigrams)
    question.sources.append(
        "SELECT rowid AS id FROM hashdrop_names_text "
        f"WHERE hashdrop_names_text MATCH {question.value(match)}"
    )


def _contains(question: _Question, word: str) -> str:
    if question.is_sqlite:
        return f"instr(folded, {question.value(word)}) > 0"
    pattern = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"folded LIKE {question.value(f'%{pattern}%')}"


def _require_dates(question: _Question, filters: Filters) -> None:
    limits = ((">=", filters.since), ("<", filters.until))
    moments = [(sign, moment.astimezone(UTC)) for sign, moment in limits if moment is not None]
    _require_range(question, "stored_at", moments, "hashdrop_names_by_stored")


def _require_sizes(question: _Question, filters: Filters) -> None:
    limits = ((">=", filters.min_size), ("<=", filters.max_size))
    sizes = [(sign, min(size, 2**63 - 1)) for sign, size in limits if size is not None]
    _require_range(question, "size", sizes, "hashdrop_names_by_size")


def _require_range(
    question: _Question, column: str, limits: Sequence[tuple[str, object]], index: str
) -> None:
    if limits:
        question.require(
            " AND ".join(f"{column} {sign} {question.value(limit)}" for sign, limit in limits),
            index,
        )


def _begins(column: str, beginning: str, question: _Question) -> str:
    """Return the condition that text begins so, as a range that an index serves."""
    return f"{column} >= {question.value(beginning)} AND {column} < {question.value(beginning + _LAST)}"


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _text(sql: str, values: dict[str, Any]) -> TextClause:
    used = set(_PLACE.findall(sql))
    bound: list[BindParameter[Any]] = [
        bindparam(name, value, type_=_MOMENT if isinstance(value, datetime) else None)
        for name, value in values.items()
        if name in used
    ]
    return text(sql).bindparams(*bound)


def _value_of(row: PointerRow, by: SortBy) -> object:
    match by:
        case SortBy.NAME:
            return fold(row.name)
        case SortBy.SIZE:
            return row.pointer.content_size
        case SortBy.TYPE:
            return row.pointer.content_type
        case SortBy.STORED:
            return row.stored_at.astimezone(UTC)
        case SortBy.HASH:
            return row.pointer.content_hash
        case SortBy.CONNECTION:
            return row.connection


def _zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite forgets the zone
