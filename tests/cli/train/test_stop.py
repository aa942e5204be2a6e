"""A request to end that reaches `videoseal train grpo` from outside, such as a batch system's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rl.begun import calls, config_of, fake_trainer
from videoseal.rl.training.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[3]
COMMAND = """\
import sys
import videoseal.rl.training.launch, videoseal.rl.training.preflight
from videoseal.cli.main import app
root = sys.argv[1]
videoseal.rl.training.preflight.preflight = lambda *_: iter(())
videoseal.rl.training.launch.validate = lambda *_: {"data": {"max_samples": 4}}
videoseal.rl.training.launch.sys.executable = root + "/trainer"
app(["--data-dir", root + "/data", "train", "grpo", "--config", root + "/small.yaml"])
"""


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, over a trainer that hangs after its first step."""
    config_of(tmp_path)
    fake_trainer(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)], cwd=ROOT, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, "HOW": "hang", "STEPS": "1"},
    )  # fmt: skip
    with process:
        yield process
        process.kill()


def test_a_request_to_end_ends_the_trainer_too(launcher, tmp_path):
    """SIGTERM is as good as Ctrl-C: nothing runs on, one line says how to go on, exit code 130."""
    run = RunFolder(tmp_path / "data" / "train" / "small")
    child = run.root / "child"
    until(lambda: child.is_file() and child.read_text())
    launcher.send_signal(signal.SIGTERM)
    _, told = launcher.communicate(timeout=60)
    assert launcher.returncode == 130
    assert told.splitlines()[-1] == "stopped; the same command goes on after the last checkpoint"
    assert "Traceback" not in told
    assert run.status.state == "stopped"
    (call,) = calls(run.root)
    until(lambda: not runs(call["pid"]))
    until(lambda: not runs(int(child.read_text())))


def until(holds):
    """Wait for something that must come."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text("utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
