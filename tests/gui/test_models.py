"""Qt's own checks of both models, with rows coming and changing."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtTest import QAbstractItemModelTester

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
from hashdrop_gui.models.columns import AT_FIRST
from hashdrop_gui.models.columns import Column
from hashdrop_gui.models.columns import Order
from hashdrop_gui.models.columns import laid_out
from hashdrop_gui.models.pointers import PointersModel
from hashdrop_gui.models.transfer_list import BatchRow
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

    assert shown(model) == {3: [9], 2: [6, 7, 8], 1: [1, 2, 3, 4, 5, 10]}


def test_a_batch_is_closed_and_opened(qtmodeltester):
    """Its files are hidden; those that come meanwhile are there when it is opened again."""
    model = filled(TransfersModel())
    model.set_open(model.list.batches[1], is_open=False)
    model.take([queued(9, 3), queued(10, 1, "run"), Cancelled(1, 0.1)])
    qtmodeltester.check(model)

    assert shown(model) == {3: [9], 2: [6, 7, 8], 1: []}
    model.set_open(model.list.batches[1], is_open=True)
    assert shown(model) == {3: [9], 2: [6, 7, 8], 1: [1, 2, 3, 4, 5, 10]}


def test_only_some_states_are_shown(qtmodeltester):
    """A batch is shown only with a file in a wanted state; rows come and go as files change theirs."""
    model = filled(TransfersModel())
    model.show_states(frozenset({State.STORED}))
    qtmodeltester.check(model)

    assert shown(model) == {1: [3]}
    model.take([Stored(1, POINTER, 100, 0.1, True), queued(9, 7)])
    assert shown(model) == {1: [1, 3]}
    model.take([Stored(9, POINTER, 100, 0.1, True)])
    assert shown(model) == {7: [9], 1: [1, 3]}
    model.show_states(None)
    assert list(shown(model)) == [7, 2, 1]


STATES = {
    State.QUEUED: lambda number: Queued(number, number % 4 + 1, str(number), "", f"/{number}", 100),
    State.HASHING: lambda number: Hashing(number, 50, 100),
    State.UPLOADING: lambda number: Uploading(number, 50, 100),
    State.STORED: lambda number: Stored(number, POINTER, 100, 0.1, True),
    State.FAILED: lambda number: Failed(number, SourceMissing("gone"), 0.1),
}


@given(
    ticks=st.lists(
        st.lists(st.tuples(st.integers(0, 30), st.sampled_from(list(STATES)))), max_size=8
    ),
    states=st.none() | st.sets(st.sampled_from(list(STATES)), min_size=1).map(frozenset),
    closed=st.sets(st.integers(1, 4)),
)
@settings(deadline=None)
def test_whatever_changes_the_shown_rows_are_those_of_the_states(ticks, states, closed):
    """Qt's own tester watches each insertion and removal; the rows are those of a filter made anew."""
    model = TransfersModel()
    model.show_states(states)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    known = set()
    for tick in ticks:
        events = [STATES[State.QUEUED](n) for n, _ in dict(tick).items() if n not in known]
        known |= {number for number, _ in tick}
        model.take([*events, *(STATES[state](number) for number, state in tick)])
        for batch in model.list.batches.values():
            model.set_open(batch, is_open=batch.number not in closed)
        incremental = shown(model)
        model.show_states(states)
        assert incremental == shown(model)
    del tester


ORDERS = st.none() | st.builds(Order, st.sampled_from(list(Column)), st.booleans())


@given(
    ticks=st.lists(
        st.lists(st.tuples(st.integers(0, 30), st.sampled_from(list(STATES)))), max_size=6
    ),
    states=st.none() | st.sets(st.sampled_from(list(STATES)), min_size=1).map(frozenset),
    text=st.sampled_from(["", "1", "p/0"]),
    orders=st.lists(ORDERS, min_size=1, max_size=2),
    removed=st.sets(st.integers(0, 30)),
)
@settings(deadline=None)
def test_whatever_is_sorted_and_searched_the_shown_rows_are_those_that_are_wanted(
    ticks, states, text, orders, removed
):
    """While Qt's own tester watches: no row is lost or doubled, and sorted anew they stand in order."""
    model = TransfersModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    known = set()
    for number, tick in enumerate(ticks):
        if number == 1:
            model.show_states(states)
            model.show_text(text)
        if number < len(orders):
            model.sort(orders[number])
        events = [STATES[State.QUEUED](n) for n, _ in dict(tick).items() if n not in known]
        known |= {number for number, _ in tick}
        model.take([*events, *(STATES[state](number) for number, state in tick)])
        if number == 2:
            model.remove([model.list.files[n] for n in removed if n in model.list.files])
            known -= removed & (known - set(model.list.files))
    model.show_states(states)
    model.show_text(text)
    model.sort(orders[-1])

    def wanted(row):
        found = not text or text in row.name or text in row.key
        return found and (states is None or row.state in states)

    expected = {}
    for batch in sorted(model.list.batches.values(), key=lambda one: -one.number):
        rows = [row for row in batch.files if wanted(row)]
        if orders[-1] is not None:
            rows.sort(key=orders[-1].key, reverse=orders[-1].descending)
        if rows:
            expected[batch.number] = [row.id for row in rows]
    assert expected == shown(model)
    assert list(expected) == list(shown(model))
    del tester


def test_what_happens_while_many_files_are_sorted_is_not_lost(qtbot):
    """30,000 files are sorted a slice at a time; what changes and comes meanwhile is where it belongs."""
    model = TransfersModel()
    count = 30_000
    model.take([Queued(n, 1, f"{n * 7919 % count}", "", f"/{n}", n) for n in range(count)])
    model.show_states(frozenset({State.QUEUED}))
    qtbot.waitUntil(lambda: not model.is_arranging)
    model.sort(Order(Column.NAME, descending=True))
    assert model.is_arranging
    model.take(
        [Hashing(5, 1, 5), Queued(count, 1, "zzz", "", "/z", 3), Failed(9, SourceMissing("x"), 0.1)]
    )
    qtbot.waitUntil(lambda: not model.is_arranging)
    model.sort(Order(Column.NAME, descending=True))
    qtbot.waitUntil(lambda: not model.is_arranging)
    ids = shown(model)[1]
    names = [model.list.files[number].name for number in ids]

    assert sorted(names, reverse=True) == names
    assert set(range(count + 1)) - {5, 9} == set(ids)


def test_who_is_selected_stays_so_when_the_rows_are_sorted(qtbot):
    """Indexes that are kept lead to the same files."""
    model = filled(TransfersModel())
    kept = QPersistentModelIndex(model.index(model.row_of(model.list.files[2]), 0))
    model.sort(Order(Column.NAME, descending=True))

    assert kept.data() == "2.txt"
    assert shown(model)[1] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("width", [300, 512, 692, 912, 2000])
@pytest.mark.parametrize("chosen", [AT_FIRST, frozenset(Column)])
def test_columns_share_the_width_there_is(width, chosen):
    """They stand beside each other, all within it wherever there is room for them to be read."""
    places = laid_out(chosen, {Column.PATH: 900}, 76, width)
    ends = [place.left + place.width for place in places]

    assert all(end < place.left for end, place in zip(ends, places[1:], strict=False))
    assert all(place.width >= 64 for place in places)
    if width >= 692 or (chosen == AT_FIRST and width >= 512):
        assert ends[-1] <= 76 + width


def shown(model):
    """Batch -> ids of the files that the model shows, as it shows them."""
    found = {}
    for number in range(model.rowCount()):
        row = model.row_at(model.index(number, 0))
        if isinstance(row, BatchRow):
            files = found[row.number] = []
        else:
            assert model.row_of(row) == number
            files.append(row.id)
    return found


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
