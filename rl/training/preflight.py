"""What a training run depends on, looked at before hours are spent on it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from videoseal.core.errors import VideosealError
from videoseal.core.settings import Role, Settings
from videoseal.rl.config import TrainConfig
from videoseal.rl.data.tasks import TaskLabel, read_label, read_tasks
from videoseal.rl.training.command import INSTALL, whole_batches
from videoseal.rl.training.run_folder import RunFolder, weight_files

__all__ = ["Finding", "checkpoint_bytes", "preflight"]

_NEEDED: Final = "0.11.2"
_PARAMETER_BYTES: Final = {"bf16": 2, "fp16": 2, "fp32": 4}
_EPISODE_BYTES: Final = 100_000
"""A recorded episode takes about this much."""
_GIB: Final = 1 << 30


class Finding(NamedTuple):
    """One line of the checks."""

    name: str
    state: Literal["ok", "warn", "fail"]
    text: str
    hint: str = ""


def preflight(config: TrainConfig, settings: Settings, run: RunFolder) -> Iterator[Finding]:
    """Every check in turn, the quick ones first; none raises."""
    yield _guarded("packages", lambda: _packages(config))
    yield _guarded("gpus", lambda: _gpus(config))
    labels: list[TaskLabel] = []
    yield _guarded("data", lambda: _data(config, labels))
    yield _guarded("disk", lambda: _disk(config, run, len(labels)))
    yield _guarded("policy", lambda: _policy(config))
    yield _guarded("index", lambda: _index(settings, labels))
    for role in _roles(config):
        yield _guarded(role, lambda role=role: _endpoint(settings, role))  # type: ignore[misc]
    if config.hardware.ray_address:
        yield _guarded("ray", lambda: _ray(config.hardware.ray_address))


def checkpoint_bytes(parameters: int, precision: str) -> int:
    """Size of one checkpoint: the weights, and Adam's state, which is fp32 whatever they are.

    In half precision the optimiser keeps its own fp32 copy of the weights beside two moments.
    """
    weights = _PARAMETER_BYTES[precision]
    return parameters * (weights + (8 if precision == "fp32" else 12))


def _packages(config: TrainConfig) -> Finding:
    try:
        found = version("openrlhf")
    except PackageNotFoundError:
        return Finding("packages", "fail", "OpenRLHF is not installed", INSTALL)
    if found != _NEEDED:
        return Finding(
            "packages", "fail", f"OpenRLHF {found}; training is written against {_NEEDED}", INSTALL
        )
    if config.hardware.backend == "vllm" and not config.hardware.ray_address:
        for name in ("vllm", "flash-attn"):
            try:
                version(name)
            except PackageNotFoundError:
                return Finding(
                    "packages", "fail", f"the vllm backend needs {name}",
                    "pip install 'videoseal-agent[rl]', or set hardware.backend: hf",
                )  # fmt: skip
    return Finding("packages", "ok", f"OpenRLHF {found}")


def _gpus(config: TrainConfig) -> Finding:
    hardware = config.hardware
    if hardware.ray_address:
        return Finding("gpus", "ok", "left to the cluster")
    found = _count_gpus()
    if hardware.backend == "hf":
        return Finding("gpus", "ok", "one GPU" if found else "none: the CPU trains")
    if found < hardware.gpus:
        return Finding(
            "gpus", "fail", f"{hardware.gpus} GPUs are asked for, nvidia-smi lists {found}",
            "set hardware.gpus, or hardware.ray_address for a cluster, or hardware.backend: hf",
        )  # fmt: skip
    return Finding("gpus", "ok", f"{found} GPUs")


def _data(config: TrainConfig, labels: list[TaskLabel]) -> Finding:
    """Fills `labels` with those of all questions."""
    data = config.data
    for path in filter(None, (data.train, data.validation)):
        # OpenRLHF splits a path at commas, and takes what follows an @ for a folder in it.
        if "," in str(path) or "@" in str(path):
            return Finding("data", "fail", f"{path}: OpenRLHF reads no path with , or @ in it")
    train = [read_label(task.label) for task in read_tasks(data.train)]
    held = [read_label(t.label) for t in read_tasks(data.validation)] if data.validation else []
    labels += train + held
    used = whole_batches(config, len(train))
    if not used:
        return Finding(
            "data", "fail", f"{len(train)} questions do not fill one batch of"
            f" {config.rollout.batch}", "lower rollout.batch",
        )  # fmt: skip
    shared = {label.video_id for label in train} & {label.video_id for label in held}
    if shared:
        return Finding(
            "data", "fail", f"{len(shared)} videos are both trained on and held out",
            "videoseal train data splits by video",
        )  # fmt: skip
    steps = used // config.rollout.batch * config.optimiser.passes
    text = f"{used} questions, {steps} steps; {len(held)} held out"
    if rest := min(len(train), config.data.limit or len(train)) - used:
        return Finding("data", "warn", f"{text}; the last {rest} do not fill a batch, left out")
    return Finding("data", "ok", text)


def _disk(config: TrainConfig, run: RunFolder, tasks: int) -> Finding:
    weights = sum(path.stat().st_size for path in weight_files(Path(config.policy.path)))
    if not weights:
        return Finding("disk", "warn", "the policy is not on this disk: its size is not known")
    parameters = weights // _stored_bytes(Path(config.policy.path))
    precision = config.hardware.precision
    # Those that are kept, the one with the best validation, and the one that is being written.
    count = config.output.keep + 1 + (config.data.validation is not None)
    need = count * checkpoint_bytes(parameters, precision)
    need += parameters * _PARAMETER_BYTES[precision]
    need += _EPISODE_BYTES * tasks * config.rollout.samples * config.optimiser.passes
    free = shutil.disk_usage(_existing(run.root)).free
    text = f"{_size(need)} for {count} checkpoints, {_size(free)} free in {_existing(run.root)}"
    if free < need:
        return Finding(
            "disk", "fail", text, "lower output.keep, or set output.dir to a larger disk"
        )
    return Finding("disk", "ok", text)


def _policy(config: TrainConfig) -> Finding:
    from videoseal.rl.episodes.chat_templates import chat_template_of

    tokenizer = _tokenizer(config.policy.path)
    template = chat_template_of(tokenizer)
    return Finding("policy", "ok", f"chat template {template.family} appends only")


def _index(settings: Settings, labels: list[TaskLabel]) -> Finding:
    from videoseal.indexing.store.store import Store

    wanted = {label.video_id for label in labels}
    with Store.connect(settings) as store:
        known = {row.id: row for row in store.videos() if row.status == "ready"}
        place = store.place
    missing = sorted(wanted - set(known))
    if missing:
        return Finding(
            "index", "fail", f"{len(missing)} of {len(wanted)} videos are not indexed, such as"
            f" {missing[0]}", "videoseal train data indexes what it writes questions of",
        )  # fmt: skip
    gone = [row.path for name, row in known.items() if name in wanted and not row.path.is_file()]
    if gone:
        return Finding(
            "index", "fail", f"{len(gone)} indexed videos are no longer where they were, such as"
            f" {gone[0]}", "index them again where they are now",
        )  # fmt: skip
    return Finding("index", "ok", f"{len(wanted)} videos in {place}")


def _roles(config: TrainConfig) -> list[Role]:
    roles: list[Role] = ["inspector", "answerer", "embedder"]
    return [*roles, "judge"] if config.reward.judge_weight else roles


def _endpoint(settings: Settings, role: Role) -> Finding:
    from videoseal.models.check import check_endpoint

    if role == "judge":
        from videoseal.models.build import build_judges

        build_judges(settings, [role])  # refuses one that is not set
    return Finding(role, "ok", asyncio.run(check_endpoint(settings, role)))


def _ray(address: str) -> Finding:
    import urllib.request

    if address.startswith("ray://"):
        return Finding("ray", "warn", f"{address}: only tried when the run starts")
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/api/version", timeout=5) as reply:  # noqa: S310
            found = json.load(reply).get("ray_version", "of unknown version")
    except (OSError, ValueError) as error:
        return Finding(
            "ray", "fail", f"no job server answers at {address}: {error}",
            "ray start --head prints its address",
        )  # fmt: skip
    return Finding("ray", "ok", f"Ray {found} at {address}")


def _tokenizer(path: str) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise VideosealError("transformers is not installed", hint=INSTALL) from None
    try:
        return AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise VideosealError(
            f"no tokenizer at {path}: {' '.join(str(error).split())[:120]}",
            hint="policy.path is a Hugging Face folder or a model's name on the hub",
        ) from None


def _stored_bytes(folder: Path) -> int:
    """Bytes a parameter in the policy's files."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 2
    return 4 if "32" in str(config.get("dtype") or config.get("torch_dtype")) else 2


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _count_gpus() -> int:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines())


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    """A check that fails is a line like any other."""
    try:
        return look()
    except VideosealError as error:
        return Finding(name, "fail", str(error), error.hint)
    except OSError as error:
        return Finding(name, "fail", f"{error.strerror}: {error.filename}")


def _size(count: float) -> str:
    return f"{count / _GIB:.1f} GiB"
