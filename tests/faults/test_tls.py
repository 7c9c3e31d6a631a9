"""Over TLS, where nothing can be left to the system: the same faults, the same truths."""

from __future__ import annotations

import hashlib
import os
import subprocess

import anyio
import pytest

from hashdrop.errors import EndpointUnreachable
from hashdrop.transfers.events import Cancelled
from hashdrop.transfers.events import Failed
from hashdrop.transfers.events import Stored
from hashdrop.transfers.events import Waiting
from support.fault_proxy import FaultProxy
from support.fault_rig import LARGE
from support.fault_rig import MIB
from support.fault_rig import SMALL
from support.fault_rig import Rule
from support.fault_rig import open_rig

FAULTS = {
    "none": None,
    "reset-after-body": Rule.reset_before,
    "stall": Rule.stall,
    "cut": lambda operation: Rule.cut_body(operation, after=40_000),
    "slow": lambda operation: Rule.slow_body(operation, rate=400_000),
    "wrong-bytes": Rule.corrupt,
    "answer-lost": Rule.lose_answer,
}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate with its key, and the certificate alone."""
    folder = tmp_path_factory.mktemp("certificate")
    both, public = folder / "both.pem", folder / "public.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", both,
         "-out", public, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_text(both.read_text() + public.read_text())
    return both, public


@pytest.fixture
def proxy(s3_server, certificate):
    with FaultProxy.to(s3_server.endpoint_url, certificate=certificate[0]) as one:
        yield one


@pytest.fixture
async def rig(s3_server, bucket, proxy, tmp_path, certificate, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[1]))
    async with open_rig(s3_server, bucket, proxy, tmp_path / "run") as one:
        yield one


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("size", "single_pass", "operation"),
    [(SMALL, False, "PutObject"), (LARGE, False, "UploadPart"), (LARGE, True, "UploadPart")],
    ids=["small", "large", "single-pass"],
)
async def test_a_fault_of_one_body_is_got_over(rig, size, single_pass, operation, fault):
    """What is stored is right, and counted once."""
    rule = rig.proxy.add(FAULTS[fault](operation)) if FAULTS[fault] else None
    await rig.store(
        rig.file("a.bin", size), single_pass=single_pass, target=rig.target(read_timeout=1)
    )
    (event,) = rig.last().values()

    await rig.check()
    assert rule is None or rule.reached.is_set()
    assert isinstance(event, Stored)
    assert (event.sent_bytes, event.verified) == (size, True)


@pytest.mark.parametrize("checksums", [True, False])
async def test_other_bytes_in_the_file_are_never_stored_under_its_hash(rig, checksums):
    """Neither where the store looks at what it gets, nor where only we do."""
    path = rig.file("a.bin", LARGE)
    rule = rig.proxy.add(Rule.hold("CreateMultipartUpload"))
    rig.add(path, target=rig.target(checksums=checksums))
    await rig.reached(rule)
    stat = path.stat()
    with path.open("r+b") as file:
        file.seek(7 * MIB)
        file.write(b"others")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # so that only its bytes tell
    rule.release()
    with anyio.fail_after(60):
        await rig.engine.drained()
    (event,) = rig.last().values()

    await rig.check()
    assert isinstance(event, Stored)
    assert event.pointer.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_cancelled_while_a_part_waits(rig):
    """Its thread waits for the store on an encrypted connection: it ends at once all the same."""
    rule = rig.proxy.add(Rule.stall("UploadPart", nth=2, times=9))
    rig.add(rig.file("a.bin", LARGE), target=rig.target(read_timeout=30))
    await rig.reached(rule)
    rig.engine.cancel(rig.ids())
    with anyio.fail_after(10):
        await rig.engine.drained()
    (event,) = rig.last().values()

    await rig.check()
    assert isinstance(event, Cancelled)


async def test_a_certificate_that_is_not_trusted_is_told(s3_server, bucket, proxy, tmp_path):
    """In words, with what to do; nothing was sent."""
    async with open_rig(s3_server, bucket, proxy, tmp_path / "run") as rig:
        rig.add(rig.file("a.bin", SMALL), target=rig.target())
        event = await rig.until(Failed, Waiting)
        rig.engine.cancel(rig.ids())
        await rig.engine.drained()

    assert isinstance(event.error, EndpointUnreachable)
    assert "certificate" in event.error.sentence
    assert proxy.requests == []
