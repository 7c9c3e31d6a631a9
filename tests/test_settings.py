"""The settings file."""

from __future__ import annotations

import stat

import pytest

from hashdrop.connection import Connection
from hashdrop.errors import SettingsError
from hashdrop.settings import Settings
from hashdrop.settings import load_settings
from hashdrop.settings import save_settings

LAB = Connection(name="lab", bucket="lab-data", prefix="raw", region="eu-central-1")


def test_settings_come_back_as_they_were_saved(tmp_path):
    """And the file is the person's own."""
    path = tmp_path / "config" / "settings.toml"
    settings = Settings().saved(LAB)
    save_settings(path, settings)

    assert load_settings(path) == settings
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe",
        b"current = ",
        b"connections = 3",
        b"[[connections]]\nname = 'x'\nbucket = 'A'",
        b"version = 99",
    ],
)
def test_a_damaged_file_is_kept_aside_and_said(tmp_path, damage):
    """Never overwritten in silence."""
    path = tmp_path / "settings.toml"
    path.write_bytes(damage)
    settings = load_settings(path)
    kept = list(tmp_path.glob("settings.toml.damaged-*"))

    assert settings.connections == ()
    assert len(kept) == 1
    assert kept[0].read_bytes() == damage
    assert kept[0].name in settings.notice


def test_unknown_keys_are_kept(tmp_path):
    """A newer program's settings survive an older one."""
    path = tmp_path / "settings.toml"
    path.write_text('version = 1\nfuture = "x"\n')
    save_settings(path, load_settings(path).saved(LAB))

    assert 'future = "x"' in path.read_text()


def test_two_connections_cannot_have_one_name():
    """Editing keeps the place; a second one of the same name is refused."""
    settings = Settings().saved(LAB)
    edited = settings.saved(LAB.model_copy(update={"prefix": "new"}), replaces="lab")

    assert [one.prefix for one in edited.connections] == ["new"]
    with pytest.raises(SettingsError, match="already"):
        settings.saved(LAB)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    """Not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be saved"):
        save_settings(tmp_path / "file" / "settings.toml", Settings())


@pytest.mark.parametrize(
    "window",
    ['[window]\nlimit_bytes_per_s = "fast"\nwatched_folder = "/in"\n', "window = 7\n"],
    ids=["value", "table"],
)
def test_a_wish_that_cannot_be_used_costs_no_connection(tmp_path, window):
    """The rest is used; the file is kept, and what was wrong is said."""
    path = tmp_path / "settings.toml"
    save_settings(path, Settings((Connection(name="lab", bucket="lab-data"),), "lab"))
    text = path.read_text()
    wrong = window + text if window.startswith("window") else text + window
    path.write_text(wrong)
    settings = load_settings(path)

    assert settings.current == "lab"
    assert settings.preferences.limit_bytes_per_s is None
    assert settings.preferences.watched_folder == ("/in" if "[window]" in window else "")
    (kept,) = tmp_path.glob("settings.toml.damaged-*")
    assert kept.read_text() == wrong
    assert kept.name in settings.notice
    assert ("limit_bytes_per_s" if "[window]" in window else "window") in settings.notice
