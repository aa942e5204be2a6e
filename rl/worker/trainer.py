"""`python -m videoseal.rl.worker.trainer PROGRAM ARGS...`: OpenRLHF's trainers without its needs.

PROGRAM is `openrlhf.cli.train_ppo_ray`, which does without vLLM here, or `openrlhf.cli.train_sft`,
without flash-attn and in one process: for several GPUs use OpenRLHF under `deepspeed` itself.
Before them `--parse` prints what OpenRLHF's parser makes of the arguments, as one JSON object, and
touches no GPU, no model and no Ray cluster. Exit status 2 is the parser's complaint.

Three environment variables say the rest: SEAL_PRECISION (bf16, fp16 or fp32), SEAL_TORCH_THREADS (a
process) and SEAL_RAY_ADDRESS (a running cluster; none starts Ray on this machine).
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from videoseal.core.provenance import python_path
from videoseal.rl.worker import compat

__all__ = ["ArgumentsRejected", "main", "parse", "set_up"]

_HANDED_ON = (
    "SEAL_", "OMP_", "KMP_", "TOKENIZERS_", "VIDEOSEAL_", "DATABASE_URL", "HF_", "AGENT_LLM_",
    "VISUAL_INSPECT_", "MLLM_", "EMBEDDING_", "SUMMARY_", "LLM_JUDGE_",
)  # fmt: skip
_OBJECT_STORE_BYTES = 2_000_000_000
_SEED = "SEAL_SEED"


class ArgumentsRejected(ValueError):
    """OpenRLHF does not take these arguments."""


class _Parsed(BaseException):
    """Carries the arguments out of OpenRLHF's main block; nothing there catches it."""

    def __init__(self, args: Any) -> None:
        super().__init__()
        self.args_found = args


def parse(program: str, argv: Sequence[str]) -> Any:
    """The nested namespace that PROGRAM would train with; raises ArgumentsRejected.

    OpenRLHF checks its arguments in the main block of the module, so that block is run up to the
    point where it would begin to train.
    """
    compat.install()
    import openrlhf.utils
    import ray

    def stop(args: Any) -> NoReturn:
        raise _Parsed(args)

    changed = (openrlhf.utils, "get_strategy", stop), (ray, "init", lambda *_, **__: None)
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changed]
    argv_before = sys.argv
    for owner, name, value in changed:
        setattr(owner, name, value)
    sys.argv = [program.rsplit(".", 1)[-1], *argv]
    loaded = sys.modules.pop(program, None)
    try:
        runpy.run_module(program, run_name="__main__")
    except _Parsed as parsed:
        return parsed.args_found
    except (AssertionError, ValueError) as error:
        raise ArgumentsRejected(
            " ".join(str(error).split()) or "an assertion of OpenRLHF failed"
        ) from None
    finally:
        sys.argv = argv_before
        if loaded is not None:
            sys.modules[program] = loaded
        for owner, name, value in before:
            setattr(owner, name, value)
    raise ArgumentsRejected(f"{program} ended before it began to train")


def main(program: str, *argv: str) -> None:
    """Train, or parse only; raises ArgumentsRejected for arguments that OpenRLHF does not take."""
    if program == "--parse":
        print(json.dumps(_plain(parse(argv[0], argv[1:]))))  # noqa: T201
        return
    args = parse(program, argv)
    args.ds.param_dtype = os.environ.get("SEAL_PRECISION", args.ds.param_dtype)
    if program == "openrlhf.cli.train_sft":
        _train_alone(args)
    else:
        _train_on_ray(args)


def set_up() -> None:
    """What Ray runs first in every worker process."""
    import torch

    compat.install()
    # OpenRLHF seeds its models' processes only: the order of the questions would be by chance.
    if seed := os.environ.get(_SEED):
        torch.manual_seed(int(seed))


def _train_alone(args: Any) -> None:
    from openrlhf.cli.train_sft import train

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    alone = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1"}
    for name, value in {**alone, "MASTER_PORT": port}.items():
        os.environ.setdefault(name, value)
    train(args)


def _train_on_ray(args: Any) -> None:
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

    handed_on = {name: value for name, value in os.environ.items() if name.startswith(_HANDED_ON)}
    runtime = {
        "worker_process_setup_hook": "videoseal.rl.worker.trainer.set_up",
        "env_vars": {**handed_on, "PYTHONPATH": python_path(), _SEED: str(seed)},
    }
    if address := os.environ.get("SEAL_RAY_ADDRESS"):
        ray.init(address, runtime_env=runtime)
        return
    # OpenRLHF asks for a GPU for every model; where there is none it is a number only.
    gpus = None if torch.cuda.is_available() else 1
    ray.init(
        num_cpus=max(4, os.cpu_count() or 1), num_gpus=gpus, include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES, runtime_env=runtime,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if hasattr(value, "__dict__"):
        return {name: _plain(inner) for name, inner in vars(value).items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ArgumentsRejected as problem:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
