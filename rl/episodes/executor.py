"""OpenRLHF's side of the rollouts: each call plays one episode and answers in OpenRLHF's form.

GRPO rewards a sample by how it differs from the mean of its group, the samples of one question. A
sample that failed says nothing about the policy, so it gets just that mean: any other number would
shift what all the others are rewarded with.

An episode that fails never ends the training. What does: a configuration that no episode could be
played with, that is, one that cannot be read, or a chat template that is refused.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
import weakref
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

from videoseal.core.errors import VideosealError
from videoseal.evals.records import RecordFile, SampleRecord
from videoseal.graph.resources import Resources, open_resources
from videoseal.models.build import build_judges
from videoseal.models.roles import Judge
from videoseal.rl.config import RolloutConfig
from videoseal.rl.data.tasks import read_label
from videoseal.rl.episodes.chat_templates import TemplateRefused, Tokenizer
from videoseal.rl.episodes.policy import Engine
from videoseal.rl.episodes.response import (
    NO_REWARD,
    GroupReward,
    Response,
    response,
    to_group_reward,
)
from videoseal.rl.episodes.rollout import Rollout, run_episode

__all__ = ["GraphExecutor"]

log = logging.getLogger(__name__)

_PAUSE_S: Final = 10.0
"""How long an index that could not be opened is left alone."""
_TOOL_THREADS: Final = 32
"""For what tools do without a model: searching, decoding, reading."""


@dataclass
class _SiblingGroup:
    """The samples of one question that run now."""

    running: int = 0
    rewards: list[GroupReward] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def mean(self) -> GroupReward:
        """Of those that did not fail, once all have ended; 0 when all failed."""
        await self.over.wait()
        return (
            GroupReward(*map(fmean, zip(*self.rewards, strict=True))) if self.rewards else NO_REWARD
        )


class GraphExecutor:
    """Plays episodes of the graph for OpenRLHF; one object a process, any number of calls."""

    def __init__(
        self,
        config: RolloutConfig | None = None,
        resources: Resources | None = None,
        judge: Judge | None = None,
    ) -> None:
        """By default the config that SEAL_ROLLOUT names; SettingsError when it cannot be read.

        `resources` that are handed in are used and not closed; `judge` is asked with them.
        """
        self.config = config or RolloutConfig.read()
        self._resources = resources
        self._judge = judge
        self._opened = ExitStack()
        self._opening = threading.Lock()
        self._refused: tuple[float, Exception] | None = None
        self._writing = threading.Lock()
        self._records: RecordFile | None = None
        self._gates: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]
        self._gates = weakref.WeakKeyDictionary()
        self._groups: dict[Hashable, _SiblingGroup] = {}

    async def execute(
        self,
        prompt: str,
        label: str,
        sampling_params: Any,
        max_length: int,
        hf_tokenizer: Tokenizer,
        llm_engine: Engine,
        images: object = None,
    ) -> Response:
        """Play one episode; raises nothing but TemplateRefused.

        All samples of a question must be asked for in one go, as OpenRLHF does. `images` are not
        looked at: the planner sees none.
        """
        key = (prompt, label, id(sampling_params), id(hf_tokenizer))
        group = self._groups.setdefault(key, _SiblingGroup())
        # Before anything is awaited, so that a group is whole when its first sample ends.
        group.running += 1
        earned: GroupReward | None = None
        rollout: Rollout | None = None
        try:
            async with self._gate():
                rollout = await self._play(
                    label, sampling_params, max_length, hf_tokenizer, llm_engine
                )
            if rollout is not None and not rollout.infra_error:
                earned = to_group_reward(rollout.reward)
                group.rewards.append(earned)
        finally:
            group.running -= 1
            if not group.running:
                group.over.set()
                del self._groups[key]
        if earned is None:
            earned = await group.mean()
        found = response(
            prompt, label, rollout, earned, int(hf_tokenizer.eos_token_id),
            with_logprobs=sampling_params.logprobs is not None,
        )  # fmt: skip
        if rollout is not None:
            logged = {"reward": found["reward"], **found["extra_logs"]}
            record = rollout.record.model_copy(update={"rollout": logged})
            written = await asyncio.to_thread(self._write, record)
            found["extra_logs"]["unwritten"] = float(not written)
        return found

    def close(self) -> None:
        """Close the record file, and the index where it was opened here."""
        with self._opening, self._writing:
            self._opened.close()
            self._records = None

    async def _play(
        self, label: str, sampling: Any, max_length: int, tokenizer: Tokenizer, engine: Engine
    ) -> Rollout | None:
        """The episode, or None where it could not begin."""
        try:
            task = read_label(label)
            resources = await self._open_once()
            return await run_episode(
                self.config, resources, task, engine, sampling, tokenizer, max_length,
                judge=self._judge,
            )  # fmt: skip
        except TemplateRefused:
            raise
        except VideosealError as error:
            log.warning("an episode could not begin: %s", error)
        except Exception:  # the task boundary: what is lost is one sample, not the run
            log.exception("an episode could not begin")
        return None

    def _gate(self) -> asyncio.Semaphore:
        """How many episodes run at once in this event loop."""
        loop = asyncio.get_running_loop()
        gate = self._gates.get(loop)
        if gate is None:
            gate = self._gates[loop] = asyncio.Semaphore(self.config.max_episodes)
            # The usual pool has a few threads more than cores; searches mostly wait.
            threads = ThreadPoolExecutor(_TOOL_THREADS, thread_name_prefix="tools")
            loop.set_default_executor(threads)
        return gate

    async def _open_once(self) -> Resources:
        if self._resources is not None:
            return self._resources
        return await asyncio.to_thread(self._open)

    def _open(self) -> Resources:
        """The frozen roles and the index, opened once; a failure is remembered for a while."""
        with self._opening:
            if self._resources is not None:
                return self._resources
            if self._refused and time.monotonic() - self._refused[0] < _PAUSE_S:
                raise self._refused[1]
            try:
                settings = self.config.open_settings(os.environ)
                if self.config.reward.judge_weight:
                    (self._judge,) = build_judges(settings, ["judge"])
                self._resources = self._opened.enter_context(open_resources(settings))
            except VideosealError as error:
                self._refused = (time.monotonic(), error)
                raise
            return self._resources

    def _write(self, record: SampleRecord) -> bool:
        """Keep the record; whether it worked. A full disk costs records, not the training."""
        with self._writing:
            try:
                if self._records is None:
                    name = f"{socket.gethostname()}-{os.getpid()}.jsonl"
                    file = RecordFile(self.config.rollouts_dir / name)
                    self._records = self._opened.enter_context(file)
                self._records.append(record)
            except (VideosealError, OSError) as error:
                log.warning("an episode of %s was not recorded: %s", record.item.uid, error)
                return False
            return True
