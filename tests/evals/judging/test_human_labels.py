"""Sheets for people: blind, repeatable, and read back strictly."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.judging.agreement import Unit
from videoseal.evals.judging.human_labels import COLUMNS, read_labels, write_sheet
from videoseal.evals.judging.judge_run import Judgeable
from videoseal.models.prompts import evidence_text
from videoseal.models.types import EvidenceLine, JudgeRequest, Question


def _sample(number: int, mode: str = "decoupled", text: str = 'a; "b",\nc 中') -> Judgeable:
    question = Question(text="=SUM(1)?", options=["x", "y"])
    seen = [EvidenceLine(float(number), float(number), text)]
    return Judgeable((f"q{number}", mode, ""), "b/v", JudgeRequest(question, "A", "x", seen))


def _sheet(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _known(*numbers: int) -> dict[str, Unit]:
    hashes = [_sample(number).request.sha256 for number in numbers]
    return {name: Unit(name, "b/v") for name in hashes}


def test_sheet_shows_what_judges_see_and_not_whose_it_is(tmp_path: Path) -> None:
    """Equal requests of two systems are one row, and no row names a question or a mode."""
    path = tmp_path / "sheet.csv"
    samples = [_sample(n, mode) for n in range(3) for mode in ("decoupled", "coupled")]
    empty = _sample(9)
    empty = empty._replace(request=JudgeRequest(empty.request.question, "A", "x", []))
    assert write_sheet(path, [*samples, empty], sample=10, seed=0) == 3
    rows = _sheet(path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert tuple(rows[0]) == COLUMNS
    requests = {s.request.sha256: s.request for s in samples}
    assert {row["id"] for row in rows} == set(requests)
    for row in rows:
        assert row["evidence"] == evidence_text(requests[row["id"]])
        assert row["answer"] == "(A) x"
        assert row["question"].startswith("Question: =SUM(1)?")
        assert row["grounded"] == row["comment"] == ""
    assert "coupled" not in path.read_text("utf-8-sig")


def test_draw_is_repeatable_and_blind_to_the_order_of_records(tmp_path: Path) -> None:
    """The same seed draws the same rows in the same order; another seed others."""
    samples = [_sample(number) for number in range(40)]
    texts = []
    for number, (given, seed) in enumerate(((samples, 1), (samples[::-1], 1), (samples, 2))):
        write_sheet(tmp_path / f"{number}.csv", given, sample=8, seed=seed)
        texts.append((tmp_path / f"{number}.csv").read_text("utf-8-sig"))
    assert texts[0] == texts[1] != texts[2]
    assert len(_sheet(tmp_path / "0.csv")) == 8


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """A text from a video that a spreadsheet would calculate is shown as text."""
    question = Question(text="q")
    hostile = JudgeRequest(question, None, "=HYPERLINK(1)", [EvidenceLine(0, 0, "x")])
    write_sheet(tmp_path / "s.csv", [Judgeable(("q", "m", ""), "v", hostile)], sample=1, seed=0)
    assert _sheet(tmp_path / "s.csv")[0]["answer"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_filled_sheet_is_read_back(tmp_path: Path, separator: str) -> None:
    """Yes and no in several words, whatever the spreadsheet's separator; blanks are counted."""
    path = tmp_path / "ann.csv"
    write_sheet(path, [_sample(number) for number in range(6)], sample=6, seed=0)
    rows = _sheet(path)
    for row, label in zip(rows, ("yes", " No ", "1", "否", "", "  "), strict=True):
        row["grounded"] = label
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    found = read_labels(path, _known(*range(6)))
    assert (found.labeller, found.unlabelled) == ("ann", 2)
    assert [found.rulings[Unit(row["id"], "b/v")] for row in rows[:4]] == [True, False, True, False]
    assert len(found.rulings) == 4


Change = Callable[[str], str]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda text: text.replace(",,", ",maybe,", 1), r"^s\.csv:2: grounded: 'maybe'"),
        (lambda text: text + "f00,q,a,e,yes,\r\n", r"^s\.csv:6: id: 'f00' is not of this run"),
        (lambda text: text.replace("grounded", "verdict", 1), r"^s\.csv:1: grounded: no such"),
        (lambda text: text.replace("id,", "name,", 1), r"^s\.csv:1: id: no such column"),
        (lambda text: text + '"open', r"^s\.csv:6: row: "),
        (lambda text: "", r"^s\.csv:1: id: no such column"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: Change, place: str) -> None:
    """File, line and field; a line is counted in the file, not in rows."""
    path = tmp_path / "s.csv"
    write_sheet(path, [_sample(1)], sample=1, seed=0)
    text = path.read_bytes().decode("utf-8-sig")
    assert text.count("\n") == 5
    path.write_bytes(change(text).encode())
    with pytest.raises(AnnotationError, match=place):
        read_labels(path, _known(1))


def test_two_labels_of_one_answer_must_agree(tmp_path: Path) -> None:
    """Said twice is fine, contradicted is not."""
    name = next(iter(_known(1)))
    path = tmp_path / "s.csv"
    path.write_text(f"id,grounded\n{name},yes\n{name},y\n")
    assert len(read_labels(path, _known(1)).rulings) == 1
    path.write_text(f"id,grounded\n{name},yes\n{name},no\n")
    with pytest.raises(AnnotationError, match=r"s\.csv:3: id"):
        read_labels(path, _known(1))


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    """Each says what it is."""
    with pytest.raises(AnnotationError, match="no labels"):
        read_labels(tmp_path / "s.csv", {})
    (tmp_path / "s.csv").write_bytes("id,grounded\ngr\u00fcn".encode("latin-1"))
    with pytest.raises(AnnotationError, match="not UTF-8"):
        read_labels(tmp_path / "s.csv", {})
