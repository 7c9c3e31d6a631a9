"""Deleting an object, and taking that back where the bucket keeps versions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from hashdrop.errors import AccessRefused
from hashdrop.errors import HashdropError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import StoreRefused
from hashdrop.s3.inspecting import StandingObject
from hashdrop.s3.inspecting import ask_for
from hashdrop.s3.inspecting import list_versions

if TYPE_CHECKING:
    from hashdrop.s3.objects import Requests
    from hashdrop.s3.routing import S3Pointer


async def keeps_versions(requests: Requests, pointer: S3Pointer) -> bool:
    """Whether what is deleted there can be brought back; no where one may not know."""

    def ask(*, Bucket: str, Key: str) -> Any:  # noqa: N803  # as boto3 has it
        del Key
        return requests.client.get_bucket_versioning(Bucket=Bucket)

    try:
        return (await requests.read(ask, pointer)).get("Status") == "Enabled"
    except HashdropError:
        return False


async def delete_object(requests: Requests, pointer: S3Pointer) -> str:
    """Delete an object that stands there.

    In a bucket that keeps versions only a mark is set: the bytes stay, as a version.

    Args:
        requests: To the store.
        pointer: The object.

    Returns:
        The version of the mark, for `undelete_object`; "" where it cannot be taken back.

    Raises:
        ObjectMissing: Nothing stands there.
        StoreRefused: It is locked.
        StoreError: The store refuses, or cannot be asked.
    """
    standing = await ask_for(requests, pointer)  # else a mark is set upon nothing
    try:
        answer: Any = await requests.write(requests.client.delete_object, pointer)
    except (AccessRefused, StoreRefused) as error:
        told = lock_of(standing)
        if not told:
            raise
        raise StoreRefused(
            "The object is locked and cannot be deleted.",
            detail=told,
            hint="Delete it when the lock has ended, or ask the bucket's owner.",
            technical=error.technical,
        ) from error
    mark = answer.get("VersionId") or ""
    return mark if answer.get("DeleteMarker") and mark != "null" else ""


async def undelete_object(requests: Requests, pointer: S3Pointer, mark: str) -> None:
    """Take a deletion back: its mark is taken away, and the version below it stands there again.

    Args:
        requests: To the store.
        pointer: The object.
        mark: As `delete_object` returned it.

    Raises:
        ObjectMissing: The version is not there any more.
        StoreError: The store refuses, or cannot be asked.
    """
    # Only a mark: a version that was given by mistake would be deleted for ever.
    marks = [one for one in await list_versions(requests, pointer) if one.is_deletion]
    if any(one.version_id == mark for one in marks):
        await requests.write(requests.client.delete_object, pointer, VersionId=mark)
    try:
        await ask_for(requests, pointer)
    except ObjectMissing as error:
        raise ObjectMissing(
            "The object cannot be brought back: the store does not have it any more.",
            detail=f"s3://{pointer['bucket']}/{pointer['key']}",
            hint="Store the file again from its source.",
        ) from error


def lock_of(standing: StandingObject) -> str:
    """Return in words what keeps an object from being deleted; "" for nothing."""
    words: list[str] = []
    if standing.locked_until is not None:
        words.append(f"It is locked until {standing.locked_until.astimezone():%Y-%m-%d %H:%M}.")
    if standing.is_held:
        words.append("A legal hold is on it.")
    return " ".join(words)
