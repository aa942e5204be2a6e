"""Predictions in the forms that the benchmarks' own scorers and leaderboards take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from videoseal.core.errors import VideosealError
from videoseal.evals.scoring.sample_result import SampleResult

__all__ = ["FORMATS", "export"]

Document = Any


def export(benchmark: str, outcomes: Sequence[SampleResult]) -> str:
    """One system's predictions as the text of a submission file.

    Raises VideosealError for a set that has no submission format.
    """
    if benchmark not in FORMATS:
        raise VideosealError(
            f"{benchmark} has no submission format", hint=f"known are {', '.join(FORMATS)}"
        )
    return json.dumps(FORMATS[benchmark](outcomes), ensure_ascii=False, indent=1)


def _lvbench(outcomes: Iterable[SampleResult]) -> Document:
    """`{uid: letter}`, answered questions alone."""
    return {o.item.uid: o.letter for o in outcomes if o.letter}


def _cgbench(outcomes: Iterable[SampleResult]) -> Document:
    """One object a question: the letter and at most five predicted intervals."""
    return [
        {
            "qid": int(o.item.uid),
            "video_uid": o.item.video,
            "pred": o.letter or "",
            "pred_intervals": [[span.start, span.end] for span in o.looked.cited[:5]],
        }
        for o in outcomes
    ]


def _videomme(outcomes: Iterable[SampleResult]) -> Document:
    """One object a video with its questions, each with the letter as `response`."""
    videos: dict[str, dict[str, Any]] = {}
    for o in outcomes:
        video = videos.setdefault(
            o.item.video,
            {"video_id": o.item.video, "duration": o.item.group, "questions": []},
        )
        video["questions"].append(
            {
                "question_id": o.item.uid,
                "task_type": o.item.categories[0],
                "answer": o.item.answer,
                "response": o.letter or "",
            }
        )
    return list(videos.values())


def _mlvu(outcomes: Iterable[SampleResult]) -> Document:
    """One object a question: the text of the chosen option, or the free text."""
    return [
        {
            "question_id": o.item.uid,
            "video_name": o.item.video,
            "question_type": o.item.categories[0],
            "option": o.letter or "",
            "answer": o.text,
        }
        for o in outcomes
    ]


def _longvideobench(outcomes: Iterable[SampleResult]) -> Document:
    """`{id: index of the chosen option}`, answered questions alone."""
    return {o.item.uid: ord(o.letter) - ord("A") for o in outcomes if o.letter}


FORMATS: Final[Mapping[str, Callable[[Iterable[SampleResult]], Document]]] = {
    "lvbench": _lvbench,
    "cgbench": _cgbench,
    "videomme": _videomme,
    "mlvu": _mlvu,
    "longvideobench": _longvideobench,
}
"""Submission formats by benchmark."""
