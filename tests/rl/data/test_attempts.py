"""The commands that make training data, traces and a reward check, on what is recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.evals.made import item, record
from tests.rl.played import GOLD, played
from videoseal.cli.main import app
from videoseal.evals.records import RecordFile, SampleError, SampleRecord
from videoseal.evals.running.ready_videos import ReadyVideo, RunProgress, Videos
from videoseal.evals.scoring.sample_result import MISSING_VIDEO
from videoseal.evals.scoring.systems import RECORDS
from videoseal.graph.resources import Resources
from videoseal.rl.data.attempts import check, means
from videoseal.rl.data.tasks import read_label, read_tasks
from videoseal.rl.rewards.rewards import TERMS, RewardSpec, reward_of


def _run(folder: Path) -> Path:
    """A run of four questions that came out differently."""
    error = SampleError(type="ModelUnavailable", message="m")
    episodes = [
        played([GOLD], asked=item("seen", evidence=[GOLD])),
        played([(300.0, 310.0)], asked=item("lucky", evidence=[GOLD])),
        played([GOLD], choice="C", asked=item("wrong", evidence=[GOLD])),
        played(choice=None, asked=item("gave-up", evidence=[GOLD])),
        record(item("failed"), error=error),
    ]
    return _recorded(folder / "run", episodes)


def _recorded(folder: Path, episodes: Sequence[SampleRecord]) -> Path:
    with RecordFile(folder / RECORDS) as file:
        for episode in episodes:
            file.append(episode)
    return folder


def _invoke(command: str, data_dir: Path, *arguments: object) -> Result:
    given = ["--data-dir", data_dir, "train", command, *arguments]
    return CliRunner().invoke(app, list(map(str, given)), env={"COLUMNS": "100"})


def test_check_tells_what_each_episode_is_paid(tmp_path: Path) -> None:
    """As the reward itself says, beside what the other kinds would pay."""
    found = check(_run(tmp_path), RewardSpec())
    assert [(entry.uid, entry.status) for entry in found] == [
        ("seen", "right"), ("lucky", "right"), ("wrong", "wrong"), ("gave-up", "abstained"),
        ("failed", "errored"),
    ]  # fmt: skip
    paid = reward_of(played([GOLD]), RewardSpec())
    assert (found[0].total, found[0].terms) == (paid.total, paid.terms)
    assert found[1].total == 0.0
    assert found[1].others == {"gated": 0.0, "outcome": 1.0, "five_term": 0.0}


def test_means_are_by_how_episodes_came_out(tmp_path: Path) -> None:
    """The largest group first, all of them last."""
    found = means(check(_run(tmp_path), RewardSpec(kind="outcome")))
    assert [(m.status, m.episodes, m.total) for m in found] == [
        ("right", 2, 1.0), ("wrong", 1, 0.0), ("abstained", 1, 0.0), ("errored", 1, 0.0),
        ("all", 5, 0.4),
    ]  # fmt: skip
    assert found[0].terms["grounded"] == 0.5
    assert means([]) == []


def test_check_command_prints_terms_and_means(tmp_path: Path) -> None:
    """One line a question, one a mean, and the other kinds of reward below."""
    done = _invoke("check", tmp_path, _run(tmp_path))
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["question", "came", "out", "gated"]
    assert lines[2].split()[:5] == ["lucky", "right", "0.000", "1", "0"]
    assert (
        lines[-1] == "mean pay by each kind of reward: gated 0.199, outcome 0.400, five_term 0.280"
    )
    assert all(len(line) <= 100 for line in lines)


def test_check_command_as_json_has_every_term(tmp_path: Path) -> None:
    """For the questions that are named, and the reward that is asked for."""
    arguments = ("--reward", "five_term", "--uid", "lucky", "--json")
    done = _invoke("check", tmp_path, _run(tmp_path), *arguments)
    told = json.loads(done.stdout)
    (episode,) = told["episodes"]
    assert set(episode["terms"]) == set(TERMS)
    assert (episode["uid"], episode["total"]) == ("lucky", 0.0)
    assert told["reward"]["kind"] == "five_term"
    assert [mean["status"] for mean in told["means"]] == ["right", "all"]


def test_runs_are_found_by_name_in_the_data_folder(tmp_path: Path) -> None:
    """As everywhere; what is not there is told."""
    run = _run(tmp_path)
    (tmp_path / "runs").mkdir()
    run.rename(tmp_path / "runs" / "mine")
    assert _invoke("check", tmp_path, "mine").exit_code == 0
    missing = _invoke("check", tmp_path, "yours")
    assert "no records at" in missing.stderr


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Videos are ready without an index: `lost` is not among them."""

    async def ready(
        items: Sequence[Any], folder: Path, resources: Resources, on_progress: Any
    ) -> Videos:
        on_progress(RunProgress("index", 0, 1, video="v1"))
        names = {i.video for i in items} - {"lost"}
        lost = SampleError(type=MISSING_VIDEO, message="m")
        return Videos({n: ReadyVideo(f"id-{n}", 600.0) for n in names}, {"lost": lost})

    class Opened:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr("videoseal.graph.resources.open_resources", lambda settings: Opened())
    monkeypatch.setattr("videoseal.evals.running.ready_videos.ready_videos", ready)


def _annotations(folder: Path) -> Path:
    rows = [
        {
            "qid": number, "video_uid": video, "question": f"What is {number}?", "answer": "b",
            "choices": ["a", "b", "c", "d"], "right_answer": "B", "clue_intervals": [[100, 106]],
            "domain": "d", "sub_category": "s", "duration": 600,
        }
        for number, video in enumerate(["v1", "v1", "v2", "v3", "v4", "lost"])
    ]  # fmt: skip
    path = folder / "rows.json"
    path.write_text(json.dumps(rows))
    return path


@pytest.mark.usefixtures("no_index")
def test_data_command_writes_both_sides_and_says_what_was_left_out(tmp_path: Path) -> None:
    """Easy questions by an earlier run's records, and videos that are not there."""
    easy = [played([GOLD], asked=item(u, benchmark="cgbench", evidence=[GOLD])) for u in "01"]
    run = _recorded(tmp_path / "run", easy)
    out = tmp_path / "out"
    arguments = [
        "--benchmark", "cgbench", "--annotations", _annotations(tmp_path), "--videos", tmp_path,
        "--out", out, "--validation", "0.25", "--seed", "5", "--records", run, "--attempts", "1",
    ]  # fmt: skip
    done = _invoke("data", tmp_path, *arguments)
    assert done.exit_code == 0, done.output
    sides = {name: read_tasks(out / f"{name}.jsonl") for name in ("train", "validation")}
    videos = {name: {read_label(t.label).video_id for t in side} for name, side in sides.items()}
    assert not videos["train"] & videos["validation"]
    assert len(videos["validation"]) == 1
    assert [read_label(t.label).item.uid for t in sides["train"]] == ["3", "4"]
    assert "left out: 2 always right" in done.stdout
    assert "left out: 1 no video file" in done.stdout
    told = json.loads(_invoke("data", tmp_path, *arguments, "--json").stdout)
    assert told["train"]["questions"] == len(sides["train"])
    assert told["dropped"]["no video file"] == 1


def test_traces_command_wants_one_source(tmp_path: Path) -> None:
    """Records or tasks; with neither or both it says so."""
    done = _invoke("traces", tmp_path, "--out", tmp_path / "t.jsonl")
    assert done.exit_code == 2
    assert "Give either RUN or --tasks." in done.stderr


def test_traces_command_writes_the_good_episodes_of_a_run(tmp_path: Path) -> None:
    """And tells how many were not good, and why."""
    good = played([GOLD])
    assert good.episode is not None
    good.episode |= {
        "context": {}, "question": good.item.question.model_dump(),
        "models": {"planner": "search-policy-1/plan-1"},
    }  # fmt: skip
    run = _recorded(tmp_path / "run", [good, played([GOLD], choice="A", asked=item("q2"))])
    out = tmp_path / "traces.jsonl"
    done = _invoke("traces", tmp_path, run, "--out", out)
    assert done.exit_code == 0, done.output
    assert len(out.read_text().splitlines()) == 1
    assert done.stdout.splitlines()[-1] == "left out: 1 paid less than 0.5"
    told = _invoke("traces", tmp_path, run, "--out", out, "--json")
    assert json.loads(told.stdout) == {"traces": 1, "left_out": {"paid less than 0.5": 1}}
    full = out.read_text()
    _invoke("traces", tmp_path, run, "--out", out, "--brief")
    assert "You direct the search" in full
    assert "You direct the search" not in out.read_text()
