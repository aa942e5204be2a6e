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


def _cgbench(o: SampleResult) -> Document:
    """The letter and at most five predicted intervals."""
    return {
        "qid": int(o.item.uid),
        "video_uid": o.item.video,
        "pred": o.letter or "",
        "pred_intervals": [[span.start, span.end] for span in o.looked.cited[:5]],
    }


def _videomme(outcomes: Iterable[SampleResult]) -> Document:
    """One object a video with its questions, each with the letter as `response`."""
    videos: dict[str, dict[str, Any]] = {}
    for o in outcomes:
        item = o.item
        video = {"video_id": item.video, "duration": item.group, "questions": []}
        videos.setdefault(item.video, video)["questions"].append(
            {
                "question_id": item.uid,
                "task_type": item.categories[0],
                "answer": item.answer,
                "response": o.letter or "",
            }
        )
    return list(videos.values())


def _mlvu(o: SampleResult) -> Document:
    """The text of the chosen option, or the free text."""
    return {
        "question_id": o.item.uid,
        "video_name": o.item.video,
        "question_type": o.item.categories[0],
        "option": o.letter or "",
        "answer": o.text,
    }


FORMATS: Final[Mapping[str, Callable[[Iterable[SampleResult]], Document]]] = {
    "lvbench": lambda outcomes: {o.item.uid: o.letter for o in outcomes if o.letter},
    "cgbench": lambda outcomes: [_cgbench(o) for o in outcomes],
    "videomme": _videomme,
    "mlvu": lambda outcomes: [_mlvu(o) for o in outcomes],
    "longvideobench": lambda outcomes: {
        o.item.uid: ord(o.letter) - ord("A") for o in outcomes if o.letter
    },
}
"""Submission formats by benchmark; a question without an answer is left out where a form has no
word for it."""
