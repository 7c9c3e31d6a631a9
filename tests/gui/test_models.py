"""Qt's own checks of both models, with rows coming and changing."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime

import pytest

from hashdrop.catalog.rows import PointerRow
from hashdrop.errors import SourceMissing
from hashdrop.pointer import StoredPointer
from hashdrop.transfers.events import BatchScanned
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Hashing
from hashdrop.transfers.events import Keyed
from hashdrop.transfers.events import Queued
from hashdrop.transfers.events import State
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Uploading
from hashdrop_gui.models.pointers import PointersModel
from hashdrop_gui.models.transfers import TransfersFilter
from hashdrop_gui.models.transfers import TransfersModel
from hashdrop_gui.models.wording import left_text
from hashdrop_gui.models.wording import progress_text
from hashdrop_gui.models.wording import size_text

POINTER = StoredPointer("b", "p/" + "0" * 64 + ".txt", "0" * 64, 100, "text/plain")


def queued(number: int, batch: int, folder: str = "") -> Queued:
    return Queued(number, batch, f"{number}.txt", folder, f"/d/{number}.txt", 100)


def filled(model: TransfersModel) -> TransfersModel:
    model.take([queued(n, 1, "run") for n in range(1, 6)] + [queued(n, 2) for n in range(6, 9)])
    model.take(
        [
            Hashing(1, 50, 100),
            Keyed(2, "b", "p/k.txt", "0" * 64),
            Uploading(2, 70, 100),
            Stored(3, POINTER, 100, 0.1, True),
            Failed(4, SourceMissing("gone"), 0.1),
            Cancelled(6, 0.1),
            BatchScanned(1, 5, 500, (SourceMissing("“x” does not exist."),)),
        ]
    )
    return model


def test_the_transfers_are_a_model_as_qt_wants_it(qtmodeltester):
    """Filled, and while a batch above and files behind are added."""
    model = filled(TransfersModel())
    qtmodeltester.check(model)
    model.take([queued(9, 3), queued(10, 1, "run")])
    model.tick()
    qtmodeltester.check(model)

    assert (model.rowCount(), model.rowCount(model.index(2, 0))) == (3, 6)


def test_the_filter_is_a_model_as_qt_wants_it(qtmodeltester):
    """It shows a batch only with a file in the wanted state."""
    model = filled(TransfersModel())
    shown = TransfersFilter()
    shown.setSourceModel(model)
    shown.show_states(frozenset({State.STORED}))
    qtmodeltester.check(shown)

    assert (shown.rowCount(), shown.rowCount(shown.index(0, 0))) == (1, 1)


def pointer_row(number: int) -> PointerRow:
    return PointerRow(
        id=number,
        name=f"{number}.txt",
        folder="",
        pointer=POINTER,
        connection="lab",
        stored_at=datetime(2026, 11, 24, tzinfo=UTC),
    )


def test_the_pointers_are_a_model_as_qt_wants_it(qtmodeltester):
    """With a page behind and newer rows in front."""
    model = PointersModel()
    model.reset([pointer_row(number) for number in (9, 8, 7)])
    model.extend([pointer_row(number) for number in (6, 5)])
    fits = model.refresh([pointer_row(number) for number in (11, 10, 9)])
    qtmodeltester.check(model)

    assert fits
    assert [f"{n}.txt" for n in (11, 10, 9, 8, 7, 6, 5)] == [
        model.index(row, 0).data() for row in range(model.rowCount())
    ]


def test_a_batch_that_failed_is_not_done():
    """Nothing of it is there: 0 %, not 100 %."""
    model = TransfersModel()
    gone = SourceMissing("gone")
    model.take([queued(1, 1), queued(2, 1), Failed(1, gone, 0.1), Failed(2, gone, 0.1)])
    model.take([BatchScanned(1, 2, 200, ())])

    assert (model.list.batches[1].is_finished, model.list.batches[1].fraction) == (True, 0.0)


def test_a_batch_counts_bytes_of_what_is_there(qtmodeltester):
    """Stored files count whole, uploading ones as far as they are, failed ones not at all."""
    batch = filled(TransfersModel()).list.batches[1]

    assert pytest.approx((100 + 70) / 400) == batch.fraction
    assert not batch.is_finished


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("1 byte", size_text(1)),
        ("999 bytes", size_text(999)),
        ("12 kB", size_text(12_000)),
        ("3.0 GB", size_text(3_000_000_000)),
        ("1.9 of 3.0 GB", progress_text(1_900_000_000, 3_000_000_000)),
        ("900 kB of 3.0 GB", progress_text(900_000, 3_000_000_000)),
        ("1 s left", left_text(0.2)),
        ("8 min left", left_text(480)),
        ("1.5 h left", left_text(5400)),
    ],
)
def test_numbers_are_told_in_the_words_people_use(expected, text):
    """Units as on the picture; a unit said once is not said twice."""
    assert expected == text
