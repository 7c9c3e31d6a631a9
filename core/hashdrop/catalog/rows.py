"""What goes into the catalog and comes out of it, as values; SQLAlchemy is not loaded for them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from hashdrop.pointer import StoredPointer


@dataclass(frozen=True, slots=True)
class StoredName:
    """An object that S3 confirmed, and a name of it."""

    pointer: StoredPointer
    name: str
    """File name."""
    folder: str
    """Folder below what was dropped."""
    connection: str
    """Name of the connection."""
    tags: dict[str, str]
    """Of the object."""
    note: str = ""
    """What a person wrote about it."""
    stored_at: datetime | None = None
    """When it was stored, with its zone; `None` for now."""
    machine: str | None = None
    """Where it was stored from; `None` for this computer."""
    user: str | None = None
    """Who stored it; `None` for the person who runs the program."""


@dataclass(frozen=True, slots=True)
class PointerRow:
    """One name of a stored object, as it is listed."""

    id: int
    """Grows with time."""
    name: str
    folder: str
    stored_at: datetime
    """UTC."""
    connection: str
    pointer: StoredPointer
    machine: str = ""
    user: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    note: str = ""
    gone_at: datetime | None = None
    """When the object was found missing in its bucket, UTC; `None` while it is there."""
    verified_at: datetime | None = None
    """When the object was last read back and found to have its hash, UTC."""


class SortBy(StrEnum):
    """What the list is sorted by; equal ones by the order in which they were added."""

    NAME = "name"
    SIZE = "size"
    TYPE = "type"
    STORED = "stored"
    HASH = "hash"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the list."""

    by: SortBy = SortBy.STORED
    descending: bool = True


def fold(text: str) -> str:
    """Return text as names are searched and sorted: composed, without case, the same on every computer."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def legible(text: str) -> str:
    r"""Return a name, or what is searched for, as the databases take it.

    Bytes that are no Unicode are written out, as `\xe9`; so is a zero, which PostgreSQL refuses.
    """
    if "\0" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    return "".join(
        _written_out(char) if char == "\0" or "\ud800" <= char <= "\udfff" else char
        for char in text
    )


def _written_out(char: str) -> str:
    number = ord(char)
    # As Python decodes a name of the system: byte 0x80 is U+DC80.
    number -= 0xDC00 if 0xDC80 <= number <= 0xDCFF else 0
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
