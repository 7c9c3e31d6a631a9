"""What docs/catalog.md promises: a plain labox program reads every object, however it came into the catalog."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC
from datetime import datetime
from pathlib import Path

from hashdrop.catalog.catalog import open_catalog
from hashdrop.catalog.importing import ImportedName
from hashdrop.catalog.rebuilding import Page
from hashdrop.catalog.rebuilding import Rebuild
from hashdrop.catalog.rebuilding import Rebuilt
from hashdrop.catalog.rows import StoredName
from hashdrop.catalog.schema import _KNOWN
from hashdrop.pointer import StoredPointer

DOCS = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()
(PROGRAM,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)


async def test_a_plain_labox_program_reads_every_object(place, s3_server, bucket, anyio_backend):
    """The text of the documentation itself, with labox's own storage: dropped, imported, rebuilt."""
    names = []
    for number in range(12):
        data = b"x" * number
        content_hash = hashlib.sha256(data).hexdigest()
        pointer = StoredPointer(
            bucket, f"raw/{content_hash}.txt", content_hash, number, "text/plain"
        )
        s3_server.plain.put_object(Bucket=bucket, Key=pointer.key, Body=data)
        names.append(StoredName(pointer, f"{number}.txt", "", "lab", {"run": "7"}))
    async with open_catalog(place) as catalog:
        await catalog.record_many(names[:4])
        await catalog.import_many([ImportedName(one) for one in names[4:8]])
        keys = [one.pointer.key for one in names[8:]]
        page = Page(keys, names[8:], is_last=False, asked_at=datetime.now(UTC))
        await catalog.note_page(Rebuild(store="", bucket=bucket, prefix=""), Rebuilt(), page)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env={
            **os.environ,
            **s3_server.environment,
            "ENDPOINT": s3_server.endpoint_url,
            "CATALOG": place if isinstance(place, str) else f"sqlite+aiosqlite:///{place}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    sizes = sorted(int(line.split()[1]) for line in ran.stdout.splitlines())

    assert ran.returncode == 0, ran.stderr
    assert sizes == list(range(12))


def test_every_version_is_documented():
    assert re.findall(r"^\| (\d{4}) \|", DOCS, re.MULTILINE) == list(_KNOWN)
