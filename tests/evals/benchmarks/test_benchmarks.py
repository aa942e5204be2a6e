"""The loaders on the published annotation files, on small made ones, and on damaged copies."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import DATA, needs_data
from videoseal.core.errors import VideosealError
from videoseal.evals.benchmarks import cgbench, longvideobench, mlvu, videomme
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.item import Item

Loader = Callable[[Path], list[Item]]

CGBENCH = {
    "qid": 1,
    "video_uid": "v1",
    "question": "What?",
    "answer": "b",
    "choices": ["a", "b"],
    "right_answer": "B",
    "clue_intervals": [[1, 4]],
    "domain": "d",
    "sub_category": "s",
    "duration": 60,
}
VIDEOMME = {
    "video_id": "001",
    "duration": "short",
    "domain": "d",
    "sub_category": "s",
    "questions": [
        {
            "question_id": "001-1",
            "task_type": "t",
            "question": "What?",
            "options": ["A. w", "B. x", "C. y", "D. z"],
            "answer": "C",
        }
    ],
}
MLVU = {
    "video": "v1.mp4",
    "duration": 60,
    "question": "What?",
    "candidates": ["a", "b", "c", "d"],
    "answer": "d",
    "question_type": "ego",
}
LONGVIDEOBENCH = {
    "id": "q1",
    "video_id": "v1",
    "video_path": "v1.mp4",
    "question": "What?",
    "candidates": ["a", "b", "c"],
    "correct_choice": 2,
    "position": [250, 500],
    "question_category": "S2E",
    "duration_group": 600,
    "duration": 321.5,
}
SETS: list[tuple[Loader, dict[str, Any]]] = [
    (cgbench.load, CGBENCH),
    (videomme.load, VIDEOMME),
    (mlvu.load, MLVU),
    (longvideobench.load, LONGVIDEOBENCH),
]


def _write(folder: Path, rows: Any, name: str = "rows.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return path


@needs_data
@pytest.mark.parametrize(
    ("load", "name", "count"),
    [
        (cgbench.load, "cgbench_mini.json", 3000),
        (videomme.load, "videomme.json", 2700),
        (mlvu.load, "mlvu", 2593),
    ],
)
def test_every_published_row_loads(load: Loader, name: str, count: int) -> None:
    """Nothing of a published set is dropped, and ids are unique."""
    items = load(DATA / name)
    assert len(items) == len({item.uid for item in items}) == count


@needs_data
def test_published_defects_are_named_and_kept() -> None:
    """Rows that are wrong as published stay in the set and say what is wrong."""
    defects = [item.defect for item in mlvu.load(DATA / "mlvu") if item.defect]
    assert len(defects) == 20
    assert defects.count("the answer is no candidate") == 2


@pytest.mark.parametrize(("load", "row"), SETS)
def test_gold_letter_is_the_published_one(
    load: Loader, row: dict[str, Any], tmp_path: Path
) -> None:
    """Each format's way of naming the answer ends as the right letter."""
    (item,) = load(_write(tmp_path, [row]))
    gold = item.question.options[ord(item.answer) - ord("A")]
    assert (
        gold
        == {"cgbench": "b", "videomme": "y", "mlvu": "d", "longvideobench": "c"}[item.benchmark]
    )


def test_positions_become_seconds(tmp_path: Path) -> None:
    """LongVideoBench's frame indices are evidence in seconds."""
    (item,) = longvideobench.load(_write(tmp_path, [LONGVIDEOBENCH]))
    assert [start for start, _ in item.evidence] == [10.0, 20.0]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every leaf and branch of a JSON value stands."""
    found = [path] if path else []
    children: Any = value.items() if isinstance(value, dict) else ()
    for key, child in enumerate(value) if isinstance(value, list) else children:
        found += _paths(child, (*path, key))
    return found


def _damage(row: dict[str, Any], path: tuple[Any, ...], bad: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(row))
    target: Any = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = bad
    return copy


@pytest.mark.parametrize(("load", "row"), SETS)
def test_500_damaged_copies_never_pass_unnoticed(
    load: Loader, row: dict[str, Any], tmp_path: Path
) -> None:
    """A wrong type anywhere names the file, the row's line and the field; no other error leaks."""
    rng, places = random.Random(0), _paths(row)
    for _ in range(500):
        path, bad = rng.choice(places), rng.choice([{"x": 1}, [[{}]], True])
        problem = _problem(load, _write(tmp_path, [row, _damage(row, path, bad)]))
        assert "rows.json:" in problem
        assert "(row 2)" in problem
        assert str(path[0]) in problem


REQUIRED = {
    "cgbench_mini.json": ("qid", "video_uid", "question", "answer", "choices", "right_answer",
                          "clue_intervals", "domain", "sub_category", "duration"),
    "videomme.json": ("video_id", "duration", "questions"),
    "mlvu/1_plotQA.json": ("video", "duration", "question", "answer", "question_type"),
}  # fmt: skip
"""Fields of published rows that must be there, by file."""
IDS = {"cgbench_mini.json": "qid", "videomme.json": "questions"}
"""What makes a row one of its own, where the set says so itself."""


@needs_data
@pytest.mark.parametrize(
    ("load", "name"),
    [(cgbench.load, "cgbench_mini.json"), (videomme.load, "videomme.json"),
     (mlvu.load, "mlvu/1_plotQA.json")],
)  # fmt: skip
def test_500_damaged_published_rows_are_each_named(load: Loader, name: str, tmp_path: Path) -> None:
    """A field that is gone, null or of another type, or an id that is there twice."""
    rng = random.Random(1)
    rows = json.loads((DATA / name).read_text(encoding="utf-8"))
    for _ in range(500):
        some = rng.sample(rows, 3)
        at, field = rng.randrange(3), rng.choice(REQUIRED[name])
        bad = rng.choice([None, True, [], {}, "gone", "twice"])
        if bad == "twice" and name in IDS:
            at, field = 2, IDS[name]
            some[2] = {**some[2], field: some[0][field]}
        elif bad in ("gone", "twice"):
            some[at] = {key: value for key, value in some[at].items() if key != field}
        else:
            some[at] = {**some[at], field: bad}
        problem = _problem(load, _write(tmp_path, some))
        assert f"(row {at + 1}): " in problem
        assert f"rows.json:{_line_of(tmp_path / 'rows.json', at)} " in problem
        assert (field if bad != "twice" or name not in IDS else "is there twice") in problem


def _line_of(path: Path, row: int) -> int:
    """Where a row begins in what `_write` writes."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, start=1) if line == " {"][row]


def _problem(load: Loader, path: Path) -> str:
    with pytest.raises(AnnotationError) as caught:
        load(path)
    return str(caught.value)


@pytest.mark.parametrize(("load", "row"), SETS)
def test_broken_json_names_the_line(load: Loader, row: dict[str, Any], tmp_path: Path) -> None:
    """A file cut anywhere is an error with a place, never a shorter set."""
    text = _write(tmp_path, [row, row]).read_text()
    for cut in range(1, len(text) - 1, 37):
        path = tmp_path / "cut.json"
        path.write_text(text[:cut])
        with pytest.raises(VideosealError, match=r"cut\.json"):
            load(path)


def test_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    """A path that is not there is one line with a hint."""
    with pytest.raises(AnnotationError, match="no annotation file") as caught:
        cgbench.load(tmp_path / "none.json")
    assert "eval fetch" in caught.value.hint
