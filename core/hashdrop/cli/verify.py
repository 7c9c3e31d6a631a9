"""`hashdrop verify`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Callable
from contextlib import aclosing

import click
import humanize

from hashdrop.cli.connected import connected_service
from hashdrop.cli.options import Options
from hashdrop.cli.printing import plain
from hashdrop.cli.printing import print_json
from hashdrop.errors import HashdropError
from hashdrop.pasted import without_secrets
from hashdrop.service import Service
from hashdrop.stored.places import Place
from hashdrop.stored.verifying import Verdict


async def run_verify(
    options: Options,
    *,
    pointers: tuple[str, ...],
    search: str | None,
    quick: bool,
    as_json: bool,
) -> int:
    """Find out whether objects have their hashes.

    Args:
        options: The shared ones.
        pointers: Each as of `get`.
        search: Those that fit it, in the current bucket; `None` for those of `pointers`.
        quick: Whether the store's own SHA-256 of a whole object is enough.
        as_json: Print one JSON object a line.

    Returns:
        The exit code: 0 if all have.

    Raises:
        HashdropError: Nothing could begin.
    """
    code = 0

    def tell(verdict: Verdict) -> None:
        nonlocal code
        _print(verdict, as_json=as_json)
        code = code if verdict.status == "verified" else 1

    async with connected_service(options) as service:
        places = (
            _named(service, pointers, tell)
            if search is None
            else _found(service, search, service.connection.bucket)
        )
        await service.stored.verify_all(places, on_verdict=tell, trusts_checksum=quick)
    return code


async def _named(
    service: Service, pointers: tuple[str, ...], tell: Callable[[Verdict], None]
) -> AsyncGenerator[Place, None]:
    for pointer in pointers:
        try:
            place = await service.stored.find(pointer)
        except HashdropError as error:  # of this one; the others are asked nevertheless
            tell(Verdict("", without_secrets(pointer), "failed", error=error))
        else:
            yield place


async def _found(service: Service, search: str, bucket: str) -> AsyncGenerator[Place, None]:
    elsewhere = here = 0
    places = service.stored.objects(search)
    async with aclosing(places):
        async for place in places:
            if place.bucket == bucket:
                here += 1
                yield place
            else:
                elsewhere += 1
    if elsewhere:
        click.echo(
            f"{elsewhere} in other buckets were left out; choose their --connection.", err=True
        )
    if not here:  # silence would be taken for a proof
        fits = f"fits “{plain(search)}”" if search else "is known"
        click.echo(f"hashdrop: nothing in “{bucket}” {fits}: nothing was verified.", err=True)


def _print(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "bucket": verdict.bucket or None,
                "key": verdict.key,
                "status": verdict.status,
                "content_hash": verdict.content_hash,
                "found_hash": verdict.found_hash,
                "size": verdict.size,
                "how": verdict.how or None,
                "error": verdict.error.sentence if verdict.error else None,
            }
        )
        return
    place = plain(f"s3://{verdict.bucket}/{verdict.key}" if verdict.bucket else verdict.key)
    match verdict.status:
        case "verified":
            how = "read back" if verdict.how == "read" else "by the store's own checksum"
            click.echo(f"{place}  {humanize.naturalsize(verdict.size or 0)}, verified, {how}")
        case "mismatch":
            click.echo(
                f"hashdrop: {place} does not have its hash: it has {verdict.found_hash}. "
                "Store the file again from its source.",
                err=True,
            )
        case "unknown":
            click.echo(
                f"hashdrop: {place}: which hash it should have is not known, so nothing was verified.",
                err=True,
            )
        case "missing" | "failed":
            assert verdict.error is not None
            click.echo(f"hashdrop: {place}: {verdict.error.sentence}", err=True)
