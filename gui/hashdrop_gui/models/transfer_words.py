"""What rows of the list of transfers say: a file's state and second line, a batch's counts."""

from __future__ import annotations

from hashdrop.transfers.events import State
from hashdrop_gui.models.columns import Column
from hashdrop_gui.models.columns import seconds_left
from hashdrop_gui.models.columns import sent_bytes
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.transfer_list import FileRow
from hashdrop_gui.models.wording import day_text
from hashdrop_gui.models.wording import duration_text
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import left_text
from hashdrop_gui.models.wording import one_line
from hashdrop_gui.models.wording import progress_text
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import speed_text
from hashdrop_gui.models.wording import tr


def state_text(row: FileRow) -> str:
    """Return the state in words."""
    if row.state is State.STORED:
        return tr("Stored · verified") if row.verified else tr("Stored (unverified)")
    if row.state is State.ALREADY_STORED and not row.verified:
        return tr("Already stored (unverified)")
    return tr(row.state.value)


def second_line(row: FileRow, held: str = "") -> str:  # noqa: PLR0911  # one case a state
    """Return the details of a file, or why it failed or waits.

    Args:
        row: The file.
        held: Why nothing is begun, in words; "" where it is.
    """
    size = size_text(row.size)
    match row.state:
        case State.FAILED:
            return row.error.sentence if row.error else ""
        case State.WAITING:
            why = row.error.sentence if row.error else ""
            if row.next_try_s is None:
                return why
            again = tr("tried again in {n} s").format(n=round(row.next_try_s))
            return f"{again} · {why}"
        case State.PAUSED if row.size and row.kept:
            return _with_folder(progress_text(row.kept, row.size), row)
        case State.HASHING | State.UPLOADING if row.size:
            return _with_folder(_progress_line(row, row.size), row)
        case State.HASHING | State.UPLOADING:
            return size_text(row.done)
        case State.STORED:
            details = [size, duration_text(row.seconds)]
            return _with_folder(" · ".join(details + _doubts(row)), row)
        case State.ALREADY_STORED:
            details = [size, _earlier_text(row)]
            return _with_folder(" · ".join(details + _doubts(row)), row)
        case State.QUEUED if held:
            return _with_folder(" · ".join(part for part in (held, size) if part), row)
        case _:
            return " · ".join(part for part in (one_line(row.folder), size) if part)


def _doubts(row: FileRow) -> list[str]:
    """Return why what is stored could not be verified."""
    return [] if row.verified or not row.unverified_reason else [tr(row.unverified_reason)]


def _with_folder(text: str, row: FileRow) -> str:
    """Return a line with the folder of a file at its end: names may be the same in two of them."""
    return f"{text} · {one_line(row.folder)}" if row.folder else text


def number_text(row: FileRow, column: Column) -> str:
    """Return what stands in a column of numbers; "" where there is nothing to say."""
    match column:
        case Column.SIZE:
            return size_text(row.size)
        case Column.SENT:
            sent = sent_bytes(row)
            return size_text(sent) if sent else ""
        case Column.SPEED if row.state is State.UPLOADING and row.speed > 0:
            return speed_text(row.speed)
        case Column.LEFT:
            left = seconds_left(row)
            return "" if left is None else left_text(left)
        case _:
            return ""


def _progress_line(row: FileRow, size: int) -> str:
    parts = [progress_text(row.done, size)]
    if row.state is State.UPLOADING and row.speed > 0:
        parts.append(speed_text(row.speed))
        parts.append(left_text((size - row.done) / row.speed))
    return " · ".join(parts)


def _earlier_text(row: FileRow) -> str:
    """Return since when something was there, where the catalog knows it."""
    if row.earlier_at is not None:
        words = tr("as “{name}”, {day}")
        return words.format(name=one_line(row.earlier_name), day=day_text(row.earlier_at))
    return tr("it was there before") if row.sent_bytes else tr("nothing was sent")


def batch_title(row: BatchRow) -> str:
    """Return the name of a batch."""
    return one_line(row.title) or files_text(len(row.files))


def batch_text(row: BatchRow) -> str:
    """Return a batch's counts in words."""
    stored = row.count(State.STORED, State.ALREADY_STORED)
    count = [files_text(len(row.files))] if row.title else []  # else it is the title
    parts = [*count, size_text(row.total)]
    if not row.scanned:
        parts.append(tr("counting…"))
    if stored:
        already = row.count(State.ALREADY_STORED)
        text = tr("{n} stored").format(n=f"{stored:,}")
        if already == stored:
            text = tr("{n} already stored").format(n=f"{stored:,}")
        elif already:
            text += tr(", {n} of them already there").format(n=f"{already:,}")
        parts.append(text)
    for state, words in ((State.FAILED, tr("{n} failed")), (State.CANCELLED, tr("{n} cancelled"))):
        if row.count(state):
            parts.append(words.format(n=f"{row.count(state):,}"))
    if row.faults:
        parts.append(tr("{n} could not be read").format(n=len(row.faults)))
    return " · ".join(part for part in parts if part)
