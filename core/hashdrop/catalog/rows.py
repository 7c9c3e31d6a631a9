"""What goes into the catalog and comes out of it, as values; SQLAlchemy is not loaded for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
