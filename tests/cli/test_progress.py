"""Progress: bars on a terminal, few lines in a file."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from videoseal.cli.progress import Display, left_over, show_run, show_training
from videoseal.core.progress import Progress
from videoseal.evals.running.ready_videos import RunProgress
from videoseal.rl.training.supervisor import TrainProgress


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    """A console that writes into memory."""
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=80, highlight=False), out


def test_pace_is_that_of_this_run():
    """Rate and time left follow from what was done since the start."""
    assert left_over(30, 90, 10) == "3.0/s, 0:20 left"
    assert left_over(0, 90, 10) == ""
    assert left_over(90, 90, 10) == "9.0/s, 0:00 left"


def test_what_was_done_before_is_no_measure():
    """A job that goes on is as fast as it is now; one that has begun is timed from then."""
    now = 0.0
    screen, out = console(terminal=False)
    with Display(screen, lambda: now) as show:
        show(Progress("scan", 100, 190, "s"))
        show.begin("asked")
        now = 10.0
        show(Progress("scan", 130, 190, "s"))
        show.show("asked", 1, 3, ": well")
    assert "scan: 130/190 s (3.0/s, 0:20 left)" in out.getvalue()
    assert "asked 1/3: well (0.1/s, 0:20 left)" in out.getvalue()


def test_lines_are_few():
    """A file gets the first step, one line every ten seconds, and the end of each stage once."""
    now = 0.0
    screen, out = console(terminal=False)
    with Display(screen, lambda: now) as show:
        for number in range(400):
            now = number / 10
            show(Progress("scan", number, 400, "s"))
        now = 100.0
        show(Progress("scan", 400, 400, "s"))
        show(Progress("scan", 400, 400, "s"))
    lines = out.getvalue().splitlines()
    assert lines[0] == "scan: 0/400 s"
    assert lines[-1].startswith("scan: 400/400 s (")
    assert 5 <= len(lines) <= 7


def test_notes_are_shown_in_both_ways():
    """A warning of a stage is printed once and moves nothing."""
    for terminal in (True, False):
        screen, out = console(terminal=terminal)
        with Display(screen) as show:
            show(Progress("scan", 1, 2, "s"))
            show(Progress("scan", 0, 0, "", note="the video ends early [sic]"))
            show(Progress("scan", 2, 2, "s"))
        assert out.getvalue().count("warning: the video ends early [sic]") == 1


def test_bar_shows_stage_amount_and_pace():
    """A terminal sees the stage, how much is done of how much, and survives a total of zero."""
    screen, out = console(terminal=True)
    with Display(screen) as show:
        show(Progress("speech", 0, 0, "s"))
        show(Progress("scan", 100, 1200, "s"))
        show(Progress("scan", 600, 1200, "s"))
    assert "scan" in out.getvalue()
    assert "600/1,200 s" in out.getvalue()


def test_run_shows_each_video_with_stages_of_its_own(capsys: pytest.CaptureFixture[str]):
    """The second video's stages begin anew, and its title stands above them."""
    with show_run() as on_progress:
        for number, video in enumerate(("first", "second")):
            for step in (None, Progress("scan", 0, 9, "s"), Progress("scan", 9, 9, "s")):
                on_progress(RunProgress("index", number, 2, None, step, video))
    told = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0] for line in told] == [
        "[1/2] first", "scan: 0/9 s", "scan: 9/9 s", "[2/2] second", "scan: 0/9 s", "scan: 9/9 s",
    ]  # fmt: skip


def test_every_step_of_training_is_a_line(capsys: pytest.CaptureFixture[str]):
    """Steps may be far apart or close; what is played in between moves only a terminal's bar."""
    with show_training() as on_progress:
        on_progress(TrainProgress(0, 2, played="3/32"))
        on_progress(TrainProgress(1, 2, 0.5))
        on_progress(TrainProgress(2, 2))
    told = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0] for line in told] == ["step 1/2: mean reward 0.500", "step 2/2"]
