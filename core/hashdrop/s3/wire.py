"""The hot path to S3: HEAD, PUT and part requests over sockets of our own, signed here.

botocore takes 0.3 to 0.6 ms of the interpreter for each request; a drop of thousands of files is bound
by that. Here a request takes a tenth. Only what a plain bucket needs is done here: SigV4, HTTP/1.1, no
proxy. Whatever is beyond it (a proxy, a bucket elsewhere, S3 Express, another signature) is botocore's:
`Wire.of` says `None`, or a request raises `WireUnfit`.

Errors are botocore's own, so that `faults.translate` tells them as it tells botocore's.

Signature: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import socket
import ssl
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import quote
from urllib.parse import urlsplit
from urllib.request import getproxies
from urllib.request import proxy_bypass
from xml.sax.saxutils import unescape

from botocore import exceptions as boto

from hashdrop.s3.sockets import is_readable
from hashdrop.s3.sockets import on_its_way
from hashdrop.turns import TURNS

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from hashdrop.s3.body import Body
    from hashdrop.s3.body import Stop

UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_ONE_SEND = 64 * 1024
"""Bodies up to this many bytes go out together with their head."""
_PIECE = 256 * 1024
_LARGEST_PIECE = 2 * 1024 * 1024
_QUICK_S = 0.02
_SLOW_S = 0.1
"""What a piece takes where the network is faster than the processors, and where it is slow."""
_PROCESSORS = threading.Semaphore(max(2, os.cpu_count() or 1))
_MAX_HEAD = 256 * 1024
_SUCCESS = range(200, 300)
_ELSEWHERE = frozenset({"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed"})


class WireUnfit(Exception):  # not a fault: the way to botocore
    """Raised when a request is one for botocore after all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store answered, with a status of 2xx."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class _Connection:
    """One socket, and what was read from it but not used."""

    __slots__ = ("_file", "fresh", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fresh = True
        self._file = sock.makefile("rb", buffering=16 * 1024)

    def is_stale(self) -> bool:
        """Whether the other end closed it, or said something that nobody asked for."""
        return is_readable(self.sock, 0)

    def await_answer(self) -> None:
        """Wait until an answer begins to come; as long as the request is still on its way, too.

        Raises:
            TimeoutError: None does.
        """
        left = on_its_way(self.sock)
        while not is_readable(self.sock, self.sock.gettimeout()):
            # The system takes megabytes at once, which a slow network needs minutes for.
            before, left = left, on_its_way(self.sock)
            if left >= before:
                raise TimeoutError("no answer came in time")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.sock.close()

    def answer(self, method: str) -> tuple[int, dict[str, str], bytes, bool]:
        """Read an answer: status, headers, body, and whether the connection can be used again."""
        while True:
            line = self._file.readline(_MAX_HEAD)
            if not line:
                raise ConnectionResetError("no answer came")
            parts = line.split(b" ", 2)
            if len(parts) < 2 or not parts[0].startswith(b"HTTP/1."):
                raise ConnectionAbortedError("what came is no HTTP answer")
            status = int(parts[1])
            headers: dict[str, str] = {}
            while (line := self._file.readline(_MAX_HEAD)) not in {b"\r\n", b"\n"}:
                if not line.endswith(b"\n"):
                    raise ConnectionResetError("the answer was cut")
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if status >= 200:
                break
        keep = parts[0] == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
        if method == "HEAD" or status in {204, 304}:
            return status, headers, b"", keep
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, headers, self._chunked(), keep
        if "content-length" in headers:
            return status, headers, self._exactly(int(headers["content-length"])), keep
        return status, headers, self._file.read(), False

    def _chunked(self) -> bytes:
        pieces: list[bytes] = []
        while size := int(self._file.readline(_MAX_HEAD).split(b";")[0] or b"0", 16):
            pieces.append(self._exactly(size))
            self._file.readline(_MAX_HEAD)
        while self._file.readline(_MAX_HEAD) not in {b"\r\n", b"\n", b""}:
            pass  # trailers
        return b"".join(pieces)

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size) if size else b""
        if len(data) < size:
            raise ConnectionResetError("the answer was cut")
        return data


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a bucket is reached."""

    scheme: str
    host: str
    port: int
    authority: str
    """As the Host header has it."""
    base: str
    """Path before the key, ending in "/"."""


class Wire:
    """Requests to the objects of one bucket; used by many threads at once. Made by `Wire.of`."""

    def __init__(
        self, client: S3Client, place: _Place, *, region: str, context: ssl.SSLContext | None
    ) -> None:
        inner: Any = client
        config: Any = client.meta.config
        self._credentials: Any = inner._request_signer._credentials  # noqa: SLF001
        self._place = place
        self._region = region
        self._context = context
        self._connect_timeout_s = float(config.connect_timeout or 10)
        self._read_timeout_s = float(config.read_timeout or 60)
        self._keepalive = bool(config.tcp_keepalive)
        self._most = int(config.max_pool_connections)
        self._agent = " ".join(str(config.user_agent_extra or "hashdrop").split())
        self._idle: deque[_Connection] = deque()
        weakref.finalize(self, _close_all, self._idle)
        self._key: tuple[tuple[str, str, str], bytes] | None = None

    @classmethod
    def of(cls, client: S3Client, bucket: str) -> Wire | None:  # noqa: PLR0911  # one "no" after the other
        """Return the wire to a bucket, `None` where botocore must do it.

        botocore is asked where the bucket is (by signing a link, which sends nothing), so that endpoint
        rules, path or virtual-host style, and region are its own. Blocking: credentials may be fetched.

        Args:
            client: A boto3 client.
            bucket: The bucket.
        """
        inner: Any = client
        if bucket.endswith("--x-s3") or ":" in bucket:
            return None  # S3 Express has sessions; access points have ARNs
        if getattr(inner._request_signer, "_credentials", None) is None:  # noqa: SLF001
            return None
        try:
            url = client.generate_presigned_url("head_object", {"Bucket": bucket, "Key": "k"})
        except (boto.BotoCoreError, ValueError):
            return None  # botocore says the same when it is asked to do it
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        region = str(client.meta.region_name or "")
        scope = query.get("X-Amz-Credential", [""])[0].split("/")
        if query.get("X-Amz-Algorithm", ["AWS4-HMAC-SHA256"])[0] != "AWS4-HMAC-SHA256":
            return None
        if len(scope) >= 4:
            if scope[-2] != "s3":
                return None
            region = scope[-3]
        host = parts.hostname or ""
        if not host or not region or region == "aws-global" or not parts.path.endswith("/k"):
            return None
        if client.meta.config.proxies or _has_proxy(parts.scheme, host):  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            return None
        context = None
        if parts.scheme == "https":
            context = _tls_context(inner._endpoint.http_session._verify)  # noqa: SLF001
        port = parts.port or (443 if parts.scheme == "https" else 80)
        standard = parts.port is None or (parts.scheme, port) in {("https", 443), ("http", 80)}
        bare = f"[{host}]" if ":" in host else host
        place = _Place(
            scheme=parts.scheme,
            host=host,
            port=port,
            authority=bare if standard else f"{bare}:{port}",
            base=parts.path[:-1],
        )
        return cls(client, place, region=region, context=context)

    def request(  # noqa: C901  # the cases of one exchange
        self,
        operation: str,
        method: str,
        key: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        payload_hash: str = EMPTY_SHA256,
        stop: Stop | None = None,
    ) -> Answer:
        """Send a request and return its answer; blocking, for a worker thread.

        Args:
            operation: S3's name of it, for errors.
            method: Of HTTP.
            key: Of the object.
            query: Canonical query, sorted and encoded already.
            headers: To send and sign; names in lower case.
            body: What is sent; sought to its start first.
            payload_hash: SHA-256 of the body in hex, or `UNSIGNED`.
            stop: Ends it, also while it waits for the store.

        Raises:
            ClientError: The store answered with an error.
            BotoCoreError: The store could not be reached, or did not answer.
            WireUnfit: botocore has to do it.
        """
        if stop is not None:
            stop.check()
        path = self._place.base + quote(key, safe="/~")
        while True:
            connection = self._take()
            reused = not connection.fresh
            unhook = stop.attach(connection.sock) if stop is not None else None
            try:
                head = self._head(method, path, query, headers or {}, body, payload_hash)
                status, fields, content, keep = self._exchange(connection, method, head, body)
            except OSError as error:
                connection.close()
                if stop is not None:
                    stop.check()
                # A connection that was kept may have been closed meanwhile: that says nothing of the store.
                if reused and not isinstance(error, TimeoutError):
                    if body is not None:
                        body.retract()
                    continue
                raise self._as_botocore(error) from error
            except BaseException:
                connection.close()
                raise
            finally:
                if unhook is not None:
                    unhook()
            connection.fresh = False
            if keep and len(self._idle) < self._most:
                self._idle.append(connection)
            else:
                connection.close()
            if status in _SUCCESS:
                return Answer(status, fields, content)
            raise _refusal(operation, status, fields, content)

    # --- one exchange ----------------------------------------------------------------------------

    def _exchange(
        self, connection: _Connection, method: str, head: bytes, body: Body | None
    ) -> tuple[int, dict[str, str], bytes, bool]:
        try:
            if body is not None:
                body.seek(0)
                body.arm()
                if len(body) <= _ONE_SEND:
                    head += body.read(-1)
            with TURNS.away:
                connection.sock.sendall(head)
                if body is not None:
                    _send(connection.sock, body)
                connection.await_answer()
        except (BrokenPipeError, ConnectionResetError):
            # The store may have refused before it read everything, and said why.
            connection.sock.settimeout(2)
            status, fields, content, _ = connection.answer(method)
            if status in _SUCCESS:
                raise
            return status, fields, content, False
        return connection.answer(method)

    def _head(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: Body | None,
        payload_hash: str,
    ) -> bytes:
        frozen = self._credentials.get_frozen_credentials()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        fields = {
            "host": self._place.authority,
            "x-amz-content-sha256": payload_hash,
            "x-amz-date": stamp,
            **headers,
        }
        if frozen.token:
            fields["x-amz-security-token"] = frozen.token
        if not all(value.isascii() and value.isprintable() for value in fields.values()):
            raise WireUnfit("a header")
        names = sorted(fields)
        signed = ";".join(names)
        canonical = "".join(f"{name}:{' '.join(fields[name].split())}\n" for name in names)
        request = f"{method}\n{path}\n{query}\n{canonical}\n{signed}\n{payload_hash}"
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = self._signing_key(stamp[:8], frozen.access_key, frozen.secret_key)
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        lines = [f"{method} {path}{'?' + query if query else ''} HTTP/1.1"]
        lines += [f"{name}: {fields[name]}" for name in names]
        lines.append(
            f"authorization: AWS4-HMAC-SHA256 Credential={frozen.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
        )
        lines.append(f"user-agent: {self._agent}")
        if body is not None or method == "PUT":
            lines.append(f"content-length: {len(body) if body is not None else 0}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")

    def _signing_key(self, day: str, access_key: str, secret_key: str) -> bytes:
        known = self._key
        wanted = (day, access_key, secret_key)
        if known is not None and known[0] == wanted:
            return known[1]
        key = b"AWS4" + secret_key.encode()
        for part in (day, self._region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key = (wanted, key)
        return key

    # --- connections -----------------------------------------------------------------------------

    def _take(self) -> _Connection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._open()
            if not connection.is_stale():
                return connection
            connection.close()

    def _open(self) -> _Connection:
        place = self._place
        try:
            sock = socket.create_connection((place.host, place.port), self._connect_timeout_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._keepalive:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_hostname=place.host)
            sock.settimeout(self._read_timeout_s)
        except ssl.SSLError as error:
            raise boto.SSLError(endpoint_url=self._url, error=error) from error
        except TimeoutError as error:
            raise boto.ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            raise boto.EndpointConnectionError(endpoint_url=self._url, error=error) from error
        return _Connection(sock)

    @property
    def _url(self) -> str:
        return f"{self._place.scheme}://{self._place.authority}/"

    def _as_botocore(self, error: OSError) -> Exception:
        if isinstance(error, TimeoutError):
            return boto.ReadTimeoutError(endpoint_url=self._url, error=error)
        return boto.ConnectionClosedError(endpoint_url=self._url, error=error)


def _send(sock: socket.socket, body: Body) -> None:
    """Send the rest of a body, in pieces as large as the network is fast.

    Each piece costs the thread a turn at the interpreter: large ones leave it to others. On a slow network
    small ones keep the count of what was sent a true one. Where the network is faster than the processors,
    no more threads send than there are processors: more are not faster, and the window's thread is one of
    those that would have to wait for them.
    """
    size = _PIECE
    is_quick = False
    while True:
        has_processor = is_quick and _PROCESSORS.acquire(timeout=_SLOW_S)
        try:
            began = time.perf_counter()
            if not body.send_to(sock, size):
                return
            took = time.perf_counter() - began
        finally:
            if has_processor:
                _PROCESSORS.release()
        is_quick = took < _QUICK_S
        if is_quick:
            size = min(size * 2, _LARGEST_PIECE)
        elif took > _SLOW_S:
            size = max(size // 2, _PIECE)


def _close_all(idle: deque[_Connection]) -> None:
    while idle:
        idle.pop().close()


def _refusal(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
    """Return the error of an answer that is no success, as botocore makes it."""
    code = _element(body, b"Code") or str(status)
    if status in {301, 302, 307, 308} or code in _ELSEWHERE:
        return WireUnfit(code)
    response: Any = {
        "Error": {"Code": code, "Message": _element(body, b"Message")},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "HTTPHeaders": dict(headers),
            "RequestId": headers.get("x-amz-request-id", ""),
        },
    }
    return boto.ClientError(response, operation)


def _element(body: bytes, name: bytes) -> str:
    match = re.search(b"<" + name + b">([^<]*)</" + name + b">", body)
    return unescape(match.group(1).decode(errors="replace")) if match else ""


def _has_proxy(scheme: str, host: str) -> bool:
    proxies = getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(host)


@lru_cache(maxsize=8)
def _tls_context(verify: bool | str | None) -> ssl.SSLContext:  # noqa: FBT001
    """Return the context that trusts what the client trusts.

    Args:
        verify: botocore's: a file of certificates, true for the usual ones, false for none.
    """
    from botocore.httpsession import get_cert_path

    if verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    trusted: Any = True if verify is None else verify
    return ssl.create_default_context(cafile=get_cert_path(trusted))
