"""Where content goes: pointers, and the routers that make them from a digest."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import TypedDict
from typing import cast
from uuid import uuid4

from hashdrop.content_types import extension_of
from hashdrop.errors import RouterError
from hashdrop.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labox.core.storage import Digest
    from labox.core.storage import StreamDigest

MAX_KEY_BYTES = 1024
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""


class S3Pointer(TypedDict):
    """A place in S3, as labox records it."""

    bucket: str
    """The bucket."""
    key: str
    """The key of the object."""


class S3Router(Protocol):
    """What decides the place of content."""

    def __call__(
        self, digest: Digest | StreamDigest, tags: Mapping[str, str], /, *, temp: bool
    ) -> S3Pointer:
        """Return the place for content.

        Args:
            digest: The content's digest; for `temp=True` it is not complete yet.
            tags: Tags of the content.
            temp: Whether the place is one for the time of the upload only.
        """
        ...


def simple_s3_router(bucket: str, prefix: str = "", *, temp_prefix: str = "") -> S3Router:
    """Return the router that names objects by their content hash.

    The key is `{prefix}/{content_hash}{ext}`, that of a temporary object
    `{temp_prefix}/{uuid4}{ext}`. The extension follows from the content type by our own table, so
    the same content gets the same key on every machine (labox asks the machine's MIME files).

    Args:
        bucket: The bucket of both.
        prefix: Prefix of the final keys; slashes at its ends do not count.
        temp_prefix: Prefix of the temporary keys, so that one IAM or lifecycle rule covers them.
    """
    prefix = prefix.strip("/")
    temp_prefix = temp_prefix.strip("/")

    def route(
        digest: Digest | StreamDigest, tags: Mapping[str, str], /, *, temp: bool
    ) -> S3Pointer:
        del tags  # the simple router knows content only
        extension = extension_of(digest["content_type"])
        if temp:
            return {"bucket": bucket, "key": _join(temp_prefix, f"{uuid4()}{extension}")}
        # A base64 hash may hold "/" and "+": made URL-safe, its case kept (folding it would collide).
        name = digest["content_hash"].replace("/", "_").replace("+", "-")
        return {"bucket": bucket, "key": _join(prefix, f"{name}{extension}")}

    route.thread_safe = True  # type: ignore[attr-defined]  # else a router is asked on the event loop
    return route


def load_router(reference: str) -> S3Router:
    """Import a router of one's own.

    Args:
        reference: `module:function`.

    Raises:
        SettingsError: It cannot be imported or called.
    """
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise SettingsError(f"“{reference}” names no router.", hint="Write it as module:function.")
    try:
        router = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            f"The router “{reference}” cannot be loaded.",
            detail=f"{error}.",
            hint="Check that the module is installed beside Hashdrop.",
        ) from error
    if not callable(router):
        raise SettingsError(f"“{reference}” is not a function.", hint="A router is called.")
    return cast("S3Router", router)


def ask_router(
    router: S3Router, digest: Digest | StreamDigest, tags: Mapping[str, str], *, temp: bool
) -> S3Pointer:
    """Ask a router and check what it returns.

    Raises:
        RouterError: It raised, or returned no usable place.
        NotImplementedError: The router stands for a read-only storage.
    """
    try:
        answer: Any = router(digest, tags, temp=temp)
    except (NotImplementedError, RouterError):
        raise
    except Exception as error:
        raise RouterError(
            "The router failed.",
            detail=f"{type(error).__name__}: {error}",
            hint="Correct the router in the settings.",
        ) from error
    try:
        bucket, key = answer["bucket"], answer["key"]
    except (TypeError, KeyError, IndexError) as error:
        raise RouterError(
            "The router returned no place.",
            detail=f"It returned {type(answer).__name__} without a bucket and a key.",
            hint='A router returns {"bucket": …, "key": …}.',
        ) from error
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        raise RouterError(
            "The router returned no place.",
            detail="Its bucket or key is empty or no text.",
            hint='A router returns {"bucket": …, "key": …}.',
        )
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise RouterError("The router returned a key that is no Unicode text.") from error
    if length > MAX_KEY_BYTES:
        raise RouterError(
            "The router returned a key that is too long.",
            detail=f"It has {length} bytes; S3 takes {MAX_KEY_BYTES}.",
            hint="Shorten the prefix.",
        )
    return {"bucket": bucket, "key": key}


def _join(prefix: str, name: str) -> str:
    return f"{prefix}/{name}" if prefix else name
