"""Rewards: pure functions of an episode's record, every term of them logged.

The default pays `correct * min(1, tIoU / 0.05)` where a question has gold spans, and `correct`
where it has none, as the paper does. What differs is what the overlap is taken of, because a sum
that can be gamed will be:

- only what was shown counts (`rl.rewards.span_overlap`), never what was merely asked for;
- the gate looks at the windows that carry the answer, all of them as one set. Places that were
  visited and prove nothing neither open it nor close it; they cost their steps and frames. With
  the paper's best pair of any visited with any gold span, every further visit can only help;
- a window much longer than the gold span pays less: an IoU of 0.05 is reached by a window twenty
  times too long, so the gate is multiplied by how tight the proof is, `min(1, allowed / shown)`
  seconds, with `slack` times the gold span, and at least `window_s`, allowed for each;
- to abstain where nothing in the video answers is right, and pays only after a look;
- costs take a share of what was earned. A failed episode pays 0 whatever it did, so that among
  failures giving up early is no better than searching on, and no reward is negative.

Nothing that the policy writes is read, except to count its mistakes. Totals and terms are rounded
to 6 digits: noise in the last bits would become full-size advantages within a group of equals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from videoseal.core.span import Span, covered_seconds
from videoseal.evals.records import SampleRecord
from videoseal.evals.scoring.sample_result import EpisodePart, SampleResult, outcome_of
from videoseal.models.reply import read_strict_calls
from videoseal.rl.rewards.span_overlap import (
    ShownSpans,
    best_pair,
    proof,
    shown,
    together,
    wide_enough,
)

__all__ = ["RECIPES", "TERMS", "Kind", "Reward", "RewardSpec", "mistakes", "reward_of"]

Kind = Literal["gated", "outcome", "five_term"]

RECIPES: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "gated": {"step_cost": 0.005, "frame_cost": 0.0002, "error_cost": 0.05},
    "outcome": {},
    "five_term": {
        "final_weight": 0.6, "tool_weight": 0.2, "look_weight": 0.1, "form_weight": 0.1,
        "slack": None, "errors": "zero", "looks": 0,
    },
}  # fmt: skip
"""What each kind sets where nothing else is asked for; the rest are the fields' own defaults."""

TERMS: Final = (
    "correct", "answered", "abstained", "forced", "gate", "iou", "tight", "f1", "grounded",
    "judge", "form", "errors", "steps", "frames", "cost",
)  # fmt: skip
"""Keys of `Reward.terms`, the same for every kind and every episode."""

_OWN_MISTAKES: Final = frozenset(
    {
        "NoToolCall",
        "BadArguments",
        "UnknownTool",
        "SpanError",
        "OneCallAtATime",
        "TooEarly",
        "NotAlone",
        "TooManyCalls",
    }
)
"""Errors in a tool's result that are the policy's doing; all others are the world's."""
_CONTROL: Final = re.compile(r"<\|[^|<>]{1,40}\|>|</?tool_response>|<tools>")
"""Strings that only a chat template may write."""
_END: Final = re.compile(r"(?:\s*<\|(?:im_end|endoftext)\|>)+\s*$")
"""How an engine that keeps special tokens ends a turn."""
_UNCHOSEN: Final = frozenset({"no_call", "no_choice", "error"})
"""Causes of an abstention that nobody decided on."""


class RewardSpec(BaseModel):
    """Which reward, with all its weights, gates and costs; defaults depend on the kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = "gated"
    """`gated`: right and shown to be so. `outcome`: right, nothing else. `five_term`: the sum
    that the reference system describes, with its best pair and without our guards."""
    final_weight: float = Field(default=1.0, ge=0, le=1)
    """Of the gated answer; `five_term` only, like the three that follow."""
    tool_weight: float = Field(default=0.0, ge=0, le=1)
    """Of the best temporal F1 of a shown window with a gold span."""
    look_weight: float = Field(default=0.0, ge=0, le=1)
    """Of the gate alone, right or wrong."""
    form_weight: float = Field(default=0.0, ge=0, le=1)
    """Of turns without a mistake, times the gate."""
    judge_weight: float = Field(default=0.0, ge=0, le=1)
    """Of a judge's verdict: in `five_term` a term of its own, else the share of a right answer's
    pay that rests on it. Without a verdict it has no effect."""
    target: float = Field(default=0.05, gt=0, le=1)
    """tIoU at which the gate is fully open."""
    slack: float | None = Field(default=4.0, ge=1)
    """How many times the length of the gold span may be shown without loss; None for any."""
    window_s: float = Field(default=16.0, gt=0)
    """Seconds that may be shown for each gold span without loss, however short it is: a clip."""
    gold_s: float = Field(default=2.0, ge=0)
    """Gold spans shorter than this are widened to it."""
    looks: int = Field(default=1, ge=0)
    """Inspections before an abstention can be right."""
    abstained: float = Field(default=0.0, ge=0, le=0.2)
    """Paid for abstaining, after `looks`, where there is an answer: more than for a wrong one."""
    forced: bool = False
    """Whether a right guess that was forced counts as right."""
    errors: Literal["cost", "zero"] = "cost"
    """What a policy's mistake does: cost `error_cost`, or void the episode."""
    step_cost: float = Field(default=0.0, ge=0, le=1)
    """Share of the pay that every turn costs; a right abstention pays neither turns nor frames."""
    frame_cost: float = Field(default=0.0, ge=0, le=1)
    """Share of the pay that every shown frame costs."""
    error_cost: float = Field(default=0.0, ge=0, le=1)
    """Share of the pay that every mistake costs."""
    most_cost: float = Field(default=0.5, ge=0, le=1)
    """The largest share that all costs together take."""

    @model_validator(mode="before")
    @classmethod
    def _with_recipe(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {**RECIPES.get(given.get("kind", "gated"), {}), **given}


class Reward(NamedTuple):
    """What an episode is paid, and why."""

    total: float
    """In [0, 1], 6 digits."""
    terms: dict[str, float]
    """By the names in `TERMS`; counts as they are, the rest in [0, 1]."""


@dataclass(frozen=True, slots=True)
class _Case:
    """An episode that came to an end, with all that a reward looks at."""

    outcome: SampleResult
    episode: EpisodePart
    raw: dict[str, Any]
    """The episode as it was recorded."""
    verdict: float | None
    spec: RewardSpec

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The turns as they were recorded."""
        return self.raw.get("steps") or []

    @property
    def looked(self) -> bool:
        """Whether there were inspections enough for an abstention, and somebody decided on it."""
        chosen = self.raw["answer"].get("cause") not in _UNCHOSEN
        return chosen and len(self.episode.evidence) >= self.spec.looks


def reward_of(record: SampleRecord, spec: RewardSpec, judge: float | None = None) -> Reward:
    """The reward of one recorded episode; `judge` is a verdict in [0, 1] where one was asked.

    A record without an episode, or whose episode failed, is paid 0. Free-text questions are right
    as far as the judge says so. Raises ValueError for a record whose spans are none.
    """
    outcome, raw = outcome_of(record), record.episode
    if outcome.episode is None or raw is None or outcome.status == "errored":
        return Reward(0.0, dict.fromkeys(TERMS, 0.0))
    verdict = None if judge is None else min(1.0, max(0.0, judge))
    case = _Case(outcome, outcome.episode, raw, verdict, spec)
    terms = _terms(case)
    total = _pay(case, terms) * (1 - terms["cost"])
    if terms["errors"] and spec.errors == "zero":
        total = 0.0
    rounded = {name: round(float(value), 6) for name, value in terms.items()}
    return Reward(round(min(1.0, max(0.0, total)), 6), rounded)


def mistakes(steps: Sequence[Mapping[str, Any]]) -> int:
    """How many mistakes the policy made in the turns of an episode.

    A turn without a call that could be carried out, a span that could not be read, every call
    after the first of a turn, and every control token written as text count one each.
    """
    return sum(map(_mistakes_in_turn, steps))


def _mistakes_in_turn(step: Mapping[str, Any]) -> int:
    result = step.get("result") or {}
    said = _END.sub("", str(step.get("said") or ""))
    calls = read_strict_calls(said, 0)
    failed = result.get("error") in _OWN_MISTAKES or not step.get("tool")
    spans = any("no frames are left" not in str(bad) for bad in result.get("rejected", ()))
    more = max(0, len(calls.calls) + len(calls.invalid) - 1)
    return failed + spans + more + len(_CONTROL.findall(said))


def _terms(case: _Case) -> dict[str, float]:
    status, errors = case.outcome.status, mistakes(case.steps)
    terms: dict[str, float] = {
        "correct": _correct(case),
        "answered": status == "answered",
        "abstained": status == "abstained",
        "forced": status == "forced",
        **_proof_terms(case),
        "grounded": case.outcome.grounding is not None and case.outcome.grounding.hit,
        "judge": case.verdict or 0.0,
        "form": errors == 0,
        "errors": errors,
        "steps": len(case.steps),
        "frames": sum(len(entry["frames"]) for entry in case.episode.evidence),
        "cost": 0.0,
    }
    return {**terms, "cost": _cost(terms, case.spec)}


def _correct(case: _Case) -> float:
    outcome = case.outcome
    if outcome.status == "forced" and not case.spec.forced:
        return 0.0
    if outcome.item.prose and outcome.item.answerable:
        return (case.verdict or 0.0) if outcome.text else 0.0
    return float(bool(outcome.right))


def _proof_terms(case: _Case) -> dict[str, float]:
    """What was shown, measured against the gold spans."""
    spec, item = case.spec, case.outcome.item
    gold = wide_enough(item.evidence, spec.gold_s)
    if not item.answerable or not gold:
        gate = 1.0 if item.answerable else float(case.looked)
        return {"gate": gate, "iou": 0.0, "tight": 1.0, "f1": 0.0}
    if spec.kind == "five_term":
        overlap, tight = best_pair(shown(case.episode), gold), 1.0
    else:
        windows = proof(case.episode)
        overlap, tight = together(windows, gold), _tight(windows, gold, spec)
    gate = min(1.0, overlap.iou / spec.target) * tight
    return {"gate": gate, "iou": overlap.iou, "tight": tight, "f1": overlap.f1}


def _tight(windows: Sequence[ShownSpans], gold: Sequence[Span], spec: RewardSpec) -> float:
    length = covered_seconds(window.hull for window in windows)
    if spec.slack is None or not length:
        return 1.0
    allowed = sum(max(spec.window_s, spec.slack * span.duration) for span in gold)
    return min(1.0, allowed / length)


def _pay(case: _Case, terms: Mapping[str, float]) -> float:
    """What is earned before costs."""
    spec, correct = case.spec, terms["correct"]
    if terms["abstained"] and case.outcome.item.answerable:
        return spec.abstained * case.looked
    if spec.kind == "five_term":
        return _five_terms(case, terms)
    if case.verdict is not None and not case.outcome.item.prose:
        correct *= 1 - spec.judge_weight * (1 - case.verdict)
    return correct if spec.kind == "outcome" else correct * terms["gate"]


def _five_terms(case: _Case, terms: Mapping[str, float]) -> float:
    """The reference's sum; an answer counts only where the last turn looked and settled it.

    Where there is no gold span, the two terms on overlap are left out and the others scaled up.
    """
    spec, gate = case.spec, terms["gate"]
    if not terms["abstained"] and not _settled_by_a_look(case):
        return 0.0
    earned = spec.final_weight * terms["correct"] * gate + spec.form_weight * terms["form"] * gate
    earned += spec.judge_weight * terms["judge"]
    if case.outcome.item.evidence:
        return earned + spec.tool_weight * terms["f1"] + spec.look_weight * gate
    weights = spec.final_weight + spec.form_weight + spec.judge_weight
    return earned * (weights + spec.tool_weight + spec.look_weight) / weights if weights else 0.0


def _settled_by_a_look(case: _Case) -> bool:
    ledger = case.raw.get("evidence") or [{}]
    last = case.steps[-1].get("tool") if case.steps else None
    return last == "visual_inspect" and bool(ledger[-1].get("sufficient"))


def _cost(terms: Mapping[str, float], spec: RewardSpec) -> float:
    cost = spec.error_cost * terms["errors"]
    if not terms["abstained"]:
        cost += spec.step_cost * terms["steps"] + spec.frame_cost * terms["frames"]
    return min(spec.most_cost, cost)
