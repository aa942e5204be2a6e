"""GRPO for real: OpenRLHF, Ray and DeepSpeed, on episodes of the graph about an indexed video.

A tiny policy is warm-started on the episodes of a poor teacher and then trained three times. What
it can learn is where in one short video each of a few questions is answered: enough to show that
rewards reach the weights through every part that a large run has.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import random
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from core.settings import Settings
from evals.manifest import Cell
from evals.records import RecordFile, SampleRecord
from evals.registry import benchmark
from evals.sample import run_sample
from evals.synthetic.generate import generate
from evals.synthetic.spec import VideoSpec
from graph.resources import Resources, open_resources
from indexing.pipeline import index_video
from indexing.postgres import EmbeddedServer
from rl.command import SftSpec
from rl.config import TrainConfig
from rl.launch import train, warm_start
from rl.limits import Limits
from rl.rewards import reward_of
from rl.rollout import run_episode
from rl.run_folder import RunFolder
from rl.sections import HardwareSection
from rl.tasks import TaskLabel, read_label, read_tasks, task_of, write_tasks
from rl.tiny import make_tiny
from rl.traces import Trace, conversation, write_traces
from tests.rl.wild import WildPlanner

pytest.importorskip("openrlhf", reason="training is not installed")
pytestmark = [
    pytest.mark.timeout(1500),
    # What torch, DeepSpeed and transformers say of each other while they are imported.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

SEEDS = (1, 2, 3)
CONTEXT = {"max_steps": 1, "frames_per_inspect": 4, "max_frames": 4}
CPU = HardwareSection(backend="hf", gpus=1, precision="fp32", zero_stage=0)
QUIET = {key: value for key, value in os.environ.items() if not key.startswith("VIDEOSEAL_")}


class Studio(NamedTuple):
    """An indexed video, the questions about it, and a policy that saw a poor teacher."""

    settings: Settings
    resources: Resources
    tasks: Path
    policy: Path


class Trained(NamedTuple):
    """One finished run."""

    run: RunFolder
    records: list[SampleRecord]


@pytest.fixture(scope="module")
def studio(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Three minutes of video in the index, and a policy that knows the form of a call."""
    folder = tmp_path_factory.mktemp("studio")
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE training TEMPLATE template STRATEGY file_copy")
    url = postgres.url.replace("/postgres?", "/training?")
    settings = Settings(database_url=url, data_dir=folder / "data", ocr_fps=1.0)
    video = generate(VideoSpec(minutes=3, seed=71), folder).video
    with open_resources(settings) as resources:
        row = asyncio.run(index_video(video, settings, resources.store, resources.models))
        items = benchmark("synthetic").load(video.with_suffix(".questions.jsonl"))
        tasks = folder / "tasks.jsonl"
        write_tasks(tasks, [task_of(item, row.id, row.duration) for item in items])
        labels = [read_label(task.label) for task in read_tasks(tasks)]
        records = asyncio.run(_teach(resources, labels))
        policy = _warm(folder, records)
        yield Studio(settings, resources, tasks, policy)


@pytest.fixture(scope="module")
def trained(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    """The same run under three seeds."""
    found = []
    for seed in SEEDS:
        run = RunFolder(tmp_path_factory.mktemp(f"seed{seed}"))
        status = train(
            _config(studio, seed), studio.settings, run, _environ(studio), lambda *_: None
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
    """Twelve steps of sixty episodes each, all by the graph, none lost to infrastructure."""
    for each in trained:
        assert len(each.records) == 12 * 5 * 12
        assert all(record.rollout["infra_error"] == 0 for record in each.records)
        assert any(record.rollout["grounded"] for record in each.records)


def test_engine_and_trainer_agree_on_every_token(trained):
    """The largest difference of a sampled token's log-prob in fp32 is under 1e-4."""
    for each in trained:
        worst = _scalars(each.run, "token_mismatch")
        assert len(worst) == 12
        assert 0 < max(worst) < 1e-4


def _config(studio: Studio, seed: int, **output: Any) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "name": f"seed{seed}",
            "policy": {"path": str(studio.policy), "tool_call_format": "brief"},
            "data": {"train": studio.tasks},
            "context": CONTEXT,
            "rollout": {
                "batch": 5, "samples": 12, "temperature": 1.0, "turn_tokens": 32,
                "context_tokens": 512, "episode_seconds": 120, "max_episodes": 60,
            },
            "optimiser": {
                "lr": 1e-3, "schedule": "constant", "warmup": 0.0, "kl": 0.05, "batch": 20,
                "micro_batch": 20, "epochs": 2, "passes": 12, "seed": seed,
            },
            "hardware": CPU,
            "output": {"save_steps": 100, **output},
        }
    )  # fmt: skip


def _environ(studio: Studio) -> dict[str, str]:
    assert studio.settings.database_url is not None
    return {**QUIET, "DATABASE_URL": studio.settings.database_url.get_secret_value()}


async def _teach(resources: Resources, labels: Sequence[TaskLabel]) -> list[SampleRecord]:
    """Forty episodes a question by a teacher that is right in two of five."""
    teacher = WildPlanner(
        gold={label.item.question.render(): label.item.evidence for label in labels},
        duration=labels[0].duration,
        luck=0.4,
        chance=random.Random(5),
    )
    models = dataclasses.replace(resources.models, planner=teacher)
    taught = dataclasses.replace(resources, models=models)
    cell = Cell(context=CONTEXT)
    return [
        await run_sample(taught, label.item, cell, label.video_id, label.duration)
        for _ in range(40)
        for label in labels
    ]


def _warm(folder: Path, records: Sequence[SampleRecord]) -> Path:
    """A tiny policy after OpenRLHF's supervised training on these episodes."""
    traces = [Trace(record.item.uid, 0.0, conversation(record, brief=True)) for record in records]
    write_traces(folder / "traces.jsonl", traces)
    texts = [str(message.text) for trace in traces for message in trace.messages]
    make_tiny(folder / "raw", texts, vocabulary=1500, width=64, layers=2, context=512)
    spec = SftSpec(
        policy=str(folder / "raw"), traces=folder / "traces.jsonl", out=folder / "warm",
        context_tokens=512, batch=8, micro_batch=8, epochs=20, lr=3e-3, hardware=CPU,
    )  # fmt: skip
    return warm_start(spec, QUIET, lambda *_: None)


def _earned(studio: Studio, policy: Path) -> float:
    """Mean reward of twelve sampled episodes a question, played without Ray and OpenRLHF."""
    return asyncio.run(_play(studio, policy))


async def _play(studio: Studio, policy: Path) -> float:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from rl.worker.compat import SamplingParams
    from rl.worker.engine import HfEngine

    tokenizer = AutoTokenizer.from_pretrained(policy)
    engine = HfEngine(AutoModelForCausalLM.from_pretrained(policy), tokenizer, seed=7)
    config = _config(studio, 0)
    settings = studio.settings.model_copy(update={"tool_call_format": "brief"})
    resources = dataclasses.replace(studio.resources, settings=settings)
    labels = [read_label(task.label) for task in read_tasks(studio.tasks)]
    sampling = SamplingParams(temperature=1.0, max_tokens=32, logprobs=1)
    episodes = [
        run_episode(
            resources, label, engine, sampling, tokenizer, 512, Limits(), config.reward,
            context=config.episode_context(),
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


def _scalars(run: RunFolder, name: str) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found: list[float] = []
    for file in sorted(run.tensorboard.rglob("events.out.tfevents.*")):
        events = EventAccumulator(str(file))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            if tag.endswith(name):
                found += [event.value for event in events.Scalars(tag)]
    return found
