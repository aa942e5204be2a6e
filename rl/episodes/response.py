"""What OpenRLHF is given for one episode: a dict of tokens, masks, log-probs and numbers."""

from __future__ import annotations

from typing import Final, TypedDict

from videoseal.rl.episodes.chat_templates import Tokenizer
from videoseal.rl.episodes.group_baseline import NOTHING, Paid
from videoseal.rl.episodes.rollout import Rollout
from videoseal.rl.episodes.rollout_metrics import FACTS, facts_of
from videoseal.rl.episodes.tokens import TokenSegment
from videoseal.rl.rewards.rewards import Reward

__all__ = ["Response", "empty_response", "paid", "response"]

_DIGITS: Final = 6
"""Noise in the last bits of equal rewards would become full-size advantages."""
_SCORE_DIGITS: Final = 4
"""Fewer, so that a score of 1 is not missed by what rounding did to total and cost."""


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
    """The pay before costs; OpenRLHF's dynamic filtering looks at its mean in a group."""
    truncated: bool
    extra_logs: dict[str, float]


def response(
    rollout: Rollout,
    prompt: str,
    label: str,
    *,
    with_logprobs: bool = True,
    neutral: Paid = NOTHING,
) -> Response:
    """The last segment of an episode with its reward and its facts.

    One that failed keeps a single token in play and is paid `neutral`, the mean of its
    group: its advantage is 0. Without any token a step of nothing but such episodes divides by
    zero, and one such episode alone makes the trainer's averages NaN.
    """
    segments = rollout.transcript.segments
    facts = facts_of(rollout)
    if rollout.infra_error or not segments:
        segment = _one_token(segments, rollout.transcript.end_id)
        told = neutral
    else:
        segment, told = segments[-1], paid(rollout.reward)
    return _as_dict(prompt, label, segment, told, facts, rollout.truncated, with_logprobs)


def paid(reward: Reward) -> Paid:
    """What a sample's reward is to the trainer.

    The score leaves costs out: with them a question that is always answered and proven would stay
    below 1, and never be dropped as too easy. Whether an answer was proven stays in, for answers
    that are right but proven unequally are what a gated reward is about.
    """
    cost = reward.terms["cost"]
    before = min(1.0, reward.total / (1 - cost)) if cost < 1 else 0.0
    return Paid(round(reward.total, _DIGITS), round(before, _SCORE_DIGITS))


def empty_response(
    tokenizer: Tokenizer,
    prompt: str,
    label: str,
    *,
    with_logprobs: bool,
    neutral: Paid,
) -> Response:
    """That of an episode that could not even begin."""
    facts = {**dict.fromkeys(FACTS, 0.0), "infra_error": 1.0, "unwritten": 1.0}
    segment = _one_token([], int(tokenizer.eos_token_id))
    return _as_dict(prompt, label, segment, neutral, facts, False, with_logprobs)


def _as_dict(
    prompt: str,
    label: str,
    segment: TokenSegment,
    told: Paid,
    facts: dict[str, float],
    truncated: bool,
    with_logprobs: bool,
) -> Response:
    return Response(
        prompt=prompt,
        label=label,
        images=None,
        mm_train_inputs=None,
        observation_tokens=list(segment.ids),
        action_ranges=list(segment.ranges),
        rollout_log_probs=list(segment.logprobs) if with_logprobs else None,
        reward=told.reward,
        scores=told.score,
        truncated=truncated,
        extra_logs=facts,
    )


def _one_token(segments: list[TokenSegment], end_id: int) -> TokenSegment:
    """The first token that was sampled, after its prompt; ends of turns where there is none."""
    if not segments:
        return TokenSegment([end_id, end_id], [0.0, 0.0], [(1, 2)])
    first = segments[0]
    start = first.ranges[0][0]
    return TokenSegment(first.ids[: start + 1], first.logprobs[: start + 1], [(start, start + 1)])
