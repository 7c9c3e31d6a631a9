"""Tasks that slots start."""

from __future__ import annotations

import anyio

from hashdrop_gui.tasks import Tasks


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
