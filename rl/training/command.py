"""OpenRLHF's command line for a training run, and its own parser's judgement of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.errors import MissingDependency, SettingsError
from videoseal.core.provenance import python_path
from videoseal.rl.config import HardwareSection, TrainConfig
from videoseal.rl.training.run_folder import RunFolder

__all__ = ["AGENT", "GRPO", "INSTALL", "SFT", "SftSpec", "grpo_argv", "sft_argv",
           "validate", "whole_batches"]  # fmt: skip

GRPO: Final = "openrlhf.cli.train_ppo_ray"
SFT: Final = "openrlhf.cli.train_sft"
AGENT: Final = Path(__file__).parents[1] / "worker" / "agent_func.py"
"""The file whose `AgentExecutor` OpenRLHF's engines load."""
INSTALL: Final = "pip install 'videoseal-agent[rl]'; without a GPU, in a checkout: make .venv/.dev"
Flags = Mapping[str, Any]


class SftSpec(BaseModel):
    """A warm start: which policy learns which traces, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str = Field(min_length=1)
    traces: Path
    """Conversations, as `videoseal train traces` writes them."""
    out: Path
    context_tokens: int = Field(default=4096, ge=128)
    batch: int = Field(default=8, ge=1)
    micro_batch: int = Field(default=1, ge=1)
    epochs: int = Field(default=2, ge=1)
    lr: float = Field(default=5e-6, gt=0)
    seed: int = 42
    hardware: HardwareSection = Field(default_factory=HardwareSection)


def grpo_argv(
    config: TrainConfig, run: RunFolder, tasks: int, *, resume: bool = False
) -> list[str]:
    """Flags of `openrlhf.cli.train_ppo_ray` for `tasks` questions.

    `resume` makes it go on from the run's last checkpoint. Raises SettingsError where the config's
    own `openrlhf` flags contradict what follows from the rest of it.
    """
    flags = {
        **_data(config, tasks),
        **_rollout(config),
        **_optimiser(config),
        **_hardware(config.hardware),
        **_deepspeed(config.hardware),
        "actor.model_name_or_path": config.policy.path,
        "train.agent_func_path": AGENT,
        "ckpt.output_dir": run.model,
        "ckpt.path": run.checkpoints,
        "ckpt.save_steps": config.output.save_steps,
        "ckpt.max_num": config.output.keep,
        "logger.tensorboard_dir": run.tensorboard,
        "logger.wandb.run_name": "run",
        "ckpt.load_enable": resume,
    }
    for name in config.openrlhf:
        if name in flags:
            raise SettingsError(
                f"openrlhf.{name}: follows from the rest of the config",
                hint="change the field that it follows from",
            )
    return list(_written({**flags, **config.openrlhf}))


def sft_argv(spec: SftSpec) -> list[str]:
    """Flags of `openrlhf.cli.train_sft`."""
    flags = {
        "model.model_name_or_path": spec.policy,
        "model.gradient_checkpointing_enable": spec.hardware.gradient_checkpointing,
        "data.dataset": spec.traces,
        "data.input_key": "messages",
        # Every turn of the assistant is learnt, in the policy's own chat template.
        "data.multiturn": True,
        "data.apply_chat_template": True,
        "data.max_len": spec.context_tokens,
        "train.batch_size": spec.batch,
        "train.micro_batch_size": spec.micro_batch,
        "train.max_epochs": spec.epochs,
        "train.seed": spec.seed,
        "adam.lr": spec.lr,
        "lr_warmup_ratio": 0.0,
        **_deepspeed(spec.hardware),
        "ckpt.output_dir": spec.out / "model",
        "logger.tensorboard_dir": spec.out / "tensorboard",
        "logger.wandb.run_name": "run",
    }
    return list(_written(flags))


def validate(module: str, argv: Sequence[str]) -> dict[str, Any]:
    """What OpenRLHF's own parser makes of a command line, nested by the dots of its names.

    It runs in a process of its own, so that nothing it imports stays here; neither a GPU nor Ray
    is touched. Raises SettingsError with the parser's complaint, MissingDependency without
    OpenRLHF.
    """
    done = subprocess.run(
        [sys.executable, "-m", "videoseal.rl.worker.parse", module, *argv],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": python_path(), "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit status {done.returncode}"
    if "ModuleNotFoundError" in last or "PackageNotFoundError" in last:
        raise MissingDependency(f"training needs OpenRLHF: {last.partition(': ')[2]}", hint=INSTALL)
    if "MissingDependency" in last:
        raise MissingDependency(last.partition(": ")[2], hint=INSTALL)
    raise SettingsError(f"OpenRLHF refuses the command: {last.partition('error: ')[2] or last}")


def whole_batches(config: TrainConfig, tasks: int) -> int:
    """How many of `tasks` questions fill whole batches.

    With fewer episodes in the last batch than there are GPUs OpenRLHF ends with an error, after
    all the work; fewer than an optimiser batch are not learnt from.
    """
    most = min(tasks, config.data.limit or tasks)
    return most - most % config.rollout.batch


def _data(config: TrainConfig, tasks: int) -> Flags:
    flags: dict[str, Any] = {
        "data.prompt_dataset": config.data.train,
        "data.input_key": "prompt",
        "data.label_key": "label",
        "data.max_samples": whole_batches(config, tasks),
        "data.max_len": config.rollout.context_tokens,
        "train.num_episodes": config.optimiser.passes,
        "train.seed": config.optimiser.seed,
    }
    if config.data.validation is not None:
        flags |= {
            "eval.dataset": config.data.validation,
            "eval.steps": config.output.validation_steps,
            "eval.temperature": config.rollout.validation_temperature,
            "eval.n_samples_per_prompt": config.rollout.validation_samples,
        }
    return flags


def _rollout(config: TrainConfig) -> Flags:
    return {
        "rollout.batch_size": config.rollout.batch,
        "rollout.n_samples_per_prompt": config.rollout.samples,
        "rollout.micro_batch_size": config.optimiser.micro_batch,
        "rollout.max_new_tokens": config.rollout.turn_tokens,
        "rollout.temperature": config.rollout.temperature,
        # The engine reports log-probs after the cut of top_p, the trainer knows of no cut.
        "rollout.top_p": 1.0,
    }


def _optimiser(config: TrainConfig) -> Flags:
    optimiser = config.optimiser
    flags: dict[str, Any] = {
        "algo.advantage.estimator": "group_norm",
        "algo.kl.use_loss": optimiser.kl > 0,
        "algo.kl.estimator": optimiser.kl_estimator,
        "algo.kl.init_coef": optimiser.kl,
        "algo.advantage.is_correction_level": "off" if optimiser.correction == "off" else "token",
        "actor.eps_clip_low_high": optimiser.clip,
        "actor.adam.lr": optimiser.lr,
        "actor.lr_scheduler": optimiser.schedule,
        "actor.lr_warmup_ratio": optimiser.warmup,
        "actor.max_norm": optimiser.max_norm,
        "train.batch_size": config.optimiser_batch,
        "train.micro_batch_size": optimiser.micro_batch,
        "train.max_epochs": optimiser.epochs,
    }
    if optimiser.correction != "off":
        flags |= {
            "algo.advantage.is_correction_mode": optimiser.correction,
            "algo.advantage.is_correction_threshold": optimiser.correction_range,
        }
    return flags


def _hardware(hardware: HardwareSection) -> Flags:
    shared = hardware.backend == "vllm"
    flags: dict[str, Any] = {
        "actor.num_nodes": hardware.nodes,
        "actor.num_gpus_per_node": hardware.gpus,
        "ref.num_nodes": hardware.nodes,
        "ref.num_gpus_per_node": hardware.gpus,
        "train.colocate_all": shared,
        "train.colocate_actor_ref": not shared,
        "actor.gradient_checkpointing_enable": hardware.gradient_checkpointing,
        "vllm.num_engines": 1,
    }
    if shared:
        flags |= {
            "vllm.num_engines": hardware.nodes * hardware.gpus // hardware.tensor_parallel,
            "vllm.tensor_parallel_size": hardware.tensor_parallel,
            "vllm.gpu_memory_utilization": hardware.gpu_memory,
            # Every turn begins with all the turns before it.
            "vllm.enable_prefix_caching": True,
            "vllm.enable_sleep": True,
            "ds.enable_sleep": True,
        }
    return flags


def _deepspeed(hardware: HardwareSection) -> Flags:
    return {
        "ds.zero_stage": hardware.zero_stage,
        # The flag knows no fp32; the hf backend is told of it by the environment.
        "ds.param_dtype": "bf16" if hardware.precision == "fp32" else hardware.precision,
        "ds.adam_offload": hardware.offload_optimiser,
        "ds.attn_implementation": hardware.attention,
    }


def _written(flags: Flags) -> Iterator[str]:
    """Switches stand alone where they are on, and are left out where they are off."""
    for name, value in flags.items():
        if isinstance(value, bool):
            if value:
                yield f"--{name}"
            continue
        yield f"--{name}"
        if isinstance(value, list | tuple):
            yield from map(str, value)
        else:
            yield str(value)
