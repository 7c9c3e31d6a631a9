"""The catalog as a file, out and in: JSON lines or CSV, some rows at a time, however many there are."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from anyio.to_thread import run_sync

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.importing import ImportedName
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import SortBy
from hashdrop.catalog.rows import StoredName
from hashdrop.errors import SourceUnreadable
from hashdrop.pointer import StoredPointer
from hashdrop.snapshot import source_error

if TYPE_CHECKING:
    from hashdrop.stored.places import Reach

_AT_ONCE = 250
_LONGEST_FIELD = 1024 * 1024
"""Characters of a CSV field: the module's own limit is less than some notes have."""
FIELDS = (
    "name", "folder", "bucket", "key", "content_hash", "content_hash_algorithm", "size", "content_type",
    "connection", "machine", "user", "stored_at", "tags", "note", "gone_at", "verified_at",
)  # fmt: skip
"""Of a row, in the order of the CSV's columns; in CSV the tags are JSON."""


class Format(StrEnum):
    """Of such a file."""

    JSONL = "jsonl"
    """One JSON object a line."""
    CSV = "csv"
    """With a first line of names, as RFC 4180 has it."""

    @classmethod
    def of(cls, path: Path) -> Format:
        """Return the format that a file's name says; JSON lines where it says nothing."""
        return cls.CSV if path.suffix.lower() == ".csv" else cls.JSONL


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no row of a catalog."""

    number: int
    """Of the row in the file, from 1; the first line of a CSV has none."""
    reason: str


@dataclass(slots=True)
class Imported:
    """What came of a file."""

    read: int = 0
    """Rows."""
    added: int = 0
    """Names that were new."""
    bad: int = 0
    """Rows that could not be read."""


def fields_of(row: PointerRow) -> dict[str, Any]:
    """Return all of a row, as JSON has it; in the order of `FIELDS`."""
    pointer = row.pointer
    return {
        "name": row.name,
        "folder": row.folder,
        "bucket": pointer.bucket,
        "key": pointer.key,
        "content_hash": pointer.content_hash,
        "content_hash_algorithm": pointer.content_hash_algorithm,
        "size": pointer.content_size,
        "content_type": pointer.content_type,
        "connection": row.connection,
        "machine": row.machine,
        "user": row.user,
        "stored_at": row.stored_at.isoformat(),
        "tags": dict(row.tags),
        "note": row.note,
        "gone_at": row.gone_at.isoformat() if row.gone_at else None,
        "verified_at": row.verified_at.isoformat() if row.verified_at else None,
    }


async def export_text(
    reach: Reach, form: Format, filters: Filters | str = ""
) -> AsyncGenerator[str, None]:
    """Yield the catalog as text, some rows at a time, the oldest first.

    Args:
        reach: To the catalog.
        form: Of the text.
        filters: Only what fits.

    Raises:
        UsageError: A filter of the text cannot be read.
        CatalogError: The catalog cannot be read.
    """
    wanted = parse_filters(filters) if isinstance(filters, str) else filters
    catalog = await reach.catalog()
    order = Order(SortBy.STORED, descending=False)
    if form is Format.CSV:
        yield _csv_text([FIELDS])
    last: PointerRow | None = None
    while page := await catalog.search(wanted, order, limit=_AT_ONCE, after=last):
        last = page[-1]
        yield await run_sync(_text_of, form, page)


def _text_of(form: Format, page: list[PointerRow]) -> str:
    rows = [fields_of(row) for row in page]
    if form is Format.CSV:
        return _csv_text([_csv_fields(row) for row in rows])
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


async def import_file(
    reach: Reach,
    path: Path,
    form: Format,
    *,
    on_progress: Callable[[Imported], None] | None = None,
    on_bad: Callable[[BadLine], None] | None = None,
) -> Imported:
    """Add the names of a file that are missing; those that are there stay as they are.

    What was added stays when it ends in the middle; the same file may be read again.

    Args:
        reach: To the catalog.
        path: Of the file.
        form: Of the file.
        on_progress: Told after some rows.
        on_bad: Told each row that cannot be read; it is passed over.

    Raises:
        SourceError: The file cannot be read, or has not this format.
        CatalogError: The catalog cannot be written.
    """
    done = Imported()
    catalog = await reach.catalog()
    batches = _batches(path, form)
    async with aclosing(batches):
        async for batch in batches:
            names = [one for one in batch if isinstance(one, ImportedName)]
            for one in batch:
                if isinstance(one, BadLine):
                    done.bad += 1
                    if on_bad is not None:
                        on_bad(one)
            done.read += len(batch)
            done.added += await catalog.import_many(names)
            if on_progress is not None:
                on_progress(done)
    return done


async def _batches(path: Path, form: Format) -> AsyncGenerator[list[ImportedName | BadLine], None]:
    rows = _csv_rows(path) if form is Format.CSV else _json_rows(path)

    def some() -> list[ImportedName | BadLine]:
        try:
            return [_read(number, row) for number, row in islice(rows, _AT_ONCE)]
        except OSError as error:
            raise source_error(path, error) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise SourceUnreadable(
                f"“{path.name}” is no {form.upper()} file.",
                detail=str(path),
                hint="Choose another --format.",
            ) from error

    try:
        while batch := await run_sync(some):
            yield batch
    finally:
        await run_sync(rows.close)


def _json_rows(path: Path) -> Generator[tuple[int, Any], None, None]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None


def _csv_rows(path: Path) -> Generator[tuple[int, Any], None, None]:
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, strict=True), 1):
            try:
                tags: Any = json.loads(row.get("tags") or "{}")
            except ValueError:
                tags = None
            yield number, {**row, "tags": tags}


def _read(number: int, row: Any) -> ImportedName | BadLine:
    if not isinstance(row, dict):
        return BadLine(number, "It is no row of a catalog.")
    fields = cast("dict[str, Any]", row)
    try:
        return _imported(fields)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        field = error.args[0] if isinstance(error, KeyError) else ""
        return BadLine(number, f"“{field}” is missing." if field else f"{error}.")


def _imported(fields: Mapping[str, Any]) -> ImportedName:
    content_hash = _text(fields, "content_hash", needed=True).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", content_hash):
        raise ValueError("The content_hash is no SHA-256")
    size = int(fields["size"])
    if not 0 <= size < 2**63:
        raise ValueError("The size is none")
    tags: Any = fields.get("tags") or {}
    if not isinstance(tags, dict):
        raise TypeError("The tags are none")
    given = cast("dict[object, object]", tags)
    if not all(isinstance(one, str) for pair in given.items() for one in pair):
        raise TypeError("The tags are no texts")
    pointer = StoredPointer(
        bucket=_text(fields, "bucket", needed=True),
        key=_text(fields, "key", needed=True),
        content_hash=content_hash,
        content_size=size,
        content_type=_text(fields, "content_type") or "application/octet-stream",
        content_hash_algorithm=_text(fields, "content_hash_algorithm") or "sha256",
    )
    return ImportedName(
        StoredName(
            pointer=pointer,
            name=_text(fields, "name", needed=True),
            folder=_text(fields, "folder"),
            connection=_text(fields, "connection"),
            tags=cast("dict[str, str]", tags),
            note=_text(fields, "note"),
            stored_at=_moment(fields, "stored_at"),
            machine=_text(fields, "machine"),
            user=_text(fields, "user"),
        ),
        gone_at=_moment(fields, "gone_at"),
        verified_at=_moment(fields, "verified_at"),
    )


def _text(fields: Mapping[str, Any], field: str, *, needed: bool = False) -> str:
    value = fields[field] if needed else fields.get(field) or ""
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(f"“{field}” is no text")
    if needed and not value:
        raise ValueError(f"“{field}” is empty")
    value.encode()  # half a character would be refused by the database, with all that is beside it
    return value


def _moment(fields: Mapping[str, Any], field: str) -> datetime | None:
    value = _text(fields, field)
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"“{field}” has no zone")
    return moment


def _csv_fields(row: Mapping[str, Any]) -> list[Any]:
    return [
        json.dumps(row[field], ensure_ascii=False) if field == "tags" else row[field]
        for field in FIELDS
    ]


def _csv_text(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
