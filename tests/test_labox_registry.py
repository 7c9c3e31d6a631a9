"""S3Storage in a plain labox registry: saved with `new_saver`, loaded with `load_one`, by ours and by labox's."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from labox.builtin import StorableStream
from labox.builtin import StorableValue
from labox.core import Registry
from labox.core import load_one
from labox.core import new_saver
from labox.core.database import BaseRecord
from labox.extra.aws import S3Storage as LaboxS3Storage
from labox.extra.aws import simple_s3_router as labox_simple_s3_router
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.asyncio import create_async_engine

import hashdrop
from hashdrop import S3Pointer
from hashdrop import S3Router
from hashdrop import S3Storage
from hashdrop import simple_s3_router

ROWS = [{"number": number, "text": "Zürich"} for number in range(3)]
STREAMED_ROWS = ROWS * 2  # another content: labox would write over the value's object, tags and all
README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
async def session(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'labox.sqlite3'}")
    await BaseRecord.create_all(engine)
    async with AsyncSession(engine, expire_on_commit=False) as one:
        yield one
    await engine.dispose()


@pytest.fixture
def registry_of(s3_server, bucket):
    """A plain registry around the storage of either kind."""

    def make(kind: str) -> Registry:
        client = s3_server.client()
        storage = (
            S3Storage(s3_client=client, s3_router=simple_s3_router(bucket, "raw"))
            if kind == "ours"
            else LaboxS3Storage(s3_client=client, s3_router=labox_simple_s3_router(bucket, "raw"))
        )
        return Registry(modules=["labox.builtin"], storages=[storage], default_storage=True)

    return make


async def rows():
    for row in STREAMED_ROWS:
        yield row


@asynccontextmanager
async def saved(registry, session):
    """A value and a stream, saved."""
    async with new_saver(registry, session) as saver:
        value = saver.save_soon(StorableValue(ROWS), tags={"run": "7"})
        stream = saver.save_soon(StorableStream(rows()))
    yield value.value, stream.value


@pytest.mark.parametrize(
    ("writer", "reader"), [("ours", "ours"), ("ours", "labox"), ("labox", "ours")]
)
async def test_what_one_saved_the_other_loads(registry_of, session, writer, reader):
    """Values and streams; the two have one name and one form of pointer."""
    registry = registry_of(reader)
    async with saved(registry_of(writer), session) as (value, stream), AsyncExitStack() as stack:
        loaded = await load_one(value, StorableValue, registry=registry, session=session)
        loaded_stream = await load_one(
            stream, StorableStream, registry=registry, session=session, stack=stack
        )
        streamed = [row async for row in loaded_stream.value_stream]

    assert loaded.value == ROWS
    assert streamed == STREAMED_ROWS


async def test_both_give_one_content_one_place(registry_of, session, s3_server, bucket):
    """The keys are equal, so the two stand for one object; its tags are labox's."""
    places = []
    for kind in ("labox", "ours"):
        async with saved(registry_of(kind), session) as (value, _):
            (content,) = value.contents
            places.append((content.storage_name, content.storage_config, content.content_hash))
    key = f"raw/{places[0][2]}.json"
    tags = s3_server.plain.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]

    assert places[0] == places[1]
    assert tags == [{"Key": "run", "Value": "7"}]
    assert s3_server.open_uploads(bucket) == []


async def test_the_example_of_the_readme_works(s3_server, bucket, session, monkeypatch):
    """As it is printed, but for the name of the bucket."""
    code = next(
        block
        for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        if "S3Storage" in block
    )
    assert "my-bucket" in code
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint_url)
    names = {}
    exec(compile(code.replace("my-bucket", bucket), "README.md", "exec"), names)
    registry = names["registry"]
    async with saved(registry, session) as (value, _):
        loaded = await load_one(value, StorableValue, registry=registry, session=session)

    assert loaded.value == ROWS
    assert all(key.startswith("raw/") for key in s3_server.objects(bucket))
    assert isinstance(registry.get_default_storage(), S3Storage)


def test_the_public_names_are_those_of_labox_page():
    """Each can be imported from the top."""
    assert {
        S3Pointer.__name__,
        S3Router.__name__,
        S3Storage.__name__,
        simple_s3_router.__name__,
    } == (set(hashdrop.__all__))
    with pytest.raises(AttributeError, match="nothing_of_ours"):
        _ = hashdrop.nothing_of_ours


def test_a_router_of_ours_is_one_by_the_protocol():
    """Any callable with this signature is."""
    router: S3Router = simple_s3_router("b")
    pointer: S3Pointer = router({"content_hash": "h", "content_type": "text/csv"}, {}, temp=False)

    assert pointer == {"bucket": "b", "key": "h.csv"}
