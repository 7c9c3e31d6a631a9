"""One catalog for a team, in a real PostgreSQL: who writes at once loses nothing, and its password lies nowhere."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import pty
import termios
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from hashdrop.catalog import opening
from hashdrop.catalog.catalog import open_catalog
from hashdrop.errors import CatalogAway
from hashdrop.errors import CatalogError
from hashdrop.errors import SettingsError
from hashdrop.paths import Paths
from hashdrop.pointer import StoredPointer
from hashdrop.service import open_service
from hashdrop.team import VARIABLE
from hashdrop.team import catalog_place
from hashdrop.team import shown
from hashdrop.team import with_password
from hashdrop.team import without_password
from support.keyring_file import FileKeyring
from support.programs import end_of
from support.programs import run_program
from support.programs import start_program


@pytest.fixture
def url(postgres):
    return anyio.run(postgres.new_database)


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """A keyring, for this process and for programs; returns its file."""
    path = tmp_path / "keyring.json"
    monkeypatch.setenv("TEST_KEYRING", str(path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "support.keyring_file.FileKeyring")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())
    yield path
    keyring.set_keyring(before)


def folders(tmp_path, name):
    return ("--config", tmp_path / name / "config", "--data", tmp_path / name / "data")


def holds(folder, secret):
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]


# --- the URL -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "plain", "password"),
    [
        ("postgresql://me:pw@host/db", "postgresql+asyncpg://me@host/db", "pw"),
        ("postgresql+asyncpg://me:p%40w@host:5433/db?ssl=require", "postgresql+asyncpg://me@host:5433/db?ssl=require", "p@w"),
        ("postgres://host/db", "postgresql+asyncpg://host/db", None),
        ("postgresql://me@[::1]:5432/db", "postgresql+asyncpg://me@[::1]:5432/db", None),
    ],
)  # fmt: skip
def test_a_password_is_taken_out_and_put_back(given, plain, password):
    assert without_password(given) == (plain, password)
    assert shown(given) == plain
    if password:
        assert without_password(with_password(plain, password)) == (plain, password)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/db", "postgresql://me:secret@/db", "postgresql://me:secret@host",
        "postgresql://me:secret@host:x/db", "postgresql://[me:secret@host/db", "secret",
        "postgresql://:secret@host/db", "postgresql://me@host/db?password=secret",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_without_what_was_given(url):
    """It may hold a password."""
    with pytest.raises(SettingsError) as told:
        without_password(url)

    assert "secret" not in told.value.sentence
    assert told.value.__cause__ is None


def test_the_settings_hold_no_password(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SettingsError, match="holds the catalog's password") as told:
        catalog_place(tmp_path / "file", "postgresql://me:secret@host/db")

    assert "secret" not in told.value.sentence


def test_where_the_catalog_is(tmp_path, monkeypatch, keys):
    """The variable wins over the settings, the settings over the file."""
    file = tmp_path / "file"
    monkeypatch.delenv(VARIABLE, raising=False)
    plain = "postgresql+asyncpg://me@host/db"
    FileKeyring().set_password("hashdrop catalog", plain, "p w")

    assert catalog_place(file, "") == file
    assert catalog_place(file, "postgresql://me@host/db") == "postgresql+asyncpg://me:p%20w@host/db"
    monkeypatch.setenv(VARIABLE, "postgresql://you:x@other/db")
    assert catalog_place(file, plain) == "postgresql+asyncpg://you:x@other/db"


def test_without_a_keyring_a_database_may_need_no_password(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        place = catalog_place(tmp_path / "file", "postgresql://me@host/db")
    finally:
        keyring.set_keyring(before)

    assert place == "postgresql+asyncpg://me@host/db"


# --- the command line ----------------------------------------------------------------------------


def test_two_computers_share_a_catalog(place, url, postgres, keys, tmp_path):
    """Both write at once: nothing is lost, each name is there once, and each finds what the other stored."""
    own = {}
    for who in ("one", "two"):
        folder = tmp_path / "files" / who
        folder.mkdir(parents=True)
        for number in range(60):
            (folder / f"{who}-{number}.txt").write_bytes(f"{who} {number}".encode())
        for number in range(20):
            (folder / f"both-{number}.txt").write_bytes(b"both %d" % number)
        used = run_program(
            "catalog", "use", postgres_address(url), *folders(tmp_path, who), data=f"{postgres.password}\n".encode(),
        )  # fmt: skip
        assert used.code == 0, used.err
        own[who] = folders(tmp_path, who)
    # One tree for both: their names are the same where their contents are.
    processes = [
        start_program("put", tmp_path / "files" / who, "--json", *place, *own[who]) for who in own
    ]
    ends = [end_of(process) for process in processes]
    rows = run_program("ls", "--limit", "0", "--json", *own["one"]).rows
    found = run_program("find", tmp_path / "files" / "two", *place, *own["one"])
    names = sorted(f"{row['folder']}/{row['name']}" for row in rows)

    assert [end.code for end in ends] == [0, 0], [end.err for end in ends]
    assert names == sorted(
        f"{who}/{path.name}" for who in own for path in (tmp_path / "files" / who).iterdir()
    )
    assert found.code == 0
    assert "not stored" not in found.out
    for folder in (*own["one"][1::2], *own["two"][1::2]):
        assert holds(folder, postgres.password) == []
    assert postgres.password in keys.read_text()
    said = "".join(end.out + end.err for end in (*ends, found))
    assert postgres.password not in said


def postgres_address(url):
    user, _, rest = url.removeprefix("postgresql+asyncpg://").partition(":")
    return f"postgresql://{user}@{rest.partition('@')[2]}"


def test_to_a_team_and_back(hashdrop, url, postgres, keys, tmp_path):
    """Where it is, is told without the password; the own catalog is left as it was."""
    own = folders(tmp_path, "one")
    before = hashdrop("catalog", "where", *own)
    used = hashdrop("catalog", "use", url, *own)
    where = hashdrop("catalog", "where", *own)
    settings = (tmp_path / "one" / "config" / "settings.toml").read_text()
    tables = anyio.run(
        postgres.query, url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    back = hashdrop("catalog", "use", "--own", *own)
    (said,) = where.out.splitlines()

    assert before.out.strip().endswith("catalog.sqlite3")
    assert (used.code, used.err) == (0, "")
    assert said == without_password(url)[0]
    assert f'url = "{said}"' in settings
    assert "hashdrop_names" in {row["tablename"] for row in tables}
    assert back.out.strip() == f"The catalog is {before.out.strip()}"
    assert postgres.password not in settings + used.out + where.out


def test_where_it_is_as_json(program, url, postgres, keys, tmp_path):
    own = folders(tmp_path, "one")
    used = program("catalog", "use", url, "--json", *own)
    where = program("catalog", "where", "--json", *own)

    assert used.row == where.row == {"catalog": without_password(url)[0]}


def test_ctrl_c_instead_of_the_password(url, keys, tmp_path):
    """At a terminal: it ends at once, nothing is chosen, and what is typed is seen again."""
    ours, theirs = pty.openpty()
    shown = termios.tcgetattr(ours)[3] & termios.ECHO
    process = start_program(
        "catalog", "use", postgres_address(url), *folders(tmp_path, "one"),
        stdin=theirs, preexec_fn=partial(of_terminal, theirs),
    )  # fmt: skip
    try:
        asked = b""
        while b"Password: " not in asked:
            asked += os.read(ours, 100)
        while termios.tcgetattr(ours)[3] & termios.ECHO:
            assert process.poll() is None
        os.write(ours, b"\x03")
        ran = end_of(process, timeout=20).checked()

        assert termios.tcgetattr(ours)[3] & termios.ECHO == shown != 0
    finally:
        os.close(ours)
        os.close(theirs)

    assert (ran.code, ran.out) == (130, "")
    assert not (tmp_path / "one" / "config" / "settings.toml").exists()


def of_terminal(descriptor):
    """In a child: its terminal, that Ctrl-C and the question for a password go by."""
    os.setsid()
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("fault", ["password", "database", "nobody-there", "address"])
def test_a_catalog_that_cannot_be_used_is_not_chosen(inside, url, postgres, keys, tmp_path, fault):
    """In words, without the password, and nothing is saved."""
    wrong = {
        "password": url.replace(postgres.password, "wrong-one"),
        "database": url.replace("/test_", "/no_such_"),
        "nobody-there": url.replace(f":{postgres.port}/", ":9/"),
        "address": url.replace("postgresql+asyncpg", "mysql"),
    }[fault]
    ran = inside("catalog", "use", wrong, *folders(tmp_path, "one"))

    assert ran.code in {1, 2}
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert postgres.password not in ran.err
    assert "wrong-one" not in ran.err
    assert not keys.exists()
    assert not (tmp_path / "one" / "config" / "settings.toml").exists()


def test_a_team_without_its_database(place, url, postgres, tmp_path, monkeypatch):
    """A put says so, and fails: nothing is called stored that the catalog does not have."""
    (tmp_path / "a.txt").write_bytes(b"data")
    monkeypatch.setenv(VARIABLE, url.replace(f":{postgres.port}/", ":9/"))
    failed = run_program("put", tmp_path / "a.txt", "--json", *place)
    listed = run_program("ls")
    monkeypatch.setenv(VARIABLE, url)
    again = run_program("put", tmp_path / "a.txt", "--json", *place)

    assert (failed.code, failed.row["status"], failed.row["sent_bytes"]) == (1, "failed", 4)
    assert "is in S3, but could not be noted in the catalog" in failed.row["error"]
    assert (listed.code, listed.out) == (1, "")
    assert "The catalog of pointers cannot be opened" in listed.err
    assert (again.code, again.row["status"]) == (0, "already-stored")
    for ran in (failed, listed, again):
        assert postgres.password not in ran.checked().out + ran.err


def test_a_path_that_the_database_does_not_take_fails_alone(
    place, url, postgres, tmp_path, monkeypatch
):
    """PostgreSQL's indexes take 2.7 kB: the others of its drop are noted, and it is told what to do."""
    monkeypatch.setenv(VARIABLE, url)
    deep = tmp_path / "drop"
    for number in range(18):  # it compresses what repeats itself
        noise = hashlib.shake_256(b"%d" % number).digest(129)
        deep /= base64.urlsafe_b64encode(noise).decode()
    deep.mkdir(parents=True)
    (deep / "deep.txt").write_bytes(b"deep")
    for number in range(6):
        (tmp_path / "drop" / f"{number}.txt").write_bytes(b"%d" % number)
    ran = run_program("put", tmp_path / "drop", "--json", *place).checked(postgres.password)
    further_in = run_program("put", deep, "--json", *place).checked(postgres.password)
    status = {row["name"]: row["status"] for row in ran.rows}
    (failed,) = (row for row in ran.rows if row["status"] == "failed")

    assert status == {"deep.txt": "failed"} | {f"{number}.txt": "stored" for number in range(6)}
    assert "“deep.txt” is in S3, but could not be noted in the catalog." in failed["error"]
    assert failed["error"].endswith("store it from a folder further in.")
    assert [row["status"] for row in further_in.rows] == ["already-stored"]


def test_an_address_needs_no_catalog(
    place, url, postgres, tmp_path, monkeypatch, s3_server, bucket
):
    """A file comes back by its key, and that one is damaged is told, while the database is away."""
    monkeypatch.setenv(VARIABLE, url)
    (tmp_path / "a.txt").write_bytes(b"data")
    key = run_program("put", tmp_path / "a.txt", "--json", *place).row["key"]
    monkeypatch.setenv(VARIABLE, url.replace(f":{postgres.port}/", ":9/"))
    got = run_program("get", key, "-o", tmp_path / "b.txt", *place).checked()
    linked = run_program("link", f"s3://{bucket}/{key}", *place).checked()
    s3_server.plain.put_object(Bucket=bucket, Key=key, Body=b"Data")
    judged = run_program("verify", key, "--json", *place).checked()
    by_hash = run_program("get", key[4:20], *place).checked()

    assert (got.code, got.err) == (0, "")
    assert got.out.endswith("verified\n")
    assert (tmp_path / "b.txt").read_bytes() == b"data"
    assert linked.code == 0
    assert (judged.code, judged.row["status"]) == (1, "mismatch")
    assert "The catalog of pointers cannot be opened" in judged.err
    assert by_hash.code == 1
    assert "The catalog of pointers cannot be opened" in by_hash.err


async def test_a_database_that_comes_back_is_used(postgres, tmp_path, monkeypatch):
    """The window that was opened without it need not be opened again."""
    url = await postgres.new_database()
    monkeypatch.setenv(VARIABLE, url.replace(f":{postgres.port}/", ":9/"))
    async with open_service(Paths.of()) as service:
        for _ in range(2):
            with pytest.raises(CatalogError):
                await service.stored.search()
        monkeypatch.setattr(service._catalog, "place", url)

        assert await service.stored.search() == []


async def test_connections_that_are_cut_lose_nothing(postgres, tmp_path):
    """The database is restarted, again and again, while names are noted: each is there, once, and none failed."""
    url = await postgres.new_database()
    database = url.rpartition("/")[2]
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{database}' AND application_name = 'hashdrop'"
    )
    ended = noted = 0
    async with open_catalog(url) as catalog, anyio.create_task_group() as group:

        async def note(some):
            nonlocal noted
            for number in some:
                content_hash = f"{number:064x}"
                pointer = StoredPointer("lab", f"raw/{content_hash}", content_hash, 1, "text/plain")
                await catalog.record(pointer, name=f"{number}.txt", folder="", connection="lab")
                noted += 1

        async def note_all():
            async with anyio.create_task_group() as writers:
                for first in range(4):
                    writers.start_soon(note, range(first, 160, 4))
            group.cancel_scope.cancel()

        group.start_soon(note_all)
        while True:
            ended += len(await postgres.query(url, cut))
            before = noted
            while noted == before:  # none is cut twice
                await anyio.sleep(0.01)
    async with open_catalog(url) as catalog:
        rows = await catalog.search(limit=1000)

    assert ended > 0
    assert sorted(int(row.name.removesuffix(".txt")) for row in rows) == list(range(160))


class SilentNetwork:
    """Between a program and the database; from `is_silent` on it takes what comes and brings nothing."""

    def __init__(self, port):
        self._port = port
        self.is_silent = False

    async def serve(self, *, task_status):
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            task_status.started(listener.extra(anyio.abc.SocketAttribute.local_port))
            await listener.serve(self._connect)

    async def _connect(self, client):
        async with (
            await anyio.connect_tcp("127.0.0.1", self._port) as server,
            client,
            anyio.create_task_group() as group,
        ):
            for source, target in ((client, server), (server, client)):
                group.start_soon(self._pass_on, source, target, group.cancel_scope)

    async def _pass_on(self, source, target, scope):
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in source:
                if not self.is_silent:
                    await target.send(data)
        scope.cancel()


async def test_a_database_behind_a_network_that_went(postgres, tmp_path, monkeypatch):
    """It never says no: a laptop was closed, a VPN ended. It is told, and the program can end."""
    monkeypatch.setattr(opening, "ANSWER_S", 1.0)
    monkeypatch.setattr(opening, "_CONNECT_S", 1.0)
    url = await postgres.new_database()
    network = SilentNetwork(postgres.port)
    content_hash = "0" * 64
    pointer = StoredPointer("lab", f"raw/{content_hash}", content_hash, 1, "text/plain")
    async with anyio.create_task_group() as group:
        port = await group.start(network.serve)
        with anyio.fail_after(60):
            async with open_catalog(url.replace(f":{postgres.port}/", f":{port}/")) as catalog:
                await catalog.record(pointer, name="a", folder="", connection="lab")
                network.is_silent = True
                for _ in range(2):
                    with pytest.raises(CatalogAway, match="it does not answer"):
                        await catalog.record(pointer, name="b", folder="", connection="lab")
                network.is_silent = False
                await catalog.record(pointer, name="b", folder="", connection="lab")
                rows = await catalog.search()
        group.cancel_scope.cancel()

    assert [row.name for row in rows] == ["b", "a"]


@pytest.mark.parametrize("arguments", [(), ("postgresql://h/d", "--own")])
def test_which_catalog_is_said_once(inside, arguments):
    assert inside("catalog", "use", *arguments).code == 2


def test_settings_of_a_later_version_are_kept(inside, tmp_path, url, keys):
    """Beside the address, and without it."""
    config = tmp_path / "one" / "config"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text('version = 1\n[catalog]\nlater = "kept"\n')
    inside("catalog", "use", url, *folders(tmp_path, "one"))
    inside("catalog", "use", "--own", *folders(tmp_path, "one"))
    text = (config / "settings.toml").read_text()

    assert 'later = "kept"' in text
    assert "url" not in text
