"""Logs for Inspect: every field is one that it knows, and nothing of a record is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.evals.made import item, proven, record
from videoseal.evals.formats.inspect_log import SCORED, inspect_log
from videoseal.evals.records import SampleError, SampleRecord

INSPECT = Path(sys.prefix) / "inspect" / "bin" / "python"
KNOWN = {
    "log": {"version", "status", "eval", "results", "stats", "samples"},
    "eval": {"eval_id", "run_id", "task_id", "created", "task", "dataset", "model", "config",
             "packages", "metadata"},
    "results": {"total_samples", "completed_samples", "scores"},
    "score": {"name", "scorer", "scored_samples", "metrics", "metadata"},
    "stats": {"started_at", "completed_at", "model_usage"},
    "sample": {"id", "epoch", "input", "target", "choices", "messages", "output", "scores",
               "metadata", "model_usage", "completed_at", "total_time", "working_time", "error"},
    "message": {"role", "content", "source", "tool_calls", "tool_call_id", "function"},
    "call": {"id", "function", "arguments"},
    "output": {"model", "choices", "completion"},
    "usage": {"input_tokens", "output_tokens", "total_tokens"},
    "error": {"message", "traceback", "traceback_ansi"},
}  # fmt: skip
"""Fields of inspect_ai 0.3.285 that a log may have here; it refuses or drops others."""
NEEDED = {
    "eval": {"created", "task", "dataset", "model", "config"},
    "sample": {"id", "epoch", "input", "target"},
    "error": {"message", "traceback", "traceback_ansi"},
}
"""Fields without which it reads no log."""


def _records() -> list[SampleRecord]:
    right, wrong = record(item("q1"), proven("B")), record(item("q2", video="v2"), proven("A"))
    assert right.episode is not None
    right.episode["steps"] = [
        {"number": 1, "said": "look", "tool": "visual_retrieve", "args": {"query": "sign"},
         "result": {"hits": [1]}},
        {"number": 2, "said": "so", "tool": None, "args": {}, "result": {}},
    ]  # fmt: skip
    right.episode["models"] = {"planner": "p", "answerer": "a"}
    right.episode["usage"]["planner"] = {"prompt_tokens": 10, "completion_tokens": 5}
    failed = record(item("q3"), error=SampleError(type="TimeoutError", message="no end"))
    return [right, wrong, failed, record(item("q4", answer="", answerable=False, evidence=[]))]


def _check(kind: str, found: dict[str, Any]) -> None:
    assert set(found) <= KNOWN[kind], kind
    assert NEEDED.get(kind, set()) <= set(found), kind


def test_log_has_only_fields_that_inspect_knows() -> None:
    """Every object of the log is within the pinned form, and whole."""
    log = json.loads(json.dumps(inspect_log(_records(), {"dataset_sha256": "a", "packages": {}})))
    for kind in ("eval", "results", "stats"):
        _check(kind, log[kind])
    _check("log", log)
    for found in log["results"]["scores"]:
        _check("score", found)
    for sample in log["samples"]:
        _check("sample", sample)
        _check("output", sample["output"])
        for message in sample["messages"]:
            _check("message", message)
            for call in message.get("tool_calls", []):
                _check("call", call)
        for used in sample["model_usage"].values():
            _check("usage", used)
        if "error" in sample:
            _check("error", sample["error"])


def test_log_says_what_the_records_say() -> None:
    """Scores by sample and in all, the planner's calls with their answers, errors, tokens."""
    log = inspect_log(_records(), {})
    samples = {sample["id"]: sample for sample in log["samples"]}
    assert [samples[uid]["scores"]["accuracy"]["value"] for uid in ("q1", "q2", "q3")] == [
        "C", "I", "I",
    ]  # fmt: skip
    assert "accuracy" not in samples["q4"]["scores"]
    accuracy = next(s for s in log["results"]["scores"] if s["name"] == "accuracy")
    assert accuracy["metrics"]["mean"]["value"] == pytest.approx(1 / 3)
    assert accuracy["scored_samples"] == 3
    assert {s["name"] for s in log["results"]["scores"]} == set(SCORED)
    roles = [message["role"] for message in samples["q1"]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "assistant"]
    call = samples["q1"]["messages"][1]["tool_calls"][0]
    assert (call["function"], call["arguments"]) == ("visual_retrieve", {"query": "sign"})
    assert samples["q1"]["messages"][2]["tool_call_id"] == call["id"]
    assert samples["q1"]["model_usage"] == {
        "p": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    }
    assert samples["q3"]["error"]["message"] == "TimeoutError: no end"
    assert log["results"]["completed_samples"] == 3
    assert samples["q2"]["metadata"]["looked"] == [[98.0, 106.0]]


@pytest.mark.slow
@pytest.mark.skipif(not INSPECT.exists(), reason="`make inspect` was not called")
def test_inspect_reads_the_log(tmp_path: Path) -> None:
    """Inspect itself, in an environment of its own, finds the same samples in the file."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps(inspect_log(_records(), {})), encoding="utf-8")
    code = (
        "import sys; from inspect_ai.log import read_eval_log\n"
        "print(*(sample.id for sample in read_eval_log(sys.argv[1]).samples))"
    )
    read = subprocess.run([INSPECT, "-c", code, path], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    assert read.stdout.split() == ["q1", "q2", "q3", "q4"]
