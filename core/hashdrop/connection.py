"""A connection: where a bucket is and how it is reached. No secret is ever part of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field

from hashdrop.errors import SettingsError

LOCAL_CONNECTION_NAME = "This computer"
"""The connection served by the embedded store."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_IP = re.compile(r"\d+\.\d+\.\d+\.\d+")
_MAX_PREFIX_BYTES = 1024 - 100  # of S3's 1,024: room for the hash and its extension
MIB = 1024 * 1024


class ChecksumMode(StrEnum):
    """When requests carry S3's own checksums; some stores refuse or store them wrong."""

    AUTOMATIC = "automatic"
    """Supported for AWS, required for any other endpoint."""
    WHEN_SUPPORTED = "when_supported"
    WHEN_REQUIRED = "when_required"


def _check_bucket(value: str) -> str:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    if not value:
        raise ValueError("Enter the name of a bucket.")
    if not 3 <= len(value) <= 63:
        raise ValueError("A bucket name has 3 to 63 characters.")
    if value != value.lower():
        raise ValueError("A bucket name has no capital letters.")
    if not _BUCKET.fullmatch(value) or ".." in value or _IP.fullmatch(value):
        raise ValueError(
            "A bucket name has only lower-case letters, digits, dots and hyphens, "
            "and begins and ends with a letter or digit."
        )
    return value


def _check_prefix(value: str) -> str:
    value = value.strip("/")
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise ValueError("A prefix has no control characters.")
    if any(part in {"", ".", ".."} for part in value.split("/")) and value:
        raise ValueError("A prefix has no empty part and no part that is “.” or “..”.")
    if len(value.encode()) > _MAX_PREFIX_BYTES:
        raise ValueError(f"A prefix has at most {_MAX_PREFIX_BYTES} bytes.")
    return value


def _check_endpoint(value: str | None) -> str | None:
    value = (value or "").strip().rstrip("/")
    if not value:
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("This is no web address.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("An endpoint begins with https:// or http:// and names a host.")
    if parts.username or parts.password:
        raise ValueError("Keys do not belong in the endpoint; use a profile.")
    if parts.query or parts.fragment:
        raise ValueError("An endpoint has no “?” and no “#”.")
    return value


def _check_word(value: str | None) -> str | None:
    value = (value or "").strip()
    if any(char.isspace() for char in value):
        raise ValueError("There must be no space in it.")
    return value or None


class Connection(BaseModel):
    """Where and how to reach a bucket."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    """As people call it."""
    bucket: Annotated[str, AfterValidator(_check_bucket)]
    prefix: Annotated[str, AfterValidator(_check_prefix)] = ""
    """Without slashes at its ends; may be empty."""
    temp_prefix: Annotated[str, AfterValidator(_check_prefix)] = ""
    """Prefix of temporary objects; may be empty."""
    endpoint_url: Annotated[str | None, AfterValidator(_check_endpoint)] = None
    """`None` for AWS."""
    region: Annotated[str | None, AfterValidator(_check_word)] = None
    profile: Annotated[str | None, AfterValidator(lambda v: (v or "").strip() or None)] = None
    """A profile of the AWS configuration; `None` for the environment and the default profile."""
    router: str | None = None
    """`module:function` of a router of one's own; `None` for the simple one."""
    checksum_mode: ChecksumMode = ChecksumMode.AUTOMATIC
    single_pass: bool = False
    """Stream to a temporary object and copy, instead of hashing first."""
    object_tags: bool = True
    """Off for stores that lack tagging."""
    max_readers: int = Field(default=8, ge=1, le=256)
    """Threads that read from S3."""
    max_writers: int = Field(default=8, ge=1, le=256)
    """Threads that write to S3, shared by all transfers."""
    part_size: int = Field(default=16 * MIB, ge=5 * MIB, le=5 * 1024 * MIB)
    """Bytes of one part; grows by itself for very large files."""

    @property
    def sends_checksums(self) -> bool:
        """Whether requests carry S3's own checksum headers."""
        match self.checksum_mode:
            case ChecksumMode.WHEN_SUPPORTED:
                return True
            case ChecksumMode.WHEN_REQUIRED:
                return False
            case ChecksumMode.AUTOMATIC:
                return self.endpoint_url is None

    @property
    def destination(self) -> str:
        """Where a drop would go: `s3://bucket/prefix/`."""
        return f"s3://{self.bucket}/{self.prefix}/" if self.prefix else f"s3://{self.bucket}/"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which connection one run of the program uses."""

    name: str | None = None
    """Of a saved one; `None` for the settings' current one."""
    changes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fields that this run changes; all fields of an own one."""
    own: bool = False
    """Whether `changes` describe a connection that is not saved."""

    def applied(self, base: Connection) -> Connection:
        """Return the connection to use.

        Args:
            base: The named one, or the current one.

        Raises:
            SettingsError: A value is wrong.
        """
        if self.own:
            return validate_connection(**self.changes)
        if not self.changes:
            return base
        return validate_connection(**(base.model_dump() | dict(self.changes)))


def validate_connection(**values: object) -> Connection:
    """Build a connection, its faults told as one error for people.

    Raises:
        SettingsError: A value is wrong; `detail` names each field and why.
    """
    faults = connection_faults(**values)
    if faults:
        detail = " ".join(f"{field}: {fault}" for field, fault in faults.items())
        raise SettingsError(
            "The connection cannot be used.", detail=detail, hint="Correct it in the settings."
        )
    return Connection.model_validate(values)


def connection_faults(**values: object) -> dict[str, str]:
    """Return what is wrong with each field, by name; empty where all is right.

    For a form that is checked as one types: nothing is raised, nothing leaves the machine.
    """
    from pydantic import ValidationError

    try:
        Connection.model_validate(values)
    except ValidationError as error:
        return {
            str(fault["loc"][0] if fault["loc"] else "connection"): fault["msg"].removeprefix(
                "Value error, "
            )
            for fault in error.errors()
        }
    return {}
