"""Recorded runs as systems (mode and variant), each with a data frame of a row a sample."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from videoseal.core.errors import MissingDependency, VideosealError
from videoseal.evals.manifest import MANIFEST
from videoseal.evals.records import RecordLine, SampleRecord, parse_line, record_lines
from videoseal.evals.scoring.grounding import Chance, Grounding
from videoseal.evals.scoring.official import OFFICIAL
from videoseal.evals.scoring.sample_result import (
    MISSING_VIDEO,
    STATUSES,
    Prices,
    SampleResult,
)
from videoseal.evals.scoring.scores import (
    JudgeScores,
    Quadrants,
    RiskPoint,
    rate,
    scores,
    verdicts,
)
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.verdicts import read_matches, read_verdicts
from videoseal.graph.context import MODES

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["RECORDS", "SPENDING", "NoSuchRun", "Spending", "System", "SystemKey", "labels",
           "read_manifest", "read_record", "read_systems", "run_names", "score_frame",
           "split"]  # fmt: skip

RECORDS: Final = "samples.jsonl"
SPENDING: Final = {
    "calls": "model calls",
    "prompt_tokens": "tokens in",
    "completion_tokens": "tokens out",
    "frames": "frames shown",
    "steps": "planner steps",
    "seconds": "seconds",
    "money": "money",
}
"""Columns of cost and what they are called."""
_NAN: Final = float("nan")
_NO_GROUNDING: Final = Grounding(_NAN, False, False, _NAN, _NAN, _NAN)
_NO_CHANCE: Final = Chance(_NAN, _NAN, _NAN, _NAN)
_AT_A_TIME: Final = 2000
"""Rows that are gathered before they become columns: their numbers take far less room there."""


class NoSuchRun(VideosealError):
    """There is no folder of that run."""

    exit_code = 2


class SystemKey(NamedTuple):
    """What makes a system."""

    run: str
    """Name of the run's folder."""
    mode: str
    variant: str


class Spending(NamedTuple):
    """One kind of cost; NaN where it is not known."""

    mean: float
    """A question on average."""
    total: float


@dataclass(eq=False)
class System:
    """One system's samples of one run, and all its numbers."""

    key: SystemKey
    folder: Path
    frame: DataFrame = field(repr=False)
    """As `score_frame` makes it, by uid; `semantic` is 1 where every judge of this system says
    grounded, NaN where one has not ruled."""
    label: str = ""
    """Tells it from the others that were read with it."""
    colour: int = 0
    """The same for all variants of a mode in a run."""

    @property
    def family(self) -> tuple[str, str]:
        """Run and mode."""
        return (self.key.run, self.key.mode)

    @property
    def benchmark(self) -> str:
        """The benchmark that its questions come from; a run has one."""
        return str(self.frame["benchmark"].iloc[0])

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many were asked, and what became of them."""
        found = self.frame["status"].value_counts()
        known: dict[str, int] = {name: int(found.get(name, 0)) for name in STATUSES}
        return {"asked": len(self.frame), **known}

    @property
    def defective(self) -> int:
        """Samples whose published row is at fault."""
        return int(self.frame["defect"].sum())

    @cached_property
    def scores(self) -> dict[str, Estimate]:
        """Every rate by name."""
        return scores(self.frame)

    @cached_property
    def official(self) -> dict[str, float]:
        """The benchmark's own figures; empty where it has none."""
        scorer = OFFICIAL.get(self.benchmark)
        return scorer.figures(self.frame) if scorer else {}

    @property
    def official_accuracy(self) -> float:
        """Accuracy by the benchmark's own rule; NaN where it has none."""
        scorer = OFFICIAL.get(self.benchmark)
        return self.official[scorer.headline] if scorer else _NAN

    @cached_property
    def quadrants(self) -> Quadrants:
        """Right or wrong against a shown frame inside a gold span or not, where there is gold."""
        rows = self.frame.query("choice & gold", engine="python")
        counts = rows.value_counts(["right", "hit"])
        kinds = product((True, False), repeat=2)
        return Quadrants(*(int(counts.get(kind, 0)) for kind in kinds))

    @cached_property
    def risk(self) -> list[RiskPoint]:
        """Risk of the answers given, in order of falling confidence; ties enter together.

        Unforced before forced: a guess that was asked for is the first to be given up.
        """
        given = self.frame[self.frame["status"].isin(("answered", "forced"))]
        ties = given.groupby([given["status"] == "forced", -given["confidence"]])["right"]
        entered = ties.agg(["size", "sum"]).cumsum()
        return [
            RiskPoint(int(answered) / len(self.frame), float(answered - right) / int(answered))
            for answered, right in entered.itertuples(index=False)
        ]

    @cached_property
    def judges(self) -> dict[str, JudgeScores]:
        """Semantic groundedness by each judge alone; empty where none was asked."""
        alone = {n: self.frame.assign(semantic=said) for n, said in verdicts(self.frame).items()}
        return {n: JudgeScores(rate(one, "G_s"), rate(one, "H_s")) for n, one in alone.items()}

    @cached_property
    def spending(self) -> dict[str, Spending]:
        """What was spent, by the names in `SPENDING`."""
        columns = ((name, self.frame[name]) for name in SPENDING)
        return {
            name: Spending(float(one.mean(skipna=False)), float(one.sum(skipna=False)))
            for name, one in columns
        }


def read_systems(runs: Sequence[Path], *, prices: Prices | None = None) -> list[System]:
    """Every run's records, in the order of the runs, modes and variants.

    The last record of a sample counts, with the verdicts that judges gave on it since. Raises
    NoSuchRun for a missing folder, AnnotationError naming file, line and field for a line that is
    no record; a folder without records is empty.
    """
    systems: list[System] = []
    for folder, name in zip(runs, run_names(runs), strict=True):
        if not folder.is_dir():
            raise NoSuchRun(f"no run at {folder}")
        found = split(score_frame(_results(folder), prices), name, folder)
        systems += sorted(found, key=lambda system: _rank(system.key))
    families = list(dict.fromkeys(system.family for system in systems))
    for system, label in zip(systems, labels(system.key for system in systems), strict=True):
        system.label, system.colour = label, families.index(system.family)
    return systems


def score_frame(samples: Iterable[SampleResult], prices: Prices | None = None) -> DataFrame:
    """A row a sample by uid: the last of every sample, in the order of their first.

    MissingDependency without pandas.
    """
    with MissingDependency.of("evals", "scores need pandas"):
        import pandas as pd
    rows, key = (_row(sample, prices) for sample in samples), ["uid", "mode", "variant"]
    parts = [pd.DataFrame(columns=key)]
    while part := list(islice(rows, _AT_A_TIME)):
        parts.append(pd.DataFrame(part))
    frame = pd.concat(parts[1:] or parts, ignore_index=True)
    if frame.duplicated(key).any():
        order = frame.groupby(key, sort=False).ngroup()
        frame = frame.assign(order=order).drop_duplicates("order", keep="last")
        frame = frame.sort_values("order").drop(columns="order")
    return frame.set_index("uid")


def split(frame: DataFrame, run: str, folder: Path) -> Iterator[System]:
    """The systems of a run."""
    for (mode, variant), rows in frame.groupby(["mode", "variant"], sort=False):
        judged = rows.assign(semantic=verdicts(rows).min(axis="columns", skipna=False))
        yield System(SystemKey(run, mode, variant), folder, judged)


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


def _results(folder: Path) -> Iterator[SampleResult]:
    """Every record of a run with its place and what judges said of it."""
    path, ruled, matched = folder / RECORDS, read_verdicts(folder), read_matches(folder)
    for line in record_lines(path):
        sample = parse_line(path, line, SampleResult)
        sample.offset = line.offset
        key = (sample.item.uid, sample.mode, sample.variant)
        sample.semantic |= ruled.get(key, {})
        sample.same, sample.compared = matched.get(key, {}), bool(matched)
        yield sample


def _row(sample: SampleResult, prices: Prices | None) -> dict[str, Any]:
    item = sample.item
    return {
        "uid": item.uid, "mode": sample.mode, "variant": sample.variant, "offset": sample.offset,
        "benchmark": item.benchmark, "video": item.video, "duration": sample.duration,
        "categories": tuple(dict.fromkeys(item.categories)), "group": item.group,
        "answer": item.answer, "guess": item.chance, "prose": sample.right is None,
        "answerable": item.answerable, "choice": item.answerable and sample.right is not None,
        "defect": bool(item.defect), "gold": bool(sample.gold),
        "status": sample.status, "free": sample.status == "answered", "letter": sample.letter,
        "right": bool(sample.right), "confidence": sample.confidence,
        "missing": bool(sample.error and sample.error.type == MISSING_VIDEO),
        **(sample.grounding or _NO_GROUNDING)._asdict(),
        **{f"chance_{name}": v for name, v in (sample.chance or _NO_CHANCE)._asdict().items()},
        **sample.cost, "money": _NAN if prices is None else sample.money(prices),
        "verdicts": sample.semantic if sample.answer else {},
    }  # fmt: skip


def _rank(key: SystemKey) -> tuple[int, str, list[tuple[str, float]]]:
    """Where a system stands in its run: by mode, and `steps=4` before `steps=16`."""
    known = MODES.index(key.mode) if key.mode in MODES else len(MODES)
    parts = re.findall(r"([^0-9]*)([0-9]+(?:\.[0-9]+)?|$)", key.variant)
    return known, key.mode, [(text, float(digits or -1)) for text, digits in parts]
