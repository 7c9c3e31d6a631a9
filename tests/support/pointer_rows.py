"""Names for a catalog, as a laboratory would have them."""

from __future__ import annotations

import hashlib
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from hashdrop.catalog.rows import StoredName
from hashdrop.pointer import StoredPointer

if TYPE_CHECKING:
    from hashdrop.catalog.catalog import Catalog

_KINDS = (("tiff", "image/tiff"), ("csv", "text/csv"), ("json", "application/json"))
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def stored_names(count: int, *, since: int = 0, bucket: str = "lab-data") -> list[StoredName]:
    """Names `scan_0000.tiff` and on: every tenth of run 7, an hour apart, 1 kB to 1 MB.

    Args:
        count: Number behind the last one.
        since: Number of the first one.
        bucket: Where they are said to be.
    """
    return [_named(number, bucket) for number in range(since, count)]


async def fill(catalog: Catalog, count: int) -> None:
    """Fill a catalog with as many names of one object; by one statement, where recording takes a minute.

    Args:
        catalog: In SQLite.
        count: Of the names `scan_000000.tiff` and on, a minute apart, each a byte larger.
    """
    await catalog.record_many(stored_names(1))
    async with catalog._engine.begin() as connection:
        await connection.execute(
            text(
                """INSERT INTO hashdrop_names (manifest_id, name, folded, folder, connection, machine, user,
                       stored_at, size, content_type, content_hash, bucket, "key", tags, note)
                   WITH RECURSIVE numbers(n) AS (
                       SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)
                   SELECT manifest_id, printf('scan_%06d.tiff', n), printf('scan_%06d.tiff', n), folder,
                       connection, machine, user,
                       strftime('%Y-%m-%d %H:%M:%f000', stored_at, '+' || n || ' minutes'),
                       size + n, content_type, content_hash, bucket, "key", tags, note
                   FROM hashdrop_names, numbers"""
            ),
            {"last": count - 1},
        )


def _named(number: int, bucket: str) -> StoredName:
    # A third of those of run 7 is of each kind.
    ending, content_type = _KINDS[0] if number % 10 != 7 else _KINDS[number // 10 % 3]
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return StoredName(
        pointer=StoredPointer(
            bucket=bucket,
            key=f"raw/{digest}.{ending}",
            content_hash=digest,
            content_size=1000 + number * 7919 % 1_000_000,
            content_type=content_type,
        ),
        name=f"scan_{number:04}.{ending}",
        folder="run",
        connection="lab",
        tags={"run": str(number % 10)},
        stored_at=_BEGAN + timedelta(hours=number),
    )
