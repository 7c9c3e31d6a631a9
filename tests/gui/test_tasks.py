"""Tasks that slots start."""

from __future__ import annotations

import anyio

from hashdrop_gui.actions.pointers_details import Details
from hashdrop_gui.tasks import Tasks
from support.window import until


def test_a_slot_that_is_called_after_the_loop_ended_starts_nothing():
    """Qt calls timers on as long as it lives; nobody is there to run what they start."""
    ran = []

    async def note(what):
        ran.append(what)

    async def main():
        async with anyio.create_task_group() as group:
            tasks = Tasks(group)
            tasks.spawn(note, "while it runs")
        return tasks

    tasks = anyio.run(main)
    tasks.spawn(note, "too late")

    assert ran == ["while it runs"]
    assert not tasks.can_start


async def test_what_is_asked_of_a_row_is_not_ended_behind_the_loop(two_stored, monkeypatch):
    """The timer that shows another row comes after the last turn of the loop: no scope can be cancelled."""
    two_stored.window.show_page(1)
    page = two_stored.pointers
    await until(lambda: page.model.rowCount() == 2)
    details = page.findChild(Details)
    page.view.selectRow(0)
    scope = await until(lambda: details._scope)
    page.view.selectRow(1)
    monkeypatch.setattr(Tasks, "can_start", False)
    details._rest.timeout.emit()
    shown = details._scope
    monkeypatch.undo()

    assert shown is scope
    assert not scope.cancel_called
