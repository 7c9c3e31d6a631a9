"""The options that all commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from typing import TypeVar

import click

from hashdrop.connection import Choice
from hashdrop.errors import UsageError
from hashdrop.paths import Paths

_A_CENTURY_S = 100 * 365 * 86_400.0
F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--connection", metavar="NAME", help="A saved connection."),
    click.option("--bucket", help="Bucket, instead of a saved connection."),
    click.option("--prefix", help="Prefix of the keys."),
    click.option("--temp-prefix", help="Prefix of temporary objects."),
    click.option("--endpoint-url", help="Endpoint of a store that is not AWS's."),
    click.option("--region", help="Region of the bucket."),
    click.option("--profile", help="Profile of the AWS configuration."),
    click.option("--router", metavar="MODULE:FUNCTION", help="A router of your own."),
    click.option(
        "--config", type=click.Path(path_type=Path, file_okay=False), help="Folder of the settings."
    ),
    click.option(
        "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of the data."
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The shared options, before or behind the command."""

    connection: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    temp_prefix: str | None = None
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    router: str | None = None
    config: Path | None = None
    data: Path | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """Return the options of click's values."""
        return cls(**values)

    def with_inner(self, values: Mapping[str, Any]) -> Options:
        """Return these with what was given behind the command; that wins."""
        return replace(self, **{key: value for key, value in values.items() if value is not None})

    @property
    def paths(self) -> Paths:
        """The folders to use."""
        return Paths.of(config=self.config, data=self.data)

    def chosen(self) -> Choice:
        """Return the connection that the options name.

        With `--bucket` they describe one of their own; AWS's variables for the endpoint count then, too.
        Without it they change the named connection, or the settings' current one, for this run.

        Raises:
            UsageError: The options contradict each other.
        """
        given = {
            name: value
            for name in ("prefix", "temp_prefix", "endpoint_url", "region", "profile", "router")
            if (value := getattr(self, name)) is not None
        }
        if self.bucket is None:
            return Choice(name=self.connection, changes=given)
        if self.connection is not None:
            raise UsageError("--connection and --bucket exclude each other.", hint="Give one.")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            given.setdefault("endpoint_url", endpoint)
        return Choice(changes={"name": self.bucket, "bucket": self.bucket, **given}, own=True)


def common_options(function: F) -> F:
    """Add the shared options to a command."""
    for option in reversed(_OPTIONS):  # click lists them from the last applied
        function = option(function)
    return function


def check_paths(paths: Sequence[str]) -> None:
    """Refuse an empty path: a variable of a script that is not set would mean the current folder.

    Raises:
        UsageError: One is empty.
    """
    if "" in paths:
        raise UsageError("An empty path names no file.", hint="Write “.” for the current folder.")


def output_path(text: str) -> Path:
    """Return where a file is to be written; a path that ends like a folder's is one.

    Raises:
        UsageError: There is no such folder, so that a file would get its name; or it is empty.
    """
    check_paths([text])
    path = Path(text)
    if text.endswith(("/", os.sep)) and not path.is_dir():
        raise UsageError(f"There is no folder “{text}”.", hint="Make it first.")
    return path


def parse_tags(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return tags from `K=V` texts.

    Raises:
        UsageError: One has no “=”.
    """
    tags: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise UsageError(f"“{pair}” is no tag.", hint="Write --tag KEY=VALUE.")
        tags[key] = value
    return tags


def parse_rate(text: str) -> float:
    """Return bytes a second from `40M`, `1.5G`, `500k` or a number (powers of 1024, as curl has it).

    Raises:
        UsageError: It is none of these, or not above 0.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kKmMgG]?)(?:i?[bB])?", text.strip())
    rate = float(match[1]) * 1024 ** " kmg".index(match[2].lower() or " ") if match else 0.0
    if rate <= 0:
        raise UsageError(f"“{text}” is no rate.", hint="Write --limit-rate 40M, 1.5G or 500k.")
    return rate


def parse_duration(text: str) -> timedelta:
    """Return a time from `30m`, `24h`, `7d`, or seconds as `90s` or `90`.

    Raises:
        UsageError: It is none of these.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)", text.strip().lower())
    if match is None:
        raise UsageError(f"“{text}” is no time.", hint="Write --expires 30m, 24h or 7d.")
    seconds = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}[match[2]]
    return timedelta(seconds=min(seconds, _A_CENTURY_S))
