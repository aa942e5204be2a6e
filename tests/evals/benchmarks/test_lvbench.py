"""LVBench's format, as published and as generated videos use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.benchmarks.registry import benchmark

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
    (item,) = benchmark("lvbench").load(_file(tmp_path, ASKED))
    assert item.question.text == "When does it open?"
    assert item.question.options == ["14:35", "15:35", "16:35", "17:35"]
    assert item.categories == ["key information retrieval", "reasoning"]
    assert item.evidence == [(15.0, 19.0)]


def test_kind_of_the_video_is_no_length(tmp_path: Path) -> None:
    """`tv` is what a video is about; reports group by length where there is no official group."""
    (item,) = benchmark("lvbench").load(_file(tmp_path, ASKED))
    assert item.group == ""


def test_one_id_in_two_files_is_named(tmp_path: Path) -> None:
    """Records are told apart by it, so a question would otherwise be lost."""
    text = _file(tmp_path, ASKED).read_text()
    for name in ("a", "b"):
        (tmp_path / f"{name}.questions.jsonl").write_text(text)
    with pytest.raises(
        AnnotationError, match=r"b\.questions\.jsonl:1: qa: uid: '1' is there twice"
    ):
        benchmark("lvbench").load(tmp_path)


@pytest.mark.parametrize(
    ("odd", "defect"),
    [
        ({"answer": "E"}, "answer: 'E' is none of ABCD"),
        ({"answer": None}, "answer: '' is none of ABCD"),
        ({"answer": {"x": 1}}, "answer: not a text; answer: '' is none of ABCD"),
        ({"question": "What?\n(A) one"}, "its options cannot be read"),
        ({"question": "What? one, two, three"}, "its options cannot be read"),
        ({"question": "What?\n1. one\n2. two"}, "its options cannot be read"),
        (
            {"question": "What?\n(A) one\n(B) two\n(D) four"},
            "its options are lettered A, B, D; a candidate is empty",
        ),
        ({"question": ""}, "the question is empty; its options cannot be read"),
        ({"question_type": [7]}, "question_type: not a list of texts"),
        ({"time_reference": "soon"}, "time_reference: cannot read 'soon'"),
        ({"time_reference": "00:19-00:15"}, "time_reference: 19 s to 15 s is no span"),
        ({"time_reference": {"x": 1}}, "time_reference: cannot read {'x': 1}"),
        ({"time_reference": 10**400}, "time_reference: int too large to convert to float"),
        ({"gold": [[3, 1]]}, "gold: 3 s to 1 s is no span"),
    ],
)
def test_an_odd_question_is_named_and_stays_what_it_is(
    tmp_path: Path, odd: dict[str, Any], defect: str
) -> None:
    """One odd row stops nothing, and never becomes a question of another kind."""
    before = {**ASKED, "uid": "0"}
    first, found = benchmark("lvbench").load(_file(tmp_path, before, {**ASKED, **odd}))
    assert (first.defect, first.answer) == ("", "B")
    assert found.defect.replace("the answer is empty; ", "") == defect
    assert not found.free_text
    assert found.chance == (1 / len(found.question.options) if found.question.options else 0)


def test_gold_after_a_gap_in_the_letters_is_the_letter(tmp_path: Path) -> None:
    """The published letter counts, though no option stands before it."""
    asked = {**ASKED, "question": "What?\n(A) one\n(B) two\n(D) four", "answer": "D"}
    (item,) = benchmark("lvbench").load(_file(tmp_path, asked))
    assert item.question.option(item.answer) == "four"


@pytest.mark.parametrize("answer", ["B", "b", "(B)", "B.", "B. 15:35", "(b) 15:35", "15:35"])
def test_gold_answers_are_read_in_any_dress(tmp_path: Path, answer: str) -> None:
    """A letter, a text, or both."""
    (item,) = benchmark("lvbench").load(_file(tmp_path, {**ASKED, "answer": answer}))
    assert (item.answer, item.defect) == ("B", "")


def test_one_question_a_row_is_read_too(tmp_path: Path) -> None:
    """A copy without the nesting is still LVBench."""
    path = tmp_path / "flat.jsonl"
    path.write_text(json.dumps({**ASKED, "key": "abc", "type": "tv"}))
    (item,) = benchmark("lvbench").load(path)
    assert (item.video, item.answer) == ("abc", "B")


def test_generated_questions_say_what_they_take(tmp_path: Path) -> None:
    """Exact gold spans win over whole seconds; a question without an answer has none of both."""
    gold = {**ASKED, "evidence": "text", "gold": [[15.25, 17.5]]}
    none = {**ASKED, "uid": "2", "answer": "", "answerable": False, "time_reference": ""}
    first, second = benchmark("lvbench").load(_file(tmp_path, gold, none))
    assert (first.evidence, first.needs) == ([(15.25, 17.5)], "text")
    assert (second.answerable, second.evidence, second.answer) == (False, [], "")


@pytest.mark.parametrize(("bad", "field"), [({"uid": None}, "uid"), ({"uid": [1]}, "uid")])
def test_bad_question_names_line_and_field(tmp_path: Path, bad: dict[str, Any], field: str) -> None:
    """The place of a mistake is in the message."""
    with pytest.raises(AnnotationError, match=r"video_info\.meta\.jsonl:1: ") as caught:
        benchmark("lvbench").load(_file(tmp_path, {**ASKED, **bad}))
    assert field in str(caught.value)
