"""Experiment files: those that ship hold, and every fault is named by line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from videoseal.core.errors import SettingsError
from videoseal.evals.experiments.experiment import (
    find_experiment,
    load_experiment,
    packaged,
    value_of,
)
from videoseal.evals.running.sample import context_of

GOOD = """\
title: A title
about: A line
modes: [decoupled, coupled]
base:
  context: {forced_choice: true, max_steps: 9}
variants:
  - name: few
    context: {max_steps: 2}
  - {name: many, settings: {frame_side: 320}, endpoints: {planner: OTHER}}
baseline: {mode: coupled, variant: few}
figure:
  x: context.max_steps
  y: [accuracy]
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", packaged(), ids=lambda path: path.stem)
def test_what_ships_holds(path: Path) -> None:
    """Every file is read, its cells are contexts of the graph, and each has its own place."""
    name, experiment, _ = load_experiment(path)
    assert name == path.stem
    cells = experiment.systems()
    assert len({cell.name for cell in cells}) == len(cells) >= 3
    assert all(context_of(cell).mode == cell.mode for cell in cells)


def test_the_experiments_of_the_paper_ship() -> None:
    """One file each."""
    assert [path.stem for path in packaged()] == [
        "authority", "budget", "channel", "inspector", "pressure", "rewards",
    ]  # fmt: skip


def test_every_budget_forces_an_answer_to_every_question() -> None:
    """Accuracy at a budget is defined for all questions, and the search differs in it alone."""
    cells = load_experiment(find_experiment("budget")).experiment.systems()
    assert all(cell.context["forced_choice"] is True for cell in cells)
    assert {key for cell in cells for key in cell.context} == {
        "forced_choice", "max_steps", "max_frames",
    }  # fmt: skip
    by_mode = {
        mode: [cell.context for cell in cells if cell.mode == mode]
        for mode in ("decoupled", "coupled")
    }
    assert by_mode["decoupled"] == by_mode["coupled"]


def test_every_mode_meets_every_variant_over_the_base(tmp_path: Path) -> None:
    """A variant's value wins; what it leaves out is that of all."""
    cells = load_experiment(_write(tmp_path, GOOD)).experiment.systems()
    assert [cell.name for cell in cells] == [
        "decoupled few", "decoupled many", "coupled few", "coupled many",
    ]  # fmt: skip
    assert cells[0].context == {"forced_choice": True, "max_steps": 2}
    assert cells[1].context == {"forced_choice": True, "max_steps": 9}
    assert (cells[1].settings, cells[1].endpoints) == ({"frame_side": 320}, {"planner": "OTHER"})
    places = ["mode", "variant", "context.max_steps", "context.top_k", "settings.frame_side",
              "endpoints.planner"]  # fmt: skip
    assert [value_of(cells[3], axis) for axis in places] == ["coupled", "many", 9, 8, 320, "OTHER"]
    assert value_of(cells[0], "settings.frame_side") is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: A title\n", "", "mine.yaml:1: title: Field required"),
        ("about:", "abuot:", "mine.yaml:1: about: Field required"),
        ("baseline:", "colour: red\nbaseline:", "mine.yaml:10: colour: Extra inputs"),
        ("[decoupled, coupled]", "[decoupled, forced]", "mine.yaml:3: modes.1: Input should be"),
        ("[decoupled, coupled]", "[coupled, coupled]", "mine.yaml:3: modes: a mode is there twice"),
        ("max_steps: 9}", "max_stepz: 9}", "mine.yaml:5: base.context.max_stepz: no such field"),
        ("max_steps: 9}", "mode: blind}", "mine.yaml:5: base.context.mode: no such field"),
        ("{max_steps: 2}", "{max_steps: 0}", "mine.yaml:8: variants.0.context.max_steps: Input"),
        ("{max_steps: 2}", "{max_steps: '2'}", "mine.yaml:8: variants.0.context.max_steps: Input"),
        ("{frame_side: 320}", "{clip_seconds: 4}",
         "mine.yaml:9: variants.1.settings.clip_seconds: cannot differ"),
        ("{frame_side: 320}", "{frame_side: 1}",
         "mine.yaml:9: variants.1.settings.frame_side: Input should be"),
        ("{planner: OTHER}", "{planner: sk-live-123}",
         "mine.yaml:9: variants.1.endpoints.planner: 'sk-live-123' is no prefix"),
        ("{planner: OTHER}", "{embedder: OTHER}", "mine.yaml:9: variants.1.endpoints.embedder: "),
        ("name: many", "name: few", "mine.yaml:9: variants.1.name: 'few' is there twice"),
        ("name: many", "name: ../up", "mine.yaml:9: variants.1.name: String should match"),
        ("variant: few}", "variant: none}", "mine.yaml:10: baseline: is none of"),
        ("[accuracy]", "[accuracy, speed]", "mine.yaml:13: figure.y.1: 'speed' is no measure of"),
        ("x: context.max_steps", "x: context.steps", "mine.yaml:12: figure.x: no such axis"),
        ("x: context.max_steps", "x: mode",
         "mine.yaml:11: figure: decoupled few and decoupled many would be one mark"),
        ("about: A line", "title: Again", "mine.yaml:2: not YAML: title is there twice"),
        ("    context: {max_steps: 2}", "    context: {max_steps: 2, max_steps: 3}",
         "mine.yaml:8: not YAML: max_steps is there twice"),
        ("title: A title", "title: [A", "mine.yaml:2: not YAML: "),
        ("title: A title", "title: !!python/object:os.system x", "mine.yaml:1: not YAML: "),
        (GOOD, "", "mine.yaml:1: the file is empty"),
        (GOOD, "- a list\n", "mine.yaml:1: mine: Input should be"),
    ],
)  # fmt: skip
def test_fault_is_named_by_line_and_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Nothing unknown, doubled or out of range gets by, before anything is asked."""
    assert old in GOOD
    with pytest.raises(SettingsError) as caught:
        load_experiment(_write(tmp_path, GOOD.replace(old, new, 1)))
    assert str(caught.value).startswith(says)


def test_file_wins_over_the_one_that_ships_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare name finds what ships; a path is a path; anything else lists what there is."""
    assert find_experiment("budget") in packaged()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "budget").write_text(GOOD)
    assert find_experiment("budget") == Path("budget")
    with pytest.raises(SettingsError) as caught:
        find_experiment("budgets.yaml")
    assert "authority, budget, channel" in caught.value.hint


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is an error of one line."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"title: \xff")
    with pytest.raises(SettingsError, match=r"mine\.yaml: not UTF-8"):
        load_experiment(path)
