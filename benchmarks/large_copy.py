"""The single-pass way above 5 GiB, at full size: a stream to a temporary object, then a copy part by part.

    python benchmarks/large_copy.py [MIB]        # 5,300 by default; needs twice that on the disk

S3 copies up to 5 GiB in one request; above it the copy is a multipart copy:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html. The server is the embedded store. The
object is read back whole and its hash compared, and nothing else may be left in the bucket.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio
import boto3

from hashdrop.local_store import LocalStore

BUCKET = "lab-data"
CHUNK = 8 * 1024 * 1024


def main() -> None:
    """Store, read back, print."""
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 5300
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "big.bin"
        wanted = made(source, mib)
        store = LocalStore(Path(scratch) / "store")
        endpoint = anyio.run(store.start)
        try:
            measured(source, wanted, endpoint, Path(scratch))
        finally:
            anyio.run(store.stop)


def made(path: Path, mib: int) -> str:
    """Write a file of random bytes, the same 8 MiB with another beginning each; return its hash."""
    digest = hashlib.sha256()
    block = bytearray(os.urandom(CHUNK))
    left = mib * 1024 * 1024
    with path.open("wb") as file:
        while left:
            block[:16] = os.urandom(16)
            piece = memoryview(block)[: min(left, CHUNK)]
            file.write(piece)
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def measured(source: Path, wanted: str, endpoint, scratch: Path) -> None:
    """Store the file as a stream and look at what stands in the bucket."""
    keys = {
        "aws_access_key_id": endpoint.access_key,
        "aws_secret_access_key": endpoint.secret_key,
    }
    client = boto3.client(
        "s3", endpoint_url=endpoint.endpoint_url, region_name=endpoint.region, **keys
    )
    client.create_bucket(Bucket=BUCKET)
    environment = os.environ | {name.upper(): value for name, value in keys.items()}
    environment |= {"AWS_REGION": endpoint.region, "HASHDROP_HOME": str(scratch / "home")}
    began = time.perf_counter()
    done = subprocess.run(
        [Path(sys.executable).with_name("hashdrop"), "put", "-", "--json", "--bucket", BUCKET,
         "--endpoint-url", endpoint.endpoint_url],
        stdin=source.open("rb"), env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    row = json.loads(done.stdout)
    assert row["content_hash"] == wanted, row
    digest = hashlib.sha256()
    answer = client.get_object(Bucket=BUCKET, Key=row["key"])
    for chunk in answer["Body"].iter_chunks(CHUNK):
        digest.update(chunk)
    left = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    uploads = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    print(
        f"{row['size'] / 1024**3:.2f} GiB of standard input in {seconds:.0f} s; "
        f"copied in {answer['ETag'].strip(chr(34)).rpartition('-')[2]} parts"
    )
    is_right = digest.hexdigest() == wanted and left == [row["key"]] and not uploads
    print(
        f"read back: {'the same bytes' if digest.hexdigest() == wanted else 'OTHER BYTES'}; "
        f"left in the bucket: {len(left)} object, {len(uploads)} uploads"
    )
    sys.exit(not is_right)


if __name__ == "__main__":
    main()
