"""What the window and the command line ask about stored objects; `Service.stored` is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from hashdrop.catalog.filters import Filters
from hashdrop.catalog.filters import parse_filters
from hashdrop.catalog.rebuilding import Rebuilt
from hashdrop.catalog.rows import Order
from hashdrop.catalog.rows import PointerRow
from hashdrop.catalog.rows import SortBy
from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.forms import WITH_ENDPOINT
from hashdrop.forms import Form
from hashdrop.forms import write_form
from hashdrop.pointer import StoredPointer
from hashdrop.s3.download import download
from hashdrop.s3.inspecting import ask_for
from hashdrop.s3.inspecting import read_range
from hashdrop.s3.linking import Link
from hashdrop.s3.linking import check_duration
from hashdrop.s3.linking import presign
from hashdrop.stored.deleting import Deletion
from hashdrop.stored.deleting import Prospect
from hashdrop.stored.deleting import delete
from hashdrop.stored.deleting import foresee
from hashdrop.stored.deleting import undo
from hashdrop.stored.details import Details
from hashdrop.stored.details import ask_details
from hashdrop.stored.details import bucket_pages
from hashdrop.stored.details import change_tags
from hashdrop.stored.downloading import Downloaded
from hashdrop.stored.downloading import InTheWay
from hashdrop.stored.downloading import download_all
from hashdrop.stored.exchange import BadLine
from hashdrop.stored.exchange import Format
from hashdrop.stored.exchange import Imported
from hashdrop.stored.exchange import export_file
from hashdrop.stored.exchange import export_text
from hashdrop.stored.exchange import import_file
from hashdrop.stored.looking_up import Answer
from hashdrop.stored.looking_up import look_up_all
from hashdrop.stored.places import ObjectId
from hashdrop.stored.places import Place
from hashdrop.stored.places import Reach
from hashdrop.stored.places import find_place
from hashdrop.stored.places import object_ids
from hashdrop.stored.places import of_object
from hashdrop.stored.places import reach_place
from hashdrop.stored.places import told_of
from hashdrop.stored.places import with_hash
from hashdrop.stored.rebuilding import rebuild
from hashdrop.stored.several import listed
from hashdrop.stored.verifying import Verdict
from hashdrop.stored.verifying import verify_all

if TYPE_CHECKING:
    from pathlib import Path

_NEWEST_FIRST = Order()


class Stored:
    """Answers about what is stored, and what is done with it.

    Rows are those of the catalog (`search`) or of the bucket itself; `Place.of(row)` is what all else takes.

    Args:
        reach: To the catalog and the stores.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self.deletions: list[Deletion] = []
        """What can be undone until the program ends, the last one last."""
        self._undoing = anyio.Lock()

    # --- finding ---------------------------------------------------------------------------------

    async def search(
        self,
        filters: Filters | str = "",
        order: Order = _NEWEST_FIRST,
        *,
        limit: int = 200,
        after: PointerRow | None = None,
    ) -> list[PointerRow]:
        """Return the names that fit, a page at a time.

        Args:
            filters: What they must be, or what was typed; see `catalog.filters`.
            order: Of the rows.
            limit: Rows at most.
            after: The last row of the page before.

        Raises:
            UsageError: A filter of the text cannot be read.
            CatalogError: The catalog cannot be read.
        """
        wanted = parse_filters(filters) if isinstance(filters, str) else filters
        catalog = await self._reach.catalog()
        return await catalog.search(wanted, order, limit=limit, after=after)

    async def find(self, text: str) -> Place:
        """Return where a pasted pointer, key or hash leads; see `places.find_place`.

        Raises:
            UsageError: The text is none of these, or the beginning of several hashes.
            ObjectMissing: It is a hash that the catalog does not know.
            CatalogError: The catalog cannot be read.
        """
        return await find_place(self._reach, text)

    async def names_at(self, place: Place) -> list[PointerRow]:
        """Return all names of one object, the newest first; not those of its place in another store.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        names = await (await self._reach.catalog()).names_at(place.bucket, place.key)
        return of_object(self._reach, names, place)

    def object_ids(self) -> Callable[[Place], ObjectId]:
        """Return what tells objects apart, whatever the names of the connections to their stores."""
        return object_ids(self._reach)

    async def names_of(self, content_hash: str) -> list[PointerRow]:
        """Return all names of a content, wherever it is stored, the newest first.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        return await (await self._reach.catalog()).names_of(content_hash)

    async def look_up_all(
        self,
        paths: Sequence[Path],
        *,
        on_answer: Callable[[Answer], None],
        on_found: Callable[[Path, int], None] | None = None,
        on_read: Callable[[int], None] | None = None,
    ) -> None:
        """Say of every file of a drop whether its content is stored; nothing is sent. See `looking_up`.

        Args:
            paths: Files and folders.
            on_answer: Told each answer as it is known, in no order.
            on_found: Told each file and its bytes before it is hashed.
            on_read: Told the bytes of each read, in a worker thread.

        Raises:
            HashdropError: The catalog cannot be read, or the router fails.
        """
        await look_up_all(
            self._reach, paths, on_answer=on_answer, on_found=on_found, on_read=on_read
        )

    # --- copying ---------------------------------------------------------------------------------

    async def written(self, form: Form, places: Sequence[Place]) -> str:
        """Return pointers in a form to be copied; those of many are one text.

        Args:
            form: The form.
            places: Of one connection, or each gets what its own needs on a line.

        Raises:
            StoreError: The form says where the store is, and this computer does not know that of one of them.
            HashdropError: The store on this computer does not start.
        """
        texts: list[str] = []
        for _, some in groupby(places, lambda one: (one.connection, one.bucket, one.elsewhere)):
            same = list(some)
            connection = self._reach.connection
            if form in WITH_ENDPOINT:  # that of another store would lead to another object
                connection = (await reach_place(self._reach, same[0], surely=True)).connection
            named = [(_pointer(one), one.name) for one in same]
            texts.append(write_form(form, named, connection))
        return "\n".join(texts)

    async def link(self, place: Place, expires: timedelta) -> Link:
        """Make a link that expires to an object that is there; see `s3.linking`.

        Args:
            place: Of the object; a file name that it has is the one that a browser saves it under.
            expires: How long the link holds.

        Raises:
            UsageError: Longer than S3 or the credentials allow.
            HashdropError: It is not there, or cannot be asked for.
        """
        check_duration(expires)
        reached = await reach_place(self._reach, place)
        requests = reached.writer.requests
        with told_of(reached, place):
            await ask_for(requests, place.s3)
        link = await run_sync(
            partial(presign, requests.client, place.s3, expires, file_name=place.name)
        )
        is_own = reached.connection.name == LOCAL_CONNECTION_NAME
        return replace(link, is_of_this_computer=is_own)

    # --- reading back ----------------------------------------------------------------------------

    async def get(
        self,
        place: Place,
        target: Path,
        *,
        on_bytes: Callable[[int], None] | None = None,
    ) -> tuple[Path, int, bool]:
        """Download an object to a file, which it replaces; see `s3.download.download`.

        Args:
            place: Of the object.
            target: The file.
            on_bytes: Told how many of its bytes are there.

        Returns:
            The file, its bytes, and whether its hash could be checked.

        Raises:
            HashdropError: It is not there, does not fit its hash, or cannot be written.
        """
        reached = await reach_place(self._reach, place)
        with told_of(reached, place):
            return await download(
                reached.writer,
                place.s3,
                target,
                expected=with_hash(place),
                size=place.size,
                on_bytes=on_bytes,
            )

    async def download_all(
        self,
        places: Sequence[Place],
        folder: Path,
        *,
        keeps_folders: bool = True,
        in_the_way: InTheWay = InTheWay.KEEP_BOTH,
        on_bytes: Callable[[int, int], None] | None = None,
        on_end: Callable[[int, Downloaded], None] | None = None,
    ) -> list[Downloaded]:
        """Download objects into a folder, each verified while it is written; see `downloading.download_all`.

        Args:
            places: Of the objects.
            folder: An existing one.
            keeps_folders: Whether each file goes into the folder that it came from.
            in_the_way: What becomes of another file of that name.
            on_bytes: Told the number of a place in `places`, and how many of its bytes are there.
            on_end: Told the number of a place, and how its download ended.

        Returns:
            How each ended; cancelling it keeps what the next download of the same can go on with.
        """
        return await download_all(
            self._reach,
            places,
            folder,
            keeps_folders=keeps_folders,
            in_the_way=in_the_way,
            on_bytes=on_bytes,
            on_end=on_end,
        )

    async def verify_all(
        self,
        places: Sequence[Place] | AsyncGenerator[Place, None],
        *,
        on_verdict: Callable[[Verdict], None],
        trusts_checksum: bool = False,
        on_read: Callable[[int], None] | None = None,
    ) -> None:
        """Find out whether objects have their hashes, and note it; see `verifying`.

        Args:
            places: Of the objects.
            on_verdict: Told each verdict, in no order.
            trusts_checksum: Whether the store's own SHA-256 of a whole object is enough.
            on_read: Told the bytes of each chunk.

        Raises:
            CatalogError: The catalog cannot be read or written.
        """
        given = listed(places) if isinstance(places, Sequence) else places
        await verify_all(
            self._reach,
            given,
            on_verdict=on_verdict,
            trusts_checksum=trusts_checksum,
            on_read=on_read,
        )

    async def objects(self, filters: Filters | str = "") -> AsyncGenerator[Place, None]:
        """Yield every object that has a name that fits, once, whatever its names; page by page.

        Args:
            filters: As of `search`.

        Raises:
            UsageError: A filter of the text cannot be read.
            CatalogError: The catalog cannot be read.
        """
        last: PointerRow | None = None
        object_id = object_ids(self._reach)
        done: set[ObjectId] = set()
        order = Order(SortBy.HASH, descending=False)
        while page := await self.search(filters, order, limit=500, after=last):
            for row in page:
                if last is None or last.pointer.content_hash != row.pointer.content_hash:
                    done.clear()  # all names of a content follow one another, whatever its places
                last = row
                place = Place.of(row)
                found = object_id(place)
                if found not in done:
                    done.add(found)
                    yield place

    # --- what the store says ---------------------------------------------------------------------

    async def details(self, place: Place) -> Details:
        """Return what the store says of an object: checksums, class, versions, encryption, tags, metadata.

        Raises:
            ObjectMissing: It is not there.
            HashdropError: The store cannot be asked.
        """
        return await ask_details(self._reach, place)

    async def read_range(self, place: Place, start: int, length: int) -> bytes:
        """Return some bytes of an object, for a preview; fewer where it ends before.

        Args:
            place: Of the object.
            start: The first byte, from 0.
            length: Bytes at most; see `inspecting.MOST_AT_ONCE`.

        Raises:
            ValueError: More are asked for than are to be held in memory.
            HashdropError: It is not there, or cannot be read.
        """
        reached = await reach_place(self._reach, place)
        with told_of(reached, place):
            return await read_range(reached.writer.requests, place.s3, start, length)

    async def change_tags(self, place: Place, tags: Mapping[str, str]) -> bool:
        """Give an object these tags, and no others, in its store and in the catalog.

        Returns:
            Whether the store has them now; one without tags leaves them to the catalog.

        Raises:
            TagError: S3 would refuse them; nothing was changed.
            HashdropError: The store refuses, or cannot be asked; nothing was changed.
        """
        return await change_tags(self._reach, place, tags)

    def bucket_pages(
        self,
        *,
        connection: str = "",
        prefix: str | None = None,
        after: str = "",
        page_size: int = 1000,
    ) -> AsyncGenerator[list[PointerRow], None]:
        """Yield what is in the bucket itself, by whomever it was stored, in the order of the keys.

        A page is asked for when it is wanted; `aclose()` ends it. Rows have the `id` 0, the last part of
        their key as name, the date of the listing, and the hash that their key holds, "" for none.

        Args:
            connection: Its name; "" for the current one.
            prefix: Beginning of the keys; `None` for the connection's own prefix, "" for the whole bucket.
            after: Only keys behind this one.
            page_size: Rows of a page, 1,000 at most.

        Raises:
            HashdropError: The store refuses, or cannot be asked.
        """
        return bucket_pages(
            self._reach, connection=connection, prefix=prefix, after=after, page_size=page_size
        )

    # --- the catalog as a whole --------------------------------------------------------------------

    async def rebuild(
        self,
        *,
        prefix: str | None = None,
        anew: bool = False,
        on_progress: Callable[[Rebuilt], None] | None = None,
    ) -> Rebuilt:
        """Bring the catalog to what is in the current connection's bucket; see `rebuilding.rebuild`.

        Args:
            prefix: Beginning of the keys; `None` for the connection's own prefix, "" for the whole bucket.
            anew: Whether to begin at the first key, whatever an earlier one left.
            on_progress: Told after each page.

        Returns:
            What was done in all.

        Raises:
            HashdropError: The store or the catalog refuses; the next rebuild goes on there.
        """
        return await rebuild(self._reach, prefix=prefix, anew=anew, on_progress=on_progress)

    def export(self, form: Format, filters: Filters | str = "") -> AsyncGenerator[str, None]:
        """Yield the catalog as JSON lines or CSV, some rows at a time; see `exchange`.

        Raises:
            UsageError: A filter of the text cannot be read.
            CatalogError: The catalog cannot be read.
        """
        return export_text(self._reach, form, filters)

    async def export_file(self, path: Path, form: Format, filters: Filters | str = "") -> None:
        """Write the catalog to a file, whole or not at all; see `exchange.export_file`.

        Raises:
            UsageError: A filter of the text cannot be read, or there can be no such file.
            SourceError: The disk does not take it.
            CatalogError: The catalog cannot be read.
        """
        await export_file(self._reach, path, form, filters)

    async def import_file(
        self,
        path: Path,
        form: Format,
        *,
        on_progress: Callable[[Imported], None] | None = None,
        on_bad: Callable[[BadLine], None] | None = None,
    ) -> Imported:
        """Add the names of such a file that are missing; see `exchange.import_file`.

        Raises:
            SourceError: The file cannot be read, or has not this format.
            CatalogError: The catalog cannot be written.
        """
        return await import_file(self._reach, path, form, on_progress=on_progress, on_bad=on_bad)

    # --- deleting --------------------------------------------------------------------------------

    async def foresee(self, rows: Sequence[PointerRow]) -> list[Prospect]:
        """Say what it would mean to delete the objects of these rows; see `deleting.Prospect`.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        return await foresee(self._reach, rows)

    async def delete(
        self,
        rows: Sequence[PointerRow],
        *,
        objects: bool,
        into: Deletion | None = None,
        on_object: Callable[[], None] | None = None,
    ) -> Deletion:
        """Delete names, or their objects with them; what can be undone is kept in `deletions`.

        Args:
            rows: Of the catalog or of the bucket.
            objects: Whether the objects, too.
            into: Filled as it goes on: cancelling it ends it between two objects.
            on_object: Told after each object.

        Raises:
            CatalogError: The catalog cannot be written.
        """
        deletion = Deletion() if into is None else into
        try:
            await delete(self._reach, rows, objects=objects, into=deletion, on_object=on_object)
        finally:
            if deletion.can_be_undone:
                self.deletions.append(deletion)
        return deletion

    async def undo(
        self, deletion: Deletion, *, on_back: Callable[[int], None] | None = None
    ) -> None:
        """Take one of `deletions` back; another, or one that was taken back already, is left alone.

        Args:
            deletion: One of them.
            on_back: Told how many names and objects are back, as it goes on.

        Raises:
            HashdropError: An object cannot be brought back; the names stay deleted.
            CatalogError: The catalog cannot be written.
        """
        async with self._undoing:
            if any(one is deletion for one in self.deletions):
                await undo(self._reach, deletion, on_back=on_back)
                self.deletions = [one for one in self.deletions if one is not deletion]


def _pointer(place: Place) -> StoredPointer:
    return StoredPointer(
        place.bucket, place.key, place.content_hash, place.size or 0, place.content_type
    )
