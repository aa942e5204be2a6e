"""`videoseal train` as its users meet it, with a trainer that only pretends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.rl.begun import calls, config_of, fake_trainer
from videoseal.cli.main import app
from videoseal.core.checks import Check
from videoseal.rl.training.run_folder import RunFolder


class Commands:
    """The command line over a data folder of its own; checks find what the test says."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.findings = [Check("data", "ok", "4 questions, 2 steps; 0 held out")]
        config_of(root)
        self.config = root / "small.yaml"
        self.run = RunFolder(root / "data" / "train" / "small")
        monkeypatch.setattr("videoseal.rl.training.preflight.preflight", self._preflight)
        monkeypatch.setattr(
            "videoseal.rl.training.launch.validate", lambda *_: {"data": {"max_samples": 4}}
        )
        monkeypatch.setattr("videoseal.rl.training.launch.sys.executable", str(fake_trainer(root)))
        monkeypatch.setattr("videoseal.rl.training.supervisor._POLL_S", 0.01)

    def _preflight(self, *_: Any) -> Iterator[Check]:
        yield from self.findings

    def __call__(self, *words: object, how: str = "done") -> Result:
        """Run `videoseal train ...`; `how` the pretended trainer ends."""
        line = ["--data-dir", str(self.root / "data"), "train", *map(str, words)]
        environ = {"HOW": how, "STEPS": "2"}
        return CliRunner().invoke(app, line, prog_name="videoseal", env=environ)


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(tmp_path, monkeypatch)


def test_recipes_are_listed_and_printed(train):
    """Recipes have a line each; one that is named is printed as it can be saved."""
    assert "qwen3-8b-8gpu" in train("recipes").stdout
    assert train("recipes", "laptop").stdout.startswith("# A tiny policy")
    assert set(json.loads(train("recipes", "--json").stdout)) >= {"laptop", "qwen3-8b-8gpu"}
    refused = train("recipes", "none")
    assert refused.exit_code == 2
    assert "there are: laptop" in refused.stderr


def test_dry_run_prints_and_stops(train):
    """--dry-run shows the checks and the command; nothing is started and nothing written."""
    done = train("grpo", "--config", train.config, "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "-m videoseal.rl.worker.trainer openrlhf.cli.train_ppo_ray --" in done.stdout
    assert " --actor.model_name_or_path " in done.stdout
    assert "ok   data" in done.stderr
    assert not train.run.root.exists()


def test_dry_run_as_json(train):
    """--json has checks, command and number of steps as one document."""
    train.findings.append(Check("disk", "fail", "too little", "free some"))
    done = json.loads(train("grpo", "--config", train.config, "--dry-run", "--json").stdout)
    assert done["steps"] == 2
    assert done["checks"][1] == {
        "name": "disk", "state": "fail", "text": "too little", "hint": "free some",
    }  # fmt: skip
    assert "--rollout.n_samples_per_prompt" in done["command"]


def test_training_ends_with_a_report(train):
    """A run prints its steps with their rewards, and ends with where model and report are."""
    done = train("grpo", "--config", train.config)
    assert done.exit_code == 0, done.stderr
    assert "step 2/2: mean reward 0.200" in done.stderr
    assert "trained 2 steps" in done.stdout
    assert (train.run.root / "report.html").is_file()
    assert train.run.is_trained()


def test_changes_and_name(train):
    """--set changes fields and --name the run, so that several can stand side by side."""
    done = train("grpo", "--config", train.config, "--set", "optimiser.lr=0.5", "--name", "other")
    assert done.exit_code == 0, done.stderr
    other = RunFolder(train.run.root.with_name("other"))
    assert other.read_manifest().config.optimiser.lr == 0.5


def test_failed_checks_stop_the_run(train):
    """A check that fails is the error, with its hint; --skip-checks starts all the same."""
    train.findings.append(Check("disk", "fail", "too little", "free some"))
    train.findings.append(Check("index", "fail", "no videos"))
    done = train("grpo", "--config", train.config)
    assert done.exit_code == 2
    assert "error: not started: disk: too little (and 1 more)" in done.stderr
    assert "hint: free some" in done.stderr
    assert not train.run.root.exists()
    assert train("grpo", "--config", train.config, "--skip-checks").exit_code == 0


def test_failure_is_one_line(train):
    """A trainer that fails is one line and a hint, and the same command tries again."""
    done = train("grpo", "--config", train.config, how="fails")
    assert done.exit_code == 1
    assert "error: the trainer ended with exit status 1: ValueError" in done.stderr
    assert "Traceback" not in done.stderr
    assert train("grpo", "--config", train.config).exit_code == 0
    assert len(calls(train.run.root)) == 2


def test_full_disk_has_its_exit_code(train):
    """A disk that fills while training ends with the documented exit code."""
    assert train("grpo", "--config", train.config, how="full").exit_code == 6


def test_another_config_needs_another_name(train):
    """A run that was begun otherwise is refused with what to do; --fresh begins it anew."""
    train("grpo", "--config", train.config, how="fails")
    changed = ("grpo", "--config", train.config, "--set", "optimiser.lr=0.5")
    refused = train(*changed)
    assert refused.exit_code == 2
    assert "optimiser.lr: 1e-06 then, 0.5 now" in refused.stderr
    assert "--fresh" in refused.stderr
    assert train(*changed, "--fresh").exit_code == 0


def test_bad_config_names_its_field(train):
    """A mistake in the config is one line with file and field."""
    done = train("grpo", "--config", train.config, "--set", "rollout.sample=3")
    assert done.exit_code == 2
    assert "small.yaml: rollout.sample: Extra inputs are not permitted" in done.stderr


def test_report_of_a_run(train):
    """A run is reported by its name; unknown ones are refused with those there are."""
    train("grpo", "--config", train.config)
    done = json.loads(train("report", "small", "--json").stdout)
    assert Path(done["html"]).is_file()
    refused = train("report", "none")
    assert refused.exit_code == 2
    assert "there are: small" in refused.stderr


def test_export_without_a_model(train):
    """There is nothing to export of a run that has saved nothing."""
    train("grpo", "--config", train.config, how="fails")
    done = train("export", "small", "--out", train.root / "out")
    assert done.exit_code == 2
    assert "no model and no checkpoint" in done.stderr


def test_sft_takes_policy_from_the_config(train):
    """A warm start takes policy and hardware from the config of the run that follows."""
    (train.root / "t.jsonl").write_text("{}\n")
    words = ("sft", "--traces", train.root / "t.jsonl", "--out", train.root / "warm", "--dry-run")
    done = train(*words, "--config", train.config)
    assert "worker.trainer openrlhf.cli.train_sft --model.model_name_or_path models/none" in (
        done.stdout
    )
    assert "--data.max_len 1024" in done.stdout
    other = train(*words, "--config", train.config, "--policy", "mine")
    assert "--model.model_name_or_path mine" in other.stdout
    assert train(*words).exit_code == 2
