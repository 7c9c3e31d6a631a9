"""Numbers and times in the words people use."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from html import escape

import humanize
from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import QDateTime
from PySide6.QtCore import QLocale

_SEEN = (
    dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "\ufffd")
    | dict.fromkeys(map(ord, "\n\r\x0b\x0c\x85\u2028\u2029"), "↵")
    | dict.fromkeys([ord("\t")], " ")
    | dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")
)
"""What is shown for signs that cannot be."""


def tr(text: str) -> str:
    """Translate a sentence of the window."""
    return QCoreApplication.translate("Hashdrop", text)


def plain_tip(text: str) -> str:
    """Return a text for a tooltip, in which Qt would take names like `<b>.txt` for tags."""
    return f"<span style='white-space:pre-wrap'>{escape(text)}</span>" if "<" in text else text


def one_line(text: str) -> str:
    """Return a name as one line of signs that can be seen, in the order in which they stand.

    A name may hold line breaks, which paint over the line below, and signs that turn the rest around.
    """
    return text if text.isprintable() else text.translate(_SEEN)


@lru_cache(maxsize=4096)  # each picture of a row asks
def size_text(size: int | None) -> str:
    """Return bytes as people say them: `12 kB`, `3.0 GB`."""
    if size is None:
        return ""
    if size < 1000:
        return tr("{n} bytes").format(n=size) if size != 1 else tr("1 byte")
    return humanize.naturalsize(size, format="%.1f" if size >= 1_000_000 else "%.0f")


def progress_text(done: int, size: int) -> str:
    """Return how much of something is done: `1.9 of 3.0 GB`."""
    first, second = size_text(done), size_text(size)
    number, _, unit = first.rpartition(" ")
    if second.endswith(f" {unit}"):
        first = number
    return tr("{done} of {size}").format(done=first, size=second)


def speed_text(bytes_per_second: float) -> str:
    """Return a speed: `84 MB/s`."""
    return f"{humanize.naturalsize(bytes_per_second, format='%.0f')}/s"


def left_text(seconds: float) -> str:
    """Return a time to wait: `13 s left`, `8 min left`."""
    if seconds < 60:
        return tr("{n} s left").format(n=max(1, round(seconds)))
    if seconds < 3600:
        return tr("{n} min left").format(n=round(seconds / 60))
    return tr("{n} h left").format(n=f"{seconds / 3600:.1f}")


def duration_text(seconds: float) -> str:
    """Return how long something took."""
    if seconds < 1:
        return tr("under 1 s")
    if seconds < 60:
        return tr("{n} s").format(n=round(seconds))
    return tr("{n} min").format(n=round(seconds / 60))


def about_text(seconds: float) -> str:
    """Return how long something will take, roughly: `12 min`, `3 h`."""
    if seconds < 60:
        return tr("1 min")
    if seconds < 90 * 60:
        return tr("{n} min").format(n=round(seconds / 60))
    if seconds < 48 * 3600:
        return tr("{n} h").format(n=round(seconds / 3600))
    return tr("{n} days").format(n=round(seconds / 86400))


def files_text(count: int) -> str:
    """Return a number of files: `1 file`, `214 files`."""
    return tr("1 file") if count == 1 else tr("{n} files").format(n=f"{count:,}")


def when_text(moment: datetime) -> str:
    """Return a moment in the person's own time and form."""
    local = QDateTime.fromSecsSinceEpoch(round(moment.timestamp()))
    return QLocale().toString(local, QLocale.FormatType.ShortFormat)


def time_text(moment: datetime) -> str:
    """Return a time of day in the person's own form; with the day where it is not today."""
    local = QDateTime.fromSecsSinceEpoch(round(moment.timestamp()))
    time = QLocale().toString(local.time(), QLocale.FormatType.ShortFormat)
    if local.date() == QDateTime.currentDateTime().date():
        return time
    return f"{QLocale().toString(local.date(), 'd MMM')}, {time}"


def day_text(moment: datetime) -> str:
    """Return a day: `today`, `3 Nov`, `3 Nov 2025`."""
    day = QDateTime.fromSecsSinceEpoch(round(moment.timestamp())).date()
    today = QDateTime.currentDateTime().date()
    if day == today:
        return tr("today")
    return QLocale().toString(day, "d MMM" if day.year() == today.year() else "d MMM yyyy")
