"""Training tasks on disk: what is written is read back, and nothing gold reaches the policy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from tests.evals.made import item
from tests.shared_data import DATA, needs_data
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.item import Item
from videoseal.graph.planner_messages import system_prompt, task_prompt, tool_names
from videoseal.models.tool_text import as_text_messages
from videoseal.models.types import Question
from videoseal.rl.data.tasks import TrainTask, read_label, read_tasks, task_of, write_tasks
from videoseal.tools.schemas import tool_specs

VIDEO = "v0123456789abcdef"
PUBLISHED = DATA / "cgbench_mini.json"


def _policy_reads(task: TrainTask) -> str:
    """All that a rollout of this task opens with."""
    label = read_label(task.label)
    opening = [
        SystemMessage(system_prompt("decoupled")),
        HumanMessage(task_prompt(label.item.question, label.video_id, label.duration)),
    ]
    messages = as_text_messages(opening, tool_specs(tool_names("decoupled")))
    return "\n".join(str(message.text) for message in messages)


def _twin(asked: Item) -> Item:
    """The same question with everything gold changed."""
    letters = [letter for letter in asked.question.letters if letter != asked.answer]
    return asked.model_copy(
        update={
            "answer": letters[0], "evidence": [(1.25, 2.5)], "categories": ["other"],
            "group": "other", "needs": "sound", "uid": "other", "scoring_points": ["a point"],
        }
    )  # fmt: skip


def test_nothing_gold_is_in_what_the_policy_reads() -> None:
    """Answer, spans and labels may all change, and its prompt stays the same to the letter."""
    asked = item(evidence=[(4127.125, 4391.875)], needs="text")
    ours, other = (task_of(i, VIDEO, 5000.0) for i in (asked, _twin(asked)))
    assert ours.prompt == other.prompt
    assert _policy_reads(ours) == _policy_reads(other)
    for gold in ("4127", "4391", "01:08:47", "01:13:11", "key information"):
        assert gold not in _policy_reads(ours) + ours.prompt
        assert gold in ours.label or gold.startswith("01:")


@needs_data
def test_nothing_gold_of_a_real_benchmark_is_in_what_the_policy_reads() -> None:
    """The set that planners are trained on: 200 of its questions."""
    for asked in benchmark("cgbench").load(PUBLISHED)[:200]:
        ours, other = (task_of(i, VIDEO, 9000.0) for i in (asked, _twin(asked)))
        assert ours.prompt == other.prompt
        assert _policy_reads(ours) == _policy_reads(other)


def test_tasks_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Line for line, whatever characters a question holds."""
    odd = Question(text="Which one\u2028\u0085 is “it”?", options=["a\nb", "c\u2029"])
    tasks = [task_of(item(), VIDEO, 600.0), task_of(item(question=odd), VIDEO, 60.5)]
    path = tmp_path / "deep" / "train.jsonl"
    write_tasks(path, tasks)
    assert read_tasks(path) == tasks
    assert read_label(tasks[1].label).item.question == odd
    assert set(json.loads(path.read_bytes().split(b"\n")[0])) == {"prompt", "label"}
    assert os.listdir(path.parent) == ["train.jsonl"]


def test_bad_tasks_are_named(tmp_path: Path) -> None:
    """File, line and field, also inside the label."""
    good = task_of(item(), VIDEO, 600.0)
    label = json.loads(good.label)
    label["item"]["answer"] = "Z"
    bad = good.model_copy(update={"label": json.dumps(label)})
    path = tmp_path / "train.jsonl"
    write_tasks(path, [good, bad])
    with pytest.raises(AnnotationError, match=r"train.jsonl:2: label: item: .*'Z'"):
        read_tasks(path)
    path.write_text('{"prompt": "x"}\n')
    with pytest.raises(AnnotationError, match=r"train.jsonl:1: label: Field required"):
        read_tasks(path)
    with pytest.raises(AnnotationError, match="no tasks"):
        read_tasks(tmp_path / "none.jsonl")
