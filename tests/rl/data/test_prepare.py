"""Which questions are trained on: usable ones, of the right difficulty, on one side of a split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evals.made import item, proven, record
from tests.rl.played import GOLD, played
from tests.shared_data import DATA, needs_data
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.item import UNSEEN, Item
from videoseal.evals.records import RecordFile, SampleError, SampleRecord
from videoseal.evals.running.ready_videos import ReadyVideo, Videos
from videoseal.evals.scoring.sample_result import MISSING_VIDEO
from videoseal.evals.scoring.systems import RECORDS, NoSuchRun
from videoseal.models.types import Question
from videoseal.rl.data.attempts import read_attempts, scores_of
from videoseal.rl.data.prepare import (
    Difficulty,
    Prepared,
    prepare,
    split_by_video,
    write_data,
)
from videoseal.rl.data.tasks import TaskLabel, read_label, read_tasks
from videoseal.rl.rewards.rewards import RewardSpec

PUBLISHED = DATA / "cgbench_mini.json"


def _videos(count: int = 5) -> Videos:
    return Videos({f"v{n}": ReadyVideo(f"id{n}", 600.0) for n in range(count)}, {})


def _items(videos: int, each: int = 3) -> list[Item]:
    return [
        item(f"{v}-{n}", video=f"v{v}", question=Question(text=f"What {n}?", options=list("abcd")))
        for v in range(videos)
        for n in range(each)
    ]


def _uids(prepared: Prepared) -> list[str]:
    return [read_label(task.label).item.uid for task in prepared.train]


@settings(max_examples=40, derandomize=True)
@given(
    videos=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    share=st.floats(0, 0.9),
    seed=st.integers(0, 5),
)
def test_no_video_is_on_both_sides(videos: Sequence[int], share: float, seed: int) -> None:
    """Nothing is lost, and with several videos neither side is empty unless it is asked for."""
    labels = [
        TaskLabel(item=item(str(n)), video_id=f"v{v}", duration=9) for n, v in enumerate(videos)
    ]
    split = split_by_video(labels, share, seed)
    sides = [{label.video_id for label in side} for side in split]
    assert not sides[0] & sides[1]
    assert sorted(label.item.uid for side in split for label in side) == sorted(
        label.item.uid for label in labels
    )
    assert sides[0]
    assert bool(sides[1]) == (share > 0 and len(set(videos)) > 1)


def test_split_depends_on_the_seed_and_not_on_the_order() -> None:
    """The same questions in another order are split the same; another seed splits otherwise."""
    labels = [TaskLabel(item=i, video_id=i.video, duration=600) for i in _items(20, 1)]
    aside = {label.video_id for label in split_by_video(labels, 0.2, 7).validation}
    assert len(aside) == 4
    assert {x.video_id for x in split_by_video(labels[::-1], 0.2, 7).validation} == aside
    assert {x.video_id for x in split_by_video(labels, 0.2, 8).validation} != aside


def test_one_film_under_two_names_is_one_video() -> None:
    """The index knows a file by its content, so its copies cannot leak over the split."""
    videos = Videos({name: ReadyVideo("same", 600.0) for name in ("v0", "v1")}, {})
    prepared = prepare(_items(2), videos, share=0.5)
    assert prepared.validation == []
    assert prepared.summary["dropped"] == {"asked twice": 3}


def test_what_cannot_be_rewarded_is_left_out_and_told_why() -> None:
    """Every question is either a task or in the list of what was dropped."""
    prose = Question(text="What happens?")
    items = [
        item("good", video="v0"),
        item("same", video="v0"),
        item("faulty", video="v1", defect="options are equal"),
        item("prose", video="v1", question=prose, answer="a fire"),
        item("nowhere", video="v1", question=prose, answer="", answerable=False, evidence=[]),
        item("beyond", video="v2", evidence=[(599.0, 601.0), (600.0, 610.0)]),
        item("unseen", video="lost"),
        item("broken", video="bad"),
    ]
    errors = {"lost": MISSING_VIDEO, "bad": "VideoError"}
    lost = {name: SampleError(type=kind, message="m") for name, kind in errors.items()}
    videos = Videos(_videos(3).ready, lost, ["busy"])
    prepared = prepare(items, videos, share=0.0)
    assert _uids(prepared) == ["good", "nowhere"]
    assert {(entry.uid, entry.why) for entry in prepared.dropped} == {
        ("same", "asked twice"),
        ("faulty", "the published row is faulty"),
        ("prose", "no options to be right or wrong by"),
        ("beyond", "a gold span lies outside the video"),
        ("unseen", "no video file"),
        ("broken", "not indexed: VideoError"),
    }
    assert prepared.summary["train"] == {
        "questions": 2, "videos": 2, "with_gold_spans": 1, "unanswerable": 1,
    }  # fmt: skip


def _attempts(uid: str, *right: bool) -> list[SampleRecord]:
    return [record(item(uid), proven("B" if ok else "C")) for ok in right]


def test_too_easy_and_too_hard_are_left_out_of_training() -> None:
    """By attempts that were recorded; a question with too few of them is kept."""
    records = [
        *_attempts("0-0", True, True, True),
        *_attempts("0-1", False, False),
        *_attempts("0-2", True, False),
        *_attempts("1-0", True),
    ]
    difficulty = Difficulty(scores_of(records))
    prepared = prepare(_items(2), _videos(2), share=0.0, difficulty=difficulty)
    assert _uids(prepared) == ["0-2", "1-0", "1-1", "1-2"]
    assert prepared.summary["dropped"] == {"always right": 1, "always wrong": 1}
    strict = Difficulty(scores_of(records), least=1)
    assert "1-0" not in _uids(prepare(_items(2), _videos(2), share=0.0, difficulty=strict))


def test_validation_is_not_thinned_out() -> None:
    """It measures the policy, and easy questions are part of the measure."""
    records = [r for i in _items(5) for r in _attempts(i.uid, True, True)]
    prepared = prepare(_items(5), _videos(5), share=0.2, difficulty=Difficulty(scores_of(records)))
    assert (len(prepared.train), len(prepared.validation)) == (0, 3)


def test_difficulty_by_reward_tells_lucky_from_proven() -> None:
    """Answers that are right and were never seen are always wrong to the gated reward."""
    lucky = [played([(300.0, 310.0)]) for _ in range(3)]
    assert scores_of(lucky) == {("synthetic", "q1"): [1.0, 1.0, 1.0]}
    by_reward = scores_of(lucky, by=RewardSpec())
    asked = item(evidence=[GOLD])
    assert Difficulty(scores_of(lucky)).verdict(asked) == "always right"
    assert Difficulty(by_reward).verdict(asked) == "always wrong"
    proven_ones = scores_of([played([GOLD]) for _ in range(3)], by=RewardSpec())
    assert Difficulty(proven_ones).verdict(asked) == "always right"  # costs and all


def test_errors_and_other_systems_are_no_attempts() -> None:
    """A failed model says nothing about a question; neither does the blind control."""
    error = SampleError(type="ModelUnavailable", message="m")
    records = [record(item("a"), error=error), record(item("a"), proven(), mode="coupled")]
    assert scores_of(records) == {}
    assert scores_of(records, mode="coupled") == {("synthetic", "a"): [1.0]}


def test_every_rollout_counts_and_of_an_evaluation_the_last(tmp_path: Path) -> None:
    """Rollouts ask a question many times on purpose; an evaluation again only after an error."""
    evaluation, rollouts = tmp_path / "run", tmp_path / "rollouts"
    for path in (evaluation / RECORDS, rollouts / "1.jsonl", rollouts / "deep" / "2.jsonl"):
        with RecordFile(path) as file:
            for entry in _attempts("a", False, True):
                file.append(entry)
    assert len(list(read_attempts(evaluation))) == 1
    assert len(list(read_attempts(rollouts))) == 4
    assert len(list(read_attempts(rollouts / "1.jsonl"))) == 2
    with pytest.raises(NoSuchRun):
        list(read_attempts(tmp_path / "nowhere"))


def test_what_is_written_is_what_was_prepared(tmp_path: Path) -> None:
    """Both sides, what was dropped, and the counts."""
    prepared = prepare([*_items(5), item("x", video="lost")], _videos(5), share=0.2, seed=3)
    files = write_data(tmp_path / "out", prepared)
    assert read_tasks(files["train"]) == prepared.train
    assert read_tasks(files["validation"]) == prepared.validation
    assert json.loads(files["summary"].read_text()) == prepared.summary
    assert json.loads(files["dropped"].read_text()) == {
        "benchmark": "synthetic", "uid": "x", "why": "no video file",
    }  # fmt: skip


def test_words_that_are_kept_for_measuring_are_not_trained_on() -> None:
    """Questions in unseen words stay in validation alone."""
    items = [each.model_copy(update={"group": UNSEEN}) for each in _items(5)]
    prepared = prepare(items, _videos(5), share=0.2, seed=3)
    assert (len(prepared.train), bool(prepared.validation)) == (0, True)
    assert {dropped.why for dropped in prepared.dropped} == {"unseen wording, kept for measuring"}


def test_rollout_terms_are_kept_and_old_records_still_load(tmp_path: Path) -> None:
    """The field was added later; records without it have none."""
    with_terms = record(item(), proven()).model_copy(update={"rollout": {"gate": 0.5}})
    with RecordFile(tmp_path / "r.jsonl") as file:
        file.append(with_terms)
        assert next(file.read()).rollout == {"gate": 0.5}
    old = json.loads(with_terms.model_dump_json())
    del old["rollout"]
    assert SampleRecord.model_validate(old).rollout == {}
    assert with_terms.finished < datetime.now(UTC)


@needs_data
def test_the_training_set_of_the_paper_becomes_tasks() -> None:
    """All of CG-Bench's questions but those with equal options or spans after their video's end."""
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    lengths = {row["video_uid"]: row["duration"] for row in rows}
    videos = Videos({name: ReadyVideo(name, length) for name, length in lengths.items()}, {})
    prepared = prepare(benchmark("cgbench").load(PUBLISHED), videos, share=0.1)
    counts = prepared.summary
    assert len(prepared.train) + len(prepared.validation) + len(prepared.dropped) == 3000
    assert counts["train"]["with_gold_spans"] == counts["train"]["questions"] > 2500
    assert counts["validation"]["videos"] == round(0.1 * len(lengths))
    assert set(counts["dropped"]) <= {
        "asked twice", "a gold span lies outside the video", "the published row is faulty",
    }  # fmt: skip


def test_every_training_benchmark_is_known() -> None:
    """Those the command offers are those that can be loaded."""
    from videoseal.cli.train.data import data

    (choice,) = [p.type for p in data.params if p.name == "benchmark"]
    for name in choice.choices:  # type: ignore[attr-defined]
        assert benchmark(name).name == name
