"""`hashdrop store`."""

from __future__ import annotations

import anyio
import click

from hashdrop.cli.options import Options
from hashdrop.local_store import LocalStore


async def run_store(options: Options) -> int:
    """Run the embedded store until interrupted.

    Args:
        options: The shared ones; only the folders count.

    Returns:
        The exit code.

    Raises:
        LocalStoreError: It does not start, or ended by itself.
    """
    options.paths.ensure()
    local_store = LocalStore(options.paths.local_store)
    try:
        endpoint = await local_store.start()
        click.echo(f"The store on this computer answers at {endpoint.endpoint_url}")
        click.echo(f"Its data and keys are in {options.paths.local_store}")
        click.echo("Ctrl-C stops it.")
        while await local_store.is_healthy():  # noqa: ASYNC110  # another process: nothing to wait on
            await anyio.sleep(2)
        click.echo("hashdrop: The store ended by itself; see its log in the data folder.", err=True)
        return 1
    finally:
        await local_store.stop()
