"""`hashdrop put` as a process of its own, as scripts run it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from anyio.to_thread import run_sync

from hashdrop.connection import ChecksumMode
from hashdrop.connection import Connection
from hashdrop.settings import Settings
from hashdrop.settings import save_settings
from support.fault_rig import MIB
from support.fault_rig import check_objects
from support.fault_rig import objects_of
from support.fault_rig import open_uploads

_MODES = {
    True: ChecksumMode.WHEN_SUPPORTED,
    False: ChecksumMode.WHEN_REQUIRED,
    None: ChecksumMode.AUTOMATIC,
}


class Put:
    """A running `hashdrop put`.

    Args:
        server: The store.
        bucket: Its bucket.
        data: Folder of the catalog and the journal.
        paths: What is stored.
        endpoint_url: Instead of the server's own.
        checksums: Whether S3's own checksums are used; `None` for trying the store.
        options: More of the command line.
        patch: Python that is run before the program: sizes that a test cannot have.
    """

    _all: ClassVar[list[Put]] = []

    def __init__(
        self, server, bucket, data, *paths, endpoint_url=None, checksums=True, options=(), patch=""
    ):
        home = Path(data).parent / "home"
        connection = Connection(
            name="test",
            bucket=bucket,
            prefix="p",
            endpoint_url=endpoint_url or server.endpoint_url,
            part_size=5 * MIB,
            max_writers=4,
            checksum_mode=_MODES[checksums],
        )
        home.mkdir(exist_ok=True)
        save_settings(home / "settings.toml", Settings((connection,), "test"))
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "HASHDROP_"))
        }
        program = [str(Path(sys.executable).with_name("hashdrop"))]
        if patch:
            ran = f"{patch}; import sys; from hashdrop.cli.main import program; sys.exit(program())"
            program = [sys.executable, "-c", ran]
        self._process = subprocess.Popen(
            [
                *program, "put", "--json", "--connection", "test", "--config", str(home),
                "--data", str(data),
                *options, "--", *map(str, paths),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment | server.environment | {
                "HASHDROP_HOME": str(home),
                "AWS_CONFIG_FILE": str(home / "none"),
                "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )  # fmt: skip
        self.rows = []
        self.errors = ""
        self._all.append(self)

    @classmethod
    def end_all(cls):
        """End what a failed test has left running."""
        while cls._all:
            process = cls._all.pop()._process
            process.kill()
            if not process.stdout.closed:
                process.communicate()

    @property
    def is_running(self):
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self):
        """As `kill -9`."""
        self._process.kill()

    def interrupt(self):
        """As Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def ended(self, timeout=60):
        """Wait for its end and return its exit code; what it said is in `rows` and `errors`."""
        out, errors = await run_sync(lambda: self._process.communicate(timeout=timeout))
        self.errors = errors.decode()
        for line in out.decode().splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # cut by the kill
                self.rows.append(json.loads(line))
        return self._process.returncode


def catalog_rows(data):
    """Key, hash and size of every content in the catalog of a data folder."""
    file = Path(data) / "catalog.sqlite3"
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(file)) as database:
        try:
            rows = database.execute(
                "SELECT storage_config, content_hash, content_size FROM labox_contents"
            ).fetchall()
        except sqlite3.OperationalError:  # killed before it was made
            return []
    return [(json.loads(config)["key"], found, size) for config, found, size in rows]


def journal_rows(data):
    """Key, upload id and owner of every upload in the journal of a data folder."""
    file = Path(data) / "catalog.sqlite3"
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(file)) as database:
        try:
            return database.execute(
                "SELECT object_key, upload_id, owner FROM hashdrop_uploads"
            ).fetchall()
        except sqlite3.OperationalError:
            return []


def temporary_rows(data):
    """Key and owner of every temporary object in the journal of a data folder."""
    file = Path(data) / "catalog.sqlite3"
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT object_key, owner FROM hashdrop_temporaries").fetchall()


def check_folder(server, bucket, data, *, nothing_left):
    """What must be true of a bucket and a data folder whose programs have ended, however."""
    check_objects(server, bucket)
    objects = objects_of(server, bucket)
    for key, content_hash, size in catalog_rows(data):
        assert objects.get(key) == size
        assert content_hash in key
    rows = journal_rows(data)
    known = {(key, upload_id) for key, upload_id, _ in rows}
    intended = {key for key, upload_id, _ in rows if upload_id.startswith("intent-")}
    uploads = open_uploads(server, bucket)

    assert [one for one in uploads if one not in known and one[0] not in intended] == []
    if nothing_left:
        assert uploads == []
        assert rows == []
