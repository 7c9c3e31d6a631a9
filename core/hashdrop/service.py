"""The service: puts the parts together; what the command line and the window both talk to."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from collections.abc import AsyncIterable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AsyncExitStack
from contextlib import asynccontextmanager
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Literal

import anyio
from anyio.to_thread import run_sync

from hashdrop.catalog.opening_later import OpeningCatalog
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import StoredName
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.connection import ChecksumMode
from hashdrop.connection import Choice
from hashdrop.connection import Connection
from hashdrop.content_types import content_type_of
from hashdrop.digest import make_digest
from hashdrop.errors import CatalogError
from hashdrop.errors import HashdropError
from hashdrop.errors import SettingsError
from hashdrop.local_store import LocalStore
from hashdrop.paths import Paths
from hashdrop.pointer import StoredPointer
from hashdrop.pointer_export import NamedPointer
from hashdrop.reaching import Reaching
from hashdrop.reaching import router_of
from hashdrop.s3.routing import ask_router
from hashdrop.s3.threads import plain_task_group
from hashdrop.settings import Preferences
from hashdrop.settings import Settings
from hashdrop.settings import load_settings
from hashdrop.settings import save_settings
from hashdrop.team import catalog_place
from hashdrop.team import shown
from hashdrop.transfers.engine import Engine
from hashdrop.transfers.engine import open_engine
from hashdrop.transfers.history import History
from hashdrop.transfers.history import PastDrop
from hashdrop.transfers.history import open_history
from hashdrop.transfers.holding import LARGE_DROP
from hashdrop.transfers.journal import Journal
from hashdrop.transfers.journal import QueuedFile
from hashdrop.transfers.journal import open_journal
from hashdrop.transfers.recording import Confirmed
from hashdrop.transfers.target import Target
from hashdrop.transfers.throttle import Throttle

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from hashdrop.catalog.catalog import Catalog
    from hashdrop.s3.claims import Claims
    from hashdrop.stored.places import Reached
    from hashdrop.stored.stored import Stored

_LOG = logging.getLogger(__name__)

_PATIENCE_S = 600.0
"""Seconds that a script waits for a store that went out of reach."""
_PATIENCE_OF_PEOPLE_S = 30 * 24 * 3600.0
"""The same for a window: a laptop may be closed over the holidays."""
LOCAL_BUCKET = "hashdrop"
"""Bucket of the embedded store, made on first use."""
_SAMPLE_HASH = "6a654e42c5f2eba2803d70a89b1946ac92492d2347c6235b4d2611184e7a2e6f"


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """How it stands with the current connection."""

    connection: Connection
    state: Literal["starting", "ready", "failed"]
    error: HashdropError | None = None


class Service:
    """The program behind the window and the command line; made by `open_service`.

    Args:
        paths: Folders.
        settings: As loaded.
        override: A connection that this run uses instead of the settings' current one.
        catalog: Of pointers.
        engine: Of transfers.
        local_store: The embedded store.
        journal: What must survive a kill.
        history: What became of drops; `None` where none is kept.
        group: Runs what goes on beside a call.
        patience_s: Seconds that a store is waited for when it is out of reach.
    """

    def __init__(
        self,
        *,
        paths: Paths,
        settings: Settings,
        override: Connection | None,
        catalog: OpeningCatalog,
        engine: Engine,
        local_store: LocalStore,
        journal: Journal,
        history: History | None,
        group: TaskGroup,
        patience_s: float,
    ) -> None:
        self.paths = paths
        self.notice = settings.notice
        """What has to be told about the settings file; "" normally."""
        self._settings = settings
        self._override = override
        self._catalog = catalog
        self.transfers = engine
        """Pauses, resumes, cancels and forgets them; what needs the current connection is here."""
        self._local_store = local_store
        self._history = history
        self._group = group
        self.throttle = Throttle()
        """The bandwidth limit of all transfers; may be changed while they run."""
        self._targets = Reaching(
            local_store, paths.local_store, journal, pace=self.throttle, patience_s=patience_s
        )
        self.large_drop = LARGE_DROP
        """From which size on a drop is asked about, where somebody can be asked."""
        self._watchers: list[Callable[[ConnectionStatus], None]] = []
        self._target = Target(self._current())
        self._switching = anyio.Lock()
        self._saving = anyio.Lock()
        self._reaching = anyio.Lock()
        self._others: dict[str, Target] = {}
        self._stored: Stored | None = None
        self.status = ConnectionStatus(self._target.connection, "starting")
        """Of the current connection."""
        self.was_suspended = False
        """Whether the run before ended in order, by `leave`; known after `restore`."""

    # --- connections -----------------------------------------------------------------------------

    @property
    def claims(self) -> Claims:
        """What is being stored or deleted, by whatever connection."""
        return self._targets.claims

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All connections, that of this computer first."""
        own = [one for one in self._settings.connections if one.name != LOCAL_CONNECTION_NAME]
        listed = {one.name: one for one in (local_connection(self._settings), *own)}
        if self._override:
            listed[self._override.name] = self._override
        return tuple(listed.values())

    def watch_status(self, watcher: Callable[[ConnectionStatus], None]) -> Callable[[], None]:
        """Tell a watcher each change of the status; returns what ends it."""
        self._watchers.append(watcher)

        def unwatch() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return unwatch

    async def connect(self) -> None:
        """Reach the current connection: start the embedded store if it is meant, make the client.

        Never raises for a store that cannot be reached: `status` says so, and transfers that wait for
        it fail with the same words.
        """
        async with self._switching:
            await self._reopen()
            await self._catalog.want()

    async def signed_in(self) -> None:
        """Go on, with the credentials as they are now, with all that waits for the person to sign in."""
        async with self._switching:
            for old in self.transfers.blocked_targets:
                if old is self._target:
                    await self._reopen()
                    continue
                new = Target(old.connection)
                await self._targets.reach(new)
                if not new.has_failed:
                    self.transfers.replace_target(old, new)

    def try_now(self) -> None:
        """Ask for a store that is out of reach now, not when it is due."""
        self.transfers.hurry()

    async def use_connection(self, name: str) -> None:
        """Make another connection current, save that, and reach it.

        Raises:
            SettingsError: There is no such connection, or the settings cannot be saved.
        """
        connection = next((one for one in self.connections if one.name == name), None)
        if connection is None:
            raise SettingsError(f"There is no connection named “{name}”.")
        is_override = self._override is not None and connection == self._override
        async with self._switching:
            if not is_override:
                await self._save(lambda settings: settings.using(name))
                self._override = None
            self._target = Target(connection)
            await self._open(self._target)

    async def save_connection(self, connection: Connection, *, replaces: str | None = None) -> None:
        """Save a connection, make it current and reach it; drops from now on go there.

        Args:
            connection: Checked already by its own rules.
            replaces: Name of the one that was edited; `None` for a new one.

        Raises:
            SettingsError: The name is taken, or the settings cannot be saved.
        """
        async with self._switching:
            await self._save(lambda settings: settings.saved(connection, replaces=replaces))
            self._override = None
            self._target = Target(self._current())
            await self._open(self._target)

    def sample_key(self, connection: Connection, name: str = "scan_0192.tiff") -> str:
        """Return the key that a file would get, with a made-up hash; asks nobody.

        Raises:
            HashdropError: The connection's router cannot be loaded, or fails.
        """
        digest = make_digest(_SAMPLE_HASH, 1, content_type=content_type_of(name))
        return ask_router(router_of(connection), digest, {}, temp=False)["key"]

    # --- preferences -----------------------------------------------------------------------------

    @property
    def preferences(self) -> Preferences:
        """How the person wants the window to work."""
        return self._settings.preferences

    async def prefer(self, **changes: object) -> None:
        """Change some preferences, and keep them for the next start.

        Raises:
            SettingsError: They cannot be saved.
        """

        def changed(settings: Settings) -> Settings:
            values = settings.preferences.model_dump() | changes
            return settings.preferring(Preferences.model_validate(values))

        await self._save(changed)

    # --- transfers -------------------------------------------------------------------------------

    def add(
        self,
        paths: Sequence[Path],
        *,
        tags: Mapping[str, str] | None = None,
        single_pass: bool = False,
        repair: bool = False,
        asks: bool = False,
    ) -> int:
        """Queue files and folders; returns the number of the batch, events follow.

        With `asks`, one that is larger than `large_drop` is held until `release` or `dismiss`.
        """
        return self.transfers.add(
            paths,
            self._target,
            tags=tags,
            single_pass=single_pass,
            repair=repair,
            ask_above=self.large_drop if asks else None,
        )

    def add_stream(
        self,
        stream: AsyncIterable[bytes],
        *,
        name: str,
        tags: Mapping[str, str] | None = None,
        repair: bool = False,
    ) -> int:
        """Queue a stream that comes once; returns the number of its batch."""
        return self.transfers.add_stream(stream, self._target, name=name, tags=tags, repair=repair)

    def retry(self, ids: Iterable[int], *, repair: bool = False) -> None:
        """Queue failed or cancelled transfers again; with `repair` what stands in their way is replaced."""
        self.transfers.retry(ids, self._target, repair=repair)

    async def restore(self) -> int:
        """Queue again what an earlier run left; returns how many files came back.

        `was_suspended` says afterwards whether they were left on purpose.

        Raises:
            CatalogError: The journal cannot be read.
        """
        self.was_suspended = await run_sync(_taken_away, self.paths.kept_queue)
        targets = {self._target.connection.model_dump_json(): self._target}

        def target_of(file: QueuedFile) -> Target:
            key = file.connection.model_dump_json()
            if key not in targets:
                targets[key] = Target(file.connection)
                self._group.start_soon(self._targets.reach, targets[key])
            return targets[key]

        return await self.transfers.restore(target_of)

    async def suspend(self) -> None:
        """Stop everything so that the next start goes on with it."""
        await self.leave(keep=True)

    async def leave(self, *, keep: bool) -> None:
        """End the queue in order, so that the next start does not take it for a crash.

        Args:
            keep: Whether the next start goes on with what is unfinished; else it is cancelled, and only
                what failed is tried again.
        """
        await (self.transfers.suspend() if keep else self.transfers.cancel_all())
        await run_sync(partial(self.paths.kept_queue.touch, mode=0o600))

    async def stop_local_store(self) -> None:
        """Stop the embedded store where the loop ended before the service could be closed."""
        await self._local_store.stop()

    # --- history ---------------------------------------------------------------------------------

    async def history(
        self, *, text: str = "", before: PastDrop | None = None, limit: int = 100
    ) -> list[PastDrop]:
        """Return drops that came to their end, newest first.

        Args:
            text: In the name of the drop, its connection, or a name, folder or key of its files.
            before: The last one of the page before.
            limit: Drops at most.

        Raises:
            CatalogError: The history cannot be read.
        """
        if self._history is None:
            return []
        return await self._history.page(text=text, before=before, limit=limit)

    async def history_pointers(self, drop: int) -> list[NamedPointer]:
        """Return the pointers of a drop of the history.

        Raises:
            CatalogError: The history cannot be read.
        """
        return await self._history.pointers(drop) if self._history else []

    async def forget_history(self, drops: Sequence[int]) -> None:
        """Take drops out of the history; what they stored stays.

        Raises:
            CatalogError: The history cannot be written.
        """
        if self._history is not None:
            await self._history.forget(drops)

    async def keep_history(self, days: int) -> None:
        """Keep drops for so many days from now on, and take away what is older.

        Raises:
            SettingsError: That cannot be saved.
            CatalogError: The history cannot be written.
        """
        await self.prefer(history_days=days)
        if self._history is not None:
            self._history.days = days
            await self._history.clean()

    # --- what is stored --------------------------------------------------------------------------

    async def pointers(
        self, *, limit: int = 200, before: PointerRow | None = None
    ) -> list[PointerRow]:
        """Return what was stored, newest first.

        Args:
            limit: Rows at most.
            before: The last row of the page before.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        catalog = await self._catalog.opened()
        return await catalog.page(limit=limit, before=before.id if before else None)

    async def first_names(
        self, pointers: Sequence[StoredPointer], *, connection: str = ""
    ) -> list[PointerRow]:
        """Return the oldest name of each of these objects, of those that the catalog has.

        Args:
            pointers: Some hundreds at most.
            connection: Only names of its store; "" for all that this computer may reach.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        store = None
        if connection:
            from hashdrop.stored.marking import rebuild_of

            store = rebuild_of(self, self.connection_for(connection, ""), "")
        return await (await self._catalog.opened()).first_names(pointers, store=store)

    @property
    def stored(self) -> Stored:
        """Answers about what is stored: find, link, verify, download, delete."""
        if self._stored is None:
            from hashdrop.stored.stored import Stored  # an upload needs none of it

            self._stored = Stored(self)
        return self._stored

    async def load_stored(self) -> Stored:
        """Return `stored`; its libraries are loaded in a thread: that takes half a second."""
        if self._stored is None:
            await run_sync(import_module, "hashdrop.stored.stored")
        return self.stored

    # --- what `stored` needs; see `stored.places.Reach` --------------------------------------------

    @property
    def connection(self) -> Connection:
        """The current connection."""
        return self._target.connection

    @property
    def data(self) -> Path:
        """Folder of this person's data."""
        return self.paths.data

    @property
    def catalog_place(self) -> str:
        """Where the catalog is, for people: its file, or the address of a team's without the password."""
        return shown(self._catalog.place)

    async def catalog(self) -> Catalog:
        """Return the catalog when it is open.

        Raises:
            CatalogError: It cannot be opened.
        """
        return await self._catalog.opened()

    def connection_for(self, name: str, bucket: str) -> Connection:
        """Return the connection that `reached` would reach; see `stored.places.Reach`."""
        current = self._target.connection
        named = [one for one in self.connections if one.name == name]
        fitting = named or [one for one in self.connections if one.bucket == bucket]
        if name == "" or current in fitting or not fitting:
            return current
        return fitting[0]

    async def reached(self, connection: str = "", bucket: str = "") -> Reached:
        """Return a connection when it is reached; see `stored.places.Reach`.

        Raises:
            HashdropError: It cannot be reached.
        """
        from hashdrop.stored.places import Reached

        target = await self._target_of(connection, bucket)
        writer = await target.reader()
        found = target.connection
        if found.name == LOCAL_CONNECTION_NAME:
            meta = writer.requests.client.meta
            found = found.model_copy(
                update={"endpoint_url": meta.endpoint_url, "region": meta.region_name}
            )
        return Reached(found, writer)

    # --- inside ----------------------------------------------------------------------------------

    async def _target_of(self, name: str, bucket: str) -> Target:
        """Return the target of a connection that need not be the current one."""
        wanted = self.connection_for(name, bucket)
        if wanted == self._target.connection:
            return self._target
        key = wanted.model_dump_json()
        async with self._reaching:
            target = self._others.get(key)
            if target is None or target.has_failed:
                target = self._others[key] = Target(wanted)
                await self._targets.reach(target)
        return target

    def _current(self) -> Connection:
        if self._override is not None:
            return self._override
        if self._settings.current == LOCAL_CONNECTION_NAME:
            return local_connection(self._settings)
        return self._settings.named(self._settings.current) or local_connection(self._settings)

    async def _save(self, change: Callable[[Settings], Settings]) -> None:
        async with self._saving:  # no change is made to settings that are being replaced
            settings = change(self._settings)
            await run_sync(save_settings, self.paths.settings_file, settings)
            self._settings = settings

    async def _reopen(self) -> None:
        """Reach the current connection, anew where it could not be reached or wants a sign-in."""
        old = self._target
        if old.has_failed or old.blocked is not None:
            self._target = Target(old.connection)
        await self._open(self._target)
        if self._target is not old and not self._target.has_failed:
            self.transfers.replace_target(old, self._target)
        elif self._target is not old and old.blocked is not None:
            self._target = old  # what waits for it is found again by the next try

    async def _open(self, target: Target) -> None:
        self._tell(ConnectionStatus(target.connection, "starting"))
        error = await self._targets.reach(target)
        self._tell(ConnectionStatus(target.connection, "failed" if error else "ready", error))

    def _tell(self, status: ConnectionStatus) -> None:
        self.status = status
        for watcher in tuple(self._watchers):
            watcher(status)


def local_connection(settings: Settings) -> Connection:
    """Return the connection of this computer, with the bucket and prefix that the person chose."""
    chosen = settings.named(LOCAL_CONNECTION_NAME)
    return Connection(
        name=LOCAL_CONNECTION_NAME,
        bucket=chosen.bucket if chosen else LOCAL_BUCKET,
        prefix=chosen.prefix if chosen else "",
        single_pass=chosen.single_pass if chosen else False,
        temp_prefix=chosen.temp_prefix if chosen else "",
        checksum_mode=ChecksumMode.WHEN_SUPPORTED,
    )


def _taken_away(path: Path) -> bool:
    """Take a file away; whether it was there."""
    try:
        path.unlink()
    except OSError:  # what it says is only in which words something is told
        return False
    return True


def _resolved(choice: Choice, settings: Settings) -> Connection | None:
    """Return what this run uses instead of the settings' current connection; `None` for no change."""
    if choice == Choice():
        return None
    name = choice.name or settings.current
    base = settings.named(name) if name != LOCAL_CONNECTION_NAME else None
    if base is None and choice.name not in {None, LOCAL_CONNECTION_NAME}:
        names = [LOCAL_CONNECTION_NAME, *(one.name for one in settings.connections)]
        there = ", ".join(f"“{name}”" for name in dict.fromkeys(names))
        raise SettingsError(
            f"There is no connection named “{choice.name}”.", hint=f"There are: {there}."
        )
    return choice.applied(base or local_connection(settings))


@asynccontextmanager
async def open_service(
    paths: Paths, *, choice: Choice | None = None, for_people: bool = False
) -> AsyncGenerator[Service, None]:
    """Open the service; nothing is connected before `connect`.

    At the end what runs is cancelled and cleaned up, and the embedded store is stopped if nobody else
    uses it.

    Args:
        paths: Folders; made if missing.
        choice: The connection of this run; by default the settings' current one.
        for_people: Whether somebody watches: then the queue survives the end of the program, a sign-in is
            waited for, and so is a store that is out of reach, however long. A script fails instead.

    Raises:
        SettingsError: The settings cannot be read, or there is no such connection.
        CatalogError: The catalog or the journal cannot be opened.
    """
    settings = await run_sync(_prepare, paths)
    override = _resolved(choice or Choice(), settings)
    catalog = OpeningCatalog(
        await run_sync(catalog_place, paths.catalog_file, settings.catalog_url)
    )

    async def record(confirmed: Sequence[Confirmed]) -> None:
        stored = [
            StoredName(
                pointer=one.pointer,
                name=one.transfer.name,
                folder=one.transfer.folder,
                connection=one.transfer.target.connection.name,
                tags=dict(one.transfer.tags),
            )
            for one in confirmed
        ]
        await catalog.record_many(stored)

    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(plain_task_group())
        stack.callback(group.cancel_scope.cancel)
        group.start_soon(catalog.run)
        stack.callback(catalog.close)
        local_store = LocalStore(paths.local_store)
        stack.push_async_callback(local_store.stop)
        journal = await stack.enter_async_context(open_journal(paths.catalog_file))
        history: History | None = None
        if for_people:
            days = settings.preferences.history_days
            try:
                history = await stack.enter_async_context(
                    open_history(paths.history_file, days=days)
                )
            except CatalogError as error:  # nothing that is stored depends on it
                _LOG.warning("%s", error.sentence)
                settings = replace(settings, notice=settings.notice or error.sentence)
            else:
                group.start_soon(history.run)
        engine = await stack.enter_async_context(
            open_engine(
                record,
                journal=journal,
                keeps_queue=for_people,
                waits_for_sign_in=for_people,
                history=history,
            )
        )
        yield Service(
            paths=paths,
            settings=settings,
            override=override,
            catalog=catalog,
            engine=engine,
            local_store=local_store,
            journal=journal,
            history=history,
            group=group,
            patience_s=_PATIENCE_OF_PEOPLE_S if for_people else _PATIENCE_S,
        )


def _prepare(paths: Paths) -> Settings:
    try:
        paths.ensure()
    except OSError as error:
        raise SettingsError(
            "The folders of Hashdrop cannot be made.", detail=f"{error.filename}: {error.strerror}."
        ) from error
    return load_settings(paths.settings_file)


__all__ = (
    "ConnectionStatus",
    "PastDrop",
    "PointerRow",
    "Preferences",
    "Service",
    "local_connection",
    "open_service",
)
