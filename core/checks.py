"""Checks of what a job depends on: each is one line, whatever happens while it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from videoseal.core.errors import VideosealError

__all__ = ["Check", "CheckWarning", "run_check"]


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    text: str
    """What was found."""
    hint: str = ""
    """What to do, when something is to be done."""


class CheckWarning(VideosealError):
    """Raised by a check that found what only limits the job."""


def run_check(name: str, look: Callable[[], str]) -> Check:
    """What `look` found; a failure of it is a line like any other, with the error's hint."""
    try:
        return Check(name, "ok", look())
    except VideosealError as error:
        state: Literal["warn", "fail"] = "warn" if isinstance(error, CheckWarning) else "fail"
        return Check(name, state, str(error), error.hint)
    except OSError as error:
        text = f"{error.strerror}: {error.filename}"
        return Check(name, "fail", text, "check the folder's rights")
    except Exception as error:  # doctor is asked when things are broken, and must not break too
        return Check(name, "fail", f"{type(error).__name__}: {error}", "reinstall videoseal-agent")
