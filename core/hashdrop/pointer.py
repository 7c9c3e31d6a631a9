"""A stored pointer: the place of an object in S3, with the hash and size of its content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote


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
