"""A file is sent by the system itself where the store checks what it gets, and read where it does not."""

from __future__ import annotations

import os
import socket
import threading
import time
import zlib
from io import BytesIO

import pytest

from hashdrop.errors import SourceChanged
from hashdrop.s3 import parts
from hashdrop.s3.body import Body
from hashdrop.s3.body import Interrupted
from hashdrop.s3.body import Stop
from hashdrop.s3.parts import FileSource
from hashdrop.s3.wire import _Connection
from hashdrop.snapshot import FileSnapshot

SIZE = 3 * 1024 * 1024 + 17


@pytest.fixture
def pair():
    """A connection: ours with a timeout, the other end is read to its end by `received`."""
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    got = bytearray()

    def read():
        while piece := theirs.recv(65536):
            got.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()

    def received() -> bytes:
        ours.close()
        reader.join(20)
        return bytes(got)

    yield ours, received
    received()
    theirs.close()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def part_of(path, offset=1000, size=SIZE - 2000):
    """A slice of a file, as a part of it is."""
    crc = zlib.crc32(path.read_bytes()[offset : offset + size])
    return FileSource(path, FileSnapshot.of(path)), (offset, size, crc)


def sent(body, sock):
    """Send a body as the wire does; the bytes that were counted."""
    while body.send_to(sock, 300_000):
        pass


@pytest.mark.parametrize("is_checked", [True, False])
def test_every_byte_of_a_part_arrives_and_is_counted(path, pair, monkeypatch, is_checked):
    """By the system where the store checks, else through this process, which then checks itself."""
    source, part = part_of(path)
    sock, received = pair
    counted = []
    reads = []
    pread = os.pread
    monkeypatch.setattr(parts.os, "pread", lambda *a: reads.append(1) or pread(*a))
    with source.slice(*part) as file:
        body = Body(file, part[1], stop=Stop(), on_sent=counted.append, is_checked=is_checked)
        body.arm()
        sent(body, sock)
        at = body.tell()

    assert received() == path.read_bytes()[1000:-1000]
    assert (sum(counted), at) == (part[1], part[1])
    assert bool(reads) is not is_checked
    source.close()


def test_what_the_system_cannot_send_is_read(path, pair, monkeypatch):
    """Some file systems have no sendfile."""

    def refuse(*_):
        raise OSError(parts.errno.EINVAL, "no")

    source, part = part_of(path)
    sock, received = pair
    monkeypatch.setattr(parts.os, "sendfile", refuse)
    with source.slice(*part) as file:
        body = Body(file, part[1], stop=Stop(), is_checked=True)
        body.arm()
        sent(body, sock)

    assert received() == path.read_bytes()[1000:-1000]
    source.close()


def test_a_file_that_became_shorter_is_told(path, pair):
    """Its end comes before that of the part."""
    source, part = part_of(path)
    sock, _ = pair
    with source.slice(*part) as file:
        os.truncate(path, SIZE // 2)
        body = Body(file, part[1], stop=Stop(), is_checked=True)
        body.arm()
        with pytest.raises(SourceChanged):
            sent(body, sock)
    source.close()


def test_a_part_with_other_bytes_is_found_when_it_is_asked_for(path):
    """What a store refused is looked at: other bytes, or only the network's fault."""
    source, part = part_of(path)
    source.check_part(*part)
    with path.open("r+b") as file:
        file.seek(SIZE // 2)
        file.write(b"others")
    with pytest.raises(SourceChanged):
        source.check_part(*part)
    source.close()


def test_a_stopped_transfer_sends_nothing_more(path, pair):
    """Also where the system sends."""
    source, part = part_of(path)
    sock, received = pair
    stop = Stop()
    with source.slice(*part) as file:
        body = Body(file, part[1], stop=stop, is_checked=True)
        body.arm()
        assert body.send_to(sock, 1000)
        stop.set()
        with pytest.raises(Interrupted):
            body.send_to(sock, 1000)

    assert received() == path.read_bytes()[1000:2000]
    source.close()


@pytest.fixture
def slow_pair():
    """A connection over TCP whose other end reads slowly, and answers when it has read all."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
    ours = socket.create_connection(listening.getsockname())
    theirs, _ = listening.accept()
    got = bytearray()

    def read():
        while len(got) < SIZE and (piece := theirs.recv(64 * 1024)):
            got.extend(piece)
            time.sleep(0.03)
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    reader = threading.Thread(target=read)
    reader.start()
    yield ours, got
    ours.close()
    reader.join(20)
    theirs.close()
    listening.close()


@pytest.mark.parametrize("taken_at_once", [64 * 1024, 2 * SIZE])
def test_a_slow_network_is_no_silent_store(slow_pair, taken_at_once):
    """A timeout is for an end that does nothing, be the bytes in our hands or in the system's."""
    sock, got = slow_pair
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, taken_at_once)
    sock.settimeout(0.4)
    data = os.urandom(SIZE)
    body = Body(BytesIO(data), SIZE, stop=Stop())
    connection = _Connection(sock)
    while body.send_to(sock, 2 * 1024 * 1024):
        pass
    connection.await_answer()
    status, *_ = connection.answer("PUT")
    connection.close()

    assert (status, bytes(got)) == (200, data)


def test_a_silent_store_is_told(slow_pair):
    """Nothing is on its way, and nothing comes."""
    sock, _ = slow_pair
    sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        _Connection(sock).await_answer()
