"""A training run on disk: what it was made with, how far it is, and which checkpoint counts."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videoseal.core.errors import VideosealError
from videoseal.core.files import write_whole
from videoseal.core.provenance import refuse_another, surroundings
from videoseal.evals.manifest import dataset_hash
from videoseal.evals.records import RunBusy
from videoseal.rl.config import TrainConfig

__all__ = ["NoSuchTraining", "RunFolder", "RunStatus", "TrainManifest", "describe", "weight_files"]

_TRAINER: Final = "_actor"
"""Below the checkpoints, where OpenRLHF keeps those of the policy."""
_SAVED: Final = "metric.json"
"""What OpenRLHF writes into a checkpoint when all else of it is on disk."""
_MAY_CHANGE: Final = (
    "name", "output", "rollout.max_episodes", "hardware.gpu_memory", "hardware.ray_address",
    "hardware.threads",
)  # fmt: skip
"""Fields of the config that may differ when a run resumes: none changes what is learnt."""


class NoSuchTraining(VideosealError):
    """There is no folder of that training run."""

    exit_code = 2


class RunStatus(BaseModel):
    """How far a run is; written at every change."""

    model_config = ConfigDict(extra="ignore")

    state: Literal["new", "running", "done", "failed", "stopped"] = "new"
    """`running` without a living process means that it was killed."""
    step: int = 0
    """The last step that the log tells of."""
    steps: int = 0
    """Of the whole run."""
    pid: int = 0
    """The trainer's process, also the number of its process group."""
    message: str = ""
    """Why it ended, when it did not end well."""
    changed: datetime | None = None


class TrainManifest(BaseModel):
    """A training run's identity and surroundings."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    version: Literal[1] = 1
    config: TrainConfig
    train_sha256: str
    validation_sha256: str = ""
    tasks: int
    """Questions that are trained on."""
    models: dict[str, str] = Field(default_factory=dict)
    """Model of every frozen role."""
    git: str = ""
    """Commit, with `+` for uncommitted changes; empty outside a checkout."""
    python: str
    packages: dict[str, str]
    created: datetime

    def identity(self) -> dict[str, Any]:
        """What two parts of one run must share, by dotted name."""
        config = _flat(json.loads(self.model_dump_json(include={"config"}))["config"])
        return {
            **{
                name: value
                for name, value in config.items()
                if not any(name == may or name.startswith(f"{may}.") for may in _MAY_CHANGE)
            },
            "training data": self.train_sha256,
            "validation data": self.validation_sha256,
            **{f"model of the {role}": model for role, model in self.models.items()},
        }


class RunFolder:
    """The files of one run, by name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = root / "manifest.json"
        self.status_file = root / "status.json"
        self.command = root / "command.json"
        self.rollout = root / "rollout.json"
        self.log = root / "train.log"
        self.rollouts = root / "rollouts"
        self.checkpoints = root / "checkpoints"
        self.tensorboard = root / "tensorboard"
        self.model = root / "model"
        self._lock = root / "lock"

    @classmethod
    def find(cls, run: str, data_dir: Path) -> RunFolder:
        """A folder as it is given, else the run of that name in the data folder.

        Raises NoSuchTraining.
        """
        for root in (Path(run), data_dir / "train" / run):
            if (root / "manifest.json").is_file():
                return cls(root.absolute())
        known = sorted(path.parent.name for path in (data_dir / "train").glob("*/manifest.json"))
        raise NoSuchTraining(
            f"no training run {run}", hint=f"there are: {', '.join(known)}" if known else ""
        )

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Keep other processes out; RunBusy when one is in.

        Yields a file descriptor: a process that inherits it keeps the lock should this one die.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunBusy(
                    f"another process is training {self.root.name}",
                    hint=f"wait for process {self.status.pid}, or give this run another --name",
                ) from None
            yield file.fileno()

    def settle(self, manifest: TrainManifest) -> None:
        """Write the manifest of a new run, or check that a resumed one is the same run.

        Raises RunMismatch naming the first thing that differs.
        """
        if not self.manifest.is_file():
            self.root.mkdir(parents=True, exist_ok=True)
            write_whole(self.manifest, manifest.model_dump_json(indent=1), durable=True)
            return
        refuse_another(
            self.root.name, self.read_manifest().identity(), manifest.identity(),
            hint="--name begins another run, --fresh begins this one anew",
        )  # fmt: skip

    def read_manifest(self) -> TrainManifest:
        """The manifest; NoSuchTraining where it is none."""
        try:
            return TrainManifest.model_validate_json(self.manifest.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            raise NoSuchTraining(
                f"{self.manifest} is no manifest of this version", hint="begin anew with --fresh"
            ) from None

    def set_aside(self) -> Path | None:
        """Move an earlier run of this name out of the way; where it is now, None without one."""
        if not self.manifest.is_file():
            return None
        number = 1
        while (aside := self.root.with_name(f"{self.root.name}.{number}")).exists():
            number += 1
        return self.root.rename(aside)

    @property
    def status(self) -> RunStatus:
        """How far the run is; new where nothing is known."""
        try:
            return RunStatus.model_validate_json(self.status_file.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return RunStatus()

    def write_status(self, status: RunStatus) -> None:
        """Write the status; a full disk is no reason to lose the run."""
        try:
            told = status.model_copy(update={"changed": datetime.now(UTC)})
            write_whole(self.status_file, told.model_dump_json(indent=1), durable=True)
        except OSError:
            return

    def last_checkpoint(self) -> Path | None:
        """The checkpoint to go on from, after mending what names it; None when there is none.

        OpenRLHF deletes old checkpoints by their metric before it saves the next, so a kill may
        leave `latest` naming one that is gone, and a half-written one behind.
        """
        root = self.checkpoints / _TRAINER
        latest = root / "latest"
        if latest.is_file() and _holds_states(root / latest.read_text(encoding="utf-8").strip()):
            return root / latest.read_text(encoding="utf-8").strip()
        whole = [path.parent for path in root.glob(f"*/{_SAVED}") if _holds_states(path.parent)]
        if not whole:
            return None
        newest = max(whole, key=lambda path: (path / _SAVED).stat().st_mtime)
        latest.write_text(newest.name, encoding="utf-8")
        return newest

    def is_trained(self) -> bool:
        """Whether the final model is there, and with it the tokenizer, which is written last."""
        last = self.model / "tokenizer_config.json"
        return last.is_file() and bool(weight_files(self.model))


def describe(config: TrainConfig, tasks: int, models: dict[str, str]) -> TrainManifest:
    """The manifest of a run that starts now."""
    validation = config.data.validation
    return TrainManifest(
        config=config,
        train_sha256=dataset_hash(config.data.train),
        validation_sha256=dataset_hash(validation) if validation else "",
        tasks=tasks,
        models=models,
        **surroundings(),
    )


def weight_files(folder: Path) -> list[Path]:
    """The files of a Hugging Face folder that hold weights."""
    found = sorted(folder.glob("*.safetensors"))
    return found or sorted(folder.glob("pytorch_model*.bin"))


def _holds_states(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*_states.pt"))


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{before}{key}."))
        else:
            flat[f"{before}{key}"] = value
    return flat
