"""The figures of a report: bars, quadrants, and curves of risk and of budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from videoseal.evals.report.house_style import (
    Figure,
    canvas,
    colour,
    finish,
    grid,
    look,
    paint,
    shares,
    short,
    small,
    thin,
    whisker,
)
from videoseal.evals.report.numbers import amount, percent
from videoseal.evals.report.question_groups import (
    FigureGroup,
    by_category,
    by_hops,
    by_length,
    by_wording,
)
from videoseal.evals.report.tables import rates_table
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import System

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["accuracy_figure", "budget_figure", "group_figure", "quadrant_figure", "report_figures",
           "risk_figure"]  # fmt: skip

_Pairs = Sequence[tuple[Estimate, Estimate]]
"""Accuracy and grounded accuracy by system."""
_MOST_CURVES: Final = 8
"""Curves beyond this cannot be told apart; the first ones are drawn."""
_MOST_BARS: Final = 6
"""Systems drawn in every group of questions."""
_BAR: Final = 0.21
"""Inches that a bar takes."""
_QUADRANTS: Final = {
    "right-grounded": ("right and grounded", "on-right"),
    "right-ungrounded": ("right and not grounded", ""),
    "wrong-grounded": ("wrong and grounded", ""),
    "wrong-ungrounded": ("wrong and not grounded", "ink"),
}
"""By the names of their links and colours, in the order of `Quadrants`: what they are, and what the
number inside is drawn with where it is not black, light and dark."""
_BUDGETS: Final = {
    "frames": "frames shown a question",
    "tokens": "tokens a question",
    "steps": "planner steps a question",
}
_DIFFERENT: Final = 1.2
"""Budgets are drawn where the largest is this much more than the smallest."""
_LINES: Final = ("-", "--", ":", "-.")
"""Tell curves of one colour apart."""
_BY_BUDGET: Final = (("accuracy", "--", "paper"), ("grounded accuracy", "-", ""))
"""Measures with their lines, and what fills their markers where it is not their colour."""


def report_figures(systems: Sequence[System]) -> list[Figure]:
    """Every figure for which the systems have something to show."""
    found = (
        accuracy_figure(systems),
        quadrant_figure(systems),
        risk_figure(systems),
        budget_figure(systems),
        group_figure(systems, by_category(systems), "categories", "By category", "category"),
        group_figure(systems, by_wording(systems), "wordings", "By wording", "wording"),
        group_figure(systems, by_hops(systems), "hops", "By hops to the answer", "hops"),
        group_figure(systems, by_length(systems), "lengths", "By length of the video", "length"),
    )
    return [figure for figure in found if figure is not None]


def accuracy_figure(systems: Sequence[System]) -> Figure | None:
    """Accuracy of every system, filled as far as it is grounded."""
    if not systems:
        return None
    pairs = [(system.scores["accuracy"], system.scores["grounded accuracy"]) for system in systems]
    with canvas(0.3 + _BAR * len(systems)) as drawing:
        axes = drawing.subplots()
        _bars(axes, systems, pairs)
        for place, system in enumerate(systems):
            chance = system.scores["chance"].mean
            axes.plot((chance, chance), (place - 0.42, place + 0.42), ":", color=paint()["ink"])
        return finish(
            drawing, "accuracy", "Accuracy, and how much of it was proven",
            "A bar is accuracy with its 95% interval; it is filled as far as the right answer was"
            " given freely and a frame of the gold span was really shown. The dotted line is a"
            " uniform guess.",
        )  # fmt: skip


def group_figure(
    systems: Sequence[System], groups: Sequence[FigureGroup], name: str, title: str, corner: str
) -> Figure | None:
    """The same of the first systems for every group of questions, and of all as a table."""
    if not groups:
        return None
    drawn = systems[:_MOST_BARS]
    with canvas(-(-len(groups) // 2) * (0.55 + _BAR * len(drawn))) as drawing:
        every = grid(drawing, len(groups), 2, sharey=True)
        for axes, group in zip(every, groups, strict=True):
            _bars(axes, drawn, group.pairs[: len(drawn)])
            most = max(accuracy.n for accuracy, _ in group.pairs)
            axes.set_title(f"{short(group.label)} (n = {most:,})")
        note = "Bars as in the first figure."
        if len(systems) > len(drawn):
            note += f" The first {_MOST_BARS} systems are drawn; the table has all."
        table = rates_table(name, corner, systems, groups)
        return finish(drawing, name, title, note, table=table)


def quadrant_figure(systems: Sequence[System]) -> Figure | None:
    """Right and wrong against grounded and not, of every system with gold spans.

    A column is as wide as its share of right or wrong; every area links to its samples.
    """
    shown = [(place, system) for place, system in enumerate(systems) if sum(system.quadrants)]
    if not shown:
        return None
    columns, links = min(4, max(3, len(shown))), dict[str, str]()
    with canvas(0.2 + 1.75 * -(-len(shown) // columns)) as drawing:
        every = grid(drawing, len(shown), columns)
        for axes, (place, system) in zip(every, shown, strict=True):
            links |= _areas(axes, place, system)
        for kind, (words, _) in _QUADRANTS.items():
            every[0].bar(0, 0, color=paint()[f"q-{kind}"], label=words)
        drawing.legend(loc="outside lower left", ncols=4, handlelength=1, handleheight=1)
        return finish(
            drawing, "quadrants", "Right or wrong, grounded or not",
            "Over answerable questions with gold spans: columns are as wide as their share of"
            " right and wrong, and split by whether a frame of a gold span was shown. Select an"
            " area to list its samples.",
            links=links,
        )  # fmt: skip


def risk_figure(systems: Sequence[System]) -> Figure | None:
    """Share of wrong answers among the most confident, as more are answered."""
    curves = [system for system in systems if system.risk][:_MOST_CURVES]
    if not curves:
        return None
    turns: dict[int, int] = {}
    with canvas(2.9) as drawing:
        axes = drawing.subplots()
        for system in sorted(curves, key=lambda one: -one.risk[-1].risk):
            turn = turns[system.colour] = turns.get(system.colour, -1) + 1
            points = np.array(system.risk)[thin(len(system.risk))]
            axes.plot(*points.T, linestyle=_LINES[turn % len(_LINES)], markevery=[-1],
                      clip_on=False, label=short(system.label), gid="curve",
                      **look(system.colour))  # fmt: skip
        worst = max(point.risk for system in curves for point in system.risk)
        shares(axes, "x")
        shares(axes, "y", 1.05 * max(worst, 0.1))
        axes.set_xlabel("share of questions answered, most confident first")
        axes.set_ylabel("share of wrong answers")
        drawing.legend(loc="outside right upper")
        ends = [(system.label, system.risk[-1]) for system in curves]
        return finish(
            drawing, "risk", "Risk against coverage",
            "How many answers are wrong when only the most confident ones are kept; guesses that a"
            " run forced come last. A curve that ends early belongs to a system that abstained.",
            told="; ".join(f"{name}: {percent(end.risk)}% wrong with {percent(end.coverage)}%"
                           " answered" for name, end in ends),
        )  # fmt: skip


def budget_figure(systems: Sequence[System]) -> Figure | None:
    """Accuracy against every kind of budget in which the systems differ; None without one."""
    asked = [system for system in systems if system.scores["accuracy"].n]
    kinds = [kind for kind in _BUDGETS if _differ([_spent(system, kind) for system in asked])]
    if not kinds:
        return None
    families = {system.family: system.colour for system in asked}
    several = len({run for run, _ in families}) > 1
    with canvas(2.6) as drawing:
        every = grid(drawing, len(kinds), len(_BUDGETS), sharey=True)
        for axes, kind in zip(every, kinds, strict=True):
            for family in families:
                _spending(axes, [system for system in asked if system.family == family], kind)
            shares(axes, "y")
            axes.locator_params(axis="x", nbins=4)
            axes.xaxis.set_major_formatter(lambda value, _: amount(value))
            axes.set(xlim=(0, None), xlabel=_BUDGETS[kind])
            axes.grid(axis="x")
        for family, number in families.items():
            name = " \u00b7 ".join(family if several else family[1:])
            every[0].plot([], [], "", label=short(name), **look(number))
        for measure, line, fill in _BY_BUDGET:
            every[0].plot([], [], line, marker="o", color=paint()["soft"], label=measure,
                          markerfacecolor=paint().get(fill))  # fmt: skip
        drawing.legend(loc="outside upper left", ncols=6)
        return finish(
            drawing, "budget", "Accuracy against budget",
            "Mean cost of a question against accuracy (hollow) and grounded accuracy (filled).",
        )  # fmt: skip


def _bars(axes: Axes, systems: Sequence[System], pairs: _Pairs) -> None:
    """A bar a system with its interval, and its numbers after it."""
    from matplotlib.transforms import offset_copy

    shares(axes, "x")
    axes.set(ylim=(len(pairs) - 0.5, -0.5))
    axes.set_yticks(range(len(pairs)), [short(system.label) for system in systems])
    axes.tick_params(axis="y", pad=14, labelcolor=paint()["ink"])
    axes.spines[:].set_visible(False)
    drawing = axes.get_figure(root=True)
    before = offset_copy(axes.get_yaxis_transform(), drawing, -7, units="points")
    box = {"facecolor": paint()["paper"], "edgecolor": "none", "pad": 0.5}
    for place, (system, (accuracy, grounded)) in enumerate(zip(systems, pairs, strict=True)):
        axes.plot(0, place, transform=before, clip_on=False, **look(system.colour))
        if not accuracy.n:
            axes.text(0.01, place, "no questions", va="center", **small())
            continue
        told, ink = percent(accuracy.mean), colour(system.colour)
        axes.barh(place, accuracy.mean, 0.62, color=ink, alpha=0.22, gid="accuracy")
        if grounded.n:
            axes.barh(place, grounded.mean, 0.62, color=ink, gid="grounded")
            told += f" / {percent(grounded.mean)}"
        whisker(axes, place, accuracy, paint()["ink"], upright=False)
        reached = float(np.nanmax([accuracy.mean, accuracy.high]))
        axes.text(reached + 0.015, place, told, va="center", bbox=box)


def _areas(axes: Axes, number: int, system: System) -> dict[str, str]:
    """Four areas of one system; what their links say."""
    counts, total = dict(zip(_QUADRANTS, system.quadrants, strict=True)), sum(system.quadrants)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    axes.set_title(short(system.label, 24), pad=14)
    links, x = {}, 0.0
    for name, side in (("right", 0), ("wrong", 1)):
        parts = {kind: counts[kind] for kind in (f"{name}-grounded", f"{name}-ungrounded")}
        wide, y = sum(parts.values()) / total, 0.0
        if wide:
            axes.text(side, 1.03, f"{name} {percent(wide)}%", ha=("left", "right")[side], **small())
        for kind, part in parts.items():
            if not part:
                continue
            words, ink = _QUADRANTS[kind]
            tall, url = part / sum(parts.values()), f"#samples/{number}/{kind}"
            links[url] = f"{words}: list {part} samples"
            axes.bar(x, tall, wide, y, align="edge", color=paint()[f"q-{kind}"], url=url,
                     edgecolor=paint()["paper"], linewidth=1.5, gid="area")  # fmt: skip
            if wide > 0.12 and tall > 0.1:
                axes.text(x + wide / 2, y + tall / 2, str(part), color=paint().get(ink, "#111111"),
                          weight="bold", ha="center", va="center", gid="count")  # fmt: skip
            y += tall
        x += wide
    return links


def _spending(axes: Axes, systems: Sequence[System], kind: str) -> None:
    """One family's accuracy, hollow, and its grounded accuracy, with the names of the variants."""
    ranked = sorted(systems, key=lambda system: _spent(system, kind))
    spent = [_spent(system, kind) for system in ranked]
    for measure, line, fill in _BY_BUDGET:
        rates = [system.scores[measure].mean for system in ranked]
        axes.plot(spent, rates, line, linewidth=1, clip_on=False, markerfacecolor=paint().get(fill),
                  **look(ranked[0].colour))  # fmt: skip
    for system, x, y in zip(ranked, spent, rates, strict=True):
        axes.annotate(
            short(system.key.variant.rpartition("=")[2], 14), (x, y), (0, -9), size=7,
            textcoords="offset points", ha="center", color=colour(system.colour),
        )  # fmt: skip


def _differ(spent: Sequence[float]) -> bool:
    return len(spent) > 1 and max(spent) > _DIFFERENT * min(spent)


def _spent(system: System, kind: str) -> float:
    parts = ("prompt_tokens", "completion_tokens") if kind == "tokens" else (kind,)
    return sum(system.spending[part].mean for part in parts)
