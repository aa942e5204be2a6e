"""The benchmarks by name: how to read each, how it is scored officially, how to get it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import VideosealError
from videoseal.evals.benchmarks import cgbench, longvideobench, lvbench, mlvu, videomme, videoseal
from videoseal.evals.item import Item

__all__ = ["BENCHMARKS", "Benchmark", "benchmark"]


class Benchmark(NamedTuple):
    """One question set."""

    name: str
    title: str
    load: Callable[[Path], list[Item]]
    annotations: str
    """What the annotation file is usually called."""
    home: str
    """Where it is published."""
    licence: str


_OWN: Final = "its own licence, research use: see there"


def _load_synthetic(path: Path) -> list[Item]:
    """Generated questions; LVBench's format, but not LVBench."""
    return [item.model_copy(update={"benchmark": "synthetic"}) for item in lvbench.load(path)]


BENCHMARKS: Final = {
    entry.name: entry
    for entry in (
        Benchmark(
            "lvbench", "LVBench", lvbench.load, "video_info.meta.jsonl",
            "https://huggingface.co/datasets/zai-org/LVBench", _OWN,
        ),
        Benchmark(
            "cgbench", "CG-Bench", cgbench.load, "cgbench_mini.json",
            "https://huggingface.co/datasets/CG-Bench/CG-Bench", _OWN,
        ),
        Benchmark(
            "longvideobench", "LongVideoBench", longvideobench.load, "lvb_val.json",
            "https://huggingface.co/datasets/longvideobench/LongVideoBench", _OWN,
        ),
        Benchmark(
            "videomme", "Video-MME", videomme.load, "videomme.json",
            "https://huggingface.co/datasets/lmms-lab/Video-MME", _OWN,
        ),
        Benchmark(
            "mlvu", "MLVU", mlvu.load, "json/",
            "https://huggingface.co/datasets/MLVU/MVLU", _OWN,
        ),
        Benchmark(
            "videoseal", "VideoSEAL parquet", videoseal.load, "train.parquet",
            "the release of the VideoSEAL paper", "that of the questions' source",
        ),
        Benchmark(
            "synthetic", "generated videos", _load_synthetic, "*.questions.jsonl",
            "videoseal eval synthetic --generate HOURS", "MIT",
        ),
    )
}  # fmt: skip
"""Every known benchmark by its name on the command line."""


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name; VideosealError lists what there is."""
    if name not in BENCHMARKS:
        raise VideosealError(
            f"no benchmark is called {name!r}", hint=f"known are {', '.join(BENCHMARKS)}"
        )
    return BENCHMARKS[name]
