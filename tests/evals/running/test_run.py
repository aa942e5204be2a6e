"""Runs: what is asked, what is not asked again, and what survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.evals.made import item, proven, record
from videoseal.core.errors import SettingsError, VideoBusy, VideoNotFound
from videoseal.core.settings import Settings
from videoseal.evals.benchmarks.selection import defects, in_this_cut, locate, select
from videoseal.evals.manifest import (
    Manifest,
    RunMismatch,
    RunSpec,
    SystemSpec,
    dataset_hash,
    describe,
    write_or_check_manifest,
)
from videoseal.evals.records import RecordFile, SampleError, SampleRecord
from videoseal.evals.running import ready_videos as indexing
from videoseal.evals.running import run as running
from videoseal.evals.running.run import Places, jobs_of, run
from videoseal.evals.running.sample import context_of
from videoseal.evals.scoring.systems import read_systems
from videoseal.graph.planner_messages import plan_version
from videoseal.indexing.pipeline import INDEX_VERSION

ROOT = Path(__file__).resolve().parents[3]


def _rows(folder: Path, count: int) -> None:
    row = {
        "video_uid": "v", "question": "What?", "answer": "b", "choices": ["a", "b", "c", "d"],
        "right_answer": "B", "clue_intervals": [[100, 103]], "domain": "d", "sub_category": "s",
        "duration": 600,
    }  # fmt: skip
    (folder / "rows.json").write_text(json.dumps([{**row, "qid": n} for n in range(count)]))
    (folder / "v.mp4").touch()


def _killed(folder: Path, kills: int) -> dict[str, Any]:
    folder.mkdir()
    _rows(folder, 120)
    script = ROOT / "tests" / "evals" / "killed_runs.py"
    done = subprocess.run(
        [sys.executable, str(script), str(folder), str(kills)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.slow
def test_run_killed_twenty_times_ends_like_one_that_was_not(tmp_path: Path) -> None:
    """No sample is lost, none is recorded twice, and only what was in flight is asked again."""
    undisturbed, killed = _killed(tmp_path / "a", 0), _killed(tmp_path / "b", 20)
    everything = sorted(str(number) for number in range(120))
    assert sorted(undisturbed["recorded"]) == sorted(killed["recorded"]) == everything
    assert sorted(undisturbed["paid"]) == everything
    # Each kill may cut off the three questions in flight after they were paid; never more.
    assert len(everything) <= len(killed["paid"]) <= len(everything) + 20 * 3
    assert killed["unfinished"] >= 10
    ends = [read_systems([tmp_path / name / "run"]) for name in ("a", "b")]
    assert [cell.counts for (cell,) in ends] == [
        {"asked": 120, "answered": 120, "forced": 0, "abstained": 0, "errored": 0}
    ] * 2
    assert [cell.scores["accuracy"].mean for (cell,) in ends] == [2 / 3, 2 / 3]


def test_only_what_is_open_is_asked() -> None:
    """What is recorded is done; errors wait for `--retry-errors`, videos do not."""
    items = [item(uid) for uid in ("done", "failed", "missing", "busy", "new")]
    error = SampleError(type="ModelUnavailable", message="m")
    lost = SampleError(type="MissingVideo", message="m")
    busy = SampleError(type="VideoBusy", message="m")
    records = [
        record(items[0], proven()),
        record(items[1], error=error),
        record(items[2], error=lost),
        record(items[3], error=busy),
    ]
    known = {entry.key: entry for entry in records}

    def asked(*, retry: bool) -> list[str]:
        return [job.item.uid for job in jobs_of(items, [SystemSpec()], known, retry_errors=retry)]

    assert asked(retry=False) == ["missing", "busy", "new"]
    assert asked(retry=True) == ["failed", "missing", "busy", "new"]


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([(10.0, 12.0)], True),
        ([(38.0, 41.0)], True),
        ([], True),
        ([(300.0, 310.0)], False),
        ([(10.0, 12.0), (40.0, 41.0)], False),
        ([(30.0, 60.0)], False),
    ],
)
def test_gold_beyond_the_end_is_of_another_cut(
    spans: list[tuple[float, float]], kept: bool
) -> None:
    """One such span makes all of them doubtful: they are no gold for a video of 40 s, and named."""
    found = in_this_cut(item(evidence=spans), 40.0)
    assert found.evidence == (spans if kept else [])
    assert ("another cut: this video ends at 00:00:40" in found.defect) is not kept
    assert bool(defects([found, item("q2")])) is not kept


def test_defects_are_counted_with_their_reasons() -> None:
    """The most frequent come first, each with a question that has it."""
    odd = [item(f"q{n}", defect=f"reason {min(n, 4)}") for n in range(9)]
    assert defects([item("sound"), *odd]) == (
        "9 of 10 questions are defective, asked and counted all the same:"
        " 5 reason 4 (q4), 1 reason 0 (q0), 1 reason 1 (q1), 2 other reasons"
    )
    assert defects([item("sound")]) == ""


class _Indexes:
    """In place of `index_video`: `v` is busy for so many looks, `other` is ready."""

    def __init__(self, busy: int) -> None:
        self.busy = busy

    async def __call__(self, path: Path, *_: Any, **__: Any) -> SimpleNamespace:
        if path.stem == "v" and self.busy:
            self.busy -= 1
            raise VideoBusy("busy")
        return SimpleNamespace(id=path.stem, duration=600.0)


async def _busy_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, busy: int, wait_s: float
) -> tuple[list[SampleRecord], list[str]]:
    """Ask one question about each of two videos; what was recorded and said."""
    _rows(folder, 2)
    rows = json.loads((folder / "rows.json").read_text())
    rows[1].update(video_uid="other", clue_intervals=[[900, 903]])
    (folder / "rows.json").write_text(json.dumps(rows))
    (folder / "other.mp4").touch()

    async def sample(_: Any, asked: Any, system: SystemSpec, *__: Any) -> SampleRecord:
        return record(asked, proven(), mode=system.mode)

    monkeypatch.setattr(indexing, "index_video", _Indexes(busy))
    monkeypatch.setattr(indexing, "_AGAIN_S", 0.001)
    monkeypatch.setattr("videoseal.evals.running.system_settings.run_sample", sample)
    monkeypatch.setattr(running, "model_names", lambda _: {"planner": "p"})
    held: Any = SimpleNamespace(settings=Settings(data_dir=folder), store=None, models=None)
    places = Places(folder / "rows.json", folder, folder / "run")
    spec, said = RunSpec(benchmark="cgbench", cells=[SystemSpec()]), list[str]()
    try:
        await run(spec, places, held, lambda step: said.append(step.note), wait_s=wait_s)
    except VideoBusy as error:
        said.append(str(error))
    return list(RecordFile(folder / "run" / "samples.jsonl").read()), [*filter(None, said)]


async def test_a_run_waits_for_a_video_that_is_being_indexed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and asks everything once the video is there."""
    found, said = await _busy_run(tmp_path, monkeypatch, 3, 60)
    assert sorted((one.item.uid, one.error) for one in found) == [("0", None), ("1", None)]
    assert said[0] == "another process is indexing v: waiting for it up to 1 minutes"


@pytest.mark.parametrize("wait_s", [0, 0.05])
async def test_a_run_that_waited_long_enough_fails_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_s: float
) -> None:
    """What can be asked is asked; the rest is no error, and asked by the next run."""
    found, said = await _busy_run(tmp_path, monkeypatch, 10**9, wait_s)
    assert [one.item.uid for one in found] == ["1"]
    assert said[-1] == "1 questions wait: another process is indexing v"
    assert "another cut" in said[-2]
    found, _ = await _busy_run(tmp_path, monkeypatch, 0, 0)
    assert [one.item.uid for one in found] == ["1", "0"]
    assert "another cut" in found[0].item.defect


def test_modes_are_samples_of_their_own() -> None:
    """A question answered in one mode is still open in another."""
    known = {record(item("q"), proven()).key: record(item("q"), proven())}
    cells = [SystemSpec(), SystemSpec(mode="blind"), SystemSpec(variant="steps=4")]
    jobs = jobs_of([item("q")], cells, known, retry_errors=False)
    assert [(job.system.mode, job.system.variant) for job in jobs] == [
        ("blind", ""),
        ("decoupled", "steps=4"),
    ]


def test_draw_is_repeatable_and_in_order() -> None:
    """The same seed draws the same questions; another draws others."""
    items = [item(f"q{number:03d}") for number in range(100)]
    drawn = [entry.uid for entry in select(items, sample=10, seed=1)]
    assert drawn == sorted(drawn)
    assert drawn == [entry.uid for entry in select(items, sample=10, seed=1)]
    assert drawn != [entry.uid for entry in select(items, sample=10, seed=2)]
    assert [entry.uid for entry in select(items, limit=2)] == ["q000", "q001"]


def test_missing_videos_are_named(tmp_path: Path) -> None:
    """A video is found by its id below the folder, and one that is not there is listed."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.webm").touch()
    (tmp_path / "b.txt").touch()
    located = locate([item("1", video="a"), item("2", video="b"), item("3", video="b")], tmp_path)
    assert located.found == {"a": tmp_path / "deep" / "a.webm"}
    assert located.missing == ["b"]
    with pytest.raises(VideoNotFound):
        locate([], tmp_path / "nowhere")


def _manifest(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "spec": RunSpec(benchmark="cgbench", cells=[SystemSpec()]),
        "dataset_sha256": "a",
        "models": {"planner": "p"},
        "settings": {},
        "python": "3.11",
        "packages": {},
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Manifest(**{**values, **changes})


def test_run_cannot_be_continued_with_other_models_or_data(tmp_path: Path) -> None:
    """What would mix two runs is refused by name; another program version is not."""
    write_or_check_manifest(tmp_path, _manifest())
    write_or_check_manifest(tmp_path, _manifest(python="3.12", packages={"av": "18"}))
    with pytest.raises(RunMismatch, match="models"):
        write_or_check_manifest(tmp_path, _manifest(models={"planner": "q"}))
    with pytest.raises(RunMismatch, match="dataset"):
        write_or_check_manifest(tmp_path, _manifest(dataset_sha256="b"))
    with pytest.raises(RunMismatch, match="versions"):
        write_or_check_manifest(tmp_path, _manifest(versions={"planner": "plan-0"}))


def test_manifest_pins_prompts_and_index(tmp_path: Path) -> None:
    """What every model was told, and which index it searched, is written down."""
    (tmp_path / "a.json").write_text("[]")
    spec = RunSpec(benchmark="cgbench", cells=[SystemSpec()])
    made = describe(spec, tmp_path / "a.json", {}, Settings(data_dir=tmp_path))
    assert made.versions["planner"] == plan_version()
    assert made.versions["index"] == INDEX_VERSION
    assert len(made.prompts_sha256) == 64


def test_cell_cannot_become_another_while_its_run_goes_on(tmp_path: Path) -> None:
    """A resumed run may add cells, which are written down; those it has stay what they are."""
    few, many = SystemSpec(context={"max_steps": 4}), SystemSpec(context={"max_steps": 8})
    swapped = {"planner": "p", "inspector": "q"}

    def made(*cells: SystemSpec, **changes: Any) -> Manifest:
        return _manifest(spec=RunSpec(benchmark="cgbench", cells=list(cells)), **changes)

    write_or_check_manifest(tmp_path, made(few))
    with pytest.raises(RunMismatch, match=r"another decoupled\.context\.max_steps: 4 then, 8"):
        write_or_check_manifest(tmp_path, made(many))
    added = many.model_copy(update={"variant": "swap", "endpoints": {"inspector": "SMALL"}})
    write_or_check_manifest(tmp_path, made(added, cell_models={added.name: swapped}))
    write_or_check_manifest(tmp_path, made(few))
    found = Manifest.model_validate_json((tmp_path / "manifest.json").read_text())
    assert found.spec.cells == [few, added]
    assert found.cell_models == {"decoupled swap": swapped}
    with pytest.raises(RunMismatch, match="another decoupled swap"):
        write_or_check_manifest(
            tmp_path, made(few, added, cell_models={added.name: {"planner": "other"}})
        )


def test_dataset_hash_sees_every_byte(tmp_path: Path) -> None:
    """One changed letter of the annotations is another dataset, in a file or in a folder."""
    (tmp_path / "a.json").write_text("[1]")
    file, folder = dataset_hash(tmp_path / "a.json"), dataset_hash(tmp_path)
    (tmp_path / "a.json").write_text("[2]")
    assert dataset_hash(tmp_path / "a.json") != file
    assert dataset_hash(tmp_path) != folder


def test_run_may_grow_but_not_be_drawn_anew(tmp_path: Path) -> None:
    """More questions in the published order are written down; another draw is another run."""

    def made(**asked: Any) -> Manifest:
        return _manifest(spec=RunSpec(benchmark="cgbench", cells=[SystemSpec()], **asked))

    for limit, written in ((4, 4), (2, 4), (8, 8), (None, None)):
        write_or_check_manifest(tmp_path, made(limit=limit))
        found = Manifest.model_validate_json((tmp_path / "manifest.json").read_text())
        assert found.spec.limit == written
    write_or_check_manifest(tmp_path / "drawn", made(sample=3, seed=1))
    with pytest.raises(RunMismatch, match=r"another draw\.seed: 1 then, 2 now"):
        write_or_check_manifest(tmp_path / "drawn", made(sample=3, seed=2))
    with pytest.raises(RunMismatch, match="another draw"):
        write_or_check_manifest(tmp_path / "drawn", made())


def test_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A damaged manifest is one line with the way out; it is not written over."""
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(RunMismatch, match=r"manifest\.json: manifest: Invalid JSON") as caught:
        write_or_check_manifest(tmp_path, _manifest())
    assert "--name" in caught.value.hint
    assert (tmp_path / "manifest.json").read_text() == "{"


async def test_wrong_video_folder_begins_no_run(tmp_path: Path) -> None:
    """A mistyped option leaves nothing behind that a corrected one would have to match."""
    _rows(tmp_path, 1)
    places = Places(tmp_path / "rows.json", tmp_path / "nowhere", tmp_path / "run")
    resources: Any = SimpleNamespace(settings=Settings(data_dir=tmp_path))
    with pytest.raises(VideoNotFound, match="nowhere"):
        await run(RunSpec(benchmark="cgbench", cells=[SystemSpec()]), places, resources, print)
    assert not places.folder.exists()


def test_bad_cell_names_its_field() -> None:
    """A budget that the graph does not know is an error before anything is asked."""
    with pytest.raises(SettingsError, match="max_steps"):
        context_of(SystemSpec(context={"max_steps": 0}))
