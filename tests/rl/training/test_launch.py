"""Starting, following, resuming and ending a training run, with a trainer that only pretends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.rl.begun import calls, config_of, fake_trainer
from videoseal.core.errors import OutOfSpace, SettingsError
from videoseal.core.provenance import RunMismatch
from videoseal.core.settings import Settings
from videoseal.evals.records import RunBusy
from videoseal.rl.config import HardwareSection, RolloutConfig, TrainConfig
from videoseal.rl.training import launch as launch_module
from videoseal.rl.training.command import SftSpec
from videoseal.rl.training.launch import plan, train, warm_start
from videoseal.rl.training.run_folder import NoSuchTraining, RunFolder, RunStatus
from videoseal.rl.training.supervisor import TrainingFailed, TrainProgress, follow

ROOT = Path(__file__).resolve().parents[3]
REAL_PYTHON = sys.executable


@pytest.fixture(autouse=True)
def _pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No parser and no trainer: both take seconds to import."""
    monkeypatch.setattr(launch_module.sys, "executable", str(fake_trainer(tmp_path)))
    monkeypatch.setattr(launch_module, "validate", lambda *_: {"data": {"max_samples": 4}})
    monkeypatch.setattr("videoseal.rl.training.supervisor._POLL_S", 0.01)


class Place:
    """A run in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run = RunFolder(root / "runs" / "small")
        self.settings = Settings(
            data_dir=root / "data", database_url=SecretStr("postgresql://me:pa55word@db/index")
        )
        self.told: list[TrainProgress] = []

    def train(self, how: str = "done", *, steps: int = 2, first: int = 1, **more: Any) -> Any:
        """Carry the run out; `how` the pretended trainer ends after its steps."""
        config: TrainConfig = more.pop("config", None) or config_of(self.root)
        environ = {**os.environ, "HOW": how, "STEPS": str(steps), "FIRST": str(first)}
        tell = more.pop("tell", self.told.append)
        return train(config, self.settings, self.run, environ, tell, **more)

    def checkpoint(self, step: int, *, whole: bool = True) -> Path:
        """A checkpoint as DeepSpeed and OpenRLHF leave it."""
        folder = self.run.checkpoints / "_actor" / f"global_step{step}"
        folder.mkdir(parents=True)
        (folder / "mp_rank_00_model_states.pt").write_bytes(b"")
        if whole:
            (folder / "metric.json").write_text("{}")
            os.utime(folder / "metric.json", (step, step))
            (folder.parent / "latest").write_text(folder.name)
        return folder


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_run_is_carried_out(place):
    """A run ends with a model, tells its steps with their rewards, and says that it is done."""
    status = place.train()
    assert (status.state, status.step, status.steps) == ("done", 2, 2)
    assert [(t.step, t.reward) for t in place.told if t.reward is not None] == [(1, 0.1), (2, 0.2)]
    assert any(t.played == "1/2" for t in place.told)
    assert place.run.status.state == "done"
    assert "Global step 2" in place.run.log.read_text("utf-8")


def test_run_folder_says_how_it_was_made(place):
    """Config, data, packages and command are beside the run; a password is in none of its files."""
    place.train()
    manifest = place.run.read_manifest()
    assert manifest.config.name == "small"
    assert len(manifest.train_sha256) == 64
    assert manifest.tasks == 4
    assert "pydantic" in manifest.packages
    command = json.loads(place.run.command.read_text("utf-8"))
    assert command[1:3] == ["-m", "videoseal.rl.worker.trainer"]
    assert RolloutConfig.read(place.run.rollout).rollouts_dir == place.run.rollouts
    for path in (place.run.manifest, place.run.command, place.run.rollout, place.run.status_file):
        assert "pa55word" not in path.read_text("utf-8")


def test_questions_that_are_trained_on_are_counted(place):
    """Not those that lie in the file beyond the limit."""
    place.train(config=config_of(place.root, "data.limit=2"))
    assert place.run.read_manifest().tasks == 2


def test_workers_find_what_they_need(place):
    """The trainer's environment names the rollout config, the database and the precision."""
    place.train()
    (call,) = calls(place.run.root)
    assert call["environ"]["SEAL_ROLLOUT"] == str(place.run.rollout)
    assert call["environ"]["DATABASE_URL"] == "postgresql://me:pa55word@db/index"
    assert call["environ"]["VIDEOSEAL_DATA_DIR"] == str(place.settings.data_dir)
    assert call["environ"]["SEAL_PRECISION"] == "fp32"
    assert call["group"] == call["pid"]


def test_done_is_done(place):
    """A run that is done is not trained again."""
    place.train()
    assert place.train("fails").state == "done"
    assert len(calls(place.run.root)) == 1


def test_killed_run_goes_on(place):
    """After a kill the same command resumes from the last checkpoint and counts on."""
    with pytest.raises(TrainingFailed, match="SIGKILL, perhaps for want of memory"):
        place.train("killed", steps=1)
    assert place.run.status.state == "failed"
    place.checkpoint(1)
    place.train(first=2)
    first, second = calls(place.run.root)
    assert "--ckpt.load_enable" not in first["argv"]
    assert "--ckpt.load_enable" in second["argv"]
    assert place.run.status.step == 2


def test_want_of_memory_is_told(place):
    """With the settings that take less of it; Ray's own report is forty lines."""
    with pytest.raises(TrainingFailed, match="not enough memory") as caught:
        place.train("memory")
    assert "optimiser.micro_batch" in (caught.value.hint or "")


def test_half_written_checkpoint_is_passed_over(place):
    """When `latest` names a checkpoint that was deleted, the newest whole one counts."""
    place.checkpoint(5)
    place.checkpoint(10)
    place.checkpoint(15, whole=False)
    latest = place.run.checkpoints / "_actor" / "latest"
    latest.write_text("global_step7")
    found = place.run.last_checkpoint()
    assert found is not None
    assert found.name == "global_step10"
    assert latest.read_text() == "global_step10"


def test_no_whole_checkpoint_is_a_new_start(place):
    """A kill during the very first checkpoint leaves nothing that could be loaded."""
    place.checkpoint(5, whole=False)
    assert place.run.last_checkpoint() is None
    launch = plan(config_of(place.root), place.settings, place.run)
    assert "--ckpt.load_enable" not in launch.command
    assert launch.resumes == ""


def test_another_config_is_refused(place):
    """A run is not resumed with something else than it was begun with; the field is named."""
    with pytest.raises(TrainingFailed):
        place.train("fails", steps=1)
    with pytest.raises(RunMismatch, match=r"config\.optimiser\.lr|optimiser\.lr: 1e-06 then"):
        place.train(config=config_of(place.root, "optimiser.lr=0.5"))
    with pytest.raises(RunMismatch, match="training data"):
        place.train(config=config_of(place.root, questions=6))


def test_what_changes_nothing_learnt_may_change(place):
    """Where it runs and what is kept may differ when a run is resumed."""
    with pytest.raises(TrainingFailed):
        place.train("fails", steps=1)
    changes = ["output.save_steps=3", "rollout.max_episodes=7", "hardware.threads=2"]
    assert place.train(config=config_of(place.root, *changes)).state == "done"


def test_fresh_keeps_the_earlier_run_aside(place):
    """--fresh begins anew and loses nothing of the earlier run."""
    place.train()
    place.train(config=config_of(place.root, "optimiser.lr=0.5"), fresh=True)
    aside = RunFolder(place.run.root.with_name("small.1"))
    assert aside.status.state == "done"
    assert aside.read_manifest().config.optimiser.lr == 1e-6
    assert place.run.read_manifest().config.optimiser.lr == 0.5


def test_refused_command_leaves_no_manifest(place, monkeypatch):
    """A config that OpenRLHF refuses can be corrected without --fresh."""

    def refuse(*_: object) -> None:
        raise SettingsError("refused")

    monkeypatch.setattr(launch_module, "validate", refuse)
    with pytest.raises(SettingsError, match="refused"):
        place.train()
    assert not place.run.manifest.exists()


def test_two_at_once_are_refused(place):
    """A run that another process trains is left alone."""
    with place.run.locked(), pytest.raises(RunBusy, match="small"):
        place.train()


def test_trainer_outlives_a_killed_launcher_alone(place, tmp_path):
    """Killing `videoseal` itself leaves its trainer the only one: a second is refused meanwhile."""
    config_of(place.root)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from videoseal.rl.training import launch\n"
        "from videoseal.core.settings import Settings\n"
        "from videoseal.rl.config import load_config\n"
        "from videoseal.rl.training.run_folder import RunFolder\n"
        "root = Path(sys.argv[1])\n"
        "launch.validate = lambda *_: {'data': {'max_samples': 4}}\n"
        "launch.sys.executable = str(root / 'trainer')\n"
        "def stop(told):\n"
        "    if told.step == 99: os.kill(os.getpid(), 9)\n"
        "launch.train(load_config(root / 'small.yaml'), Settings(data_dir=root / 'data'),\n"
        "                RunFolder(root / 'runs' / 'small'), dict(os.environ), stop)\n"
    )
    done = subprocess.run(
        [REAL_PYTHON, "-c", code, str(tmp_path)], cwd=ROOT, check=False,
        env={**os.environ, "HOW": "hang", "STEPS": "1"},
    )  # fmt: skip
    assert done.returncode == -9
    (call,) = calls(place.run.root)
    assert running(call["pid"])
    try:
        with pytest.raises(RunBusy) as caught:
            place.train()
        assert f"process {call['pid']}" in caught.value.hint
    finally:
        os.killpg(call["pid"], 9)


def test_done_is_seen_after_a_killed_launcher(place):
    """A trainer that ended while nobody watched has done its work."""
    place.train()
    place.run.write_status(RunStatus(state="running", step=1, steps=2))
    assert place.train("fails").state == "done"
    assert place.run.status.state == "done"


def test_failure_says_why_and_where(place):
    """The trainer's last error is the message; the log and what comes next are the hint."""
    with pytest.raises(TrainingFailed) as caught:
        place.train("fails", steps=1)
    assert str(caught.value) == (
        "the trainer ended with exit status 1: ValueError: the loss is no number"
    )
    assert str(place.run.log) in caught.value.hint
    assert "begins again" in caught.value.hint
    assert place.run.status.message == str(caught.value)


def test_no_model_is_a_failure(place):
    """A trainer that ends well but leaves no model has failed."""
    with pytest.raises(TrainingFailed, match="without a model"):
        place.train("nothing", steps=1)


def test_full_disk_is_told_apart(place):
    """A full disk ends the run with its own error, and the same command goes on afterwards."""
    place.checkpoint(1)
    with pytest.raises(OutOfSpace, match="disk is full") as caught:
        place.train("full", steps=1)
    assert "goes on after global_step1" in caught.value.hint


def test_interrupt_ends_the_trainer_and_its_children(place):
    """Ctrl-C ends the trainer with everything that it started, and the run can go on."""

    def stop(progress: TrainProgress) -> None:
        if progress.step == 99:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.train("hang", steps=1, tell=stop)
    assert place.run.status.state == "stopped"
    (call,) = calls(place.run.root)
    for process in (call["pid"], int((place.run.root / "child").read_text())):
        deadline = time.monotonic() + 30
        while running(process):
            assert time.monotonic() < deadline, f"process {process} lives on"
            time.sleep(0.02)


def running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text("utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_cluster_gets_no_secret(place):
    """A job for a cluster is submitted with the rollout config's name and no key or password."""
    hardware = {"backend": "vllm", "gpus": 2, "ray_address": "http://head:8265"}
    launch = plan(config_of(place.root, hardware=hardware), place.settings, place.run)
    assert launch.command[:5] == ["ray", "job", "submit", "--address", "http://head:8265"]
    assert "pa55word" not in " ".join(launch.command)
    assert str(place.run.rollout) in launch.command[launch.command.index("--runtime-env-json") + 1]


def test_vllm_runs_openrlhf_untouched(place):
    """On one node with vLLM the trainer is OpenRLHF's own module."""
    hardware = {"backend": "vllm", "gpus": 2}
    launch = plan(config_of(place.root, hardware=hardware), place.settings, place.run)
    assert launch.command[1:3] == ["-m", "openrlhf.cli.train_ppo_ray"]


def test_warm_start(place, tmp_path):
    """SFT runs in a process of its own and leaves the policy below its folder."""
    spec = SftSpec(
        policy="p", traces=tmp_path / "t.jsonl", out=tmp_path / "warm",
        hardware=HardwareSection(backend="hf", gpus=1),
    )  # fmt: skip
    environ = {
        **os.environ, "HOW": "done", "STEPS": "0", "SEAL_ROLLOUT": str(tmp_path / "warm" / "x"),
    }  # fmt: skip
    assert warm_start(spec, environ, lambda _: None) == tmp_path / "warm" / "model"
    (call,) = calls(tmp_path / "warm")
    assert call["argv"][:2] == ["-m", "videoseal.rl.worker.trainer"]


def test_runs_are_found_by_name_and_folder(place):
    """A run is named by its folder, or by its name in the data folder; others are listed."""
    place.run = RunFolder(place.settings.data_dir / "train" / "small")
    place.train()
    assert RunFolder.find("small", place.settings.data_dir).root == place.run.root
    assert RunFolder.find(str(place.run.root), place.root).root == place.run.root
    with pytest.raises(NoSuchTraining, match="other") as caught:
        RunFolder.find("other", place.settings.data_dir)
    assert "small" in caught.value.hint


def test_damaged_manifest_is_an_error_of_one_line(place):
    """A manifest of another version is named."""
    place.train()
    place.run.manifest.write_text("{}")
    with pytest.raises(NoSuchTraining, match="no manifest of this version"):
        place.run.read_manifest()


def test_log_lines_are_followed():
    """Steps, rewards and played questions are read from the trainer's lines."""
    lines = [
        "Generate samples:   3%|▎         | 1/32 [00:01<00:40]",
        "noise",
        "✨ Global step 7: {'rollout/reward_mean': -1.5e-3, 'kl': 0.1}",
        "Global step 8: {'kl': 0.1}",
        "Train step of epoch 0:  50%|#####     | 20/40 [00:01<00:01, gpt_loss=1]",
    ]
    assert list(follow(lines, 9)) == [
        TrainProgress(0, 9, None, "1/32"),
        TrainProgress(7, 9, -0.0015),
        TrainProgress(8, 9, None),
        TrainProgress(8, 9, None, "20/40"),
    ]
