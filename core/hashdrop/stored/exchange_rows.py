"""The rows of a file that a catalog was written to, as they come in again: any file may be given for one."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import AsyncGenerator
from collections.abc import Generator
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO
from typing import Any
from typing import cast

from anyio.to_thread import run_sync

from hashdrop.catalog.importing import ImportedName
from hashdrop.catalog.rows import StoredName
from hashdrop.errors import SourceError
from hashdrop.errors import SourceUnreadable
from hashdrop.pointer import StoredPointer
from hashdrop.snapshot import source_error

_AT_ONCE = 250
_LONGEST_FIELD = 1024 * 1024
"""Characters of a CSV field: the module's own limit is less than some notes have."""
_LONGEST_LINE = 16 * _LONGEST_FIELD
"""Characters of a line: no row is longer, and one of a gigabyte is not to be held in memory."""
_TOO_LONG = object()
"""Stands for a row that was not read."""


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
    """A line that is no row of a catalog, or one that the database does not take."""

    number: int
    """Of the row in the file, from 1; the first line of a CSV has none."""
    reason: str


async def read_batches(
    path: Path, form: Format
) -> AsyncGenerator[list[tuple[int, ImportedName | BadLine]], None]:
    """Yield the rows of a file, numbered, some hundreds at a time; what could be read comes before an error.

    Args:
        path: Of the file.
        form: Of the file.

    Raises:
        SourceError: The file cannot be read, or has not this format from a row on.
    """
    rows = _csv_rows(path) if form is Format.CSV else _json_rows(path)
    last = 0
    fault: SourceError | None = None

    def some() -> list[tuple[int, ImportedName | BadLine]]:
        nonlocal last, fault
        batch: list[tuple[int, ImportedName | BadLine]] = []
        try:
            for last, row in islice(rows, _AT_ONCE):  # the last one that could be read
                batch.append((last, _read(last, row)))
        except OSError as error:
            fault = source_error(path, error)
            fault.__cause__ = error
        except (UnicodeDecodeError, csv.Error) as error:
            where = f"behind row {last:,}" if last else "at its beginning"
            fault = SourceUnreadable(
                f"“{path.name}” is no {form.upper()} file {where}.",
                detail=f"{path}.",
                hint="Choose another --format." if not last else "Mend it and import it again.",
            )
            fault.__cause__ = error
        return batch

    try:
        while batch := await run_sync(some):
            yield batch
            if fault is not None:  # what could be read before is not lost for it
                break
        if fault is not None:
            raise fault
    finally:
        await run_sync(rows.close)


def _lines(file: IO[str]) -> Generator[str | None, None, None]:
    """Yield the lines of a file; `None` for one that is too long to be read."""
    while line := file.readline(_LONGEST_LINE):
        if len(line) < _LONGEST_LINE or line.endswith("\n"):
            yield line
            continue
        while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith("\n"):
            pass
        yield None


def _json_rows(path: Path) -> Generator[tuple[int, Any], None, None]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(_lines(file), 1):
            if line is None:
                yield number, _TOO_LONG
            elif line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError):  # none, or thousands of lists in one another
                    yield number, None


def _csv_rows(path: Path) -> Generator[tuple[int, Any], None, None]:
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(_csv_lines(file), strict=True), 1):
            try:
                tags: Any = json.loads(row.get("tags") or "{}")
            except (ValueError, RecursionError):
                tags = row[
                    "tags"
                ]  # no object, which is told: a row is not to lose its tags in silence
            yield number, {**row, "tags": tags}


def _csv_lines(file: IO[str]) -> Generator[str, None, None]:
    for line in _lines(file):
        if (
            line is None
        ):  # it may end in the middle of a field: nobody knows where the next row begins
            raise csv.Error("a line is too long")
        yield line


def _read(number: int, row: Any) -> ImportedName | BadLine:
    if row is _TOO_LONG:
        return BadLine(number, "It is longer than any row of a catalog.")
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
        raise TypeError("The tags are no JSON object")
    given = cast("dict[object, object]", tags)
    for one in (text for pair in given.items() for text in pair):
        if not isinstance(one, str) or "\0" in one:
            raise TypeError("The tags are not all texts")
        one.encode()  # as in `_text`
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
    return moment.astimezone(UTC)  # the first and the last day that there are may have none
