"""What a person pastes to go to an object: an address of any kind, pointer JSON, a content hash, a key.

Every form that Hashdrop copies can be pasted again, and so can what other programs show of S3.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from typing import cast
from urllib.parse import SplitResult
from urllib.parse import parse_qs
from urllib.parse import unquote
from urllib.parse import urlsplit

from hashdrop.errors import UsageError

MIN_HASH = 8
"""Characters of a hash that is not whole; fewer may be the beginning of a key."""
_HASH = re.compile(rf"(?:sha-?256[:=])?([0-9a-f]{{{MIN_HASH},64}})(?:…|\.\.\.)?", re.IGNORECASE)
_SUM = re.compile(r"\\?([0-9a-f]{64}) [ *][^\n]+")
"""A line of `sha256sum`."""
_HASH_IN_KEY = re.compile(r"(?:^|/)([0-9a-f]{64})(?:\.[^/]*)?$")
_SECRETS = re.compile(r"(https?://)(?:[^/?#\s@]*@)?([^?#\s]*)([?#]\S*)?", re.IGNORECASE)
_MARKDOWN = re.compile(r"!?\[(?:[^\]\\]|\\.)*\]\(<?([^)>\s]+)>?[^)]*\)", re.DOTALL)
_PLACE = re.compile(r'\{"bucket": ("(?:[^"\\]|\\.)*"), "key": ("(?:[^"\\]|\\.)*")')
_ARN = re.compile(r"arn:aws[a-z-]*:s3:::([^/]+)/(.+)", re.DOTALL)
# bucket.s3.region.amazonaws.com, s3-region.amazonaws.com, s3.dualstack.region…, bucket.s3-accelerate…
_AWS = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:-accelerate|-fips)?(?:\.dualstack)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
)
_AWS_CONSOLE = re.compile(r"(?:[a-z0-9-]+\.)?(?:s3\.)?console\.aws\.amazon\.com")


@dataclass(frozen=True, slots=True)
class Pasted:
    """Where a pasted text leads: a place, or a hash that the catalog has to be asked about."""

    bucket: str = ""
    """"" where the text names none: the current connection's is meant."""
    key: str = ""
    content_hash: str = ""
    """Lower case; whole, or its beginning where there is no key."""
    endpoint: str = ""
    """Scheme and host of the URL; "" where the text was none."""


def hash_in_key(key: str) -> str | None:
    """Return the content hash that a key holds as its name, `None` if it holds none."""
    match = _HASH_IN_KEY.search(key)
    return match[1] if match else None


def parse_pasted(  # noqa: C901, PLR0911  # one form after the other
    text: str, *, endpoints: Iterable[str] = ()
) -> Pasted:
    """Read where a pasted text leads; asks nobody.

    Args:
        text: `s3://bucket/key`, an ARN, an https URL (virtual-host or path style, of AWS, its console or
            another endpoint, signed or not), pointer JSON, a Markdown link, an `aws s3 cp` line, a Python
            snippet of ours, a content hash (whole or at least 8 characters), or a key.
        endpoints: Of the connections: in front of theirs, a host name is a bucket.

    Raises:
        UsageError: The text is none of these.
    """
    text = text.strip()
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
        raise UsageError(
            "This is no text that could name an object.",
            hint="Write s3://bucket/key, a key or a hash.",
        )
    if not text:
        raise UsageError("The pointer is empty.", hint="Write s3://bucket/key, a key or a hash.")
    if text.startswith("{"):
        return _of_json(text)
    if match := _MARKDOWN.fullmatch(text):
        text = match[1]
    if text.startswith(("aws s3 cp ", "aws s3 mv ")):
        text = _in_line(text)
    if text.startswith(("import ", "from ")) and (match := _PLACE.search(text)):
        return _placed(json.loads(match[1]), json.loads(match[2]))
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in {"s3", "s3a", "s3n"}:
        bucket, _, key = rest.partition("/")
        if not bucket or not key:
            raise UsageError(f"{text} names no object.", hint="Write s3://bucket/key.")
        return _placed(bucket, key)  # as it is: such an address is not percent-encoded
    if separator and scheme.lower() in {"http", "https"}:
        return _of_url(text, endpoints)
    if match := _ARN.fullmatch(text):
        return _placed(match[1], match[2])
    if match := _HASH.fullmatch(text) or _SUM.fullmatch(text):
        return Pasted(content_hash=match[1].lower())
    return _placed("", text.lstrip("/"))


def without_secrets(text: str) -> str:
    """Return what was pasted so that it may be shown: a signed URL without its signature.

    Args:
        text: As of `parse_pasted`.
    """
    return _SECRETS.sub(lambda match: f"{match[1]}{match[2]}{'?…' if match[3] else ''}", text)


def _in_line(line: str) -> str:
    """Return the address in a line for the shell, without the shell's quotes; the line if there is none."""
    try:
        words = shlex.split(line)
    except ValueError:  # a quote is not closed
        words = line.split()
    return next((word for word in words if word.startswith("s3://")), line)


def _placed(bucket: str, key: str, endpoint: str = "") -> Pasted:
    return Pasted(bucket, key, hash_in_key(key) or "", endpoint)


def _of_json(text: str) -> Pasted:
    try:
        value: Any = json.loads(text)
        # labox keeps the place as JSON in a column of its own; ours has it at the top.
        place: Any = value.get("storage_config", value)
        if isinstance(place, str):
            place = json.loads(place)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            "This JSON is no pointer.", hint='A pointer has a "bucket" and a "key".'
        ) from error
    fields = cast("dict[str, Any]", place) if isinstance(place, dict) else {}
    bucket, key = fields.get("bucket"), fields.get("key")
    if not (isinstance(bucket, str) and isinstance(key, str) and bucket and key):
        raise UsageError(
            "This JSON is no pointer.", hint='"bucket" and "key" must be there, and be text.'
        )
    content_hash = value.get("content_hash")
    if isinstance(content_hash, str) and re.fullmatch(r"[0-9a-fA-F]{64}", content_hash):
        return Pasted(bucket, key, content_hash.lower())
    return _placed(bucket, key)


def _of_url(text: str, endpoints: Iterable[str]) -> Pasted:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
        port = parts.port
    except ValueError:
        raise _no_object() from None  # a signed URL is a secret: it is not repeated
    endpoint = f"{parts.scheme.lower()}://{host}{f':{port}' if port else ''}"
    if _AWS_CONSOLE.fullmatch(host):
        return _of_console(parts)
    path = unquote(parts.path.removeprefix("/"))
    if match := _AWS.fullmatch(host):
        if match["bucket"]:
            return _checked(match["bucket"], path, endpoint)
        return _checked(*_split(path), endpoint)
    for one in endpoints:
        known = (urlsplit(one).hostname or "").lower()
        if known and host.endswith(f".{known}"):
            return _checked(host.removesuffix(f".{known}"), path, endpoint)
    for one in endpoints:
        known_parts = urlsplit(one)
        folder = unquote(known_parts.path.strip("/"))
        if folder and (known_parts.hostname or "").lower() == host:  # an endpoint below a path
            return _checked(*_split(path.removeprefix(f"{folder}/")), endpoint)
    return _checked(*_split(path), endpoint)


def _of_console(parts: SplitResult) -> Pasted:
    """`…console.aws.amazon.com/s3/object/bucket?prefix=key`."""
    query = parse_qs(parts.query)
    bucket = unquote(parts.path.rpartition("/")[2])
    return _checked(bucket, query.get("prefix", [""])[0], "")


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("/")
    return bucket, key


def _checked(bucket: str, key: str, endpoint: str) -> Pasted:
    if not bucket or not key:
        raise _no_object()
    return _placed(bucket, key, endpoint)


def _no_object() -> UsageError:
    return UsageError(
        "This web address names no object.",
        hint="It has a bucket and a key: https://bucket.s3.amazonaws.com/key or https://host/bucket/key.",
    )
