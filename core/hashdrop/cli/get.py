"""`hashdrop get`."""

from __future__ import annotations

from pathlib import Path

import click
import humanize

from hashdrop.cli.options import Options
from hashdrop.service import open_service


async def run_get(options: Options, *, pointer: str, output: Path | None) -> int:
    """Download an object, verified while it is written.

    Args:
        options: The shared ones.
        pointer: Key, `s3://` address, pointer JSON or content hash.
        output: File or folder.

    Returns:
        The exit code.

    Raises:
        HashdropError: It is not there, does not fit its hash, or cannot be written.
    """
    async with open_service(options.paths, choice=options.chosen()) as service:
        await service.connect()
        if service.status.error is not None:
            raise service.status.error
        path, size, verified = await service.stored.get(pointer, output)
    said = "verified" if verified else "its hash is not known, so nothing was verified"
    click.echo(f"{path}  {humanize.naturalsize(size)}, {said}")
    return 0
