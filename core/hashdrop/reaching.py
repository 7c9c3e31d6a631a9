"""Reaching a connection: its client, its router, and what is to be known or done before the first write."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.connection import ChecksumMode
from hashdrop.connection import Connection
from hashdrop.errors import HashdropError
from hashdrop.s3.claims import Claims
from hashdrop.s3.client import Keys
from hashdrop.s3.client import ensure_bucket
from hashdrop.s3.client import open_client
from hashdrop.s3.options import WriteOptions
from hashdrop.s3.probe import Abilities
from hashdrop.s3.routing import S3Router
from hashdrop.s3.routing import load_router
from hashdrop.s3.routing import simple_s3_router
from hashdrop.s3.writing import ContentWriter

if TYPE_CHECKING:
    from hashdrop.local_store import LocalStore
    from hashdrop.s3.body import Pace
    from hashdrop.transfers.journal import Journal
    from hashdrop.transfers.target import Target

_LOG = logging.getLogger(__name__)


class Reaching:
    """Opens the targets of a run of the program.

    Args:
        local_store: The embedded store.
        store_folder: Of the embedded store; what it is known by, for its port is another at each start.
        journal: What stores can do, and what stands in them only for a while.
        pace: The bandwidth limit of all of them.
        patience_s: Seconds that a store is waited for when it is out of reach.
    """

    def __init__(
        self,
        local_store: LocalStore,
        store_folder: Path,
        journal: Journal,
        *,
        pace: Pace,
        patience_s: float,
    ) -> None:
        self._local_store = local_store
        self._store_folder = store_folder
        self._journal = journal
        self._pace = pace
        self._patience_s = patience_s
        self.claims = Claims()
        """What is being stored or deleted, in all of them."""

    async def reach(self, target: Target) -> HashdropError | None:
        """Reach a target: start the embedded store if it is meant, make the client.

        Returns:
            Why it cannot be reached; the target knows it, too.
        """
        connection = target.connection
        try:
            keys = None
            if connection.name == LOCAL_CONNECTION_NAME:
                endpoint = await self._local_store.start()
                connection = connection.model_copy(
                    update={"endpoint_url": endpoint.endpoint_url, "region": endpoint.region}
                )
                keys = Keys(endpoint.access_key, endpoint.secret_key)
            router = router_of(connection)
            client = await run_sync(partial(open_client, connection, keys=keys))
            if keys is not None:
                await run_sync(ensure_bucket, client, connection.bucket)
        except HashdropError as error:
            target.failed(error)
            return error
        options = WriteOptions(
            max_writers=connection.max_writers,
            max_readers=connection.max_readers,
            part_size=connection.part_size,
            object_tags=connection.object_tags,
            checksums=connection.sends_checksums,
            own_connections=True,
            patience_s=self._patience_s,
            pace=self._pace,
            # Its port is another at each start.
            store_name=str(self._store_folder) if keys is not None else "",
            check_room=self._local_store.check_room if keys is not None else None,
            revive=self._local_store.revive if keys is not None else None,
        )
        writer = ContentWriter(
            client, router, options, claims=self.claims, temporaries=self._journal
        )
        learns = connection.checksum_mode is ChecksumMode.AUTOMATIC or keys is not None
        target.opened(writer, partial(self._prepare, connection, learns=learns))
        return None

    async def _prepare(
        self, connection: Connection, writer: ContentWriter, *, learns: bool
    ) -> None:
        """Before the first write: take away what a run that was killed left, and learn about the store."""
        try:
            await writer.take_away(connection.bucket)
        except HashdropError as error:  # it stays noted for the next start
            _LOG.warning("What an earlier run left in %s stays there: %s", connection.bucket, error)
        if learns:
            await self._learn(connection, writer)

    async def _learn(self, connection: Connection, writer: ContentWriter) -> None:
        """Find out, once for each store, what it can do; others than AWS are tried before trusted."""
        if connection.endpoint_url is None:
            writer.adapt(Abilities(checksums=True, tells_size=True))
            return
        try:
            known = await self._journal.abilities(writer.store_name, connection.bucket)
            if known is None:
                known = await writer.probe(connection.bucket, connection.temp_prefix)
                await self._journal.remember(writer.store_name, connection.bucket, known)
        except HashdropError as error:  # the upload itself says it better, and needs none of it
            _LOG.info("What %s can do is not known: %s", writer.store_name, error)
            return
        writer.adapt(known)


def router_of(connection: Connection) -> S3Router:
    """Return what makes the keys of a connection.

    Raises:
        RouterError: Its own cannot be loaded.
    """
    if connection.router:
        return load_router(connection.router)
    return simple_s3_router(
        connection.bucket, connection.prefix, temp_prefix=connection.temp_prefix
    )
