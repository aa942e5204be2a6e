"""The report of a training run: curves, first against last steps, and every episode."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videoseal.evals.records import SampleRecord, parse_line, record_lines
from videoseal.evals.report.house_style import write_figures
from videoseal.evals.report.markdown import markdown_page
from videoseal.evals.report.page import Page, render_page
from videoseal.evals.report.tables import Column, Table, TableRow, Value
from videoseal.evals.scoring.systems import RECORDS
from videoseal.rl.data.tasks import read_label, read_tasks
from videoseal.rl.report.training_curves import CHARTS, Point, Series, draw, ends, read_scalars
from videoseal.rl.training.run_folder import RunFolder, RunStatus, TrainManifest

__all__ = ["compare_ends", "write_training_report"]

_PACKAGES: Final = ("openrlhf", "torch", "transformers", "deepspeed", "ray", "vllm")
_PARTS: Final = 10
"""Of a run's steps: the first and the last are compared."""
_PHASES: Final = 4
"""Of a run's episodes: those of each are told apart."""
_HELD_OUT: Final = "held out"
_REWARD: Final = "train/rollout/reward_mean"


def write_training_report(
    run: RunFolder, out: Path, *, frames: Path | None = None
) -> dict[str, Path]:
    """Write `report.html` and `report.md` to `out`, and `episodes/report.html` with all episodes.

    The curves are files in `figures` too. `frames` is a frame cache to take pictures from. Returns
    the files by what they are. Raises NoSuchTraining, AnnotationError for a damaged record,
    MissingDependency without Jinja or Matplotlib.
    """
    manifest, status = run.read_manifest(), run.status
    series = read_scalars(run.tensorboard)
    out.mkdir(parents=True, exist_ok=True)
    files = {"html": out / "report.html", "markdown": out / "report.md"}
    if episodes := _write_episodes(run, series, out / "episodes", frames):
        files["episodes"] = episodes
    ends = compare_ends(series)
    page = Page(
        title=f"Training of {manifest.config.name}",
        facts=_facts(manifest, status),
        sentences=_sentences(series, status),
        figures=[figure for chart in CHARTS if (figure := draw(chart, series))],
        tables=[("First and last steps", ends)] if ends.rows else [],
        manifests=[(run.root.name, _made(manifest))],
        link=("Open any episode of the training", "episodes/report.html") if episodes else None,
    )
    made = [f"{name}: {value}" for name, value in _made(manifest).items()]
    told = [*page.sentences, " \u00b7 ".join(page.facts), *made]
    files["html"].write_text(render_page(page), encoding="utf-8")
    files["markdown"].write_text(markdown_page(page.title, told, page.tables), encoding="utf-8")
    write_figures(page.figures, out / "figures")
    return files


def compare_ends(series: Series) -> Table:
    """Means over the first and the last tenth of the steps, of all that the charts show."""
    rows = []
    for chart in CHARTS:
        for label, name in chart.lines.items():
            points = [p for p in series.get(name, ()) if math.isfinite(p.value)]
            if points:
                values = [Value(f"{mean:.4g}") for mean in ends(points, _PARTS)]
                rows.append(TableRow(f"{chart.title}: {label}", values))
    steps = _tenth(len(series.get(_REWARD, ())))
    columns = [Column(f"first {steps} steps"), Column(f"last {steps} steps")]
    return Table("ends", "Means over the steps.", "mean of", columns, rows)


def _tenth(count: int) -> int:
    return max(1, count // _PARTS)


def _sentences(series: Series, status: RunStatus) -> list[str]:
    told = [] if series else ["Nothing was logged yet."]
    if status.state not in ("done", "new"):
        why = f": {status.message}" if status.message else ""
        told.append(f"The run is not done: {status.state} at step {status.step}{why}.")
    for name, what in ((_REWARD, "The mean reward"), ("train/grounded", "The grounded share")):
        points = [p for p in series.get(name, ()) if math.isfinite(p.value)]
        if len(points) > 1:
            first, last = ends(points, _PARTS)
            steps = _tenth(len(points))
            span = "step" if steps == 1 else f"{steps} steps"
            told.append(f"{what} went from {first:.3f} in the first {span} to {last:.3f} in the"
                        f" last {span}.")  # fmt: skip
    for name, held in sorted(series.items()):
        if name.startswith("eval/eval_") and name.endswith("_pass1") and len(held) > 1:
            told.append(
                f"On held-out questions the reward went from {held[0].value:.3f} (step"
                f" {held[0].step}) to {held[-1].value:.3f} (step {held[-1].step})."
            )
    return told


def _facts(manifest: TrainManifest, status: RunStatus) -> list[str]:
    config = manifest.config
    return [
        f"{Path(config.policy.path).name}, {config.reward.kind} reward",
        f"{manifest.tasks} questions",
        f"{config.rollout.batch} questions x {config.rollout.samples} episodes a step",
        f"step {status.step} of {status.steps}",
        f"backend {config.hardware.backend}",
    ]


def _made(manifest: TrainManifest) -> dict[str, str]:
    config = manifest.config
    told: dict[str, str] = {
        "started": manifest.created.isoformat(timespec="seconds"),
        "git": manifest.git,
        "policy": config.policy.path,
        "training data": f"{config.data.train.name}, SHA-256 {manifest.train_sha256[:12]}",
        "reward": config.reward.model_dump_json(exclude_defaults=True),
        "rollout": config.rollout.model_dump_json(),
        "optimiser": config.optimiser.model_dump_json(),
        "hardware": config.hardware.model_dump_json(),
        "context": str(config.context),
        "Python": manifest.python,
    }
    told.update({f"{role} model": model for role, model in manifest.models.items()})
    told.update({name: manifest.packages.get(name, "") for name in _PACKAGES})
    return {name: value for name, value in told.items() if value}


def _write_episodes(
    run: RunFolder, series: Series, folder: Path, frames: Path | None
) -> Path | None:
    if not _lay_out_episodes(run, series.get(_REWARD, ()), folder):
        return None
    from videoseal.evals.report.write import write_report

    title = f"Episodes of {run.root.name}"
    return write_report([folder], folder, title=title, frames=frames).html


def _lay_out_episodes(run: RunFolder, steps: Sequence[Point], folder: Path) -> int:
    """Write all episodes to `folder` as samples of one evaluation's run; how many there are.

    Training's are told apart by phase, a quarter of the steps each: an episode belongs to the
    first of `steps` that was logged after its end. Those of held-out questions are their own.
    """
    held = _held_out(run)
    counted: Counter[tuple[str, str]] = Counter()
    records = [
        parse_line(path, line, SampleRecord)
        for path in run.rollouts.glob("*.jsonl")
        for line in record_lines(path)
    ]
    records.sort(key=lambda record: record.finished)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RECORDS).open("w", encoding="utf-8") as file:
        for record in records:
            phase = (
                _HELD_OUT
                if (record.item.benchmark, record.item.uid) in held
                else _phase(record.finished.timestamp(), steps)
            )
            # All samples of a question count, so each is a question of its own here.
            counted[phase, record.item.uid] += 1
            number = counted[phase, record.item.uid]
            item = record.item.model_copy(update={"uid": f"{record.item.uid} #{number}"})
            told = record.model_copy(update={"item": item, "variant": phase})
            file.write(f"{told.model_dump_json()}\n")
    return len(records)


def _held_out(run: RunFolder) -> set[tuple[str, str]]:
    path = run.read_manifest().config.data.validation
    if path is None or not path.is_file():
        return set()
    labels = (read_label(task.label) for task in read_tasks(path))
    return {(label.item.benchmark, label.item.uid) for label in labels}


def _phase(finished: float, steps: Sequence[Point]) -> str:
    """Such as `steps=1-25`; plain `training` where no step was logged."""
    if not steps:
        return "training"
    size = max(1, -(-len(steps) // _PHASES))
    place = min(bisect_left([point.time for point in steps], finished), len(steps) - 1)
    first = place // size * size
    last = min(first + size, len(steps)) - 1
    return f"steps={steps[first].step}-{steps[last].step}"
