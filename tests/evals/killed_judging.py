"""A judging that is killed again and again: started by a test, prints what it did as JSON.

Judges are stand-ins that write down every request before they rule on it.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from types import MappingProxyType

from tests.evals.killing import killed_and_ended
from tests.evals.made import evidence, item, proven, record
from videoseal.evals.judging.judge_run import Wanted, judge_run
from videoseal.evals.records import RecordFile
from videoseal.evals.verdicts import JudgementFile
from videoseal.models.types import JudgeRequest, Reply, Ruling, Usage

COUNT = 60
NAMES = ("one", "two")


class Judge:
    """Says yes to every request whose hash begins with a digit."""

    prompt = "told"
    settings = MappingProxyType({"model": "m"})

    def __init__(self, name: str, paid: Path) -> None:
        self.name = name
        self._paid = paid

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Pay, then rule."""
        await asyncio.sleep(0.002)
        with self._paid.open("a") as file:
            file.write(f"{self.name}-{request.sha256}\n")
        return Reply(Ruling(grounded=request.sha256[0].isdigit(), why="w"), Usage(calls=1))


def main(folder: Path, kills: int) -> None:
    """Kill a judging `kills` times at random moments, then let it end; print what came of it."""
    with RecordFile(folder / "samples.jsonl") as records:
        for number in range(COUNT):
            ledger = [evidence(times=(100.0 + number,))]
            records.append(record(item(f"q{number}"), proven(ledger=ledger), ledger))
    killed_and_ended(
        folder, kills, partial(_run, folder), partial(_judged, folder),
        count=COUNT * len(NAMES), seed=7,
    )  # fmt: skip


def _judged(folder: Path) -> list[str]:
    lines = JudgementFile(folder).read()
    return [f"{line.judge}-{line.request_sha256}" for line in lines]


def _run(folder: Path) -> None:
    judges = [Judge(name, folder / "paid.txt") for name in NAMES]
    asyncio.run(judge_run(folder, judges, Wanted(), lambda _: None, concurrency=3))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
