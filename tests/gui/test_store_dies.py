"""The store on this computer is killed while the window sends to it: the rows wait, and then go on."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from hashdrop.stored.places import Place
from hashdrop.transfers.events import State
from support.window import drive
from support.window import until

if TYPE_CHECKING:
    from support.window import Driver

MIB = 2**20


async def test_an_upload_waits_for_it_and_goes_on(qapp, paths, tmp_path):
    """Waiting, Uploading, Stored: in this order, in the row of the file; nobody has to do anything."""
    content = os.urandom(48 * MIB)
    (tmp_path / "big.bin").write_bytes(content)
    seen: list[State] = []

    def watch(driver: Driver) -> State:
        state = driver.row("big.bin").state
        if not seen or seen[-1] is not state:
            seen.append(state)
        return state

    async with drive(qapp, paths) as driver:
        await until(lambda: driver.service.status.state != "starting", 40)
        driver.service.throttle.change(8 * MIB)
        driver.drop(tmp_path / "big.bin")
        await until(
            lambda: (
                driver.rows
                and driver.row("big.bin").is_sent
                and driver.row("big.bin").done > 6 * MIB
            ),
            40,
        )
        pid = json.loads((paths.local_store / "state.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        await until(lambda: watch(driver) is State.WAITING, 30)
        waiting = driver.words("big.bin")
        driver.service.throttle.change(None)
        await until(lambda: watch(driver) is State.STORED, 120)
        said = driver.words("big.bin")
        driver.window.show_page(1)
        await until(lambda: driver.pointer_names == ["big.bin"])
        driver.pointers.view.selectRow(0)
        verdicts = []
        await driver.service.stored.verify_all(
            [Place.of(driver.pointers.selected()[0])], on_verdict=verdicts.append
        )

    assert waiting.startswith("Waiting")
    assert [state for state in seen if state is not State.VERIFYING] == [
        State.UPLOADING, State.WAITING, State.UPLOADING, State.STORED,
    ]  # fmt: skip
    assert said.startswith("Stored")
    assert [one.status for one in verdicts] == ["verified"]
