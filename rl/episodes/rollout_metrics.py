"""What is logged of every episode: one set of numbers, the same keys whatever happened.

OpenRLHF joins the logs of a batch by key and knows numbers only, so a key that is missing once, or
a word, ends a run.
"""

from __future__ import annotations

from typing import Any, Final

from videoseal.core.span import Span
from videoseal.evals.scoring.grounding import ground
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.rl.episodes.rollout import Rollout
from videoseal.rl.rewards.rewards import TERMS

__all__ = ["FACTS", "facts_of"]

FACTS: Final = (
    "turns", "tool_errors", "right", "abstained", "forced", "grounded", "best_iou", "frames",
    "segments", "turns_cut", "escaped", "tokens", "sampled", "context_full", "infra_error",
    "unwritten", "tries", "seconds", "generating_share", *(f"reward_{name}" for name in TERMS),
)  # fmt: skip
"""Every key; those of OpenRLHF itself (`reward`, `kl`, `response_length`...) are none of them."""


def facts_of(rollout: Rollout) -> dict[str, float]:
    """The numbers of one episode, all finite; those that it has none for are 0."""
    transcript, record = rollout.transcript, rollout.record
    last = transcript.segments[-1] if transcript.segments else None
    found = {
        **_judged(rollout),
        "turns": sum(len(segment.ranges) for segment in transcript.segments),
        "tool_errors": sum("error" in (step["result"] or {}) for step in _part(rollout, "steps")),
        "segments": len(transcript.segments),
        "turns_cut": transcript.inserted,
        "escaped": transcript.escaped,
        "tokens": len(last.ids) if last else 0,
        "sampled": transcript.sampled,
        "context_full": ((record.episode or {}).get("answer") or {}).get("cause") == "tokens",
        "infra_error": rollout.infra_error,
        "tries": rollout.tries,
        "seconds": rollout.seconds,
        "generating_share": rollout.generating / rollout.seconds if rollout.seconds else 0.0,
        **{f"reward_{name}": value for name, value in rollout.reward.terms.items()},
    }
    return {name: round(float(found.get(name, 0.0)), 6) for name in FACTS}


def _judged(rollout: Rollout) -> dict[str, float]:
    """How the episode ended and what was looked at; nothing where it failed."""
    if rollout.infra_error:
        return {}
    outcome = outcome_of(rollout.record)
    gold = [Span(*pair) for pair in outcome.item.evidence]
    found: dict[str, float] = {
        "right": outcome.right,
        "abstained": outcome.status == "abstained",
        "forced": outcome.status == "forced",
        "frames": sum(len(entry["frames"]) for entry in _part(rollout, "evidence")),
    }
    if gold:
        grounding = ground(outcome.looked, gold)
        found |= {"grounded": grounding.hit, "best_iou": grounding.best_iou}
    return found


def _part(rollout: Rollout, name: str) -> list[dict[str, Any]]:
    return (rollout.record.episode or {}).get(name) or []
