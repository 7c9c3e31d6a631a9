"""From dropped paths to files."""

from __future__ import annotations

import os
import socket

from hashdrop.errors import SourceMissing
from hashdrop.errors import SourceNotAFile
from hashdrop.transfers.sources import FoundFile
from hashdrop.transfers.sources import find_files


def split(paths):
    found = list(find_files(paths))
    files = [
        (item.folder, item.path.name, item.size) for item in found if isinstance(item, FoundFile)
    ]
    return files, [item for item in found if not isinstance(item, FoundFile)]


def test_folders_are_walked_in_order_with_their_names(tmp_path):
    """Each file knows its folder below what was dropped."""
    run = tmp_path / "run"
    (run / "b" / "c").mkdir(parents=True)
    (run / "z.txt").write_text("zz")
    (run / "b" / "y.txt").write_text("y")
    (run / "b" / "c" / "ünï.txt").write_text("")
    single = tmp_path / "single.csv"
    single.write_text("1")
    files, faults = split([run, single])

    assert files == [
        ("run", "z.txt", 2),
        ("run/b", "y.txt", 1),
        ("run/b/c", "ünï.txt", 0),
        ("", "single.csv", 1),
    ]
    assert faults == []


def test_what_is_no_file_is_told_and_stops_nothing(tmp_path):
    """Links, pipes, sockets and missing paths."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "a.txt").write_text("a")
    os.mkfifo(run / "pipe")
    (run / "link").symlink_to(run / "a.txt")
    (run / "loop").symlink_to(run)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(run / "socket"))
        files, faults = split([run, tmp_path / "gone", run / "pipe"])

    assert files == [("run", "a.txt", 1)]
    assert [type(fault) for fault in faults] == [
        SourceNotAFile, SourceNotAFile, SourceNotAFile, SourceNotAFile, SourceMissing, SourceNotAFile,
    ]  # fmt: skip
    assert "a pipe" in faults[-1].sentence


def test_a_link_that_was_dropped_itself_is_followed(tmp_path):
    """The person meant the file behind it."""
    (tmp_path / "file.txt").write_text("abc")
    (tmp_path / "link.txt").symlink_to(tmp_path / "file.txt")
    files, faults = split([tmp_path / "link.txt"])

    assert files == [("", "link.txt", 3)]
    assert faults == []


def test_very_deep_folders_are_walked(tmp_path):
    """Deeper than Python recurses."""
    deep = tmp_path / "top"
    folder = deep
    for _ in range(300):
        folder = folder / "d"
    os.makedirs(folder)
    (folder / "x").write_text("x")
    files, faults = split([deep])

    assert len(files) == 1
    assert files[0][0].count("/") == 300
    assert faults == []
