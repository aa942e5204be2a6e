"""What judges said, as tables: semantic groundedness by each of them, and how far they agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from videoseal.evals.judging.agreement import Agreement, agreements, rulings_of
from videoseal.evals.judging.judge_pins import Pins
from videoseal.evals.report.numbers import NOTHING, interval, percent
from videoseal.evals.report.tables import Column, Table, TableRow, Value, rate_value
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import System
from videoseal.evals.verdicts import read_judgements

__all__ = ["agreement_table", "describe_judges", "judge_tables", "semantic_table"]

_SHOWN: Final = {
    "seen": "what was observed in shown frames",
    "gathered": "all that tools told: shown frames, search hits, the overview",
}


def semantic_table(systems: Sequence[System]) -> Table:
    """G_s and H_s of every system, by each judge and by all of them."""
    names = list(dict.fromkeys(name for system in systems for name in system.judges))
    rows = []
    for name in names:
        found = [system.judges.get(name) for system in systems]
        rows.append(TableRow(name, []))
        rows.append(TableRow("G_s", [rate_value(one and one.grounded) for one in found], _G_S))
        rows.append(TableRow("H_s", [rate_value(one and one.hallucinated) for one in found], _H_S))
    if len(names) > 1:
        rows.append(TableRow("all judges", [], "grounded only where every judge says so"))
        for measure, note in (("G_s", _G_S), ("H_s", _H_S)):
            rows.append(
                TableRow(measure, [rate_value(system.scores[measure]) for system in systems], note)
            )
    return Table(
        "semantic",
        "Whether the text of the evidence alone carries the answer, by judges that are not told"
        " whose it is. Answers without any evidence count as not grounded and no judge is asked."
        " In per cent with 95% intervals clustered by video, and n.",
        "judge",
        [Column(system.label) for system in systems],
        rows,
    )


_G_S: Final = "of the answers given"
_H_S: Final = "of right answers, those that the evidence does not carry"


def agreement_table(found: Iterable[Agreement]) -> Table:
    """How far judges, and people, agree."""
    return Table(
        "agreement",
        "Over distinct answers with evidence that both ruled on, in per cent; Cohen's kappa is"
        " agreement beyond chance, 1 at most. 95% intervals clustered by video.",
        "judges",
        [
            Column("n"), Column("agree"), Column("kappa"), Column("both", "grounded"),
            Column("first only"), Column("second only"), Column("neither"),
        ],
        [
            TableRow(
                f"{one.first} and {one.second}",
                [
                    Value(f"{one.n:,}"),
                    Value(percent(one.share.mean), _interval(one.share)),
                    Value(_two(one.kappa.mean), _between(one.kappa)),
                    *(
                        Value(f"{count:,}")
                        for count in (one.both, one.only_first, one.only_second, one.neither)
                    ),
                ],
            )
            for one in found
        ],
    )  # fmt: skip


def judge_tables(runs: Sequence[Path], systems: Sequence[System]) -> list[tuple[str, Table]]:
    """Both tables with their headings; none where nothing was judged."""
    if not any(system.judges for system in systems):
        return []
    lines = [line for run in runs for line in read_judgements(run).values()]
    found = [one for one in agreements(rulings_of(lines)) if one.n]
    tables = [("Does the evidence carry the answer?", semantic_table(systems))]
    return tables + ([("Agreement of the judges", agreement_table(found))] if found else [])


def describe_judges(pins: Pins | None) -> Mapping[str, str]:
    """What judged a run, as text; empty where nothing did."""
    if pins is None:
        return {}
    told = {"judges were shown": f"{pins.evidence}: {_SHOWN[pins.evidence]}"}
    for name, pin in pins.judges.items():
        prompt = f"prompt SHA-256 {pin.prompt_sha256[:12]}" if pin.prompt else "rules, no prompt"
        settings = ", ".join(f"{key} {value}" for key, value in pin.settings.items())
        told[f"judge {name}"] = "; ".join(filter(None, (settings, prompt, pin.view)))
    return told


def _interval(estimate: Estimate) -> str:
    return "" if math.isnan(estimate.low) else interval(estimate)


def _two(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.2f}".replace("-", "\u2212")


def _between(estimate: Estimate) -> str:
    if math.isnan(estimate.low):
        return ""
    return f"{_two(estimate.low)} to {_two(estimate.high)}"
