"""The arithmetic behind the quality table."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PATH = Path(__file__).parents[2] / "bench" / "quality.py"


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_quality", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def case(quality: ModuleType, **fields: Any) -> Any:
    plain = {
        "mode": "decoupled",
        "kind": "text",
        "wording": "given",
        "right": True,
        "forced": False,
        "abstained": False,
        "grounded": True,
        "frames": 10,
        "seconds": 1.0,
    }
    return quality.Case(**{**plain, **fields})


def test_shares_have_their_own_denominators(quality: ModuleType) -> None:
    """Text by text questions, grounding by unforced right answers, abstention by unanswerable."""
    (row,) = quality.table(
        [
            case(quality),
            case(quality, right=False, grounded=False),
            case(quality, kind="visual", grounded=False, frames=40),
            case(quality, forced=True, grounded=False, seconds=5.0),
            case(quality, kind="unanswerable", abstained=True, grounded=False),
            case(quality, kind="unanswerable", right=False, grounded=False),
        ]
    )
    assert row.asked == 6
    assert row.text == pytest.approx(2 / 3)
    assert row.answerable == 0.75
    assert row.grounded == 0.5
    assert row.right_ungrounded == 2
    assert row.abstained == 0.5
    assert (row.frames, row.seconds) == (15, 1.0)


def test_nothing_to_count_is_no_share(quality: ModuleType) -> None:
    """A mode without right answers has no grounded share, and the table prints a dash."""
    (row,) = quality.table([case(quality, right=False, grounded=False, mode="blind")])
    assert row.grounded is None
    assert row.abstained is None
    found = {
        "seeds": [1], "minutes": 60, "recall": 0.95, "text_questions": 1, "rows": [row._asdict()],
    }  # fmt: skip
    assert "blind" in quality.report(found)
    assert quality.missed(found) == []


def test_missed_targets_are_named(quality: ModuleType) -> None:
    """Only the decoupled line and the recall are held to the targets."""
    rows = quality.table([case(quality, right=False), case(quality, mode="direct", right=False)])
    found = {"recall": 0.5, "rows": [row._asdict() for row in rows]}
    assert quality.missed(found) == ["recall 50.0% < 90.0%", "text 0.0% < 60.0%"]


def test_reads_generated_questions(quality: ModuleType, tmp_path: Path) -> None:
    """Options leave the text, gold stays outside the question, and the kind is told."""
    path = tmp_path / "x.questions.jsonl"
    path.write_text(
        '{"key": "x", "qa": [{"uid": "x-0", "question": "When?\\n(A) now\\n(B) later", "answer":'
        ' "B", "question_type": ["reasoning"], "gold": [[1.0, 2.5]], "answerable": true,'
        ' "evidence": "text"}, {"uid": "x-1", "question": "Who?\\n(A) Ida\\n(B) Jon", "answer":'
        ' "", "question_type": ["reasoning"], "gold": [], "answerable": false,'
        ' "evidence": "visual"}]}'
    )
    (first, kind), (_, other) = quality.read_items(path)
    assert (first.question.text, first.question.options) == ("When?", ["now", "later"])
    assert (first.answer, first.evidence) == ("B", [(1.0, 2.5)])
    assert (kind, other) == ("text", "unanswerable")


def test_wordings_are_counted_apart(quality: ModuleType) -> None:
    """What was proven wrongly counts every answer that was given, also where none was due."""
    rows = quality.by_wording(
        [
            case(quality, wording="seen"),
            case(quality, wording="seen", right=False, abstained=True),
            case(quality, wording="unseen", right=False),
            case(quality, wording="unseen", kind="unanswerable", right=False),
            case(quality, wording="unseen", kind="unanswerable", abstained=True),
        ]
    )
    assert [(row["seen"], row["unseen"]) for row in rows] == [
        ("1 of 2", "0 of 1"), ("0 of 1", "2 of 2"), ("0 of 0", "1 of 2"),
    ]  # fmt: skip
