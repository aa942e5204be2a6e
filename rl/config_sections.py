"""The sections of a training config, each with its limits and the reason for its defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["DataSection", "HardwareSection", "OptimiserSection", "OutputSection",
           "PolicySection", "RolloutSection"]  # fmt: skip


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""Stays true in processes that run in other folders."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicySection(_Section):
    """The model that is trained: the planner."""

    path: str = Field(min_length=1)
    """A Hugging Face folder, or the name of a model on the hub."""
    tool_call_format: Literal["text", "brief"] = "text"
    """The system prompt it reads: whole, or the short one for small models. The trained planner is
    served with the same VIDEOSEAL_TOOL_CALL_FORMAT."""


class DataSection(_Section):
    """The questions, as `videoseal train data` writes them."""

    train: AbsolutePath
    """JSON Lines with `prompt` and `label`."""
    validation: AbsolutePath | None = None
    """Questions that are asked while training and never trained on; their videos are others."""
    limit: int | None = Field(default=None, ge=1)
    """Only the first N questions."""


class RolloutSection(_Section):
    """How episodes are played."""

    batch: int = Field(default=32, ge=1)
    """Questions a step."""
    samples: int = Field(default=4, ge=2)
    """Episodes a question; GRPO compares them with each other, so one is not enough."""
    temperature: float = Field(default=0.7, gt=0)
    turn_tokens: int = Field(default=1024, ge=8)
    """Tokens the policy may say in one turn."""
    context_tokens: int = Field(default=36_864, ge=128)
    """Tokens of a whole episode: rules, question, turns and tool results."""
    episode_seconds: float = Field(default=300.0, gt=0)
    tool_seconds: float = Field(default=60.0, gt=0)
    """Seconds one tool call may take before the policy reads that it timed out."""
    max_episodes: int = Field(default=64, ge=1)
    """Episodes at a time in one process of the engine."""
    validation_temperature: float = Field(default=0.7, ge=0)
    validation_samples: int = Field(default=1, ge=1)
    """Episodes a question of the validation set."""


class OptimiserSection(_Section):
    """How the policy learns from them."""

    lr: float = Field(default=1e-6, gt=0)
    schedule: Literal[
        "cosine", "cosine_with_min_lr", "linear", "constant", "constant_with_warmup"
    ] = "cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps; any above 0 makes the very first step one of learning rate 0."""
    kl: float = Field(default=1e-3, ge=0)
    """Weight of the KL loss against the untrained policy; 0 loads no reference model."""
    kl_estimator: Literal["k1", "k2", "k3"] = "k3"
    clip: tuple[float, float] = (0.2, 0.2)
    """How far below and above 1 the ratio to the sampling policy may move a token."""
    batch: int | None = Field(default=None, ge=1)
    """Episodes an optimiser step; None takes all of a rollout in one step."""
    micro_batch: int = Field(default=1, ge=1)
    """Episodes a GPU at a time."""
    passes: int = Field(default=1, ge=1)
    """Times the data is gone through."""
    epochs: int = Field(default=1, ge=1)
    """Times each rollout is learnt from; above 1 the policy leaves the one that sampled it."""
    max_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    correction: Literal["off", "clip", "mask"] = "clip"
    """What is done where engine and trainer disagree about a token's probability."""
    correction_range: tuple[float, float] = (0.5, 2.0)
    """Ratios of the two that need no correction."""
    seed: int = 42


class HardwareSection(_Section):
    """What it runs on."""

    backend: Literal["vllm", "hf"] = "vllm"
    """vllm: OpenRLHF as it is. hf: transformers also generates, on a CPU or one GPU."""
    nodes: int = Field(default=1, ge=1)
    gpus: int = Field(default=8, ge=1)
    """GPUs a node; policy, reference and engines share them."""
    tensor_parallel: int = Field(default=1, ge=1)
    """GPUs an engine; there are as many engines as fill the GPUs."""
    gpu_memory: float = Field(default=0.7, gt=0, lt=1)
    """Share of a GPU's memory that the engine takes while episodes are played."""
    ray_address: str = Field(default="", pattern=r"^$|^(https?|ray)://\S+$")
    """A cluster's job server, such as `http://head:8265`; empty starts Ray on this machine."""
    precision: Literal["bf16", "fp16", "fp32"] = "bf16"
    """Of the weights; fp32 only with the hf backend."""
    zero_stage: Literal[0, 1, 2, 3] = 2
    offload_optimiser: bool = False
    """Whether Adam's state lies in main memory."""
    gradient_checkpointing: bool = False
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    threads: int = Field(default=1, ge=1)
    """Threads of torch in each process of the hf backend."""


class OutputSection(_Section):
    """What is kept, and where."""

    dir: AbsolutePath | None = None
    """Folder of the run; None is `train/<name>` in the data folder."""
    save_steps: int = Field(default=20, ge=1)
    """Steps between checkpoints: what a killed run loses at most."""
    keep: int = Field(default=2, ge=2)
    """Checkpoints that stay; the oldest goes before the next is written, so one is not enough."""
    validation_steps: int = Field(default=20, ge=1)
    """Steps between two looks at the validation set."""
