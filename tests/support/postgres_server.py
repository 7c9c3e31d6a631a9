"""A real PostgreSQL server for tests: in a folder of its own, on a free port of loopback."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_S = 60.0
_NOBODY = 65_534


@dataclass(frozen=True)
class PostgresServer:
    """Where the server answers, and its passwords."""

    port: int
    password: str = field(repr=False)
    guest_password: str = field(repr=False)

    async def new_database(self, *, trigrams: bool = True) -> str:
        """The URL of an empty database; without `trigrams` for a role that may add no extension."""
        name = f"test_{secrets.token_hex(6)}"
        admin = await asyncpg.connect(self._address("postgres"))
        try:
            await admin.execute(f"CREATE DATABASE {name}")
        finally:
            await admin.close()
        if trigrams:
            return self.url(name)
        owner = await asyncpg.connect(self._address(name))
        try:
            await owner.execute(f"REVOKE CREATE ON DATABASE {name} FROM PUBLIC, guest")
            await owner.execute("GRANT CREATE ON SCHEMA public TO guest")
        finally:
            await owner.close()
        return f"postgresql+asyncpg://guest:{self.guest_password}@127.0.0.1:{self.port}/{name}"

    async def query(self, url: str, sql: str) -> list[Any]:
        """Rows of a question that a database administrator asks."""
        admin = await asyncpg.connect(self._address(url.rpartition("/")[2]))
        try:
            return await admin.fetch(sql)
        finally:
            await admin.close()

    def url(self, database: str) -> str:
        """For SQLAlchemy."""
        return f"postgresql+asyncpg://admin:{self.password}@127.0.0.1:{self.port}/{database}"

    def _address(self, database: str) -> str:
        return f"postgresql://admin:{self.password}@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def run_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Start a server; it ends with the context.

    Args:
        durable: Whether it waits for the disk, as a server does that is not only for tests.
    """
    binaries = _binaries()
    # As root PostgreSQL refuses to run, and another user cannot enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="hashdrop-postgres-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
        as_user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    server = PostgresServer(_free_port(), secrets.token_urlsafe(16), secrets.token_urlsafe(16))
    password_file = folder / "password"
    password_file.write_text(server.password)
    password_file.chmod(0o644)  # below a folder that is 0700
    data = folder / "data"
    process = None
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "admin", "--pwfile", password_file, "-N",
             "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C.UTF-8"],
            check=True, capture_output=True, cwd=folder, **as_user,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-p", str(server.port), "-k", folder,
                 "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200",
                 *(() if durable else ("-c", "fsync=off", "-c", "synchronous_commit=off"))],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, **as_user,
            )  # fmt: skip
        _wait(server.port, process, folder / "log")
        environment = {**os.environ, "PGPASSWORD": server.password}
        subprocess.run(
            [binaries / "psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", "admin", "-d", "postgres",
             "-q", "-c", f"CREATE ROLE guest LOGIN PASSWORD '{server.guest_password}'"],
            check=True, capture_output=True, env=environment,
        )  # fmt: skip
        yield server
    finally:
        if process is not None:
            process.send_signal(2)  # ends the sessions and then itself
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        raise RuntimeError(
            "PostgreSQL is missing; resources/packaging/qt-libraries.sh --for-tests installs it."
        )
    return Path(on_path).resolve().parent


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            if b"ready to accept connections" in log.read_bytes():
                return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
