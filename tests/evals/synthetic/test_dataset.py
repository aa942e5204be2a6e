"""Sets of generated hours: whole, kept, and the same dataset whoever made them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.manifest import dataset_hash
from videoseal.evals.synthetic import dataset as hours
from videoseal.evals.synthetic.dataset import make_hours
from videoseal.evals.synthetic.spec import VideoSpec


def _small(monkeypatch) -> None:
    """Keep the hours' names and seeds, and make them small."""

    def spec(**values: Any) -> VideoSpec:
        return VideoSpec(width=320, height=180, fps=5, **values)

    monkeypatch.setattr(hours, "VideoSpec", spec)


def test_set_has_every_hour_once_and_finished_ones_are_kept(tmp_path: Path, monkeypatch) -> None:
    """Hours are named by their seeds; a broken-off set is completed, not made anew."""
    _small(monkeypatch)
    shown = []

    def show(number, spec):
        shown.append((number, spec.key))
        return hours.nullcontext()

    make_hours(tmp_path, 1, minutes=0.5)
    before = (tmp_path / "hour-41.mp4").stat().st_mtime_ns
    made = make_hours(tmp_path, 2, minutes=0.5, show=show)
    assert (tmp_path / "hour-41.mp4").stat().st_mtime_ns == before
    assert shown == [(1, "hour-41"), (2, "hour-42")]
    items = benchmark("synthetic").load(made.annotations)
    assert len(items) == made.asked == len({item.uid for item in items})
    assert {item.video for item in items} == {"hour-41", "hour-42"}
    assert all((made.videos / f"{item.video}.mp4").is_file() for item in items)
    assert 59 < made.seconds < 61


def test_set_does_not_change_with_what_else_is_in_the_folder(tmp_path: Path, monkeypatch) -> None:
    """Two hours stay the same dataset after a third was made beside them; a folder grows."""
    _small(monkeypatch)
    two = make_hours(tmp_path, 2, minutes=0.5)
    set_before, folder_before = dataset_hash(two.annotations), dataset_hash(tmp_path)
    make_hours(tmp_path, 1, first_seed=43, minutes=0.5)
    assert dataset_hash(make_hours(tmp_path, 2, minutes=0.5).annotations) == set_before
    assert (folder := dataset_hash(tmp_path)) != folder_before
    (tmp_path / "hour-43.truth.json").unlink()
    assert dataset_hash(tmp_path) == folder, "what is true is no part of what is asked"
    assert len(benchmark("synthetic").load(tmp_path)) > two.asked
