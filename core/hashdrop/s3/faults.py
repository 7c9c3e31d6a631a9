"""The one seam where errors of botocore, urllib3 and the system become errors for people."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

import urllib3.exceptions
from botocore import exceptions as boto

from hashdrop.errors import AccessRefused
from hashdrop.errors import BucketMissing
from hashdrop.errors import ClockSkewed
from hashdrop.errors import CredentialsExpired
from hashdrop.errors import CredentialsMissing
from hashdrop.errors import CredentialsRefused
from hashdrop.errors import EndpointUnreachable
from hashdrop.errors import HashdropError
from hashdrop.errors import ObjectMissing
from hashdrop.errors import SettingsError
from hashdrop.errors import StoreBusy
from hashdrop.errors import StoreFull
from hashdrop.errors import StoreRefused
from hashdrop.errors import TransferCut
from hashdrop.s3.body import Interrupted

if TYPE_CHECKING:
    from collections.abc import Mapping

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_BUSY = frozenset(
    {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling",
     "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "500", "502", "503", "504"}
)  # fmt: skip
_BUSY_STATUSES = frozenset({408, 429})
"""Of gateways that send no code of S3's with it, and of every store in the answer to a HEAD."""
# Ceph and MinIO: https://docs.ceph.com/en/latest/radosgw/s3/, https://www.rfc-editor.org/rfc/rfc4918#section-11.5
_FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"})
# Two writes of one key at once: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_CONFLICTS = frozenset({"ConditionalRequestConflict", "OperationAborted"})
_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
_REFUSED_KEYS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidSecurity"}
)
_CHANGED_ON_ITS_WAY = frozenset({"BadDigest", "XAmzContentSHA256Mismatch"})
_ELSEWHERE = frozenset(
    {
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "301",
        "IllegalLocationConstraintException",
    }
)
_CUT = (
    boto.ConnectionClosedError,
    boto.ReadTimeoutError,
    boto.ResponseStreamingError,
    boto.IncompleteReadError,
    boto.HTTPClientError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.ReadTimeoutError,
    ConnectionError,
    TimeoutError,
)


def error_code(error: BaseException) -> str:
    """Return S3's code of a client error, "" for any other error."""
    if isinstance(error, boto.ClientError):
        response = cast("Mapping[str, Any]", error.response)
        return str(response.get("Error", {}).get("Code", ""))
    return ""


def error_status(error: BaseException) -> int:
    """Return the HTTP status of a client error, 0 for any other error."""
    if isinstance(error, boto.ClientError):
        response = cast("Mapping[str, Any]", error.response)
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    return 0


def error_of(error: HashdropError) -> tuple[str, int]:
    """Return S3's code and the HTTP status behind an error for people; "" and 0 where there is none."""
    cause = error.__cause__
    return (error_code(cause), error_status(cause)) if cause else ("", 0)


def is_other_content(error: HashdropError) -> bool:
    """Whether the store refused bytes since they are not those of their checksum."""
    return error_of(error)[0] in _CHANGED_ON_ITS_WAY


def translate(error: Exception, *, bucket: str = "", key: str = "") -> Exception:
    """Return the error for people that stands for what boto3 raised.

    Errors that are ours already, `NotImplementedError` and the interruption of a body come back as
    they are, and so does anything that is a fault of the program.

    Args:
        error: As raised by a boto3 call or the read of a body.
        bucket: Of the request.
        key: Of the request; may be empty.
    """
    if isinstance(error, (HashdropError, Interrupted)):
        return error
    if isinstance(error, boto.ClientError):
        return _of_client_error(error, bucket=bucket, key=key)
    return _of_way(error, bucket=bucket)


def _of_client_error(  # noqa: C901, PLR0911  # one case after the other
    error: boto.ClientError, *, bucket: str, key: str
) -> HashdropError:
    code, status = error_code(error), error_status(error)
    response = cast("Mapping[str, Any]", error.response)
    request_id = response.get("ResponseMetadata", {}).get("RequestId", "")
    operation = error.operation_name
    technical = f"{operation}: {code} (HTTP {status}), request id {request_id or 'none'}"
    place = f"s3://{bucket}/{key}" if key else f"s3://{bucket}"
    if code == "NoSuchBucket":
        return BucketMissing(
            f"The bucket “{bucket}” does not exist.",
            hint="Check its name in the settings, or create it.",
            technical=technical,
        )
    if code in {"NoSuchKey", "NoSuchVersion"} or (status == 404 and operation == "GetObject"):
        return ObjectMissing(f"There is no object at {place}.", technical=technical)
    if code in _CHANGED_ON_ITS_WAY:
        return TransferCut(
            "What arrived at the store was not what was sent.", hint="Retry.", technical=technical
        )
    if code in _EXPIRED:
        return CredentialsExpired(
            "Your session has ended.", hint="Sign in again and retry.", technical=technical
        )
    if code in _REFUSED_KEYS:
        return CredentialsRefused(
            "The store does not accept these credentials.",
            detail="The access key is unknown or the secret does not fit it.",
            hint="Check the profile or the keys.",
            technical=technical,
        )
    if code == "RequestTimeTooSkewed":
        return ClockSkewed(
            "This computer's clock is wrong.",
            detail=_skew(response),
            hint="Set the clock and retry.",
            technical=technical,
        )
    if code in _CONFLICTS:
        return StoreBusy(
            "Somebody else writes the same content just now.", hint="Retry.", technical=technical
        )
    if code in _FULL or status == 507:
        return StoreFull(
            f"The store has no room left for “{bucket}”.",
            hint="Delete there what is not needed, or ask its owner for more room. Then retry.",
            technical=technical,
        )
    if code in _BUSY or status in _BUSY_STATUSES or status >= 500:
        if code == "NotImplemented" or status == 501:
            return StoreRefused(
                f"The store does not know how to do this ({operation}).", technical=technical
            )
        return StoreBusy(
            "The store is busy or has a fault of its own.",
            hint="Try again in a while.",
            technical=technical,
        )
    if status == 403 or code in {"AccessDenied", "Forbidden", "AllAccessDisabled"}:
        return AccessRefused(
            f"You may not do this in “{bucket}”.",
            detail=f"The store refused {operation}.",
            hint="Ask the bucket's owner for the permission, or check the credentials.",
            technical=technical,
        )
    if code in _ELSEWHERE:
        return SettingsError(
            f"The bucket “{bucket}” is in another region.",
            hint="Set its region in the settings.",
            technical=technical,
        )
    message = str(response.get("Error", {}).get("Message", "")).strip().rstrip(".")
    return StoreRefused(
        f"The store refused {operation}.",
        detail=f"It said: {message or code or status}.",
        technical=technical,
    )


def _of_way(error: Exception, *, bucket: str) -> Exception:  # noqa: C901, PLR0911  # as above
    technical = type(error).__name__
    match error:
        case boto.NoCredentialsError() | boto.PartialCredentialsError():
            return CredentialsMissing(
                f"No credentials were found for “{bucket}”." if bucket else "No credentials found.",
                hint="Choose a profile in the settings, or set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY.",
                technical=technical,
            )
        case (
            boto.UnauthorizedSSOTokenError()
            | boto.SSOTokenLoadError()
            | boto.TokenRetrievalError()
            | boto.LoginError()
        ):
            return CredentialsExpired(
                "Your sign-in has ended.",
                hint="Run “aws sso login” for this profile and retry.",
                technical=technical,
            )
        case boto.CredentialRetrievalError():
            return CredentialsMissing(
                "The profile's credentials could not be fetched.",
                hint="Check the profile with the AWS command line.",
                technical=technical,
            )
        case boto.ProfileNotFound():
            return SettingsError(
                "This profile does not exist.",
                detail=f"{error}.",
                hint="Choose another in the settings.",
                technical=technical,
            )
        case boto.NoRegionError():
            return SettingsError(
                "No region is set.", hint="Set the bucket's region in the settings."
            )
        case boto.SSLError() | ssl.SSLError():
            return EndpointUnreachable(
                "The store's certificate is not trusted.",
                hint="Check the endpoint's address, or the certificates of this computer.",
                retryable=False,
                technical=technical,
            )
        case boto.ProxyConnectionError():
            return EndpointUnreachable(
                "The proxy does not answer.", hint="Check the proxy's address.", technical=technical
            )
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError():
            return EndpointUnreachable(
                "The store cannot be reached.",
                detail=f"Nothing answers at {_endpoint(error)}.",
                hint="Check the network and the endpoint in the settings.",
                technical=technical,
            )
        case boto.ParamValidationError():
            return StoreRefused(
                "The request is not one that S3 takes.",
                detail=" ".join(str(error).split()),
                technical=technical,
            )
        case _ if isinstance(error, _CUT):
            return TransferCut(
                "The connection to the store was cut.",
                hint="Check the network and retry.",
                technical=technical,
            )
        case boto.BotoCoreError():
            return StoreRefused(
                "The request to the store failed.",
                detail=f"{' '.join(str(error).split()).rstrip('.')}.",
                technical=technical,
            )
        case _:
            return error


def _endpoint(error: Exception) -> str:
    keywords = getattr(error, "kwargs", {})
    url = str(keywords.get("endpoint_url", "the endpoint"))
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}"


def _skew(response: Mapping[str, Any]) -> str:
    from datetime import UTC
    from datetime import datetime
    from email.utils import parsedate_to_datetime

    stamp = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not stamp:
        return ""
    minutes = round((datetime.now(UTC) - parsedate_to_datetime(stamp)).total_seconds() / 60)
    return f"It is {abs(minutes)} min {'ahead' if minutes > 0 else 'behind'}." if minutes else ""
