"""The forms of a pointer do what they say: snippets run, and the shell takes its line."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from hashdrop.connection import Connection
from hashdrop.forms import Form
from hashdrop.forms import write_form
from hashdrop.pointer import StoredPointer

DATA = [b"first", b"second"]


@pytest.fixture
def stored(s3_server, bucket):
    """Two objects, one of them with a key that has to be quoted everywhere."""
    keys = ["raw/a \"quoted\" 'key' (1)%20ü.txt", "raw/b.txt"]
    for key, data in zip(keys, DATA, strict=True):
        s3_server.plain.put_object(Bucket=bucket, Key=key, Body=data)
    return [StoredPointer(bucket, key, "00" * 32, 5, "text/plain") for key in keys]


@pytest.fixture
def connection(s3_server, bucket):
    return Connection(
        name="lab", bucket=bucket, endpoint_url=s3_server.endpoint_url, region=s3_server.region
    )


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("form", [Form.BOTO3, Form.LABOX])
def test_a_snippet_runs(s3_server, stored, connection, form, count):
    """As it was pasted, with the person's own credentials; it holds none."""
    snippet = write_form(form, [(one, "") for one in stored[:count]], connection)
    ran = subprocess.run(
        [sys.executable, "-c", f"{snippet}print(data)"],
        env={**os.environ, **s3_server.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == repr(DATA[count - 1])
    assert s3_server.access_key not in snippet


def test_a_line_for_the_shell(stored, connection):
    """Its words are those that aws is to get; a name cannot become an option."""
    (line,) = write_form(Form.AWS_CLI, [(stored[0], "-x y/z")], connection).splitlines()

    assert shlex.split(line) == [
        "aws", "s3", "cp", stored[0].uri, "./-x y_z",
        "--endpoint-url", connection.endpoint_url, "--region", connection.region,
    ]  # fmt: skip


def test_many_are_lines(stored, connection):
    both = [(one, "") for one in stored]

    assert write_form(Form.KEY, both, connection).splitlines() == [one.key for one in stored]
    assert write_form(Form.S3_URI, both, connection).splitlines() == [one.uri for one in stored]
    assert [
        json.loads(line)["key"] for line in write_form(Form.JSON, both, connection).splitlines()
    ] == [one.key for one in stored]


def test_markdown(stored, connection):
    """The name is its text; the address does not end early."""
    link = write_form(Form.MARKDOWN, [(stored[0], "scan [1].txt")], connection)

    assert link.startswith("[scan \\[1\\].txt](http://127.0.0.1:")
    assert link.count("(") == link.count(")") == 1
