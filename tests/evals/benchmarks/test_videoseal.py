"""The parquet of the reference release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.benchmarks.registry import benchmark

INFO = {
    "video_id": "v1",
    "qa_uid": "7",
    "question": "What is shown?\n(A) a cat\n(B) a dog",
    "ground_truth": "B",
    "video_duration_sec": 100.0,
    "time_reference": "00:10-00:20",
    "meta_json": json.dumps({"clue_intervals": [[3, 5], [7, 9]]}),
}


def _parquet(folder: Path, *infos: dict[str, Any]) -> Path:
    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist([{"extra_info": info} for info in infos]), path)
    return path


def test_clues_win_over_the_time_reference(tmp_path: Path) -> None:
    """The finer gold spans are taken, and the coarse ones only where there are no others."""
    (item,) = benchmark("videoseal").load(_parquet(tmp_path, INFO))
    assert item.evidence == [(3, 5), (7, 9)]
    assert item.question.options == ["a cat", "a dog"]
    (item,) = benchmark("videoseal").load(_parquet(tmp_path, {**INFO, "meta_json": None}))
    assert item.evidence == [(10, 20)]


@pytest.mark.parametrize(
    ("odd", "defect"),
    [
        ({"question": "What?\n(A) only"}, "options"),
        ({"ground_truth": "C"}, "ground_truth"),
        ({"time_reference": "soon", "meta_json": None}, "time_reference"),
        ({"meta_json": "{"}, "meta_json"),
    ],
)
def test_odd_row_is_named(odd: dict[str, Any], defect: str, tmp_path: Path) -> None:
    """It stops nothing, and says what is wrong."""
    first, found = benchmark("videoseal").load(
        _parquet(tmp_path, {**INFO, "qa_uid": "6"}, {**INFO, **odd})
    )
    assert not first.defect
    assert defect in found.defect
    assert not found.free_text


def test_row_without_a_video_is_an_error(tmp_path: Path) -> None:
    """What cannot be asked names the file and the row."""
    with pytest.raises(AnnotationError, match=r"rows\.parquet \(row 2\): extra_info: 7: video_id"):
        benchmark("videoseal").load(
            _parquet(tmp_path, {**INFO, "qa_uid": "6"}, {**INFO, "video_id": ""})
        )


OPTIONS = ["Paris, France (capital)", "(not shown)", "C, D and E", "7 (seven), 8"]


@pytest.mark.parametrize("letter", "ABCD")
@pytest.mark.parametrize("form", ["{0}", "({0})", "{0}. {1}", "({0}) {1}", "{1}", " {1}\n"])
def test_commas_and_brackets_of_answers_are_kept(letter: str, form: str, tmp_path: Path) -> None:
    """They belong to the option's text."""
    text = OPTIONS[ord(letter) - ord("A")]
    lettered = [f"({chr(65 + at)}) {option}" for at, option in enumerate(OPTIONS)]
    row = {
        **INFO,
        "question": "\n".join(["Where?", *lettered]),
        "ground_truth": form.format(letter, text),
    }
    (item,) = benchmark("videoseal").load(_parquet(tmp_path, row))
    assert (item.question.options, item.answer, item.defect) == (OPTIONS, letter, "")


@pytest.mark.parametrize("answer", ["Paris, France (capital)", "(not shown)", "(A) and (B), both"])
def test_answers_in_words_stay_as_they_are(answer: str, tmp_path: Path) -> None:
    """A question without options is open, and its reference is prose."""
    row = {**INFO, "question": "What did A. Smith tell B. Jones?", "ground_truth": answer}
    (item,) = benchmark("videoseal").load(_parquet(tmp_path, row))
    assert (item.answer, item.free_text, item.defect) == (answer, True, "")


def test_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    """Other bytes under that name are one clear error."""
    path = tmp_path / "x.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(AnnotationError, match=r"x\.parquet"):
        benchmark("videoseal").load(path)
