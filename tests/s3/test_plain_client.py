"""Who hooks into a client is asked: then no request goes past it by a connection of our own."""

from __future__ import annotations

import functools
import hashlib
from unittest.mock import Mock

import pytest
from botocore.client import BaseClient
from botocore.stub import Stubber

from hashdrop import S3Storage
from hashdrop import simple_s3_router
from hashdrop.s3.client import is_plain


@pytest.fixture
def client(s3_server):
    return s3_server.client()


def listen(request, **_):
    """A hook of somebody's own."""


def hooked(client, monkeypatch):
    client.meta.events.register("before-send.s3.PutObject", listen)


def hooked_by_a_partial(client, monkeypatch):
    client.meta.events.register_first("before-call.s3", functools.partial(listen, None))


def hooked_by_a_method(client, monkeypatch):
    class Tracer:
        def hear(self, **_):
            pass

    client.meta.events.register_last("after-call.*.*", Tracer().hear)


def stubbed(client, monkeypatch):
    Stubber(client).activate()


def replaced(client, monkeypatch):
    client.put_object = Mock()


def traced(client, monkeypatch):
    call = BaseClient._make_api_call

    @functools.wraps(call)
    def traced_call(self, *arguments):
        return call(self, *arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", traced_call)


def changed_inside(client, monkeypatch):
    monkeypatch.setattr(client.meta.events, "_emitter", None)


def test_a_new_client_is_plain(client):
    """Also when our own storage has prepared it."""
    assert is_plain(client)
    S3Storage(s3_client=client, s3_router=simple_s3_router("lab-data"))
    assert is_plain(client)


@pytest.mark.parametrize(
    "hook",
    [hooked, hooked_by_a_partial, hooked_by_a_method, stubbed, replaced, traced, changed_inside],
)
def test_a_hook_is_noticed(client, monkeypatch, hook):
    """However it was made."""
    hook(client, monkeypatch)
    assert not is_plain(client)


@pytest.mark.parametrize("is_hooked", [False, True])
async def test_a_hook_hears_every_request(s3_server, bucket, client, is_hooked):
    """And without one botocore does not send the hot ones."""
    heard = []
    watched = s3_server.client()
    if is_hooked:
        watched.meta.events.register("before-send.s3", lambda request, **_: heard.append(request))
    storage = S3Storage(s3_client=watched, s3_router=simple_s3_router(bucket))
    digest = {
        "content_encoding": None,
        "content_hash": hashlib.sha256(b"abc").hexdigest(),
        "content_hash_algorithm": "sha256",
        "content_size": 3,
        "content_type": "text/plain",
    }
    await storage.write_data(b"abc", digest, {})

    assert bool(storage.writer.requests.wire(bucket)) is not is_hooked
    assert bool(heard) is is_hooked
