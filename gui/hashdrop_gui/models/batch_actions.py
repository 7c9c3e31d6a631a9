"""What can be done with a whole batch. Pure Python, no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from hashdrop.errors import HashdropError
from hashdrop.transfers.events import State
from hashdrop_gui.models.transfer_list import BatchRow
from hashdrop_gui.models.wording import tr


class BatchAction(StrEnum):
    """What can be done with a batch from within its row."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    EXPORT = "export"
    REPORT = "report"
    REMOVE = "remove"


def words_of(action: BatchAction) -> str:
    """Return what an action is called."""
    return {
        BatchAction.PAUSE: tr("Pause"),
        BatchAction.RESUME: tr("Resume"),
        BatchAction.CANCEL: tr("Cancel all"),
        BatchAction.RETRY: tr("Retry failed"),
        BatchAction.EXPORT: tr("Export…"),
        BatchAction.REPORT: tr("Report"),
        BatchAction.REMOVE: tr("Remove"),
    }[action]


def batch_actions_of(row: BatchRow) -> list[BatchAction]:
    """Return what can be done with a batch now; asked for each picture, so it only counts."""
    paused = row.count(State.PAUSED)
    ended = row.count(*(state for state in State if state.is_final))
    unfinished = len(row.files) - ended
    failed = row.count(State.FAILED)
    offered = (
        (BatchAction.PAUSE, unfinished > paused and not row.is_held),
        (BatchAction.RESUME, paused > 0),
        (BatchAction.CANCEL, unfinished > 0),
        (BatchAction.RETRY, failed > 0),
        (BatchAction.REPORT, bool(row.faults or failed)),
        (BatchAction.EXPORT, row.count(State.STORED, State.ALREADY_STORED) > 0),
        (BatchAction.REMOVE, row.is_finished),
    )
    return [action for action, can in offered if can]


def fault_lines(faults: Iterable[HashdropError]) -> list[str]:
    """Return what could not be read, and why: a line each."""
    return [
        " ".join(part for part in (fault.title, fault.detail, fault.hint) if part)
        for fault in faults
    ]


def report_of(row: BatchRow) -> list[str]:
    """Return what of a batch was not stored, and why: a line each."""
    lines = fault_lines(row.faults)
    if row.count(State.FAILED):
        lines += [
            f"{file.path}: {file.error.sentence}"
            for file in row.files
            if file.state is State.FAILED and file.error is not None
        ]
    return lines
