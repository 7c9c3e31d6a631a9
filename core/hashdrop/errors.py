"""What can go wrong, told so that a person knows what happened and what to do.

    HashdropError
    ├── UsageError              an option, a path or a setting is wrong
    │   ├── SettingsError       the settings file or one of its values
    │   └── TagError            a tag that S3 would refuse (also a ValueError)
    ├── RouterError             the router raised or returned nonsense
    ├── SourceError             a file on this computer
    │   ├── SourceMissing
    │   ├── SourceUnreadable
    │   ├── SourceNotAFile      a FIFO, a socket, a device
    │   └── SourceChanged       changed while it was read
    ├── StoreError              S3 or the way to it
    │   ├── ObjectMissing       (also labox's NoStorageData)
    │   ├── BucketMissing       (also labox's NoStorageData)
    │   ├── AccessRefused
    │   ├── CredentialsMissing
    │   ├── CredentialsRefused  an unknown key or a wrong secret
    │   ├── CredentialsExpired
    │   ├── ClockSkewed
    │   ├── EndpointUnreachable
    │   ├── StoreBusy           500, 503, SlowDown
    │   ├── StoreFull           its disk has no room
    │   ├── TransferCut         a connection ended in the middle
    │   ├── TaggingUnknown      a store without object tags
    │   └── StoreRefused        anything else that S3 said no to
    ├── ContentMismatch         bytes that do not fit their hash or size
    ├── LocalStoreError         the embedded store
    └── CatalogError            the database of pointers
        ├── CatalogAway         it does not answer
        ├── NoteRefused         it does not take this one row
        └── CatalogFull         its disk has no room

Every error has a title (what happened), a detail (to what, and why), a hint (what to do) and says
whether trying again can help. Messages never hold a credential.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING
from typing import Self

from labox.common.exceptions import NoStorageData

if TYPE_CHECKING:
    from pathlib import Path

DISK_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Numbers of an `OSError` which say that a disk has no room; not every system has the second."""


class HashdropError(Exception):
    """The base of all errors that are shown to people.

    Args:
        title: What happened, one sentence.
        detail: To what, and why; may be empty.
        hint: What to do; may be empty.
        retryable: Whether the same call can succeed later without a change by the person.
        technical: Error code and request id for "Copy details"; never a credential.
    """

    retryable_by_default = False

    def __init__(
        self,
        title: str,
        *,
        detail: str = "",
        hint: str = "",
        retryable: bool | None = None,
        technical: str = "",
    ) -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.hint = hint
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.technical = technical

    def kept(self) -> Self:
        """Return it to be kept as a value, without the frames that it came through.

        They hold all that was there: of thousands of errors some GB.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self

    @property
    def sentence(self) -> str:
        """The whole message on one line: title, detail and hint."""
        parts = [part for part in (self.title, self.detail, self.hint) if part]
        return " ".join(
            part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in parts
        )

    def __str__(self) -> str:
        return self.sentence


class UsageError(HashdropError):
    """Raised when an option, a path or a setting is wrong."""


class SettingsError(UsageError):
    """Raised when the settings file or one of its values cannot be used."""


class TagError(UsageError, ValueError):
    """Raised before anything is sent when S3 would refuse a tag."""


class RouterError(HashdropError):
    """Raised when a router fails or returns something that is no place in S3."""


class SourceError(HashdropError):
    """Raised when a file on this computer cannot be stored."""

    path: Path | None = None
    """Of the file, where a drop told it."""


class SourceMissing(SourceError):
    """Raised when a path does not exist (any more)."""


class SourceUnreadable(SourceError):
    """Raised when the system refuses to open or read a file."""


class SourceNotAFile(SourceError):
    """Raised for a FIFO, a socket or a device: they are never opened blindly."""


class SourceChanged(SourceError):
    """Raised when a file changed while it was read."""

    retryable_by_default = True


class StoreError(HashdropError):
    """Raised when S3, or the way to it, fails."""


class ObjectMissing(StoreError, NoStorageData):
    """Raised when a pointer leads to an object that is not there."""


class BucketMissing(StoreError, NoStorageData):
    """Raised when the bucket does not exist."""


class AccessRefused(StoreError):
    """Raised when the credentials are known but may not do this."""


class CredentialsMissing(StoreError):
    """Raised when no credentials are found at all."""


class CredentialsRefused(StoreError):
    """Raised when the store does not know the key or the secret is wrong."""


class CredentialsExpired(StoreError):
    """Raised when a session has ended; signing in again helps."""


class ClockSkewed(StoreError):
    """Raised when this computer's clock is too far from the store's."""


class EndpointUnreachable(StoreError):
    """Raised when no connection to the store can be made."""

    retryable_by_default = True


class StoreBusy(StoreError):
    """Raised when the store answers that it cannot now (500, 503, SlowDown)."""

    retryable_by_default = True


class StoreFull(StoreError):
    """Raised when the disk of a store has no room for what is to be stored."""


class TransferCut(StoreError):
    """Raised when a connection ended in the middle."""

    retryable_by_default = True


class TaggingUnknown(StoreError):
    """Raised when a store does not know of object tags."""


class StoreRefused(StoreError):
    """Raised for anything else that the store refuses."""


class ContentMismatch(HashdropError):
    """Raised when bytes do not fit their hash or size."""


class LocalStoreError(HashdropError):
    """Raised when the embedded store does not start or cannot be had here."""


class CatalogError(HashdropError):
    """Raised when the catalog of pointers cannot be read or written."""

    @classmethod
    def of(cls, verb: str, cause: object) -> CatalogError:
        """Return the error of a database that refused.

        Args:
            verb: What was not to be done: "read", "written", "opened".
            cause: What the database says.
        """
        words = str(cause).rpartition(">: ")[2] or "nothing; it does not answer"
        kind = CatalogFull if database_is_full(words) else cls
        return kind(
            f"The catalog of pointers cannot be {verb}.",
            detail=f"The database says: {words}.",
            hint=database_hint(words)
            or "Check the disk and the data folder, or the database of the team.",
            retryable=not issubclass(cls, NoteRefused),
        )


class CatalogAway(CatalogError):
    """Raised when a team's database does not answer, after it was waited for."""


class NoteRefused(CatalogError):
    """Raised when a database answers that it does not take what is to be noted, whatever else it takes."""


class CatalogFull(CatalogError):
    """Raised when the catalog, the journal or the history cannot be written for want of room."""


def database_is_full(words: str) -> bool:
    """Return whether a SQLite file refuses for want of room.

    Args:
        words: What the database says.
    """
    return "is full" in words or "disk I/O error" in words  # the second where no file can grow


def database_hint(words: str) -> str:
    """Return what to do where a SQLite file refuses; "" where its words say nothing more.

    Args:
        words: What the database says.
    """
    if "malformed" in words or "not a database" in words:
        return (
            "The file is damaged: move it out of the data folder and start again. "
            "“hashdrop catalog rebuild” finds what is in a bucket."
        )
    if "is locked" in words:
        return "Another program is writing to it for long: try again when that is done."
    if database_is_full(words):
        return "Make room on the disk, then retry."
    if "index row" in words:
        return "The path of its folder is too long for this database: store it from a folder further in."
    if "readonly" in words or "unable to open" in words:
        return "Check whether you may write to the data folder and what is in it."
    return ""
