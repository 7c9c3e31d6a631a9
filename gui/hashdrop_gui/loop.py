"""The event loop: Qt and asyncio in one. The only module that imports qasync."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from typing import NoReturn

import anyio
from PySide6.QtCore import QObject
from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop


def run(
    app: QApplication, main: Callable[[], Awaitable[int]], screen_lost: Callable[[], NoReturn]
) -> int:
    """Run an async main on Qt's loop; its result is the exit code.

    `anyio.run` with a loop factory works on 3.11, where `asyncio.run(loop_factory=…)` does not exist.

    Args:
        app: The application.
        main: To run.
        screen_lost: Called when Qt has ended its loop for good under main, since the screen went away
            (a logout, Ctrl-C in `xvfb-run`); no task runs any more.
    """

    class Loop(QEventLoop):
        _task: asyncio.Future[Any] | None = None

        def run_until_complete(self, future: Any) -> Any:
            self._task = asyncio.ensure_future(future, loop=self)
            return super().run_until_complete(self._task)

        def run_forever(self) -> Any:
            result = super().run_forever()
            # Now: qasync goes on with what Qt has still, and steps of tasks fail without a running loop.
            if self._task is not None and not self._task.done():
                screen_lost()
            return result

    return anyio.run(main, backend_options={"loop_factory": lambda: Loop(app)})


@contextmanager
def signals(parent: QObject, received: Callable[[], None]) -> Generator[None, None, None]:
    """Call a function, on the loop, for SIGINT and SIGTERM.

    Python runs a signal's handler only when it runs at all; with an idle Qt loop that may be seconds
    later. The signal's wake-up descriptor, watched by Qt, ends that wait.

    Args:
        parent: Owns the watch.
        received: Called once for each signal.
    """
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    numbers = (signal.SIGINT, signal.SIGTERM)
    # The handlers do nothing: what counts arrives through the descriptor, on the loop.
    before: dict[signal.Signals, Any] = {n: signal.signal(n, lambda *_: None) for n in numbers}
    old = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read, parent)

    def wake(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            for byte in reader.recv(64):
                if byte in numbers:
                    received()

    notifier.activated.connect(wake)
    try:
        yield
    finally:
        notifier.setEnabled(False)
        notifier.deleteLater()
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()
