"""What a person types into the search box: `size:>1gb type:image tag:run=7 after:2026-01-01 name words`.

Words are parts of the name, all of which must be in it; "two words" in quotes are one. A word whose part
before the colon is no filter is a part of the name, too: names have colons.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from datetime import tzinfo

from hashdrop.catalog.rows import legible
from hashdrop.errors import UsageError

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(i?)(b?|bytes?)")
_SIGN = r"(?:>=|<=|>|<|=)"
_SPACED_SIZE = r"[0-9]+(?:\.[0-9]+)?(?:[kmgtp]?i?b?|\s(?:[kmgtp]i?b|bytes?))"
_SPACED_DATE = r"[0-9]{4}(?:-[0-9]{2}){0,2}"
_SPACED = {
    "size": re.compile(
        rf"(?:{_SIGN}\s?)?{_SPACED_SIZE}|(?:{_SPACED_SIZE}\s?)?\.\.\s?(?:{_SPACED_SIZE})?",
        re.IGNORECASE,
    ),
    **dict.fromkeys(
        ("after", "before"),
        re.compile(rf"{_SPACED_DATE}(?:\s[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?)?"),
    ),
    "on": re.compile(_SPACED_DATE),
}
"""What may have spaces between operator, number and unit; a letter alone is no unit there, but a word."""
_MOST_WORDS = 5
"""Of such a value, after the first: `10 kb .. 2 mb`."""
_MOST_BYTES = 2**62
"""No object is larger; the numbers of the databases end soon behind it."""
_MOST_DIGITS = 300
"""Of what is still a number for the processor."""
_HEX = re.compile(r"[0-9a-f]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a row must be to be listed; an empty value asks nothing."""

    words: tuple[str, ...] = ()
    """Parts of the name, without case."""
    hash_prefix: str = ""
    """First characters of the content hash, lower case."""
    key_prefix: str = ""
    """Beginning of the key."""
    tags: tuple[tuple[str, str | None], ...] = ()
    """Tag and value; `None` for any value."""
    content_type: str = ""
    """Whole, as `image/png`, or only its first half."""
    min_size: int | None = None
    """Bytes, this many or more."""
    max_size: int | None = None
    """Bytes, this many or fewer."""
    since: datetime | None = None
    """Stored then or later; with its zone."""
    until: datetime | None = None
    """Stored before; with its zone."""
    connection: str = ""
    """Name of the connection."""
    folder: str = ""
    """This folder or one below."""
    gone: bool | None = None
    """Only what is gone from its bucket, or only what is there."""


def parse_filters(text: str, *, zone: tzinfo | None = None) -> Filters:
    """Read the text of a search.

    Args:
        text: As typed.
        zone: Of the dates; by default the computer's.

    Raises:
        UsageError: The value of a filter cannot be read.
    """
    filters = Filters()
    for token in _tokens(text):
        name, colon, value = token.partition(":")
        read = _READERS.get(name.lower()) if colon and '"' not in name else None
        plain = value.replace('"', "")
        if read is None:
            word = token.replace('"', "")
            if word:
                filters = replace(filters, words=(*filters.words, word))
        elif plain and not (name.lower() == "size" and re.fullmatch(_SIGN, plain)):
            # `size:` or `size:>` alone: one is still typing.
            filters = read(filters, plain, zone)
    return filters


def _tokens(text: str) -> Iterator[str]:
    """Yield what is searched for, word by word; a size or date with spaces in it is one."""
    words = [match[0] for match in _TOKEN.finditer(legible(text))]
    at = 0
    while at < len(words):
        name, _, value = words[at].partition(":")
        spaced = _SPACED.get(name.lower())
        end = at + 1
        for count in range(_MOST_WORDS, 0, -1) if spaced and ":" in words[at] else ():
            following = words[at + 1 : at + 1 + count]
            whole = " ".join([value, *following]).strip()
            if len(following) == count and spaced and spaced.fullmatch(whole):
                value, end = whole, at + 1 + count
                break
        yield words[at] if end == at + 1 else f"{name}:{value}"
        at = end


def parse_size(text: str) -> int:
    """Return bytes from `500`, `1.5gb` (powers of 1000) or `2GiB` (powers of 1024).

    Raises:
        UsageError: It is no size.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(
            f"“{text}” is no size.", hint="Write size:>1gb, size:10kb..2mb or size:500."
        )
    number, unit, binary, _ = match.groups()
    factor = (1024 if binary else 1000) ** " kmgtp".index(unit or " ")
    if len(number) > _MOST_DIGITS:
        return _MOST_BYTES
    return min(round(float(number) * factor), _MOST_BYTES)


def parse_date(text: str, *, zone: tzinfo | None = None) -> datetime:
    """Return the beginning of a day, month or year, or a moment: `2026-01-31`, `2026-01`, `2026-01-31T12:00`.

    Args:
        text: As typed.
        zone: Where it names none; by default the computer's.

    Raises:
        UsageError: It is no date.
    """
    given = text.strip()
    given += {len("2026"): "-01-01", len("2026-01"): "-01"}.get(len(given), "")
    try:
        moment = datetime.fromisoformat(given)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
        moment.astimezone(UTC)  # the first and the last day that there are may have none
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"“{text}” is no date.", hint="Write after:2026-01-31.") from error
    return moment


def _sized(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    low, dots, high = value.partition("..")
    if dots:
        return replace(
            filters,
            min_size=parse_size(low) if low else filters.min_size,
            max_size=parse_size(high) if high else filters.max_size,
        )
    for sign, least, most in ((">=", 0, None), ("<=", None, 0), (">", 1, None), ("<", None, -1)):
        if value.startswith(sign):
            size = parse_size(value.removeprefix(sign))
            if least is not None:
                return replace(filters, min_size=size + least)
            return replace(filters, max_size=size + (most or 0))
    size = parse_size(value.removeprefix("="))
    return replace(filters, min_size=size, max_size=size)


def _typed(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    return replace(filters, content_type=value.lower().removesuffix("*").removesuffix("/"))


def _tagged(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    tag, equals, wanted = value.partition("=")
    return replace(filters, tags=(*filters.tags, (tag, wanted if equals else None)))


def _hashed(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    value = value.lower()
    if not _HEX.fullmatch(value):
        raise UsageError(f"“{value}” begins no hash.", hint="Write hash:ab12, hexadecimal.")
    return replace(filters, hash_prefix=value)


def _after(filters: Filters, value: str, zone: tzinfo | None) -> Filters:
    return replace(filters, since=parse_date(value, zone=zone))


def _before(filters: Filters, value: str, zone: tzinfo | None) -> Filters:
    return replace(filters, until=parse_date(value, zone=zone))


def _on(filters: Filters, value: str, zone: tzinfo | None) -> Filters:
    first = parse_date(value, zone=zone)
    given = value.strip()
    try:
        if len(given) == len("2026"):
            following = first.date().replace(year=first.year + 1)
        elif len(given) == len("2026-01"):
            following = (first.date() + timedelta(days=31)).replace(day=1)
        else:
            following = first.date() + timedelta(days=1)
    except (ValueError, OverflowError):
        return replace(filters, since=first)  # the last day that there is
    own = first.tzinfo if len(given) > len("2026-01-31") else zone  # it may name its own
    return replace(filters, since=first, until=parse_date(following.isoformat(), zone=own))


def _keyed(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    return replace(filters, key_prefix=value)


def _connected(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    return replace(filters, connection=value)


def _foldered(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    return replace(filters, folder=value.strip("/"))


def _is(filters: Filters, value: str, _: tzinfo | None) -> Filters:
    if value.lower() not in {"gone", "there"}:
        raise UsageError(f"“is:{value}” is no filter.", hint="Write is:gone or is:there.")
    return replace(filters, gone=value.lower() == "gone")


_READERS: dict[str, Callable[[Filters, str, tzinfo | None], Filters]] = {
    "size": _sized,
    "type": _typed,
    "tag": _tagged,
    "hash": _hashed,
    "key": _keyed,
    "after": _after,
    "before": _before,
    "on": _on,
    "connection": _connected,
    "folder": _foldered,
    "is": _is,
}
"""The filters by their names, as they are typed before the colon."""
