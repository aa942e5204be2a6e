"""Progress of training: a line for every step, and one that moves while episodes are played."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from videoseal.cli.output import notes
from videoseal.cli.progress import left_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from videoseal.rl.training.supervisor import Tell, TrainProgress

__all__ = ["show_training"]


@contextmanager
def show_training(now: Callable[[], float] = time.monotonic) -> Iterator[Tell]:
    """Lines on standard error while a trainer runs."""
    console = notes()
    began: list[tuple[int, float]] = []
    moving = False

    def tell(progress: TrainProgress) -> None:
        nonlocal moving
        began.append((progress.step, now())) if not began else None
        if progress.played:
            if console.is_terminal:
                moving = True
                text = f"\r\x1b[2Kafter step {progress.step}: {progress.played}"
                console.print(text, end="", soft_wrap=True)
            return
        first, since = began[0]
        pace = left_over(progress.step - first, progress.steps - first, now() - since)
        reward = "" if progress.reward is None else f": mean reward {progress.reward:.3f}"
        start = "\r\x1b[2K" if moving else ""
        moving = False
        line = f"{start}step {progress.step}/{progress.steps}{reward}"
        console.print(f"{line} ({pace})" if pace else line, soft_wrap=True)

    try:
        yield tell
    finally:
        if moving:
            console.print()
