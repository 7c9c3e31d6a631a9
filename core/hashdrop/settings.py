"""The settings file: connections and which one is used. TOML, 0600, never a secret in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any
from typing import cast

import tomli_w
from pydantic import AwareDatetime
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import ValidationError

from hashdrop.connection import LOCAL_CONNECTION_NAME
from hashdrop.connection import Connection
from hashdrop.errors import SettingsError

VERSION = 1
"""Of the file's format. A later one comes with a step in `_migrated`."""


class Preferences(BaseModel):
    """How the person wants the window to work; keys of a later version are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    limit_bytes_per_s: float | None = Field(default=None, gt=0)
    """Of all uploads together; `None` for no limit."""
    paused_until: AwareDatetime | None = None
    """When the pause of all uploads ends; `None` where they are not paused for a while."""
    watched_folder: str = ""
    """What arrives in it is stored; "" for none."""
    copies_pointers: bool = False
    """Whether the pointers go to the clipboard after the last upload."""
    history_days: int = Field(default=30, ge=1, le=36_500)
    """Days that a finished drop stays in the history."""
    saved_searches: dict[str, str] = Field(default_factory=dict)
    """Name and text of each search of the pointers that is kept."""
    pointer_details: int | None = Field(default=None, ge=0)
    """Width of the details beside the pointers, logical pixels; 0: hidden, `None`: our own."""
    transfer_columns: dict[str, int] = Field(default_factory=dict[str, int])
    """Columns of the list of transfers that are shown, and their widths in pixels, 0 for the program's own;
    none: as the program has them."""
    transfer_order: str = ""
    """Column that the transfers are sorted by, with a "-" before it downward; "" as they came."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person chose; a new value for each change."""

    connections: tuple[Connection, ...] = ()
    """The person's own; that of this computer only if its bucket or prefix were changed."""
    current: str = LOCAL_CONNECTION_NAME
    """Name of the connection that drops go to."""
    preferences: Preferences = field(default_factory=Preferences)
    catalog: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """`url`: of a team's catalog, without a password; keys of a later version are kept."""
    notice: str = ""
    """What has to be told about the file; never saved."""
    unknown: dict[str, Any] = field(default_factory=dict[str, Any])
    """Keys that this version does not know; kept."""

    @property
    def catalog_url(self) -> str:
        """Of a team's catalog, without a password; "" for the file of this person."""
        return self.catalog.get("url", "")

    def sharing(self, catalog_url: str) -> Settings:
        """Return settings with the catalog of a team, or with "" that of this person."""
        others = {key: value for key, value in self.catalog.items() if key != "url"}
        catalog = {**others, "url": catalog_url} if catalog_url else others
        return replace(self, catalog=catalog, notice="")

    def named(self, name: str) -> Connection | None:
        """Return the connection of a name, `None` if there is none."""
        return next((one for one in self.connections if one.name == name), None)

    def saved(self, connection: Connection, *, replaces: str | None = None) -> Settings:
        """Return settings with a connection added, or put in the place of another, and made current.

        Args:
            connection: The new one.
            replaces: Name of the one that it takes the place of.

        Raises:
            SettingsError: Another connection has this name.
        """
        if connection.name != replaces and self.named(connection.name):
            raise SettingsError(
                f"There is a connection named “{connection.name}” already.",
                hint="Choose another name.",
            )
        names = [one.name for one in self.connections]
        kept = list(self.connections)
        if replaces in names:
            kept[names.index(replaces)] = connection
        else:
            kept.append(connection)
        return replace(self, connections=tuple(kept), current=connection.name, notice="")

    def using(self, name: str) -> Settings:
        """Return settings with another connection current."""
        return replace(self, current=name, notice="")

    def preferring(self, preferences: Preferences) -> Settings:
        """Return settings with other preferences."""
        return replace(self, preferences=preferences, notice="")


def load_settings(path: Path) -> Settings:
    """Read the settings; blocking.

    A damaged file is kept beside the new one and told in `notice`, never overwritten in silence.

    Args:
        path: The file; need not exist.

    Raises:
        SettingsError: The system does not let the file be read.
    """
    try:
        text = path.read_bytes().decode()
        raw = tomllib.loads(text)
        settings, unusable = _parsed(raw)
        if not unusable:
            return settings
        aside = _aside(path)
        shutil.copy2(path, aside)
        return replace(
            settings,
            notice=f"The settings say something that cannot be used: {', '.join(unusable)}. Hashdrop takes "
            f"its own instead; the file is kept as {aside.name}.",
        )
    except FileNotFoundError:
        return Settings()
    except (
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        ValidationError,
        TypeError,
        KeyError,
    ) as error:
        aside = _aside(path)
        try:
            path.rename(aside)
        except OSError as problem:
            raise _unusable(path, problem) from problem
        reason = (
            "it is not what Hashdrop wrote"
            if isinstance(error, ValidationError)
            else "it is no TOML"
        )
        return Settings(
            notice=f"The settings could not be read ({reason}). "
            f"They are kept as {aside.name}; Hashdrop starts with its own."
        )
    except OSError as error:
        raise _unusable(path, error) from error


def save_settings(path: Path, settings: Settings) -> None:
    """Write the settings, 0600, whole or not at all; blocking.

    Raises:
        SettingsError: The file cannot be written.
    """
    document: dict[str, Any] = {
        **settings.unknown,
        "version": VERSION,
        "current": settings.current,
        "connections": [
            one.model_dump(mode="json", exclude_defaults=True) for one in settings.connections
        ],
    }
    preferences = settings.preferences.model_dump(mode="json", exclude_defaults=True)
    if preferences:
        document["window"] = preferences
    if settings.catalog:
        document["catalog"] = dict(settings.catalog)
    temporary = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".settings-")  # 0600
        with os.fdopen(descriptor, "wb") as file:
            tomli_w.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise SettingsError(
            "The settings cannot be saved.", detail=f"{path}: {error.strerror}."
        ) from error


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")


def _parsed(raw: dict[str, Any]) -> tuple[Settings, list[str]]:
    """Return the settings, and the preferences that cannot be used."""
    raw = _migrated(raw)
    unknown = {
        key: raw[key]
        for key in raw.keys() - {"version", "current", "connections", "window", "catalog"}
    }
    listed = raw.get("connections", [])
    if not isinstance(listed, list):
        raise TypeError("connections")
    connections = tuple(Connection.model_validate(one) for one in cast("list[object]", listed))
    current = raw.get("current", LOCAL_CONNECTION_NAME)
    if not isinstance(current, str):
        raise TypeError("current")
    catalog = raw.get("catalog", {})
    if not isinstance(catalog, dict) or not isinstance(
        cast("dict[str, Any]", catalog).get("url", ""), str
    ):
        raise TypeError("catalog")
    names = {one.name for one in connections} | {LOCAL_CONNECTION_NAME}
    preferences, unusable = _preferences(raw.get("window", {}))
    settings = Settings(
        connections=connections,
        current=current if current in names else LOCAL_CONNECTION_NAME,
        preferences=preferences,
        catalog=cast("dict[str, Any]", catalog),
        unknown=unknown,
    )
    return settings, unusable


def _preferences(raw: object) -> tuple[Preferences, list[str]]:
    """Return what is usable of the preferences, and the names of what is not: no connection is lost by it."""
    if not isinstance(raw, dict):
        return Preferences(), ["window"]
    wanted = cast("dict[str, Any]", raw)
    try:
        return Preferences.model_validate(wanted), []
    except ValidationError as error:
        unusable = sorted({str(one["loc"][0]) for one in error.errors()})
    usable = {name: value for name, value in wanted.items() if name not in unusable}
    return Preferences.model_validate(usable), unusable


def _migrated(raw: dict[str, Any]) -> dict[str, Any]:
    version = raw.get("version", VERSION)
    if not isinstance(version, int) or version > VERSION:
        raise TypeError("version")
    return raw


def _unusable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        "The settings cannot be read.", detail=f"{path}: {error.strerror}.", hint="Check the file."
    )
