"""A run that is killed again and again: started by a test, prints what it did as JSON.

Questions are answered by a stand-in that writes down every answer it was asked for, in a file of
its own, before it gives it.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import videoseal.evals.running.run as evaluation
from tests.evals.killing import killed_and_ended
from tests.evals.made import proven, record
from videoseal.core.settings import Settings
from videoseal.evals.item import Item
from videoseal.evals.manifest import RunSpec, SystemSpec
from videoseal.evals.records import RecordFile, SampleRecord
from videoseal.evals.running import ready_videos, system_settings
from videoseal.evals.scoring.systems import RECORDS
from videoseal.models.roles import Models

COUNT = 120


def main(folder: Path, kills: int) -> None:
    """Kill a run `kills` times at random moments, then let it end; print what came of it."""
    killed_and_ended(
        folder, kills, partial(_run, folder), partial(_recorded, folder), count=COUNT, seed=5
    )


def _recorded(folder: Path) -> list[str]:
    return [record.item.uid for record in RecordFile(folder / "run" / RECORDS).read()]


def _run(folder: Path) -> None:
    async def indexed(path: Path, *_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(id="v0", duration=600.0)

    async def answered(_: Any, item: Item, cell: SystemSpec, *__: Any) -> SampleRecord:
        await asyncio.sleep(0.002)
        with (folder / "paid.txt").open("a") as file:
            file.write(f"{item.uid}\n")
        return record(item, proven("B" if int(item.uid) % 3 else "A"), mode=cell.mode)

    cast(Any, ready_videos).index_video, cast(Any, system_settings).run_sample = indexed, answered
    roles = ("inspector", "answerer", "captioner", "embedder", "summariser")
    models = Models(
        planner=cast(Any, SimpleNamespace(model_name="p", _llm_type="p")),
        **cast(Any, {role: SimpleNamespace(name=role) for role in roles}),
    )
    resources: Any = SimpleNamespace(settings=Settings(data_dir=folder), store=None, models=models)
    places = evaluation.Places(folder / "rows.json", folder, folder / "run")
    spec = RunSpec(benchmark="cgbench", cells=[SystemSpec()])
    asyncio.run(evaluation.run(spec, places, resources, lambda _: None, concurrency=3))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
