"""Runs become cells while they stream; the last record of a sample counts."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.evals.made import item, proven, record, scored
from videoseal.evals.records import RecordFile, SampleError, SampleRecord
from videoseal.evals.report.question_groups import by_category, by_length
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.evals.scoring.systems import (
    NoSuchRun,
    SystemKey,
    labels,
    read_record,
    read_systems,
    score_frame,
)
from videoseal.evals.verdicts import Judgement, JudgementFile
from videoseal.models.types import Question


def _run(folder: Path, *records: SampleRecord) -> Path:
    folder.mkdir(parents=True)
    with RecordFile(folder / "samples.jsonl") as file:
        for entry in records:
            file.append(entry)
    return folder


def test_cells_are_modes_and_variants_in_order(tmp_path: Path) -> None:
    """Each has its own samples; modes and budgets come in order, whichever was first done."""
    swept = [record().model_copy(update={"variant": f"steps={n}"}) for n in (16, 4)]
    run = _run(tmp_path / "r", record(mode="coupled"), *swept, record(), record(item("q2")))
    cells = read_systems([run])
    assert [(*cell.key, len(cell.frame)) for cell in cells] == [
        ("r", "decoupled", "", 2), ("r", "decoupled", "steps=4", 1),
        ("r", "decoupled", "steps=16", 1), ("r", "coupled", "", 1),
    ]  # fmt: skip
    assert labels(cell.key for cell in cells)[:2] == ["decoupled", "decoupled \u00b7 steps=4"]


def test_later_record_of_a_sample_replaces_the_earlier(tmp_path: Path) -> None:
    """A retried error counts as what it became, and its record is the later one."""
    failed = record(error=SampleError(type="ModelUnavailable", message="503"))
    (cell,) = read_systems(
        [_run(tmp_path / "r", failed, record(item("q2")), record(answer=proven()))]
    )
    assert cell.counts == {
        "asked": 2, "answered": 1, "forced": 0, "abstained": 1, "errored": 0,
    }  # fmt: skip
    offset = int(cell.frame["offset"].iloc[0])
    assert read_record(cell.folder, offset) == record(answer=proven())


def test_torn_last_line_is_not_counted(tmp_path: Path) -> None:
    """A killed run is read up to its last whole record."""
    run = _run(tmp_path / "r", record())
    with (run / "samples.jsonl").open("a") as file:
        file.write('{"version": 1, "item')
    assert len(read_systems([run])[0].frame) == 1


def test_missing_run_and_empty_run(tmp_path: Path) -> None:
    """No folder is an error, no records are no cells."""
    with pytest.raises(NoSuchRun):
        read_systems([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    assert read_systems([tmp_path / "empty"]) == []


def test_labels_name_the_run_where_there_are_several() -> None:
    """The same mode of two runs is told apart."""
    keys = [SystemKey("a", "blind", ""), SystemKey("b", "blind", "x=1")]
    assert labels(keys) == ["a \u00b7 blind", "b \u00b7 blind \u00b7 x=1"]


def test_columns_hold_what_they_are_called() -> None:
    """Numbers of a sample come back under their own names."""
    asked = item(group="short", defect="equal options", categories=["x", "y", "x"])
    sample = outcome_of(record(asked, proven())).model_copy(update={"offset": 7})
    (row,) = score_frame([sample], {"": (1.0, 2.0)}).reset_index().to_dict("records")
    expected = {
        "uid": "q1", "status": "answered", "right": True, "answerable": True, "guess": 0.25,
        "confidence": 0.9, "missing": False, "defect": True, "prose": False, "choice": True,
        "gold": True, "hit": True, "cited_hit": True, "coverage": 1, "letter": "B", "answer": "B",
        "calls": 3, "prompt_tokens": 10, "completion_tokens": 5, "frames": 1, "steps": 0,
        "seconds": 1.5, "money": 0, "duration": 600, "video": "v1", "categories": ("x", "y"),
        "group": "short", "offset": 7,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert 0 < row["chance_at_20"] < row["chance_paper"] < 1


def test_categories_overlap_and_groups_do_not() -> None:
    """A question with two categories is in both."""
    system = scored(
        record(item(categories=["x", "y"], group="long")), record(item("q2", categories=["y"]))
    )
    assert [(group.label, group.pairs[0][0].n) for group in by_category([system])] == [
        ("x", 1), ("y", 2),
    ]  # fmt: skip
    assert [(group.label, group.pairs[0][0].n) for group in by_length([system])] == [("long", 1)]


def test_official_figures_come_from_the_frame(tmp_path: Path) -> None:
    """They are of the benchmark of the run's questions; a set without a scorer has none."""
    asked = [item(f"q{n}", benchmark="lvbench") for n in range(3)]
    run = _run(tmp_path / "r", record(asked[0], proven()), record(asked[1], proven("A")),
               record(asked[2]))  # fmt: skip
    (cell,) = read_systems([run])
    figures = cell.official
    assert figures["Overall"] == 0.5
    assert cell.scores["accuracy"].mean == pytest.approx(1 / 3)
    assert scored(record()).official == {}


def test_free_text_is_neither_right_nor_wrong() -> None:
    """Prose stays out of accuracy, and is still asked and answered."""
    prose = item("q2", question=Question(text="Describe it."), answer="A dog runs.", evidence=[])
    found = scored(record(prose, proven()), record(item(), proven()))
    assert (found.scores["accuracy"].mean, found.scores["accuracy"].n) == (1.0, 1)
    assert found.counts["answered"] == 2


@pytest.mark.parametrize(
    ("value", "text", "right"),
    [
        ("14:35", "It opens at 14:35.", True),
        ("14:35", "It opens at 14:53.", False),
        ("20", "Platform 20", True),
        ("20", "3.20, or 20:15", False),
        ("heron", "HERON", True),
        ("heron", "herons", False),
        ("\u661f\u671f\u4e00", "\u5728\u661f\u671f\u4e00\u3002", True),
    ],
)
def test_open_questions_are_right_by_the_value_they_name(value, text, right) -> None:
    """A generated question without options needs no judge: the value stands in the answer."""
    asked = item(question=Question(text="When?"), answer=value, exact=True)
    answered = proven().model_copy(update={"choice": None, "text": text})
    assert scored(record(asked, answered)).scores["accuracy"].mean == float(right)


def test_money_needs_a_price_for_every_model_that_used_tokens() -> None:
    """Unknown prices leave the sum unknown; models without tokens need none."""
    told = record(answer=proven())
    assert told.episode is not None
    told.episode["models"] = {"planner": "big", "embedder": "small"}
    told.episode["usage"] = {
        "planner": {"prompt_tokens": 2_000_000, "completion_tokens": 500_000},
        "embedder": {"calls": 4},
    }
    assert outcome_of(told).money({"big": (1.0, 4.0)}) == 4.0
    assert math.isnan(outcome_of(told).money({"small": (1.0, 4.0)}))
    assert outcome_of(record()).money({}) == 0.0


def test_cost_of_what_failed_early_is_its_seconds() -> None:
    """Without an episode nothing else is known."""
    failed = record(error=SampleError(type="X", message="m"))
    cost = outcome_of(failed).cost
    assert {name: value for name, value in cost.items() if value} == {"seconds": 1.5}


def _ruled(folder: Path, uid: str, judge: str, grounded: bool | None) -> None:
    with JudgementFile(folder) as file:
        file.append(
            Judgement(
                uid=uid, mode="decoupled", video="synthetic/v1", judge=judge, request_sha256="",
                asked=True, grounded=grounded, finished=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )  # fmt: skip


def test_verdicts_of_judges_are_read_beside_the_records(tmp_path: Path) -> None:
    """G_s is over what all judges ruled on; each judge alone counts all that it ruled on."""
    run = _run(tmp_path / "r", *(record(item(f"q{n}"), proven()) for n in range(3)))
    for uid, first, second in (("q0", True, True), ("q1", True, False), ("q2", False, None)):
        _ruled(run, uid, "first", first)
        _ruled(run, uid, "second", second)
    (cell,) = read_systems([run])
    found = cell.scores
    assert (found["G_s"].mean, found["G_s"].n) == (0.5, 2)
    assert (found["H_s"].mean, found["H_s"].n) == (0.5, 2)
    each = cell.judges
    assert [(name, one.grounded.mean, one.grounded.n) for name, one in each.items()] == [
        ("first", pytest.approx(2 / 3), 3), ("second", 0.5, 2),
    ]  # fmt: skip
    _ruled(run, "q0", "first", False)
    assert read_systems([run])[0].scores["G_s"].mean == 0.0


def test_semantic_hallucination_is_of_right_answers(tmp_path: Path) -> None:
    """A wrong answer without evidence is no hallucination among the right ones."""
    run = _run(tmp_path / "r", record(item("q0"), proven("A")), record(item("q1"), proven("B")))
    _ruled(run, "q0", "j", False)
    _ruled(run, "q1", "j", True)
    (cell,) = read_systems([run])
    found = cell.scores
    assert (found["G_s"].mean, found["G_s"].n) == (0.5, 2)
    assert (found["H_s"].mean, found["H_s"].n) == (0.0, 1)
    assert cell.judges["j"].hallucinated.n == 1
