"""OpenRLHF's rollout engine and policy without vLLM and NCCL, on a CPU or one GPU.

Both are OpenRLHF's own classes with only that replaced: sampling goes to `HfEngine`, and weights
travel through Ray's object store. This module is imported by Ray workers in which
`compat.install` has run.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import ray
import torch
from openrlhf.trainer.ray.ppo_actor import PolicyModelActor
from openrlhf.trainer.ray.vllm_engine import RolloutRayActor, _load_agent_executor
from transformers import AutoModelForCausalLM, AutoTokenizer

from videoseal.rl.worker.engine import HfEngine, RequestOutput

__all__ = ["HfPolicy", "HfRollout", "create_engines"]

_Rollout: Any = RolloutRayActor.__ray_metadata__.modified_class
_Policy: Any = PolicyModelActor.__ray_metadata__.modified_class
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class HfRollout(_Rollout):  # type: ignore[misc]
    """Plays episodes; `generate_responses` is OpenRLHF's."""

    def __init__(self, model: str, agent_func_path: str, precision: str, seed: int) -> None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.engine = HfEngine(
            AutoModelForCausalLM.from_pretrained(model, dtype=_DTYPES[precision]).to(device),
            AutoTokenizer.from_pretrained(model),
            seed=seed,
        )
        self.executor = _load_agent_executor(agent_func_path)

    async def generate(
        self, prompt_token_ids: list[int], sampling_params: Any, multi_modal_data: Any = None
    ) -> RequestOutput:
        """Sample one turn."""
        return await self.engine.generate(prompt_token_ids, sampling_params, multi_modal_data)

    def get_num_unfinished_requests(self) -> int:
        """For OpenRLHF's balancing."""
        return self.engine.unfinished

    async def load_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """Take the policy's weights after a training step."""
        await asyncio.to_thread(self.engine.load, weights)

    async def reset_prefix_cache(self) -> None:
        """Nothing: new weights reset it."""

    async def pause_generation(self) -> None:
        """Nothing: weights are loaded between batches of tokens anyway."""

    async def resume_generation(self) -> None:
        """Nothing."""


class HfPolicy(_Policy):  # type: ignore[misc]
    """The trained model; it hands its weights to the engines through the object store."""

    def init_model_from_pretrained(
        self, strategy: Any, pretrain: str, max_steps: int | None = None, vllm_engines: Any = None
    ) -> None:
        """As OpenRLHF, but no process group is opened with the engines."""
        super().init_model_from_pretrained(strategy, pretrain, max_steps, None)
        self.engines = vllm_engines

    def broadcast_to_vllm(self) -> None:
        """Push all weights to all engines."""
        # ZeRO's parameters are views of one buffer: without a copy each would drag all of it along.
        weights = {
            name: value.detach().to("cpu", copy=True).contiguous()
            for name, value in self.actor.model.module.named_parameters()
        }
        shared = ray.put(weights)
        ray.get([engine.load_weights.remote(shared) for engine in self.engines])

    def fit(self, kl_ctl: float = 0) -> Any:
        """One training step, with how far the engine's log-probs were from the trainer's."""
        worst = _disagreement(self.trainer.replay_buffer.items)
        status = super().fit(kl_ctl)
        status["token_mismatch"] = worst
        return status


def create_engines(
    count: int, tensor_parallel: int, model: str, seed: int, *_: Any, **more: Any
) -> list[Any]:
    """Replaces OpenRLHF's `create_vllm_engines`: one engine of Hugging Face each."""
    actor = ray.remote(HfRollout)
    gpus = 0.2 if torch.cuda.is_available() else 0
    precision = os.environ.get("SEAL_PRECISION", "bf16")
    return [
        actor.options(num_cpus=0, num_gpus=gpus).remote(
            model, agent_func_path=more["agent_func_path"], precision=precision, seed=seed + number
        )
        for number in range(count)
    ]


def _disagreement(items: list[Any]) -> float:
    """The largest difference of a sampled token's log-prob between engine and trainer, in nats."""
    worst = 0.0
    for item in items:
        if item.rollout_log_probs is None:
            continue
        apart = (item.action_log_probs - item.rollout_log_probs).abs() * item.action_mask
        worst = max(worst, float(apart.max()) if apart.numel() else 0.0)
    return worst
