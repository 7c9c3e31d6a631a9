"""What was found out of many objects: noted many at a time, and nothing of it lost."""

from __future__ import annotations

import anyio
import pytest

from hashdrop.errors import CatalogError
from hashdrop.stored import verifying
from hashdrop.stored.places import Place


@pytest.fixture
async def places(service, tmp_path):
    """Twelve stored objects."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.txt").write_bytes(b"%d" % number)
    service.add([folder])
    await service.transfers.drained()
    return [Place.of(row) for row in await service.stored.search()]


@pytest.fixture
async def writes(service, monkeypatch):
    """How many were noted by each write."""
    catalog = await service.catalog()
    real, sizes = catalog.mark_verified, []

    async def counted(pointers, **more):
        sizes.append(len(pointers))
        await real(pointers, **more)

    monkeypatch.setattr(catalog, "mark_verified", counted)
    monkeypatch.setattr(verifying, "_EVERY_S", 600)
    return sizes


async def marked(service):
    return [row for row in await service.stored.search() if row.verified_at]


async def test_many_are_noted_by_one_write(service, places, writes):
    verdicts = []
    await service.stored.verify_all(places, on_verdict=verdicts.append)

    assert writes == [12]
    assert [one.status for one in verdicts] == ["verified"] * 12
    assert len(await marked(service)) == 12


async def test_a_write_has_a_bound(service, places, writes, monkeypatch):
    """What is found out meanwhile comes with the next."""
    monkeypatch.setattr(verifying, "_MOST_AT_ONCE", 5)
    verdicts = []
    await service.stored.verify_all(places, on_verdict=verdicts.append)

    assert len(writes) >= 2
    assert max(writes) < 5 + 4
    assert len(verdicts) == sum(writes) == len(await marked(service)) == 12


async def test_the_first_does_not_wait_for_the_last(service, places, writes, monkeypatch):
    """An object of terabytes comes behind small ones: these are noted while it is read."""
    monkeypatch.setattr(verifying, "_EVERY_S", 0.05)

    async def given():
        for place in places[:3]:
            yield place
        with anyio.fail_after(60):
            while len(await marked(service)) < 3:
                await anyio.sleep(0.02)
        yield places[3]

    await service.stored.verify_all(given(), on_verdict=lambda _: None)

    assert len(await marked(service)) == 4


async def test_what_was_verified_before_a_cancellation_is_noted_and_told(
    service, places, writes, monkeypatch
):
    real, done, told = verifying._judged, [], []

    async def judged(*given):
        done.append(await real(*given))
        return done[-1]

    async def given(scope):
        for place in places[:6]:
            yield place
        while len(done) < 6:
            await anyio.sleep(0.02)
        scope.cancel()
        await anyio.sleep(60)
        yield places[6]

    monkeypatch.setattr(verifying, "_judged", judged)
    with anyio.CancelScope() as scope:
        await service.stored.verify_all(given(scope), on_verdict=told.append)

    assert scope.cancelled_caught
    assert writes == [6]
    assert {one.key for one in told} == {one.key for one in places[:6]}
    assert {row.pointer.key for row in await marked(service)} == {one.key for one in places[:6]}


async def test_a_catalog_that_is_away_is_asked_once_and_all_is_told(service, places, monkeypatch):
    """That an object is damaged is told, whatever can be noted of it."""
    catalog, tries, told = await service.catalog(), [], []

    async def away(pointers, **_):
        tries.append(len(pointers))
        raise CatalogError("The database is away.")

    monkeypatch.setattr(catalog, "mark_verified", away)
    monkeypatch.setattr(verifying, "_MOST_AT_ONCE", 5)
    with pytest.raises(CatalogError, match="away"):
        await service.stored.verify_all(places, on_verdict=told.append)

    assert len(tries) == 1
    assert len(told) >= tries[0] >= 5
