"""Rows as the commands print them: JSON for programs, plain lines for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import click

if TYPE_CHECKING:
    from hashdrop.catalog.rows import PointerRow


def print_json(row: Mapping[str, Any]) -> None:
    """Print one object a line; a name that is no Unicode as its escapes, so that it can be read."""
    text = json.dumps(row, ensure_ascii=False)
    if any("\ud800" <= char <= "\udfff" for char in text):
        text = json.dumps(row)
    click.echo(text)


def plain(text: str) -> str:
    """Return text in which nothing moves the cursor: names may hold line ends and escape sequences."""
    return "".join(char if char.isprintable() else "�" for char in text)


def name_of(row: PointerRow) -> str:
    """Return a row's folder and name, for people."""
    return plain(f"{row.folder}/{row.name}" if row.folder else row.name)


def when(row: PointerRow) -> str:
    """Return when a row was stored, in the time of this computer, for people."""
    return f"{row.stored_at.astimezone():%Y-%m-%d %H:%M}"


def named(row: PointerRow) -> dict[str, Any]:
    """Return what belongs to the name of a row, for programs."""
    return {
        "name": row.name,
        "folder": row.folder,
        "stored_at": row.stored_at.isoformat(),
        "connection": row.connection,
        "machine": row.machine,
        "user": row.user,
        "tags": dict(row.tags),
        "note": row.note,
        "gone_at": row.gone_at.isoformat() if row.gone_at else None,
        "verified_at": row.verified_at.isoformat() if row.verified_at else None,
    }
