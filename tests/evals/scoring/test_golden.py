"""Every figure of a larger set of made-up runs is what it was when the figures were first told.

`golden.json` was written before scores were kept in a data frame, with 300,000 resamples: rates
agree to nine digits, and ends of intervals, which are drawn at random, as far as chance lets them.
`UPDATE_GOLDEN=1` writes it anew.
"""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.evals.made import evidence, item, proven, record
from tests.evals.report.made_runs import SYSTEMS, System, make_items, make_run
from videoseal.evals.records import RecordFile, SampleError, SampleRecord
from videoseal.evals.report.question_groups import by_category, by_length
from videoseal.evals.scoring import statistics
from videoseal.evals.scoring.compare import compare
from videoseal.evals.scoring.official import LVBENCH_CODES, OFFICIAL
from videoseal.evals.scoring.systems import read_systems
from videoseal.evals.verdicts import Judgement, JudgementFile
from videoseal.models.types import Question

GOLDEN: Final = Path(__file__).with_name("golden.json")
RESAMPLES: Final = 5_000
"""So many that two seeds agree to what is compared."""
PRICES: Final = {"made-8b": (0.5, 1.5), "made-vl-7b": (0.25, 2.0)}
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All figures of the runs, in the form of `golden.json`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "RESAMPLES", RESAMPLES)
        found = json.loads(json.dumps(_figures(tmp_path_factory.mktemp("runs"))))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, separators=(",", ":")).replace("NaN", "null") + "\n")
    return found


def test_nothing_is_added_or_left_out(told: dict[str, Any]) -> None:
    """The figures have the names that they had."""
    assert set(_flat(told)) == set(_flat(json.loads(GOLDEN.read_bytes())))


def test_figures_are_what_they_were(told: dict[str, Any]) -> None:
    """Counts are equal, rates are to nine digits, ends of intervals as far as chance lets them."""
    before = _flat(json.loads(GOLDEN.read_bytes()))
    now = _flat(told)
    wrong = {
        name: (value, now[name])
        for name, value in before.items()
        if not _same(now[name], value, _room(before, name))
    }
    assert wrong == {}


def _same(now: float | None, before: float | None, room: float) -> bool:
    if before is None or now is None or math.isnan(now):
        return before is None and (now is None or math.isnan(now))
    return abs(now - before) <= room


def _room(figures: dict[str, Any], name: str) -> float:
    """How far two values of a figure may lie apart; the ends of a rate step by about 1/n."""
    whole, _, place = name.rpartition("/")
    if f"{whole}/n" not in figures or place not in ("low", "high"):
        return 1e-9 * max(1.0, abs(figures[name] or 0.0))
    low, high = figures[f"{whole}/low"], figures[f"{whole}/high"]
    return 0.0 if low is None else max(0.002, (high - low) / 20, 1.01 / figures[f"{whole}/n"])


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        return {name: value}
    return {key: leaf for k, part in parts for key, leaf in _flat(part, f"{name}/{k}").items()}


def _figures(folder: Path) -> dict[str, Any]:
    """Everything that is told of a run of five judged systems, and of one run a benchmark."""
    swept = System("decoupled", "steps=4", sees=0.5, steps=4)
    run = make_run(folder / "made", [*SYSTEMS, swept], make_items(330, 30))
    _retried_and_judged(run)
    found = {"made": _of_run(run)}
    for name in OFFICIAL:
        with RecordFile(folder / name / "samples.jsonl") as file:
            file.append(*_asked(name, random.Random(name)))
        found[name] = _of_run(folder / name)
    return found


def _of_run(run: Path) -> dict[str, Any]:
    systems = read_systems([run], prices=PRICES)
    base, *others = systems
    groups = {"category": by_category(systems), "length": by_length(systems)}
    return {
        "systems": {system.label: _of_system(system) for system in systems},
        "groups": {
            kind: {g.label: [[_estimate(e) for e in pair] for pair in g.pairs] for g in found}
            for kind, found in groups.items()
        },
        "compared": {other.label: _compared(compare(other, base)) for other in others},
    }


def _of_system(system: Any) -> dict[str, Any]:
    return {
        "counts": system.counts,
        "others": [
            *(int(system.frame[name].sum()) for name in ("missing", "defect", "prose")),
            system.frame["video"].nunique(),
        ],
        "scores": {name: _estimate(value) for name, value in system.scores.items()},
        "official": system.official,
        "quadrants": list(system.quadrants),
        "risk": [list(point) for point in system.risk[:: max(1, len(system.risk) // 12)]],
        "judges": {name: [*map(_estimate, one)] for name, one in system.judges.items()},
        "spending": {name: [one.mean, one.total] for name, one in system.spending.items()},
    }


def _compared(found: Any) -> dict[str, Any]:
    return {
        "shared": [found.shared, found.only_first, found.only_second],
        "test": list(found.test),
        **{
            entry.name: {**_estimate(entry.difference), "first": entry.first,
                         "second": entry.second}
            for entry in (*found.rates, *found.costs)
        },
    }  # fmt: skip


def _estimate(estimate: Any) -> dict[str, Any]:
    return dict(estimate._asdict())


def _retried_and_judged(run: Path) -> None:
    """Some samples end in an error first; two judges rule on most, one of them more strictly."""
    path, rng = run / "samples.jsonl", random.Random(7)
    records = [SampleRecord.model_validate_json(line) for line in path.read_bytes().splitlines()]
    failed = [
        each.model_copy(
            update={"episode": None, "error": SampleError(type="ModelUnavailable", message="503")}
        )
        for each in records[:400:9]
    ]
    path.unlink()
    with RecordFile(path) as file:
        file.append(*failed, *records)
    with JudgementFile(run) as judged:
        for each in records:
            for judge, strictness in (("first", 0.3), ("second", 0.5)):
                if each.error is None and rng.random() < 0.9:
                    judged.append(_ruling(each, judge, grounded=rng.random() > strictness))


def _ruling(each: SampleRecord, judge: str, *, grounded: bool) -> Judgement:
    uid, mode, variant = each.key
    return Judgement(
        uid=uid, mode=mode, variant=variant, video=each.item.video, judge=judge,
        request_sha256="", asked=True, grounded=grounded, finished=NOW,
    )  # fmt: skip


def _asked(benchmark: str, rng: random.Random) -> Iterator[SampleRecord]:
    """Questions of one benchmark, answered well or badly, in letters or in prose, or not."""
    for number in range(150):
        kinds = rng.sample(list(LVBENCH_CODES), rng.choice((1, 1, 2)))
        start = rng.uniform(80, 120)
        changes: dict[str, Any] = {
            "benchmark": benchmark, "video": f"v{int(25 * rng.random() ** 2)}", "categories": kinds,
            "group": rng.choice(("15", "60", "3600")), "evidence": [(start, start + 6)],
            "defect": rng.choice(("", "", "", "options that are equal")),
        }  # fmt: skip
        if benchmark == "mlvu" and number % 5 == 0:
            changes |= {"question": Question(text="Describe it."), "evidence": []}
        gold = rng.choice("ABCD")
        if not changes["evidence"]:
            gold = "A dog runs."
        asked = item(str(number), gold, **changes)
        if number % 11 == 3:
            kind = rng.choice(("MissingVideo", "ModelUnavailable"))
            yield record(asked, error=SampleError(type=kind, message="gone"))
            continue
        ledger = [evidence(n, tuple(rng.uniform(98, 106) for _ in range(3))) for n in (1, 2)]
        given = proven(rng.choice("ABCD"), ledger[: rng.choice((1, 2))])
        words = {"choice": None, "text": f"The answer is ({rng.choice('ABCDE')})"}
        given = given.model_copy(
            update={"forced": rng.random() < 0.2, "confidence": round(rng.random(), 2),
                    **(words if rng.random() < 0.3 else {})}
        )  # fmt: skip
        yield record(asked, None if rng.random() < 0.15 else given, ledger)
