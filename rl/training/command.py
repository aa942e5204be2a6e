"""OpenRLHF's command line for a training run, and its own parser's judgement of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from videoseal.core.errors import MissingDependency, SettingsError
from videoseal.core.provenance import python_path
from videoseal.rl.config import ConfigSection, Flag, HardwareSection, TrainConfig
from videoseal.rl.training.run_folder import RunFolder

__all__ = ["AGENT", "GRPO", "INSTALL", "SFT", "TRAINER", "SftSpec", "grpo_argv", "sft_argv",
           "validate", "whole_batches"]  # fmt: skip

GRPO: Final = "openrlhf.cli.train_ppo_ray"
SFT: Final = "openrlhf.cli.train_sft"
TRAINER: Final = "videoseal.rl.worker.trainer"
"""What runs those where something that they need is missing."""
AGENT: Final = Path(__file__).parents[1] / "worker" / "agent_func.py"
"""The file whose `AgentExecutor` OpenRLHF's engines load."""
INSTALL: Final = "pip install 'videoseal-agent[rl]'; without a GPU, in a checkout: make .venv/.dev"
Flags = Mapping[str, Any]


class SftSpec(ConfigSection):
    """A warm start: which policy learns which traces, and how."""

    policy: Annotated[str, Flag("model.model_name_or_path")] = Field(min_length=1)
    traces: Annotated[Path, Flag("data.dataset")]
    """Conversations, as `videoseal train traces` writes them."""
    out: Path
    context_tokens: Annotated[int, Flag("data.max_len")] = Field(default=4096, ge=128)
    batch: Annotated[int, Flag("train.batch_size")] = Field(default=8, ge=1)
    micro_batch: Annotated[int, Flag("train.micro_batch_size")] = Field(default=1, ge=1)
    epochs: Annotated[int, Flag("train.max_epochs")] = Field(default=2, ge=1)
    lr: Annotated[float, Flag("adam.lr")] = Field(default=5e-6, gt=0)
    seed: Annotated[int, Flag("train.seed")] = 42
    hardware: HardwareSection = Field(default_factory=HardwareSection)


def grpo_argv(
    config: TrainConfig, run: RunFolder, tasks: int, *, resume: bool = False
) -> list[str]:
    """Flags of `openrlhf.cli.train_ppo_ray` for `tasks` questions.

    `resume` makes it go on from the run's last checkpoint. Raises SettingsError where the config's
    own `openrlhf` flags contradict what follows from the rest of it.
    """
    flags = {
        **_follows(config),
        "data.input_key": "prompt",
        "data.label_key": "label",
        "data.max_samples": whole_batches(config, tasks),
        "train.agent_func_path": AGENT,
        "ckpt.output_dir": run.model,
        "ckpt.path": run.checkpoints,
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
        **spec.flags(),
        **_deepspeed(spec.hardware),
        "model.gradient_checkpointing_enable": spec.hardware.gradient_checkpointing,
        "data.input_key": "messages",
        # Every turn of the assistant is learnt, in the policy's own chat template.
        "data.multiturn": True,
        "data.apply_chat_template": True,
        "lr_warmup_ratio": 0.0,
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
        [sys.executable, "-m", TRAINER, "--parse", module, *argv],
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


def _follows(config: TrainConfig) -> Flags:
    """What the fields of the config say, and what follows from several of them."""
    hardware, optimiser = config.hardware, config.optimiser
    corrected, shared = optimiser.correction != "off", hardware.backend == "vllm"
    sections = (config.policy, config.data, config.rollout, optimiser, hardware, config.output)
    flags = {
        **{name: value for section in sections for name, value in section.flags().items()},
        **_deepspeed(hardware),
        "ref.num_nodes": hardware.nodes,
        "ref.num_gpus_per_node": hardware.gpus,
        "rollout.micro_batch_size": optimiser.micro_batch,
        # The engine reports log-probs after the cut of top_p, the trainer knows of no cut.
        "rollout.top_p": 1.0,
        "train.batch_size": config.optimiser_batch,
        "algo.advantage.estimator": "group_norm",
        "algo.kl.use_loss": optimiser.kl > 0,
        "algo.advantage.is_correction_level": "token" if corrected else "off",
        "algo.advantage.is_correction_mode": optimiser.correction if corrected else None,
        "algo.advantage.is_correction_threshold": optimiser.correction_range if corrected else None,
        "train.colocate_all": shared,
        "train.colocate_actor_ref": not shared,
        "vllm.num_engines": config.engines,
        # Every turn begins with all the turns before it.
        "vllm.enable_prefix_caching": shared,
        "vllm.enable_sleep": shared,
        "ds.enable_sleep": shared,
    }
    unused: tuple[str, ...] = () if config.data.validation else ("eval.",)
    unused += () if shared else ("vllm.tensor", "vllm.gpu")
    return {name: value for name, value in flags.items() if not name.startswith(unused)}


def _deepspeed(hardware: HardwareSection) -> Flags:
    return {
        **{name: value for name, value in hardware.flags().items() if name.startswith("ds.")},
        # The flag knows no fp32; the hf backend is told of it by the environment.
        "ds.param_dtype": "bf16" if hardware.precision == "fp32" else hardware.precision,
    }


def _written(flags: Flags) -> Iterator[str]:
    """Switches stand alone where they are on; off and None are left out."""
    for name, value in flags.items():
        if value is None or value is False:
            continue
        yield f"--{name}"
        if value is not True:
            yield from map(str, value if isinstance(value, list | tuple) else [value])
