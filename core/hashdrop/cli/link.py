"""`hashdrop link`."""

from __future__ import annotations

from datetime import timedelta

import click

from hashdrop.cli.connected import connected_service
from hashdrop.cli.options import Options
from hashdrop.cli.printing import print_json
from hashdrop.errors import HashdropError
from hashdrop.errors import UsageError
from hashdrop.s3.linking import check_duration


async def run_link(options: Options, *, pointer: str, expires: timedelta, as_json: bool) -> int:
    """Print a link that expires: alone on its line, its end beside it on standard error.

    Args:
        options: The shared ones.
        pointer: Key, `s3://` address, pointer JSON or content hash.
        expires: How long it holds.
        as_json: Print one JSON object with its end instead; a failure, too, is one.

    Returns:
        The exit code.

    Raises:
        UsageError: Longer than S3 or the credentials allow.
        HashdropError: The object is not there, or cannot be asked for.
    """
    check_duration(expires)
    try:
        async with connected_service(options) as service:
            place = await service.stored.find(pointer)
            link = await service.stored.link(place, expires)
    except UsageError:
        raise
    except HashdropError as error:
        if not as_json:
            raise
        print_json({"url": None, "ends_at": None, "error": error.sentence})
        return 1
    if as_json:
        print_json(
            {
                "url": link.url,
                "ends_at": link.ends_at.isoformat(),
                "only_on_this_computer": link.is_of_this_computer,
                "bucket": place.bucket,
                "key": place.key,
                "error": None,
            }
        )
        return 0
    click.echo(link.url)
    click.echo(f"It holds until {link.ends_at.astimezone():%Y-%m-%d %H:%M:%S %Z}.", err=True)
    if link.is_of_this_computer:
        click.echo(
            "hashdrop: It leads to the store on this computer: it can be read here only, and only until that "
            "store ends. The window or “hashdrop store” keeps it running.",
            err=True,
        )
    return 0
