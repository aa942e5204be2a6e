"""Where this program is, what it was made from, and what makes two parts of a run the same."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

from videoseal.core.errors import VideosealError

__all__ = [
    "RunDifference",
    "RunMismatch",
    "fingerprint",
    "first_difference",
    "import_root",
    "python_path",
    "refuse_another",
    "surroundings",
]


class RunMismatch(VideosealError):
    """The run's records were made with something else than what is asked for now."""

    exit_code = 2


class RunDifference(NamedTuple):
    """A part of a run that is another one now."""

    what: str
    """By dotted name, such as `blind.context.max_steps`."""
    then: Any
    now: Any


def first_difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> RunDifference | None:
    """The first value that differs, as deep as both sides have names; `none` for a missing one."""
    for name in {**now, **then}:
        before, after = then.get(name, "none"), now.get(name, "none")
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            inner = first_difference(before, after)
            return inner and inner._replace(what=f"{name}.{inner.what}")
        return RunDifference(name, before, after)
    return None


def refuse_another(run: str, then: Mapping[str, Any], now: Mapping[str, Any], hint: str) -> None:
    """Raise RunMismatch naming the first thing that differs between two parts of a run."""
    if found := first_difference(then, now):
        raise RunMismatch(
            f"run {run} was made with another {found.what}: {found.then} then, {found.now} now",
            hint=hint,
        )


def surroundings() -> dict[str, Any]:
    """What a manifest keeps of the machine: `git`, `python`, `packages`, `created`.

    `git` is the commit, with `+` for uncommitted changes, and empty outside a checkout.
    """
    return {
        "git": _git(),
        "python": platform.python_version(),
        "packages": {each.metadata["Name"]: each.version for each in distributions()},
        "created": datetime.now(UTC),
    }


def import_root() -> Path:
    """The folder on `sys.path` that holds the package `videoseal`, for processes started anew."""
    return Path(__file__).parents[2]


def python_path() -> str:
    """PYTHONPATH under which other processes find this program too."""
    return os.pathsep.join(filter(None, [str(import_root()), os.environ.get("PYTHONPATH", "")]))


def fingerprint(*parts: Any) -> str:
    """16 hex digits that stand for some JSON values, so that results of others are never mixed."""
    written = json.dumps(parts, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(written.encode(), digest_size=8).hexdigest()


def _git() -> str:
    def run(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = run("rev-parse", "HEAD")
        return commit and commit + ("+" if run("status", "--porcelain") else "")
    except FileNotFoundError:
        return ""
