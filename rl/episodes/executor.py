"""OpenRLHF's side of the rollouts: each call plays one episode and answers in OpenRLHF's form.

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
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final

from videoseal.core.errors import VideosealError
from videoseal.evals.records import RecordFile, SampleRecord
from videoseal.graph.resources import Resources, open_resources
from videoseal.models.build import build_judges
from videoseal.models.roles import Judge
from videoseal.rl.config import RolloutConfig
from videoseal.rl.data.tasks import read_label
from videoseal.rl.episodes.chat_templates import TemplateRefused, Tokenizer
from videoseal.rl.episodes.group_baseline import NOTHING, Paid, SiblingGroups
from videoseal.rl.episodes.limits import Limits
from videoseal.rl.episodes.policy import Engine
from videoseal.rl.episodes.response import Response, empty_response, paid, response
from videoseal.rl.episodes.rollout import Rollout, run_episode

__all__ = ["GraphExecutor"]

log = logging.getLogger(__name__)

_PAUSE_S: Final = 10.0
"""How long an index that could not be opened is left alone."""


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
        self._limits = Limits(
            max_episodes=self.config.max_episodes,
            tool_seconds=self.config.tool_seconds,
            episode_seconds=self.config.episode_seconds,
            turn_tokens=self.config.turn_tokens,
        )
        self._resources = resources
        self._judge = judge
        self._opened = ExitStack()
        self._opening = threading.Lock()
        self._refused: tuple[float, Exception] | None = None
        self._writing = threading.Lock()
        self._records: RecordFile | None = None
        self._gates: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]
        self._gates = weakref.WeakKeyDictionary()
        self._groups = SiblingGroups()

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
        # Before anything is awaited, so that a group is whole when its first sample ends.
        key = (prompt, label, id(sampling_params), id(hf_tokenizer))
        group = self._groups.join(key)
        earned: Paid | None = None
        rollout: Rollout | None = None
        try:
            async with self._gate():
                rollout = await self._play(
                    label, sampling_params, max_length, hf_tokenizer, llm_engine
                )
            if rollout is not None and not rollout.infra_error:
                earned = paid(rollout.reward)
        finally:
            self._groups.leave(key, earned)
        neutral = await group.mean() if earned is None else NOTHING
        told: dict[str, Any] = {
            "with_logprobs": sampling_params.logprobs is not None,
            "neutral": neutral,
        }
        if rollout is None:
            return empty_response(hf_tokenizer, prompt, label, **told)
        found = response(rollout, prompt, label, **told)
        facts = {"reward": found["reward"], **found["extra_logs"]}
        record = rollout.record.model_copy(update={"rollout": facts})
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
                resources, task, engine, sampling, tokenizer, max_length, self._limits,
                self.config.reward, context=self.config.context, judge=self._judge,
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
            gate = self._gates[loop] = asyncio.Semaphore(self._limits.max_episodes)
            # The usual pool has a few threads more than cores; searches mostly wait.
            threads = ThreadPoolExecutor(self._limits.tool_threads, thread_name_prefix="tools")
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
