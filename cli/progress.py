"""Progress on standard error: a bar on a terminal, a line now and then in a file."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from videoseal.cli.output import notes
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Task

    from videoseal.core.progress import Progress
    from videoseal.evals.records import SampleError
    from videoseal.evals.running.ready_videos import RunProgress
    from videoseal.rl.training.supervisor import TrainProgress

__all__ = ["Display", "SampleCount", "left_over", "show_run", "show_training"]

_LINE_EVERY_S: Final = 10.0
_REASONS: Final = 10
"""Reasons of errors that are told; the records have all of them."""


class Display:
    """Shows how far a job is; a context manager, called with each step of one that indexes.

    On a terminal each stage has a bar with rate and time left, and the finished ones stay. Else it
    has a line when it starts and ends, and every ten seconds in between.
    """

    def __init__(
        self, console: Console | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        from rich import progress

        console = console or notes()
        self.is_terminal = console.is_terminal
        self._bars = progress.Progress(
            progress.TextColumn("{task.description:<11}", markup=False),
            progress.BarColumn(bar_width=None),
            progress.TextColumn("{task.fields[text]}", markup=False),
            console=console, expand=True, get_time=now, disable=not self.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._bars.stop()

    def __call__(self, step: Progress) -> None:
        """Show one step, or the warning that it carries."""
        if step.note:
            self.say(f"warning: {plain(step.note)}")
        else:
            self.show(f"{step.stage}:", step.done, step.total, f" {step.unit}")

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._bars.console.print(text, soft_wrap=True, markup=False)

    def clear(self) -> None:
        """Take all bars away: another job of the same stages begins."""
        for task in self._bars.task_ids:
            self._bars.remove_task(task)

    def begin(self, stage: str) -> None:
        """Count the time of a stage from now, before its first step is done."""
        self._bars.reset(self._task(stage, 0).id)

    def show(
        self, stage: str, done: float, total: float, detail: str = "", *, keep: bool = False
    ) -> None:
        """Move the bar of a stage; `keep` prints the step as a line as well."""
        task = self._task(stage, done)
        seconds, before = task.elapsed or 0.0, task.fields["before"]
        pace = left_over(done - before, total - before, seconds)
        text = f"{done:,.0f}/{total:,.0f}{detail}" + (f" ({pace})" if pace else "")
        ended, due = done >= total, seconds >= task.fields["next_line"]
        if keep or (not self.is_terminal and not task.finished and (ended or due)):
            self._bars.update(task.id, next_line=seconds + _LINE_EVERY_S)
            self.say(f"{stage} {text}")
        total = max(total, 1e-9)
        done = total if ended else done
        self._bars.update(task.id, completed=done, total=total, text=text, visible=True)

    def _task(self, stage: str, done: float) -> Task:
        """The bar of a stage, which starts at what an earlier run had done."""
        task = next((task for task in self._bars.tasks if task.description == stage), None)
        if task is None:
            self._bars.add_task(
                stage, total=None, visible=False, before=done, next_line=0.0, text=""
            )
            task = self._bars.tasks[-1]
        return task


def left_over(done: float, total: float, seconds: float) -> str:
    """How fast a stage goes and how long it still takes, such as `12.3/s, 0:41 left`."""
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    minutes, rest = divmod(round(max(0.0, total - done) / rate), 60)
    return f"{rate:.1f}/s, {minutes}:{rest:02d} left"


class SampleCount:
    """Counts samples, those that are well, and every reason of an error once."""

    def __init__(self, stage: str, well: str, display: Display) -> None:
        self._stage, self._well, self._display = stage, well, display
        self._good = self._open = 0
        self._reasons: Counter[str] = Counter()
        display.begin(stage)

    def add(
        self, done: float, total: float, *, good: bool | None, error: SampleError | None
    ) -> None:
        """Count one and show all; `good` is None for one of which only a judge can tell."""
        self._good += bool(good)
        self._open += good is None
        if error is not None:
            self._reasons[error.message or error.type] += 1
        told = done - self._open
        share = f": {100 * self._good / told:.1f} % {self._well}" if told else ""
        errors = f", {self._reasons.total()} errors" if self._reasons else ""
        self._display.show(self._stage, done, total, share + errors)

    def tell_errors(self) -> None:
        """Say what went wrong, and how to try again."""
        if not self._reasons:
            return
        say = self._display.say
        say(f"{self._reasons.total():,} ended in an error (--retry-errors asks again):")
        for reason, count in self._reasons.most_common(_REASONS):
            say(f"  {count:,} x {plain(reason)}")
        if len(self._reasons) > _REASONS:
            say(f"  and {len(self._reasons) - _REASONS:,} other reasons")


@contextmanager
def show_run() -> Iterator[Callable[[RunProgress], None]]:
    """How far an evaluation is, the running score, and at the end what went wrong."""
    from videoseal.evals.scoring.sample_result import outcome_of

    video = ""

    def on_progress(step: RunProgress) -> None:
        nonlocal video
        if step.note:
            display.say(f"warning: {plain(step.note)}")
            return
        if step.stage != "index":
            right = outcome_of(step.record).right if step.record else None
            error = step.record.error if step.record else None
            count.add(step.done, step.total, good=right, error=error)
            return
        if step.video != video:
            video = step.video
            display.say(f"[{step.done + 1:.0f}/{step.total:.0f}] {plain(video)}")
            display.clear()
        if step.indexing is not None:
            display(step.indexing)
        display.begin("asked")

    display = Display()
    count = SampleCount("asked", "right", display)
    try:
        with display:
            yield on_progress
    finally:
        count.tell_errors()


@contextmanager
def show_training() -> Iterator[Callable[[TrainProgress], None]]:
    """A line for every step of training, and a bar that moves while episodes are played."""
    with Display() as display:

        def on_progress(step: TrainProgress) -> None:
            if not step.played:
                reward = "" if step.reward is None else f": mean reward {step.reward:.3f}"
                display.show("step", step.step, step.steps, reward, keep=True)
            elif display.is_terminal:
                display.show("step", step.step, step.steps, f": {step.played} of the next")

        yield on_progress
