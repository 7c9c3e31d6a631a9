"""When an object was verified, how far a rebuild has come; what is gone or in a folder is found by index."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add an empty column, an empty table and three indexes: seconds for a million names."""
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
    if (
        not is_sqlite
    ):  # there text is compared by the rules of a language, unless one says otherwise
        for column in ("folder", "connection"):
            op.execute(f'ALTER TABLE hashdrop_names ALTER COLUMN {column} TYPE TEXT COLLATE "C"')
    op.execute("CREATE INDEX hashdrop_names_by_folder ON hashdrop_names (folder)")
    op.execute("CREATE INDEX hashdrop_names_by_connection ON hashdrop_names (connection, id)")
    op.execute("CREATE INDEX hashdrop_names_gone ON hashdrop_names (id) WHERE gone_at IS NOT NULL")
