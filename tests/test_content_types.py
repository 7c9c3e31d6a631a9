"""The pinned table of content types."""

from __future__ import annotations

import mimetypes

import pytest

from hashdrop.content_types import content_type_of
from hashdrop.content_types import extension_of
from hashdrop.content_types import header_value


def test_extensions_are_those_of_python_where_python_has_the_type():
    """Keys equal labox's on a machine without MIME files."""
    own = mimetypes.MimeTypes(filenames=())
    ours = {kind: extension_of(kind) for kind in own.types_map_inv[1]}
    known = {kind: extension for kind, extension in ours.items() if extension}
    theirs = {kind: own.guess_extension(kind) for kind in known}

    assert theirs == known
    assert len(known) > 90


def test_the_machine_is_never_asked(monkeypatch):
    """A machine's MIME files do not change a key."""
    monkeypatch.setattr(mimetypes, "guess_extension", lambda *_: ".machine")
    mimetypes.add_type("text/csv", ".odd")

    assert extension_of("text/csv") == ".csv"


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("text/plain; charset=utf-8", ".txt"),
        ("TEXT/CSV", ".csv"),
        ("application/octet-stream", ".bin"),
        ("application/vnd.apache.parquet", ".parquet"),
        ("image/tiff", ".tiff"),
        ("x/unknown", ""),
        ("", ""),
    ],
)
def test_extension_of_a_content_type(content_type, extension):
    """Parameters and case do not matter; unknown types have none."""
    assert extension_of(content_type) == extension


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.CSV", "text/csv"),
        ("/x.y/notes.md", "text/markdown"),
        ("archive.tar.gz", "application/gzip"),
        ("no-extension", "application/octet-stream"),
        ("/x.csv/plain", "application/octet-stream"),
        (".bashrc", "application/octet-stream"),
        ("ends.", "application/octet-stream"),
        ("Ünïcödé.json", "application/json"),
    ],
)
def test_content_type_of_a_name(name, content_type):
    """Only what follows the last dot of the name counts."""
    assert content_type_of(name) == content_type


@pytest.mark.parametrize(
    ("content_type", "header"),
    [
        ("text/csv; charset=utf-8", "text/csv; charset=utf-8"),
        ("text/plain; name=é", "text/plain"),
        ("text/x\r\nX-Evil: 1", "application/octet-stream"),
        ("日本", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_header_holds_printable_ascii(content_type, header):
    """What it cannot hold is left out, never sent in another encoding."""
    assert header_value(content_type) == header
