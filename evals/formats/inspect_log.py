"""One system of a run as an eval log of Inspect, to be looked at in its viewer.

Version 2 of the log's JSON form, as inspect_ai 0.3 reads it
(https://inspect.aisi.org.uk/eval-logs.html). Every sample has its question, the planner's turns
with what the tools answered, the answer, scores and tokens; what Inspect has no place for, such as
the spans that were looked at, is in the metadata.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from videoseal.evals.records import SampleRecord
from videoseal.evals.scoring.sample_result import SampleResult, outcome_of
from videoseal.evals.scoring.scores import MEASURES, rate
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import score_frame

__all__ = ["SCORED", "inspect_log"]

SCORED: Final = ("accuracy", "grounded accuracy", "evidence hit")
"""Measures that a sample has a score for."""
_TEXT_LIMIT: Final = 20_000
"""Letters of a tool's answer that are kept."""


def inspect_log(records: Sequence[SampleRecord], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The log of these records, which are of one mode and variant; at least one.

    `manifest` is that of the run, or empty.
    """
    outcomes = [outcome_of(record) for record in records]
    frame = score_frame(outcomes)
    values = frame[[]].assign(**{name: MEASURES[name].values(frame) for name in SCORED})
    first = records[0]
    name = " ".join(filter(None, (first.item.benchmark, first.mode, first.variant)))
    times = sorted(record.finished for record in records)
    return {
        "version": 2,
        "status": "success",
        "eval": _spec(name, records, manifest),
        "results": {
            "total_samples": len(records),
            "completed_samples": sum(record.error is None for record in records),
            "scores": [_score(measure, rate(frame, measure)) for measure in SCORED],
        },
        "stats": {
            "started_at": str(manifest.get("created", times[0].isoformat())),
            "completed_at": times[-1].isoformat(),
            "model_usage": _model_usage(outcomes),
        },
        "samples": [
            _sample(*each)
            for each in zip(records, outcomes, values.to_dict("records"), strict=True)
        ],
    }


def _spec(
    name: str, records: Sequence[SampleRecord], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    first = records[0]
    made_of = f"{manifest.get('dataset_sha256', '')} {manifest.get('created', '')} {name}"
    identity = hashlib.sha256(made_of.encode()).hexdigest()[:22]
    models = dict((first.episode or {}).get("models") or manifest.get("models") or {})
    commit = str(manifest.get("git", ""))
    return {
        "eval_id": identity, "run_id": identity, "task_id": identity,
        "created": str(manifest.get("created", first.finished.isoformat())),
        "task": name,
        "dataset": {
            "name": first.item.benchmark, "samples": len(records),
            "sample_ids": [record.item.uid for record in records],
        },
        "model": models.get("planner", "unknown"),
        "config": {"epochs": 1},
        "packages": dict(manifest.get("packages", {})),
        "metadata": {
            "mode": first.mode, "variant": first.variant, "models": models,
            "dataset_sha256": manifest.get("dataset_sha256", ""), "git": commit,
        },
    }  # fmt: skip


def _score(measure: str, found: Estimate) -> dict[str, Any]:
    values = {"mean": found.mean, "low_95": found.low, "high_95": found.high}
    return {
        "name": measure, "scorer": "videoseal", "scored_samples": found.n,
        "metrics": {
            name: {"name": name, "value": value}
            for name, value in values.items()
            if not math.isnan(value)  # an interval over one video is none
        },
        "metadata": {"intervals": "95 %, clustered by video"},
    }  # fmt: skip


def _sample(
    record: SampleRecord, outcome: SampleResult, values: Mapping[str, float]
) -> dict[str, Any]:
    item, episode = record.item, record.episode or {}
    messages = _messages(record)
    made: dict[str, Any] = {
        "id": item.uid, "epoch": 1, "input": item.question.text, "target": item.answer,
        "messages": messages,
        "output": _output(outcome, episode),
        "scores": {name: _verdict(value, outcome) for name, value in values.items()
                   if not math.isnan(value)},
        "metadata": {
            "video": item.video, "duration": record.duration, "categories": item.categories,
            "group": item.group, "gold": item.evidence, "answerable": item.answerable,
            "status": outcome.status, "looked": _spans(episode.get("evidence", [])),
            "cited": _spans((episode.get("answer") or {}).get("citations", [])),
            "semantic": record.semantic,
        },
        "model_usage": _model_usage([outcome]),
        "completed_at": record.finished.isoformat(),
        "total_time": record.seconds, "working_time": record.seconds,
    }  # fmt: skip
    if item.question.options:
        made["choices"] = item.question.options
    if record.error is not None:
        said = f"{record.error.type}: {record.error.message}"
        trace = record.error.traceback or said
        made["error"] = {"message": said, "traceback": trace, "traceback_ansi": trace}
    return made


def _messages(record: SampleRecord) -> list[dict[str, Any]]:
    """The question, every turn of the planner with its tool's answer, and the answer."""
    asked = [record.item.question.text, *record.item.question.lettered()]
    found: list[dict[str, Any]] = [{"role": "user", "content": "\n".join(asked), "source": "input"}]
    episode = record.episode or {}
    for step in episode.get("steps", []):
        turn: dict[str, Any] = {"role": "assistant", "content": step.get("said", "")}
        found.append(turn)
        if step.get("tool"):
            call = f"step-{step['number']}"
            turn["tool_calls"] = [
                {"id": call, "function": step["tool"], "arguments": step.get("args", {})}
            ]
            text = json.dumps(step.get("result", {}), ensure_ascii=False)[:_TEXT_LIMIT]
            found.append(
                {"role": "tool", "content": text, "tool_call_id": call, "function": step["tool"]}
            )
    if answer := episode.get("answer"):
        found.append({"role": "assistant", "content": _said(answer)})
    return found


def _said(answer: Mapping[str, Any]) -> str:
    letter = f"({answer['choice']}) " if answer.get("choice") else ""
    text = f"{letter}{answer.get('text', '')}".strip() or f"no answer: {answer.get('cause')}"
    return "\n\n".join(filter(None, (text, answer.get("reason", ""))))


def _output(outcome: SampleResult, episode: Mapping[str, Any]) -> dict[str, Any]:
    model = str((episode.get("models") or {}).get("answerer", ""))
    said = outcome.letter or outcome.text
    message = {"role": "assistant", "content": said}
    return {
        "model": model,
        "choices": [{"message": message, "stop_reason": "stop"}],
        "completion": said,
    }


def _verdict(value: float, outcome: SampleResult) -> dict[str, Any]:
    """`C` and `I` as Inspect writes them, so that its viewer colours and filters them."""
    return {"value": "C" if value else "I", "answer": outcome.letter or outcome.status}


def _model_usage(outcomes: Sequence[SampleResult]) -> dict[str, dict[str, int]]:
    """Tokens by model."""
    found: dict[str, dict[str, int]] = {}
    for model, used in (each for outcome in outcomes for each in outcome.tokens()):
        entry = found.setdefault(
            model or "unknown", {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        )
        entry["input_tokens"] += used.prompt_tokens
        entry["output_tokens"] += used.completion_tokens
        entry["total_tokens"] += used.prompt_tokens + used.completion_tokens
    return found


def _spans(entries: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    return [list(span) for entry in entries for span in entry["spans"]]
