"""What a question cost: calls, tokens, frames, seconds, and money where prices are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from videoseal.evals.scoring.record_view import EpisodePart, Scorable

__all__ = ["NO_COST", "Cost", "ModelTokens", "Prices", "cost_of", "model_tokens", "money"]

Prices = Mapping[str, tuple[float, float]]
"""Price of a million prompt and of a million completion tokens, by model name."""
_MILLION: Final = 1_000_000


class Cost(NamedTuple):
    """What one question spent."""

    calls: int = 0
    """Of all models."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    frames: int = 0
    """Shown to models, counted every time."""
    steps: int = 0
    """Turns of the planner."""
    seconds: float = 0.0
    """Wall clock."""


NO_COST: Final = Cost()


class ModelTokens(NamedTuple):
    """Tokens that one model read and wrote."""

    model: str
    prompt: int
    completion: int


def cost_of(sample: Scorable) -> Cost:
    """Read the cost off a record; a sample that failed early cost its seconds."""
    episode = sample.episode
    if episode is None:
        return Cost(seconds=sample.seconds)
    spent = episode.usage.get("total")
    if spent is None:
        return Cost(steps=len(episode.steps), seconds=sample.seconds)
    return Cost(
        spent.calls, spent.prompt_tokens, spent.completion_tokens, spent.frames,
        len(episode.steps), sample.seconds,
    )  # fmt: skip


def model_tokens(episode: EpisodePart | None) -> tuple[ModelTokens, ...]:
    """Tokens by model, for every role that used any."""
    if episode is None:
        return ()
    return tuple(
        ModelTokens(episode.models.get(role, ""), used.prompt_tokens, used.completion_tokens)
        for role, used in episode.usage.items()
        if role != "total" and (used.prompt_tokens or used.completion_tokens)
    )


def money(tokens: tuple[ModelTokens, ...], prices: Prices) -> float | None:
    """What the tokens cost; None where a model that used some has no price."""
    total = 0.0
    for used in tokens:
        price = prices.get(used.model)
        if price is None:
            return None
        total += (used.prompt * price[0] + used.completion * price[1]) / _MILLION
    return total
