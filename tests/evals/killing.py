"""Kill work again and again at random moments, then let it end, and tell what came of it.

Imports once and forks, so that twenty kills cost seconds. The work pays for every piece by a line
in `paid.txt` before it records it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["killed_and_ended"]


def killed_and_ended(
    folder: Path,
    kills: int,
    work: Callable[[], None],
    recorded: Callable[[], list[str]],
    *,
    count: int,
    seed: int,
) -> None:
    """Kill `work` so often, then let it end; prints what is recorded and paid for, as JSON."""
    chance, unfinished = random.Random(seed), 0
    for _ in range(kills):
        _kill(folder / "paid.txt", work, chance.uniform(0.0, 0.01))
        unfinished += len(recorded()) < count
    work()
    document = {
        "recorded": recorded(),
        "paid": (folder / "paid.txt").read_text().split(),
        "unfinished": unfinished,
    }
    print(json.dumps(document))  # noqa: T201


def _kill(paid: Path, work: Callable[[], None], later: float) -> None:
    """Work until a piece more has been paid for, and `later` seconds on."""
    before = paid.stat().st_size if paid.exists() else 0
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    ended = 0
    while not ended and (not paid.exists() or paid.stat().st_size == before):
        time.sleep(0.001)
        ended = os.waitpid(child, os.WNOHANG)[0]
    if not ended:
        time.sleep(later)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
