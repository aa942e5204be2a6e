"""`python -m videoseal.rl.worker.grpo ARGS...`: OpenRLHF's GRPO trainer where there is no vLLM.

Takes the arguments of `openrlhf.cli.train_ppo_ray`. Three environment variables say the rest:
SEAL_PRECISION (bf16, fp16 or fp32), SEAL_TORCH_THREADS (a process) and SEAL_RAY_ADDRESS (a running
cluster; none starts Ray on this machine).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from videoseal.core.provenance import python_path
from videoseal.rl.worker import compat, parse

__all__ = ["main", "set_up"]

_HANDED_ON = (
    "SEAL_", "OMP_", "KMP_", "TOKENIZERS_", "VIDEOSEAL_", "DATABASE_URL", "HF_", "AGENT_LLM_",
    "VISUAL_INSPECT_", "MLLM_", "EMBEDDING_", "SUMMARY_", "LLM_JUDGE_",
)  # fmt: skip
_OBJECT_STORE_BYTES = 2_000_000_000
_SEED = "SEAL_SEED"


def set_up() -> None:
    """What Ray runs first in every worker process."""
    import torch

    compat.install()
    # OpenRLHF seeds its models' processes only: the order of the questions would be by chance.
    if seed := os.environ.get(_SEED):
        torch.manual_seed(int(seed))


def main(argv: Sequence[str]) -> None:
    """Train; raises parse.ArgumentsRejected for arguments that OpenRLHF does not take."""
    args = parse.parse("openrlhf.cli.train_ppo_ray", argv)
    args.ds.param_dtype = os.environ.get("SEAL_PRECISION", args.ds.param_dtype)
    import openrlhf.cli.train_ppo_ray as trainer
    import ray

    from videoseal.rl.worker.actors import HfPolicy, create_engines

    _start_ray(args.train.seed)
    trainer.create_vllm_engines = create_engines
    trainer.PolicyModelActor = ray.remote(num_gpus=1)(HfPolicy)
    try:
        trainer.train(args)
    finally:
        ray.shutdown()


def _start_ray(seed: int) -> None:
    import ray
    import torch

    runtime = {
        "worker_process_setup_hook": "videoseal.rl.worker.grpo.set_up",
        "env_vars": {**_environment(), "PYTHONPATH": python_path(), _SEED: str(seed)},
    }
    if address := os.environ.get("SEAL_RAY_ADDRESS"):
        ray.init(address, runtime_env=runtime)
        return
    # OpenRLHF asks for a GPU for every model; where there is none it is a number only.
    gpus = None if torch.cuda.is_available() else 1
    ray.init(
        num_cpus=max(4, os.cpu_count() or 1),
        num_gpus=gpus,
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        runtime_env=runtime,
    )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_HANDED_ON)}


if __name__ == "__main__":
    parse.run(main)
