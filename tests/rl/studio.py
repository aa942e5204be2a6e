"""A place to train in: an indexed video, questions about it, and a policy that saw a poor teacher.

It takes a minute to set up, so there is one for all tests that train for real.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
import pytest

from tests.rl.wild import WildPlanner
from videoseal.core.settings import Settings
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleRecord
from videoseal.evals.running.sample import run_sample
from videoseal.evals.synthetic.generate import generate
from videoseal.evals.synthetic.phrasings import plain_wordings
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.graph.resources import Resources, open_resources
from videoseal.indexing.pipeline import index_video
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.rl.config import HardwareSection, TrainConfig
from videoseal.rl.data.tasks import TaskLabel, read_label, read_tasks, task_of, write_tasks
from videoseal.rl.data.traces import Trace, conversation, write_traces
from videoseal.rl.training.base_models import make_tiny
from videoseal.rl.training.command import SftSpec
from videoseal.rl.training.launch import warm_start
from videoseal.rl.training.run_folder import RunFolder

__all__ = [
    "CONTEXT",
    "CPU",
    "QUIET",
    "STEPS",
    "Studio",
    "config_in",
    "environ_of",
    "scalars",
    "studio",
    "unjudged",
]

CONTEXT: Final = {"max_steps": 1, "frames_per_inspect": 4, "max_frames": 4}
STEPS: Final = 8
"""Of a training: each asks all questions, twelve times each."""
CPU: Final = HardwareSection(backend="hf", gpus=1, precision="fp32", zero_stage=0)
QUIET: Final = {name: value for name, value in os.environ.items()
                if not name.startswith("VIDEOSEAL_")}  # fmt: skip


class Studio(NamedTuple):
    """An indexed video, the questions about it, and a policy that saw a poor teacher."""

    settings: Settings
    resources: Resources
    tasks: Path
    policy: Path


@pytest.fixture(scope="session")
def studio(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Three minutes of video in the index, and a policy that knows the form of a call."""
    folder = tmp_path_factory.mktemp("studio")
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE training TEMPLATE template STRATEGY file_copy")
    url = postgres.url.replace("/postgres?", "/training?")
    settings = Settings(database_url=url, data_dir=folder / "data", ocr_fps=1.0)
    # A film whose five questions the stand-ins all settle right where the look is right: of seed 71
    # they settle four, one of which nobody can answer, and too few are left to learn from.
    spec = VideoSpec(minutes=3, seed=73)
    video = generate(spec, folder, wordings=plain_wordings()).video
    with open_resources(settings) as resources:
        row = asyncio.run(index_video(video, settings, resources.store, resources.models))
        items = benchmark("synthetic").load(video.with_suffix(".questions.jsonl"))
        tasks = folder / "tasks.jsonl"
        write_tasks(tasks, [task_of(item, row.id, row.duration) for item in items])
        labels = [read_label(task.label) for task in read_tasks(tasks)]
        records = asyncio.run(_teach(resources, labels))
        policy = _warm(folder, records)
        yield Studio(settings, resources, tasks, policy)


def config_in(studio: Studio, name: str, **sections: dict[str, Any]) -> TrainConfig:
    """A config of small steps in the studio; `sections` are what differs, by section."""
    values: dict[str, dict[str, Any]] = {
        "policy": {"path": str(studio.policy), "tool_call_format": "brief"},
        "data": {"train": studio.tasks},
        "rollout": {
            "batch": 5, "samples": 12, "temperature": 1.0, "turn_tokens": 32,
            "context_tokens": 512, "episode_seconds": 120, "max_episodes": 60,
        },
        "optimiser": {
            "lr": 1e-3, "schedule": "constant", "warmup": 0.0, "kl": 0.05, "batch": 20,
            "micro_batch": 20, "epochs": 2, "passes": STEPS,
        },
        "output": {"save_steps": 100},
    }  # fmt: skip
    changed = {key: {**given, **sections.pop(key, {})} for key, given in values.items()}
    return TrainConfig.model_validate(
        {"name": name, "context": CONTEXT, "hardware": CPU, **changed, **sections}
    )


def environ_of(studio: Studio) -> dict[str, str]:
    """The environment of a launcher in the studio."""
    assert studio.settings.database_url is not None
    return {**QUIET, "DATABASE_URL": studio.settings.database_url.get_secret_value()}


@contextmanager
def unjudged(tasks: int) -> Iterator[None]:
    """Commands without OpenRLHF's parser, which other tests ask: it takes as long as the steps."""
    with pytest.MonkeyPatch.context() as patch:
        parsed = {"data": {"max_samples": tasks}}
        patch.setattr("videoseal.rl.training.launch.validate", lambda *_: parsed)
        yield


def scalars(run: RunFolder, name: str) -> list[float]:
    """What was logged under a name, in order."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found: list[float] = []
    for file in sorted(run.tensorboard.rglob("events.out.tfevents.*")):
        events = EventAccumulator(str(file))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            if tag.endswith(name):
                found += [event.value for event in events.Scalars(tag)]
    return found


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
    cell = SystemSpec(context=CONTEXT)
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
    with unjudged(len(records)):
        return warm_start(spec, QUIET, lambda *_: None)
