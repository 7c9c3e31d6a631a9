"""Where the catalog is: a file of this person, or the PostgreSQL of a team; the password only in the keyring.

`HASHDROP_CATALOG_URL` wins over the settings, and may hold a password, for servers that have no keyring. The
settings file never does.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote
from urllib.parse import unquote
from urllib.parse import urlsplit
from urllib.parse import urlunsplit

from hashdrop.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "HASHDROP_CATALOG_URL"
_SCHEME = "postgresql+asyncpg"
_SERVICE = "hashdrop catalog"
"""What the keyring calls it."""


def without_password(url: str) -> tuple[str, str | None]:
    """Take the password out of a catalog's URL.

    Args:
        url: `postgresql+asyncpg://user:password@host/database`; `postgresql://` will do.

    Returns:
        The URL without a password, and the password, if there was one.

    Raises:
        SettingsError: It is no such URL.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_url() from None  # its words may hold the password
    if parts.scheme not in {_SCHEME, "postgresql", "postgres"} or not host:
        raise _no_url()
    if not parts.path.strip("/") or "password" in parts.query.lower():
        raise _no_url()
    place = f"[{host}]" if ":" in host else host
    if port:
        place += f":{port}"
    if parts.username:
        place = f"{parts.username}@{place}"
    elif parts.password:
        raise _no_url()
    password = unquote(parts.password) if parts.password else None
    return urlunsplit((_SCHEME, place, parts.path, parts.query, "")), password


def shown(place: Path | str) -> str:
    """Return where a catalog is, for people: never with a password."""
    return without_password(place)[0] if isinstance(place, str) else str(place)


def with_password(url: str, password: str) -> str:
    """Return the URL to connect with; never to be shown or saved."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    secret = quote(password, safe="")
    return urlunsplit(parts._replace(netloc=f"{user}:{secret}@{place}" if at else parts.netloc))


def catalog_place(file: Path, url: str) -> Path | str:
    """Return where the catalog of this run is; blocking (asks the keyring).

    Args:
        file: Of this person.
        url: Of the settings, without a password; "" for none.

    Raises:
        SettingsError: A URL cannot be used, or the keyring cannot be asked.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if not given and not url:
        return file
    plain, password = without_password(given or url)
    if not given:
        if password is not None:
            raise SettingsError(
                "The settings file holds the catalog's password.",
                hint="Take it out, and run “hashdrop catalog use”: it asks for the password.",
            )
        password = _ask_keyring(plain)
    return with_password(plain, password) if password is not None else plain


def keep_password(url: str, password: str) -> None:
    """Put the password of a URL into the keyring; blocking.

    Args:
        url: Without a password.
        password: "" to take the one that is kept away.

    Raises:
        SettingsError: There is no keyring, or it refuses.
    """
    keyring = _keyring()
    try:
        if password:
            keyring.set_password(_SERVICE, url, password)
        else:
            with suppress(keyring.errors.PasswordDeleteError):  # there was none
                keyring.delete_password(_SERVICE, url)
    except keyring.errors.KeyringError as error:
        raise SettingsError(
            "The password cannot be kept: this computer has no keyring.",
            hint=f"Give the whole address in {VARIABLE} instead.",
        ) from error


def _ask_keyring(url: str) -> str | None:
    keyring = _keyring()
    # A desktop without a keyring may well have a database that asks for no password.
    with suppress(keyring.errors.KeyringError):
        return keyring.get_password(_SERVICE, url)
    return None


def _keyring() -> Any:
    try:
        return import_module("keyring")  # of the extra “team”
    except ModuleNotFoundError as error:
        raise SettingsError(
            "What a catalog in PostgreSQL needs is not installed.", hint="Install hashdrop[team]."
        ) from error


def _no_url() -> SettingsError:
    return SettingsError(
        "The address of the catalog cannot be used.",
        hint="Write postgresql+asyncpg://user@host/database.",
    )
