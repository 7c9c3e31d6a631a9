"""Questions about one object that send nothing: does it stand there, what does the store say of its bytes."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreError
from hashdrop.s3.faults import error_status

if TYPE_CHECKING:
    from hashdrop.s3.objects import Requests
    from hashdrop.s3.routing import S3Pointer


@dataclass(frozen=True, slots=True)
class StandingObject:
    """What the store says of an object."""

    size: int
    """Bytes."""
    whole_sha256: str | None
    """Hexadecimal SHA-256 of the whole content, where the store says that it is one of the whole."""


async def ask_for(requests: Requests, pointer: S3Pointer) -> StandingObject:
    """Return what stands at a place.

    Args:
        requests: To the store.
        pointer: The place.

    Raises:
        ObjectMissing: Nothing does.
        StoreError: The store cannot be asked, or does not let one know.
    """
    more: dict[str, Any] = {"ChecksumMode": "ENABLED"} if requests.checksums else {}
    try:
        answer: Any = await requests.read(requests.client.head_object, pointer, **more)
    except StoreError as error:
        if error.__cause__ is not None and error_status(error.__cause__) == 404:
            raise ObjectMissing(
                f"There is no object at s3://{pointer['bucket']}/{pointer['key']}.",
                technical=error.technical,
            ) from error
        raise
    return StandingObject(int(answer["ContentLength"]), _whole_sha256(answer))


def _whole_sha256(answer: Any) -> str | None:
    """Return the checksum only if it says of itself that it is of the whole: of parts it proves nothing."""
    if answer.get("ChecksumType") != "FULL_OBJECT":
        return None
    try:
        raw = base64.b64decode(answer.get("ChecksumSHA256", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 32 else None
