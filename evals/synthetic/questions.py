"""Drafts written out in LVBench's format: options in the text, letters balanced."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from videoseal.evals.synthetic.drafts import Draft, clock_range
from videoseal.evals.synthetic.script import Story
from videoseal.evals.synthetic.spec import VideoSpec

__all__ = ["questions_line"]

_LETTERS = "ABCD"


def questions_line(spec: VideoSpec, story: Story) -> tuple[str, int]:
    """One line of `video_info.meta.jsonl`, and how many questions it asks.

    Beyond LVBench's fields a question says whether it is `answerable`, which `evidence` it takes,
    its `hops`, and its `gold` spans in exact seconds.
    """
    rng = Random(f"letters {spec.seed} {spec.minutes}")
    letters = _balanced(rng, story.drafts)
    duration = story.times.duration
    asked = [
        _asked(f"{spec.key}-{number}", draft, letter, rng, duration)
        for number, (draft, letter) in enumerate(zip(story.drafts, letters, strict=True))
    ]
    document = {
        "key": spec.key,
        "type": "synthetic",
        "video_info": {
            "duration_minutes": round(duration / 60, 3),
            "fps": spec.fps,
            "resolution": {"width": spec.width, "height": spec.height},
        },
        "qa": asked,
    }
    return json.dumps(document, ensure_ascii=False) + "\n", len(asked)


def _balanced(rng: Random, drafts: Sequence[Draft]) -> list[int]:
    """Positions of the right option: among questions that have one, each as often as the others."""
    right = [draft.answer is not None for draft in drafts]
    deck = [number % len(_LETTERS) for number in range(sum(right))]
    rng.shuffle(deck)
    return [deck.pop() if answerable else 0 for answerable in right]


def _asked(uid: str, draft: Draft, position: int, rng: Random, duration: float) -> dict[str, Any]:
    options = list(draft.options)
    rng.shuffle(options)
    answerable = draft.answer is not None
    if draft.answer is not None:
        right = draft.options[draft.answer]
        options.remove(right)
        options.insert(position, right)
    lines = [f"({letter}) {text}" for letter, text in zip(_LETTERS, options, strict=True)]
    return {
        "uid": uid,
        "question": "\n".join([draft.question, *lines]),
        "answer": _LETTERS[position] if answerable else "",
        "question_type": list(draft.types),
        "time_reference": ", ".join(clock_range(span, duration) for span in draft.gold),
        "answerable": answerable,
        "evidence": draft.evidence,
        "hops": len(draft.gold),
        "gold": [[span.start, span.end] for span in draft.gold],
    }
