"""How a failure reaches the user: one line, a hint, and an exit code."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Final, NamedTuple

import click

from videoseal.cli.output import emit_json
from videoseal.core.errors import DatabaseUnavailable, OutOfSpace, VideosealError
from videoseal.core.text import plain

__all__ = [
    "EXIT_CODES", "INTERRUPTED", "FailureReport", "explain", "print_failure", "show",
    "without_password",
]  # fmt: skip

INTERRUPTED: Final = 130
EXIT_CODES: Final = {
    0: "done; an honest abstention is also a result",
    1: "something else failed",
    2: "wrong usage or settings",
    3: "the video cannot be used or is not indexed",
    4: "a model endpoint failed",
    5: "the database failed",
    6: "a disk is full",
    INTERRUPTED: "interrupted; running the same command again continues",
}
_PG_DISK_FULL: Final = "53100"


class FailureReport(NamedTuple):
    """What went wrong, in one line, and what to do about it."""

    kind: str
    message: str
    hint: str
    exit_code: int


def explain(error: BaseException) -> FailureReport:
    """Turn any exception into a line for the user.

    Expected errors speak for themselves, also where a task group or a driver wrapped them; anything
    else is a fault of this program and says so.
    """
    if isinstance(error, click.ClickException):
        hint = "see --help" if isinstance(error, click.UsageError) else ""
        return FailureReport("UsageError", error.format_message(), hint, error.exit_code)
    known = _known(list(_causes(error)))
    if known is not None:
        return FailureReport(type(known).__name__, str(known), known.hint, known.exit_code)
    if isinstance(error, OSError):
        path = f"{error.filename}: " if error.filename is not None else ""
        return FailureReport("OSError", f"{path}{error.strerror or error}", "", 1)
    return FailureReport(
        type(error).__name__,
        f"unexpected {type(error).__name__}: {error}",
        "this is a fault in videoseal; run `videoseal --debug ...` and report what it prints",
        1,
    )


def show(failure: FailureReport, *, error: BaseException, debug: bool, as_json: bool) -> None:
    """Print a failure on standard error, and as the one document of `--json`."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    print_failure(failure)
    if as_json:
        emit_json({"error": failure._asdict()})


def print_failure(failure: FailureReport) -> None:
    """Print a failure on standard error: one line, and one for the hint."""
    print(f"error: {plain(failure.message)}", file=sys.stderr)  # noqa: T201
    if failure.hint:
        print(f"hint: {plain(failure.hint)}", file=sys.stderr)  # noqa: T201


def _known(causes: list[BaseException]) -> VideosealError | None:
    """What these come to as one of our own errors, if they do."""
    for cause in filter(_is_disk_full, causes):
        path = getattr(cause, "filename", None)
        where = f" (writing {path})" if path else ""
        return OutOfSpace(f"the disk is full{where}", hint="free some space and run again")
    for cause in causes:
        if isinstance(cause, VideosealError):
            # Postgres' own programs tell of a full disk in words only.
            full = os.strerror(errno.ENOSPC) in str(cause)
            return OutOfSpace(str(cause), hint=cause.hint) if full else cause
    for cause in causes:
        if type(cause).__module__.startswith("psycopg"):
            message = f"the database failed: {without_password(str(cause))}"
            return DatabaseUnavailable(message, hint="see `videoseal db status`")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what groups hold, and what each was raised from."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend(c for c in (current.__cause__, current.__context__) if c is not None)


def without_password(text: str) -> str:
    """The text with what stands before the `@` of an address left out."""
    return re.sub(r"//[^\s/]*@", "//...@", text)


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OutOfSpace):
        return False
    full = {errno.ENOSPC, errno.EDQUOT}
    return (isinstance(error, OSError) and error.errno in full) or (
        getattr(error, "sqlstate", None) == _PG_DISK_FULL
    )
