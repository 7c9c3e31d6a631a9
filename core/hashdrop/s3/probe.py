"""What a store can do, found out once for each endpoint, and by trying: many say yes and do not do it.

The trial is a multipart upload that is never completed, so that on a store that can do everything nothing
is left and nothing has to be deleted.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

from botocore import exceptions as boto

from hashdrop.digest import crc32
from hashdrop.s3.body import Body
from hashdrop.s3.body import Stop
from hashdrop.s3.faults import translate
from hashdrop.s3.objects import encode_crc
from hashdrop.s3.wire import UNSIGNED
from hashdrop.s3.wire import Wire
from hashdrop.s3.wire import WireUnfit

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CONTENT = b"Hashdrop asks what this store can do."


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a store can do."""

    checksums: bool
    """Whether it refuses a part with a wrong CRC-32, and gives the right one back."""
    tells_size: bool
    """Whether it refuses to complete an upload whose size is another than said (`MpuObjectSize`)."""


def probe(client: S3Client, wire: Wire | None, bucket: str, key: str, stop: Stop) -> Abilities:
    """Try what a store can do; blocking, half a dozen requests.

    Args:
        client: Of the store.
        wire: To the bucket, if there is one.
        bucket: Where it is tried.
        key: Of its own, under which it is tried.
        stop: Ends it, also while the store is silent.

    Raises:
        Interrupted: It was stopped.
        HashdropError: The store cannot be reached, or does not let this client upload.
    """
    place: Any = {"Bucket": bucket, "Key": key}
    try:
        upload_id = client.create_multipart_upload(**place, ChecksumAlgorithm="CRC32")["UploadId"]
    except boto.ClientError as error:
        told = translate(error, bucket=bucket, key=key)
        try:  # perhaps it is only the header that it does not know
            upload_id = client.create_multipart_upload(**place)["UploadId"]
        except boto.ClientError:
            raise told from error
    except boto.BotoCoreError as error:
        raise translate(error, bucket=bucket, key=key) from error
    part: Any = {**place, "UploadId": upload_id}
    crc = encode_crc(crc32(_CONTENT))
    try:
        checksums = (
            _answer_to(client, wire, part, encode_crc(crc32(_CONTENT) ^ 1), stop) is None
            and _answer_to(client, wire, part, crc, stop) == crc
        )
        sent: dict[str, Any] = {"PartNumber": 1, **({"ChecksumCRC32": crc} if checksums else {})}
        sent["ETag"] = client.upload_part(**part, **sent, Body=_CONTENT)["ETag"]
        stop.check()
        return Abilities(checksums=checksums, tells_size=_refuses_wrong_size(client, part, sent))
    except (boto.ClientError, boto.BotoCoreError) as error:
        raise translate(error, bucket=bucket, key=key) from error
    finally:
        with contextlib.suppress(boto.ClientError, boto.BotoCoreError):  # completed after all
            client.abort_multipart_upload(**part)


def _answer_to(client: S3Client, wire: Wire | None, part: Any, crc: str, stop: Stop) -> str | None:
    """Send the part with a checksum; return the checksum that comes back, `None` if it is refused."""
    stop.check()
    try:
        if wire is None:
            answer = client.upload_part(**part, PartNumber=1, Body=_CONTENT, ChecksumCRC32=crc)
            return answer.get("ChecksumCRC32", "")
        return wire.request(
            "UploadPart",
            "PUT",
            part["Key"],
            query=f"partNumber=1&uploadId={quote(part['UploadId'], safe='~')}",
            headers={"x-amz-checksum-crc32": crc},
            body=Body(BytesIO(_CONTENT), len(_CONTENT), stop=stop),
            payload_hash=UNSIGNED,
            stop=stop,
        ).headers.get("x-amz-checksum-crc32", "")
    except (boto.ClientError, WireUnfit):
        return None


def _refuses_wrong_size(client: S3Client, part: Any, sent: Any) -> bool:
    try:
        answer = client.complete_multipart_upload(
            **part, MultipartUpload={"Parts": [sent]}, MpuObjectSize=len(_CONTENT) + 1
        )
    except boto.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status == 400  # 501: it does not know the header
    version: Any = answer.get("VersionId")
    # In a bucket that keeps versions the object would stay below a mark.
    more: dict[str, Any] = {"VersionId": version} if version else {}
    client.delete_object(Bucket=part["Bucket"], Key=part["Key"], **more)
    return False
