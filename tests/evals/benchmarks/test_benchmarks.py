"""The loaders on the published annotation files, on small made ones, and on damaged copies."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shared_data import DATA, needs_data
from videoseal.core.errors import VideosealError
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.item import Item

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
SETS: list[tuple[str, dict[str, Any]]] = [
    ("cgbench", CGBENCH),
    ("videomme", VIDEOMME),
    ("mlvu", MLVU),
    ("longvideobench", LONGVIDEOBENCH),
]


def _write(folder: Path, rows: Any, name: str = "rows.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return path


@needs_data
@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("cgbench", "cgbench_mini.json", 3000),
        ("videomme", "videomme.json", 2700),
        ("mlvu", "mlvu", 2593),
        ("longvidsearch", "longvidsearch/qa.json", 3159),
    ],
)
def test_every_published_row_loads(name: str, file: str, count: int) -> None:
    """Nothing of a published set is dropped, and ids are unique."""
    items = benchmark(name).load(DATA / file)
    assert len(items) == len({item.uid for item in items}) == count


@needs_data
def test_published_defects_are_named_and_kept() -> None:
    """Rows that are wrong as published stay in the set and say what is wrong."""
    defects = [item.defect for item in benchmark("mlvu").load(DATA / "mlvu") if item.defect]
    assert len(defects) == 20
    assert defects.count("the answer is no candidate") == 2


@pytest.mark.parametrize(("name", "row"), SETS)
def test_gold_letter_is_the_published_one(name: str, row: dict[str, Any], tmp_path: Path) -> None:
    """Each format's way of naming the answer ends as the right letter."""
    (item,) = benchmark(name).load(_write(tmp_path, [row]))
    gold = item.question.options[ord(item.answer) - ord("A")]
    assert (
        gold
        == {"cgbench": "b", "videomme": "y", "mlvu": "d", "longvideobench": "c"}[item.benchmark]
    )


def test_positions_become_seconds(tmp_path: Path) -> None:
    """LongVideoBench's frame indices are evidence in seconds."""
    (item,) = benchmark("longvideobench").load(_write(tmp_path, [LONGVIDEOBENCH]))
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


READ = {
    "cgbench": {"qid", "video_uid", "question", "answer", "choices", "right_answer",
                "clue_intervals", "domain", "sub_category"},
    "videomme": {"video_id", "duration", "questions"},
    "mlvu": {"video", "question", "candidates", "answer", "question_type"},
    "longvideobench": {"id", "video_path", "question", "candidates", "correct_choice", "position",
                       "question_category", "duration_group"},
}  # fmt: skip
"""Fields that questions are made of, by set."""


@pytest.mark.parametrize(("name", "row"), SETS)
def test_a_damaged_copy_never_passes_unnoticed(
    name: str, row: dict[str, Any], tmp_path: Path
) -> None:
    """Wherever a type is wrong, the row has a defect, or an error names file, row and field."""
    other = {**json.loads(json.dumps(row).replace("001", "002")), "qid": 2, "id": "q2"}
    for path in _paths(other):
        if path[0] in READ[name]:
            for bad in ({"x": 1}, [[{}]]):
                file = _write(tmp_path, [row, _damage(other, path, bad)])
                try:
                    good, odd = benchmark(name).load(file)
                except AnnotationError as error:
                    problem = str(error)
                    assert problem.startswith("rows.json:")
                    assert "(row 2): " in problem
                else:
                    problem = odd.defect
                    assert not good.defect
                    assert not odd.free_text
                assert any(str(key) in problem for key in path), (path, bad, problem)


@needs_data
@pytest.mark.parametrize(
    ("name", "file"),
    [("cgbench", "cgbench_mini.json"), ("videomme", "videomme.json"),
     ("mlvu", "mlvu/1_plotQA.json")],
)  # fmt: skip
def test_one_odd_published_row_never_stops_the_others(name: str, file: str, tmp_path: Path) -> None:
    """Without its question, options or answer a row is kept, named, and of the same kind."""
    rng = random.Random(1)
    rows = json.loads((DATA / file).read_text(encoding="utf-8"))
    layout = benchmark(name).layout
    for _ in range(200):
        some = json.loads(json.dumps(rng.sample(rows, 3)))
        odd = rng.choice(some[1].get("questions", [some[1]]))
        field = rng.choice(["question", layout.options, layout.answer])
        odd[field] = rng.choice([None, True, [], {}, ""])
        items = benchmark(name).load(_write(tmp_path, some))
        (found,) = (item for item in items if item.defect and item.defect != "candidates are equal")
        assert len(items) == len(some) * (3 if name == "videomme" else 1)
        assert not found.free_text
        with pytest.raises(AnnotationError, match=r"rows\.json:\d+ \(row 2\): .*(missing|twice)"):
            _without_id(name, some, tmp_path)


def _without_id(name: str, rows: list[dict[str, Any]], folder: Path) -> list[Item]:
    """Records are told apart by ids: a row without one, or another's, cannot be asked."""
    layout = benchmark(name).layout
    key = layout.inner or layout.uid or layout.video[0]
    value = rows[0].get(key) if layout.uid else None
    return benchmark(name).load(_write(folder, [rows[0], {**rows[1], key: value}]))


@pytest.mark.parametrize(
    ("options", "letter"),
    [(["A. w", "B. x", "C. y", "D. z"], "C"), (["(a) w", "(b) x", "(c) y"], "C. y"),
     (["A\uff0e w", "B\uff0e x", "C\uff0e y"], "y"), (["w", "x", "y"], "(C)"),
     (["A) w", "B) x", "C) y"], "c")],
)  # fmt: skip
def test_options_may_carry_their_letters(options: list[str], letter: str, tmp_path: Path) -> None:
    """Letters are taken away from options, and found in answers, however they are dressed."""
    asked = {**VIDEOMME["questions"][0], "options": options, "answer": letter}
    (item,) = benchmark("videomme").load(_write(tmp_path, [{**VIDEOMME, "questions": [asked]}]))
    assert (item.question.option(item.answer), item.defect) == ("y", "")
    assert item.question.options[:2] == ["w", "x"]


@pytest.mark.parametrize(
    "options",
    ["A. w B. x C. y D. z", "(A) w\n(B) x\n(C) y\n(D) z", {"A": "w", "B": "x", "C": "y", "D": "z"}],
)
def test_options_may_be_one_text_or_a_mapping(options: Any, tmp_path: Path) -> None:
    """Whatever holds them, they are four; and a prompt is no part of the question."""
    text = "Select the best option. Respond with the letter only.\nWhat?\nThe best answer is:"
    asked = {**VIDEOMME["questions"][0], "options": options, "question": text}
    (item,) = benchmark("videomme").load(_write(tmp_path, [{**VIDEOMME, "questions": [asked]}]))
    assert (item.question.options, item.answer) == (["w", "x", "y", "z"], "C")
    assert (item.question.text, item.defect) == ("What?", "")


def test_letters_out_of_order_are_named(tmp_path: Path) -> None:
    """Which option is meant cannot be known then."""
    asked = {**VIDEOMME["questions"][0], "options": ["B. w", "A. x", "C. y", "D. z"]}
    (item,) = benchmark("videomme").load(_write(tmp_path, [{**VIDEOMME, "questions": [asked]}]))
    assert "lettered B, A, C, D" in item.defect


def _parquet(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "test-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_the_hub_has_one_question_a_row(tmp_path: Path) -> None:
    """Video-MME's parquet names the video file in another column than its JSON."""
    row = {**VIDEOMME, **VIDEOMME["questions"][0], "videoID": "fFjv93ACGo8", "url": "https://x"}
    del row["questions"]
    _parquet(tmp_path, [row])
    (item,) = benchmark("videomme").load(tmp_path)
    assert (item.video, item.uid, item.answer) == ("fFjv93ACGo8", "001-1", "C")


@pytest.mark.parametrize(("split", "answer"), [("validation", "C"), ("test", "")])
def test_the_hub_has_a_column_an_option(tmp_path: Path, split: str, answer: str) -> None:
    """LongVideoBench's parquet pads them with N/A, and its test split has no answers."""
    columns = {f"option{at}": text for at, text in enumerate(["a", "N/A", "c", "N/A", "N/A"])}
    row = {**LONGVIDEOBENCH, **columns, "correct_choice": 2 if answer else -1}
    del row["candidates"], row["position"]
    (item,) = benchmark("longvideobench").load(_parquet(tmp_path, [row]))
    assert item.question.options == ["a", "N/A", "c"]
    assert (item.answer, bool(item.defect)) == (answer, split == "test")


MARKS = ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\r"]


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@given(st.lists(st.text([*MARKS, "a", "\ufeff", "\n", '"']).map("x{}y".format), min_size=1))
def test_any_text_survives_in_a_row(name: str, encoding: str, texts: list[str]) -> None:
    """JSON allows separators of lines inside texts, and files may begin with a mark."""
    rows = [{**MLVU, "candidates": [text, "other"], "answer": text} for text in texts]
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    lines = (line.replace("\x0b", "\\u000b").replace("\x0c", "\\f") for line in lines)
    text = "\r\n".join(lines) if name.endswith("l") else f"[{','.join(lines)}]"
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode(encoding))
        items = benchmark("mlvu").load(path)
    assert [item.question.option(item.answer) for item in items] == texts


@pytest.mark.parametrize(("name", "row"), SETS)
def test_broken_json_names_the_line(name: str, row: dict[str, Any], tmp_path: Path) -> None:
    """A file cut anywhere is an error with a place, never a shorter set."""
    text = _write(tmp_path, [row, row]).read_text()
    for cut in range(1, len(text) - 1, 37):
        path = tmp_path / "cut.json"
        path.write_text(text[:cut])
        with pytest.raises(VideosealError, match=r"cut\.json"):
            benchmark(name).load(path)


ODD: Final = st.recursive(
    st.sampled_from(
        ["9" * 400, "9" * 9999, "-" + "9" * 5000, "1e999", "-1E-999", "NaN", "-Infinity", "null",
         '"\\ud83d"', '"a \\udc00 b"', '"\\u0000"', '"' + "[" * 3000 + '"', "0", "-7", "true",
         '"' + "9" * 5000 + '"', f'"[{"9" * 5000}, 1]"', "[" * 400 + "]" * 400, '"00:01-00:02"']
    )
    | st.text(max_size=8).map(json.dumps),
    lambda inner: st.lists(inner, max_size=3).map(lambda some: f"[{','.join(some)}]")
    | st.dictionaries(st.sampled_from(["start", "end", "A", "\\ud83d"]), inner, max_size=2).map(
        lambda some: "{" + ",".join(f'"{name}":{value}' for name, value in some.items()) + "}"
    ),
    max_leaves=6,
)  # fmt: skip
"""JSON values, as texts, that programs and people have written by mistake."""
FIELDS: Final = {
    "cgbench": ("question", "choices", "answer", "right_answer", "clue_intervals", "domain"),
    "mlvu": ("question", "candidates", "answer", "question_type"),
    "longvideobench": ("question", "candidates", "correct_choice", "position", "fps",
                       "question_category", "duration_group"),
    "lvbench": ("question", "answer", "question_type", "time_reference", "gold", "evidence",
                "answerable", "scoring_points", "wording"),
    "videoseal": ("question", "ground_truth", "clue_intervals", "time_reference", "meta_json"),
}  # fmt: skip
ROWS: Final = {
    **dict(SETS),
    "lvbench": {"key": "v", "uid": "1", "question": "What?\n(A) a\n(B) b", "answer": "A",
                "question_type": ["x"], "time_reference": "00:10-00:12"},
    "videoseal": {"video_id": "v", "qa_uid": "1", "question": "What?\n(A) a\n(B) b",
                  "ground_truth": "A", "clue_intervals": [[1, 2]]},
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
@settings(deadline=None)
@given(data=st.data())
def test_no_value_stops_a_file_or_passes_as_what_it_is_not(name: str, data: st.DataObject) -> None:
    """Its row is asked, can be recorded, and has sound spans; the next row is as it was."""
    layout, row = benchmark(name).layout, ROWS[name]
    field = data.draw(st.sampled_from(FIELDS[name]))
    odd = json.dumps({**row, field: "@"}).replace('"@"', data.draw(ODD))
    sound = json.dumps({**row, layout.uid or "uid": "2", layout.video[0]: "w"})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text(f"{odd}\n{sound}\n")
        first, second = benchmark(name).load(path)
        path.write_text(sound)
        (alone,) = benchmark(name).load(path)
    assert Item.model_validate_json(first.model_dump_json()) == first
    assert all(0 <= start < end < math.inf for start, end in first.evidence)
    assert second == alone.model_copy(update={"uid": second.uid})


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [("time_reference", "9" * 400, "time_reference: "), ("time_reference", "9" * 5000,
      "time_reference: "), ("question_type", '"\\ud83d"', "question_type: holds what is no char"),
     ("question", '"Who \\ud83d waves? (A) a (B) b"', "question: holds what is no character"),
     ("answerable", '"maybe"', "answerable: neither"), ("key2", "9" * 5000, ""),
     ("question", f'"{"What? " * 2000} (A) a (B) b"', "only the first 8,000 of its text are"),
     ("gold", '{"start": 3}', "gold: "), ("answerable", "0", "answer: of a question that")],
)  # fmt: skip
def test_what_is_odd_about_a_row_is_its_defect(
    field: str, value: str, fault: str, tmp_path: Path
) -> None:
    """Numbers beyond all bounds, half a letter, a word for a truth value: named, and asked."""
    (tmp_path / "rows.jsonl").write_text(
        json.dumps({**ROWS["lvbench"], field: "@"}).replace('"@"', value)
    )
    (item,) = benchmark("lvbench").load(tmp_path / "rows.jsonl")
    assert item.defect.startswith(fault)
    assert bool(item.defect) == bool(fault)
    assert "\n" not in item.question.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_half_a_letter_may_stand_in_the_file_itself(encoding: str, tmp_path: Path) -> None:
    """As programs write it that do not escape; the other rows are read."""
    broken = {**MLVU, "question": "Who \ud83d waves?"}
    path = tmp_path / "rows.json"
    text = json.dumps([broken, MLVU], ensure_ascii=False)
    path.write_bytes(text.encode(encoding, "surrogatepass"))
    first, second = benchmark("mlvu").load(path)
    assert first.question.text == "Who \ufffd waves?"
    assert first.defect == "question: holds what is no character"
    assert (second.question.text, second.defect) == (MLVU["question"], "")


def test_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    """A path that is not there is one line with a hint."""
    with pytest.raises(AnnotationError, match="no annotation file") as caught:
        benchmark("cgbench").load(tmp_path / "none.json")
    assert "eval fetch" in caught.value.hint


HOPS = {
    "question": "Which cities?", "answer": "Rome.", "category": "Visual_Tracking",
    "hop_level": "3-Hop", "evidence_slices": [1, 4, 9],
}  # fmt: skip


@pytest.mark.parametrize("together", [True, False])
def test_open_questions_have_hops_and_no_options(together: bool, tmp_path: Path) -> None:
    """LongVidSearch is one file of all videos or a file a video; its scenes have no times."""
    if together:
        path = _write(tmp_path, {"-7wwf_JXEZg": [HOPS, HOPS], "empty": []}, "qa.json")
    else:
        _write(tmp_path, [HOPS, HOPS], "-7wwf_JXEZg_qa.json")
        path = tmp_path
    first, second = benchmark("longvidsearch").load(path)
    assert (first.video, first.group, first.categories) == (
        "-7wwf_JXEZg", "3-Hop", ["Visual_Tracking"],
    )  # fmt: skip
    assert (first.free_text, first.answer, first.evidence) == (True, "Rome.", [])
    assert (first.uid, second.uid) == ("-7wwf_JXEZg-0", "-7wwf_JXEZg-1")


@needs_data
def test_questions_are_of_two_to_four_hops() -> None:
    """As many of each as the set's page tells."""
    items = benchmark("longvidsearch").load(DATA / "longvidsearch" / "qa.json")
    assert Counter(item.group for item in items) == {"2-Hop": 1897, "3-Hop": 801, "4-Hop": 461}
    assert all(item.prose and not item.defect for item in items)
