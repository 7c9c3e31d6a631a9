"""The tables: labox's manifests and contents, and beside them our names and their tags.

A row of names holds all that is listed, sorted and searched, so that a page is read from one table along
one index. Text that is compared is compared by code points, on every database alike.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from labox.core.database import JSON_OR_JSONB
from labox.core.database import BaseRecord
from labox.core.database import ContentRecord
from labox.core.database import ManifestRecord
from sqlalchemy import BIGINT
from sqlalchemy import DDL
from sqlalchemy import BigInteger
from sqlalchemy import DateTime
from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import Integer
from sqlalchemy import Text
from sqlalchemy import UniqueConstraint
from sqlalchemy import event
from sqlalchemy import text
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

SORTED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points, as SQLite has it and as S3 lists keys."""
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts only an INTEGER up


class NameRecord(BaseRecord, kw_only=True):
    """A name under which content was dropped; many names may stand for one object."""

    __tablename__ = "hashdrop_names"
    __table_args__ = (
        UniqueConstraint(
            "manifest_id", "name", "folder", "connection", name="hashdrop_names_are_one"
        ),
        # One for each order of the list; the id makes every place in it one of its own.
        Index("hashdrop_names_by_name", "folded", "id"),
        Index("hashdrop_names_by_size", "size", "id"),
        Index("hashdrop_names_by_type", "content_type", "id"),
        Index("hashdrop_names_by_stored", "stored_at", "id"),
        Index("hashdrop_names_by_hash", "content_hash", "id"),
        Index("hashdrop_names_by_connection", "connection", "id"),
        Index("hashdrop_names_by_key", "key"),
        Index("hashdrop_names_by_folder", "folder"),
        Index(
            "hashdrop_names_gone",
            "id",
            sqlite_where=text("gone_at IS NOT NULL"),
            postgresql_where=text("gone_at IS NOT NULL"),
        ),
        # Else the id of a forgotten name would be given once more, and be seen twice by who pages.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True, autoincrement=True, init=False)
    """Grows with time: the order in which names were added."""
    manifest_id: Mapped[UUID] = mapped_column(ForeignKey(ManifestRecord.id))
    """The manifest of the stored file."""
    name: Mapped[str] = mapped_column(Text)
    """File name."""
    folded: Mapped[str] = mapped_column(SORTED_TEXT)
    """The name as it is searched and sorted; see `rows.fold`."""
    folder: Mapped[str] = mapped_column(SORTED_TEXT)
    """Folder below what was dropped."""
    connection: Mapped[str] = mapped_column(SORTED_TEXT)
    """Name of the connection that stored it."""
    machine: Mapped[str] = mapped_column(Text)
    """Host name of the computer that stored it; "" where it is not known."""
    user: Mapped[str] = mapped_column(Text)
    """Who stored it; "" where it is not known."""
    stored_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When S3 confirmed it, UTC."""
    size: Mapped[int] = mapped_column(BIGINT)
    """Bytes of the content."""
    content_type: Mapped[str] = mapped_column(SORTED_TEXT)
    """MIME type of the content."""
    content_hash: Mapped[str] = mapped_column(SORTED_TEXT)
    """Hexadecimal, of the content."""
    bucket: Mapped[str] = mapped_column(Text)
    """Where the object is."""
    key: Mapped[str] = mapped_column(SORTED_TEXT)
    """The object's key."""
    tags: Mapped[dict[str, Any]] = mapped_column(JSON_OR_JSONB)
    """Tags given with this name; `TagRecord` has them once more, to be searched."""
    note: Mapped[str] = mapped_column(Text)
    """What a person wrote about it."""
    gone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the object was found missing in the bucket, UTC; empty while it is there."""
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the object was last read back and found to have its hash, UTC; empty if it never was."""


class TagRecord(BaseRecord, kw_only=True):
    """One tag of a name, to be searched."""

    __tablename__ = "hashdrop_tags"
    __table_args__ = (
        Index("hashdrop_tags_by_name", "name_id"),
        {"sqlite_with_rowid": False},
    )

    tag: Mapped[str] = mapped_column(SORTED_TEXT, primary_key=True)
    value: Mapped[str] = mapped_column(SORTED_TEXT, primary_key=True)
    name_id: Mapped[int] = mapped_column(
        ForeignKey(NameRecord.id, ondelete="CASCADE"), primary_key=True
    )


class RebuildRecord(BaseRecord, kw_only=True):
    """A rebuild from a bucket's listing that was begun and has not come to its end."""

    __tablename__ = "hashdrop_rebuilds"

    store: Mapped[str] = mapped_column(Text, primary_key=True)
    """Endpoint of the store; that on this computer by its folder; "" for AWS."""
    bucket: Mapped[str] = mapped_column(Text, primary_key=True)
    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    """Of the keys that are listed."""
    reached: Mapped[str] = mapped_column(Text)
    """The last key that was dealt with."""
    seen: Mapped[int] = mapped_column(BIGINT)
    """Keys that were listed up to there."""
    added: Mapped[int] = mapped_column(BIGINT)
    """Names that were missing."""
    gone: Mapped[int] = mapped_column(BIGINT)
    """Names whose object was not there."""
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """UTC."""


# labox looks contents up by manifest only; a drop looks them up by hash.
CONTENT_HASH_INDEX = Index("hashdrop_contents_by_hash", ContentRecord.content_hash)

SQLITE_TEXT_SEARCH = (
    # Trigrams of the folded names. Only which names have a trigram is kept, not where: the name itself is
    # compared in the end, and adding costs a third less.
    """CREATE VIRTUAL TABLE IF NOT EXISTS hashdrop_names_text USING fts5(
        folded, content='hashdrop_names', content_rowid='id',
        tokenize='trigram case_sensitive 1', detail=none, columnsize=0)""",
    """CREATE TRIGGER IF NOT EXISTS hashdrop_names_added AFTER INSERT ON hashdrop_names BEGIN
        INSERT INTO hashdrop_names_text (rowid, folded) VALUES (new.id, new.folded); END""",
    """CREATE TRIGGER IF NOT EXISTS hashdrop_names_removed AFTER DELETE ON hashdrop_names BEGIN
        INSERT INTO hashdrop_names_text (hashdrop_names_text, rowid, folded)
        VALUES ('delete', old.id, old.folded); END""",
    """CREATE TRIGGER IF NOT EXISTS hashdrop_names_changed AFTER UPDATE OF folded ON hashdrop_names BEGIN
        INSERT INTO hashdrop_names_text (hashdrop_names_text, rowid, folded)
        VALUES ('delete', old.id, old.folded);
        INSERT INTO hashdrop_names_text (rowid, folded) VALUES (new.id, new.folded); END""",
)

for _statement in SQLITE_TEXT_SEARCH:
    event.listen(
        NameRecord.__table__,
        "after_create",
        DDL(_statement.replace("%", "%%")).execute_if(dialect="sqlite"),
    )
