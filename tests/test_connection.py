"""Connections are checked field by field, in words."""

from __future__ import annotations

import pytest

from hashdrop.connection import Choice
from hashdrop.connection import Connection
from hashdrop.connection import connection_faults
from hashdrop.connection import validate_connection
from hashdrop.errors import SettingsError


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("bucket", "", "Enter the name"),
        ("bucket", "ab", "3 to 63"),
        ("bucket", "Lab-Data", "capital"),
        ("bucket", "lab_data", "only lower-case"),
        ("bucket", "192.168.0.1", "only lower-case"),
        ("prefix", "a//b", "no empty part"),
        ("prefix", "../x", "no empty part"),
        ("prefix", "a\nb", "control"),
        ("prefix", "p" * 1000, "at most"),
        ("endpoint_url", "minio.local:9000", "begins with"),
        ("endpoint_url", "https://key:secret@host", "do not belong"),
        ("endpoint_url", "https://host:port", "web address"),
        ("region", "eu central", "no space"),
    ],
)
def test_a_wrong_field_is_named_and_explained(field, value, says):
    """The fault stands under its field and is a sentence."""
    faults = connection_faults(**({"name": "x", "bucket": "lab-data"} | {field: value}))

    assert list(faults) == [field]
    assert says in faults[field]


def test_values_are_tidied():
    """Slashes, blanks and empty texts of a form become what is meant."""
    connection = validate_connection(
        name="x",
        bucket="lab-data",
        prefix="/raw/2026/",
        endpoint_url=" https://s3.x/ ",
        region="",
        profile=" ",
    )

    assert connection.prefix == "raw/2026"
    assert connection.endpoint_url == "https://s3.x"
    assert (connection.region, connection.profile) == (None, None)
    assert connection.destination == "s3://lab-data/raw/2026/"


def test_checksums_are_sent_to_aws_and_left_out_elsewhere():
    """A custom endpoint wants when_required unless the person says otherwise."""
    aws = Connection(name="a", bucket="lab-data")
    other = Connection(name="b", bucket="lab-data", endpoint_url="https://s3.example")

    assert aws.sends_checksums
    assert not other.sends_checksums
    assert other.model_copy(update={"checksum_mode": "when_supported"}).sends_checksums


def test_a_choice_changes_the_base_for_one_run():
    """Options without a bucket change the saved connection; wrong ones are refused."""
    base = Connection(name="a", bucket="lab-data", prefix="raw")

    assert Choice().applied(base) == base
    assert Choice(changes={"prefix": "x"}).applied(base).destination == "s3://lab-data/x/"
    with pytest.raises(SettingsError, match="prefix"):
        Choice(changes={"prefix": "a//b"}).applied(base)
