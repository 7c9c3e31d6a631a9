"""Our own proxy between client and server: it sees each request, and does to it what a network can do.

It speaks HTTP/1.1 on loopback, over TLS where it has a certificate, one thread a connection, and passes the Host header on unchanged, so
that signatures stay right.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from urllib.parse import parse_qs
from urllib.parse import urlsplit

_XML = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code} by the proxy</Message></Error>'


@dataclass
class Request:
    """A request that passed."""

    operation: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    """Empty if the proxy keeps none."""
    began: float
    ended: float = 0.0
    size: int = 0
    """Bytes of the body."""
    status: int = 0
    """What the server answered; 0 if it was not asked or has not answered."""


@dataclass
class Rule:
    """What to do with some requests of an operation."""

    operation: str
    """A regular expression."""
    fault: str
    nth: int = 1
    """From which one on."""
    times: int = 1
    code: str = ""
    status: int = 0
    amount: float = 0
    path: str = ""
    """A regular expression that the path has to hold; "" for every path."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of an answer."""
    seen: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when the rule was applied."""
    released: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def reset_before(cls, operation, **more):
        """The connection is reset and the server never hears of it."""
        return cls(operation, "reset", **more)

    @classmethod
    def reset_at_head(cls, operation, **more):
        """The connection is reset before a byte of the body was read."""
        return cls(operation, "reset-at-head", **more)

    @classmethod
    def cut_body(cls, operation, after, **more):
        """The connection is reset after some bytes of the request's body."""
        return cls(operation, "cut-body", amount=after, **more)

    @classmethod
    def slow_body(cls, operation, rate, **more):
        """The request's body is taken at some bytes a second."""
        return cls(operation, "slow-body", amount=rate, **more)

    @classmethod
    def stall(cls, operation, **more):
        """Nothing is read behind the head and nothing is answered, until `release`; then it is reset."""
        return cls(operation, "stall", **more)

    @classmethod
    def late_answer(cls, operation, status, code, **more):
        """The server does it, and an error of S3 comes instead of its answer."""
        return cls(operation, "late-answer", status=status, code=code, **more)

    @classmethod
    def lose_answer(cls, operation, **more):
        """The server does it, and its answer is lost."""
        return cls(operation, "lose-answer", **more)

    @classmethod
    def answer(cls, operation, status, code, **more):
        """An error of S3 instead of the server's answer; the server never hears of it."""
        return cls(operation, "answer", status=status, code=code, **more)

    @classmethod
    def pretend(cls, operation, body, **more):
        """The store says that it did it, and did not."""
        return cls(operation, "answer", status=200, code=body, **more)

    @classmethod
    def cut(cls, operation, after, **more):
        """The answer's body ends after some bytes."""
        return cls(operation, "cut", amount=after, **more)

    @classmethod
    def corrupt(cls, operation, **more):
        """One byte of the request's body is changed on its way."""
        return cls(operation, "corrupt", **more)

    @classmethod
    def hold(cls, operation, **more):
        """The request waits, read but not passed on, until `release`."""
        return cls(operation, "hold", **more)

    @classmethod
    def hold_answer(cls, operation, **more):
        """The server does it, and its answer waits until `release`."""
        return cls(operation, "hold-answer", **more)

    @classmethod
    def slow(cls, operation, rate, **more):
        """The answer's body comes at some bytes a second."""
        return cls(operation, "slow", amount=rate, **more)

    def release(self):
        """Let held requests go."""
        self.released.set()


def operation_of(method: str, path: str, query: dict, headers: dict) -> str:
    """Name the S3 operation of a request."""
    has_key = path.strip("/").count("/") >= 1
    copy = "x-amz-copy-source" in headers
    match method:
        case "GET" | "PUT" | "DELETE" if has_key and "tagging" in query:
            return f"{method.capitalize()}ObjectTagging"
        case "GET" if "versions" in query:
            return "ListObjectVersions"
        case "GET" if "list-type" in query:
            return "ListObjectsV2"
        case "PUT" if "partNumber" in query:
            return "UploadPartCopy" if copy else "UploadPart"
        case "PUT" if has_key:
            return "CopyObject" if copy else "PutObject"
        case "POST" if "uploads" in query:
            return "CreateMultipartUpload"
        case "POST" if "uploadId" in query:
            return "CompleteMultipartUpload"
        case "DELETE" if "uploadId" in query:
            return "AbortMultipartUpload"
        case "DELETE" if has_key:
            return "DeleteObject"
        case "GET" if "uploadId" in query:
            return "ListParts"
        case "GET" if "uploads" in query:
            return "ListMultipartUploads"
        case "GET" if has_key:
            return "GetObject"
        case "HEAD" if has_key:
            return "HeadObject"
    return f"{method} bucket"


class FaultProxy:
    """Use it as a context manager; `add` rules, look at `requests`."""

    def __init__(
        self, host: str, port: int, *, keeps_bodies: bool = True, certificate: Path | None = None
    ) -> None:
        self._upstream = (host, port)
        self._keeps_bodies = keeps_bodies
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        self._in_flight: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self._sockets: set[socket.socket] = set()
        self.received: dict[str, int] = {}
        """Operation -> bytes of bodies that came, also of those that did not come whole."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._port = self._server.getsockname()[1]
        self._tls = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self.endpoint_url = f"http{'s' if self._tls else ''}://127.0.0.1:{self._port}"
        self._closing = False

    @classmethod
    def to(cls, endpoint_url: str, **options) -> FaultProxy:
        """A proxy in front of a server."""
        parts = urlsplit(endpoint_url)
        return cls(parts.hostname or "", parts.port or 80, **options)

    def add(self, rule: Rule) -> Rule:
        """Apply a rule from now on; the first that fits a request is applied."""
        with self._lock:
            self._rules.append(rule)
        return rule

    def count(self, operation: str) -> int:
        """How many requests of an operation came."""
        return sum(request.operation == operation for request in self.requests)

    def clear(self) -> None:
        """Apply no rule any more, and let go what is held."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            rule.release()

    def go_down(self) -> None:
        """Be out of reach: connections are cut, new ones refused, until `come_up`."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # else `accept` goes on waiting
        self._server.close()
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def come_up(self) -> None:
        """Be in reach again, at the same address."""
        self._server = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self.clear()
        self.go_down()

    def _accept(self, server: socket.socket) -> None:
        while not self._closing:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self._sockets.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls is not None:
            plain = connection
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:  # the client does not trust it
                return
            finally:
                self._sockets.discard(plain)
            self._sockets.add(connection)
        reader = connection.makefile("rb")
        try:
            while self._one(connection, reader):
                pass
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            reader.close()
            connection.close()
            self._sockets.discard(connection)

    def _one(self, connection: socket.socket, reader) -> bool:
        line = reader.readline().decode("latin-1").split()
        if len(line) < 3:
            return False
        method, target = line[0], line[1]
        raw: list[tuple[str, str]] = []
        while (header := reader.readline().decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = header.partition(":")
            raw.append((name, value.strip()))
        headers = {name.lower(): value for name, value in raw}
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        operation = operation_of(method, parts.path, query, headers)
        if headers.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = Request(operation, method, parts.path, query, headers, b"", time.monotonic())
        with self._lock:
            self._in_flight[operation] = self._in_flight.get(operation, 0) + 1
            self.peak[operation] = max(self.peak.get(operation, 0), self._in_flight[operation])
        rule = self._rule_for(request)
        try:
            if rule and rule.fault == "reset-at-head":
                rule.reached.set()
                return _reset(connection, reader)
            if rule and rule.fault == "stall":
                rule.reached.set()
                rule.released.wait(30)
                return _reset(connection, reader)
            if rule and rule.fault == "slow-body":
                rule.reached.set()
            try:
                request.body = self._read_body(reader, operation, headers, rule)
            except _Cut:
                rule.reached.set()
                return _reset(connection, reader)
            body, request.size = request.body, len(request.body)
            if not self._keeps_bodies:
                request.body = b""
            with self._lock:
                self.requests.append(request)
            if rule and rule.fault != "hold-answer":
                rule.reached.set()
            return self._treat(connection, reader, request, body, target, raw, rule)
        finally:
            request.ended = time.monotonic()
            with self._lock:
                self._in_flight[operation] -= 1

    def _read_body(self, reader, operation: str, headers: dict, rule: Rule | None) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return _read_chunked(reader)
        body = bytearray()
        length = int(headers.get("content-length", 0))
        while len(body) < length:
            most = 256 * 1024
            if rule and rule.fault == "slow-body" and not rule.released.is_set():
                most = 16 * 1024
                rule.released.wait(most / rule.amount)
            if rule and rule.fault == "cut-body":
                most = min(most, int(rule.amount) - len(body))
                if most <= 0:
                    raise _Cut
            piece = reader.read1(min(most, length - len(body)))
            if not piece:
                raise ConnectionError("the client went away")
            body += piece
            with self._lock:
                self.received[operation] = self.received.get(operation, 0) + len(piece)
        return bytes(body)

    def _treat(self, connection, reader, request, body, target, raw, rule) -> bool:
        fault = rule.fault if rule else ""
        if fault == "reset":
            return _reset(connection, reader)
        if fault == "answer":
            return _answer(connection, request, rule)
        if fault == "hold":
            rule.released.wait(30)
            if self._closing:
                return False
        if fault == "corrupt" and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
        upstream = http.client.HTTPConnection(*self._upstream, timeout=60)
        try:
            upstream.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in raw:
                if name.lower() not in {
                    "expect",
                    "connection",
                    "transfer-encoding",
                    "content-length",
                }:
                    upstream.putheader(name, value)
            if body or request.method in {"PUT", "POST"}:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            request.status = answer.status
            if fault == "hold-answer":
                rule.reached.set()
                rule.released.wait(30)
            if fault == "lose-answer":
                answer.read()
                return _reset(connection, reader)
            if fault == "late-answer":
                answer.read()
                return _answer(connection, request, rule)
            return self._pass_on(connection, request, answer, rule)
        finally:
            upstream.close()

    def _pass_on(self, connection, request, answer, rule) -> bool:
        length = answer.getheader("Content-Length")
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [
            f"{name}: {value}"
            for name, value in answer.getheaders()
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}
        ]
        if request.method == "HEAD" or answer.status == 204:
            if length is not None:
                lines.append(f"Content-Length: {length}")
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            return True
        if length is None:
            body = answer.read()
            connection.sendall(
                ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode(
                    "latin-1"
                )
                + body
            )
            return True
        connection.sendall(
            ("\r\n".join([*lines, f"Content-Length: {length}"]) + "\r\n\r\n").encode("latin-1")
        )
        left = int(rule.amount) if rule and rule.fault == "cut" else None
        while chunk := answer.read(64 * 1024):
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            connection.sendall(chunk)
            if left == 0:
                return (
                    False  # closed, not reset: a reset takes back what the client had not read yet
                )
            if rule and rule.fault == "slow":
                time.sleep(len(chunk) / rule.amount)
        return True

    def _rule_for(self, request: Request) -> Rule | None:
        with self._lock:
            for rule in self._rules:
                if not re.fullmatch(rule.operation, request.operation):
                    continue
                if not re.search(rule.path, request.path):
                    continue
                rule.seen += 1
                if rule.nth <= rule.seen < rule.nth + rule.times:
                    return rule
        return None


class _Cut(Exception):
    """Enough of a body was read."""


def _answer(connection, request, rule) -> bool:
    body = (rule.code if rule.status == 200 else _XML.format(code=rule.code)).encode()
    head = f"HTTP/1.1 {rule.status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in rule.headers.items()) + "\r\n"
    connection.sendall(head.encode() + (b"" if request.method == "HEAD" else body))
    return True


def _read_chunked(reader) -> bytes:
    body = b""
    while size := int(reader.readline().split(b";")[0], 16):
        body += reader.read(size)
        reader.readline()
    while reader.readline().strip():
        pass
    return body


def _reset(connection: socket.socket, reader) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reader.close()  # it holds the socket open, and so holds back the reset
    connection.close()
    return False
