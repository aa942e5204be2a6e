"""Training runs as tests need them: questions, a config, and a trainer that only pretends."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.evals.made import item
from videoseal.rl.config import TrainConfig, load_config
from videoseal.rl.data.tasks import task_of, write_tasks

__all__ = ["calls", "config_of", "fake_trainer", "write_questions"]

_TRAINER = """\
import json, os, pathlib, subprocess, sys, time
argv = sys.argv[1:]
flag = lambda name: argv[argv.index(name) + 1]
run = pathlib.Path(os.environ["SEAL_ROLLOUT"]).parent
first = int(os.environ.get("FIRST", "1"))
with (run / "calls.jsonl").open("a") as file:
    told = {"argv": argv, "environ": dict(os.environ), "group": os.getpgid(0), "pid": os.getpid()}
    file.write(json.dumps(told) + "\\n")
for step in range(first, int(os.environ["STEPS"]) + 1):
    print(f"(PPOTrainer pid=7) Generate samples:  50%|#####     | 1/2 [00:01<00:01]", end="\\r")
    status = {"kl": 0.1, "rollout/reward_mean": step / 10}
    print(f"\\n(PPOTrainer pid=7) Global step {step}: {status}", flush=True)
how = os.environ["HOW"]
if how == "hang":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (run / "child").write_text(str(child.pid))
    print("Global step 99: {'rollout/reward_mean': 1.0}", flush=True)
    time.sleep(600)
if how == "killed":
    os.kill(os.getpid(), 9)
if how == "full":
    sys.exit("OSError: [Errno 28] No space left on device")
if how == "memory":
    sys.exit("ray.exceptions.OutOfMemoryError: 1 worker(s) were killed: 22.4GB of 23.5GB")
if how == "fails":
    sys.exit("ValueError: the loss is no number")
if how == "done":
    model = pathlib.Path(flag("--ckpt.output_dir"))
    model.mkdir(parents=True)
    (model / "model.safetensors").write_bytes(b"weights")
    (model / "tokenizer_config.json").write_text("{}")
"""


def write_questions(path: Path, count: int, *, video: str = "v0123456789abcdef") -> Path:
    """Questions about one video."""
    tasks = [
        task_of(item(f"{path.stem}{n}", evidence=[(100.0, 106.0)]), video, 600.0)
        for n in range(count)
    ]
    write_tasks(path, tasks)
    return path


def config_of(folder: Path, *changes: str, questions: int = 4, **sections: Any) -> TrainConfig:
    """A small config for the hf backend, with its questions, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    train = write_questions(folder / "train.jsonl", questions)
    values = {
        "name": "small",
        "policy": {"path": "models/none"},
        "data": {"train": str(train)},
        "rollout": {"batch": 2, "samples": 2, "turn_tokens": 64, "context_tokens": 1024},
        "hardware": {"backend": "hf", "gpus": 1, "precision": "fp32"},
        **sections,
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return load_config(path, changes)


def fake_trainer(folder: Path) -> Path:
    """An executable that logs as OpenRLHF does; HOW it ends after STEPS steps is environment."""
    script = folder / "trainer"
    script.write_text(f"#!{sys.executable}\n{_TRAINER}", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def calls(root: Path) -> Sequence[dict[str, Any]]:
    """How the pretended trainer was called, in order."""
    return [json.loads(line) for line in (root / "calls.jsonl").read_text("utf-8").splitlines()]
