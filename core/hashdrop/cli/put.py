"""`hashdrop put`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import DownloadColumn
from rich.progress import Progress
from rich.progress import TaskID
from rich.progress import TextColumn
from rich.progress import TransferSpeedColumn

from hashdrop.cli.options import Options
from hashdrop.cli.options import check_paths
from hashdrop.cli.piping import standard_input
from hashdrop.cli.printing import plain
from hashdrop.cli.printing import print_json
from hashdrop.errors import HashdropError
from hashdrop.errors import SourceError
from hashdrop.errors import UsageError
from hashdrop.pointer import StoredPointer
from hashdrop.s3.tagging import tagging_header
from hashdrop.service import open_service
from hashdrop.transfers.events import AlreadyStored
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Event
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop.transfers.events import Waiting

_MOST_NAMED = 10
"""Cancelled files that are named one by one."""


class _Report:
    """Prints each file as it ends, and the bars of those that run.

    Args:
        as_json: Whether to print JSON.
        bars: Where the bars are drawn.
    """

    def __init__(self, *, as_json: bool, bars: Progress) -> None:
        self._as_json = as_json
        self._bars = bars
        self._queued: dict[int, Queued] = {}
        self._keys: dict[int, Keyed] = {}
        self._tasks: dict[int, TaskID] = {}
        self._told_waiting: HashdropError | None = None
        self._cancelled: list[str] = []
        self.failed = 0
        self.already_stored = 0

    def __call__(self, event: Event) -> None:  # noqa: C901  # one case a kind
        """Take an event of the engine."""
        match event:
            case Queued():
                self._queued[event.id] = event
            case Keyed():
                self._keys[event.id] = event
            case Hashing() | Uploading():
                self._draw(event)
            case Stored():
                self._stored(event, "stored")
            case AlreadyStored():
                self.already_stored += 1
                self._stored(event, "already-stored")
            case Failed():
                self._ended(
                    event.id,
                    "failed",
                    error=event.error,
                    sent_bytes=event.sent_bytes,
                    seconds=event.seconds,
                )
            case Cancelled():
                self._ended(event.id, "cancelled", error=None, seconds=event.seconds)
            case Waiting():
                self._waiting(event)
            case BatchScanned():
                for fault in event.faults:
                    self._fault(fault)
            case _:
                pass

    def tell_cancelled(self) -> None:
        """Say at the end which files were cancelled, or how many: Ctrl-C may do it to thousands."""
        if len(self._cancelled) > _MOST_NAMED:
            click.echo(
                f"hashdrop: {len(self._cancelled):,} files were cancelled; the same command stores them.",
                err=True,
            )
        else:
            for name in self._cancelled:
                click.echo(f"hashdrop: {name}: cancelled", err=True)

    def _draw(self, event: Hashing | Uploading) -> None:
        verb = "Hashing" if isinstance(event, Hashing) else "Uploading"
        text = f"{verb} {self._queued[event.id].name}"
        task = self._tasks.get(event.id)
        if task is None:
            task = self._tasks[event.id] = self._bars.add_task(text, total=event.total)
        self._bars.update(task, description=text, completed=event.done)

    def _stored(self, event: Stored | AlreadyStored, status: str) -> None:
        if not event.verified:
            name = plain(self._queued[event.id].name)
            told = status.replace("-", " ")
            click.echo(f"hashdrop: {name}: {told}, unverified: {event.unverified_reason}", err=True)
        self._ended(
            event.id,
            status,
            pointer=event.pointer,
            sent_bytes=event.sent_bytes,
            seconds=event.seconds,
        )

    def _ended(
        self,
        number: int,
        status: str,
        *,
        seconds: float,
        pointer: StoredPointer | None = None,
        sent_bytes: int = 0,
        error: HashdropError | None = None,
    ) -> None:
        queued = self._queued.pop(number)
        keyed = self._keys.pop(number, None)
        task = self._tasks.pop(number, None)
        if task is not None:
            self._bars.remove_task(task)
        if pointer is None:
            self.failed += 1
        self._print(
            {
                "name": queued.name,
                "path": queued.path,
                "status": status,
                "bucket": pointer.bucket if pointer else keyed.bucket if keyed else None,
                "key": pointer.key if pointer else keyed.key if keyed else None,
                "content_hash": pointer.content_hash if pointer else keyed.content_hash if keyed else None,
                "size": pointer.content_size if pointer else queued.size,
                "sent_bytes": sent_bytes,
                "seconds": round(seconds, 3),
                "error": error.sentence if error else None,
            }
        )  # fmt: skip

    def _waiting(self, event: Waiting) -> None:
        if event.error is not self._told_waiting:  # once for each outage
            self._told_waiting = event.error
            click.echo(f"hashdrop: waiting for the store: {event.error.sentence}", err=True)

    def _fault(self, fault: SourceError) -> None:
        self.failed += 1
        path = fault.path
        self._print(
            {
                "name": path.name if path else None,
                "path": str(path) if path else None,
                "status": "failed",
                "bucket": None,
                "key": None,
                "content_hash": None,
                "size": None,
                "sent_bytes": 0,
                "seconds": 0.0,
                "error": fault.sentence,
            }
        )

    def _print(self, row: Mapping[str, Any]) -> None:
        if self._as_json:
            print_json(row)
            return
        name = plain(row["name"] or row["path"] or "drop")
        if row["error"]:
            click.echo(f"hashdrop: {name}: {plain(row['error'])}", err=True)
        elif row["status"] == "cancelled":
            self._cancelled.append(name)
        else:
            place = plain(f"s3://{row['bucket']}/{row['key']}")
            click.echo(f"{place}  {name}  {row['status']}")


async def run_put(
    options: Options,
    *,
    paths: tuple[str, ...],
    as_json: bool,
    tags: dict[str, str],
    single_pass: bool,
    limit_rate: float | None,
    repair: bool,
    name: str,
) -> int:
    """Store paths and say what became of each.

    Args:
        options: The shared ones.
        paths: Files, folders, or "-" once.
        as_json: Print one JSON object a line.
        tags: Of each object.
        single_pass: Stream instead of hashing first.
        limit_rate: Bytes a second for all files together.
        repair: Whether to replace objects that are not what their keys say.
        name: Of standard input.

    Returns:
        The exit code.

    Raises:
        HashdropError: Nothing could begin.
    """
    check_paths(paths)
    if paths.count("-") > 1:
        raise UsageError("“-” can be read only once.", hint="Give it once.")
    tagging_header(tags)  # a tag that S3 would refuse is wrong usage, not a failed file
    bars = Progress(
        TextColumn("{task.description}", markup=False),  # a name may hold “[…]”
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    report = _Report(as_json=as_json, bars=bars)
    async with AsyncExitStack() as stack:
        stack.callback(report.tell_cancelled)  # they are cancelled while the service is closed
        service = await stack.enter_async_context(
            open_service(options.paths, choice=options.chosen())
        )
        if service.notice:
            click.echo(f"hashdrop: {service.notice}", err=True)
        service.throttle.change(limit_rate)
        early: list[Event] = []
        hear_no_more = service.transfers.subscribe(early.append)
        with bars:
            files = [Path(path) for path in paths if path != "-"]
            if files:  # they are hashed while the store is being reached
                service.add(files, tags=tags, single_pass=single_pass, repair=repair)
            await service.connect()
            hear_no_more()
            if service.status.error is not None:
                raise service.status.error
            for event in early:
                report(event)
            service.transfers.subscribe(report)
            if "-" in paths:
                service.add_stream(standard_input(), name=name, tags=tags, repair=repair)
            await service.transfers.drained()
        if tags and report.already_stored:
            files = (
                "1 file was"
                if report.already_stored == 1
                else f"{report.already_stored:,} files were"
            )
            click.echo(
                f"hashdrop: {files} stored already: the catalog has the tags, S3 keeps those from before.",
                err=True,
            )
    return 1 if report.failed else 0
