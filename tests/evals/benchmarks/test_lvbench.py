"""LVBench's format, as published and as generated videos use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from videoseal.core.span import Span
from videoseal.evals.benchmarks import lvbench
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.benchmarks.lvbench import read_references

ASKED = {
    "uid": "1",
    "question": "When does it open?\n(A) 14:35\n(B) 15:35\n(C) 16:35\n(D) 17:35",
    "answer": "B",
    "question_type": ["key information retrieval", "reasoning"],
    "time_reference": "00:15-00:19",
}


def _file(folder: Path, *asked: dict[str, Any]) -> Path:
    path = folder / "video_info.meta.jsonl"
    info = {"duration_minutes": 60, "fps": 25.0, "resolution": {"width": 1280, "height": 720}}
    path.write_text(
        json.dumps({"key": "abc", "type": "tv", "video_info": info, "qa": list(asked)}) + "\n"
    )
    return path


def test_options_are_taken_out_of_the_question(tmp_path: Path) -> None:
    """The stem and the four options come apart, and both types are kept."""
    (item,) = lvbench.load(_file(tmp_path, ASKED))
    assert item.question.text == "When does it open?"
    assert item.question.options == ["14:35", "15:35", "16:35", "17:35"]
    assert item.categories == ["key information retrieval", "reasoning"]
    assert item.evidence == [(15.0, 19.0)]


def test_kind_of_the_video_is_no_length(tmp_path: Path) -> None:
    """`tv` is what a video is about; reports group by length where there is no official group."""
    (item,) = lvbench.load(_file(tmp_path, ASKED))
    assert item.group == ""


def test_one_id_in_two_files_is_named(tmp_path: Path) -> None:
    """Records are told apart by it, so a question would otherwise be lost."""
    text = _file(tmp_path, ASKED).read_text()
    for name in ("a", "b"):
        (tmp_path / f"{name}.questions.jsonl").write_text(text)
    with pytest.raises(AnnotationError, match=r"b\.questions\.jsonl:1: uid: '1' is there twice"):
        lvbench.load(tmp_path)


def test_answer_without_an_option_is_one_line(tmp_path: Path) -> None:
    """What the shared form refuses is told like what the row's own form refuses."""
    path = _file(tmp_path, {**ASKED, "answer": "Z"})
    with pytest.raises(AnnotationError) as caught:
        lvbench.load(path)
    assert str(caught.value) == f"{path.name}:1: qa 1: answer: 'Z' is none of ABCD"


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("00:15-00:19", [Span(15, 19)]),
        ("01:00:15\u201301:00:19", [Span(3615, 3619)]),
        ("00:15-00:19, 01:05-01:07", [Span(15, 19), Span(65, 67)]),
        ("['00:15-00:19', '01:05-01:07']", [Span(15, 19), Span(65, 67)]),
        ("75:10-75:20", [Span(4510, 4520)]),
        ("00:15-00:15", [Span(15, 16)]),
        ("", []),
    ],
)
def test_references_are_read_in_every_published_form(text: str, spans: list[Span]) -> None:
    """Hours or not, dashes of any kind, one or several, minutes beyond an hour."""
    assert read_references(text) == spans


@pytest.mark.parametrize("text", ["soon", "00:15", "00:15-00:19 or so", "x 00:15-00:19"])
def test_other_references_are_errors(text: str) -> None:
    """What cannot be read is never taken for something else."""
    with pytest.raises(ValueError, match="time_reference"):
        read_references(text)


def test_generated_questions_say_what_they_take(tmp_path: Path) -> None:
    """Exact gold spans win over whole seconds; a question without an answer has none of both."""
    gold = {**ASKED, "evidence": "text", "gold": [[15.25, 17.5]]}
    none = {**ASKED, "uid": "2", "answer": "", "answerable": False, "time_reference": ""}
    first, second = lvbench.load(_file(tmp_path, gold, none))
    assert (first.evidence, first.needs) == ([(15.25, 17.5)], "text")
    assert (second.answerable, second.evidence, second.answer) == (False, [], "")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"answer": "E"}, "answer"),
        ({"question": "What?\n(A) one"}, "question"),
        ({"question_type": []}, "question_type"),
        ({"time_reference": "soon"}, "time_reference"),
        ({"gold": [[3, 1]]}, "qa 1"),
        ({"answerable": False}, "answer"),
    ],
)
def test_bad_question_names_line_and_field(tmp_path: Path, bad: dict[str, Any], field: str) -> None:
    """The place of a mistake is in the message."""
    with pytest.raises(AnnotationError, match=r"video_info\.meta\.jsonl:1") as caught:
        lvbench.load(_file(tmp_path, {**ASKED, **bad}))
    assert field in str(caught.value)
