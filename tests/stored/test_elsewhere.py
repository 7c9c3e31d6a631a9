"""Names of a team's catalog whose stores this computer does not reach: they are not gone, and stay."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from hashdrop.catalog.rows import StoredName
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreError
from hashdrop.forms import WITH_ENDPOINT
from hashdrop.forms import Form
from hashdrop.pointer import StoredPointer
from hashdrop.stored.places import Place
from support.fault_proxy import FaultProxy

HASH = hashlib.sha256(b"theirs").hexdigest()


@pytest.fixture(params=["of-no-connection-here", "of-another-computers-own-store"])
async def theirs(request, service):
    """The row of an object that a colleague stored."""
    bucket, connection = "their-bucket", "theirs"
    if request.param != "of-no-connection-here":
        local = next(one for one in service.connections if one.name == LOCAL_CONNECTION_NAME)
        bucket, connection = local.bucket, local.name
    pointer = StoredPointer(bucket, f"{HASH}.csv", HASH, 6, "text/csv")
    name = StoredName(pointer, "theirs.csv", "", connection, {}, machine="another", user="kim")
    await (await service.catalog()).record_many([name])
    (row,) = await service.stored.search()
    return row


async def test_verifying_it_marks_nothing_as_gone(service, theirs):
    verdicts = []
    await service.stored.verify_all([Place.of(theirs)], on_verdict=verdicts.append)
    (row,) = await service.stored.search()

    assert [one.status for one in verdicts] == ["failed"]
    assert "does not reach" in verdicts[0].error.sentence
    assert row.gone_at is None


async def test_deleting_it_keeps_its_name(service, theirs):
    (prospect,) = await service.stored.foresee([theirs])
    deletion = await service.stored.delete([theirs], objects=True)
    (row,) = await service.stored.search()

    assert prospect.error is not None
    assert (deletion.names, deletion.absent, len(deletion.refused)) == ([], [], 1)
    assert (row.name, row.gone_at) == ("theirs.csv", None)


async def test_its_details_do_not_call_it_missing(service, theirs):
    with pytest.raises(StoreError) as told:
        await service.stored.details(Place.of(theirs))

    assert not isinstance(told.value, ObjectMissing)
    assert "does not reach" in told.value.sentence


@pytest.mark.parametrize("way", ["verify", "delete"])
async def test_what_is_gone_here_is_not_gone_elsewhere(service, put, s3_server, bucket, way):
    """The same place in another computer's own store is another object."""
    row = await put("a.csv", b"a")
    other = StoredName(row.pointer, "kept.csv", "", LOCAL_CONNECTION_NAME, {}, machine="another")
    same = StoredName(row.pointer, "b.csv", "", "lab", {})
    await (await service.catalog()).record_many([other, same])
    if way == "verify":
        s3_server.plain.delete_object(Bucket=bucket, Key=row.pointer.key)
        await service.stored.verify_all([Place.of(row)], on_verdict=lambda _: None)
    else:
        await service.stored.delete([row], objects=True)
    gone = {one.name: one.gone_at is not None for one in await service.stored.search()}

    expected = {"kept.csv": False, "b.csv": True}
    assert gone == expected | ({"a.csv": True} if way == "verify" else {})


async def test_an_encoded_address_leads_to_what_the_catalog_knows(service):
    """Unless an object has that very key."""
    pointer = StoredPointer("lab-data", "raw/a b.csv", HASH, 6, "text/csv")
    name = StoredName(pointer, "a b.csv", "", "lab", {})
    await (await service.catalog()).record_many([name])
    place = await service.stored.find("s3://lab-data/raw/a%20b.csv")
    unknown = await service.stored.find("s3://lab-data/raw/c%20d.csv")

    assert (place.key, place.name) == ("raw/a b.csv", "a b.csv")
    assert unknown.key == "raw/c%20d.csv"


@pytest.fixture
async def twins(service, tmp_path):
    """This computer's row, and another computer's, of one key: each in its own store."""
    connection = next(one for one in service.connections if one.name == LOCAL_CONNECTION_NAME)
    await service.use_connection(connection.name)
    path = tmp_path / "own.csv"
    path.write_bytes(b"the same")
    service.add([path])
    await service.transfers.drained()
    (own,) = await service.stored.search()
    name = StoredName(own.pointer, "theirs.csv", "", own.connection, {}, machine="another")
    await (await service.catalog()).record_many([name])
    theirs = next(row for row in await service.stored.search() if row.name == "theirs.csv")
    return own, theirs


async def test_what_is_asked_of_anothers_store_is_not_done_to_ones_own(service, twins, tmp_path):
    """The object at the same place here stays, and is not given out as theirs."""
    own, theirs = twins
    deletion = await service.stored.delete([theirs], objects=True)
    with pytest.raises(StoreError, match="does not reach"):
        await service.stored.get(Place.of(theirs), tmp_path / "theirs.csv")
    with pytest.raises(StoreError, match="does not reach"):
        await service.stored.link(Place.of(theirs), timedelta(hours=1))
    await service.stored.verify_all([Place.of(own)], on_verdict=lambda _: None)
    verified = {row.name: row.verified_at is not None for row in await service.stored.search()}
    _, size, was_checked = await service.stored.get(Place.of(own), tmp_path / "own-again.csv")

    assert [place.machine for place, _ in deletion.refused] == ["another"]
    assert (size, was_checked) == (8, True)
    assert verified == {"own.csv": True, "theirs.csv": False}


@pytest.mark.parametrize("own_first", [True, False])
async def test_of_both_only_ones_own_is_deleted_and_forgotten(service, twins, own_first):
    """In whichever order they were chosen: the other computer's object stands, and so does its name."""
    own, theirs = twins
    chosen = [own, theirs] if own_first else [theirs, own]
    prospects = await service.stored.foresee(chosen)
    deletion = await service.stored.delete(chosen, objects=True)
    left = {row.name: row.gone_at for row in await service.stored.search()}

    assert [(one.place.machine == "another", one.error is not None) for one in prospects] in (
        [(False, False), (True, True)],
        [(True, True), (False, False)],
    )
    assert [row.name for row in deletion.names] == ["own.csv"]
    assert len(deletion.objects) == len(deletion.refused) == 1
    assert left == {"theirs.csv": None}


async def test_deleting_ones_own_says_nothing_of_anothers(service, twins):
    """Its name is of another object: no other name of this one, and not left without one."""
    own, _ = twins
    (prospect,) = await service.stored.foresee([own])
    deletion = await service.stored.delete([own], objects=True)

    assert prospect.other_names == ()
    assert deletion.others == []


async def test_an_address_and_a_hash_lead_to_ones_own_store(service, twins, tmp_path):
    """Though the newest name of that place is another computer's."""
    own, theirs = twins
    assert theirs.stored_at >= own.stored_at
    for text in (own.pointer.uri, own.pointer.key, own.pointer.content_hash):
        place = await service.stored.find(text)
        assert place.name == "own.csv"
        await service.stored.get(place, tmp_path / "again.csv")


async def test_all_objects_are_those_of_both_stores(service, twins):
    """So that one's own is verified, too."""
    names = [place.name async for place in service.stored.objects()]

    assert sorted(names) == ["own.csv", "theirs.csv"]


async def test_what_ones_own_store_lacks_another_is_not_said_to_lack(service, twins, tmp_path):
    """A file that the other computer stored is not called missing there: that store was not asked."""
    own, _ = twins
    reached = await service.reached(own.connection, own.pointer.bucket)
    reached.writer.requests.client.delete_object(Bucket=own.pointer.bucket, Key=own.pointer.key)
    answers = []
    await service.stored.look_up_all([tmp_path / "own.csv"], on_answer=answers.append)
    found = {place.names[0].name: place.in_store for place in answers[0].places}

    assert found == {"own.csv": False, "theirs.csv": None}
    assert answers[0].is_stored


@pytest.mark.parametrize("form", sorted(WITH_ENDPOINT))
async def test_no_form_leads_from_anothers_store_to_ones_own(service, twins, form):
    """The endpoint of this computer's store would give out another object; the others say no endpoint."""
    own, theirs = twins
    with pytest.raises(StoreError) as told:
        await service.stored.written(form, [Place.of(own), Place.of(theirs)])

    assert "theirs.csv" in told.value.sentence
    assert "the computer “another” itself" in told.value.sentence
    assert own.pointer.key in await service.stored.written(form, [Place.of(own)])


@pytest.mark.parametrize("form", sorted(set(Form) - WITH_ENDPOINT))
async def test_forms_without_an_endpoint_are_right_wherever_it_lies(service, theirs, form):
    assert f"{HASH}.csv" in await service.stored.written(form, [Place.of(theirs)])


async def test_no_link_is_written_with_the_endpoint_of_another_connection(service, theirs):
    """A connection that nobody has here is at an endpoint that nobody knows here."""
    with pytest.raises(StoreError, match=r"theirs\.csv.* does not reach"):
        await service.stored.written(Form.HTTPS, [Place.of(theirs)])


async def test_tags_of_ones_own_are_not_those_of_anothers(service, twins):
    own, _ = twins
    await service.stored.change_tags(Place.of(own), {"run": "7"})
    tags = {row.name: dict(row.tags) for row in await service.stored.search()}

    assert tags == {"own.csv": {"run": "7"}, "theirs.csv": {}}


async def test_what_is_brought_back_here_stays_gone_there(service, twins):
    own, _ = twins
    reached = await service.reached(own.connection, own.pointer.bucket)
    client = reached.writer.requests.client
    client.put_bucket_versioning(
        Bucket=own.pointer.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    client.put_object(Bucket=own.pointer.bucket, Key=own.pointer.key, Body=b"the same")
    catalog = await service.catalog()
    await catalog.mark_gone([(own.pointer.bucket, own.pointer.key)])
    deletion = await service.stored.delete([own], objects=True)
    await service.stored.undo(deletion)
    gone = {row.name: row.gone_at is not None for row in await service.stored.search()}

    assert gone == {"own.csv": False, "theirs.csv": True}


async def test_a_name_of_anothers_store_is_none_of_ones_own(service, twins, tmp_path):
    """What both call the same stands in the catalog twice; stored again here, it is gone there still."""
    own, _ = twins
    catalog = await service.catalog()
    await catalog.mark_gone([(own.pointer.bucket, own.pointer.key)])
    again = tmp_path / "theirs.csv"
    again.write_bytes(b"the same")
    service.add([again])
    await service.transfers.drained()
    found = {
        (row.name, Place.of(row).elsewhere): row.gone_at is not None
        for row in await service.stored.search()
    }

    assert found == {
        ("own.csv", ""): False,
        ("theirs.csv", "another"): True,
        ("theirs.csv", ""): False,
    }


async def test_the_names_of_ones_own_are_not_those_of_anothers(service, twins):
    """Neither in its details nor in the listing of the bucket."""
    own, theirs = twins
    first = await service.first_names([own.pointer], connection=own.connection)

    assert await service.stored.names_at(Place.of(own)) == [own]
    assert await service.stored.names_at(Place.of(theirs)) == [theirs]
    assert first == [own]


async def test_mirrors_of_one_bucket_are_two_stores(service, put, s3_server):
    """Two connections to buckets of one name, elsewhere each: none is a name of the other."""
    row = await put("a.csv", b"a")
    with FaultProxy.to(s3_server.endpoint_url) as proxy:  # another endpoint
        mirror = service.connection.model_copy(
            update={"name": "mirror", "endpoint_url": proxy.endpoint_url}
        )
        await service.save_connection(service.connection)
        await service.save_connection(mirror)
        name = StoredName(row.pointer, "mirrored.csv", "", "mirror", {})
        await (await service.catalog()).record_many([name])
        other = next(one for one in await service.stored.search() if one.name == "mirrored.csv")
        prospects = await service.stored.foresee([row, other])
        verdicts = []
        await service.stored.verify_all(
            [Place.of(row), Place.of(other)], on_verdict=verdicts.append
        )

    assert [len(one.other_names) for one in prospects] == [0, 0]
    assert {one.place.connection for one in verdicts} == {"lab", "mirror"}


async def test_errors_that_are_kept_hold_nothing_else(service, twins):
    """Ten thousand of them would hold the frames that each came through, with all answers of the store."""
    own, theirs = twins
    reached = await service.reached(own.connection, own.pointer.bucket)
    reached.writer.requests.client.delete_object(Bucket=own.pointer.bucket, Key=own.pointer.key)
    verdicts = []
    places = [Place.of(own), Place.of(theirs)]
    await service.stored.verify_all(places, on_verdict=verdicts.append)
    prospects = await service.stored.foresee([theirs])
    deletion = await service.stored.delete([theirs], objects=True)
    errors = [
        *(one.error for one in (*verdicts, *prospects)),
        *(error for _, error in deletion.refused),
    ]

    assert len(errors) == 4
    for error in errors:
        assert error is not None
        assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


async def test_whatever_is_asked_of_it_is_not_said_to_be_missing(service, theirs, tmp_path):
    """Nor is its bucket; and no tag is written where another object may stand."""
    place = Place.of(theirs)
    asked = (
        lambda: service.stored.get(place, tmp_path / "x"),
        lambda: service.stored.link(place, timedelta(hours=1)),
        lambda: service.stored.read_range(place, 0, 10),
        lambda: service.stored.change_tags(place, {"run": "7"}),
    )
    for ask in asked:
        with pytest.raises(StoreError, match="does not reach"):
            await ask()
    (end,) = await service.stored.download_all([place], tmp_path)

    assert "does not reach" in str(end.error)
