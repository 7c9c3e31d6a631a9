"""Whether an object is the content that it should be: yes, no, or as far as its size tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashdrop.digest import crc32
from hashdrop.digest import joined_crc
from hashdrop.errors import ContentMismatch
from hashdrop.s3.objects import encode_crc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashdrop.digest import FileDigest
    from hashdrop.s3.objects import ObjectFacts
    from hashdrop.s3.objects import Requests
    from hashdrop.s3.routing import S3Pointer


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of content whose bytes were read."""

    size: int
    """Bytes."""
    parts: tuple[tuple[int, int], ...]
    """Bytes and CRC-32 of each part in which it is, or would be, sent."""
    md5: str = ""
    """In hex, where it was computed."""

    @classmethod
    def of(cls, found: FileDigest, md5: str = "") -> Known:
        """Return what the digest of a file tells."""
        sizes = (
            min(found.part_size, found.size - at) for at in range(0, found.size, found.part_size)
        )
        return cls(found.size, tuple(zip(sizes, found.part_crcs, strict=True)), md5)

    @property
    def crc(self) -> int:
        """CRC-32 of the whole, put together from its parts'."""
        whole = 0
        for size, crc in self.parts:
            whole = joined_crc(whole, crc, size)
        return whole


def composite_crc(crcs: Sequence[int]) -> str:
    """Return the checksum that S3 gives a whole of parts: CRC-32 of their CRC-32s, `-N` behind it.

    Args:
        crcs: CRC-32 of each part, in order.
    """
    raw = b"".join(crc.to_bytes(4, "big") for crc in crcs)
    return f"{encode_crc(crc32(raw))}-{len(crcs)}"


def judge_now(
    requests: Requests, pointer: S3Pointer, facts: ObjectFacts, known: Known
) -> bool | None:
    """Say whether an object is this content; `None` where nothing but its size tells; blocking.

    Args:
        requests: To the store; asked for the size of the first part, where that decides.
        pointer: Where it stands.
        facts: What the store says of it.
        known: The content.

    Raises:
        StoreError: The store cannot be asked.
    """
    if facts.size != known.size:
        return False
    if not facts.crc:
        # An ETag that differs says nothing: parts and encryption give others than the MD5.
        return True if known.md5 and facts.etag.strip('"') == known.md5 else None
    if "-" not in facts.crc:
        return facts.crc == encode_crc(known.crc)
    if facts.crc == composite_crc([crc for _, crc in known.parts]):
        return True
    # Parts of another size give another checksum of the same bytes.
    first = known.parts[0][0] if known.parts else 0
    return False if requests.first_part_size_now(pointer) == first else None


def other_content(pointer: S3Pointer, facts: ObjectFacts, size: int) -> ContentMismatch:
    """Return the error of an object that stands where this content belongs.

    Args:
        pointer: Where it stands.
        facts: What the store says of it.
        size: Bytes of the content that belongs there.
    """
    return ContentMismatch(
        f"Another content stands at {pointer['key']}.",
        detail=f"It has {facts.size:,} bytes; this content has {size:,}."
        if facts.size != size
        else "Its checksum is another.",
        hint="It was damaged or not made by Hashdrop. Verify it, or store with repair.",
    )
