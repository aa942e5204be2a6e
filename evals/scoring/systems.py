"""Recorded runs as cells: one system (mode and variant) of one run, tallied while it streams."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.core.errors import SpanError, VideosealError
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.item import Item
from videoseal.evals.manifest import MANIFEST
from videoseal.evals.records import RecordLine, SampleRecord, parse_line, record_lines
from videoseal.evals.scoring.cost import Prices
from videoseal.evals.scoring.record_view import Scorable
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.evals.scoring.score_table import ScoreTable
from videoseal.evals.verdicts import SampleKey, read_verdicts
from videoseal.graph.context import MODES

__all__ = [
    "RECORDS",
    "NoSuchRun",
    "RecordedSystem",
    "SystemKey",
    "key_of",
    "labels",
    "read_manifest",
    "read_record",
    "read_systems",
    "run_names",
]  # fmt: skip

RECORDS: Final = "samples.jsonl"


class NoSuchRun(VideosealError):
    """There is no folder of that run."""

    exit_code = 2


class SystemKey(NamedTuple):
    """What makes a system."""

    run: str
    """Name of the run's folder."""
    mode: str
    variant: str


@dataclass(slots=True)
class RecordedSystem:
    """One system's samples of one run."""

    key: SystemKey
    folder: Path
    tally: ScoreTable
    benchmarks: Counter[str] = field(default_factory=Counter)
    """Questions by benchmark; a run has one."""

    @property
    def benchmark(self) -> str:
        """The benchmark that its questions come from."""
        return self.benchmarks.most_common(1)[0][0] if self.benchmarks else ""


def read_systems(runs: Sequence[Path], *, prices: Prices | None = None) -> list[RecordedSystem]:
    """ScoreTable every run's records, in the order of the runs, modes and variants.

    The last record of a sample counts, with the verdicts that judges gave on it since. Raises
    NoSuchRun for a missing folder, AnnotationError naming file, line and field for a line that is
    no record; a folder without records is empty.
    """
    systems: dict[SystemKey, RecordedSystem] = {}
    names = list(run_names(runs))
    runs_in_order = {name: place for place, name in enumerate(names)}
    for folder, name in zip(runs, names, strict=True):
        if not folder.is_dir():
            raise NoSuchRun(f"no run at {folder}")
        items: dict[str, Item] = {}
        path = folder / RECORDS
        verdicts = read_verdicts(folder)
        for line in record_lines(path):
            sample = parse_line(path, line, Scorable)
            key = key_of(name, sample)
            if key not in systems:
                systems[key] = RecordedSystem(key, folder, ScoreTable(prices, items))
            _count(systems[key], sample, path, line, verdicts)
    return sorted(
        systems.values(), key=lambda system: (runs_in_order[system.key.run], _rank(system.key))
    )


def key_of(run: str, sample: Scorable | SampleRecord) -> SystemKey:
    """The system that a sample belongs to."""
    return SystemKey(run, sample.mode, sample.variant)


def labels(keys: Iterable[SystemKey]) -> list[str]:
    """A short name for every system: mode and variant, and the run where there are several."""
    keys = list(keys)
    several = len({key.run for key in keys}) > 1
    return [
        " \u00b7 ".join(part for part in (several and key.run, key.mode, key.variant) if part)
        for key in keys
    ]


def read_record(folder: Path, offset: int) -> SampleRecord:
    """The whole record that begins at a place of the run's file."""
    path = folder / RECORDS
    with path.open("rb") as file:
        file.seek(offset)
        return parse_line(path, RecordLine(0, offset, file.readline()), SampleRecord)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The run's manifest as it was written; empty where there is none that can be read."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _rank(key: SystemKey) -> tuple[int, str, list[tuple[str, float]]]:
    """Where a system stands in its run: by mode, and `steps=4` before `steps=16`."""
    known = MODES.index(key.mode) if key.mode in MODES else len(MODES)
    parts = re.findall(r"([^0-9]*)([0-9]+(?:\.[0-9]+)?|$)", key.variant)
    return known, key.mode, [(text, float(digits or -1)) for text, digits in parts]


def _count(
    system: RecordedSystem,
    sample: Scorable,
    path: Path,
    line: RecordLine,
    verdicts: Mapping[SampleKey, dict[str, bool]],
) -> None:
    if ruled := verdicts.get((sample.item.uid, sample.mode, sample.variant)):
        sample = sample.model_copy(update={"semantic": {**sample.semantic, **ruled}})
    try:
        outcome = outcome_of(sample)
        system.tally.add(outcome, key=sample.item.uid, offset=line.offset)
    except SpanError as error:
        raise AnnotationError(f"{path.name}:{line.number}: spans: {error}") from None
    system.benchmarks[sample.item.benchmark] += 1


def run_names(runs: Sequence[Path]) -> Iterator[str]:
    """Folder names, with as much of the path before them as tells equal ones apart."""
    resolved = [run.resolve() for run in runs]
    for run in resolved:
        depth = 1
        while (
            depth < len(run.parts) - 1
            and sum(run.parts[-depth:] == other.parts[-depth:] for other in set(resolved)) > 1
        ):
            depth += 1
        yield "/".join(run.parts[-depth:])
