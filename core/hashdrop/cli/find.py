"""`hashdrop find`."""

from __future__ import annotations

from pathlib import Path

import click

from hashdrop.cli.options import Options
from hashdrop.cli.printing import name_of
from hashdrop.cli.printing import named
from hashdrop.cli.printing import plain
from hashdrop.cli.printing import print_json
from hashdrop.cli.printing import when
from hashdrop.errors import HashdropError
from hashdrop.service import open_service
from hashdrop.stored.looking_up import Answer
from hashdrop.stored.looking_up import FoundPlace


async def run_find(options: Options, *, paths: tuple[Path, ...], as_json: bool) -> int:
    """Say for each file whether its content is stored, and where; nothing is sent.

    Args:
        options: The shared ones.
        paths: Files and folders.
        as_json: Print one JSON object a line.

    Returns:
        The exit code: 0 if all are stored.

    Raises:
        HashdropError: Nothing could begin.
    """
    code = 0

    def tell(answer: Answer) -> None:
        nonlocal code
        if not answer.is_stored or _faults(answer):
            code = 1
        if as_json:
            _print_json(answer)
        else:
            _print_lines(answer)

    async with open_service(options.paths, choice=options.chosen()) as service:
        await service.connect()
        await service.stored.look_up_all(paths, on_answer=tell)
    return code


def _faults(answer: Answer) -> list[HashdropError]:
    faults = [place.error for place in answer.places if place.error]
    return [answer.error, *faults] if answer.error else faults


def _print_json(answer: Answer) -> None:
    faults = _faults(answer)
    print_json(
        {
            "path": str(answer.path) if answer.path else None,
            "content_hash": answer.content_hash or None,
            "size": answer.size if answer.content_hash else None,
            "stored": answer.is_stored,
            "places": [
                {
                    "bucket": place.bucket,
                    "key": place.key,
                    "in_store": place.in_store,
                    "names": [named(row) for row in place.names],
                }
                for place in answer.places
            ],
            "error": faults[0].sentence if faults else None,
        }
    )


def _print_lines(answer: Answer) -> None:
    if answer.content_hash:
        click.echo(f"{plain(str(answer.path))}  {'stored' if answer.is_stored else 'not stored'}")
    for place in answer.places:
        click.echo(f"  {plain(f's3://{place.bucket}/{place.key}')}  {_said(place)}")
        for row in place.names:
            who = " on ".join(plain(part) for part in (row.user, row.machine) if part)
            click.echo(f"    {when(row)}  {name_of(row)}{f'  by {who}' if who else ''}")
    for sentence in dict.fromkeys(fault.sentence for fault in _faults(answer)):
        click.echo(f"hashdrop: {sentence}", err=True)


def _said(place: FoundPlace) -> str:
    match place.in_store:
        case True:
            return "there" if place.names else "there; the catalog does not know it"
        case False:
            return "missing in the store, or not what the catalog says"
        case None:
            return "the store was not asked"
