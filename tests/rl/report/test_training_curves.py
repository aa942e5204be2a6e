"""What a trainer logged, as series, charts and a report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.evals.report.drawn import paths, words
from tests.rl.begun import config_of, write_questions
from tests.rl.played import played
from videoseal.evals.records import RecordFile
from videoseal.evals.scoring.systems import read_systems
from videoseal.rl.data.tasks import read_label, read_tasks
from videoseal.rl.report.compare_runs import write_comparison
from videoseal.rl.report.training_curves import (
    CHARTS,
    Chart,
    Point,
    draw,
    read_scalars,
    smooth,
)
from videoseal.rl.report.training_report import compare_ends, write_training_report
from videoseal.rl.training.export import NothingTrained
from videoseal.rl.training.launch import describe
from videoseal.rl.training.run_folder import RunFolder, RunStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
CHART = Chart("c", "Title", "note", {"alpha": "train/a", "beta": "train/b"})


def log(folder: Path, scalars: Mapping[str, Sequence[tuple[int, float]]], after: float = 0) -> None:
    """An event file as the trainer's logger writes it; a step takes a minute."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder), filename_suffix=f".{after:g}")
    for name, points in scalars.items():
        for step, value in points:
            time = START.timestamp() + 60 * step + after
            summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
            writer.add_event(Event(step=step, wall_time=time, summary=summary))
    writer.close()


def points(*values: float) -> list[Point]:
    return [Point(step, value, 60.0 * step) for step, value in enumerate(values, start=1)]


def test_scalars_are_read(tmp_path):
    """Every scalar comes with its steps, wherever below the folder it was written."""
    log(tmp_path / "run", {"train/kl": [(1, 0.5), (2, 0.25)], "eval/x": [(2, 1.0)]})
    found = read_scalars(tmp_path)
    assert [(p.step, p.value) for p in found["train/kl"]] == [(1, 0.5), (2, 0.25)]
    assert [p.step for p in found["eval/x"]] == [2]


def test_repeated_steps_count_once(tmp_path):
    """Steps that a resumed run repeats have the later value."""
    log(tmp_path / "run", {"train/kl": [(1, 1.0), (2, 2.0), (3, 3.0)]})
    log(tmp_path / "run", {"train/kl": [(3, 30.0), (4, 40.0)]}, after=1000)
    found = read_scalars(tmp_path)["train/kl"]
    assert [(p.step, p.value) for p in found] == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]


def test_nothing_logged(tmp_path):
    """A run without a log has no series, and no chart."""
    assert read_scalars(tmp_path) == {}
    assert draw(CHART, {}) is None


def test_smoothing_keeps_level_and_ends():
    """A mean of neighbours leaves constants alone and is as long as what it smooths."""
    assert smooth([2.0, 2.0, 2.0], 3) == [2.0, 2.0, 2.0]
    assert smooth([0.0, 3.0, 0.0, 1.0], 3) == pytest.approx([1.5, 1.0, 4 / 3, 0.5])
    assert smooth([1.0, 5.0], 1) == [1.0, 5.0]


def test_chart_says_what_it_shows():
    """A chart names its lines, and tells first and last values to those who cannot see it."""
    chart = draw(CHART, {"train/a": points(0.1, 0.2, 0.4), "train/b": points(1, 1, 1)})
    assert chart is not None
    assert "alpha: 0.1 at step 1, 0.4 at step 3" in chart.svg
    assert {"alpha", "beta"} <= set(words(chart.svg))
    assert len(paths(chart.svg, "line")) == 2


def test_chart_with_values_below_zero():
    """An axis reaches below zero where values do, and every point lies inside the picture."""
    chart = draw(CHART, {"train/a": points(-0.3, 0.1, 0.5)})
    assert chart is not None
    (line,) = paths(chart.svg, "line")
    heights = [y for _, y in line]
    assert heights == sorted(heights, reverse=True)
    assert all(0 < y < 130 for y in heights)


@pytest.mark.parametrize("values", [[float("nan")], [float("inf"), 1.0], [0.0], [0.0, 0.0]])
def test_odd_values_do_not_break_a_chart(values):
    """Endless, missing and zero values are drawn or left out, never an error."""
    chart = draw(CHART, {"train/a": points(*values)})
    assert chart is None or "nan" not in chart.svg


def test_ends_are_compared():
    """First and last tenth of the steps stand side by side."""
    (row,) = compare_ends({"train/right": points(*[0.1] * 10, *[0.9] * 10)}).rows
    assert row.label == "Right, grounded, abstained: right"
    assert [value.text for value in row.values] == ["0.1", "0.9"]


def test_long_runs_make_small_charts():
    """A line has at most some hundreds of corners, however long the run."""
    chart = draw(CHART, {"train/a": points(*[n % 7 for n in range(20_000)])})
    assert chart is not None
    assert len(chart.svg) < 40_000


class Trained:
    """A run that was trained for four steps of four episodes, with held-out questions."""

    def __init__(self, root: Path) -> None:
        held = write_questions(root / "held.jsonl", 1, video="vffffffffffffffff")
        config = config_of(root, f"data.validation={held}")
        self.run = RunFolder(root / "runs" / "small")
        self.run.settle(describe(config, 4, {"inspector": "offline"}))
        self.run.write_status(RunStatus(state="done", step=4, steps=4))
        self.asked = [read_label(t.label).item for t in read_tasks(config.data.train)]
        self.held = read_label(read_tasks(held)[0].label).item

    def log(self) -> None:
        scalars = {
            "train/rollout/reward_mean": [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)],
            "train/grounded": [(1, 0.0), (4, 0.5)],
            "train/kl": [(step, 0.01 * step) for step in range(1, 5)],
            "eval/eval_default_pass1": [(2, 0.25), (4, 0.75)],
        }
        log(self.run.tensorboard / "run", scalars)

    def play(self) -> None:
        """Two samples of two questions before each step's end, and one held-out episode."""
        with RecordFile(self.run.rollouts / "a.jsonl") as file:
            for step in range(1, 5):
                for number in range(4):
                    file.append(self._record(self.asked[number // 2], step))
            file.append(self._record(self.held, 4))

    @staticmethod
    def _record(asked: Any, step: int) -> Any:
        record = played([(98.0, 108.0)], asked=asked)
        finished = START + timedelta(seconds=60 * step - 30)
        return record.model_copy(update={"finished": finished, "rollout": {"reward": 0.5}})


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    return Trained(tmp_path)


def test_report_stands_alone(trained, tmp_path):
    """The page holds its charts and numbers and loads nothing from anywhere."""
    trained.log()
    files = write_training_report(trained.run, tmp_path / "out")
    html = files["html"].read_text("utf-8")
    assert "Training of small" in html
    assert "The mean reward went from 0.100 in the first step to 0.400 in the last step." in html
    assert "from 0.250 (step 2) to 0.750 (step 4)" in html
    assert html.count("<svg") == len([c for c in CHARTS if c.name in ("reward", "proof", "kl")])
    assert not re.search(r"(?:src|href)=\"(?!#)", html)
    assert "var(--c0)" in html
    assert "@import" not in html
    text = files["markdown"].read_text("utf-8")
    assert "| Reward: training | 0.1 | 0.4 |" in text


def test_report_opens_every_episode(trained, tmp_path):
    """Episodes become an evaluation's page: one system a phase, held-out questions apart."""
    trained.log()
    trained.play()
    files = write_training_report(trained.run, tmp_path / "out")
    cells = read_systems([files["episodes"].parent])
    assert {cell.key.variant: len(cell.frame) for cell in cells} == {
        "steps=1-1": 4, "steps=2-2": 4, "steps=3-3": 4, "steps=4-4": 4, "held out": 1,
    }  # fmt: skip
    assert "episodes/report.html" in files["html"].read_text("utf-8")
    assert "train0 #2" in files["episodes"].read_text("utf-8")


def test_runs_are_laid_over_one_another(trained, tmp_path):
    """One picture has a line for each run; the table tells what set the runs apart."""
    trained.log()
    # Runs of one recipe bear one name, and may lie in folders of one name too.
    other = RunFolder(tmp_path / "second" / "small")
    changed = config_of(tmp_path / "b", "reward.kind=outcome")
    other.settle(describe(changed, 4, {"inspector": "offline"}))
    log(other.tensorboard / "run", {"train/grounded": [(1, 0.25), (2, 0.75)]})
    files = write_comparison([trained.run, other], tmp_path / "out")
    table = files["table"].read_text("utf-8")
    assert "| grounded | 0 to 0.5 | 0.25 to 0.75 |" in table
    assert "| steps logged | 2 | 2 |" in table
    assert r"| reward.kind | gated | outcome |" in table
    assert "rollout.batch" not in table
    texts = words(files["curves"].read_text("utf-8"))
    assert texts.count("runs/small") == texts.count("second/small") == 1
    assert files["paper"].read_bytes().startswith(b"%PDF")
    with pytest.raises(NothingTrained, match="has not logged a step yet"):
        write_comparison([trained.run, RunFolder(tmp_path / "runs" / "third")], tmp_path / "out")


def test_report_without_a_log(trained, tmp_path):
    """A run that was killed before its first step has a report that says so."""
    trained.run.write_status(RunStatus(state="failed", step=0, steps=4, message="it broke"))
    trained.play()
    files = write_training_report(trained.run, tmp_path / "out")
    html = files["html"].read_text("utf-8")
    assert "Nothing was logged yet." in html
    assert "failed at step 0: it broke" in html
    assert {c.key.variant for c in read_systems([files["episodes"].parent])} == {
        "training", "held out",
    }  # fmt: skip


def test_report_escapes_what_it_quotes(trained, tmp_path):
    """What a trainer said cannot become markup."""
    trained.run.write_status(RunStatus(state="failed", message="<script>alert(1)</script>"))
    html = write_training_report(trained.run, tmp_path / "out")["html"].read_text("utf-8")
    assert "<script>" not in html
