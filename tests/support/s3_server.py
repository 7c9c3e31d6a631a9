"""A real S3 server for tests: the embedded store, in a folder of its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Any

import anyio
import boto3
from botocore.config import Config

from hashdrop.local_store import LocalStore

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class S3Server:
    """Where the server answers, and its keys."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str

    def client(self, endpoint_url: str | None = None, **config: Any) -> Any:
        """A client; `endpoint_url` leads through a proxy, `config` is botocore's."""
        config.setdefault("retries", {"mode": "standard", "total_max_attempts": 2})
        config.setdefault("read_timeout", 20)
        config.setdefault("connect_timeout", 5)
        config.setdefault("max_pool_connections", 40)
        s3 = {"addressing_style": "path"} | config.pop("s3", {})
        return boto3.client(
            "s3",
            endpoint_url=endpoint_url or self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(signature_version="s3v4", s3=s3, **config),
        )

    @cached_property
    def plain(self) -> Any:
        """A client for what tests only look at: to make one takes longer than to ask."""
        return self.client()

    def new_bucket(self) -> str:
        """A bucket that nobody else uses."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.plain.create_bucket(Bucket=name)
        return name

    def delete_bucket(self, bucket: str) -> None:
        """Take a bucket away with all that is in it; each keeps volumes of the server, which has few."""
        client = self.plain
        for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads") or []:
            client.abort_multipart_upload(
                Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )
        for key in self.objects(bucket):
            client.delete_object(Bucket=bucket, Key=key)
        client.delete_bucket(Bucket=bucket)

    def objects(self, bucket: str) -> dict[str, int]:
        """Key -> bytes of every object."""
        pages = self.plain.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}

    def open_uploads(self, bucket: str) -> list[str]:
        """Keys of the multipart uploads that are left open."""
        answer = self.plain.list_multipart_uploads(Bucket=bucket)
        return [upload["Key"] for upload in answer.get("Uploads") or []]

    def body(self, bucket: str, key: str) -> bytes:
        """The bytes of an object."""
        return self.plain.get_object(Bucket=bucket, Key=key)["Body"].read()

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to use this server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
        }


def run_server(folder: Path) -> tuple[S3Server, LocalStore]:
    """Start a server; the caller ends it with `anyio.run(store.stop)`."""
    store = LocalStore(folder)
    endpoint = anyio.run(store.start)
    server = S3Server(
        endpoint_url=endpoint.endpoint_url,
        access_key=endpoint.access_key,
        secret_key=endpoint.secret_key,
        region=endpoint.region,
    )
    return server, store
