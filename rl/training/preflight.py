"""What a training run depends on, looked at before hours are spent on it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from videoseal.core.checks import Check, CheckWarning, run_check
from videoseal.core.errors import MissingDependency, OutOfSpace, VideosealError
from videoseal.core.settings import Role, Settings
from videoseal.rl.config import HardwareSection, TrainConfig
from videoseal.rl.data.tasks import TaskLabel, read_label, read_tasks
from videoseal.rl.training.command import INSTALL, whole_batches
from videoseal.rl.training.run_folder import RunFolder, weight_files

__all__ = ["checkpoint_bytes", "preflight"]

_NEEDED: Final = "0.11.2"
_PARAMETER_BYTES: Final = {"bf16": 2, "fp16": 2, "fp32": 4}
_EPISODE_BYTES: Final = 100_000
"""A recorded episode takes about this much."""
_GIB: Final = 1 << 30


def preflight(config: TrainConfig, settings: Settings, run: RunFolder) -> Iterator[Check]:
    """Every check in turn, the quick ones first; none raises."""
    labels: list[TaskLabel] = []
    yield run_check("packages", lambda: _packages(config.hardware))
    yield run_check("gpus", lambda: _gpus(config.hardware))
    yield run_check("data", lambda: _data(config, labels))
    yield run_check("disk", lambda: _disk(config, run, len(labels)))
    yield run_check("policy", lambda: _policy(config.policy.path))
    yield run_check("index", lambda: _index(settings, labels))
    roles: tuple[Role, ...] = ("inspector", "answerer", "embedder")
    for role in (*roles, "judge") if config.reward.judge_weight else roles:
        yield run_check(role, lambda role=role: _endpoint(settings, role))  # type: ignore[misc]
    if config.hardware.ray_address:
        yield run_check("ray", lambda: _ray(config.hardware.ray_address))


def checkpoint_bytes(parameters: int, precision: str) -> int:
    """Size of one checkpoint: the weights, and Adam's state, which is fp32 whatever they are.

    In half precision the optimiser keeps its own fp32 copy of the weights beside two moments.
    """
    weights = _PARAMETER_BYTES[precision]
    return parameters * (weights + (8 if precision == "fp32" else 12))


def _packages(hardware: HardwareSection) -> str:
    found = _version("openrlhf")
    if not found:
        raise MissingDependency("OpenRLHF is not installed", hint=INSTALL)
    if found != _NEEDED:
        raise MissingDependency(
            f"OpenRLHF {found}; training is written against {_NEEDED}", hint=INSTALL
        )
    if hardware.backend == "vllm" and not hardware.ray_address:
        for name in ("vllm", "flash-attn"):
            if not _version(name):
                raise MissingDependency(
                    f"the vllm backend needs {name}",
                    hint="pip install 'videoseal-agent[rl]', or set hardware.backend: hf",
                )
    return f"OpenRLHF {found}"


def _gpus(hardware: HardwareSection) -> str:
    if hardware.ray_address:
        return "left to the cluster"
    found = _count_gpus()
    if hardware.backend == "hf":
        return "one GPU" if found else "none: the CPU trains"
    if found < hardware.gpus:
        raise VideosealError(
            f"{hardware.gpus} GPUs are asked for, nvidia-smi lists {found}",
            hint="set hardware.gpus, or hardware.ray_address for a cluster, or"
            " hardware.backend: hf",
        )
    return f"{found} GPUs"


def _data(config: TrainConfig, labels: list[TaskLabel]) -> str:
    """Fills `labels` with those of all questions."""
    data = config.data
    for path in filter(None, (data.train, data.validation)):
        # OpenRLHF splits a path at commas, and takes what follows an @ for a folder in it.
        if "," in str(path) or "@" in str(path):
            raise VideosealError(f"{path}: OpenRLHF reads no path with , or @ in it")
    train = [read_label(task.label) for task in read_tasks(data.train)]
    held = [read_label(t.label) for t in read_tasks(data.validation)] if data.validation else []
    labels += train + held
    used = whole_batches(config, len(train))
    if not used:
        raise VideosealError(
            f"{len(train)} questions do not fill one batch of {config.rollout.batch}",
            hint="lower rollout.batch",
        )
    shared = {label.video_id for label in train} & {label.video_id for label in held}
    if shared:
        raise VideosealError(
            f"{len(shared)} videos are both trained on and held out",
            hint="videoseal train data splits by video",
        )
    steps = used // config.rollout.batch * config.optimiser.passes
    text = f"{used} questions, {steps} steps; {len(held)} held out"
    if rest := min(len(train), data.limit or len(train)) - used:
        raise CheckWarning(f"{text}; the last {rest} do not fill a batch, left out")
    return text


def _disk(config: TrainConfig, run: RunFolder, tasks: int) -> str:
    weights = sum(path.stat().st_size for path in weight_files(Path(config.policy.path)))
    if not weights:
        raise CheckWarning("the policy is not on this disk: its size is not known")
    parameters = weights // _stored_bytes(Path(config.policy.path))
    precision = config.hardware.precision
    # Those that are kept, the one with the best validation, and the one that is being written.
    count = config.output.keep + 1 + (config.data.validation is not None)
    need = count * checkpoint_bytes(parameters, precision)
    need += parameters * _PARAMETER_BYTES[precision]
    need += _EPISODE_BYTES * tasks * config.rollout.samples * config.optimiser.passes
    place = next(folder for folder in (run.root, *run.root.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    text = f"{_size(need)} for {count} checkpoints, {_size(free)} free in {place}"
    if free < need:
        raise OutOfSpace(text, hint="lower output.keep, or set output.dir to a larger disk")
    return text


def _policy(path: str) -> str:
    from videoseal.rl.episodes.chat_templates import chat_template_of

    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingDependency("transformers is not installed", hint=INSTALL) from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise VideosealError(
            f"no tokenizer at {path}: {' '.join(str(error).split())[:120]}",
            hint="policy.path is a Hugging Face folder or a model's name on the hub",
        ) from None
    return f"chat template {chat_template_of(tokenizer).family} appends only"


def _index(settings: Settings, labels: list[TaskLabel]) -> str:
    from videoseal.indexing.store.store import Store

    wanted = {label.video_id for label in labels}
    with Store.connect(settings) as store:
        known = {row.id: row for row in store.videos() if row.status == "ready"}
        place = store.place
    missing = sorted(wanted - set(known))
    if missing:
        raise VideosealError(
            f"{len(missing)} of {len(wanted)} videos are not indexed, such as {missing[0]}",
            hint="videoseal train data indexes what it writes questions of",
        )
    gone = [row.path for name, row in known.items() if name in wanted and not row.path.is_file()]
    if gone:
        raise VideosealError(
            f"{len(gone)} indexed videos are no longer where they were, such as {gone[0]}",
            hint="index them again where they are now",
        )
    return f"{len(wanted)} videos in {place}"


def _endpoint(settings: Settings, role: Role) -> str:
    from videoseal.models.check import check_endpoint

    if role == "judge":
        from videoseal.models.build import build_judges

        build_judges(settings, [role])  # refuses one that is not set
    return asyncio.run(check_endpoint(settings, role))


def _ray(address: str) -> str:
    import urllib.request

    if address.startswith("ray://"):
        raise CheckWarning(f"{address}: only tried when the run starts")
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/api/version", timeout=5) as reply:  # noqa: S310
            found = json.load(reply).get("ray_version", "of unknown version")
    except (OSError, ValueError) as error:
        raise VideosealError(
            f"no job server answers at {address}: {error}",
            hint="ray start --head prints its address",
        ) from None
    return f"Ray {found} at {address}"


def _version(package: str) -> str:
    """Of what is installed; empty where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _stored_bytes(folder: Path) -> int:
    """Bytes a parameter in the policy's files."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 2
    return 4 if "32" in str(config.get("dtype") or config.get("torch_dtype")) else 2


def _count_gpus() -> int:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines())


def _size(count: float) -> str:
    return f"{count / _GIB:.1f} GiB"
