"""What a run was made with, written beside its records so that it can be repeated exactly."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videoseal.core.errors import first_fault
from videoseal.core.files import write_whole
from videoseal.core.provenance import RunMismatch, refuse_another, surroundings
from videoseal.core.settings import Settings
from videoseal.evals.benchmarks.annotation_rows import AnnotationError, annotation_files
from videoseal.graph.context import Mode
from videoseal.graph.planner_messages import plan_version, planner_text
from videoseal.indexing.pipeline import INDEX_VERSION
from videoseal.models.prompts import role_texts, version

MANIFEST: Final = "manifest.json"

__all__ = [
    "MANIFEST",
    "Manifest",
    "RunMismatch",
    "RunSpec",
    "SystemSpec",
    "dataset_hash",
    "describe",
    "prompt_text_hash",
    "versions",
    "write_or_check_manifest",
]


class SystemSpec(BaseModel):
    """One system under test: a mode, with what it changes of the run's context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "decoupled"
    variant: str = ""
    """Name of this cell among others of the same mode, such as `steps=4`."""
    context: dict[str, Any] = Field(default_factory=dict)
    """Fields of the graph's Context that differ from its defaults."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings that differ from the run's; `evals.running.system_settings` says which may."""
    endpoints: dict[str, str] = Field(default_factory=dict)
    """By role, the prefix of the environment variables that name its endpoint."""

    @property
    def name(self) -> str:
        """Mode and variant, as samples and reports know it."""
        return f"{self.mode} {self.variant}".strip()


class RunSpec(BaseModel):
    """What to ask of whom; the same spec gives the same samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: str
    cells: list[SystemSpec] = Field(min_length=1)
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
    cell_models: dict[str, dict[str, str]] = Field(default_factory=dict)
    """The same by the name of a cell, for those with other settings or endpoints than the run."""
    settings: dict[str, Any]
    """All settings, secrets left out."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Of each role's prompt, and of the index."""
    prompts_sha256: str = ""
    """Of all that any role is told."""
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
            "versions": self.versions,
            "draw": self.spec.sample and {"sample": self.spec.sample, "seed": self.spec.seed},
        }

    def cells(self) -> dict[str, Any]:
        """What every cell is, by its name; one that both parts of a run have must be the same."""
        return {
            cell.name: {**cell.model_dump(), "models": self.cell_models.get(cell.name, {})}
            for cell in self.spec.cells
        }

    def grown_by(self, other: Manifest) -> Manifest:
        """The same with the other's further cells after its own, and its further questions."""
        mine = self.cells()
        more = [cell for cell in other.spec.cells if cell.name not in mine]
        limits = (self.spec.limit, other.spec.limit)
        limit = None if None in limits else max(filter(None, limits))
        spec = self.spec.model_copy(update={"cells": [*self.spec.cells, *more], "limit": limit})
        models = {**other.cell_models, **self.cell_models}
        return self.model_copy(update={"spec": spec, "cell_models": models})


def describe(
    spec: RunSpec,
    annotations: Path,
    models: dict[str, str],
    settings: Settings,
    cell_models: dict[str, dict[str, str]] | None = None,
) -> Manifest:
    """The manifest of a run that starts now."""
    return Manifest(
        spec=spec,
        dataset_sha256=dataset_hash(annotations),
        models=models,
        cell_models=cell_models or {},
        settings=json.loads(
            settings.model_dump_json(exclude={"data_dir", "database_url", "seal_key"})
        ),
        versions=versions(),
        prompts_sha256=prompt_text_hash(),
        **surroundings(),
    )


def write_or_check_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a new run, or check that a resumed one is the same run.

    Cells and questions that a resumed run adds are added to its manifest. Raises RunMismatch naming
    the first thing that differs, such as another draw of questions.
    """
    path = folder / MANIFEST
    if not path.is_file():
        _write(path, manifest)
        return
    try:
        before = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunMismatch(
            f"{path}: {first_fault(error, 'manifest')}",
            hint="restore it, or give the new run another --name",
        ) from None
    hint = "give the new run another --name"
    refuse_another(folder.name, before.identity(), manifest.identity(), hint)
    known = before.cells()
    wanted = {name: cell for name, cell in manifest.cells().items() if name in known}
    refuse_another(folder.name, {name: known[name] for name in wanted}, wanted, hint)
    grown = before.grown_by(manifest)
    if grown != before:
        _write(path, grown)


def _write(path: Path, manifest: Manifest) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, manifest.model_dump_json(indent=1))


def dataset_hash(path: Path) -> str:
    """SHA-256 over the annotation file, or over names and contents of those in a folder.

    Those of a folder are the ones that are read from it.
    """
    if not path.exists():
        raise AnnotationError(
            f"no annotation file at {path}", hint="videoseal eval fetch says where to get it"
        )
    total = hashlib.sha256()
    for file in annotation_files(path):
        total.update(file.name.encode() + b"\0")
        with file.open("rb") as opened:
            total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """Version of each role's prompt, and of the index; another whenever their results may be."""
    return {
        "planner": plan_version(),
        "inspector": version("inspect"),
        "answerer": version("answer"),
        "index": INDEX_VERSION,
    }


def prompt_text_hash() -> str:
    """SHA-256 over all that any role is told, descriptions of tools included, hexadecimal."""
    texts = json.dumps({**role_texts(), "plan": planner_text()}, sort_keys=True)
    return hashlib.sha256(texts.encode("ascii")).hexdigest()
