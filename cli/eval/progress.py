"""Progress of an evaluation: how far, the running score, and the time left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from videoseal.cli.eval.errors import Errors
from videoseal.cli.output import notes
from videoseal.cli.progress import display, left_over
from videoseal.core.text import plain
from videoseal.evals.scoring.sample_result import outcome_of

if TYPE_CHECKING:
    from videoseal.evals.running.run import RunProgress, Tell

__all__ = ["show_run"]

_LINE_EVERY_S: Final = 5.0


@contextmanager
def show_run() -> Iterator[Tell]:
    """A bar or lines on standard error while a run goes on."""
    shower = _Shower()
    try:
        yield shower.tell
    finally:
        shower.close()


class _Shower:
    def __init__(self) -> None:
        self._console = notes()
        self._began = time.monotonic()
        self._shown = float("-inf")
        self._right = 0
        self._errors = Errors()
        self._video = ""

    def tell(self, step: RunProgress) -> None:
        """Show one step of the run."""
        if step.stage == "index":
            self._index(step)
            return
        if step.done <= 1:
            self._began = time.monotonic() if step.done == 0 else self._began
        if step.record is not None:
            self._right += outcome_of(step.record).right
            self._errors.add(step.record.error)
        now = time.monotonic()
        if now - self._shown < _LINE_EVERY_S and step.done < step.total:
            return
        self._shown = now
        pace = left_over(step.done, step.total, now - self._began)
        score = f"{100 * self._right / max(1, step.done):.1f} % right"
        errors = f", {len(self._errors)} errors" if self._errors else ""
        self._line(f"asked {step.done:.0f}/{step.total:.0f}: {score}{errors} ({pace})")

    def close(self) -> None:
        """End the line that is being rewritten, and tell what went wrong."""
        if self._console.is_terminal:
            self._console.print()
        self._errors.tell()

    def _index(self, step: RunProgress) -> None:
        if step.video != self._video:
            self._video = step.video
            self._bars = display(self._console)
            number = f"[{step.done + 1:.0f}/{step.total:.0f}]"
            self._console.print(f"{number} {plain(step.video)}", soft_wrap=True)
        if step.indexing is not None and not self._console.is_terminal:
            self._bars(step.indexing)
        elif step.indexing is not None:
            done, total = step.indexing.done, step.indexing.total
            self._line(f"  {step.indexing.stage} {done:,.0f}/{total:,.0f} {step.indexing.unit}")
        self._began = time.monotonic()

    def _line(self, text: str) -> None:
        if self._console.is_terminal:
            self._console.print(f"\r\x1b[2K{text}", end="", soft_wrap=True)
        else:
            self._console.print(text, soft_wrap=True)
