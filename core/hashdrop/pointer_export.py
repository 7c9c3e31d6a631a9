"""Pointers written to a file that other programs read: CSV, JSON, or a list that `sha256sum -c` checks.

The file appears whole or not at all: it is written beside its place and then put there.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Callable
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from hashdrop.errors import HashdropError
from hashdrop.errors import UsageError
from hashdrop.pointer import StoredPointer

_CSV_COLUMNS = (
    "path",
    "bucket",
    "key",
    "uri",
    "content_hash",
    "content_hash_algorithm",
    "content_size",
    "content_type",
)
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})
"""As sha256sum writes and reads names; a line with one of them begins with a backslash."""


class ExportFormat(StrEnum):
    """How a file of pointers is written; its value is the usual extension."""

    CSV = "csv"
    JSON = "json"
    SHA256SUM = "sha256"


class ExportError(HashdropError):
    """Raised when a file of pointers cannot be written."""


@dataclass(frozen=True, slots=True)
class NamedPointer:
    """A pointer, and the name of the file that it was made of."""

    path: str
    """Relative: folders below what was dropped, and the name, with "/" between them."""
    pointer: StoredPointer


def export_pointers(target: Path, form: ExportFormat, pointers: Iterable[NamedPointer]) -> int:
    """Write pointers to a file, in their order; blocking. A file that is there is replaced.

    Args:
        target: The file.
        form: How.
        pointers: The pointers; may be made while they are asked for.

    Returns:
        How many were written.

    Raises:
        UsageError: The format cannot hold them: a hash that is no SHA-256, or one name for two contents,
            in a list for `sha256sum -c`. Nothing was written.
        ExportError: The disk or the system does not take the file.
    """
    write = _WRITERS[form]
    # The system allows 255 bytes; a letter may take four of them.
    draft = target.with_name(f".{target.name[:50]}.{secrets.token_hex(4)}.part")
    try:
        try:
            # Names that are no Unicode keep their own bytes; JSON has an escape for them.
            errors = "backslashreplace" if form is ExportFormat.JSON else "surrogateescape"
            with draft.open("x", encoding="utf-8", errors=errors, newline="") as file:
                count = write(file, pointers)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ExportError(
            f"“{target.name}” cannot be written.",
            detail=f"{target}: {error.strerror or error}.",
            hint="Choose another folder, or make room there.",
        ) from error
    return count


def _write_csv(file: IO[str], pointers: Iterable[NamedPointer]) -> int:
    writer = csv.writer(file)
    writer.writerow(_CSV_COLUMNS)
    count = 0
    for count, one in enumerate(pointers, 1):  # noqa: B007  # the last number is the count
        pointer = one.pointer
        writer.writerow(
            (
                one.path,
                pointer.bucket,
                pointer.key,
                pointer.uri,
                pointer.content_hash,
                pointer.content_hash_algorithm,
                pointer.content_size,
                pointer.content_type,
            )
        )
    return count


def _write_json(file: IO[str], pointers: Iterable[NamedPointer]) -> int:
    count = 0
    file.write("[")
    for count, one in enumerate(pointers, 1):
        path = json.dumps(one.path, ensure_ascii=False)
        file.write(",\n" if count > 1 else "\n")
        file.write(f'{{"path": {path}, {one.pointer.to_json()[1:]}')
    file.write("\n]\n" if count else "]\n")
    return count


def _write_sums(file: IO[str], pointers: Iterable[NamedPointer]) -> int:
    count = 0
    hashes: dict[str, str] = {}
    for count, one in enumerate(pointers, 1):  # noqa: B007  # as above
        pointer = one.pointer
        if pointer.content_hash_algorithm != "sha256":
            raise UsageError(
                f"“{one.path}” has a {pointer.content_hash_algorithm} hash: sha256sum cannot check it.",
                hint="Export the pointers as CSV or JSON.",
            )
        if hashes.setdefault(one.path, pointer.content_hash) != pointer.content_hash:
            raise UsageError(
                f"There are two files named “{one.path}” with different contents: a list for "
                "sha256sum can hold only one.",
                hint="Export the pointers as CSV or JSON.",
            )
        name = one.path.translate(_ESCAPES)
        mark = "\\" if name != one.path else ""
        file.write(f"{mark}{pointer.content_hash}  {name}\n")
    return count


_WRITERS: dict[ExportFormat, Callable[[IO[str], Iterable[NamedPointer]], int]] = {
    ExportFormat.CSV: _write_csv,
    ExportFormat.JSON: _write_json,
    ExportFormat.SHA256SUM: _write_sums,
}


def relative_path(folder: str, name: str) -> str:
    """Return the relative path of a file: folders below what was dropped, and its name."""
    return f"{folder}/{name}" if folder else name


__all__ = ("ExportError", "ExportFormat", "NamedPointer", "export_pointers", "relative_path")
