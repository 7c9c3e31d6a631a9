"""The catalog as a file, out and in: JSON lines or CSV, some rows at a time, however many there are."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import shutil
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import aclosing
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from typing import TYPE_CHECKING
from typing import Any

import anyio
from anyio.to_thread import run_sync

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.importing import ImportedName
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import SortBy
from hashdrop.errors import CatalogError
from hashdrop.errors import NoteRefused
from hashdrop.errors import SourceError
from hashdrop.errors import SourceUnreadable
from hashdrop.errors import UsageError
from hashdrop.stored.exchange_rows import BadLine
from hashdrop.stored.exchange_rows import Format
from hashdrop.stored.exchange_rows import read_batches

if TYPE_CHECKING:
    from hashdrop.catalog.catalog import Catalog
    from hashdrop.stored.places import Reach

_AT_ONCE = 250
FIELDS = (
    "name", "folder", "bucket", "key", "content_hash", "content_hash_algorithm", "size", "content_type",
    "connection", "machine", "user", "stored_at", "tags", "note", "gone_at", "verified_at",
)  # fmt: skip
"""Of a row, in the order of the CSV's columns; in CSV the tags are JSON."""


@dataclass(slots=True)
class Imported:
    """What came of a file."""

    read: int = 0
    """Rows."""
    added: int = 0
    """Names that were new."""
    bad: int = 0
    """Rows that could not be read, or that the database does not take."""


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


async def export_file(reach: Reach, path: Path, form: Format, filters: Filters | str = "") -> None:
    """Write the catalog to a file; one that is there stays until the new one is whole.

    Args:
        reach: To the catalog.
        path: Of the file; what is no regular file is written to as it is.
        form: Of the file.
        filters: Only what fits.

    Raises:
        UsageError: A filter of the text cannot be read, or there can be no such file.
        SourceError: The disk does not take it.
        CatalogError: The catalog cannot be read.
    """
    wanted = parse_filters(filters) if isinstance(filters, str) else filters
    try:
        draft = await run_sync(_draft_of, path)
        file = await run_sync(_begun, draft, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written.", detail=f"{error.strerror}.") from error
    try:
        try:
            async for text in export_text(reach, form, wanted):
                await run_sync(file.write, text)
            await run_sync(_finish, file, draft, path)
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(_leave, file, draft, path)
    except OSError as error:
        raise SourceUnreadable(
            f"The catalog could not be written to “{path.name}”.",
            detail=f"{path.parent}: {error.strerror}.",
            hint="Make room, or choose another folder.",
        ) from error


def _draft_of(path: Path) -> Path:
    """Return what is written first: a file beside it, or itself where it is a device or a pipe."""
    if path.exists() and not path.is_file():
        return path
    # 50 characters are 200 bytes at most, of the 255 that a name may have.
    return path.resolve().with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.part")


def _begun(draft: Path, path: Path) -> IO[str]:
    """Open what is written first: for nobody else to read where it takes the place of a file."""
    if draft == path or not path.exists():
        return draft.open("w", encoding="utf-8", newline="")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def _finish(file: IO[str], draft: Path, path: Path) -> None:
    file.flush()
    if draft != path:
        os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, draft)  # who may not read the old one may not read the new one
        draft.replace(path.resolve())


def _leave(file: IO[str], draft: Path, path: Path) -> None:
    with suppress(OSError):  # a full disk does not take what is still to be written, either
        file.close()
    if draft != path:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


async def import_file(
    reach: Reach,
    path: Path,
    form: Format,
    *,
    on_progress: Callable[[Imported], None] | None = None,
    on_bad: Callable[[BadLine], None] | None = None,
) -> Imported:
    """Add the names of a file that are missing; those that are there stay as they are.

    What was added stays when it ends in the middle, and the error says so; the same file may be read again.

    Args:
        reach: To the catalog.
        path: Of the file.
        form: Of the file.
        on_progress: Told after some rows.
        on_bad: Told each row that cannot be read, or that the database does not take; it is passed over.

    Raises:
        SourceError: The file cannot be read, or has not this format.
        CatalogError: The catalog cannot be written.
    """
    done = Imported()
    catalog = await reach.catalog()
    batches = read_batches(path, form)
    try:
        async with aclosing(batches):
            async for batch in batches:
                bad = [one for _, one in batch if isinstance(one, BadLine)]
                names = [(number, one) for number, one in batch if isinstance(one, ImportedName)]
                done.added += await _add(catalog, names, bad)
                done.read += len(batch)
                done.bad += len(bad)
                if on_bad is not None:
                    for one in sorted(bad, key=lambda one: one.number):
                        on_bad(one)
                if on_progress is not None:
                    on_progress(done)
    except (SourceError, CatalogError) as error:
        if done.read:
            so_far = f"Of {done.read:,} rows before {done.added:,} names were added; they stay."
            error.detail = f"{error.detail} {so_far}" if error.detail else so_far
        raise
    return done


async def _add(
    catalog: Catalog, rows: Sequence[tuple[int, ImportedName]], bad: list[BadLine]
) -> int:
    """Add names, and to `bad` those that the database does not take; returns how many were new."""
    try:
        return await catalog.import_many([one for _, one in rows])
    except NoteRefused as error:
        if len(rows) == 1:
            bad.append(BadLine(rows[0][0], error.detail))
            return 0
    middle = len(rows) // 2
    return await _add(catalog, rows[:middle], bad) + await _add(catalog, rows[middle:], bad)


def _csv_fields(row: Mapping[str, Any]) -> list[Any]:
    return [
        json.dumps(row[field], ensure_ascii=False) if field == "tags" else row[field]
        for field in FIELDS
    ]


def _csv_text(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
