"""What a store can do is tried, not believed; and asked once."""

from __future__ import annotations

import anyio
import pytest

from hashdrop import simple_s3_router
from hashdrop.connection import Choice
from hashdrop.errors import BucketMissing
from hashdrop.paths import Paths
from hashdrop.s3.options import WriteOptions
from hashdrop.s3.probe import Abilities
from hashdrop.s3.writing import ContentWriter
from hashdrop.service import open_service
from support.fault_proxy import FaultProxy
from support.fault_proxy import Rule


def writer_of(server, bucket, endpoint_url=None, **options):
    return ContentWriter(
        server.client(endpoint_url), simple_s3_router(bucket), WriteOptions(**options)
    )


@pytest.mark.parametrize("own_connections", [False, True])
async def test_a_store_that_checks_is_found_to_check(s3_server, bucket, own_connections):
    """SeaweedFS refuses wrong checksums, and takes any size for true; nothing of the trial is left."""
    writer = writer_of(s3_server, bucket, own_connections=own_connections)

    assert await writer.probe(bucket, "tmp") == Abilities(checksums=True, tells_size=False)
    assert s3_server.objects(bucket) == {}
    assert s3_server.open_uploads(bucket) == []


@pytest.mark.parametrize("own_connections", [False, True])
async def test_a_store_that_takes_wrong_checksums_is_not_trusted(
    s3_server, bucket, own_connections
):
    """It says yes to everything."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        proxy.add(Rule.pretend("UploadPart", "", times=1))
        writer = writer_of(s3_server, bucket, proxy.endpoint_url, own_connections=own_connections)
        found = await writer.probe(bucket, "")

    assert not found.checksums


async def test_a_probe_that_is_cancelled_ends_and_leaves_nothing(s3_server, bucket):
    """Also while the store is silent."""
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        rule = proxy.add(Rule.stall("UploadPart", times=9))
        writer = writer_of(s3_server, bucket, proxy.endpoint_url, own_connections=True)
        async with anyio.create_task_group() as group:
            group.start_soon(writer.probe, bucket, "")
            await anyio.to_thread.run_sync(rule.reached.wait, 15)
            with anyio.fail_after(15, shield=True):
                group.cancel_scope.cancel()

    assert s3_server.open_uploads(bucket) == []


async def test_a_bucket_that_is_not_there_is_told(s3_server):
    """As any upload would."""
    with pytest.raises(BucketMissing):
        await writer_of(s3_server, "not-there").probe("not-there", "")


async def test_a_store_is_asked_once(s3_server, bucket, tmp_path, monkeypatch):
    """And remembered by the next start."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    created = []
    with FaultProxy.to(s3_server.endpoint_url) as proxy:
        changes = {"name": bucket, "bucket": bucket, "endpoint_url": proxy.endpoint_url}
        for run in range(2):
            path = tmp_path / f"{run}.txt"
            path.write_text(str(run))
            async with open_service(
                Paths.of(), choice=Choice(changes=changes, own=True)
            ) as service:
                await service.connect()
                service.add([path])
                await service.transfers.drained()
            created.append(proxy.count("CreateMultipartUpload"))

    assert created == [1, 1]
    assert len(s3_server.objects(bucket)) == 2
