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
from hashdrop.service import Service
from hashdrop.stored.places import Place


async def run_get(options: Options, *, pointer: str, output: Path | None, as_json: bool) -> int:
    """Download an object, verified while it is written.

    Args:
        options: The shared ones.
        pointer: As of `pasted.parse_pasted`.
        output: File or folder; `-` for standard output.
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
            path, size, verified = await service.stored.get(place, output)
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
                "path": str(path),
                "bucket": place.bucket,
                "key": place.key,
                "size": size,
                "verified": verified,
                "error": None,
            }
        )
    else:
        said = "verified" if verified else "its hash is not known, so nothing was verified"
        click.echo(f"{plain(str(path))}  {humanize.naturalsize(size)}, {said}")
    return 0


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
