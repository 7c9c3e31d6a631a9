"""The same files by labox's own S3Storage, by ours through labox's saver, and by boto3's upload_file.

python benchmarks/with_labox.py labox|boto3 FOLDER ENDPOINT
python benchmarks/with_labox.py saver-labox|saver-ours|saver-ours-botocore FOLDER ENDPOINT
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import boto3
from botocore.config import Config

BUCKET = "lab-data"
_CHUNK = 1024 * 1024


def main() -> None:
    """Store a folder by one of the ways."""
    way, folder, endpoint = sys.argv[1:4]
    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        config=Config(max_pool_connections=40, s3={"addressing_style": "path"}),
    )
    if way == "boto3":
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda p: client.upload_file(str(p), BUCKET, f"boto3/{p.name}"), paths))
    elif way == "labox":
        anyio.run(by_storage, client, paths)
    else:
        anyio.run(by_saver, client, paths, way)


def labox_storage(client):
    """Return labox's own storage."""
    warnings.simplefilter("ignore")
    from labox.extra.aws import S3Storage
    from labox.extra.aws import simple_s3_router

    return S3Storage(s3_client=client, s3_router=simple_s3_router(BUCKET, "labox"), max_writers=8)


async def by_storage(client, paths) -> None:
    """Store each file as a stream of labox's own storage, eight at a time."""
    storage = labox_storage(client)
    limiter = anyio.Semaphore(8)

    async def one(path):
        async with limiter:
            digest = hashlib.sha256()
            size = 0

            async def stream():
                nonlocal size
                with path.open("rb") as file:
                    while chunk := file.read(_CHUNK):
                        digest.update(chunk)
                        size += len(chunk)
                        yield chunk

            def get_digest(*, allow_incomplete=False):
                return {
                    "content_encoding": None,
                    "content_hash": digest.hexdigest(),
                    "content_hash_algorithm": "sha256",
                    "content_size": size,
                    "content_type": "application/octet-stream",
                    "is_complete": not allow_incomplete,
                }

            await storage.write_data_stream(stream(), get_digest, {})

    async with anyio.create_task_group() as group:
        for path in paths:
            group.start_soon(one, path)


async def by_saver(client, paths, way) -> None:
    """Save each file through labox's `new_saver`, with our storage or with labox's own."""
    from labox.core import BaseRecord
    from labox.core import Registry
    from labox.core import new_saver
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.ext.asyncio import create_async_engine

    from hashdrop import S3Storage
    from hashdrop import simple_s3_router
    from hashdrop.catalog.stored_file import StoredFile

    if way == "saver-labox":
        storage = labox_storage(client)
    else:
        storage = S3Storage(
            s3_client=client,
            s3_router=simple_s3_router(BUCKET, "saver"),
            max_writers=8,
            own_connections=None if way == "saver-ours" else False,
        )
    registry = Registry(
        modules=["hashdrop.catalog.stored_file"], storages=[storage], default_storage=True
    )
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(BaseRecord.metadata.create_all)

    async def stream(path):
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    async with (
        AsyncSession(engine) as session,
        session.begin(),
        new_saver(registry, session) as saver,
    ):
        for path in paths:
            saver.save_soon(StoredFile(content=stream(path)))
    await engine.dispose()


if __name__ == "__main__":
    main()
