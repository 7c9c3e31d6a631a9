"""The forms in which a pointer is copied: what a notebook, a shell, a mail or another program takes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from hashdrop.pointer import StoredPointer

if TYPE_CHECKING:
    from hashdrop.connection import Connection


class Form(StrEnum):
    """A form of a pointer. A link that expires is none: it has to be signed."""

    KEY = "key"
    S3_URI = "s3"
    HTTPS = "https"
    """The plain URL; it opens only what is public."""
    JSON = "json"
    LABOX = "labox"
    """A Python snippet that reads with our `S3Storage`."""
    BOTO3 = "boto3"
    """A Python snippet that reads with boto3 alone."""
    AWS_CLI = "aws"
    """A line for the shell."""
    MARKDOWN = "markdown"
    """A link with the name as its text."""


WITH_ENDPOINT = frozenset({Form.HTTPS, Form.LABOX, Form.BOTO3, Form.AWS_CLI, Form.MARKDOWN})
"""The forms that say where the store is."""


def write_form(
    form: Form, named: Sequence[tuple[StoredPointer, str]], connection: Connection
) -> str:
    """Return pointers in a form; those of many are one text: lines, or one snippet for all.

    Args:
        form: The form.
        named: Pointers, each with its file name ("" for the last part of its key).
        connection: That reaches them; no secret of it is written.
    """
    match form:
        case Form.LABOX:
            return _labox(named, connection)
        case Form.BOTO3:
            return _boto3(named, connection)
        case _:
            return "\n".join(_line(form, one, name, connection) for one, name in named)


def https_url(pointer: StoredPointer, connection: Connection) -> str:
    """Return the plain URL of an object, unsigned."""
    return pointer.https_url(endpoint_url=connection.endpoint_url, region=connection.region)


def link_in_markdown(text: str, url: str) -> str:
    """Return a Markdown link; brackets in its text, and line ends, do not end it."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    for char in "\\[]`*_<>":
        plain = plain.replace(char, f"\\{char}")
    return f"[{plain}]({url.replace('(', '%28').replace(')', '%29')})"


def name_in(pointer: StoredPointer) -> str:
    """Return the last part of an object's key."""
    return pointer.key.rpartition("/")[2] or pointer.key


def _line(form: Form, pointer: StoredPointer, name: str, connection: Connection) -> str:
    match form:
        case Form.KEY:
            return pointer.key
        case Form.S3_URI:
            return pointer.uri
        case Form.HTTPS:
            return https_url(pointer, connection)
        case Form.JSON:
            return pointer.to_json()
        case Form.MARKDOWN:
            return link_in_markdown(name or name_in(pointer), https_url(pointer, connection))
        case _:
            return _aws(pointer, name, connection)


def _aws(pointer: StoredPointer, name: str, connection: Connection) -> str:
    target = (name or name_in(pointer)).replace("/", "_")
    words = ["aws", "s3", "cp", pointer.uri, f"./{target}" if target.startswith("-") else target]
    for option, value in (
        ("--endpoint-url", connection.endpoint_url),
        ("--region", connection.region),
        ("--profile", connection.profile),
    ):
        if value:
            words += [option, value]
    return shlex.join(words)


def _client(connection: Connection) -> str:
    session = (
        f"boto3.Session(profile_name={connection.profile!r})" if connection.profile else "boto3"
    )
    options = ['"s3"']
    if connection.endpoint_url:
        options.append(f"endpoint_url={json.dumps(connection.endpoint_url)}")
    if connection.region:
        options.append(f"region_name={json.dumps(connection.region)}")
    return f"{session}.client({', '.join(options)})"


def _places(named: Sequence[tuple[StoredPointer, str]]) -> str:
    if len(named) == 1:
        return f"pointer = {_place(named[0][0])}"
    lines = "\n".join(f"    {_place(pointer)}," for pointer, _ in named)
    return f"pointers = [\n{lines}\n]"


def _place(pointer: StoredPointer) -> str:
    bucket, key = (json.dumps(text, ensure_ascii=True) for text in (pointer.bucket, pointer.key))
    return f'{{"bucket": {bucket}, "key": {key}}}'


def _boto3(named: Sequence[tuple[StoredPointer, str]], connection: Connection) -> str:
    reading = 's3.get_object(Bucket={0}["bucket"], Key={0}["key"])["Body"].read()'
    head = f"import boto3\n\ns3 = {_client(connection)}\n{_places(named)}\n"
    if len(named) == 1:
        return f"{head}data = {reading.format('pointer')}\n"
    return f"{head}for pointer in pointers:\n    data = {reading.format('pointer')}\n"


def _labox(named: Sequence[tuple[StoredPointer, str]], connection: Connection) -> str:
    head = (
        "import asyncio\n\nimport boto3\nfrom hashdrop import S3Storage\n\n"
        f"storage = S3Storage(s3_client={_client(connection)}, s3_router=None)\n{_places(named)}\n"
    )
    if len(named) == 1:
        return f"{head}data = asyncio.run(storage.read_data(pointer))\n"
    return f"{head}for pointer in pointers:\n    data = asyncio.run(storage.read_data(pointer))\n"
