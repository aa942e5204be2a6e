"""A stand-in agent that Ray's workers can import: it answers by number, and dies where told to."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.evals.made import proven, record
from videoseal.core.errors import DatabaseUnavailable
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleRecord
from videoseal.evals.running.ray_worker import Opened, Received

__all__ = ["MODELS", "answer", "open_broken", "open_fake", "paid"]

MODELS = {"planner": "p", "inspector": "inspector", "answerer": "answerer",
          "captioner": "captioner", "embedder": "e"}  # fmt: skip


def answer(item: Item, cell: SystemSpec) -> SampleRecord:
    """The same record wherever it is made."""
    return record(item, proven("B" if int(item.uid) % 3 else "A"), mode=cell.mode)


def paid(folder: Path) -> list[str]:
    """The questions that were asked, in order, with those that were asked in vain."""
    return (folder / "paid.txt").read_text().split()


@contextmanager
def open_fake(given: Received) -> Iterator[Opened]:
    """Notes every question in `paid.txt` before it answers.

    Question 7 kills its worker the first time, question 11 every time.
    """
    folder = given.settings.data_dir
    log = folder / "paid.txt"

    async def sample(item: Item, cell: SystemSpec, *_: object) -> SampleRecord:
        before = log.read_text().split().count(item.uid) if log.exists() else 0
        with log.open("a") as file:
            file.write(f"{item.uid}\n")
        await asyncio.sleep(0.02)
        if item.uid == "11" or (item.uid == "7" and not before):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(item, cell)

    secret = given.settings.planner.api_key.get_secret_value() if given.settings.planner else ""
    (folder / "secret.txt").write_text(secret)
    yield Opened(MODELS, sample)


@contextmanager
def open_broken(given: Received) -> Iterator[Opened]:
    """An agent whose database is away."""
    raise DatabaseUnavailable("no server", hint="start one")
    yield
