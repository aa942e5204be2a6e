"""The embedded server is there while anyone uses it, and gone when nobody does."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from videoseal.core.errors import DatabaseUnavailable
from videoseal.indexing.postgres import binaries as programs
from videoseal.indexing.postgres.database import connect
from videoseal.indexing.postgres.reaper import is_postmaster, postmaster_pid
from videoseal.indexing.postgres.server import EmbeddedServer

ROOT = Path(__file__).resolve().parents[3]
USE = """
import sys, time
from pathlib import Path
from videoseal.indexing.postgres.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False, linger_s=0)
print(server.url, flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def cluster():
    """A data folder with an initialised server that does not run, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="videoseal-test-"))
    start(folder).stop()
    yield folder / "postgres"
    shutil.rmtree(folder)


@pytest.fixture
def used_dir(cluster, data_dir):
    """A data folder in which a server has run before."""
    subprocess.run(["cp", "-a", str(cluster), str(data_dir)], check=True)
    return data_dir


@pytest.fixture
def data_dir():
    """A folder that the server's user can reach, emptied of servers and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="videoseal-test-"))
    yield folder
    for pid_file in folder.rglob("postmaster.pid"):
        pid = postmaster_pid(pid_file.parent)
        if pid and is_postmaster(pid, pid_file.parent):
            os.kill(pid, signal.SIGINT)
            wait_for(lambda found=pid_file: not found.exists())
    shutil.rmtree(folder, ignore_errors=True)


def start(data_dir, **options):
    """A use of the server, without waits for the disk."""
    return EmbeddedServer(data_dir, **{"durable": False, "linger_s": 0, **options})


def another_process(data_dir, seconds=60.0):
    """A process that uses the server for some time; it has started when this returns."""
    command = [sys.executable, "-c", USE, str(data_dir), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.url = process.stdout.readline().strip()
    return process


def end(process):
    """Kill a process as nothing can be caught, and collect it."""
    process.kill()
    process.wait()
    process.stdout.close()


def wait_for(condition):
    """Wait until something is so; the test fails when it never is."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited for nothing"
        time.sleep(0.02)


def runs(server):
    """Whether the server's process lives."""
    pid = postmaster_pid(server.pgdata)
    return pid is not None and is_postmaster(pid, server.pgdata)


def stop_for_good(server):
    """End the last use: it stops the server, or the keeper does that was a moment faster."""
    server.stop()
    wait_for(lambda: not runs(server))


def one(url, query):
    """The one value a query gives."""
    with connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def test_uses_share_one_server(used_dir):
    """A second use joins the server of the first, which lasts until the last one ends."""
    first, second = start(used_dir), start(used_dir)
    assert first.url == second.url
    assert first.stop() is False
    assert one(second.url, "SELECT 1") == 1
    stop_for_good(second)


def test_keeper_stops_an_unused_server(used_dir):
    """Some time after its last use was closed the server is stopped, by nobody's call."""
    server = start(used_dir, linger_s=0.1)
    server.close()
    wait_for(lambda: not (server.pgdata / "postmaster.pid").exists())
    with start(used_dir) as again:
        assert one(again.url, "SELECT 1") == 1


def test_server_survives_the_process_that_started_it(used_dir):
    """A server that a killed process had started goes on for those that joined it."""
    starter = another_process(used_dir)
    joined = start(used_dir)
    end(starter)
    time.sleep(0.2)
    assert one(joined.url, "SELECT 1") == 1
    stop_for_good(joined)


def test_killed_process_leaves_no_server_behind(used_dir):
    """When the only user is killed outright the server is stopped all the same."""
    process = another_process(used_dir)
    pgdata = used_dir / "postgres" / "data"
    assert is_postmaster(postmaster_pid(pgdata), pgdata)
    end(process)
    wait_for(lambda: not (pgdata / "postmaster.pid").exists())


@pytest.mark.slow
def test_processes_that_start_together_share_one_server(data_dir):
    """Four processes that start at once in an empty folder get one and the same server."""
    command = [sys.executable, "-c", USE, str(data_dir), "1"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    urls = {process.communicate()[0].strip() for process in processes}
    assert len(urls) == 1
    assert urls.pop().startswith("postgresql://")


def test_killed_server_is_started_again(used_dir):
    """After a kill -9 of the server the next use recovers what was committed."""
    with start(used_dir) as server:
        with connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
        os.kill(postmaster_pid(server.pgdata), signal.SIGKILL)
        wait_for(lambda: not runs(server))
        server.ensure()
        assert one(server.url, "SELECT seven FROM kept") == 7


def test_reused_process_id_does_not_keep_the_server_from_starting(used_dir):
    """A stale postmaster.pid that names a living stranger is seen through."""
    server = start(used_dir)
    server.stop()
    lines = [os.getpid(), server.pgdata, 1, 5432, server.folder, "", "0 0", "ready"]
    (server.pgdata / "postmaster.pid").write_text("\n".join(map(str, lines)) + "\n")
    with start(used_dir) as again:
        assert runs(again)


def test_server_without_its_socket_is_replaced(used_dir):
    """When a cleaner of temporary files removed the socket, the next use restarts the server."""
    with start(used_dir) as server:
        (server.folder / ".s.PGSQL.5432").unlink()
        server.ensure()
        assert one(server.url, "SELECT 1") == 1


@pytest.mark.parametrize("name", ['it\'s a "folder", 天气 %41 $HOME', "x" * 120])
def test_any_folder_name_will_do(data_dir, name):
    """Quotes, blanks, Chinese and paths too long for a socket are no obstacle."""
    with start(data_dir / name) as server:
        assert one(server.url, "SELECT current_setting('data_directory')") == str(server.pgdata)
        sockets = Path(
            one(server.url, "SELECT current_setting('unix_socket_directories')").strip('"')
        )
        server.stop()
    if sockets.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(sockets)


def test_chinese_is_made_of_letters_under_any_locale(data_dir, monkeypatch):
    """Also where the program runs under the locale C, trigrams of Chinese exist."""
    monkeypatch.setenv("LC_ALL", "C")
    with start(data_dir) as server:
        with connect(server.url) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
            assert connection.execute("SELECT show_trgm('你好世界')").fetchone()[0]
        server.stop()


def test_data_is_safe_by_default(used_dir):
    """Unless a test asks otherwise, commits wait for the disk."""
    with EmbeddedServer(used_dir, linger_s=0) as server:
        assert one(server.url, "SELECT current_setting('fsync')") == "on"
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to take another user's identity")
def test_socket_is_closed_to_other_users(used_dir):
    """Another user of the machine cannot connect, although the server asks for no password."""
    with start(used_dir) as server:
        psql = [str(server._programs.folder / "psql"), "-c", "SELECT 1"]
        stranger = subprocess.run(
            [*psql, server.url], user=65534, group=65534, cwd="/", capture_output=True, check=False
        )
        assert subprocess.run([*psql, server.url], capture_output=True, check=False).returncode == 0
        server.stop()
    assert b"Permission denied" in stranger.stderr


def test_folder_of_another_postgres_is_left_alone(data_dir):
    """Data made by another major version is refused with both versions and what to do."""
    pgdata = data_dir / "postgres" / "data"
    pgdata.mkdir(parents=True)
    (pgdata / "PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseUnavailable, match=r"made by Postgres 9, this program carries \d\d"):
        start(data_dir)


def test_interrupted_initialisation_is_begun_anew(data_dir):
    """What a killed initdb left behind is removed and does not pass for a database."""
    half = data_dir / "postgres" / "new-killed" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with start(data_dir) as server:
        assert runs(server)
        assert not list(server.folder.glob("new-*"))
        server.stop()


@pytest.mark.parametrize(
    ("program", "complaint", "said", "hint"),
    [
        ("initdb", "initdb: error: No space left on device", "No space", "free"),
        ("pg_ctl", "pg_ctl: could not start server", "could not start server", "server.log"),
        ("initdb", "", "no reason given", "DATABASE_URL"),
    ],
)  # fmt: skip
def test_failure_to_start_is_one_clear_line(data_dir, monkeypatch, program, complaint, said, hint):
    """What Postgres complains of is the message; a full disk is recognised."""
    folder = data_dir / "bin"
    folder.mkdir()
    for name in ("initdb", "pg_ctl", "postgres"):
        failing = f"echo '{complaint}'; exit 1" if name == program else "exit 0"
        (folder / name).write_text(f"#!/bin/sh\n{failing}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(programs, "_binaries", lambda: folder)
    with pytest.raises(DatabaseUnavailable, match=f"{program} failed: .*{said}") as caught:
        start(data_dir)
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("obstacle", ["file", "closed"])
def test_unusable_folder_is_one_clear_line(data_dir, obstacle):
    """A folder that is a file, or may not be written, is named with the setting to change."""
    place = data_dir / "there"
    if obstacle == "file":
        place.write_text("")
    elif os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    else:
        place.mkdir(mode=0o500)
    with pytest.raises(DatabaseUnavailable, match="there") as caught:
        start(place)
    assert "VIDEOSEAL_DATA_DIR" in caught.value.hint


def test_platform_without_binaries_is_told_what_to_set(data_dir, monkeypatch):
    """Where the package does not exist, DATABASE_URL is the way."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DatabaseUnavailable, match="platform") as caught:
        start(data_dir)
    assert "DATABASE_URL" in caught.value.hint


def test_a_use_that_nobody_closes_lasts_as_long_as_the_process(used_dir):
    """An object that is not kept still holds the server, and a killed one is started again."""
    code = (
        "import gc, os, signal, sys\n"
        "from pathlib import Path\n"
        "import psycopg\n"
        "from videoseal.indexing.postgres.reaper import postmaster_pid\n"
        "from videoseal.indexing.postgres.server import EmbeddedServer\n"
        "folder = Path(sys.argv[1])\n"
        "url = EmbeddedServer(folder, linger_s=0.1).url\n"
        "gc.collect()\n"
        "import time; time.sleep(0.5)\n"
        "psycopg.connect(url).close()\n"
        "os.kill(postmaster_pid(folder / 'postgres' / 'data'), signal.SIGKILL)\n"
        "time.sleep(0.2)\n"
        "assert EmbeddedServer(folder).url == url\n"
        "psycopg.connect(url).close()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(used_dir)], check=True, cwd=ROOT)
