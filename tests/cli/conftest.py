"""What the tests of the command line share."""

from __future__ import annotations

from functools import partial

import pytest

from support.programs import DATA
from support.programs import run_inside
from support.programs import run_program


@pytest.fixture
def aws_keys(s3_server, monkeypatch):
    """The test server's keys in the environment, as a person has them."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def place(s3_server, bucket, aws_keys):
    """Options that lead to a bucket of the test server."""
    return ("--bucket", bucket, "--prefix", "raw", "--endpoint-url", s3_server.endpoint_url)


@pytest.fixture(params=["inside", "program"])
def hashdrop(request, capfd, s3_server):
    """Runs the command line, both ways."""
    run = partial(run_inside, capfd) if request.param == "inside" else run_program
    return lambda *arguments, **more: run(*arguments, **more).checked(s3_server.secret_key)


@pytest.fixture
def inside(capfd, s3_server):
    """Runs the command line in this process."""
    return lambda *arguments: run_inside(capfd, *arguments).checked(s3_server.secret_key)


@pytest.fixture
def program(s3_server):
    """Runs the installed program."""
    return lambda *arguments, **more: run_program(*arguments, **more).checked(s3_server.secret_key)


@pytest.fixture
def stored(inside, place, tmp_path):
    """A stored file: its pointer, as `put --json` told it."""
    path = tmp_path / "scan 1.csv"
    path.write_bytes(DATA)
    return inside("put", path, "--json", "--tag", "run=7", *place).row


@pytest.fixture
def others(inside, place, tmp_path):
    """Two more."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "b.txt").write_bytes(b"b")
    (folder / "c.txt").write_bytes(b"cc")
    return inside("put", folder, "--json", *place).rows
