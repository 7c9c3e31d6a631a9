"""The shape of Hashdrop 0.1.0, which had no migrations: a catalog of that shape is taken to be here."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: there is no older shape, and new catalogs are made in the newest."""
