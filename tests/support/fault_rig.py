"""An engine with a journal behind the fault proxy, and what must be true of it after whatever happened."""

from __future__ import annotations

import hashlib
import os
from contextlib import asynccontextmanager

import anyio
from anyio.to_thread import run_sync

from hashdrop import simple_s3_router
from hashdrop.connection import Connection
from hashdrop.errors import CatalogAway
from hashdrop.errors import CatalogError
from hashdrop.errors import NoteRefused
from hashdrop.s3.options import WriteOptions
from hashdrop.s3.probe import Abilities
from hashdrop.s3.writing import ContentWriter
from hashdrop.transfers.engine import open_engine
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Paused
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Waiting
from hashdrop.transfers.journal import open_journal
from hashdrop.transfers.target import Target
from support.fault_proxy import Rule

MIB = 2**20
LARGE = 12 * MIB
"""Three parts."""
SMALL = 64 * 1024

_STATE_OF = {
    Queued: State.QUEUED,
    Paused: State.PAUSED,
    Waiting: State.WAITING,
    Stored: State.STORED,
    AlreadyStored: State.ALREADY_STORED,
    Failed: State.FAILED,
    Cancelled: State.CANCELLED,
}


class Recorded:
    """Stands for the catalog: keeps what it is told, and fails when told to."""

    def __init__(self):
        self.pointers = []
        self.fails = False
        self.is_silent = False
        self.asked = 0
        self.refused = ""
        """A name that it does not take; a batch with it is refused as a whole."""

    async def __call__(self, confirmed):
        self.asked += 1
        if self.is_silent:
            raise CatalogAway("The catalog does not answer.", retryable=True)
        if self.refused in {one.transfer.name for one in confirmed}:
            raise NoteRefused("The catalog does not take it.", hint="Call it otherwise.")
        if self.fails:
            raise CatalogError("The catalog cannot be written.", retryable=True)
        self.pointers += [(one.transfer.name, one.pointer) for one in confirmed]


class Rig:
    """One run of the program."""

    def __init__(self, server, bucket, proxy, folder, engine, journal):
        self.server = server
        self.bucket = bucket
        self.proxy = proxy
        self.folder = folder
        self.engine = engine
        self.journal = journal
        self.recorded = Recorded()
        self.events = []

    def target(
        self,
        *,
        client=None,
        checksums=True,
        own_connections=True,
        read_timeout=20,
        token=None,
        claims=None,
        bucket=None,
        endpoint_url=None,
        prefix="p",
        **options,
    ):
        """A target that leads through the proxy."""
        mode = "when_supported" if checksums else "when_required"
        bucket = bucket or self.bucket
        endpoint_url = endpoint_url or self.proxy.endpoint_url
        client = client or self.server.client(
            endpoint_url,
            request_checksum_calculation=mode,
            response_checksum_validation=mode,
            read_timeout=read_timeout,
        )
        target = Target(
            Connection(name="test", bucket=bucket, prefix=prefix, endpoint_url=endpoint_url)
        )
        writer = ContentWriter(
            client,
            simple_s3_router(bucket, prefix, temp_prefix="tmp"),
            WriteOptions(
                **{
                    "max_writers": 4,
                    "cleanup_timeout": 5,
                    "own_connections": own_connections,
                    "store_name": "store",
                }
                | options
            ),
            claims=claims,
        )
        # As it is after the probe: the server refuses what is not that of its checksum.
        writer.adapt(Abilities(checksums=checksums, tells_size=writer.options.tells_size))
        target.opened(writer)
        return target

    def file(self, name="a.bin", size=LARGE, data=None):
        """A new file of random bytes."""
        path = self.folder / name
        path.write_bytes(os.urandom(size) if data is None else data)
        return path

    def add(self, *paths, target=None, **more):
        """Drop files."""
        return self.engine.add(list(paths), target or self.target(), **more)

    async def store(self, *paths, target=None, **more):
        """Drop files and wait until nothing more happens to them."""
        self.add(*paths, target=target, **more)
        with anyio.fail_after(60):
            await self.engine.drained()

    # --- waiting -----------------------------------------------------------------------------------

    def of(self, *kinds):
        """The events of some kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    def last(self):
        """Transfer -> its last event."""
        return {event.id: event for event in self.events if not isinstance(event, BatchScanned)}

    def ids(self):
        """All transfers."""
        return list(self.last())

    async def until(self, *kinds, count=1):
        """Wait for events of some kinds and return the last one."""
        with anyio.fail_after(30):
            while len(self.of(*kinds)) < count:
                await anyio.sleep(0.005)
        return self.of(*kinds)[-1]

    async def reached(self, rule, count=1):
        """Wait until a rule was applied."""
        assert await run_sync(rule.reached.wait, 20), f"{rule.operation} never came"
        with anyio.fail_after(20):
            while rule.seen < count:
                await anyio.sleep(0.005)

    # --- what must be true --------------------------------------------------------------------------

    def sent_parts(self):
        """Numbers of the parts that came whole, in order of arrival."""
        return [
            int(request.query["partNumber"][0])
            for request in self.proxy.requests
            if request.operation == "UploadPart"
        ]

    async def check(self, *, nothing_left=True):
        """What must be true after whatever happened.

        Args:
            nothing_left: Whether no upload may be left at all; else those that are must be in the journal.
        """
        self._check_objects()
        await self._check_uploads(nothing_left=nothing_left)
        self._check_events()

    def _check_objects(self):
        check_objects(self.server, self.bucket)

    async def _check_uploads(self, *, nothing_left):
        uploads = open_uploads(self.server, self.bucket)
        left = await self.journal.leftovers()
        known = {(one.key, one.upload_id) for one in left}
        intended = {one.key for one in left if one.is_intent}

        assert [one for one in uploads if one not in known and one[0] not in intended] == []
        if nothing_left:
            assert uploads == []
            assert left == []

    def _check_events(self):
        objects = objects_of(self.server, self.bucket)
        names = {event.id: event.name for event in self.of(Queued)}
        for number, event in self.last().items():
            transfer = self.engine._transfers.get(number)
            if transfer is not None and type(event) in _STATE_OF:
                assert _STATE_OF[type(event)] is transfer.state
            match event:
                case Stored() | AlreadyStored():
                    assert objects[event.pointer.key] == event.pointer.content_size
                    assert (names[number], event.pointer) in self.recorded.pointers
                case Failed() | Waiting():
                    assert event.error.title.endswith(".")
                    assert "Traceback" not in event.error.sentence
                case _:
                    pass
        for _, pointer in self.recorded.pointers:
            assert objects[pointer.key] == pointer.content_size


def objects_of(server, bucket):
    """Key -> bytes; none where there is no bucket any more."""
    try:
        return server.objects(bucket)
    except server.plain.exceptions.NoSuchBucket:
        return {}
    except Exception as error:
        if "NoSuchBucket" in str(error):
            return {}
        raise


def open_uploads(server, bucket):
    """Key and id of each multipart upload that is open."""
    try:
        answer = server.plain.list_multipart_uploads(Bucket=bucket)
    except Exception as error:
        if "NoSuchBucket" in str(error):
            return []
        raise
    return [(one["Key"], one["UploadId"]) for one in answer.get("Uploads") or []]


def check_objects(server, bucket):
    """Every object is the content that its key says, byte for byte; no temporary one is left."""
    for key in objects_of(server, bucket):
        stem = key.rpartition("/")[2].partition(".")[0]

        assert stem == hashlib.sha256(server.body(bucket, key)).hexdigest()


@asynccontextmanager
async def open_rig(server, bucket, proxy, folder, **engine_options):
    """Run an engine with a journal in `folder`; a second one on the same folder is a next run."""
    folder.mkdir(parents=True, exist_ok=True)
    async with open_journal(folder / "journal.sqlite3") as journal:
        rig = Rig(server, bucket, proxy, folder, None, journal)

        async def record(confirmed):
            await rig.recorded(confirmed)

        async with open_engine(record, journal=journal, **engine_options) as rig.engine:
            rig.engine.subscribe(rig.events.append)
            yield rig


__all__ = ("LARGE", "MIB", "SMALL", "Recorded", "Rig", "Rule", "check_objects", "open_rig")
