"""A keyring for tests: a file that only tests know, so that a password is found if it lies anywhere else."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Named by `PYTHON_KEYRING_BACKEND`; its file by `TEST_KEYRING`."""

    priority = 1  # type: ignore[assignment]

    def _read(self):
        path = Path(os.environ["TEST_KEYRING"])
        return json.loads(path.read_text()) if path.exists() else {}

    def _write(self, kept):
        Path(os.environ["TEST_KEYRING"]).write_text(json.dumps(kept))

    def get_password(self, service, username):
        return self._read().get(f"{service}\n{username}")

    def set_password(self, service, username, password):
        self._write(self._read() | {f"{service}\n{username}": password})

    def delete_password(self, service, username):
        kept = self._read()
        if f"{service}\n{username}" not in kept:
            raise PasswordDeleteError
        del kept[f"{service}\n{username}"]
        self._write(kept)
