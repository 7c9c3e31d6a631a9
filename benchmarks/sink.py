"""A server that speaks enough of S3 to be uploaded to, and throws the bytes away.

It measures the client alone. It remembers what was stored (size and checksums, not bytes), so that a HEAD
answers as a store does and a second upload finds the first one. No signature is checked.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import socket
import ssl
import threading
import zlib
from urllib.parse import parse_qs
from urllib.parse import unquote
from urllib.parse import urlsplit

_BUFFER = 1024 * 1024
_SMALL = 1024 * 1024
_IDS = itertools.count(1)
_XML = "<{kind}Result>{inner}</{kind}Result>"


class Sink:
    """What was stored, as far as it is remembered."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[int, str, str]] = {}
        self.uploads: dict[str, dict[int, tuple[int, str]]] = {}
        self.body_bytes = 0
        self.requests: dict[str, int] = {}

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        buffer = bytearray(_BUFFER)
        view = memoryview(buffer)
        pending = b""
        try:
            while True:
                while (end := pending.find(b"\r\n\r\n")) < 0:
                    more = connection.recv(65536)
                    if not more:
                        return
                    pending += more
                head, pending = pending[:end], pending[end + 4 :]
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {}
                for line in lines:
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                method, target, _ = first.split(" ", 2)
                length = int(headers.get("content-length", 0))
                if headers.get("expect"):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = _Body(connection, pending, view, headers)
                body.receive()
                pending, length, md5 = body.pending, body.length, body.md5
                self.body_bytes += length
                said = headers.get("x-amz-checksum-crc32")
                if md5 and said and base64.b64decode(said) != body.crc.to_bytes(4, "big"):
                    connection.sendall(_reply(400, "<Error><Code>BadDigest</Code></Error>"))
                    continue
                etag = md5.hexdigest() if md5 else "0"
                connection.sendall(self.answer(method, target, headers, length, etag))
        except (OSError, ValueError, EOFError):
            return
        finally:
            connection.close()

    def answer(self, method, target, headers, length, etag) -> bytes:
        """Return the answer to a request."""
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        key = unquote(parts.path)
        size = int(headers.get("x-amz-decoded-content-length", length))
        crc = headers.get("x-amz-checksum-crc32", "")
        name = f"{method} {'part' if 'partNumber' in query else 'object' if key.count('/') > 1 else 'bucket'}"
        self.requests[name] = self.requests.get(name, 0) + 1
        if key == "/-/totals":
            return _reply(
                200, json.dumps({"body_bytes": self.body_bytes, "requests": self.requests})
            )
        if key == "/-/forget":
            self.__init__()
            return _reply(200, "")
        if method == "HEAD":
            if key.count("/") < 2:
                return _reply(200, "")
            if key not in self.objects:
                return _reply(404, "", head=True)
            size, crc, etag = self.objects[key]
            return _reply(200, "", {"ETag": f'"{etag}"', **_crc(crc)}, length=size, head=True)
        if method == "POST" and "uploads" in query:
            upload = f"u{next(_IDS)}"
            self.uploads[upload] = {}
            inner = f"<UploadId>{upload}</UploadId>"
            return _reply(200, _XML.format(kind="InitiateMultipartUpload", inner=inner))
        if method == "PUT" and "x-amz-copy-source" in headers and "partNumber" not in query:
            self.objects[key] = self.objects[
                "/" + unquote(headers["x-amz-copy-source"]).lstrip("/")
            ]
            return _reply(200, _XML.format(kind="CopyObject", inner="<ETag>0</ETag>"))
        if method == "PUT" and "partNumber" in query:
            number = int(query["partNumber"][0])
            self.uploads[query["uploadId"][0]][number] = (size, crc)
            return _reply(200, "", {"ETag": f'"{number}"', **_crc(crc)})
        if method == "POST" and "uploadId" in query:
            sent = self.uploads.pop(query["uploadId"][0])
            total = sum(size for size, _ in sent.values())
            whole = ""
            if all(crc for _, crc in sent.values()):
                raw = b"".join(base64.b64decode(sent[n][1]) for n in sorted(sent))
                whole = (
                    f"{base64.b64encode(zlib.crc32(raw).to_bytes(4, 'big')).decode()}-{len(sent)}"
                )
            self.objects[key] = (total, whole, f"0-{len(sent)}")
            return _reply(200, _XML.format(kind="CompleteMultipartUpload", inner="<ETag>0</ETag>"))
        if method == "PUT":
            self.objects[key] = (size, crc, etag)
            return _reply(200, "", {"ETag": f'"{etag}"', **_crc(crc)})
        if method == "DELETE":
            self.objects.pop(key, None)
            return _reply(204, "")
        return _reply(200, "<ListBucketResult></ListBucketResult>")


class _Body:
    """The body of one request, thrown away while it comes.

    Over TLS botocore sends it in chunks, with its checksum behind them (`aws-chunked`).
    """

    def __init__(self, connection, pending, view, headers) -> None:
        self.connection, self.pending, self.view = connection, pending, view
        self.chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self.length = 0 if self.chunked else int(headers.get("content-length", 0))
        said = int(headers.get("x-amz-decoded-content-length", self.length))
        # Stores give the MD5 as ETag and refuse wrong checksums; doing that with large bodies
        # would measure the server.
        self.md5 = hashlib.md5() if said <= _SMALL else None
        self.crc = 0

    def receive(self) -> None:
        """Read it to its end."""
        if not self.chunked:
            self.take(self.length)
            return
        while count := int(self.line().partition(b";")[0], 16):
            self.length += count
            self.take(count)
            self.line()
        while self.line():  # the trailer
            pass

    def take(self, left) -> None:
        """Throw so many bytes away."""
        known, self.pending = self.pending[:left], self.pending[left:]
        self.note(known)
        left -= len(known)
        while left > 0:
            count = self.connection.recv_into(self.view[: min(left, _BUFFER)])
            if not count:
                raise EOFError
            self.note(self.view[:count])
            left -= count

    def note(self, data) -> None:
        """Sum up what came, of a small body."""
        if self.md5:
            self.md5.update(data)
            self.crc = zlib.crc32(data, self.crc)

    def line(self) -> bytes:
        """Return the next line, without its end."""
        while (end := self.pending.find(b"\r\n")) < 0:
            more = self.connection.recv(65536)
            if not more:
                raise EOFError
            self.pending += more
        found, self.pending = self.pending[:end], self.pending[end + 2 :]
        return found


def _crc(crc: str) -> dict[str, str]:
    return {"x-amz-checksum-crc32": crc} if crc else {}


def _reply(status, body, headers=None, *, length=None, head=False) -> bytes:
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status} OK",
        f"Content-Length: {len(content) if length is None else length}",
    ]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if head else content)


def main() -> None:
    """Serve until ended; prints the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", help="PEM of certificate and key, for https")
    options = parser.parse_args()
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
    sink = Sink()
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(server.getsockname()[1], flush=True)

    def begin(connection):
        if context:
            try:
                connection = context.wrap_socket(connection, server_side=True)
            except OSError:
                return
        sink.serve(connection)

    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=begin, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
