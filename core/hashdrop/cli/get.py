"""`hashdrop get`."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import humanize
from anyio.to_thread import run_sync

from hashdrop.cli.connected import connected_service
from hashdrop.cli.options import Options
from hashdrop.cli.piping import STANDARD
from hashdrop.cli.piping import standard_output
from hashdrop.cli.printing import plain
from hashdrop.cli.printing import print_json
from hashdrop.errors import HashdropError
from hashdrop.errors import SourceUnreadable
from hashdrop.errors import UsageError
from hashdrop.pasted import without_secrets
from hashdrop.s3.download import unwritten
from hashdrop.service import Service
from hashdrop.stored.downloading import Downloaded
from hashdrop.stored.downloading import safe_path
from hashdrop.stored.places import Place


async def run_get(options: Options, *, pointer: str, output: Path | None, as_json: bool) -> int:
    """Download an object, verified while it is written.

    Args:
        options: The shared ones.
        pointer: As of `pasted.parse_pasted`.
        output: File, which is replaced, or folder, by default the current one, where the file gets its newest
            name; `-` for standard output.
        as_json: Print one JSON object; a failure, too, is one.

    Returns:
        The exit code.

    Raises:
        HashdropError: It is not there, does not fit its hash, or cannot be written.
    """
    if output == STANDARD and as_json:
        raise UsageError("Standard output takes the file or JSON.", hint="Leave one of them out.")
    shown = without_secrets(pointer)
    try:
        async with connected_service(options) as service:
            place = await service.stored.find(pointer)
            if output == STANDARD:
                return await _to_stdout(service, place)
            if output is not None and not await run_sync(_is_folder, output):
                path, size, verified = await service.stored.get(place, output)
                end = Downloaded(place, path, size, verified)
            else:
                end = await _under_its_name(service, place, output)
    except UsageError:
        raise
    except HashdropError as error:
        if not as_json:
            raise
        print_json({"pointer": shown, "path": None, "error": error.sentence})
        return 1
    if as_json:
        print_json(
            {
                "pointer": shown,
                "path": str(end.path),
                "bucket": place.bucket,
                "key": place.key,
                "size": end.size,
                "verified": end.is_verified,
                "error": None,
            }
        )
    else:
        said = "verified" if end.is_verified else "its hash is not known, so nothing was verified"
        was_there = "was there already, " if end.was_there else ""
        click.echo(f"{plain(str(end.path))}  {humanize.naturalsize(end.size)}, {was_there}{said}")
    return 0


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that the system does not take: it is told when the file is made
        return False


async def _under_its_name(service: Service, place: Place, folder: Path | None) -> Downloaded:
    """Download an object into a folder, as the window does: nothing there is replaced.

    Args:
        service: With the stores.
        place: Of the object; its newest name, else the last part of its key, names the file.
        folder: An existing one; `None` for the current one.

    Raises:
        HashdropError: There is no file of it.
    """
    try:
        folder = folder or await run_sync(Path.cwd)
    except OSError as error:  # it was deleted
        raise unwritten(safe_path(place, keeps_folders=False), error) from error
    (end,) = await service.stored.download_all([place], folder, keeps_folders=False)
    if end.error is not None:
        raise end.error
    return end


async def _to_stdout(service: Service, place: Place) -> int:
    """Write an object to standard output; by way of a file, so that nothing wrong gets out."""
    out = standard_output().buffer
    with TemporaryDirectory(prefix="hashdrop-") as folder:
        try:
            path, _, verified = await service.stored.get(place, Path(folder) / "object")
        except SourceUnreadable as error:
            raise SourceUnreadable(
                f"“{plain(place.file_name)}” is verified in a file before it is written out, and that "
                "file cannot be written.",
                detail=error.title if error.detail == "" else f"{error.title} {error.detail}",
                hint=f"Make room in {Path(folder).parent}, or set TMPDIR to another folder.",
            ) from error

        def write() -> None:
            with path.open("rb") as file:
                shutil.copyfileobj(file, out, 1024 * 1024)
            out.flush()

        await run_sync(write)
    if not verified:
        click.echo("hashdrop: its hash is not known, so nothing was verified.", err=True)
    return 0
