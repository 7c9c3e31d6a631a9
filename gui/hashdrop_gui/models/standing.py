"""What a store says of an object, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashdrop_gui.models.wording import tr
from hashdrop_gui.models.wording import when_text

if TYPE_CHECKING:
    from hashdrop.stored.details import Details

_VERSIONS_SHOWN = 8


def facts_of(found: Details) -> list[tuple[str, str]]:
    """Return what it is and its value, of each thing that the store says."""
    standing = found.standing
    facts = [(tr("Class"), standing.storage_class)]
    facts += [(name, checksum) for name, checksum in standing.checksums.items()]
    if not standing.checksums and standing.etag:
        facts.append((tr("ETag"), standing.etag.strip('"')))
    if standing.modified is not None:
        facts.append((tr("Written"), when_text(standing.modified)))
    if standing.encryption:
        key = f" · {standing.encryption_key}" if standing.encryption_key else ""
        facts.append((tr("Encryption"), f"{standing.encryption}{key}"))
    if standing.locked_until is not None:
        facts.append(
            (tr("Locked"), tr("until {when}").format(when=when_text(standing.locked_until)))
        )
    if standing.is_held:
        facts.append((tr("Legal hold"), tr("yes")))
    if standing.version_id:
        facts.append((tr("Version"), standing.version_id))
    kept = [one for one in found.versions or () if not one.is_deletion]
    if len(kept) > 1:
        lines = [
            f"{when_text(one.modified)} · {tr('now')}" if one.is_latest else when_text(one.modified)
            for one in kept[:_VERSIONS_SHOWN]
        ]
        facts.append((tr("Versions"), "\n".join([f"{len(kept):,}", *lines])))
    return facts
