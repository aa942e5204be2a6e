"""What OpenRLHF is given for one episode: a dict of tokens, masks, log-probs and numbers.

Its numbers are the same set whatever happened: OpenRLHF joins the logs of a batch by key and knows
numbers only, so a key that is missing once, or a word, ends a run.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypedDict

from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.rl.episodes.rollout import Rollout
from videoseal.rl.episodes.tokens import TokenSegment
from videoseal.rl.rewards.rewards import TERMS, Reward

__all__ = ["METRICS", "NO_REWARD", "GroupReward", "Response", "metrics_of", "response",
           "to_group_reward"]  # fmt: skip

METRICS: Final = (
    "turns", "tool_errors", "right", "abstained", "forced", "grounded", "best_iou", "frames",
    "segments", "turns_cut", "escaped", "tokens", "sampled", "context_full", "infra_error",
    "unwritten", "tries", "seconds", "generating_share", *(f"reward_{name}" for name in TERMS),
)  # fmt: skip
"""Every key; those of OpenRLHF itself (`reward`, `kl`, `response_length`...) are none of them."""
_DIGITS: Final = 6
"""Noise in the last bits of equal rewards would become full-size advantages."""
_SCORE_DIGITS: Final = 4
"""Fewer, so that a score of 1 is not missed by what rounding did to total and cost."""


class GroupReward(NamedTuple):
    """How good a sample was, as the trainer compares it with the others of its question."""

    reward: float
    """What it learns from."""
    score: float
    """By which it drops questions that are always or never solved: the reward before costs."""


NO_REWARD: Final = GroupReward(0.0, 0.0)


class Response(TypedDict):
    """The form of OpenRLHF 0.11.2; one token sequence an episode."""

    prompt: str
    label: str
    images: None
    mm_train_inputs: None
    observation_tokens: list[int]
    action_ranges: list[tuple[int, int]]
    """Half-open ranges of the tokens that carry a loss."""
    rollout_log_probs: list[float] | None
    """One a token, 0 for those without a loss; None exactly where none were asked for."""
    reward: float
    scores: float
    """OpenRLHF's dynamic filtering looks at its mean in a group."""
    truncated: bool
    extra_logs: dict[str, float]


def to_group_reward(reward: Reward) -> GroupReward:
    """What a sample's reward is to the trainer.

    The score leaves costs out: with them a question that is always answered and proven would stay
    below 1, and never be dropped as too easy. Whether an answer was proven stays in, for answers
    that are right but proven unequally are what a gated reward is about.
    """
    cost = reward.terms["cost"]
    before = min(1.0, reward.total / (1 - cost)) if cost < 1 else 0.0
    return GroupReward(round(reward.total, _DIGITS), round(before, _SCORE_DIGITS))


def response(
    prompt: str,
    label: str,
    rollout: Rollout | None,
    earned: GroupReward,
    end_id: int,
    *,
    with_logprobs: bool,
) -> Response:
    """The last segment of an episode with its metrics; without a rollout it could not begin.

    One that failed keeps a single token in play, and `earned` is the mean of its group: its
    advantage is 0. Without any token a step of nothing but such episodes divides by zero, and one
    such episode alone makes the trainer's averages NaN.
    """
    segments = rollout.transcript.segments if rollout else []
    failed = rollout is None or rollout.infra_error
    segment = _one_token(segments, end_id) if failed or not segments else segments[-1]
    reward, score = earned if failed or segments else NO_REWARD
    return Response(
        prompt=prompt,
        label=label,
        images=None,
        mm_train_inputs=None,
        observation_tokens=list(segment.ids),
        action_ranges=list(segment.ranges),
        rollout_log_probs=list(segment.logprobs) if with_logprobs else None,
        reward=reward,
        scores=score,
        truncated=rollout is not None and rollout.truncated,
        extra_logs=metrics_of(rollout),
    )


def metrics_of(rollout: Rollout | None) -> dict[str, float]:
    """The numbers of one episode, all finite; those that it has none for are 0."""
    if rollout is None:
        return {**dict.fromkeys(METRICS, 0.0), "infra_error": 1.0, "unwritten": 1.0}
    transcript, record = rollout.transcript, rollout.record
    last = transcript.segments[-1] if transcript.segments else None
    found = {
        **_result_metrics(rollout),
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
    return {name: round(float(found.get(name, 0.0)), 6) for name in METRICS}


def _result_metrics(rollout: Rollout) -> dict[str, float]:
    """How the episode ended and what was looked at; nothing where it failed."""
    if rollout.infra_error:
        return {}
    outcome = outcome_of(rollout.record)
    found: dict[str, float] = {
        "right": bool(outcome.right),
        "abstained": outcome.status == "abstained",
        "forced": outcome.status == "forced",
        "frames": sum(len(entry["frames"]) for entry in _part(rollout, "evidence")),
    }
    if grounding := outcome.grounding:
        found |= {"grounded": grounding.hit, "best_iou": grounding.best_iou}
    return found


def _part(rollout: Rollout, name: str) -> list[dict[str, Any]]:
    return (rollout.record.episode or {}).get(name) or []


def _one_token(segments: list[TokenSegment], end_id: int) -> TokenSegment:
    """The first token that was sampled, after its prompt; ends of turns where there is none."""
    if not segments:
        return TokenSegment([end_id, end_id], [0.0, 0.0], [(1, 2)])
    first = segments[0]
    start = first.ranges[0][0]
    return TokenSegment(first.ids[: start + 1], first.logprobs[: start + 1], [(start, start + 1)])
