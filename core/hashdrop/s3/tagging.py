"""Object tags: checked before anything is sent, so that the person learns which one S3 would refuse."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlencode

from botocore.parsers import ResponseParserError

from hashdrop.errors import StoreError
from hashdrop.errors import TagError
from hashdrop.errors import TaggingUnknown
from hashdrop.s3.faults import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashdrop.s3.objects import Requests
    from hashdrop.s3.routing import S3Pointer

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


async def read_tags(requests: Requests, pointer: S3Pointer) -> dict[str, str]:
    """Return the tags of an object.

    Args:
        requests: To the store.
        pointer: The object.

    Raises:
        ObjectMissing: There is no such object.
        TaggingUnknown: The store has no tags.
        StoreError: The store refuses, or cannot be asked.
    """
    try:
        answer: Any = await requests.read(requests.client.get_object_tagging, pointer)
        return {one["Key"]: one["Value"] for one in answer["TagSet"]}
    except (KeyError, ResponseParserError) as error:  # it answered with the object itself
        raise _no_tags() from error
    except StoreError as error:
        code, status = error_of(error)
        if status == 501 or code in {"NotImplemented", "MethodNotAllowed"}:
            raise _no_tags() from error
        if code == "NoSuchTagSet":
            return {}
        raise


async def write_tags(requests: Requests, pointer: S3Pointer, tags: Mapping[str, str]) -> None:
    """Give an object these tags, and no others.

    A store that does not know of tags may take the request for the object itself, and overwrite it: so they
    are read first, and nothing is written where that fails.

    Args:
        requests: To the store.
        pointer: The object.
        tags: Key -> value; empty to take all away.

    Raises:
        TagError: S3 would refuse them; nothing was sent.
        ObjectMissing: There is no such object.
        TaggingUnknown: The store has no tags.
        StoreError: The store refuses, or cannot be asked.
    """
    tagging_header(tags)
    if await read_tags(requests, pointer) == dict(tags):
        return
    if not tags:
        await requests.write(requests.client.delete_object_tagging, pointer)
        return
    listed: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
    await requests.write(requests.client.put_object_tagging, pointer, Tagging={"TagSet": listed})


def _no_tags() -> TaggingUnknown:
    return TaggingUnknown("This store has no tags.", hint="They are kept in the catalog only.")
