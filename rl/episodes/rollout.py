"""One training episode: a question put to the graph with the policy as its planner.

What the policy gets wrong (a call that cannot be read, an unknown tool, a bad span, no end in time)
is told to it by the graph and lowers its reward. What goes wrong around it (an endpoint, the
database, the engine, a bug) is tried once more and then marked: such an episode says nothing about
the policy, so nobody may learn from it.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from videoseal.core.errors import ModelUnavailable
from videoseal.evals.judging.blind_view import blind_view
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.graph.ask import ask
from videoseal.graph.baselines import agent_on
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode
from videoseal.graph.resources import Resources
from videoseal.models.roles import Judge
from videoseal.rl.config import RolloutConfig
from videoseal.rl.data.tasks import TaskLabel
from videoseal.rl.episodes.chat_templates import Tokenizer
from videoseal.rl.episodes.policy import Engine, PolicyChat, Speaker
from videoseal.rl.episodes.tokens import Transcript
from videoseal.rl.rewards.rewards import TERMS, Reward, reward_of

__all__ = ["Rollout", "run_episode"]

log = logging.getLogger(__name__)

_TRIES: Final = 2
_GRACE_S: Final = 30.0
"""How much longer than its time an episode may hang before it is cut off."""
_UNHEARD: Final = SampleError(type="ModelUnavailable", message="the engine gave no turn in time")


@dataclass(frozen=True, slots=True)
class Rollout:
    """An episode and all that the trainer is told of it."""

    record: SampleRecord
    transcript: Transcript
    reward: Reward
    """0 with 0 for every term where `infra_error`."""
    infra_error: bool
    """Whether something around the policy failed, so that it may not be learnt from."""
    truncated: bool
    """Whether the context, a turn's tokens or the time ended it before the policy did."""
    generating: float
    """Seconds spent waiting for the engine, in the try that counts."""
    seconds: float
    """Of that try."""
    tries: int
    cut_off: bool = False
    """Whether it hung: past its time and its grace, or without a single turn of the policy."""


async def run_episode(
    config: RolloutConfig,
    resources: Resources,
    task: TaskLabel,
    engine: Engine,
    sampling: Any,
    tokenizer: Tokenizer,
    max_length: int,
    *,
    judge: Judge | None = None,
) -> Rollout:
    """Play one episode of at most `max_length` tokens; raises nothing but TemplateRefused.

    `sampling` are vLLM's SamplingParams. `judge` is for a reward that has a term for it, and has
    the time of a tool to rule.
    """
    seconds = min(config.context.max_seconds, config.episode_seconds)
    context = config.context.model_copy(update={"max_seconds": seconds})
    brief = resources.settings.tool_call_format == "brief"
    number = 0
    while True:
        number += 1
        transcript = Transcript(tokenizer, max_length, brief=brief)
        speaker = Speaker(transcript, engine, sampling, config.turn_tokens)
        rollout = await _play(config, resources, task, speaker, context, judge, number)
        # An episode that hung has had its time: another would hold up the whole step.
        if not rollout.infra_error or rollout.cut_off or number == _TRIES:
            return rollout
        log.warning("episode of %s failed, trying again: %s", task.item.uid, rollout.record.error)


async def _play(
    config: RolloutConfig,
    resources: Resources,
    task: TaskLabel,
    speaker: Speaker,
    context: Context,
    judge: Judge | None,
    number: int,
) -> Rollout:
    models = replace(resources.models, planner=PolicyChat(speaker=speaker))
    held = replace(resources, models=models)
    began = time.monotonic()
    episode: Episode | None = None
    error: SampleError | None = None
    clock = asyncio.timeout(context.max_seconds + _GRACE_S)
    try:
        async with clock:
            episode = await ask(
                held, task.item.question, task.video_id, context,
                graph=agent_on(held, context.mode, tool_seconds=config.tool_seconds),
            )  # fmt: skip
    except Exception as caught:  # the task boundary: no episode may end the training
        error = _sample_error(caught)
    error = error or _failure(episode, speaker)
    seconds = time.monotonic() - began
    record = _record(task, context, episode, error, seconds)
    reward, error = await _reward(record, speaker.transcript, config, judge)
    if error is not None:
        record = record.model_copy(update={"error": error})
    return Rollout(
        record=record,
        transcript=speaker.transcript,
        reward=reward,
        infra_error=error is not None,
        truncated=_truncated(speaker, episode, clock),
        generating=speaker.generating,
        seconds=seconds,
        tries=number,
        cut_off=clock.expired() or error == _UNHEARD,
    )


async def _reward(
    record: SampleRecord, transcript: Transcript, config: RolloutConfig, judge: Judge | None
) -> tuple[Reward, SampleError | None]:
    """The reward, or 0 and what keeps the episode from being rewarded."""
    nothing = Reward(0.0, dict.fromkeys(TERMS, 0.0))
    if record.error is not None:
        return nothing, record.error
    try:
        transcript.validate()
        verdict = await _verdict(record, judge, config.tool_seconds) if judge else None
        return reward_of(record, config.reward, verdict), None
    except Exception as caught:  # neither a bug in a reward nor a lost judge ends the training
        return nothing, _sample_error(caught)


async def _verdict(record: SampleRecord, judge: Judge, seconds: float) -> float | None:
    """1 where what was seen suffices to derive the answer, else 0; None without an answer.

    Open questions get none: that an answer follows from the evidence does not make it the right
    one, and without options nothing else would.
    """
    request = None if record.episode is None or record.item.free_text else blind_view(record)
    if request is None:
        return None
    if not request.evidence:
        return 0.0
    try:
        async with asyncio.timeout(seconds):
            ruling = (await judge.judge(request)).value
    except TimeoutError:
        raise ModelUnavailable(f"the judge said nothing in {seconds:g} s", role="judge") from None
    return float(ruling.grounded)


def _failure(episode: Episode | None, speaker: Speaker) -> SampleError | None:
    """What around the policy failed in an episode that came to its end."""
    if episode is None:
        return None
    if episode.error is not None:
        return SampleError(type=episode.error.type, message=episode.error.message)
    heard = speaker.transcript.segments or speaker.full
    return None if heard else _UNHEARD


def _truncated(speaker: Speaker, episode: Episode | None, clock: asyncio.Timeout) -> bool:
    segments = speaker.transcript.segments
    cut = bool(segments) and segments[-1].finish == "length"
    late = episode is not None and episode.answer.cause == "time"
    return speaker.full or cut or late or clock.expired()


def _record(
    task: TaskLabel,
    context: Context,
    episode: Episode | None,
    error: SampleError | None,
    seconds: float,
) -> SampleRecord:
    return SampleRecord(
        item=task.item,
        mode=context.mode,
        video_id=task.video_id,
        duration=task.duration,
        episode=episode.model_dump(mode="json") if episode else None,
        error=error,
        seconds=seconds,
        finished=datetime.now(UTC),
    )


def _sample_error(caught: Exception) -> SampleError:
    return SampleError(
        type=type(caught).__name__, message=str(caught), traceback=traceback.format_exc()
    )
