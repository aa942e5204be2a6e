"""The report's tables as plain text values, written to HTML and Markdown from one source."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from videoseal.evals.report.system_summary import SPENDING, System
from videoseal.evals.scoring.compare import Comparison
from videoseal.evals.scoring.statistics import Estimate

__all__ = [
    "Column",
    "Table",
    "TableRow",
    "Value",
    "comparison_table",
    "cost_table",
    "headline_table",
    "measure_note",
    "numbers_table",
    "pair_table",
    "rate_value",
    "rates_table",
]  # fmt: skip


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


_INTERVAL: Final = "95% interval"


def headline_table(systems: Sequence[System]) -> Table:
    """What a reader wants first, a line a system."""
    official = any(system.official for system in systems)
    judged = any(system.scores["H_s"].n for system in systems)
    columns = [
        Column("asked"), Column("answered"), Column("forced"), Column("abstained"),
        Column("errored", "no video"), Column("accuracy", "strict", _INTERVAL),
        *([Column("accuracy", "official rule")] if official else []), Column("chance"),
        Column("grounded accuracy", "", _INTERVAL), Column("evidence hit", "by chance"),
        Column("right but never shown", "of right"),
        *([Column("right but unsupported (H_s)", "of judged")] if judged else []),
    ]  # fmt: skip
    return Table(
        "headline",
        "Rates in per cent with 95% intervals that resample whole videos. Grounded accuracy counts"
        " right, unforced answers whose system was really shown a frame inside a gold span.",
        "system",
        columns,
        [
            TableRow(
                system.label,
                [*_headline(system, official=official), *([_uncarried(system)] if judged else [])],
            )
            for system in systems
        ],
    )


def _headline(system: System, *, official: bool) -> list[Value]:
    found, counts = system.scores, system.counts
    never = found["right but never shown"]
    lucky = system.quadrants.right_ungrounded
    return [
        *(Value(f"{counts[name]:,}") for name in ("asked", "answered", "forced", "abstained")),
        Value(f"{counts['errored']:,}", f"{system.missing:,}" if system.missing else ""),
        Value(percent(found["accuracy"].mean), interval(found["accuracy"])),
        *([Value(percent(system.official_accuracy))] if official else []),
        Value(percent(found["chance"].mean)),
        Value(percent(found["grounded accuracy"].mean), interval(found["grounded accuracy"])),
        Value(percent(found["evidence hit"].mean), percent(found["evidence hit by chance"].mean)),
        Value(percent(never.mean), f"{lucky:,} of {never.n:,}" if never.n else ""),
    ]


def _uncarried(system: System) -> Value:
    found = system.scores["H_s"]
    count = round(found.mean * found.n) if found.n else 0
    return Value(percent(found.mean), f"{count:,} of {found.n:,}" if found.n else "")


_MEASURES: Final[dict[str, dict[str, str]]] = {
    "Answers": {
        "accuracy": "strict: everything that is not the gold letter is wrong",
        "chance": "a uniform guess among the options",
        "accuracy without guesses": "a guess that was forced counts as wrong",
        "accuracy of unforced answers": "of those that were given freely",
        "abstained on unanswerable": "of the questions that nothing in the video answers",
    },
    "Grounding in time": {
        "grounded accuracy": "right, unforced, and a shown frame inside a gold span",
        "acc@IoU": "CG-Bench: right and cited spans that overlap gold, IoU 0.1 to 0.5",
        "G_t": "an inspected span with tIoU of at least 0.05 with a gold span",
        "G_t by chance": "the same number of windows of the same lengths, thrown at random",
        "R@0.10": "tIoU of at least 0.10",
        "R@0.10 by chance": "",
        "R@0.20": "tIoU of at least 0.20",
        "R@0.20 by chance": "",
        "evidence hit": "a frame really shown lies inside a gold span",
        "evidence hit by chance": "",
        "cited evidence hit": "a frame that the answer cites lies inside a gold span",
        "coverage": "share of the gold spans of which a frame was shown",
        "mIoU": "CG-Bench: IoU of cited against gold spans",
        "rec@IoU": "CG-Bench: share of IoU thresholds 0.1 to 0.5 that are reached",
    },
    "Right for the wrong reasons": {
        "H_t": "of right answers, those without G_t",
        "right but never shown": "of right answers, those without an evidence hit",
    },
    "Grounding in meaning": {
        "G_s": "every judge says that the evidence alone carries the answer",
        "H_s": "of right answers, those without G_s",
    },
}  # fmt: skip


def measure_note(name: str) -> str:
    """What a measure means, in a few words; empty for one that says it itself."""
    return next((notes[name] for notes in _MEASURES.values() if name in notes), "")


def numbers_table(systems: Sequence[System]) -> Table:
    """Every rate of every system with its interval and its number of questions."""
    rows = [TableRow("Questions", []), *_counts(systems)]
    official = list(dict.fromkeys(name for system in systems for name in system.official))
    if official:
        rows.append(TableRow("Official figures", [], "by the benchmark's own scorer"))
    for name in official:
        found = [system.official.get(name, float("nan")) for system in systems]
        rows.append(TableRow(name, [Value(percent(value)) for value in found]))
    for heading, measures in _MEASURES.items():
        kept = {name: note for name, note in measures.items() if _any(systems, name)}
        if kept:
            rows.append(TableRow(heading, []))
        rows += [
            TableRow(name, [rate_value(system.scores[name]) for system in systems], note)
            for name, note in kept.items()
        ]
    return Table(
        "numbers",
        "Rates in per cent with 95% intervals clustered by video, and n.",
        "measure",
        [Column(system.label) for system in systems],
        rows,
    )


def _counts(systems: Sequence[System]) -> list[TableRow]:
    names = ("asked", "answered", "forced", "abstained", "errored")
    rows = [TableRow(name, [Value(f"{s.counts[name]:,}") for s in systems]) for name in names]
    rows.append(
        TableRow("missing video", [Value(f"{s.missing:,}") for s in systems], "of the errored")
    )
    rows.append(TableRow("videos", [Value(f"{s.videos:,}") for s in systems]))
    if any(system.prose for system in systems):
        rows.append(TableRow("free text", [Value(f"{s.prose:,}") for s in systems],
                        "answered in prose: neither right nor wrong without a judge"))  # fmt: skip
    if any(system.defective for system in systems):
        rows.append(TableRow("defective rows", [Value(f"{s.defective:,}") for s in systems],
                        "published with a fault, asked and counted all the same"))  # fmt: skip
    return rows


def _any(systems: Sequence[System], name: str) -> bool:
    return any(system.scores[name].n for system in systems)


def rate_value(estimate: Estimate | None) -> Value:
    """A rate with its interval and its n."""
    if estimate is None or not estimate.n:
        return Value(NOTHING, "n = 0")
    within = "" if math.isnan(estimate.low) else f"{interval(estimate)}, "
    return Value(percent(estimate.mean), f"{within}n = {estimate.n:,}")


def rates_table(
    name: str, corner: str, systems: Sequence[System],
    groups: Sequence[tuple[str, Sequence[tuple[Estimate, Estimate]]]],
) -> Table:  # fmt: skip
    """Accuracy and grounded accuracy of every system in every group of questions."""
    rows = []
    for label, pairs in groups:
        values = [
            Value(
                f"{percent(accuracy.mean)} / {percent(grounded.mean)}",
                f"{interval(accuracy)}, n = {accuracy.n:,}" if accuracy.n else "n = 0",
            )
            for accuracy, grounded in pairs
        ]
        rows.append(TableRow(label, values))
    return Table(
        name,
        "Accuracy / grounded accuracy in per cent; the interval and n are those of accuracy.",
        corner,
        [Column(system.label) for system in systems],
        rows,
    )


def cost_table(systems: Sequence[System], *, priced: bool) -> Table:
    """What a question cost on average, and all of them together."""
    kinds = [name for name in SPENDING if priced or name != "money"]
    return Table(
        "cost",
        "A question on average, and all questions together.",
        "cost",
        [Column(system.label, "a question, in all") for system in systems],
        [
            TableRow(
                SPENDING[name],
                [
                    Value(amount(system.spending[name].mean), amount(system.spending[name].total))
                    for system in systems
                ],
                "a model without a price leaves it unknown" if name == "money" else "",
            )
            for name in kinds
        ],
    )


_JUDGED: Final = ("G_s", "H_s")
"""Told only where answers were judged."""
_TOLD: Final = (
    "accuracy", "grounded accuracy", "evidence hit", "right but never shown", "H_t",
    "abstained on unanswerable",
)  # fmt: skip


def comparison_table(comparisons: Sequence[Comparison], names: Sequence[str], base: str) -> Table:
    """Every system against one, a line each; `names` are the systems' labels."""
    rows = []
    judged = any(e.name == "H_s" and e.difference.n for found in comparisons for e in found.rates)
    measures = [*_TOLD, *(["H_s"] if judged else [])]
    for name, found in zip(names, comparisons, strict=True):
        told = {entry.name: entry.difference for entry in found.rates}
        rows.append(
            TableRow(
                name,
                [
                    Value(f"{found.shared:,}"),
                    *(_split(told[measure]) for measure in measures),
                    Value(
                        p_value(found.test.p_value),
                        f"{found.test.only_first:,} against {found.test.only_second:,}",
                    ),
                ],
            )
        )
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
    """Two systems side by side, a line a measure."""
    rows = [
        TableRow(
            entry.name,
            [Value(percent(entry.first)), Value(percent(entry.second)), _split(entry.difference)],
        )
        for entry in found.rates
        if entry.name not in _JUDGED or entry.difference.n
    ]
    rows += [
        TableRow(
            f"{SPENDING[entry.name]} a question",
            [
                Value(amount(entry.first)),
                Value(amount(entry.second)),
                Value(amount(entry.difference.mean), _within(entry.difference)),
            ],
        )
        for entry in found.costs
    ]
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
