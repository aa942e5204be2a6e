"""The numbers that a trainer logged, step by step, as series and as line charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Final, NamedTuple

from videoseal.core.errors import MissingDependency
from videoseal.evals.report.house_style import WIDTH, Figure, canvas, colour, finish, short, thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CHARTS", "Chart", "Point", "Series", "draw", "ends", "find", "plot",
           "read_scalars", "smooth"]  # fmt: skip


class Point(NamedTuple):
    """One logged number."""

    step: int
    value: float
    time: float
    """When it was logged, in seconds since the epoch."""


Series = Mapping[str, Sequence[Point]]
"""Points by the trainer's name, such as `train/kl`, ascending and one a step."""


class Chart(NamedTuple):
    """Lines that are read together."""

    name: str
    title: str
    note: str
    lines: Mapping[str, str]
    """Labels with names as the trainer logs them; in one, `*` stands for anything."""


CHARTS: Final = (
    Chart(
        "reward", "Reward", "Mean of a step's episodes, and of the held-out questions.",
        {"training": "train/rollout/reward_mean", "held out": "eval/eval_*_pass1"},
    ),
    Chart(
        "terms", "Terms of the reward", "What the reward is made of, mean of a step's episodes.",
        {"right": "train/reward_correct", "gate": "train/reward_gate",
         "tight": "train/reward_tight", "cost": "train/reward_cost"},
    ),
    Chart(
        "proof", "Right, grounded, abstained",
        "Share of a step's episodes: answered rightly, with a frame of a gold span shown, and"
        " without an answer.",
        {"right": "train/right", "grounded": "train/grounded", "abstained": "train/abstained"},
    ),
    Chart(
        "mistakes", "Mistakes and failures",
        "Tool errors an episode; episodes in which something around the policy failed; episodes"
        " cut off by context or time.",
        {"tool errors": "train/tool_errors", "failed": "train/infra_error",
         "cut off": "train/rollout/truncated_rate"},
    ),
    Chart(
        "lengths", "Length of an episode", "Tokens in all, and tokens that the policy said.",
        {"all tokens": "train/tokens", "said by the policy": "train/sampled"},
    ),
    Chart(
        "work", "Turns and frames", "Turns of the planner, and frames shown, an episode.",
        {"turns": "train/turns", "frames": "train/frames"},
    ),
    Chart(
        "kl", "Distance to the untrained policy", "KL divergence a token.", {"KL": "train/kl"}
    ),
    Chart(
        "mismatch", "Engine against trainer",
        "How far the two are apart on a sampled token's log-probability: the largest of a step"
        " (hf backend), and the KL divergence between them.",
        {"largest": "train/token_mismatch", "KL": "train/vllm_kl"},
    ),
    Chart(
        "optimiser", "Gradient", "Norm of the gradient before clipping.",
        {"norm": "train/actor_grad_norm"},
    ),
    Chart("lr", "Learning rate", "Of the optimiser.", {"rate": "train/actor_lr"}),
    Chart(
        "time", "Seconds of a step", "Playing episodes, and learning from them.",
        {"playing": "train/timing/generation", "learning": "train/timing/ppo_train",
         "whole step": "train/timing/step_total"},
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


def draw(chart: Chart, series: Series) -> Figure | None:
    """A chart of the lines that were logged; None without any."""
    known = {label: found for label, name in chart.lines.items() if (found := find(series, name))}
    if not known:
        return None
    told = "; ".join(
        f"{label}: {points[0].value:.4g} at step {points[0].step},"
        f" {points[-1].value:.4g} at step {points[-1].step}"
        for label, points in known.items()
    )
    with canvas(1.8, WIDTH * 0.6) as drawing:
        plot(drawing.subplots(), known)
        drawing.legend(loc="outside right upper")
        return finish(drawing, chart.name, chart.title, chart.note, told=told)


def plot(axes: Axes, known: Mapping[str, Sequence[Point]]) -> None:
    """Lines by their labels, thin as logged and bold smoothed; nothing where there are no points.

    A line has the colour of its place, whether or not others have points.
    """
    for number, (label, points) in enumerate(known.items()):
        if not points:
            continue
        logged = [point.value for point in points]
        means = smooth(logged, max(1, len(points) // 10))
        kept = thin(len(points))
        steps, paint = [points[n].step for n in kept], colour(number)
        axes.plot(steps, [means[n] for n in kept], color=paint, label=short(label, 20),
                  marker="o" if len(points) == 1 else "", gid="line")  # fmt: skip
        if means != logged:
            axes.plot(steps, [logged[n] for n in kept], color=paint, linewidth=0.7, alpha=0.35)
    lowest = min(point.value for points in known.values() for point in points)
    axes.set_ylim(bottom=None if lowest < 0 else 0)
    axes.locator_params(axis="y", nbins=4)
    axes.locator_params(axis="x", nbins=5, integer=True)
    axes.grid()
