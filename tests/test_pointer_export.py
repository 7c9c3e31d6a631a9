"""Exported pointers as other programs read them: csv, json, and the real `sha256sum -c`."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
from dataclasses import replace

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from hashdrop.errors import UsageError
from hashdrop.pointer import StoredPointer
from hashdrop.pointer_export import ExportError
from hashdrop.pointer_export import ExportFormat
from hashdrop.pointer_export import NamedPointer
from hashdrop.pointer_export import export_pointers
from hashdrop.pointer_export import relative_path

NAMES = [
    "plain.txt",
    "run/scan 1.tiff",
    "run/back\\slash",
    "run/new\nline",
    "run/return\rhere",
    'run/quote", comma',
    "=1+1",
    " leading",
    "-dash",
    "ünï😀",
    os.fsdecode(b"run/not-\xff-unicode"),
]


def pointer(data: bytes) -> StoredPointer:
    found = hashlib.sha256(data).hexdigest()
    return StoredPointer("lab-data", f"raw/{found}.txt", found, len(data), "text/plain")


def made(folder, names) -> list[NamedPointer]:
    """Real files, and the pointers that they would have."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.fsencode(name))
    return [NamedPointer(name, pointer(os.fsencode(name))) for name in names]


def checked(folder, sums) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sha256sum", "--strict", "-c", str(sums)], cwd=folder, capture_output=True, check=False
    )


def test_sha256sum_checks_what_was_exported(tmp_path):
    """With whatever is in the names; and it notices a byte that changed."""
    files = made(tmp_path, NAMES)
    target = tmp_path / "sums.sha256"
    count = export_pointers(target, ExportFormat.SHA256SUM, files)
    fine = checked(tmp_path, target)
    (tmp_path / "run/back\\slash").write_bytes(b"another")
    changed = checked(tmp_path, target)

    assert count == len(NAMES)
    assert (fine.returncode, fine.stdout.count(b": OK\n")) == (0, len(NAMES)), fine.stderr
    assert (changed.returncode, changed.stdout.count(b"FAILED")) == (1, 1)


@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_the_list_is_the_one_that_sha256sum_writes(tmp_path, name):
    """Byte for byte."""
    if name in {".", ".."}:
        return
    folder = tmp_path / "files"
    folder.mkdir(exist_ok=True)
    if len(os.fsencode(name)) > 200:
        return
    files = made(folder, [name])
    own = subprocess.run(["sha256sum", "--", name], cwd=folder, capture_output=True, check=True)
    export_pointers(tmp_path / "sums", ExportFormat.SHA256SUM, files)

    assert own.stdout == (tmp_path / "sums").read_bytes()


def test_csv_is_read_back(tmp_path):
    """A row a file, under a header; names with quotes, commas and line ends are whole."""
    files = made(tmp_path, NAMES)
    export_pointers(tmp_path / "out.csv", ExportFormat.CSV, files)
    with (tmp_path / "out.csv").open(
        newline="", encoding="utf-8", errors="surrogateescape"
    ) as file:
        rows = list(csv.DictReader(file))

    assert [row["path"] for row in rows] == NAMES
    assert files[1].pointer.uri == rows[1]["uri"]
    assert (files[1].pointer.content_hash, "sha256", "15") == (
        rows[1]["content_hash"],
        rows[1]["content_hash_algorithm"],
        rows[1]["content_size"],
    )


def test_json_is_read_back(tmp_path):
    """A list of pointers with their paths, each on a line of its own."""
    files = made(tmp_path, NAMES)
    export_pointers(tmp_path / "out.json", ExportFormat.JSON, files)
    text = (tmp_path / "out.json").read_text(encoding="utf-8")
    rows = json.loads(text)

    assert [row["path"] for row in rows] == NAMES
    assert json.loads(files[0].pointer.to_json()) == {
        key: value for key, value in rows[0].items() if key != "path"
    }
    assert len(text.splitlines()) == len(NAMES) + 2


@pytest.mark.parametrize("form", list(ExportFormat))
def test_nothing_to_export_is_a_file_all_the_same(tmp_path, form):
    """One that its readers take."""
    assert export_pointers(tmp_path / "out", form, []) == 0
    if form is ExportFormat.JSON:
        assert json.loads((tmp_path / "out").read_text()) == []


@pytest.mark.parametrize("other", ["another hash", "one name twice"])
def test_what_sha256sum_could_not_check_is_refused_in_words(tmp_path, other):
    """Another algorithm, or one name for two contents: what was there before stays."""
    (tmp_path / "sums").write_text("before")
    files = made(tmp_path, ["a", "b"])
    if other == "another hash":
        files.append(NamedPointer("c", replace(pointer(b"c"), content_hash_algorithm="blake3")))
    else:
        files.append(NamedPointer("a", pointer(b"other")))
    with pytest.raises(UsageError) as refusal:
        export_pointers(tmp_path / "sums", ExportFormat.SHA256SUM, files)

    assert ("blake3" if other == "another hash" else "“a”") in refusal.value.sentence
    assert (tmp_path / "sums").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "sums"}


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """With the file and what to do."""
    with pytest.raises(ExportError) as refusal:
        export_pointers(tmp_path / "gone" / "out.csv", ExportFormat.CSV, [])

    assert "out.csv" in refusal.value.title
    assert refusal.value.hint


def test_a_path_is_the_folders_and_the_name():
    """As the drop had it."""
    assert (
        relative_path("run/sub", "a.txt"),
        relative_path("", "a.txt"),
    ) == ("run/sub/a.txt", "a.txt")


def test_a_long_name_in_another_script_is_written(tmp_path):
    """As long as the system allows: the draft beside it is no longer."""
    target = tmp_path / f"{'雪' * 80}.json"

    assert export_pointers(target, ExportFormat.JSON, []) == 0
    assert target.read_text() == "[]\n"
