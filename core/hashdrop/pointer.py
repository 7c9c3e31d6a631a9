"""A stored pointer: the place of an object in S3, with the hash and size of its content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote
from urllib.parse import unquote

from hashdrop.errors import UsageError


@dataclass(frozen=True, slots=True)
class StoredPointer:
    """What a drop gives back; it never changes."""

    bucket: str
    key: str
    content_hash: str
    """Hexadecimal, of the stored bytes."""
    content_size: int
    """Bytes."""
    content_type: str
    content_hash_algorithm: str = "sha256"

    @property
    def uri(self) -> str:
        """The `s3://bucket/key` form."""
        return f"s3://{self.bucket}/{self.key}"

    def to_json(self) -> str:
        """Return the pointer as one line of JSON, its keys in a fixed order."""
        return json.dumps(
            {
                "bucket": self.bucket,
                "key": self.key,
                "content_hash": self.content_hash,
                "content_hash_algorithm": self.content_hash_algorithm,
                "content_size": self.content_size,
                "content_type": self.content_type,
            },
            ensure_ascii=False,
        )

    def https_url(self, *, endpoint_url: str | None, region: str | None) -> str:
        """Return the plain URL of the object, unsigned.

        Args:
            endpoint_url: The store's endpoint, `None` for AWS.
            region: The bucket's region, for AWS.
        """
        path = quote(self.key, safe="/~")
        if endpoint_url:
            return f"{endpoint_url.rstrip('/')}/{self.bucket}/{path}"
        host = f"s3.{region}.amazonaws.com" if region else "s3.amazonaws.com"
        if "." in self.bucket:  # a dot breaks the certificate of the virtual-host form
            return f"https://{host}/{self.bucket}/{path}"
        return f"https://{self.bucket}.{host}/{path}"


def parse_place(text: str, *, default_bucket: str) -> tuple[str, str]:
    """Read the bucket and key out of what a person pasted.

    Args:
        text: `s3://bucket/key`, pointer JSON, or a key.
        default_bucket: The bucket where the text names none.

    Returns:
        Bucket and key.

    Raises:
        UsageError: The text is none of these.
    """
    text = text.strip()
    if text.startswith("{"):
        try:
            value = json.loads(text)
            bucket, key = value["bucket"], value["key"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                "This JSON is no pointer.", hint='A pointer has a "bucket" and a "key".'
            ) from error
        if isinstance(bucket, str) and isinstance(key, str) and bucket and key:
            return bucket, key
        raise UsageError("This JSON is no pointer.", hint='"bucket" and "key" must be text.')
    if text.startswith("s3://"):
        bucket, _, key = text.removeprefix("s3://").partition("/")
        if bucket and key:
            return bucket, unquote(key) if "%" in key else key
        raise UsageError(f"{text} names no object.", hint="Write s3://bucket/key.")
    if not text:
        raise UsageError("The pointer is empty.", hint="Write s3://bucket/key, a key or a hash.")
    return default_bucket, text.lstrip("/")
