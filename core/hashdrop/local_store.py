"""The embedded store: SeaweedFS on loopback, started on demand, shared by all starts of the program.

`weed mini` is one process with an S3 port and inner ports. What is done for safety, and what stays open
to a local process, is told in docs/security.md.

In its folder: `keys.json` (the random credentials), `security.toml` (random keys that close the inner
HTTP ports), `state.json` (the process that runs), `start.lock` (held while one start or stop decides),
`users.lock` (held shared by every program that uses the store), `data/` and `weed.log`.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import IO
from typing import Any

import anyio
from anyio.to_thread import run_sync

from hashdrop import weed
from hashdrop.errors import DISK_FULL
from hashdrop.errors import LocalStoreError
from hashdrop.errors import StoreFull

_START_TIMEOUT_S = 30.0
_LOCK_TIMEOUT_S = 60.0
_PORT_TRIES = 3
_REVIVAL_PAUSE_S = 10.0
"""Between two starts, whoever of those that use the store makes them."""
_REVIVED_WITHIN_S = 10.0
"""It takes one or two; then those who wait ask for it now and then."""
_MOST_REVIVALS = 3
"""In a row, each too soon after the last one."""
_SOUND_AFTER_S = 60.0
"""A store that ran this long has started well: if it ends then, the starts are counted anew."""
_outliving: list[subprocess.Popen[bytes]] = []
"""Processes that go on on purpose: a handle that is dropped would warn of one that was forgotten."""


@dataclass(frozen=True, slots=True)
class LocalEndpoint:
    """Where the embedded store answers, and the keys it takes."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


class LocalStore:
    """The embedded store in a folder.

    Args:
        folder: Its own; made if missing, readable by this person only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()  # the process works in another folder than we do
        self._data = self._folder / "data"
        self._users: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._running: weed.Running | None = None
        self._revivals = 0
        self._last_revival = 0.0

    async def start(self) -> LocalEndpoint:
        """Start the store, or join the one that runs already; ready when this returns.

        Raises:
            LocalStoreError: It is not available here, or does not start.
        """
        # A half-started process would be nobody's: anyio waits for the thread, cancelled or not.
        return await run_sync(self._start)

    async def stop(self) -> None:
        """Stop using the store; the last user ends it. May be called twice."""
        with anyio.CancelScope(shield=True):
            await run_sync(self._stop)

    async def revive(self) -> bool:
        """Start the store again, at the same address with the same keys, if its process is gone.

        For those who wait for it. Nothing is done to a store that is alive, however slow, to one that was
        stopped, and too soon after the last start.

        Returns:
            Whether it was started again, by this program or another one, and answers.

        Raises:
            LocalStoreError: It ended again after each of several starts, cannot be started at all, or
                another program started it elsewhere.
        """
        running = await run_sync(self._revive)
        if running is None:
            return False
        with anyio.move_on_after(_REVIVED_WITHIN_S):
            while await run_sync(weed.lives, running):
                if await run_sync(weed.answers, running, abandon_on_cancel=True):
                    return True
                await anyio.sleep(0.1)
        return False

    async def is_healthy(self) -> bool:
        """Whether the store runs and answers."""
        running = self._running
        return running is not None and await run_sync(weed.answers, running)

    async def check_room(self, size: int | None) -> None:
        """Look whether the store's disk has room.

        Args:
            size: Bytes that are to be stored there; `None` for any more than it holds.

        Raises:
            StoreFull: It has none.
        """
        await run_sync(self._check_room, size)

    # --- blocking, in worker threads -------------------------------------------------------------

    def _check_room(self, size: int | None) -> None:
        try:
            disk = shutil.disk_usage(self._data)
        except OSError:
            return  # it does not tell: the store will
        more = weed.next_piece(self._data) if size is None else size
        needed = weed.reserve(disk.total) + more
        if needed <= disk.free or disk.total == 0:  # some disks in a network do not tell
            return
        import humanize

        why = ", for it takes new room in large pieces" if size is None and more else ""
        raise StoreFull(
            "The store on this computer has too little room.",
            detail=f"Its disk has {humanize.naturalsize(disk.free)} left; "
            f"{humanize.naturalsize(needed)} are needed{why}.",
            hint=f"Make room on the disk of {self._folder}, then retry; or store in a bucket elsewhere.",
        )

    def _start(self) -> LocalEndpoint:
        binary = weed.find()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            with _locked(self._folder / "start.lock"):
                if self._users is None:
                    self._users = _share(self._folder / "users.lock")
                access_key, secret_key = self._keys()
                running = self._found()
                if running is None or not weed.answers_in_time(running):
                    if running is not None:
                        weed.end(running)  # it is ours, but does not answer
                    running = self._launch(binary, access_key, secret_key)
                self._running = running
        except OSError as error:
            raise self._unstartable(error) from error
        return LocalEndpoint(
            endpoint_url=f"http://127.0.0.1:{running.ports[0]}",
            access_key=access_key,
            secret_key=secret_key,
        )

    def _revive(self) -> weed.Running | None:
        """Return the store that was started since it was last seen; `None` if none was."""
        binary = weed.find()
        try:
            with _locked(self._folder / "start.lock", timeout_s=0):
                before = self._running
                if self._users is None or before is None:
                    return None  # nobody uses it
                running = self._found()
                if running is not None:
                    if running.ports != before.ports:
                        raise LocalStoreError(
                            "The store on this computer ended, and runs at another address now.",
                            hint="Close Hashdrop and start it again: it goes on with what is unfinished.",
                        )
                    self._running = running  # another program was first
                elif not self._is_just_started():
                    self._relaunch(binary, before)
                return None if self._running == before else self._running
        except _LockHeldError:
            return None  # another start decides
        except OSError as error:
            raise self._unstartable(error) from error

    def _relaunch(self, binary: Path, before: weed.Running) -> None:
        """Start the store on the ports it had; whether it answers is seen by who waits for it."""
        now = time.monotonic()
        if now - self._last_revival > _SOUND_AFTER_S:
            self._revivals = 0
        if self._revivals == _MOST_REVIVALS:
            fault = self._last_words()
            raise LocalStoreError(
                f"The store on this computer ended, and again after each of {_MOST_REVIVALS} new starts.",
                detail=f"It said: {fault}" if fault else f"Its log is {self._folder / 'weed.log'}.",
                hint="Check that the disk is not full, then retry in a minute.",
                retryable=True,
            )
        self._revivals += 1
        self._last_revival = now
        if self._process is not None:
            self._process.wait()  # it ended: its entry in the table of processes is taken away
        weed.are_left(before.ports)  # if another program took them, the start fails and is counted
        weed.remove_traces(before)
        self._process, self._running = self._spawn(binary, before.ports, *self._keys())

    def _is_just_started(self) -> bool:
        try:
            noted = (self._folder / "state.json").stat().st_mtime
        except FileNotFoundError:
            return False
        return abs(time.time() - noted) < _REVIVAL_PAUSE_S  # a clock may be set back

    def _unstartable(self, error: OSError) -> LocalStoreError:
        return LocalStoreError(
            "The store on this computer cannot be started.",
            detail=f"{error.filename or self._folder}: {error.strerror}.",
            hint=f"Make room on the disk of {self._folder}, then try again."
            if error.errno in DISK_FULL
            else weed.OTHERWISE,
        )

    def _stop(self) -> None:
        users, self._users = self._users, None
        if users is None:
            return
        try:
            with _locked(self._folder / "start.lock"):
                users.close()
                if not _is_unused(self._folder / "users.lock"):
                    return
                if running := self._found():
                    weed.end(running, self._process)
                elif noted := self._noted():
                    weed.remove_traces(noted)
                (self._folder / "state.json").unlink(missing_ok=True)
        finally:
            users.close()
            if self._process is not None and self._process.poll() is None:
                _outliving.append(self._process)  # others use it: it goes on without us
            self._process = self._running = None

    def _launch(self, binary: Path, access_key: str, secret_key: str) -> weed.Running:
        fault = ""
        noted = self._noted()
        # After a crash where it was: others may still wait for it there.
        ports = noted.ports if noted and weed.are_left(noted.ports) else _new_ports()
        if noted is not None:
            weed.remove_traces(noted)
        for _ in range(_PORT_TRIES):  # another program may take a port before it is started
            process, running = self._spawn(binary, ports, access_key, secret_key)
            deadline = time.monotonic() + _START_TIMEOUT_S
            while process.poll() is None and time.monotonic() < deadline:
                if weed.answers(running):
                    self._process = process
                    return running
                time.sleep(0.05)
            process.kill()
            process.wait()
            weed.remove_traces(running)
            fault = self._last_words()
            ports = _new_ports()
        (self._folder / "state.json").unlink(missing_ok=True)
        raise LocalStoreError(
            "The store on this computer does not start.",
            detail=f"It said: {fault}" if fault else f"Its log is {self._folder / 'weed.log'}.",
            hint=weed.OTHERWISE,
        )

    def _spawn(
        self, binary: Path, ports: tuple[int, ...], access_key: str, secret_key: str
    ) -> tuple[subprocess.Popen[bytes], weed.Running]:
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._write_security()
        private = weed.private_folder()
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "HASHDROP_", "WEED_"))
        } | {
            # By the environment, never by arguments: those are seen in every list of processes.
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "TMPDIR": str(private),  # for its sockets
        }
        with (self._folder / "weed.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  # our own binary and arguments
                [str(binary), *weed.arguments(self._data, ports, private)],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in our terminal is not for it
            )
        running = weed.Running(process.pid, str(self._data), ports, str(private))
        self._write("state.json", json.dumps(asdict(running)))
        return process, running

    def _keys(self) -> tuple[str, str]:
        path = self._folder / "keys.json"
        try:
            stored = json.loads(path.read_text())
            return str(stored["access_key"]), str(stored["secret_key"])
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError):
            # New keys open the same data: it is bound to the folder, not to the keys.
            path.replace(path.with_suffix(".damaged"))
        access_key, secret_key = f"HD{secrets.token_hex(9).upper()}", secrets.token_urlsafe(32)
        self._write("keys.json", json.dumps({"access_key": access_key, "secret_key": secret_key}))
        return access_key, secret_key

    def _write_security(self) -> None:
        # Without these keys the filer reads, writes and deletes everything for everybody on loopback.
        sections = (
            "jwt.signing",
            "jwt.signing.read",
            "jwt.filer_signing",
            "jwt.filer_signing.read",
        )
        text = "".join(
            f'[{section}]\nkey = "{secrets.token_hex(32)}"\nexpires_after_seconds = 60\n\n'
            for section in sections
        )
        self._write("security.toml", text)

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        temporary = path.with_name(f".{name}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        temporary.replace(path)

    def _found(self) -> weed.Running | None:
        """Return the process that serves our data: the one that is noted, or one whose note was lost."""
        noted = self._noted()
        if noted is not None and weed.lives(noted):
            return noted
        return weed.running_on(self._data)

    def _noted(self) -> weed.Running | None:
        """Return the process that `state.json` names, dead or alive."""
        try:
            raw: dict[str, Any] = json.loads((self._folder / "state.json").read_text())
            return weed.Running(
                int(raw["pid"]),
                str(self._data),
                tuple(int(port) for port in raw["ports"]),
                str(raw.get("private", "")),  # versions before did not note it
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "weed.log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        told = [line for line in lines if line.strip() and "key" not in line.lower()]
        return told[-1].strip()[-300:] if told else ""


def _new_ports() -> tuple[int, ...]:
    return tuple(weed.free_ports(weed.PORTS))


class _LockHeldError(LocalStoreError):
    """Raised when another start or stop does not end."""


@contextmanager
def _locked(path: Path, *, timeout_s: float = _LOCK_TIMEOUT_S) -> Generator[None, None, None]:
    """Hold a lock file alone.

    Raises:
        _LockHeldError: Another start or stop does not end.
    """
    import fcntl

    with path.open("ab") as file:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _LockHeldError(
                        "Another start of Hashdrop does not get on with the store on this computer.",
                        hint="End it and try again.",
                    ) from None
                time.sleep(0.05)
        yield


def _share(path: Path) -> IO[bytes]:
    """Hold a lock file together with others, until it is closed."""
    import fcntl

    file = path.open("ab")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _is_unused(path: Path) -> bool:
    import fcntl

    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
