"""OpenRLHF 0.11.2 on a machine that lacks flash-attn, vLLM or CUDA.

Nothing of OpenRLHF is changed: what it imports and cannot find is stood in for while it is being
imported, and the CUDA calls that it makes unconditionally do nothing where there is no CUDA. Where
the real packages are installed, they are used.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, NoReturn

import torch

from videoseal.core.errors import MissingDependency

__all__ = ["OPENRLHF", "SamplingParams", "install", "missing_packages"]

OPENRLHF: Final = "0.11.2"
"""The release whose interfaces this is written against."""
_THREADS: Final = "SEAL_TORCH_THREADS"
_NEED_FLASH_ATTN: Final = (
    "openrlhf.cli.train_ppo_ray",
    "openrlhf.cli.train_sft",
    "openrlhf.trainer.ppo_trainer",
    "openrlhf.trainer.ppo_trainer_async",
)


@dataclass
class SamplingParams:
    """The part of vLLM's sampling parameters that OpenRLHF sets and our engine reads."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    max_tokens: int | None = None
    min_tokens: int = 0
    skip_special_tokens: bool = True
    logprobs: int | None = None


class _Cpu(str):
    """`cpu` where a device is named, `0` where OpenRLHF builds `cuda:<device>` from it."""

    def __format__(self, spec: str) -> str:
        return "0"


def missing_packages() -> list[str]:
    """Which of flash-attn and vLLM are stood in for."""
    return [name for name in ("flash_attn", "vllm") if importlib.util.find_spec(name) is None]


def install() -> None:
    """Make OpenRLHF importable and runnable in this process; idempotent.

    Runs in the driver and, as Ray's set-up hook, in every worker. Raises MissingDependency for
    another release of OpenRLHF.
    """
    if (found := version("openrlhf")) != OPENRLHF:
        raise MissingDependency(
            f"OpenRLHF {found} is installed; training is written against {OPENRLHF}",
            hint=f"pip install --no-deps openrlhf=={OPENRLHF}",
        )
    torch.set_num_threads(int(os.environ.get(_THREADS, torch.get_num_threads())))
    if "vllm" in missing_packages() and "vllm" not in sys.modules:
        sys.modules.update(_vllm())
    with _flash_attn():
        for name in _NEED_FLASH_ATTN:
            importlib.import_module(name)
    _allow_fp32()
    if not torch.cuda.is_available():
        _without_cuda()


def _without_cuda() -> None:
    """Let CUDA calls do nothing, and DeepSpeed compile nothing: torch has all that a CPU needs."""
    cuda: Any = torch.cuda
    cuda.current_device = lambda: _Cpu("cpu")
    for name in ("empty_cache", "synchronize", "set_device"):
        setattr(cuda, name, lambda *_, **__: None)
    from openrlhf.utils.deepspeed import deepspeed as strategy

    # By its name in sys.modules: as an attribute of its package it is hidden by torch itself.
    communication: Any = sys.modules["deepspeed.comm.torch"]
    communication.build_shm_op = lambda: None
    known = strategy.get_train_ds_config
    if known.__name__ == "with_torch_adam":
        return

    def with_torch_adam(*args: Any, **kwargs: Any) -> dict[str, Any]:
        config: dict[str, Any] = known(*args, **kwargs)
        if config.get("optimizer", {}).get("type") == "AdamW":
            config["optimizer"]["params"]["torch_adam"] = True
        return config

    strategy.get_train_ds_config = with_torch_adam


def _allow_fp32() -> None:
    """OpenRLHF's flag knows half precisions only; rounding would hide errors in the tokens."""
    from openrlhf.utils import utils

    known = utils.convert_to_torch_dtype
    if known.__name__ == "to_dtype":
        return

    def to_dtype(name: str) -> torch.dtype:
        return torch.float32 if name == "fp32" else known(name)

    utils.convert_to_torch_dtype = to_dtype


def _module(name: str, **members: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    for key, value in members.items():
        setattr(module, key, value)
    return module


def _vllm() -> dict[str, types.ModuleType]:
    return {
        "vllm": _module("vllm", SamplingParams=SamplingParams, __version__="0.29.0"),
        "vllm.inputs": _module("vllm.inputs", TokensPrompt=dict),
        "vllm.utils": _module("vllm.utils", random_uuid=lambda: uuid.uuid4().hex),
    }


@contextmanager
def _flash_attn() -> Iterator[None]:
    """Stand-ins that vanish again, so that transformers does not believe flash-attn is there."""
    if "flash_attn" not in missing_packages():
        yield
        return

    def absent(*_: Any, **__: Any) -> NoReturn:
        raise MissingDependency("packed samples need flash-attn, which is not installed")

    padding = dict.fromkeys(("index_first_axis", "pad_input", "rearrange", "unpad_input"), absent)
    added = {
        "flash_attn": _module("flash_attn"),
        "flash_attn.bert_padding": _module("flash_attn.bert_padding", **padding),
        "flash_attn.utils": _module("flash_attn.utils"),
        "flash_attn.utils.distributed": _module("flash_attn.utils.distributed", all_gather=absent),
    }
    sys.modules.update(added)
    try:
        yield
    finally:
        for name in added:
            sys.modules.pop(name, None)
