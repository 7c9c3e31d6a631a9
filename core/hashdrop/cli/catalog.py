"""`hashdrop catalog`: the catalog as a whole: rebuild it, export it, import into it."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import click
from anyio.to_thread import run_sync

from hashdrop.cli.options import Options
from hashdrop.cli.options import common_options
from hashdrop.cli.piping import STANDARD
from hashdrop.cli.piping import standard_input
from hashdrop.cli.piping import standard_output
from hashdrop.cli.printing import plain
from hashdrop.cli.printing import print_json
from hashdrop.errors import SourceUnreadable
from hashdrop.errors import UsageError

_EVERY_S = 0.2
"""Between two lines of progress."""
_FORMAT = click.Choice(["jsonl", "csv"])


@click.group()
def catalog() -> None:
    """See to the catalog of pointers as a whole."""


@catalog.command("rebuild")
@click.option("--whole-bucket", is_flag=True, help="List all keys, not only those of the prefix.")
@click.option(
    "--anew", is_flag=True, help="Begin at the first key, whatever was left in the middle."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@common_options
@click.pass_obj
def rebuild_command(
    outer: Options, /, *, whole_bucket: bool, anew: bool, as_json: bool, **values: Any
) -> int:
    """List the bucket: add what the catalog does not know, mark what is gone.

    It may be interrupted; the next one goes on.
    """
    from hashdrop.cli.main import run

    return run(
        _rebuild,
        outer.with_inner(values),
        prefix="" if whole_bucket else None,
        anew=anew,
        as_json=as_json,
    )


@catalog.command("export")
@click.option("--search", default="", metavar="TEXT", help="Only what “ls --search” finds.")
@click.option("--format", "form", type=_FORMAT, help="By default what the file's name says.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write."
)
@common_options
@click.pass_obj
def export_command(
    outer: Options, /, *, search: str, form: str | None, output: Path | None, **values: Any
) -> int:
    """Write the catalog as JSON lines or CSV, to standard output (also -) or a file, whole or not at all."""
    from hashdrop.cli.main import run

    return run(_export, outer.with_inner(values), search=search, form=form, output=output)


@catalog.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=_FORMAT, help="By default what the file's name says.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@common_options
@click.pass_obj
def import_command(
    outer: Options, /, *, file: Path, form: str | None, as_json: bool, **values: Any
) -> int:
    """Add the names of an exported file, or of standard input (-); those that are there stay as they are."""
    from hashdrop.cli.main import run

    return run(_import, outer.with_inner(values), file=file, form=form, as_json=as_json)


@catalog.command("use")
@click.argument("url", required=False)
@click.option("--own", is_flag=True, help="Use the catalog of this computer again.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
@click.pass_obj
def use_command(
    outer: Options, /, *, url: str | None, own: bool, as_json: bool, **values: Any
) -> int:
    """Share one catalog with a team: URL is postgresql://user@host/database.

    The password is asked for (or read from standard input), and kept in the keyring only.
    """
    from hashdrop.cli.main import run
    from hashdrop.team import without_password

    if (url is None) != own:
        raise UsageError("Which catalog?", hint="Give its address, or --own.")
    plain_url, password = without_password(url) if url else ("", None)
    if url and password is None:
        # Not in a thread beside the loop: that one would hold up Ctrl-C until something is typed.
        password = _ask_password()
    options = outer.with_inner(values)
    return run(_use, options, url=plain_url, password=password or "", as_json=as_json)


@catalog.command("where")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
@click.pass_obj
def where_command(outer: Options, /, *, as_json: bool, **values: Any) -> int:
    """Print where the catalog is."""
    from hashdrop.cli.main import run

    return run(_where, outer.with_inner(values), as_json=as_json)


async def _rebuild(options: Options, *, prefix: str | None, anew: bool, as_json: bool) -> int:
    from hashdrop.catalog.rebuilding import Rebuilt
    from hashdrop.cli.connected import connected_service

    progress = _Progress()

    def tell(done: Rebuilt) -> None:
        progress.tell(
            f"{done.seen:,} keys, {done.added:,} added, {done.gone:,} gone: {done.reached}"
        )

    async with connected_service(options) as service:
        try:
            done = await service.stored.rebuild(prefix=prefix, anew=anew, on_progress=tell)
        finally:
            progress.clear()
    if as_json:
        print_json({"seen": done.seen, "added": done.added, "gone": done.gone})
    else:
        click.echo(
            f"{done.seen:,} keys in the bucket: {done.added:,} were missing in the catalog and are added, "
            f"{done.gone:,} names are marked as gone."
        )
    return 0


async def _export(options: Options, *, search: str, form: str | None, output: Path | None) -> int:
    from hashdrop.catalog.filters import parse_filters
    from hashdrop.service import open_service
    from hashdrop.stored.exchange import Format

    filters = parse_filters(search)  # before a file is made
    chosen = Format(form) if form else Format.of(output or Path())
    async with open_service(options.paths, choice=options.chosen()) as service:
        if output is not None and output != STANDARD:
            await service.stored.export_file(output, chosen, filters)
            return 0
        out = standard_output()
        async for text in service.stored.export(chosen, filters):
            await run_sync(out.write, text)
        await run_sync(out.flush)
    return 0


async def _import(options: Options, *, file: Path, form: str | None, as_json: bool) -> int:
    from hashdrop.service import open_service
    from hashdrop.stored.exchange import BadLine
    from hashdrop.stored.exchange import Format
    from hashdrop.stored.exchange import Imported

    progress = _Progress()
    so_far = Imported()

    def tell(done: Imported) -> None:
        nonlocal so_far
        so_far = done
        progress.tell(f"{done.read:,} rows, {done.added:,} added")

    def complain(bad: BadLine) -> None:
        progress.clear()
        click.echo(f"hashdrop: row {bad.number}: {plain(bad.reason)}", err=True)

    chosen = Format(form) if form else Format.of(file)
    async with (
        open_service(options.paths, choice=options.chosen()) as service,
        _readable(file) as path,
    ):
        try:
            done = await service.stored.import_file(path, chosen, on_progress=tell, on_bad=complain)
        except anyio.get_cancelled_exc_class():
            progress.clear()
            click.echo(
                f"hashdrop: {so_far.read:,} rows were read and {so_far.added:,} names added; they stay. "
                "The same import goes on.",
                err=True,
            )
            raise
        finally:
            progress.clear()
    if as_json:
        print_json({"read": done.read, "added": done.added, "bad": done.bad})
    else:
        click.echo(f"{done.read:,} rows: {done.added:,} names added, {done.bad:,} passed over.")
    return 1 if done.bad else 0


@asynccontextmanager
async def _readable(file: Path) -> AsyncGenerator[Path, None]:
    """A file, or what comes by standard input as one: so it can be interrupted while nothing comes."""
    if file != STANDARD:
        yield file
        return
    with TemporaryDirectory(prefix="hashdrop-") as folder:
        path = Path(folder) / "standard input"
        try:
            async with await anyio.open_file(path, "wb") as copy:
                async for chunk in standard_input():
                    await copy.write(chunk)
        except OSError as error:
            raise SourceUnreadable(
                "What comes by standard input is kept in a file first, and that cannot be written.",
                detail=f"{error.strerror}.",
                hint=f"Make room in {Path(folder).parent}, or set TMPDIR to another folder.",
            ) from error
        yield path


async def _use(options: Options, *, url: str, password: str, as_json: bool) -> int:
    from hashdrop.service import open_service
    from hashdrop.settings import load_settings
    from hashdrop.settings import save_settings
    from hashdrop.team import keep_password
    from hashdrop.team import with_password

    paths = options.paths
    await run_sync(paths.ensure)
    if url:
        await _try_to_open(with_password(url, password) if password else url)
        await run_sync(keep_password, url, password)
    settings = await run_sync(load_settings, paths.settings_file)
    await run_sync(save_settings, paths.settings_file, settings.sharing(url))
    async with open_service(paths) as service:
        place = service.catalog_place
    if as_json:
        print_json({"catalog": place})
    else:
        click.echo(f"The catalog is {place}")
    return 0


async def _try_to_open(url: str) -> None:
    """Nothing is saved that does not work; its tables are made on the way."""
    from hashdrop.catalog.catalog import open_catalog

    async with open_catalog(url):
        pass


def _ask_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")


async def _where(options: Options, *, as_json: bool) -> int:
    from hashdrop.service import open_service

    async with open_service(options.paths) as service:
        place = service.catalog_place
    if as_json:
        print_json({"catalog": place})
    else:
        click.echo(place)
    return 0


class _Progress:
    """One line on standard error that is written over; only where somebody looks."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._next = 0.0
        self._stands = False

    def tell(self, text: str) -> None:
        """Show it, if the last one was shown long enough."""
        if not self._shows or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_S
        self._stands = True
        click.echo(f"\r\x1b[K{plain(text)[:100]}", err=True, nl=False)

    def clear(self) -> None:
        """Take it away."""
        if self._stands:
            click.echo("\r\x1b[K", err=True, nl=False)
        self._stands = False
