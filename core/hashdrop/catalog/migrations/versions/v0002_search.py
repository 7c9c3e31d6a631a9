"""Names that are listed and searched by themselves: size, type, hash, place, tags, note, text search.

Of version 0001 there are only SQLite files: PostgreSQL came with this one.
"""

from __future__ import annotations

import json
from typing import Any

from alembic import op
from sqlalchemy import Connection
from sqlalchemy import text

from hashdrop.catalog.rows import fold

revision = "0002"
down_revision = "0001"

_BATCH = 5_000

# As they were then; the tables of the program may have gone on since.
_TABLES = (
    """CREATE TABLE hashdrop_names (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        manifest_id CHAR(32) NOT NULL,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        folder TEXT NOT NULL,
        connection TEXT NOT NULL,
        machine TEXT NOT NULL,
        user TEXT NOT NULL,
        stored_at DATETIME NOT NULL,
        size BIGINT NOT NULL,
        content_type TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        bucket TEXT NOT NULL,
        "key" TEXT NOT NULL,
        tags JSON NOT NULL,
        note TEXT NOT NULL,
        gone_at DATETIME,
        CONSTRAINT hashdrop_names_are_one UNIQUE (manifest_id, name, folder, connection),
        FOREIGN KEY(manifest_id) REFERENCES labox_manifests (id)
    )""",
    """CREATE TABLE hashdrop_tags (
        tag TEXT NOT NULL,
        value TEXT NOT NULL,
        name_id INTEGER NOT NULL,
        PRIMARY KEY (tag, value, name_id),
        FOREIGN KEY(name_id) REFERENCES hashdrop_names (id) ON DELETE CASCADE
    ) WITHOUT ROWID""",
)
_AFTERWARDS = (
    "CREATE INDEX hashdrop_names_by_name ON hashdrop_names (folded, id)",
    "CREATE INDEX hashdrop_names_by_size ON hashdrop_names (size, id)",
    "CREATE INDEX hashdrop_names_by_type ON hashdrop_names (content_type, id)",
    "CREATE INDEX hashdrop_names_by_stored ON hashdrop_names (stored_at, id)",
    "CREATE INDEX hashdrop_names_by_hash ON hashdrop_names (content_hash, id)",
    'CREATE INDEX hashdrop_names_by_key ON hashdrop_names ("key")',
    "CREATE INDEX hashdrop_tags_by_name ON hashdrop_tags (name_id)",
    """CREATE VIRTUAL TABLE hashdrop_names_text USING fts5(
        folded, content='hashdrop_names', content_rowid='id',
        tokenize='trigram case_sensitive 1', detail=none, columnsize=0)""",
    """CREATE TRIGGER hashdrop_names_added AFTER INSERT ON hashdrop_names BEGIN
        INSERT INTO hashdrop_names_text (rowid, folded) VALUES (new.id, new.folded); END""",
    """CREATE TRIGGER hashdrop_names_removed AFTER DELETE ON hashdrop_names BEGIN
        INSERT INTO hashdrop_names_text (hashdrop_names_text, rowid, folded)
        VALUES ('delete', old.id, old.folded); END""",
    """CREATE TRIGGER hashdrop_names_changed AFTER UPDATE OF folded ON hashdrop_names BEGIN
        INSERT INTO hashdrop_names_text (hashdrop_names_text, rowid, folded)
        VALUES ('delete', old.id, old.folded);
        INSERT INTO hashdrop_names_text (rowid, folded) VALUES (new.id, new.folded); END""",
    "INSERT INTO hashdrop_names_text (hashdrop_names_text) VALUES ('rebuild')",
)
_READ = text(
    "SELECT n.id, n.manifest_id, n.name, n.folder, n.connection, n.machine, n.user, n.stored_at, "
    "c.content_size AS size, c.content_type, c.content_hash, c.storage_config, m.tags "
    "FROM hashdrop_names_of_0001 AS n "
    "JOIN labox_manifests AS m ON m.id = n.manifest_id "
    "JOIN labox_contents AS c ON c.manifest_id = n.manifest_id AND c.content_key = 'content' "
    "WHERE n.id > :after ORDER BY n.id LIMIT :batch"
)
_NAMES = text(
    "INSERT INTO hashdrop_names VALUES (:id, :manifest_id, :name, :folded, :folder, :connection, "
    ":machine, :user, :stored_at, :size, :content_type, :content_hash, :bucket, :key, :tags, '', NULL)"
)
_TAGS = text("INSERT INTO hashdrop_tags VALUES (:tag, :value, :name_id)")


def upgrade() -> None:
    """Copy the names, each with what labox's tables say of its content."""
    connection = op.get_bind()
    op.rename_table("hashdrop_names", "hashdrop_names_of_0001")
    for statement in _TABLES:
        op.execute(statement)
    after = 0
    while rows := connection.execute(_READ, {"after": after, "batch": _BATCH}).mappings().all():
        _copy(connection, [dict(row) for row in rows])
        after = rows[-1]["id"]
    op.drop_table("hashdrop_names_of_0001")
    for statement in _AFTERWARDS:
        op.execute(statement)


def _copy(connection: Connection, rows: list[dict[str, Any]]) -> None:
    tags: list[dict[str, Any]] = []
    for row in rows:
        place = json.loads(row.pop("storage_config"))
        own: dict[str, str] = json.loads(row["tags"] or "null") or {}
        row |= {
            "folded": fold(row["name"]),
            "bucket": place["bucket"],
            "key": place["key"],
            "tags": json.dumps(own),
        }
        tags += [{"tag": tag, "value": value, "name_id": row["id"]} for tag, value in own.items()]
    connection.execute(_NAMES, rows)
    if tags:
        connection.execute(_TAGS, tags)
