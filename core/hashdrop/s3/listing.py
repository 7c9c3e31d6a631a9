"""The bucket's own listing, page by page in the order of the keys; no other bucket is ever asked about."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

from hashdrop.errors import StoreRefused

if TYPE_CHECKING:
    from hashdrop.s3.objects import Requests

MOST_AT_ONCE = 1000
"""Keys that S3 gives at once."""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing has it."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    """When it was written, with its zone."""
    storage_class: str = "STANDARD"


async def list_pages(
    requests: Requests,
    bucket: str,
    *,
    prefix: str = "",
    after: str = "",
    page_size: int = MOST_AT_ONCE,
) -> AsyncGenerator[list[ListedObject], None]:
    """Yield the objects of a bucket in the order of their keys; a page is asked for when it is wanted.

    Args:
        requests: To the store.
        bucket: Of which.
        prefix: Beginning of the keys.
        after: Only keys behind this one: where an earlier listing came to.
        page_size: Objects of a page at most.

    Raises:
        StoreError: The store refuses, or cannot be asked.
    """
    token = ""
    last = after
    while True:
        more: dict[str, Any] = {"ContinuationToken": token} if token else {}
        if after and not token:
            more["StartAfter"] = after

        def ask(*, Bucket: str, Key: str, more: dict[str, Any] = more) -> Any:  # noqa: N803  # as boto3
            return requests.client.list_objects_v2(
                Bucket=Bucket, Prefix=Key, MaxKeys=page_size, **more
            )

        answer = await requests.read(ask, {"bucket": bucket, "key": prefix})
        page = [
            ListedObject(
                key=one["Key"],
                size=int(one.get("Size", 0)),
                modified=one["LastModified"],
                storage_class=one.get("StorageClass") or "STANDARD",
            )
            for one in answer.get("Contents", ())
            if one["Key"] != last  # a store may give the last one again
        ]
        if page:
            last = page[-1].key
            yield page
        token = answer.get("NextContinuationToken", "")
        if not answer.get("IsTruncated"):
            return
        if not token:
            raise StoreRefused(
                "The store does not list its objects to the end.",
                detail=f"It stopped behind {last}.",
            )
