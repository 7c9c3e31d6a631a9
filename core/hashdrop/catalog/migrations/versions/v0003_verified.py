"""When an object was verified; how far a rebuild from a bucket has come."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add an empty column and an empty table: a moment, however many names there are."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    moment = "DATETIME" if is_sqlite else "TIMESTAMP WITH TIME ZONE"
    op.execute(f"ALTER TABLE hashdrop_names ADD COLUMN verified_at {moment}")
    op.execute(f"""CREATE TABLE hashdrop_rebuilds (
        store TEXT NOT NULL,
        bucket TEXT NOT NULL,
        prefix TEXT NOT NULL,
        reached TEXT NOT NULL,
        seen BIGINT NOT NULL,
        added BIGINT NOT NULL,
        gone BIGINT NOT NULL,
        begun_at {moment} NOT NULL,
        PRIMARY KEY (store, bucket, prefix)
    )""")
