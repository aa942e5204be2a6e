"""Start a training run, or the rest of one that was broken off, and see it to its end.

The trainer is a process of its own, in a process group of its own. What it prints goes to the
run's `train.log`, which is followed to say how far it is.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from videoseal.core.provenance import python_path
from videoseal.core.settings import Settings
from videoseal.rl.config import ROLLOUT_VARIABLE, HardwareSection, TrainConfig
from videoseal.rl.data.tasks import read_tasks
from videoseal.rl.training.command import (
    GRPO,
    SFT,
    TRAINER,
    SftSpec,
    grpo_argv,
    sft_argv,
    validate,
    whole_batches,
)
from videoseal.rl.training.run_folder import RunFolder, RunStatus, describe
from videoseal.rl.training.supervisor import Launch, OnProgress, supervise

__all__ = ["plan", "plan_sft", "train", "warm_start"]
_ROLES_TOLD: Final = ("inspector", "answerer", "embedder", "judge")


def plan(config: TrainConfig, settings: Settings, run: RunFolder) -> Launch:
    """The command of a run, judged by OpenRLHF's own parser; nothing is written.

    Raises SettingsError for a command that it refuses, AnnotationError for unreadable data.
    """
    tasks = len(read_tasks(config.data.train))
    checkpoint = run.last_checkpoint()
    argv = grpo_argv(config, run, tasks, resume=checkpoint is not None)
    parsed = validate(GRPO, argv)
    batches = parsed["data"]["max_samples"] // config.rollout.batch
    return Launch(
        command=_command(config, run, argv),
        environ=_environ(config, settings, run),
        run=run,
        steps=batches * config.optimiser.passes,
        resumes=checkpoint.name if checkpoint else "",
    )


def train(
    config: TrainConfig,
    settings: Settings,
    run: RunFolder,
    environ: Mapping[str, str],
    on_progress: OnProgress,
    *,
    fresh: bool = False,
) -> RunStatus:
    """Carry out a run, or the rest of one that was broken off; the run's status at its end.

    A run that is done is left as it is. Raises RunMismatch for a run that was begun with another
    config, RunBusy, OutOfSpace, and TrainingFailed with the trainer's last words.
    """
    if fresh:
        with run.locked():
            pass
        run.set_aside()
    with run.locked() as lock:
        tasks = whole_batches(config, len(read_tasks(config.data.train)))
        manifest = describe(config, tasks, _models(settings))
        if run.manifest.is_file():
            run.settle(manifest)
        if run.is_trained():
            return _done(run)
        # A command that is refused leaves no manifest behind to disagree with.
        launch = plan(config, settings, run)
        run.settle(manifest)
        rollout = config.rollout_config(settings, run.rollouts)
        run.rollout.write_text(rollout.model_dump_json(indent=1), encoding="utf-8")
        run.command.write_text(json.dumps(launch.command, indent=1), encoding="utf-8")
        return supervise(launch, {**environ, **launch.environ}, on_progress, lock)


def plan_sft(spec: SftSpec) -> Launch:
    """The command of a warm start, judged by OpenRLHF's own parser; nothing is written."""
    argv = sft_argv(spec)
    validate(SFT, argv)
    alone = [sys.executable, "-m", TRAINER, SFT]
    command = alone if spec.hardware.backend == "hf" else ["deepspeed", "--module", SFT]
    return Launch([*command, *argv], _process_environ(spec.hardware), RunFolder(spec.out), 0, "")


def warm_start(spec: SftSpec, environ: Mapping[str, str], on_progress: OnProgress) -> Path:
    """Let a policy learn from traces; the folder of the trained policy.

    Raises RunBusy, OutOfSpace, and TrainingFailed with the trainer's last words.
    """
    launch = plan_sft(spec)
    with launch.run.locked() as lock:
        launch.run.command.write_text(json.dumps(launch.command, indent=1), encoding="utf-8")
        supervise(launch, {**environ, **launch.environ}, on_progress, lock)
    return launch.run.model


def _done(run: RunFolder) -> RunStatus:
    """The status of a trained run, also where whoever watched it was killed before the end."""
    status = run.status
    if status.state != "done":
        status = status.model_copy(update={"state": "done", "step": status.steps, "message": ""})
        run.write_status(status)
    return status


def _command(config: TrainConfig, run: RunFolder, argv: Sequence[str]) -> list[str]:
    hardware = config.hardware
    if hardware.backend == "hf":
        return [sys.executable, "-m", TRAINER, GRPO, *argv]
    if not hardware.ray_address:
        return [sys.executable, "-m", GRPO, *argv]
    # Keys and passwords are not sent: Ray shows a job's environment to whoever sees the cluster.
    runtime = {"env_vars": {ROLLOUT_VARIABLE: str(run.rollout)}}
    return [
        "ray", "job", "submit", "--address", hardware.ray_address,
        "--submission-id", f"videoseal-{config.name}-{int(time.time())}",
        "--runtime-env-json", json.dumps(runtime), "--", "python", "-m", GRPO, *argv,
    ]  # fmt: skip


def _environ(config: TrainConfig, settings: Settings, run: RunFolder) -> dict[str, str]:
    """What the trainer's processes find in their environment."""
    found = {
        **_process_environ(config.hardware),
        ROLLOUT_VARIABLE: str(run.rollout),
        "VIDEOSEAL_DATA_DIR": str(settings.data_dir),
    }
    if settings.database_url is not None:
        found["DATABASE_URL"] = settings.database_url.get_secret_value()
    return found


def _process_environ(hardware: HardwareSection) -> dict[str, str]:
    found = {
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    if hardware.backend == "hf":
        found |= {
            "SEAL_PRECISION": hardware.precision,
            "SEAL_TORCH_THREADS": str(hardware.threads),
            # Threads that spin while they wait take the cores from the other processes.
            "OMP_WAIT_POLICY": "PASSIVE",
            "KMP_BLOCKTIME": "0",
            "TOKENIZERS_PARALLELISM": "false",
        }
        if hardware.ray_address:
            found["SEAL_RAY_ADDRESS"] = hardware.ray_address
    return found


def _models(settings: Settings) -> dict[str, str]:
    """Who plays the frozen roles."""
    named = {role: settings.endpoint(role) for role in _ROLES_TOLD}
    missing = {"judge": "none"}
    return {
        role: found.model if found else missing.get(role, "offline")
        for role, found in named.items()
    }
