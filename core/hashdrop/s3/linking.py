"""Links that expire: whoever has one reads one object with the rights of who made it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

from botocore import exceptions as boto

from hashdrop.errors import CredentialsExpired
from hashdrop.errors import CredentialsMissing
from hashdrop.errors import UsageError
from hashdrop.s3.faults import translate

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from hashdrop.s3.routing import S3Pointer

LONGEST = timedelta(days=7)
"""S3 takes no signature of version 4 that holds longer."""
_LONGEST_SESSION = timedelta(hours=36)
"""No session of AWS lasts longer; asked of one that does not say when it ends."""


@dataclass(frozen=True, slots=True)
class Link:
    """A presigned URL; a secret as long as it holds."""

    url: str
    ends_at: datetime
    """UTC."""
    is_of_this_computer: bool = False
    """Whether it leads to the store on this computer: nobody else reaches that, and it ends before."""


def check_duration(expires: timedelta) -> None:
    """Check how long a link is to hold, before anybody is asked.

    Raises:
        UsageError: Less than a second, or longer than S3 takes.
    """
    if expires < timedelta(seconds=1):
        raise UsageError("A link must hold for at least a second.", hint="Ask for an hour, say.")
    if expires > LONGEST:
        raise UsageError("S3 lets no link hold longer than 7 days.", hint="Ask for 7 days or less.")


def presign(
    client: S3Client, pointer: S3Pointer, expires: timedelta, *, file_name: str = ""
) -> Link:
    """Make a link to an object; blocking (fetches credentials), nothing is sent to the store.

    Args:
        client: Signs with version 4.
        pointer: The object.
        expires: How long the link holds.
        file_name: That a browser saves the object under; "" for the last part of its key.

    Raises:
        UsageError: That is longer than S3 or these credentials allow: the link would end sooner than said.
        StoreError: There are no credentials, or their session has ended.
    """
    check_duration(expires)
    now = datetime.now(UTC)
    _check_credentials(client, expires, now)
    place: dict[str, str] = {"Bucket": pointer["bucket"], "Key": pointer["key"]}
    if file_name:
        place["ResponseContentDisposition"] = (
            f"inline; filename*=UTF-8''{quote(file_name, safe='')}"
        )
    try:
        url = client.generate_presigned_url(
            "get_object",
            Params=place,
            ExpiresIn=int(expires.total_seconds()),
        )
    except (boto.BotoCoreError, boto.ClientError) as error:
        raise translate(error, bucket=pointer["bucket"], key=pointer["key"]) from error
    return Link(url, now + expires)


def _check_credentials(client: Any, expires: timedelta, now: datetime) -> None:
    credentials = client._request_signer._credentials  # noqa: SLF001  # boto3 keeps them nowhere else
    if credentials is None:
        raise CredentialsMissing(
            "A link needs credentials, and there are none.", hint="Choose a profile, or set keys."
        )
    try:
        frozen = credentials.get_frozen_credentials()  # renews what is about to end
    except (boto.BotoCoreError, boto.ClientError) as error:
        raise translate(error) from error
    if not frozen.token:
        return  # keys of a user end only when they are deleted
    ends_at: datetime | None = getattr(credentials, "_expiry_time", None)
    left = ends_at - now if ends_at is not None else _LONGEST_SESSION
    if left <= timedelta(0):
        raise CredentialsExpired("Your session has ended.", hint="Sign in again and retry.")
    if expires > left:
        until = f"at {ends_at.astimezone():%Y-%m-%d %H:%M}" if ends_at else "within 36 hours"
        raise UsageError(
            "The link would not hold that long: it ends with your session.",
            detail=f"The session ends {until}.",
            hint="Ask for a shorter time, or sign with the keys of a user.",
        )
