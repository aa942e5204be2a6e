"""Progress of indexing: a bar on a terminal, a line now and then in a file."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeAlias

from videoseal.cli.output import notes
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.progress import TaskID

    from videoseal.indexing.progress import Progress

__all__ = ["BarDisplay", "Display", "LineDisplay", "display", "left_over"]

_LINE_EVERY_S: Final = 10.0
Kind: TypeAlias = type[BaseException] | None
Trace: TypeAlias = TracebackType | None


class Display(Protocol):
    """Shows how far a job is; a context manager, called with each step."""

    def __enter__(self) -> Self:
        """Start showing."""

    def __exit__(self, kind: Kind, error: BaseException | None, trace: Trace) -> None:
        """Stop showing."""

    def __call__(self, step: Progress) -> None:
        """Show one step."""


def display(console: Console | None = None) -> Display:
    """A bar where standard error is a terminal, else lines."""
    console = console or notes()
    return BarDisplay(console) if console.is_terminal else LineDisplay(console)


def left_over(done: float, total: float, seconds: float) -> str:
    """How fast a stage goes and how long it still takes, such as `12.3/s, 0:41 left`."""
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    minutes, rest = divmod(round(max(0.0, total - done) / rate), 60)
    return f"{rate:.1f}/s, {minutes}:{rest:02d} left"


class BarDisplay:
    """One bar a stage, with rate and time left; the finished ones stay."""

    def __init__(self, console: Console) -> None:
        from rich import progress

        self._bars = progress.Progress(
            progress.TextColumn("{task.description:<11}"),
            progress.BarColumn(bar_width=None),
            progress.TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[unit]}"),
            progress.TextColumn("{task.fields[pace]}"),
            console=console,
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._first: dict[str, tuple[float, float]] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: Kind, error: BaseException | None, trace: Trace) -> None:
        self._bars.stop()

    def __call__(self, step: Progress) -> None:
        """Move the bar of the step's stage."""
        if step.note:
            self._bars.console.print(f"warning: {plain(step.note)}", soft_wrap=True, markup=False)
            return
        now = time.monotonic()
        if step.stage not in self._tasks:
            self._first[step.stage] = (step.done, now)
            self._tasks[step.stage] = self._bars.add_task(
                step.stage, total=max(step.total, 1e-9), unit=step.unit, pace=""
            )
        # What an earlier run had done is no measure of this one's pace.
        before, since = self._first[step.stage]
        self._bars.update(
            self._tasks[step.stage],
            completed=step.done,
            total=max(step.total, 1e-9),
            pace=left_over(step.done - before, step.total - before, now - since),
        )


class LineDisplay:
    """A line when a stage starts and ends, and every ten seconds in between."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._first: dict[str, tuple[float, float]] = {}
        self._shown: dict[str, float] = {}
        self._ended: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Kind, error: BaseException | None, trace: Trace) -> None:
        return None

    def __call__(self, step: Progress) -> None:
        """Print a line when it is time for one."""
        if step.note:
            self._console.print(f"warning: {plain(step.note)}", soft_wrap=True, markup=False)
            return
        now = self._now()
        before, since = self._first.setdefault(step.stage, (step.done, now))
        ended = step.done >= step.total
        if step.stage in self._ended:
            return
        if not ended and now - self._shown.get(step.stage, float("-inf")) < _LINE_EVERY_S:
            return
        self._shown[step.stage] = now
        if ended:
            self._ended.add(step.stage)
        pace = left_over(step.done - before, step.total - before, now - since)
        amount = f"{step.done:,.0f}/{step.total:,.0f} {step.unit}"
        self._console.print(f"{step.stage}: {amount}" + (f" ({pace})" if pace else ""))
