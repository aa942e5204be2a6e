"""A server that is away, comes back, or says no: one clear line, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from videoseal.core.errors import DatabaseUnavailable, OutOfSpace
from videoseal.core.settings import Settings
from videoseal.indexing.postgres.database import Database, connect
from videoseal.indexing.postgres.reaper import postmaster_pid
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.indexing.store.migrations import migrate
from videoseal.indexing.store.store import Store

FACTS = SimpleNamespace(
    path=Path("/a.mp4"), duration=9.0, width=1, height=1, fps=25.0, has_audio=True, size_bytes=1
)


@pytest.fixture
def server():
    """A server of this test's own, to be stopped and started."""
    folder = Path(tempfile.mkdtemp(prefix="videoseal-test-"))
    own = EmbeddedServer(folder, durable=False, linger_s=0)
    try:
        yield own
    finally:
        own.stop()
        shutil.rmtree(folder, ignore_errors=True)


def open_store(url, wait_s=20.0, **options):
    """A store at an address, with the schema made."""
    with connect(url) as connection:
        migrate(connection)
    return Store(Database(url, wait_s=wait_s, **options))


def disconnect_others(url):
    """End every other connection to the database, as an administrator's restart does."""
    with connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_store_works_again_after_a_restart(server):
    """Through a restart of the server a store waits, and then goes on with all it held."""
    with open_store(server.url) as store:
        store.add_video("v1", FACTS, title="A", fingerprint="f")
        os.kill(postmaster_pid(server.pgdata), signal.SIGINT)
        while postmaster_pid(server.pgdata):
            pass
        back = threading.Timer(0.3, server.ensure)
        back.start()
        store.put_unit("v1", "read", 0, "f", {"n": 1})
        back.join()
        assert store.units("v1", "read", "f") == {0: {"n": 1}}


def test_store_revives_its_own_server(server):
    """When the embedded server was killed outright, the next call starts it again."""
    settings = Settings(data_dir=server.folder.parent)
    with Store.connect(settings) as store:
        store.add_video("v1", FACTS, title="A", fingerprint="f")
        os.kill(postmaster_pid(server.pgdata), signal.SIGKILL)
        assert [video.id for video in store.videos()] == ["v1"]
        store.put_unit("v1", "read", 0, "f", {})


def test_server_that_stays_away_is_one_clear_error(server):
    """Without a server a call ends, after its patience, with where it should be."""
    with open_store(server.url, wait_s=0.2) as store:
        os.kill(postmaster_pid(server.pgdata), signal.SIGINT)
        while postmaster_pid(server.pgdata):
            pass
        with pytest.raises(DatabaseUnavailable, match=str(server.folder)) as caught:
            store.videos()
        assert "DATABASE_URL" in caught.value.hint
        assert "\n" not in str(caught.value)


def test_connection_lost_in_the_middle_is_tried_once_more(database_url, store):
    """Work whose connection breaks is done again from its beginning, on a fresh one."""
    attempts = []

    def work(connection):
        attempts.append(connection.info.backend_pid)
        if len(attempts) == 1:
            disconnect_others(database_url)
        return connection.execute("SELECT 7").fetchone()[0]

    assert store.database.run(work) == 7
    assert len(set(attempts)) == 2


def test_connection_lost_every_time_is_an_error(database_url, store):
    """Work is repeated once, not for ever."""
    attempts = []

    def work(connection):
        attempts.append(1)
        disconnect_others(database_url)
        connection.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        store.database.run(work)
    assert len(attempts) == 2


def test_broken_lock_connection_does_not_fail_the_work(database_url, store):
    """Indexing that outlives its lock's connection ends well; the lock is free afterwards."""
    with store.indexing_lock("v1"):
        disconnect_others(database_url)
    with store.indexing_lock("v1"):
        pass


def test_wrong_password_is_told_without_the_password(server):
    """The refusal names the user, and nowhere the password that was tried."""
    with connect(server.url) as connection:
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    rules = server.pgdata / "pg_hba.conf"
    rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
    with connect(server.url) as connection:
        connection.execute("SELECT pg_reload_conf()")
    url = server.url.replace("//postgres@", "//guarded:wr0ng%21@")
    with pytest.raises(DatabaseUnavailable, match="password authentication failed") as caught:
        Store.connect(Settings(database_url=url))
    assert "wr0ng" not in str(caught.value) + caught.value.hint
    with connect(url.replace("wr0ng%21", "right")) as connection:
        assert connection.info.user == "guarded"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:hush@127.0.0.1:1/db", "127.0.0.1:1/db"),
        ("postgresql://u:hush@no-such-host.invalid/db", "no-such-host.invalid"),
        ("host=/nowhere dbname=db password=hush", "/nowhere"),
        ("postgresql://u:hush%zz@host/db", "cannot be read"),
        ("mysql://u:hush@host/db", "cannot be read"),
        ("hush", "cannot be read"),
    ],
)
def test_unreachable_address_is_one_line_without_the_password(url, said):
    """A wrong host, port or address is named; the password never is."""
    with pytest.raises(DatabaseUnavailable) as caught:
        Store.connect(Settings(database_url=url))
    assert said in str(caught.value)
    assert "hush" not in str(caught.value) + caught.value.hint
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_full_disk_is_told_as_such(store):
    """When the server's disk is full, what was stored stays and the error says so."""
    store.add_video("v1", FACTS, title="A", fingerprint="f")

    def fail(connection):
        connection.execute("DELETE FROM videoseal.videos")
        connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$")

    with pytest.raises(OutOfSpace, match="full"):
        store.database.run(fail)
    assert len(store.videos()) == 1
