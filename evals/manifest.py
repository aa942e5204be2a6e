"""What a run was made with, written beside its records so that it can be repeated exactly."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.errors import VideosealError
from core.settings import Settings
from evals.cells import MANIFEST
from evals.rows import AnnotationError

__all__ = ["Cell", "Manifest", "RunMismatch", "RunSpec", "dataset_hash", "describe", "settle"]


class RunMismatch(VideosealError):
    """The run's records were made with something else than what is asked for now."""

    exit_code = 2


class Cell(BaseModel):
    """One system under test: a mode, with what it changes of the run's context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["decoupled", "coupled", "direct", "blind"] = "decoupled"
    variant: str = ""
    """Name of this cell among others of the same mode, such as `steps=4`."""
    context: dict[str, Any] = Field(default_factory=dict)
    """Fields of the graph's Context that differ from its defaults."""


class RunSpec(BaseModel):
    """What to ask of whom; the same spec gives the same samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: str
    cells: list[Cell] = Field(min_length=1)
    limit: int | None = Field(default=None, ge=1)
    sample: int | None = Field(default=None, ge=1)
    seed: int = 0


class Manifest(BaseModel):
    """A run's identity and surroundings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    spec: RunSpec
    dataset_sha256: str
    """Of the annotation file, or of all files of the folder."""
    models: dict[str, str]
    """Model and prompt version by role."""
    settings: dict[str, Any]
    """All settings, secrets left out."""
    git: str = ""
    """Commit, with `+` for uncommitted changes; empty outside a checkout."""
    python: str
    packages: dict[str, str]
    created: datetime

    def identity(self) -> dict[str, Any]:
        """What two parts of one run must share; surroundings may change between them."""
        return {
            "benchmark": self.spec.benchmark,
            "dataset": self.dataset_sha256,
            "models": self.models,
        }


def describe(
    spec: RunSpec, annotations: Path, models: dict[str, str], settings: Settings
) -> Manifest:
    """The manifest of a run that starts now."""
    return Manifest(
        spec=spec,
        dataset_sha256=dataset_hash(annotations),
        models=models,
        settings=json.loads(settings.model_dump_json(exclude={"data_dir", "database_url"})),
        git=_git(),
        python=platform.python_version(),
        packages={d.metadata["Name"]: d.version for d in distributions()},
        created=datetime.now(UTC),
    )


def settle(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a new run, or check that a resumed one is the same run.

    Raises RunMismatch naming the first thing that differs.
    """
    path = folder / MANIFEST
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        partial.replace(path)
        return
    before = Manifest.model_validate_json(path.read_text(encoding="utf-8")).identity()
    for name, value in manifest.identity().items():
        if before[name] != value:
            raise RunMismatch(
                f"run {folder.name} was made with another {name}: {before[name]} then, {value} now",
                hint="give the new run another --name",
            )


def dataset_hash(path: Path) -> str:
    """SHA-256 over the annotation file, or over names and contents of those in a folder.

    Those of a folder are its `*.questions.jsonl`, else its `*.json`, as the loaders read them.
    """
    if not path.exists():
        raise AnnotationError(
            f"no annotation file at {path}", hint="videoseal eval fetch says where to get it"
        )
    total = hashlib.sha256()
    for file in _files(path) if path.is_dir() else [path]:
        total.update(file.name.encode() + b"\0")
        with file.open("rb") as opened:
            total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.questions.jsonl")) or sorted(folder.glob("*.json"))


def _git() -> str:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = run("rev-parse", "HEAD")
        return commit and commit + ("+" if run("status", "--porcelain") else "")
    except FileNotFoundError:
        return ""
