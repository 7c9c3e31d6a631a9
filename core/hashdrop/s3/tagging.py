"""Object tags: checked before anything is sent, so that the person learns which one S3 would refuse."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hashdrop.errors import TagError

if TYPE_CHECKING:
    from collections.abc import Mapping

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_S3Tag.html
_MAX_TAGS = 10
_MAX_KEY = 128
_MAX_VALUE = 256
_PUNCTUATION = frozenset("_.:/=+-@")


def tagging_header(tags: Mapping[str, str]) -> str | None:
    """Return tags as S3's `x-amz-tagging` header, `None` for no tags.

    Args:
        tags: Key -> value.

    Raises:
        TagError: S3 would refuse them; names the offending key.
    """
    if len(tags) > _MAX_TAGS:
        extra = list(tags)[_MAX_TAGS]
        raise TagError(
            f"{len(tags)} tags are too many: S3 takes {_MAX_TAGS} on one object.",
            detail=f"The tag “{extra}” is the first that does not fit.",
            hint="Leave some out.",
        )
    for key, value in tags.items():
        fault = _fault(key, value)
        if fault:
            raise TagError(f"The tag “{key}” {fault}", hint="Change it and try again.")
    return urlencode(tags) or None


def _fault(key: str, value: object) -> str:
    if not isinstance(value, str):
        return "has a value that is no text."
    if not 1 <= len(key) <= _MAX_KEY:
        return f"has a key of {len(key)} characters; S3 takes 1 to {_MAX_KEY}."
    if key.lower().startswith("aws:"):
        return "begins with “aws:”, which S3 keeps for itself."
    if len(value) > _MAX_VALUE:
        return f"has a value of {len(value)} characters; S3 takes up to {_MAX_VALUE}."
    for text, where in ((key, "key"), (value, "value")):
        for char in text:
            if char not in _PUNCTUATION and unicodedata.category(char)[0] not in "LNZ":
                return (
                    f"has “{char}” in its {where}; S3 takes letters, digits, spaces and _ . : / = + - @."
                    if char.isprintable()
                    else f"has a character in its {where} that cannot be printed."
                )
    return ""
