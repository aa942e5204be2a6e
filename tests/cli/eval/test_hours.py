"""`videoseal eval synthetic --generate`: from nothing to scores in one command."""

from __future__ import annotations

import functools
import json

import pytest

from videoseal.evals.synthetic import dataset as hours


@pytest.mark.slow
def test_one_command_generates_indexes_asks_and_scores(empty, monkeypatch: pytest.MonkeyPatch):
    """Every question is asked in every mode, and a second command asks nothing again."""
    monkeypatch.setattr(hours, "make_hours", functools.partial(hours.make_hours, minutes=0.5))
    small = functools.partial(hours.VideoSpec, width=320, height=180, fps=5)
    monkeypatch.setattr(hours, "VideoSpec", small)
    without_reading = {"VIDEOSEAL_OCR": "false"}
    modes = [word for mode in ("direct", "blind") for word in ("--mode", mode)]
    command = ["eval", "synthetic", "--generate", 1, *modes, "--json"]
    done = empty.run(*command, env=without_reading)
    assert done.exit_code == 0, done.stderr
    assert "[1/1] generating hour-41" in done.stderr
    systems = json.loads(done.stdout)
    assert [system["mode"] for system in systems] == ["direct", "blind"]
    folder = empty.data_dir / "synthetic"
    count = (folder / "hours-41-41.jsonl").read_text("utf-8").count('"uid"')
    assert [system["counts"]["asked"] for system in systems] == [count, count]
    records = empty.data_dir / "runs" / "synthetic" / "samples.jsonl"
    before = records.read_bytes()
    assert empty.run(*command, env=without_reading).exit_code == 0
    assert records.read_bytes() == before


def test_questions_are_generated_or_given_never_both(empty, tmp_path):
    """Missing and doubled sources of questions are wrong usage, before anything is made."""
    nothing = empty.run("eval", "synthetic")
    assert nothing.exit_code == 2
    assert "--generate HOURS" in nothing.stderr
    both = empty.run("eval", "synthetic", "--generate", 1, "--annotations", tmp_path)
    assert both.exit_code == 2
    assert "--annotations" in both.stderr
    assert not (empty.data_dir / "synthetic").exists()


def test_run_in_which_everything_failed_is_no_success(empty, tmp_path):
    """A script that asks questions about a wrong folder of videos must not take it for a score."""
    question = {
        "uid": "a-0", "question": "Which?\n(A) this\n(B) that", "answer": "A",
        "question_type": ["reasoning"], "time_reference": "00:01-00:02", "answerable": True,
        "evidence": "text", "hops": 1, "gold": [[1.0, 2.0]],
    }  # fmt: skip
    info = {"duration_minutes": 1.0, "fps": 1.0, "resolution": {"width": 64, "height": 64}}
    line = {"key": "a", "type": "synthetic", "video_info": info, "qa": [question]}
    (tmp_path / "a.questions.jsonl").write_text(json.dumps(line))
    place = ["--annotations", tmp_path, "--videos", tmp_path]
    done = empty.run("eval", "synthetic", *place)
    assert done.exit_code == 1
    assert "error: every question ended in an error (1)" in done.stderr
    told = empty.run("eval", "synthetic", *place, "--json")
    assert told.exit_code == 1
    assert [system["counts"]["errored"] for system in json.loads(told.stdout)] == [1]
