"""The composition root, and the quit sequence: main wakes, cancels, cleans up, returns."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING
from typing import NoReturn

import anyio
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from hashdrop import __version__
from hashdrop.connection import Choice
from hashdrop.errors import HashdropError
from hashdrop.errors import UsageError
from hashdrop.service import open_service
from hashdrop_gui.desktop.instance import Instance
from hashdrop_gui.desktop.instance import claim
from hashdrop_gui.desktop.instance import hand_over
from hashdrop_gui.garbage import GarbageSearch
from hashdrop_gui.loop import run
from hashdrop_gui.loop import signals
from hashdrop_gui.main_window import MainWindow
from hashdrop_gui.tasks import Tasks
from hashdrop_gui.theme import apply_theme
from hashdrop_gui.theme import icon

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtCore import QLockFile

    from hashdrop.paths import Paths
    from hashdrop.service import Service

_INTERRUPTED = 130
_SCREEN_LOST = 1


def run_window(paths: Paths, *, choice: Choice | None = None, files: Sequence[Path] = ()) -> int:
    """Open the window and return when it was closed.

    Args:
        paths: Folders.
        choice: The connection of this run.
        files: To store at once.

    Returns:
        The exit code.
    """
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Hashdrop")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("hashdrop")
    app.setStyle("Fusion")
    app.setQuitOnLastWindowClosed(False)  # main ends the program, not the window
    app.setWindowIcon(icon("hashdrop", ""))

    opened: list[Service] = []
    try:
        lock = _claimed(paths, choice, files)
    except HashdropError as error:
        sys.stderr.write(f"hashdrop: {error.sentence}\n")
        return 2 if isinstance(error, UsageError) else 1
    if lock is None:
        return 0

    async def main() -> int:
        try:
            return await _serve(app, paths, choice, files, opened)
        except HashdropError as error:
            sys.stderr.write(f"hashdrop: {error.sentence}\n")
            return 2 if isinstance(error, UsageError) else 1

    def screen_lost() -> NoReturn:
        sys.stderr.write("The screen went away. What is unfinished goes on at the next start.\n")
        for service in opened:
            # In a thread of its own: in this one anyio still has the loop that ended.
            stopping = Thread(target=anyio.run, args=(service.stop_local_store,))
            stopping.start()
            stopping.join()
        os._exit(_SCREEN_LOST)  # threads may still send; the journal knows of what

    try:
        return run(app, main, screen_lost)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def _claimed(paths: Paths, choice: Choice | None, files: Sequence[Path]) -> QLockFile | None:
    """Become the window of these folders; `None` where one is open, which has the files now.

    Raises:
        HashdropError: The open window cannot do it, or does not answer.
    """
    with suppress(OSError):  # the service says it better
        paths.ensure()
    lock = claim(paths)
    if lock is None:
        if choice is not None and choice != Choice():
            raise UsageError(
                "Hashdrop is open already, with a connection of its own.",
                hint="Choose the connection there, or use “hashdrop put FILE”.",
            )
        lock = hand_over(paths, files)
    return lock


async def _serve(
    app: QApplication,
    paths: Paths,
    choice: Choice | None,
    files: Sequence[Path],
    opened: list[Service],
) -> int:
    asked = interrupted = False
    async with (
        open_service(paths, choice=choice, for_people=True) as service,
        open_window(app, service) as shown,
    ):
        opened.append(service)

        def on_signal() -> None:
            nonlocal asked, interrupted
            if asked or not service.transfers.active_count:
                interrupted = True
                shown.quit_now()
            else:  # the first one asks, a second one does not
                asked = True
                sys.stderr.write("Uploads are running. Ctrl-C again cancels them and quits.\n")
                shown.ask_to_quit()

        instance = Instance(paths, shown)
        instance.files_arrived.connect(shown.take_over)
        with signals(app, on_signal):
            if files:
                shown.add(files)
            await shown.closed.wait()
            instance.close()
            with anyio.CancelScope(shield=True):
                await service.leave(keep=shown.keeps_queue)

    return _INTERRUPTED if interrupted else 0


@asynccontextmanager
async def open_window(app: QApplication, service: Service) -> AsyncGenerator[MainWindow, None]:
    """Show the window over a service, connect, and go on with what an earlier run left.

    At the end its tasks are ended before it is deleted: none of them finds it gone.
    """
    window: MainWindow | None = None
    garbage: GarbageSearch | None = None
    # While a row is painted Python is given away at each call of Qt's; threads that hash gave it back
    # after 5 ms each, and a picture of ten rows took 90 ms.
    sys.setswitchinterval(0.0005)

    def on_scheme_changed(_: Qt.ColorScheme) -> None:
        if window is not None:
            window.set_tokens(apply_theme(app))

    try:
        async with anyio.create_task_group() as group:
            tasks = Tasks(group)
            window = MainWindow(service, tasks, apply_theme(app))
            garbage = GarbageSearch(window)
            tasks.failed = window.report
            app.styleHints().colorSchemeChanged.connect(on_scheme_changed)
            window.show()
            tasks.spawn(_connect, service)
            tasks.spawn(window.restore)
            yield window
            with suppress(HashdropError):  # a full disk does not keep the window open
                await window.kept_columns.finish()
            group.cancel_scope.cancel()
    finally:
        if garbage is not None:
            garbage.stop()
        if window is not None:
            app.styleHints().colorSchemeChanged.disconnect(on_scheme_changed)
            window.let_close()
            window.close()
            window.deleteLater()  # while the loop still runs, not with the interpreter


async def _connect(service: Service) -> None:
    await service.connect()
    with suppress(HashdropError):  # the page of pointers tells it
        await service.pointers(limit=1)
    # All libraries are loaded: a search for garbage among them would hold the window for 100 ms.
    gc.freeze()
