"""The demonstration: three questions whose answers are held against the truth."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from videoseal.cli.demo import check, choose
from videoseal.core.errors import VideosealError
from videoseal.evals.item import Item
from videoseal.models.types import Question

TRANSCRIPT = Path(__file__).parents[2] / "docs" / "demo.txt"


def labels(text: str) -> set[str]:
    """The words that lines of an answer begin with, and those that tell a step."""
    return set(re.findall(r"^(?: *\d+ | {6})? ?([a-z]+(?: at)?) {2,}", text, re.MULTILINE))


def item(uid: str, text: str = "What?", **values) -> Item:
    """A question of a generated video."""
    given = {"answer": "A", "needs": "text", "evidence": [(10.0, 12.0)], **values}
    if not given.get("answerable", True):
        given.update(answer="", evidence=[])
    return Item(
        benchmark="lvbench", uid=uid, video="v", categories=["x"],
        question=Question(text=text, options=["a", "b"]), **given,
    )  # fmt: skip


def episode(choice: str | None, *times: float, proven: bool = True, error=None):
    """As much of an episode as is held against the truth."""
    citations = [SimpleNamespace(frames=[SimpleNamespace(time=time) for time in times])]
    answer = SimpleNamespace(
        choice=choice, outcome="answered" if choice else "abstained", citations=citations,
        proven=proven,
    )  # fmt: skip
    return SimpleNamespace(answer=answer, error=error)


def test_three_kinds_of_questions_are_chosen():
    """One moment, two moments, no answer; pictures and Chinese come only where nothing else is."""
    items = [
        item("chinese none", "谁?", answerable=False),
        item("visual", needs="visual"),
        item("chinese", "什么?"),
        item("single"),
        item("double", evidence=[(1.0, 2.0), (5.0, 6.0)]),
        item("none", answerable=False),
    ]
    assert [i.uid for i in choose(items)] == ["single", "double", "none"]
    assert [i.uid for i in choose(items[:4])] == ["single", "chinese", "chinese none"]


@pytest.mark.parametrize("uids", [[], ["single", "other"], ["single", "none"]])
def test_too_few_questions_are_said(uids):
    """A video without the three kinds asks for another seed."""
    with pytest.raises(VideosealError, match="too few"):
        choose([item(uid, answerable=uid != "none") for uid in uids])


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (episode("A", 11.0), True),
        (episode("A", 9.0, 12.0), False),
        (episode("B", 11.0), False),
        (episode(None), False),
        (episode("A", 11.0, proven=False), False),
        (episode(None, error=SimpleNamespace(message="gone")), False),
    ],
)
def test_only_right_and_proven_answers_pass(found, passed):
    """An answer passes when its letter is right and a cited frame lies inside the gold span."""
    assert check(found, item("x")).passed is passed


@pytest.mark.parametrize(("found", "passed"), [(episode(None), True), (episode("A", 11.0), False)])
def test_unanswerable_passes_by_abstention(found, passed):
    """Where nothing answers, any answer is wrong."""
    assert check(found, item("x", answerable=False)).passed is passed


@pytest.mark.slow
def test_demo_proves_itself_and_resumes(empty, monkeypatch):
    """A minute of video is made, indexed and asked; the second run makes and indexes nothing."""
    first = empty.run("demo", "--minutes", "1")
    assert first.exit_code == 0, first.stdout + first.stderr
    assert "all three hold" in first.stdout
    assert first.stdout.count("truth     ") == 3
    assert first.stdout.count("contact.jpg") == 3
    assert "scan: " in first.stderr
    assert labels(TRANSCRIPT.read_text("utf-8")) >= labels(first.stdout + first.stderr)
    monkeypatch.setattr("videoseal.cli.demo.choose", lambda items: [])
    second = empty.run("demo", "--minutes", "1", "--json")
    assert second.exit_code == 0
    assert json.loads(second.stdout)["passed"] is True
    assert "scan: " not in second.stderr
    assert "generate: " not in second.stderr
