"""The parquet of the reference release, and options written into a question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.evals.benchmarks import videoseal
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.benchmarks.lvbench import split_options

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
    (item,) = videoseal.load(_parquet(tmp_path, INFO))
    assert item.evidence == [(3, 5), (7, 9)]
    assert item.question.options == ["a cat", "a dog"]
    (item,) = videoseal.load(_parquet(tmp_path, {**INFO, "meta_json": None}))
    assert item.evidence == [(10, 20)]


@pytest.mark.parametrize(
    "bad",
    [
        {"question": "What?\n(A) only"},
        {"ground_truth": "C"},
        {"time_reference": "soon", "meta_json": None},
        {"meta_json": "{"},
        {"video_id": ""},
    ],
)
def test_bad_row_is_named(bad: dict[str, Any], tmp_path: Path) -> None:
    """What cannot be a question names the file and the row."""
    with pytest.raises(AnnotationError, match=r"rows\.parquet \(row 2\)"):
        videoseal.load(_parquet(tmp_path, INFO, {**INFO, **bad}))


def test_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    """Other bytes under that name are one clear error."""
    path = tmp_path / "x.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(AnnotationError, match=r"x\.parquet"):
        videoseal.load(path)


_words = st.text("abc def?", min_size=1, max_size=20).map(str.strip).filter(bool)


@given(_words, st.lists(_words, min_size=2, max_size=8))
def test_options_are_split_as_they_were_joined(stem: str, options: list[str]) -> None:
    """Joining stem and lettered options and splitting them again changes nothing."""
    joined = "\n".join([stem, *(f"({chr(65 + i)}) {text}" for i, text in enumerate(options))])
    found_stem, found = split_options(joined)
    assert found_stem == " ".join(stem.split())
    assert found == [" ".join(text.split()) if "\n" in text else text for text in options]
