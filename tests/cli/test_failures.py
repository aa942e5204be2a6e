"""Any exception becomes one line, a hint and a code."""

from __future__ import annotations

import errno

import click
import psycopg
import pytest

from videoseal.cli.failures import explain
from videoseal.core.errors import (
    DatabaseUnavailable,
    ModelAuthError,
    OutOfSpace,
    UnreadableVideo,
    VideoBusy,
)


class DiskFull(Exception):
    """As psycopg raises it."""

    sqlstate = "53100"


def _caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (UnreadableVideo("x"), "UnreadableVideo", 3),
        (ModelAuthError("x"), "ModelAuthError", 4),
        (VideoBusy("x"), "VideoBusy", 5),
        (OutOfSpace("x"), "OutOfSpace", 6),
        (OSError(errno.ENOSPC, "full", "/a/b"), "OutOfSpace", 6),
        (DiskFull(), "OutOfSpace", 6),
        (DatabaseUnavailable("initdb: No space left on device"), "OutOfSpace", 6),
        (_caused(RuntimeError("x"), OSError(errno.ENOSPC, "full")), "OutOfSpace", 6),
        (ExceptionGroup("tasks", [ValueError("y"), UnreadableVideo("x")]), "UnreadableVideo", 3),
        (_caused(RuntimeError("x"), VideoBusy("y")), "VideoBusy", 5),
        (psycopg.OperationalError("gone"), "DatabaseUnavailable", 5),
        (PermissionError(errno.EACCES, "Permission denied", "/sealed/x"), "OSError", 1),
        (click.UsageError("x"), "UsageError", 2),
        (ZeroDivisionError("x"), "ZeroDivisionError", 1),
    ],
)
def test_explain(error, kind, code):
    """The kind and the code are those of what really went wrong, however deep it lies."""
    failure = explain(error)
    assert (failure.kind, failure.exit_code) == (kind, code)


def test_full_disk_names_the_file():
    """Where the system says which file could not be written, so does the line."""
    assert "/a/b" in explain(OSError(errno.ENOSPC, "full", "/a/b")).message


def test_unexpected_faults_ask_for_a_report():
    """A fault of the program itself says so, and how to get its traceback."""
    assert "--debug" in explain(ZeroDivisionError("x")).hint
