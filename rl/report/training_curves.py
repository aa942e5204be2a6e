"""The numbers that a trainer logged, step by step, as series and as line charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Final, NamedTuple

from videoseal.core.errors import MissingDependency
from videoseal.evals.report.svg import (
    Scale,
    Svg,
    apart,
    colour_class,
    element,
    figure,
    nice_ticks,
    path,
    tick_x,
    tick_y,
    words,
)

__all__ = ["CHARTS", "Chart", "CurveLine", "Point", "Series", "draw", "ends", "find", "plot",
           "read_scalars", "smooth"]  # fmt: skip

_MOST_POINTS: Final = 400
"""Points of a line that are drawn; more cannot be told apart."""


class Point(NamedTuple):
    """One logged number."""

    step: int
    value: float
    time: float
    """When it was logged, in seconds since the epoch."""


Series = Mapping[str, Sequence[Point]]
"""Points by the trainer's name, such as `train/kl`, ascending and one a step."""


class CurveLine(NamedTuple):
    """One line of a chart."""

    name: str
    """As the trainer logs it; one that ends in `*` is the first series that begins so."""
    label: str


class Chart(NamedTuple):
    """Lines that are read together."""

    name: str
    title: str
    note: str
    lines: tuple[CurveLine, ...]


CHARTS: Final = (
    Chart(
        "reward", "Reward", "Mean of a step's episodes, and of the held-out questions.",
        (
            CurveLine("train/rollout/reward_mean", "training"),
            CurveLine("eval/eval_*_pass1", "held out"),
        ),
    ),
    Chart(
        "terms", "Terms of the reward", "What the reward is made of, mean of a step's episodes.",
        (
            CurveLine("train/reward_correct", "right"), CurveLine("train/reward_gate", "gate"),
            CurveLine("train/reward_tight", "tight"), CurveLine("train/reward_cost", "cost"),
        ),
    ),
    Chart(
        "proof", "Right, grounded, abstained",
        "Share of a step's episodes: answered rightly, with a frame of a gold span shown, and"
        " without an answer.",
        (
            CurveLine("train/right", "right"), CurveLine("train/grounded", "grounded"),
            CurveLine("train/abstained", "abstained"),
        ),
    ),
    Chart(
        "mistakes", "Mistakes and failures",
        "Tool errors an episode; episodes in which something around the policy failed; episodes"
        " cut off by context or time.",
        (
            CurveLine("train/tool_errors", "tool errors"), CurveLine("train/infra_error", "failed"),
            CurveLine("train/rollout/truncated_rate", "cut off"),
        ),
    ),
    Chart(
        "lengths", "Length of an episode", "Tokens in all, and tokens that the policy said.",
        (CurveLine("train/tokens", "all tokens"), CurveLine("train/sampled", "said by the policy")),
    ),
    Chart(
        "work", "Turns and frames", "Turns of the planner, and frames shown, an episode.",
        (CurveLine("train/turns", "turns"), CurveLine("train/frames", "frames")),
    ),
    Chart(
        "kl", "Distance to the untrained policy", "KL divergence a token.",
        (CurveLine("train/kl", "KL"),),
    ),
    Chart(
        "mismatch", "Engine against trainer",
        "How far the two are apart on a sampled token's log-probability: the largest of a step"
        " (hf backend), and the KL divergence between them.",
        (CurveLine("train/token_mismatch", "largest"), CurveLine("train/vllm_kl", "KL")),
    ),
    Chart(
        "optimiser", "Gradient", "Norm of the gradient before clipping.",
        (CurveLine("train/actor_grad_norm", "norm"),),
    ),
    Chart("lr", "Learning rate", "Of the optimiser.", (CurveLine("train/actor_lr", "rate"),)),
    Chart(
        "time", "Seconds of a step", "Playing episodes, and learning from them.",
        (
            CurveLine("train/timing/generation", "playing"),
            CurveLine("train/timing/ppo_train", "learning"),
            CurveLine("train/timing/step_total", "whole step"),
        ),
    ),
)  # fmt: skip
"""What a report draws, where it was logged."""


def read_scalars(folder: Path) -> dict[str, list[Point]]:
    """Every scalar of the TensorBoard files below a folder; empty where there are none.

    Of a step that was repeated after a resume, the later value counts. Raises MissingDependency.
    """
    files = sorted({file.parent for file in folder.rglob("events.out.tfevents.*")})
    if not files:
        return {}
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise MissingDependency(
            "reading the log of a run needs tensorboard", hint="pip install tensorboard"
        ) from None
    found: dict[str, dict[int, Point]] = {}
    for part in files:
        events = EventAccumulator(
            str(part), size_guidance={"scalars": 0}, purge_orphaned_data=False
        ).Reload()
        for name in events.Tags()["scalars"]:
            steps = found.setdefault(name, {})
            for event in events.Scalars(name):
                before = steps.get(event.step)
                if before is None or before.time <= event.wall_time:
                    steps[event.step] = Point(event.step, float(event.value), event.wall_time)
    return {name: [steps[step] for step in sorted(steps)] for name, steps in found.items()}


def find(series: Series, name: str) -> list[Point]:
    """The finite points of a series; `*` in a name stands for anything."""
    head, star, tail = name.partition("*")
    names = [name] if not star else sorted(
        known for known in series if known.startswith(head) and known.endswith(tail)
    )  # fmt: skip
    points = next((series[known] for known in names if known in series), [])
    return [point for point in points if math.isfinite(point.value)]


def ends(points: Sequence[Point], parts: int) -> tuple[float, float]:
    """Means over the first and over the last of so many parts, a point at least; needs a point."""
    size = max(1, len(points) // parts)
    values = [point.value for point in points]
    return fmean(values[:size]), fmean(values[-size:])


def smooth(values: Sequence[float], width: int) -> list[float]:
    """The mean of each value and those around it, `width` at most."""
    half = width // 2
    sums = list(accumulate(values, initial=0.0))
    ranges = ((max(0, n - half), min(len(values), n + half + 1)) for n in range(len(values)))
    return [(sums[end] - sums[start]) / (end - start) for start, end in ranges]


def draw(chart: Chart, series: Series) -> Svg | None:
    """A chart of the lines that were logged; None without any."""
    known = [(line.label, points) for line in chart.lines if (points := find(series, line.name))]
    return plot(chart.title, known) if known else None


def plot(title: str, known: Sequence[tuple[str, Sequence[Point]]]) -> Svg:
    """Lines by their labels, thin as logged and bold smoothed; each has a point at least."""
    left, right, top, foot = 58.0, 470.0, 12.0, 210.0
    every = [point for _, points in known for point in points]
    values = [point.value for point in every]
    low, ticks = _range(values)
    first, last = min(p.step for p in every), max(p.step for p in every)
    x = Scale(first, max(last, first + 1), left, right)
    y = Scale(low, low + ticks[-1], foot, top)
    steps = sorted({first, (first + last) // 2, last})
    grid = [tick_x(x(step), top, foot, str(step)) for step in steps]
    grid += [tick_y(y(low + t), left, right, _told(low + t)) for t in ticks]
    drawn: list[Svg] = []
    ends: list[float] = []
    for colour, (_, points) in enumerate(known):
        drawn += _line(points, colour, x, y)
        ends.append(y(_smoothed(points)[-1]))
    places = apart(ends, 16, top + 4, foot)
    drawn += [
        words(label, right + 10, place + 4, f"label {colour_class(colour)}", most=20)
        for colour, ((label, _), place) in enumerate(zip(known, places, strict=True))
    ]
    told = "; ".join(
        f"{label}: {points[0].value:.4g} at step {points[0].step},"
        f" {points[-1].value:.4g} at step {points[-1].step}"
        for label, points in known
    )
    return figure(610, foot + 30, title, told, *grid, *drawn)


def _told(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _line(points: Sequence[Point], colour: int, x: Scale, y: Scale) -> list[Svg]:
    step = max(1, math.ceil(len(points) / _MOST_POINTS))
    kept = slice(None, None, step)
    raw = [(x(p.step), y(p.value)) for p in points][kept]
    means = [(x(p.step), y(v)) for p, v in zip(points, _smoothed(points), strict=True)][kept]
    name = colour_class(colour)
    if len(points) == 1:
        return [element("circle", class_=f"dot {name}", cx=raw[0][0], cy=raw[0][1], r=3.5)]
    drawn = [element("path", class_=f"line {name}", d=path(means))]
    if means != raw:
        drawn.insert(0, element("path", class_=f"line raw {name}", d=path(raw)))
    return drawn


def _smoothed(points: Sequence[Point]) -> list[float]:
    return smooth([point.value for point in points], max(1, len(points) // 10))


def _range(values: Sequence[float]) -> tuple[float, list[float]]:
    """Where the axis begins, and its ticks above that; from 0 unless something lies below."""
    lowest = min(0.0, min(values))
    if lowest < 0:
        step = nice_ticks(max(max(values) - lowest, 1e-9), 4)
        return -step[1] * math.ceil(-lowest / step[1]), [*step, step[-1] + step[1]]
    return 0.0, nice_ticks(max(max(values), 1e-9), 4)
