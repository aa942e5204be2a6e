"""A run that was killed with -9 goes on as if nothing had been: optimiser, schedule, questions.

One run goes straight through, the other is killed together with its trainer after its second step
and then resumed by the same call. Both go through three questions twice, one a step, so that the
kill falls into the middle of the data and the next pass is shuffled after it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.rl.studio import Studio, config_in, environ_of, unjudged
from videoseal.evals.records import RecordFile, RunBusy
from videoseal.rl.config import TrainConfig
from videoseal.rl.report.training_curves import read_scalars
from videoseal.rl.training.launch import train
from videoseal.rl.training.run_folder import RunFolder

pytest.importorskip("openrlhf", reason="training is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # What torch, DeepSpeed and transformers say of each other while they are imported.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

ROOT: Final = Path(__file__).resolve().parents[2]
STEPS: Final = 6
SAMPLES: Final = 4
UPDATES: Final = 2
"""Of the optimiser in one step."""
BETA_2: Final = 0.95
"""OpenRLHF's: what stays of Adam's second moment in one update."""
KILLER: Final = """\
import os, sys
from pathlib import Path
from videoseal.rl.training import launch, supervisor
from videoseal.core.settings import Settings
from videoseal.rl.config import TrainConfig
from videoseal.rl.training.run_folder import RunFolder
config, root = sys.argv[1:]
run = RunFolder(Path(root))
supervisor._POLL_S = 0.01
launch.validate = lambda *_: {"data": {"max_samples": 3}}
def kill(told):
    if told.step == 3:
        os.killpg(run.status.pid, 9)
        os.kill(os.getpid(), 9)
launch.train(TrainConfig.model_validate_json(config), Settings.from_env(os.environ), run,
                dict(os.environ), kill)
"""


class Pair(NamedTuple):
    """The same run twice."""

    straight: RunFolder
    expected: list[str]
    """The questions that it asked, one a step."""
    resumed: RunFolder
    before: list[str]
    """Those of the other run before the kill."""
    after: list[str]
    """Those after it."""
    at: int
    """The step of the checkpoint that was gone on from."""


@pytest.fixture(scope="module")
def pair(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """One run straight through, one killed and resumed."""
    with unjudged(3):
        straight = RunFolder(tmp_path_factory.mktemp("straight"))
        killed = RunFolder(tmp_path_factory.mktemp("killed"))
        config, environ = _config(studio), environ_of(studio)
        done = subprocess.run(
            [sys.executable, "-c", KILLER, config.model_dump_json(), str(killed.root)],
            cwd=ROOT, check=False, capture_output=True,
            env={**environ, "VIDEOSEAL_DATA_DIR": str(studio.settings.data_dir)},
        )  # fmt: skip
        assert done.returncode == -9, done.stderr.decode()[-2000:]
        _wait_for_death(killed)
        first = _files(killed)
        checkpoint = killed.last_checkpoint()
        assert checkpoint is not None
        for run in (killed, straight):
            status = train(config, studio.settings, run, environ, lambda *_: None)
            assert status.state == "done", run.log.read_text(errors="replace")[-3000:]
        return Pair(
            straight, _asked(_files(straight)), killed, _asked(first),
            _asked(_files(killed) - first), int(checkpoint.name.removeprefix("global_step")),
        )  # fmt: skip


def test_the_same_questions_are_asked_at_every_step(pair):
    """Those after the kill are those that would have come, across a pass that is shuffled anew."""
    assert pair.at == 2
    assert len(pair.before) >= 3, "the kill came too early to lose anything"
    assert len(pair.expected) == STEPS
    assert set(pair.expected[:3]) == set(pair.expected[3:])
    assert pair.before[:3] == pair.expected[:3]
    assert pair.after == pair.expected[pair.at :]


def test_the_optimiser_goes_on_with_its_state(pair):
    """Adam counts on from the checkpoint, and its moments grew out of those that were saved."""
    saved, after = (_checkpoint(pair.resumed, step) for step in (pair.at, STEPS))
    updates = UPDATES * (STEPS - pair.at)
    grown = 0
    for name, state in after["optimizer"]["state"].items():
        old = saved["optimizer"]["state"][name]
        assert int(old["step"]) == UPDATES * pair.at
        assert int(state["step"]) == UPDATES * STEPS
        # What an update adds is a square: an average that was begun anew has no such floor.
        floor = old["exp_avg_sq"] * BETA_2**updates
        assert bool((state["exp_avg_sq"] >= floor * (1 - 1e-4)).all())
        grown += int((floor > 0).sum())
    assert grown > 10_000


def test_the_schedule_goes_on(pair):
    """The learning rate of every step is that of the run that was not killed."""
    rates = [
        {point.step: point.value for point in read_scalars(run.tensorboard)["train/actor_lr"]}
        for run in (pair.straight, pair.resumed)
    ]
    assert rates[0] == pytest.approx(rates[1])
    assert sorted(rates[0]) == list(range(1, STEPS + 1))
    assert len(set(rates[0].values())) == STEPS
    ends = [_checkpoint(run, STEPS)["lr_scheduler"] for run in (pair.straight, pair.resumed)]
    assert ends[0]["last_epoch"] == ends[1]["last_epoch"] == UPDATES * STEPS


def test_nothing_played_is_lost(pair):
    """The episodes of a step that was played twice are all kept; the run ends with its model."""
    assert len(pair.before) + len(pair.after) > STEPS
    assert pair.resumed.is_trained()
    assert pair.resumed.status.step == STEPS


def _config(studio: Studio) -> TrainConfig:
    episodes = {"batch": 1, "samples": SAMPLES, "max_episodes": SAMPLES}
    learning = {"schedule": "linear", "batch": SAMPLES, "micro_batch": SAMPLES,
                "epochs": UPDATES, "passes": 2}  # fmt: skip
    return config_in(
        studio, "resumed", data={"limit": 3}, rollout=episodes, optimiser=learning,
        output={"save_steps": 2, "keep": 4},
    )  # fmt: skip


def _wait_for_death(run: RunFolder) -> None:
    """Large processes take a moment to die, and hold the run's lock until then."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with run.locked():
                return
        except RunBusy:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _files(run: RunFolder) -> set[Path]:
    return set(run.rollouts.glob("*.jsonl"))


def _asked(files: set[Path]) -> list[str]:
    """The question of every whole step that one process recorded."""
    (path,) = files
    uids = [record.item.uid for record in RecordFile(path).read()]
    groups = [uids[start : start + SAMPLES] for start in range(0, len(uids), SAMPLES)]
    whole = [group for group in groups if len(group) == SAMPLES]
    assert all(len(set(group)) == 1 for group in whole)
    return [group[0] for group in whole]


def _checkpoint(run: RunFolder, step: int) -> dict[str, Any]:
    import torch

    folder = run.checkpoints / "_actor" / f"global_step{step}"
    found: dict[str, Any] = torch.load(
        folder / "mp_rank_00_model_states.pt", map_location="cpu", weights_only=False
    )
    return found
