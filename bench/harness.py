"""What the harness adds to a question: a run with an agent that answers at once.

`python bench/harness.py [--samples 200] [--pairs 15] [--concurrency 1] [--json]` asks made-up
questions of a stand-in that returns a ready episode (a search of six steps, 48 frames shown, about
12 kB), once in a plain loop and once in a run: time limit, record, JSON, the write that is forced
to disk, and progress with its running score. The two take turns; the median difference of the pairs
counts. What a run costs once (manifest, package list, reading the questions) is told apart. One
question at a time is the worst case for the disk: records that are done together wait for it once.
Target: under 5 ms a sample.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.scoring import made  # noqa: E402
from videoseal.cli.progress import show_run  # noqa: E402
from videoseal.core.settings import Settings  # noqa: E402
from videoseal.evals.manifest import RunSpec, SystemSpec  # noqa: E402
from videoseal.evals.running.run import Places, run  # noqa: E402
from videoseal.evals.running.sample import Sampler, run_sample  # noqa: E402
from videoseal.graph.episode import Episode  # noqa: E402

TARGET_MS = 5.0


def episode() -> Episode:
    """What the stand-in answers."""
    found = made(0, random.Random(1))
    whole = {
        **found["episode"], "question": found["item"]["question"], "video_id": "v", "context": {},
        "timings": {"total": 12.5, "models": 12.0, "tools": 0.4},
    }  # fmt: skip
    return Episode.model_validate(whole)


def questions(folder: Path, count: int) -> Places:
    """A file of questions about one video that is never opened."""
    row = {
        "video_uid": "v", "question": "What does the sign say?", "answer": "x",
        "choices": list("wxyz"), "right_answer": "B", "clue_intervals": [[100, 103]],
        "domain": "d", "sub_category": "s", "duration": 3600,
    }  # fmt: skip
    path = folder / "rows.json"
    path.write_text(json.dumps([{**row, "qid": n} for n in range(count)]), encoding="utf-8")
    (folder / "v.mp4").touch()
    return Places(path, folder, folder / "run")


def plain_loop(ready: Episode, count: int) -> float:
    """Seconds to ask the stand-in alone."""

    async def ask() -> Episode:
        await asyncio.sleep(0)
        return ready

    async def every() -> float:
        began = time.perf_counter()
        for _ in range(count):
            await ask()
        return time.perf_counter() - began

    return asyncio.run(every())


class Took(NamedTuple):
    """What a run cost."""

    asking: float
    """Seconds between the first question and the last record."""
    processor: float
    """Seconds of processor in that time."""
    once: float
    """Seconds before and after."""
    size: int
    """Bytes of a record."""


def whole_run(ready: Episode, count: int, concurrency: int) -> Took:
    """Ask the stand-in through a run."""
    asking = processor = 0.0

    async def ask(*_: Any) -> Episode:
        await asyncio.sleep(0)
        return ready

    async def indexed(*_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(id="v", duration=3600.0)

    async def sample(item: Any, cell: SystemSpec, video: str, duration: float) -> Any:
        return await run_sample(cast(Any, None), item, cell, video, duration)

    @asynccontextmanager
    async def sampling(_: int, __: Mapping[str, str]) -> AsyncIterator[Sampler]:
        nonlocal asking, processor
        began, began_processor = time.perf_counter(), time.process_time()
        yield sample
        asking = time.perf_counter() - began
        processor = time.process_time() - began_processor

    with (
        tempfile.TemporaryDirectory(dir=ROOT / "bench") as name,
        patch("videoseal.evals.running.sample.ask", ask),
        patch("videoseal.evals.running.ready_videos.index_video", indexed),
        patch("videoseal.evals.running.run.model_names", lambda _: {}),
        redirect_stderr(io.StringIO()), show_run() as on_progress,
    ):  # fmt: skip
        places = questions(Path(name), count)
        settings = Settings(data_dir=Path(name))
        resources: Any = SimpleNamespace(settings=settings, store=None, models=None)
        spec = RunSpec(benchmark="cgbench", cells=[SystemSpec()])
        began = time.perf_counter()
        job = run(spec, places, resources, on_progress, concurrency=concurrency, on=sampling)
        asyncio.run(job)
        total = time.perf_counter() - began
        size = (places.folder / "samples.jsonl").stat().st_size // count
    return Took(asking, processor, total - asking, size)


def forced_writes(size: int, count: int) -> float:
    """Seconds to write that many lines of that size by hand, each forced to disk."""
    with tempfile.TemporaryFile(dir=ROOT / "bench", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(count):
            file.write(b"x" * size)
            os.fsync(file.fileno())
        return time.perf_counter() - began


def measure(samples: int, pairs: int, concurrency: int) -> dict[str, Any]:
    """Time all by turns; a first round does not count."""
    ready = episode()
    found = []
    for _ in range(pairs + 1):
        alone = plain_loop(ready, samples)
        took = whole_run(ready, samples, concurrency)
        disk = forced_writes(took.size, samples)
        seconds = (alone, took.asking, disk, took.processor)
        found.append((*(1000 * each / samples for each in seconds), took.once, took.size))
    alone_ms, asking_ms, disk_ms, processor_ms, once_s, sizes = zip(*found[1:], strict=True)
    added = statistics.median(b - a for a, b in zip(alone_ms, asking_ms, strict=True))
    quartiles = statistics.quantiles(asking_ms, n=4)
    return {
        "samples": samples, "pairs": pairs, "concurrency": concurrency, "record_bytes": sizes[0],
        "alone_ms": statistics.median(alone_ms), "run_ms": statistics.median(asking_ms),
        "run_ms_quartiles": [quartiles[0], quartiles[2]], "added_ms": added,
        "disk_alone_ms": statistics.median(disk_ms),
        "processor_ms": statistics.median(processor_ms),
        "share_of_a_12_s_question": added / 12_500, "once_s": statistics.median(once_s),
        "target_ms": TARGET_MS, "reached": added < TARGET_MS,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Milliseconds that a run adds to a question.")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.samples, options.pairs, options.concurrency)
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    low, high = found["run_ms_quartiles"]
    print(
        f"{found['samples']} questions, {found['pairs']} pairs,"
        f" records of {found['record_bytes'] / 1024:.0f} kB forced to disk; ms a question"
    )
    print(f"  stand-in alone     {found['alone_ms']:8.3f}")
    print(f"  in a run           {found['run_ms']:8.3f}   (quartiles {low:.2f} to {high:.2f})")
    print(f"  added              {found['added_ms']:8.3f}   (target < {TARGET_MS:g})")
    print(f"    of processor     {found['processor_ms']:8.3f}")
    print(f"    the bare writes  {found['disk_alone_ms']:8.3f}   (the same bytes, forced to disk)")
    share = 100 * found["share_of_a_12_s_question"]
    print(
        f"  that is {share:.3f} % of a question of 12.5 s; a run costs {found['once_s']:.1f} s once"
    )


if __name__ == "__main__":
    main()
