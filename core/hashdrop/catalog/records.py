"""The tables: labox's manifests and contents, and our names beside them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from labox.core.database import BaseRecord
from labox.core.database import ContentRecord
from labox.core.database import ManifestRecord
from sqlalchemy import DateTime
from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column


class NameRecord(BaseRecord, kw_only=True):
    """A name under which content was dropped; many names may stand for one object."""

    __tablename__ = "hashdrop_names"
    __table_args__ = (UniqueConstraint("manifest_id", "name", "folder", "connection"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, init=False)
    """Grows with time: the order in which names were added."""
    manifest_id: Mapped[UUID] = mapped_column(ForeignKey(ManifestRecord.id), index=True)
    """The manifest of the stored file."""
    name: Mapped[str] = mapped_column()
    """File name."""
    folder: Mapped[str] = mapped_column()
    """Folder below what was dropped."""
    connection: Mapped[str] = mapped_column()
    """Name of the connection that stored it."""
    machine: Mapped[str] = mapped_column()
    """Host name of the computer that stored it."""
    user: Mapped[str] = mapped_column()
    """Who stored it."""
    stored_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When S3 confirmed it, UTC."""


# labox looks contents up by manifest only; a drop looks them up by hash.
CONTENT_HASH_INDEX = Index("hashdrop_contents_by_hash", ContentRecord.content_hash)
