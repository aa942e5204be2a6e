"""GRPO for real: OpenRLHF, Ray and DeepSpeed, on episodes of the graph about an indexed video.

A tiny policy is warm-started on the episodes of a poor teacher and then trained three times. What
it can learn is where in one short video each of a few questions is answered: enough to show that
rewards reach the weights through every part that a large run has.
"""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.rl.studio import STEPS, Studio, config_in, environ_of, scalars, unjudged
from videoseal.evals.records import RecordFile, SampleRecord
from videoseal.rl.config import TrainConfig
from videoseal.rl.data.tasks import read_label, read_tasks
from videoseal.rl.episodes.rollout import run_episode
from videoseal.rl.rewards.rewards import reward_of
from videoseal.rl.training.launch import train
from videoseal.rl.training.run_folder import RunFolder

pytest.importorskip("openrlhf", reason="training is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    # What torch, DeepSpeed and transformers say of each other while they are imported.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

SEEDS = (1, 2, 3)


class Trained(NamedTuple):
    """One finished run."""

    run: RunFolder
    records: list[SampleRecord]


@pytest.fixture(scope="module")
def trained(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    """The same run under three seeds."""
    found = []
    with unjudged(len(read_tasks(studio.tasks))):
        for seed in SEEDS:
            run = RunFolder(tmp_path_factory.mktemp(f"seed{seed}"))
            status = train(
                _config(studio, seed), studio.settings, run, environ_of(studio), lambda *_: None
            )
            assert status.state == "done", run.log.read_text(errors="replace")[-3000:]
            files = [RecordFile(path) for path in sorted(run.rollouts.glob("*.jsonl"))]
            found.append(Trained(run, [record for file in files for record in file.read()]))
    return found


def test_reward_rises_over_an_untrained_control(studio, trained):
    """Under every seed the trained policy earns clearly more than the one that it started from."""
    control = _earned(studio, studio.policy)
    after = [_earned(studio, each.run.model) for each in trained]
    assert min(after) > control + 0.1, (control, after)
    assert statistics.mean(after) > control + 0.2, (control, after)


def test_every_episode_of_every_step_is_a_record(trained):
    """Every step of sixty episodes is whole, all by the graph, none lost to infrastructure."""
    for each in trained:
        assert len(each.records) == STEPS * 5 * 12
        assert all(record.rollout["infra_error"] == 0 for record in each.records)
        assert any(record.rollout["grounded"] for record in each.records)


def test_engine_and_trainer_agree_on_every_token(trained):
    """The largest difference of a sampled token's log-prob in fp32 is under 1e-4."""
    for each in trained:
        worst = scalars(each.run, "token_mismatch")
        rewards = scalars(each.run, "rollout/reward_mean")
        # Shown by `pytest -s`: the figures that the README tells.
        print(f"\nmean reward {rewards[0]:.2f} to {rewards[-1]:.2f}, mismatch {max(worst):.1e}")  # noqa: T201
        assert len(worst) == STEPS
        assert 0 < max(worst) < 1e-4


def _config(studio: Studio, seed: int) -> TrainConfig:
    return config_in(studio, f"seed{seed}", optimiser={"seed": seed})


def _earned(studio: Studio, policy: Path) -> float:
    """Mean reward of twelve sampled episodes a question, played without Ray and OpenRLHF."""
    return asyncio.run(_play(studio, policy))


async def _play(studio: Studio, policy: Path) -> float:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from videoseal.rl.worker.compat import SamplingParams
    from videoseal.rl.worker.engine import HfEngine

    tokenizer = AutoTokenizer.from_pretrained(policy)
    engine = HfEngine(AutoModelForCausalLM.from_pretrained(policy), tokenizer, seed=7)
    settings = studio.settings.model_copy(update={"tool_call_format": "brief"})
    config = _config(studio, 0).rollout_config(settings, studio.tasks.parent / "rollouts")
    resources = dataclasses.replace(studio.resources, settings=settings)
    labels = [read_label(task.label) for task in read_tasks(studio.tasks)]
    sampling = SamplingParams(temperature=1.0, max_tokens=32, logprobs=1)
    episodes = [
        run_episode(
            config, resources, label, engine, sampling, tokenizer, 512
        )
        for label in labels
        for _ in range(12)
    ]  # fmt: skip
    try:
        played = await asyncio.gather(*episodes)
    finally:
        await engine.close()
    assert not any(rollout.infra_error for rollout in played)
    return statistics.mean(reward_of(rollout.record, config.reward).total for rollout in played)
