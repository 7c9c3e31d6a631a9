"""The boto3 client of a connection: retries, timeouts, a pool that fits the threads, checksums, signing."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from types import FunctionType
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

import botocore.session
from botocore import exceptions as boto
from botocore.client import BaseClient
from botocore.config import Config
from botocore.handlers import add_expect_header

from hashdrop.s3.body import arm_body
from hashdrop.s3.faults import translate

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from hashdrop.connection import Connection

_CONNECT_TIMEOUT_S = 10
_READ_TIMEOUT_S = 60
_ATTEMPTS = 3
_DEFAULT_REGION = "us-east-1"
_session_lock = threading.Lock()  # sessions are not thread-safe (boto/boto3#1512), clients are


@dataclass(frozen=True, slots=True)
class Keys:
    """A key pair that does not come from AWS's own configuration."""

    access_key: str
    secret_key: str = field(repr=False)


def open_client(connection: Connection, *, keys: Keys | None = None) -> S3Client:
    """Make the client of a connection; blocking (reads AWS's files), 50 to 110 ms.

    - Connection pool as large as all threads together, else connections are thrown away.
    - Own checksum headers with an unsigned payload where the store takes checksums: 0.5 ms instead of
      6 ms per 8 MiB part. Else the payload is signed, so that the store checks it by its SHA-256.
    - Path style for endpoints that are not AWS's.

    Args:
        connection: Where and how.
        keys: Instead of the profile, the environment and AWS's files.

    Raises:
        SettingsError: The profile does not exist or the region is no region.
    """
    mode = "when_supported" if connection.sends_checksums else "when_required"
    s3: Any = {}
    if connection.sends_checksums:
        s3["payload_signing_enabled"] = False
    if connection.endpoint_url:
        s3["addressing_style"] = "path"
    config = Config(
        max_pool_connections=connection.max_readers + connection.max_writers + 4,
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        request_checksum_calculation=mode,
        response_checksum_validation=mode,
        signature_version="s3v4",
        s3=s3,
        user_agent_extra="hashdrop",
    )
    try:
        with _session_lock:
            # boto3's client is this one with methods that nobody here calls; its import costs 70 ms.
            session: Any = botocore.session.Session(profile=connection.profile)
            region = connection.region or session.get_config_variable("region")
            client: S3Client = session.create_client(
                "s3",
                endpoint_url=connection.endpoint_url,
                region_name=region or _DEFAULT_REGION,
                aws_access_key_id=keys.access_key if keys else None,
                aws_secret_access_key=keys.secret_key if keys else None,
                config=config,
            )
    except (boto.BotoCoreError, ValueError) as error:
        raise translate(error, bucket=connection.bucket) from error
    # "Expect: 100-continue" costs a round trip on every body, a second where a proxy stays silent.
    client.meta.events.unregister("before-call.s3", add_expect_header)
    return client


def prepare_client(client: S3Client) -> None:
    """Let request bodies of this client count what is sent; harmless when called twice."""
    client.meta.events.register("before-send.s3", arm_body, unique_id="hashdrop-arm-body")


def is_plain(client: S3Client) -> bool:
    """Whether nobody hooked into a client: then a request of our own is what it would send.

    Looked for: handlers of events that are not botocore's or boto3's (moto, tracing, `Stubber`), methods
    that were replaced on the client, and a wrapped `_make_api_call` (OpenTelemetry, X-Ray). botocore has no
    public list of handlers: where its own is not what it was, a client counts as hooked into.
    """
    inner = cast("Any", client)
    kind = cast("Any", client.__class__)
    call = cast("Any", BaseClient)._make_api_call  # noqa: SLF001
    names: list[str] = list(inner.__dict__)
    try:
        handlers = list(_handlers(inner.meta.events._emitter._handlers._root))  # noqa: SLF001
    except (AttributeError, KeyError, TypeError):
        return False
    return (
        kind._make_api_call is call  # noqa: SLF001
        and type(call) is FunctionType  # wrappers pretend to be one, and their globals are others
        and call.__globals__["__name__"].partition(".")[0] == "botocore"
        and not any(callable(getattr(kind, name, None)) for name in names)
        and all(_is_known(handler) for handler in handlers)
    )


def _handlers(node: Any) -> Iterator[Any]:
    if node["values"] is not None:
        for some in node["values"]:
            yield from some
    for child in node["children"].values():
        yield from _handlers(child)


def _is_known(handler: Any) -> bool:
    while isinstance(handler, functools.partial):
        handler = handler.func
    package, _, module = str(getattr(handler, "__module__", "")).partition(".")
    return package in {"botocore", "boto3", "hashdrop"} and module != "stub"


def ensure_bucket(client: S3Client, bucket: str) -> None:
    """Make a bucket where there is none; for the embedded store only; blocking.

    Raises:
        StoreError: The store refuses.
    """
    try:
        client.create_bucket(Bucket=bucket)
    except (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
        return
    except (boto.BotoCoreError, boto.ClientError) as error:
        raise translate(error, bucket=bucket) from error
