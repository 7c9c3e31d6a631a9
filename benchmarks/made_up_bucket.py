"""A bucket of any number of keys, made up by a program of its own: it answers ListObjectsV2 and nothing else.

python benchmarks/made_up_bucket.py KEYS prints its port, and serves until it is killed.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs
from urllib.parse import urlsplit

KEY = "raw/{:064x}.txt"


class _Listing(BaseHTTPRequestHandler):
    """Answers ListObjectsV2."""

    protocol_version = "HTTP/1.1"
    keys = 0

    def do_GET(self) -> None:
        """Answer."""
        query = parse_qs(urlsplit(self.path).query)
        after = query.get("continuation-token", query.get("start-after", [""]))[0]
        first = int(after[4:68], 16) + 1 if after else 0
        last = min(first + int(query.get("max-keys", ["1000"])[0]), self.keys)
        rows = "".join(
            f"<Contents><Key>{KEY.format(number)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>x</ETag><Size>{number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for number in range(first, last)
        )
        more = last < self.keys
        token = (
            f"<NextContinuationToken>{KEY.format(last - 1)}</NextContinuationToken>" if more else ""
        )
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>lab-data</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Be the bucket."""
    _Listing.keys = int(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Listing)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
