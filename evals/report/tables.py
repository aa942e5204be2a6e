"""The report's tables as plain text values, written to HTML and Markdown from one source."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from videoseal.evals.report.numbers import (
    NOTHING,
    amount,
    interval,
    p_value,
    percent,
    points,
    points_interval,
)
from videoseal.evals.report.question_groups import FigureGroup
from videoseal.evals.scoring.compare import Comparison
from videoseal.evals.scoring.sample_result import STATUSES
from videoseal.evals.scoring.scores import HOPS, REPORTED, grouped
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import SPENDING, System

__all__ = ["Column", "Table", "TableRow", "Value", "comparison_table", "cost_table",
           "headline_table", "numbers_table", "pair_table", "rate_value",
           "rates_table"]  # fmt: skip


class Value(NamedTuple):
    """One entry."""

    text: str
    small: str = ""
    """Beside it in smaller type: the interval, n, or a total."""


class Column(NamedTuple):
    """A heading."""

    text: str
    small: str = ""
    below: str = ""
    """What its small values are, where `small` does not say it."""


class TableRow(NamedTuple):
    """One line; without values it is a heading for those after it."""

    label: str
    values: list[Value]
    note: str = ""
    """What the line means."""


class Table(NamedTuple):
    """A whole table; the first column holds the labels of the rows."""

    name: str
    caption: str
    corner: str
    columns: list[Column]
    rows: list[TableRow]


_SEARCHED: Final = ("calls", "frames")
"""What stands beside the accuracy of questions that take several hops."""
_Told = tuple[Column, Callable[[System], Value]]
"""A column of the headline, and what a system has in it."""


def headline_table(systems: Sequence[System]) -> Table:
    """What a reader wants first, a line a system."""
    official: _Told = (
        Column("accuracy", "official rule"), lambda s: Value(percent(s.official_accuracy)),
    )  # fmt: skip
    told: list[_Told] = [
        *((Column(name), _count(name)) for name in ("asked", "answered", "forced", "abstained")),
        (Column("errored", "no video"), _errored),
        (Column("accuracy", "strict", "95% interval"), _share("accuracy")),
        *([official] if any(system.official for system in systems) else []),
        (Column("chance"), lambda s: Value(percent(s.scores["chance"].mean))),
        (Column("grounded accuracy", "", "95% interval"), _share("grounded accuracy")),
        (Column("evidence hit", "by chance"), _hit),
        (Column("right but never shown", "of right"), _part("right but never shown")),
    ]
    if any(system.scores["H_s"].n for system in systems):
        told.append((Column("right but unsupported (H_s)", "of judged"), _part("H_s")))
    if any(grouped(system.frame, HOPS) for system in systems):
        told += [(Column(SPENDING[kind], "a question"), _spent(kind)) for kind in _SEARCHED]
    return Table(
        "headline",
        "Rates in per cent with 95% intervals that resample whole videos. Grounded accuracy counts"
        " right, unforced answers whose system was really shown a frame inside a gold span.",
        "system",
        [column for column, _ in told],
        [TableRow(system.label, [value(system) for _, value in told]) for system in systems],
    )


def _count(name: str) -> Callable[[System], Value]:
    return lambda system: Value(f"{system.counts[name]:,}")


def _share(name: str) -> Callable[[System], Value]:
    return lambda system: Value(percent(system.scores[name].mean), interval(system.scores[name]))


def _part(name: str) -> Callable[[System], Value]:
    def value(system: System) -> Value:
        mean, _, _, n = system.scores[name]
        return Value(percent(mean), f"{round(mean * n):,} of {n:,}" if n else "")

    return value


def _spent(kind: str) -> Callable[[System], Value]:
    return lambda system: Value(amount(system.spending[kind].mean))


def _errored(system: System) -> Value:
    missing = int(system.frame["missing"].sum())
    return Value(f"{system.counts['errored']:,}", f"{missing:,}" if missing else "")


def _hit(system: System) -> Value:
    hit, luck = system.scores["evidence hit"], system.scores["evidence hit by chance"]
    return Value(percent(hit.mean), percent(luck.mean))


def numbers_table(systems: Sequence[System]) -> Table:
    """Every rate of every system with its interval and its number of questions."""
    rows = [TableRow("Questions", []), *_counts(systems)]
    official = list(dict.fromkeys(name for system in systems for name in system.official))
    if official:
        rows.append(TableRow("Official figures", [], "by the benchmark's own scorer"))
    for name in official:
        found = [system.official.get(name, float("nan")) for system in systems]
        rows.append(TableRow(name, [Value(percent(value)) for value in found]))
    for heading, measures in REPORTED.items():
        told = [
            TableRow(name, [rate_value(system.scores[name]) for system in systems], measure.note)
            for name, measure in measures.items()
            if any(system.scores[name].n for system in systems)
        ]
        rows += [TableRow(heading, []), *told] if told else []
    return Table(
        "numbers",
        "Rates in per cent with 95% intervals clustered by video, and n.",
        "measure",
        [Column(system.label) for system in systems],
        rows,
    )


_WHERE_ANY: Final = {
    "prose": ("free text", "answered in prose: neither right nor wrong without a judge"),
    "defect": ("defective rows", "published with a fault, asked and counted all the same"),
}
"""Columns that are counted where any sample has it: what they are called, and what it means."""


def _counts(systems: Sequence[System]) -> list[TableRow]:
    def row(name: str, counts: Sequence[int], note: str = "") -> TableRow:
        return TableRow(name, [Value(f"{count:,}") for count in counts], note)

    frames = [system.frame for system in systems]
    sums = {name: [int(one[name].sum()) for one in frames] for name in ("missing", *_WHERE_ANY)}
    return [
        *(row(name, [s.counts[name] for s in systems]) for name in ("asked", *STATUSES)),
        row("missing video", sums["missing"], "of the errored"),
        row("videos", [one["video"].nunique() for one in frames]),
        *(row(name, sums[c], note) for c, (name, note) in _WHERE_ANY.items() if any(sums[c])),
    ]


def rate_value(estimate: Estimate | None) -> Value:
    """A rate in per cent with its interval and its number of questions."""
    if estimate is None or not estimate.n:
        return Value(NOTHING, "n = 0")
    within = "" if math.isnan(estimate.low) else f"{interval(estimate)}, "
    return Value(percent(estimate.mean), f"{within}n = {estimate.n:,}")


def rates_table(
    name: str, corner: str, systems: Sequence[System], groups: Sequence[FigureGroup]
) -> Table:
    """Accuracy and grounded accuracy of every system in every group, and what hops cost."""

    def value(pair: tuple[Estimate, Estimate], cost: tuple[float, float] | None) -> Value:
        both = " / ".join(percent(estimate.mean) for estimate in pair)
        within = f"{interval(pair[0])}, " if pair[0].n else ""
        spent = f", {amount(cost[0])} calls, {amount(cost[1])} frames" if cost else ""
        return Value(both, f"{within}n = {pair[0].n:,}{spent}")

    spent = "; model calls and frames shown are those of a question"
    return Table(
        name,
        "Accuracy / grounded accuracy in per cent; the interval and n are those of accuracy"
        f"{spent if any(group.costs for group in groups) else ''}.",
        corner,
        [Column(system.label) for system in systems],
        [
            TableRow(group.label, list(map(value, group.pairs, group.costs or repeat(None))))
            for group in groups
        ],
    )


def cost_table(systems: Sequence[System], *, priced: bool) -> Table:
    """What a question cost on average, and all of them together."""
    kinds = [name for name in SPENDING if priced or name != "money"]
    notes = {"money": "a model without a price leaves it unknown"}
    spent = {kind: [system.spending[kind] for system in systems] for kind in kinds}
    return Table(
        "cost",
        "A question on average, and all questions together.",
        "cost",
        [Column(system.label, "a question, in all") for system in systems],
        [
            TableRow(
                SPENDING[kind],
                [Value(amount(one.mean), amount(one.total)) for one in spent[kind]],
                notes.get(kind, ""),
            )
            for kind in kinds
        ],
    )


_TOLD: Final = (
    "accuracy", "grounded accuracy", "evidence hit", "right but never shown", "H_t",
    "abstained on unanswerable",
)  # fmt: skip


def comparison_table(comparisons: Sequence[Comparison], names: Sequence[str], base: str) -> Table:
    """Every system against one, a line each; `names` are the systems' labels."""
    told = [{entry.name: entry.difference for entry in found.rates} for found in comparisons]
    measures = [*_TOLD, *(["H_s"] if any(rates["H_s"].n for rates in told) else [])]
    rows = [
        TableRow(
            name,
            [
                Value(f"{found.shared:,}"),
                *(_split(rates[measure]) for measure in measures),
                Value(
                    p_value(found.test.p_value),
                    f"{found.test.only_first:,} against {found.test.only_second:,}",
                ),
            ],
        )
        for name, found, rates in zip(names, comparisons, told, strict=True)
    ]
    return Table(
        "comparison",
        f"Differences to {base} in percentage points, question by question on those that both were"
        " asked, with 95% intervals clustered by video; McNemar's exact test on right and wrong.",
        f"minus {base}",
        [Column("questions"), *(Column(name) for name in measures),
         Column("McNemar p", "only it right, only the other")],
        rows,
    )  # fmt: skip


def _split(estimate: Estimate) -> Value:
    return Value(points(estimate), points_interval(estimate))


def pair_table(found: Comparison) -> Table:
    """Two systems side by side, a line a measure; what is judged only where judges ruled."""
    rows = [
        TableRow(name, [Value(percent(first)), Value(percent(second)), _split(difference)])
        for name, first, second, difference in found.rates
        if name not in ("G_s", "H_s") or difference.n
    ]
    for name, first, second, difference in found.costs:
        split = Value(amount(difference.mean), _within(difference))
        told = [Value(amount(first)), Value(amount(second)), split]
        rows.append(TableRow(f"{SPENDING[name]} a question", told))
    test = found.test
    return Table(
        "pair",
        f"{found.shared:,} questions that both were asked ({found.only_first:,} and"
        f" {found.only_second:,} left out). Rates in per cent, differences in percentage points"
        " with 95% intervals clustered by video. McNemar's exact test on right and wrong:"
        f" {test.only_first:,} right in the first alone, {test.only_second:,} in the second alone,"
        f" p {p_value(test.p_value)}.",
        "measure",
        [Column(found.first), Column(found.second), Column("difference", "95%")],
        rows,
    )


def _within(estimate: Estimate) -> str:
    if math.isnan(estimate.low):
        return ""
    low, high = amount(estimate.low, estimate.mean), amount(estimate.high, estimate.mean)
    return f"{low} to {high}"
