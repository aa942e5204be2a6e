"""Progress: bars on a terminal, few lines in a file."""

from __future__ import annotations

import io

from rich.console import Console

from videoseal.cli.progress import BarDisplay, LineDisplay, display, left_over
from videoseal.indexing.progress import Progress


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    """A console that writes into memory."""
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=80, highlight=False), out


def test_pace_is_that_of_this_run():
    """Rate and time left follow from what was done since the start."""
    assert left_over(30, 90, 10) == "3.0/s, 0:20 left"
    assert left_over(0, 90, 10) == ""
    assert left_over(90, 90, 10) == "9.0/s, 0:00 left"


def test_lines_are_few():
    """A file gets the first step, one line every ten seconds, and the end of each stage once."""
    now = iter([0.0, *(n / 10 for n in range(1, 400)), 100.0, 101.0])
    screen, out = console(terminal=False)
    with LineDisplay(screen, lambda: next(now)) as show:
        for number in range(400):
            show(Progress("scan", number, 400, "s"))
        show(Progress("scan", 400, 400, "s"))
        show(Progress("scan", 400, 400, "s"))
    lines = out.getvalue().splitlines()
    assert lines[0] == "scan: 0/400 s"
    assert lines[-1].startswith("scan: 400/400 s (")
    assert 5 <= len(lines) <= 7


def test_notes_are_shown_in_both_ways():
    """A warning of a stage is printed once and moves nothing."""
    for terminal, kind in ((True, BarDisplay), (False, LineDisplay)):
        screen, out = console(terminal=terminal)
        with display(screen) as show:
            assert isinstance(show, kind)
            show(Progress("scan", 1, 2, "s"))
            show(Progress("scan", 0, 0, "", note="the video ends early [sic]"))
            show(Progress("scan", 2, 2, "s"))
        assert out.getvalue().count("warning: the video ends early [sic]") == 1


def test_bar_shows_stage_amount_and_pace():
    """A terminal sees the stage, how much is done of how much, and survives a total of zero."""
    screen, out = console(terminal=True)
    with display(screen) as show:
        show(Progress("speech", 0, 0, "s"))
        show(Progress("scan", 100, 1200, "s"))
        show(Progress("scan", 600, 1200, "s"))
    assert "scan" in out.getvalue()
    assert "600/1,200 s" in out.getvalue()
