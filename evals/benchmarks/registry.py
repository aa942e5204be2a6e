"""The benchmarks by name: how each publishes a question, what to call it, where it is had."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import VideosealError
from videoseal.evals.benchmarks.layouts import Layout, load
from videoseal.evals.item import Item

__all__ = ["BENCHMARKS", "Benchmark", "benchmark"]


class Benchmark(NamedTuple):
    """One question set."""

    name: str
    title: str
    layout: Layout
    annotations: str
    """What the annotation file is usually called."""
    home: str
    """Where it is published."""
    licence: str = "its own licence, research use: see there"

    def load(self, path: Path) -> list[Item]:
        """Its questions from an annotation file or a folder of them; raises AnnotationError."""
        return load(self.name, self.layout, path)


_LVBENCH: Final = Layout(
    ("key", "video_id", "video_path"), "answer", ("question_type",), "uid",
    spans=("gold", "time_reference"), inner="qa", needs="evidence", group="wording",
)  # fmt: skip
"""Generated questions are published alike, with more of them known."""

BENCHMARKS: Final = {
    entry.name: entry
    for entry in (
        Benchmark(
            "lvbench", "LVBench", _LVBENCH, "video_info.meta.jsonl",
            "https://huggingface.co/datasets/zai-org/LVBench",
        ),
        Benchmark(
            "cgbench", "CG-Bench",
            Layout(
                ("video_uid",), "right_answer", ("sub_category", "domain"), "qid", "choices",
                said="answer", spans=("clue_intervals",),
            ),
            "cgbench_mini.json", "https://huggingface.co/datasets/CG-Bench/CG-Bench",
        ),
        Benchmark(
            "longvideobench", "LongVideoBench",
            Layout(
                ("video_path", "video_id"), "correct_choice", ("question_category",), "id",
                "candidates option", gold="index", group="duration_group", spans=("position",),
            ),
            "lvb_val.json", "https://huggingface.co/datasets/longvideobench/LongVideoBench",
        ),
        Benchmark(
            "videomme", "Video-MME",
            Layout(
                ("videoID", "video_id"), "answer", ("task_type",), "question_id", "options",
                group="duration", inner="questions",
            ),
            "videomme.json", "https://huggingface.co/datasets/lmms-lab/Video-MME",
        ),
        Benchmark(
            "mlvu", "MLVU",
            Layout(
                ("video",), "answer", ("question_type",), options="candidates", gold="text",
                prose=frozenset({"sub_scene", "subPlot", "summary"}),
            ),
            "json/", "https://huggingface.co/datasets/MLVU/MVLU",
        ),
        Benchmark(
            "longvidsearch", "LongVidSearch",
            Layout(
                ("video", "video_id"), "answer", ("category",), "uid", group="hop_level",
                inner="*", prose=None,
            ),
            "qa.json", "https://huggingface.co/datasets/Fishiing/LongVidSearch", "MIT",
        ),
        Benchmark(
            "videoseal", "VideoSEAL parquet",
            Layout(
                ("video_id",), "ground_truth", uid="qa_uid",
                spans=("clue_intervals", "time_reference"), inner="extra_info",
            ),
            "train.parquet", "the release of the VideoSEAL paper",
            "that of the questions' source",
        ),
        Benchmark(
            "synthetic", "generated videos", _LVBENCH, "*.questions.jsonl",
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
