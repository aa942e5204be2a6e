"""Verdicts of judges beside a run's records: one line for every sample and judge.

`judgements.jsonl` only grows, and the last line of a sample and judge counts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from videoseal.evals.records import LineFile, SampleError

__all__ = ["JUDGEMENTS", "Judgement", "JudgementFile", "SampleKey", "VerdictKey",
           "read_judgements", "read_matches", "read_verdicts"]  # fmt: skip

JUDGEMENTS: Final = "judgements.jsonl"

SampleKey = tuple[str, str, str]
"""Question, mode and variant, as in `SampleRecord.key`."""


class VerdictKey(NamedTuple):
    """What makes a verdict the same verdict."""

    sample: SampleKey
    judge: str


class Judgement(BaseModel):
    """What one judge said of one sample."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    uid: str
    mode: str
    variant: str = ""
    video: str
    """Benchmark and id of the video, for intervals that resample videos."""
    judge: str
    """Name of the judge; `judges.json` says what it is."""
    request_sha256: str
    """Of everything that the judge was shown."""
    asked: bool
    """False where there was no evidence, so that the verdict is no without a call."""
    grounded: bool | None
    """None where the judge failed."""
    why: str = ""
    missing: str = ""
    same: bool | None = None
    """Whether an answer in words says what the published one says; None where that is not asked."""
    differs: str = ""
    """The reason for that."""
    error: SampleError | None = None
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    finished: datetime
    """When it was written, UTC."""

    @property
    def key(self) -> VerdictKey:
        """Sample and judge."""
        return VerdictKey((self.uid, self.mode, self.variant), self.judge)


class JudgementFile(LineFile[Judgement]):
    """The verdicts of a run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / JUDGEMENTS, Judgement)


def read_judgements(folder: Path) -> dict[VerdictKey, Judgement]:
    """The last line of every sample and judge; AnnotationError names a damaged line."""
    return {judgement.key: judgement for judgement in JudgementFile(folder).read()}


def read_verdicts(folder: Path) -> dict[SampleKey, dict[str, bool]]:
    """Grounded or not, by sample and judge; samples that no judge ruled on are not there."""
    return _rulings(folder, lambda line: line.grounded)


def read_matches(folder: Path) -> dict[SampleKey, dict[str, bool]]:
    """Whether answers in words say what is published, by sample and judge, where that was asked."""
    return _rulings(folder, lambda line: line.same)


def _rulings(
    folder: Path, ruling: Callable[[Judgement], bool | None]
) -> dict[SampleKey, dict[str, bool]]:
    found: dict[SampleKey, dict[str, bool]] = {}
    for key, judgement in read_judgements(folder).items():
        if (said := ruling(judgement)) is not None:
            found.setdefault(key.sample, {})[key.judge] = said
    return found
