"""Waits until no process uses an embedded server any more, then stops it.

A program of its own, started as a file and without the site packages: it outlives every process
that uses the server, however that process ends, and costs a few megabytes while it waits.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO

__all__ = ["is_postmaster", "main", "postmaster_pid", "server_name", "stop", "try_lock"]


def postmaster_pid(pgdata: Path) -> int | None:
    """The process id in `postmaster.pid`, whether or not that process lives."""
    try:
        return int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def server_name(pgdata: Path) -> str:
    """A name for the server of this folder that stands in the command line of its process."""
    return f"videoseal-{hashlib.blake2b(os.fsencode(pgdata), digest_size=6).hexdigest()}"


def is_postmaster(pid: int, pgdata: Path) -> bool:
    """Whether the process is the Postgres of this folder, and not a stranger with a reused id."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"cluster_name={server_name(pgdata)}".encode() in words


def stop(pgdata: Path, *, patience_s: float = 30.0) -> None:
    """End the server of this folder: politely first, and for certain after `patience_s`."""
    pid = postmaster_pid(pgdata)
    # SIGINT disconnects clients, SIGQUIT leaves recovery to the next start.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if pid is None or not is_postmaster(pid, pgdata):
            return
        os.kill(pid, number)
        deadline = time.monotonic() + patience_s
        while is_postmaster(pid, pgdata) and time.monotonic() < deadline:
            time.sleep(0.02)


def try_lock(file: int | IO[str]) -> bool:
    """Take the exclusive lock of an open file unless anyone holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(folder: Path, linger_s: float) -> None:
    """Keep the server of `folder` until it has been unused for `linger_s` seconds."""
    # Opened but never made: a folder that was removed meanwhile needs no keeper.
    with (folder / "keeper.lock").open("r+") as mine, (folder / "users.lock").open("r+") as users:
        if not try_lock(mine):
            return
        while True:
            fcntl.flock(users, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_UN)
            time.sleep(linger_s)
            if try_lock(users):
                # Whoever comes now waits for the lock, and then finds the server down for certain.
                stop(folder / "data")
                fcntl.flock(mine, fcntl.LOCK_UN)
                return


if __name__ == "__main__":
    with contextlib.suppress(FileNotFoundError):
        main(Path(sys.argv[1]), float(sys.argv[2]))
