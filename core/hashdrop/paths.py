"""The only owner of folders: where settings and data of this person lie.

`HASHDROP_HOME` puts both below one folder (tests, portable installs); `--config` and `--data` win.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_APP = "hashdrop"


@dataclass(frozen=True, slots=True)
class Paths:
    """The two folders of one installation; nothing is created before `ensure`."""

    config: Path
    """Settings."""
    data: Path
    """The catalog and the embedded store."""

    @classmethod
    def of(cls, *, config: Path | None = None, data: Path | None = None) -> Paths:
        """Return the folders to use.

        Args:
            config: Folder of the settings, instead of the default.
            data: Folder of the data, instead of the default.
        """
        home = os.environ.get("HASHDROP_HOME")
        base = Path(home) if home else None
        return cls(
            config=config
            or (
                base / "config"
                if base
                else Path(platformdirs.user_config_dir(_APP, appauthor=False))
            ),
            data=data
            or (base / "data" if base else Path(platformdirs.user_data_dir(_APP, appauthor=False))),
        )

    @property
    def settings_file(self) -> Path:
        """The settings, TOML."""
        return self.config / "settings.toml"

    @property
    def catalog_file(self) -> Path:
        """The catalog of pointers, SQLite."""
        return self.data / "catalog.sqlite3"

    @property
    def history_file(self) -> Path:
        """What became of each drop, SQLite."""
        return self.data / "history.sqlite3"

    @property
    def local_store(self) -> Path:
        """The folder of the embedded store."""
        return self.data / "store"

    @property
    def kept_queue(self) -> Path:
        """There while the queue was left for the next start on purpose."""
        return self.data / "queue-kept"

    @property
    def pasted(self) -> Path:
        """What was pasted, as files, until it is stored."""
        return self.data / "pasted"

    @property
    def window_lock(self) -> Path:
        """Held by the one window of these folders."""
        return self.data / "window.lock"

    def ensure(self) -> None:
        """Create both folders, readable by this person only."""
        for folder in (self.config, self.data):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
