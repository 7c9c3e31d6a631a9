"""The commands; exit codes: 0 all right, 1 some failed, 2 wrong usage, 130 interrupted."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hashdrop import __version__
from hashdrop.cli.catalog import catalog
from hashdrop.cli.options import Options
from hashdrop.cli.options import check_paths
from hashdrop.cli.options import common_options
from hashdrop.cli.options import output_path
from hashdrop.cli.options import parse_duration
from hashdrop.cli.options import parse_rate
from hashdrop.cli.options import parse_tags
from hashdrop.cli.piping import give_output_up
from hashdrop.cli.piping import is_of_output
from hashdrop.cli.piping import output_error
from hashdrop.errors import HashdropError
from hashdrop.errors import UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_SELDOM = (50_000, 10, 10)
"""The collector of cycles: by default it runs 270 times while libraries are loaded, for nothing."""


class _CommandOrFiles(click.Group):
    """`hashdrop FILE…` opens the window with files: what is no command, but is there, is one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and os.path.lexists(args[0]):
            args = ["open", *args]
        return super().resolve_command(ctx, args)


@click.group(
    cls=_CommandOrFiles,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common_options
@click.version_option(__version__, prog_name="hashdrop")
@click.pass_context
def cli(context: click.Context, /, **values: Any) -> None:
    """Store files in S3 under the hash of their content.

    Without a command the window opens; files in its place go to the window. Without any option files go to
    the store on this computer.
    """
    context.obj = Options.of(values)
    if context.invoked_subcommand is None:
        context.exit(_open_window(context.obj))


@cli.command(hidden=True)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@common_options
@click.pass_obj
def open(outer: Options, /, *, paths: tuple[Path, ...], **values: Any) -> int:  # noqa: A001
    """Open the window with files, or hand them to the one that is open."""
    return _open_window(outer.with_inner(values), paths)


@cli.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each file.")
@click.option(
    "--tag", "tags", multiple=True, metavar="K=V", help="Tag each object; may be repeated."
)
@click.option(
    "--single-pass",
    is_flag=True,
    help="Stream through a temporary object instead of hashing and sending straight.",
)
@click.option(
    "--limit-rate", metavar="RATE", help="Bytes a second for all files together, such as 40M."
)
@click.option(
    "--repair", is_flag=True, help="Replace an object that is not what its key says it is."
)
@click.option("--name", help="Name of what comes from standard input.", default="stdin")
@common_options
@click.pass_obj
def put(
    outer: Options,
    /,
    *,
    paths: tuple[str, ...],
    as_json: bool,
    tags: tuple[str, ...],
    single_pass: bool,
    limit_rate: str | None,
    repair: bool,
    name: str,
    **values: Any,
) -> int:
    """Store files, folders, or standard input (-)."""
    from hashdrop.cli.put import run_put

    return run(
        run_put,
        outer.with_inner(values),
        paths=paths,
        as_json=as_json,
        tags=parse_tags(tags),
        single_pass=single_pass,
        limit_rate=parse_rate(limit_rate) if limit_rate else None,
        repair=repair,
        name=name,
    )


@cli.command()
@click.argument("pointer")
@click.option(
    "-o",
    "--output",
    "written_to",
    metavar="PATH",
    help="File to write, or to replace; or folder, where it gets its newest name (else that of its key) and "
    "replaces none; by default the current one. - for standard output.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
@click.pass_obj
def get(
    outer: Options, /, *, pointer: str, written_to: str | None, as_json: bool, **values: Any
) -> int:
    """Download a stored file by its key, s3:// address, pointer JSON or content hash, and verify it."""
    from hashdrop.cli.get import run_get

    output = None if written_to is None else output_path(written_to)
    return run(run_get, outer.with_inner(values), pointer=pointer, output=output, as_json=as_json)


@cli.command()
@click.option(
    "--search",
    default="",
    metavar="TEXT",
    help="Parts of the name, and filters: size:>1gb type:image tag:run=7 after:2026-01-01 hash:ab12.",
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="0 for all."
)
@click.option(
    "--sort",
    type=click.Choice(["name", "size", "type", "stored", "hash", "connection"]),
    default="stored",
    show_default=True,
    help="The newest first, everything else upwards.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each name.")
@common_options
@click.pass_obj
def ls(
    outer: Options,
    /,
    *,
    search: str,
    limit: int,
    sort: str,
    reverse: bool,
    as_json: bool,
    **values: Any,
) -> int:
    """List and search what was stored; the store is not asked."""
    from hashdrop.cli.ls import run_ls

    return run(
        run_ls,
        outer.with_inner(values),
        search=search,
        limit=limit,
        sort=sort,
        reverse=reverse,
        as_json=as_json,
    )


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each file.")
@common_options
@click.pass_obj
def find(outer: Options, /, *, paths: tuple[str, ...], as_json: bool, **values: Any) -> int:
    """Say whether files are stored already, and where. They are hashed; nothing is sent."""
    from hashdrop.cli.find import run_find

    check_paths(paths)
    return run(
        run_find,
        outer.with_inner(values),
        paths=tuple(Path(path) for path in paths),
        as_json=as_json,
    )


@cli.command()
@click.argument("pointer")
@click.option(
    "--expires", default="24h", show_default=True, metavar="TIME", help="30m, 24h or up to 7d."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with its end.")
@common_options
@click.pass_obj
def link(outer: Options, /, *, pointer: str, expires: str, as_json: bool, **values: Any) -> int:
    """Print a link to a stored file that ends by itself: whoever has it can read the file."""
    from hashdrop.cli.link import run_link

    return run(
        run_link,
        outer.with_inner(values),
        pointer=pointer,
        expires=parse_duration(expires),
        as_json=as_json,
    )


@cli.command()
@click.argument("pointers", nargs=-1, metavar="[POINTER]...")
@click.option(
    "--all", "all_of_them", is_flag=True, help="All that the catalog knows in the current bucket."
)
@click.option("--search", metavar="TEXT", help="What “ls --search” finds in the current bucket.")
@click.option(
    "--quick",
    is_flag=True,
    help="Trust the store's own SHA-256 where it says that it is one of the whole object.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each.")
@common_options
@click.pass_obj
def verify(
    outer: Options,
    /,
    *,
    pointers: tuple[str, ...],
    all_of_them: bool,
    search: str | None,
    quick: bool,
    as_json: bool,
    **values: Any,
) -> int:
    """Read stored files back and compare their hashes; the catalog notes when."""
    from hashdrop.cli.verify import run_verify

    if (len(pointers) > 0) + all_of_them + (search is not None) != 1:
        raise UsageError(
            "What is to be verified?", hint="Give pointers, or --search TEXT, or --all."
        )
    return run(
        run_verify,
        outer.with_inner(values),
        pointers=pointers,
        search="" if all_of_them else search,
        quick=quick,
        as_json=as_json,
    )


@cli.command()
@common_options
@click.pass_obj
def store(outer: Options, /, **values: Any) -> int:
    """Run the store on this computer in the foreground, until Ctrl-C."""
    from hashdrop.cli.store import run_store

    return run(run_store, outer.with_inner(values))


cli.add_command(catalog)


def program() -> int:
    """Run the command line as a process that soon ends; returns the exit code."""
    gc.set_threshold(*_SELDOM)
    out: Any = sys.stdout
    if hasattr(out, "reconfigure"):  # a name that the terminal cannot show stops nothing
        out.reconfigure(errors="backslashreplace")
    try:
        return main()
    finally:
        # Nothing is looked through for cycles at the end: that took a fifth of a small file's time.
        gc.freeze()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: By default those of the process.

    Returns:
        The exit code.
    """
    try:
        result = cli.main(args=arguments, prog_name="hashdrop", standalone_mode=False)
    except click.exceptions.Abort:
        # Ctrl-C before a command was under way; click has ended the line.
        click.echo("Interrupted.", err=True)
        return EXIT_INTERRUPTED
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except HashdropError as error:
        _say(error)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
    except OSError as error:
        if not is_of_output(error):
            raise
        give_output_up()
        if not isinstance(error, BrokenPipeError):  # who reads our output may go when he likes
            _say(output_error(error))
        return EXIT_FAILED
    return result if isinstance(result, int) else 0


def run(command: Any, options: Options, **arguments: Any) -> int:
    """Run an async command; the first Ctrl-C cancels it cleanly, a second one is ignored till then."""
    import signal

    import anyio

    from hashdrop.s3.threads import first_error

    # Files are hashed while libraries are loaded: else each piece waits 5 ms for its turn.
    sys.setswitchinterval(0.0005)

    async def with_signals() -> int:
        interrupted = False
        result = EXIT_INTERRUPTED

        async def watch(scope: anyio.CancelScope) -> None:
            nonlocal interrupted
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    interrupted = True
                    scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(watch, group.cancel_scope)
            result = await command(options, **arguments)
            group.cancel_scope.cancel()
        if interrupted:
            click.echo("Interrupted.", err=True)
            return EXIT_INTERRUPTED
        return result

    try:
        return anyio.run(with_signals)
    except BaseExceptionGroup as group:
        raise first_error(group) from None


def _open_window(options: Options, files: Sequence[Path] = ()) -> int:
    try:
        from hashdrop_gui.__main__ import open_window  # the gui extra may not be installed
    except ImportError as error:
        if error.name and error.name.partition(".")[0] in {"PySide6", "qasync", "hashdrop_gui"}:
            raise UsageError(
                "The window is not installed.",
                hint="Install hashdrop[gui,local], or use “hashdrop put FILE”.",
            ) from None
        raise
    return open_window(options.paths, choice=options.chosen(), files=files)


def _say(error: HashdropError) -> None:
    click.echo(f"hashdrop: {error.sentence}", err=True)
