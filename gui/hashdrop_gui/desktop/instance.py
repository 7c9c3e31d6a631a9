"""One window for each data folder: a later start hands its files to the one that is open.

Whoever holds the lock is the window; the lock of a run that was killed is noticed by its process number,
so what that run left of its socket is taken away by the next one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from PySide6.QtCore import QLockFile
from PySide6.QtCore import QObject
from PySide6.QtCore import QSysInfo
from PySide6.QtCore import QThread
from PySide6.QtCore import Signal
from PySide6.QtNetwork import QLocalServer
from PySide6.QtNetwork import QLocalSocket

from hashdrop.errors import HashdropError
from hashdrop.paths import Paths

_LOG = logging.getLogger(__name__)

_LONGEST_PATH = 80
"""Of a socket: the system allows some hundred bytes, and Qt makes it in a folder beside."""
_MOST_BYTES = 64 * 1024 * 1024
"""Of what is handed over: the paths of half a million files."""
_TRIES = 50
_PAUSE_MS = 200
"""Between two tries: the window may be on its way to be opened."""
_ANSWER_MS = 10_000
_SETTLED_MS = 1_000
"""In which a start that found a killed run's lock has put its own in its place."""
_TAKEN = b"taken\n"


def claim(paths: Paths) -> QLockFile | None:
    """Become the window of these folders; `None` where there is one already.

    Where the lock cannot be made at all, for whatever reason, the window opens without it; whoever starts
    later finds it by its socket, and may have the lock by then.
    """
    lock = _lock(paths)
    if lock is not None and _listens(paths):
        lock.unlock()
        return None
    return lock


def _lock(paths: Paths) -> QLockFile | None:
    """Return the lock, held or impossible; `None` where another window holds it."""
    lock = QLockFile(str(paths.window_lock))
    lock.setStaleLockTime(0)  # never by its age, only by its process
    if lock.tryLock(0) or lock.error() != QLockFile.LockError.LockFailedError:
        return lock
    if not _is_left_behind(lock):
        return None
    # Another start may take it away just now; if none does, the disk is full: it cannot be replaced.
    if lock.tryLock(_SETTLED_MS) or _is_left_behind(lock):
        return lock
    return None


def _listens(paths: Paths) -> bool:
    """Whether a window of these folders listens: without the lock, where that is free or impossible."""
    try:
        name = socket_name(paths.data)
    except HashdropError:
        return False
    socket = QLocalSocket()
    socket.connectToServer(name)
    found = socket.waitForConnected(_ANSWER_MS)
    socket.abort()
    return found


def _is_left_behind(lock: QLockFile) -> bool:
    """Whether a lock names a process of this computer that is gone."""
    pid, computer, _ = lock.getLockInfo()
    if sys.platform == "win32" or pid <= 0 or computer != QSysInfo.machineHostName():
        return False  # Windows itself frees what a killed process held
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False


def socket_name(data: Path) -> str:
    """Return where the window of a data folder listens: in a folder that only this person can enter."""
    known = hashlib.sha256(os.fsencode(data.absolute())).hexdigest()[:16]
    if sys.platform == "win32":
        return f"hashdrop-{known}"
    near = data.absolute() / "window.socket"
    if len(os.fsencode(near)) <= _LONGEST_PATH:
        return str(near)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) if runtime else Path(tempfile.gettempdir(), f"hashdrop-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise HashdropError(
            "Another start of Hashdrop cannot be reached safely.",
            detail=f"{folder} is not yours alone.",
            hint="Delete it and try again.",
        )
    return str(folder / f"hashdrop-{known}")


def hand_over(paths: Paths, files: Sequence[Path]) -> QLockFile | None:
    """Hand files to the window that is open, or only bring it forward; blocking, before any loop runs.

    Returns:
        `None` where it has them. The lock where it was on its way to end, and has: we are the window.

    Raises:
        HashdropError: It does not answer.
    """
    name = socket_name(paths.data)
    message = json.dumps({"files": [str(path.absolute()) for path in files]}).encode() + b"\n"
    for _ in range(_TRIES):
        socket = QLocalSocket()
        socket.connectToServer(name)
        if socket.waitForConnected(_ANSWER_MS):
            socket.write(message)
            while socket.bytesToWrite() and socket.waitForBytesWritten(_ANSWER_MS):
                pass
            while not socket.canReadLine() and socket.waitForReadyRead(_ANSWER_MS):
                pass
            if bytes(socket.readLine().data()) == _TAKEN:
                return None
        lock = claim(paths)
        if lock is not None:
            return lock
        QThread.msleep(_PAUSE_MS)
    raise HashdropError(
        "Hashdrop is open already, but does not answer.",
        hint="End it and try again, or use “hashdrop put FILE”.",
    )


class Instance(QObject):
    """The window's end: takes what other starts hand over.

    Args:
        paths: Folders.
        parent: The window.

    Signals:
        files_arrived: Paths of another start; none where it only wants the window to come forward.
    """

    files_arrived = Signal(list)

    def __init__(self, paths: Paths, parent: QObject) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_new_connection)
        try:
            name = socket_name(paths.data)
        except HashdropError as error:  # the window opens without it
            _LOG.warning("%s", error.sentence)
            return
        QLocalServer.removeServer(name)  # of a run that was killed: we hold the lock
        if not self._server.listen(name):
            _LOG.warning("Other starts cannot reach this one: %s", self._server.errorString())

    @property
    def is_listening(self) -> bool:
        """Whether other starts can reach it."""
        return self._server.isListening()

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _on_new_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.setParent(self)
            socket.readyRead.connect(lambda one=socket: self._read(one))
            socket.disconnected.connect(socket.deleteLater)

    def _read(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > _MOST_BYTES:
                socket.abort()
            return
        files = _files_of(bytes(socket.readLine().data()))
        if files is None:
            socket.abort()
            return
        socket.write(_TAKEN)
        socket.disconnectFromServer()
        self.files_arrived.emit(files)


def _files_of(line: bytes) -> list[Path] | None:
    """Return the paths of a message, `None` if it is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    files = cast("dict[str, object]", message).get("files") if isinstance(message, dict) else None
    if not isinstance(files, list):
        return None
    names = cast("list[object]", files)
    paths = [Path(one) for one in names if isinstance(one, str)]
    return paths if len(paths) == len(names) and all(p.is_absolute() for p in paths) else None
