"""Drafts written out in LVBench's format: put in words, options in the text, letters balanced."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from videoseal.evals.synthetic.drafts import Draft, clock_range
from videoseal.evals.synthetic.phrasings import Phrasing, Wordings, deal
from videoseal.evals.synthetic.script import Story
from videoseal.evals.synthetic.spec import VideoSpec

__all__ = ["questions_line"]

_LETTERS = "ABCD"


def questions_line(spec: VideoSpec, story: Story, wordings: Wordings) -> tuple[str, int]:
    """One line of `video_info.meta.jsonl`, and how many questions it asks.

    Beyond LVBench's fields a question says whether it is `answerable`, which `evidence` it takes,
    its `hops`, its `gold` spans in exact seconds, and whose `wording` it has. An open one has no
    options, and a value as its answer.
    """
    rng = Random(f"letters {spec.seed} {spec.minutes}")
    phrasings = deal(wordings, [draft.family for draft in story.drafts], rng)
    letters = _balanced(rng, story.drafts, phrasings)
    duration = story.times.duration
    asked = [
        _asked(f"{spec.key}-{number}", draft, phrasing, letter, rng, duration)
        for number, (draft, phrasing, letter) in enumerate(
            zip(story.drafts, phrasings, letters, strict=True)
        )
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


def _balanced(rng: Random, drafts: Sequence[Draft], phrasings: Sequence[Phrasing]) -> list[int]:
    """Positions of the right option: among questions that have one, each as often as the others."""
    right = [
        draft.answer is not None and not phrasing.open
        for draft, phrasing in zip(drafts, phrasings, strict=True)
    ]
    deck = [number % len(_LETTERS) for number in range(sum(right))]
    rng.shuffle(deck)
    return [deck.pop() if lettered else 0 for lettered in right]


def _asked(
    uid: str, draft: Draft, phrasing: Phrasing, position: int, rng: Random, duration: float
) -> dict[str, Any]:
    options = list(draft.options)
    rng.shuffle(options)
    answer = ""
    if draft.answer is not None:
        right = draft.options[draft.answer]
        options.remove(right)
        options.insert(position, right)
        answer = draft.values[draft.answer] if phrasing.open else _LETTERS[position]
    lines = [f"({letter}) {text}" for letter, text in zip(_LETTERS, options, strict=True)]
    question = phrasing.text.format(**draft.fields)
    return {
        "uid": uid,
        "question": question if phrasing.open else "\n".join([question, *lines]),
        "answer": answer,
        "question_type": list(draft.types),
        "time_reference": ", ".join(clock_range(span, duration) for span in draft.gold),
        "answerable": draft.answer is not None,
        "evidence": draft.evidence,
        "hops": len(draft.gold),
        "gold": [[span.start, span.end] for span in draft.gold],
        "wording": phrasing.wording,
    }
