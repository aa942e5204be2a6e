"""Judging a run: who is asked, what is written, and what survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.evals.made import FakeJudge, evidence, item, proven, record
from videoseal.core.errors import ModelAuthError, ModelUnavailable
from videoseal.core.provenance import RunMismatch
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.judging.judge_pins import JUDGES, read_pins
from videoseal.evals.judging.judge_run import JudgeProgress, Wanted, judge_run
from videoseal.evals.records import RecordFile, RunBusy, SampleError, SampleRecord
from videoseal.evals.scoring.systems import NoSuchRun
from videoseal.evals.verdicts import JudgementFile, read_judgements, read_verdicts
from videoseal.graph.answers import Answer
from videoseal.models import prompts
from videoseal.models.types import Question

ROOT = Path(__file__).resolve().parents[3]


def _seen(uid: str, second: float, mode: str = "decoupled") -> SampleRecord:
    ledger = [evidence(times=(second,))]
    return record(item(uid), proven(ledger=ledger), ledger, mode=mode)


def _blind(uid: str) -> SampleRecord:
    guess = Answer(outcome="answered", forced=True, text="b", choice="B", by="answerer")
    return record(item(uid), guess, [], mode="blind")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two answers with evidence, one without, an abstention and a failure."""
    with RecordFile(tmp_path / "run" / "samples.jsonl") as file:
        failed = record(item("q5"), error=SampleError(type="X", message="m"))
        for entry in (_seen("q1", 101), _seen("q2", 102), _blind("q3"), record(item("q4")), failed):
            file.append(entry)
    return tmp_path / "run"


async def _judge(
    run: Path, *judges: FakeJudge, wanted: Wanted | None = None, **options: Any
) -> int:
    told: list[JudgeProgress] = []
    await judge_run(run, judges, wanted or Wanted(), told.append, **options)
    return len(told)


async def test_answers_are_judged_and_lack_of_evidence_needs_no_judge(run: Path) -> None:
    """Every answer has a verdict; only those with evidence cost a call."""
    judge = FakeJudge()
    assert await _judge(run, judge) == 3
    lines = {line.uid: line for line in read_judgements(run).values()}
    assert {uid: (one.asked, one.grounded) for uid, one in lines.items()} == {
        "q1": (True, True), "q2": (True, True), "q3": (False, False),
    }  # fmt: skip
    assert len(judge.asked) == 2
    one = lines["q1"]
    assert (one.calls, one.prompt_tokens, one.completion_tokens, one.why) == (1, 11, 7, "line 1")
    assert one.video == "synthetic/v1"
    assert (lines["q3"].calls, lines["q3"].why) == (0, "the system gathered no evidence")


async def test_nothing_is_judged_twice(run: Path) -> None:
    """A second run asks nothing; a new judge is asked about all, a new sample by all."""
    first, second = FakeJudge("one"), FakeJudge("two")
    await _judge(run, first)
    assert await _judge(run, first, second) == 3
    assert (len(first.asked), len(second.asked)) == (2, 2)
    with RecordFile(run / "samples.jsonl") as file:
        file.append(_seen("q6", 103))
    assert await _judge(run, first, second) == 2
    assert read_verdicts(run)["q6", "decoupled", ""] == {"one": True, "two": True}


async def test_a_sample_with_other_evidence_is_judged_again(run: Path) -> None:
    """A verdict on what a replaced record had seen does not stand for the new one."""
    judge = FakeJudge()
    await _judge(run, judge)
    with RecordFile(run / "samples.jsonl") as file:
        file.append(_seen("q1", 104))
    assert await _judge(run, judge) == 1
    assert judge.asked[-1].evidence[0].start == 104
    assert await _judge(run, judge) == 0


async def test_failures_are_lines_and_wait_for_retry(run: Path) -> None:
    """A judge that was away, or has a bug, rules on nothing and loses nothing."""
    away = FakeJudge(fault=ModelUnavailable("503"))
    assert await _judge(run, away) == 3
    line = read_judgements(run)[("q1", "decoupled", ""), "j"]
    assert (line.grounded, line.error and line.error.type) == (None, "ModelUnavailable")
    assert read_verdicts(run) == {("q3", "blind", ""): {"j": False}}
    assert await _judge(run, FakeJudge()) == 0
    assert await _judge(run, FakeJudge(fault=KeyError("k")), retry_errors=True) == 2
    line = read_judgements(run)[("q1", "decoupled", ""), "j"]
    assert line.error is not None
    assert "KeyError" in line.error.traceback
    assert await _judge(run, FakeJudge(), retry_errors=True) == 2
    assert len(read_verdicts(run)) == 3


async def test_a_refused_key_ends_it(run: Path) -> None:
    """Every further request would be refused too; nothing false is written."""
    judge = FakeJudge(fault=ModelAuthError("401", role="judge"))
    with pytest.raises(ModelAuthError):
        await _judge(run, judge, concurrency=1)
    assert len(judge.asked) == 1
    assert read_verdicts(run) == {}


async def test_a_part_of_a_run_can_be_judged(run: Path) -> None:
    """By mode, and the first answers only."""
    assert await _judge(run, FakeJudge(), wanted=Wanted(mode="blind")) == 1
    assert await _judge(run, FakeJudge(), wanted=Wanted(variant="x")) == 0
    assert await _judge(run, FakeJudge(), wanted=Wanted(limit=1)) == 1
    assert {key[0] for key in read_verdicts(run)} == {"q3", "q1"}


async def test_judges_are_pinned_word_for_word(run: Path) -> None:
    """Prompt, its hash and settings are there; a judge of the same name with others is refused."""
    await _judge(run, FakeJudge())
    pins = read_pins(run)
    assert pins is not None
    pin = pins.judges["j"]
    assert (pins.evidence, pin.prompt, pin.settings) == ("seen", "p", {"model": "j"})
    assert len(pin.prompt_sha256) == 64
    with pytest.raises(RunMismatch, match="prompt_sha256"):
        await _judge(run, FakeJudge(prompt="q"))
    with pytest.raises(RunMismatch, match="seen"):
        await _judge(run, FakeJudge("k"), wanted=Wanted(evidence="gathered"))
    await _judge(run, FakeJudge("k"))
    again = read_pins(run)
    assert again is not None
    assert again.judges["j"] == pin
    assert set(again.judges) == {"j", "k"}


async def test_what_cannot_be_judged_says_so(run: Path, tmp_path: Path) -> None:
    """No run, a damaged pin file, and a run that is being judged."""
    with pytest.raises(NoSuchRun):
        await _judge(tmp_path / "nowhere", FakeJudge())
    assert not (tmp_path / "nowhere").exists()
    with JudgementFile(run), pytest.raises(RunBusy):
        await _judge(run, FakeJudge())
    (run / JUDGES).write_text(json.dumps({"version": 1, "evidence": "smelt"}))
    with pytest.raises(AnnotationError, match=r"judges\.json: evidence"):
        await _judge(run, FakeJudge())


@pytest.mark.slow
def test_judging_killed_twenty_times_ends_like_one_that_was_not(tmp_path: Path) -> None:
    """No verdict is lost or written twice, and only what was in flight is paid again."""
    script = ROOT / "tests" / "evals" / "killed_judging.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "20"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["recorded"]) == len(set(found["recorded"])) == 120
    assert set(found["paid"]) == set(found["recorded"])
    assert len(found["paid"]) <= 120 + 20 * 3
    assert found["unfinished"] >= 10


def _open(uid: str, text: str, *, looked: bool = True) -> SampleRecord:
    asked = item(
        uid, "Rome and Naples", benchmark="longvidsearch", question=Question(text="Which cities?"),
        evidence=[], group="2-Hop", categories=["Global_Summary"],
    )  # fmt: skip
    ledger = [evidence()] if looked else []
    answer = proven(ledger=ledger).model_dump() if looked else _blind("q").episode["answer"]
    given = Answer(**{**answer, "choice": None, "text": text})
    return record(asked, given, ledger)


async def test_open_answers_are_compared_with_the_published_one(tmp_path: Path) -> None:
    """With and without evidence; a set that has options as well is not compared."""
    with RecordFile(tmp_path / "samples.jsonl") as file:
        file.append(
            _open("q1", "They are rome and naples."), _open("q2", "Rome"),
            _open("q3", "Rome and Naples", looked=False), _seen("q4", 101),
        )  # fmt: skip
    judge = FakeJudge()
    assert await _judge(tmp_path, judge) == 4
    lines = {line.uid: line for line in read_judgements(tmp_path).values()}
    assert {uid: line.same for uid, line in lines.items()} == {
        "q1": True, "q2": False, "q3": True, "q4": None,
    }  # fmt: skip
    assert (lines["q1"].calls, lines["q1"].prompt_tokens, lines["q1"].differs) == (2, 16, "words")
    assert (lines["q3"].asked, lines["q3"].grounded, lines["q3"].calls) == (False, False, 1)
    assert {one.reference for one in judge.matched} == {"Rome and Naples"}
    assert await _judge(tmp_path, judge) == 0
    pins = read_pins(tmp_path)
    assert pins is not None
    assert pins.judges["j"].match == prompts.version("match")


async def test_a_run_judged_before_is_compared_now(tmp_path: Path) -> None:
    """Verdicts and pins of version 0.1.0 have no comparison; they are taken up and completed."""
    with RecordFile(tmp_path / "samples.jsonl") as file:
        file.append(_open("q1", "Rome and Naples"))
    await _judge(tmp_path, FakeJudge())
    for name in ("judgements.jsonl", JUDGES):
        old = (tmp_path / name).read_text().replace('"same":true,"differs":"words",', "")
        (tmp_path / name).write_text(old.replace('"match": "match-1",', ""))
    assert next(iter(read_judgements(tmp_path).values())).same is None
    assert await _judge(tmp_path, FakeJudge()) == 1
    assert next(iter(read_judgements(tmp_path).values())).same is True
