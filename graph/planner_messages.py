"""What the planner reads: its rules, its task, and the results of its tools.

All of it is stable text in a stable order: a run only ever adds to the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from videoseal.core.span import Span, format_time
from videoseal.graph.answers import Answer
from videoseal.graph.budget import Left
from videoseal.graph.context import Mode
from videoseal.graph.ledger import Evidence
from videoseal.indexing.index_rows import Hit
from videoseal.models.fence import escape_special
from videoseal.models.prompts import render, version_of
from videoseal.models.tool_text import brief_rules, describe_tools
from videoseal.models.types import Question
from videoseal.tools.schemas import ToolName, tool_specs

if TYPE_CHECKING:
    from videoseal.graph.state import PastQuestion

__all__ = [
    "answer_text",
    "error_payload",
    "finish_now",
    "hint_text",
    "hits_payload",
    "inspection_payload",
    "nudge",
    "outline_payload",
    "past_prompt",
    "plan_version",
    "planner_text",
    "struck_text",
    "system_prompt",
    "task_prompt",
    "too_early",
    "tool_names",
    "tool_text",
]

_HIT_TEXT: Final = 600
"""Characters of a hit that the planner reads."""


def system_prompt(mode: Mode) -> str:
    """The planner's rules; the same for every question of a mode."""
    ending = "planner_ending_coupled" if mode == "coupled" else "planner_ending"
    return render("planner", ending=render(ending))


def nudge() -> str:
    """What a turn without a call is told."""
    return render("planner_nudge")


def finish_now() -> str:
    """What a planner that has to answer is told when the search is over."""
    return render("planner_finish_now")


def planner_text() -> str:
    """All that a planner is told in any mode and form, with `{places}` for the data."""
    question = Question(text="{question}", options=["{option}"])
    tools = tool_specs(tool_names("coupled"))
    parts = [
        *(system_prompt(mode) for mode in ("decoupled", "coupled")),
        *(describe(tools) for describe in (describe_tools, brief_rules)),
        task_prompt(question, "{video}", 1.0),
        nudge(),
        finish_now(),
    ]
    return "\n\n".join(parts)


def plan_version() -> str:
    """The version of what the planner is told."""
    return version_of("plan", planner_text())


def tool_names(mode: Mode) -> tuple[ToolName, ...]:
    """The planner's tools; only `coupled` has a field for an answer."""
    search: tuple[ToolName, ...] = ("visual_retrieve", "overview", "visual_inspect", "give_up")
    return (*search, "finish") if mode == "coupled" else search


def task_prompt(question: Question, video_id: str, duration: float) -> str:
    """The planner's first message: the video's length and the question, nothing more."""
    return render(
        "planner_task",
        video_id=video_id,
        duration=format_time(duration),
        question=escape_special(question.render()),
    )


def tool_text(payload: Mapping[str, Any], left: Left) -> str:
    """A result as compact JSON with what is left of the budget, control tokens made harmless."""
    body = {**payload, "left": left}
    return escape_special(json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def error_payload(error: str, message: str) -> dict[str, Any]:
    """A failure that the planner can read."""
    return {"error": error, "message": " ".join(message.split())[:500]}


def hits_payload(hits: Sequence[Hit]) -> dict[str, Any]:
    """The hits of a search."""
    return {
        "hits": [
            {
                "id": hit.text_id,
                "span": str(hit.span),
                "kind": hit.kind,
                "text": " ".join(hit.text.split())[:_HIT_TEXT],
                "score": round(hit.score, 4),
            }
            for hit in hits
        ]
    }


def outline_payload(outline: str, duration: float) -> dict[str, Any]:
    """The outline of the video, line by line."""
    lines = [line for line in outline.splitlines() if line.strip()]
    return {"duration": format_time(duration), "lines": lines}


def inspection_payload(
    entry: Evidence, rejected: Sequence[Mapping[str, str]], *, with_answer: bool
) -> dict[str, Any]:
    """An inspection; the inspector's answer only where the planner has the last word."""
    found: dict[str, Any] = {
        "evidence": entry.id,
        "inspected": [str(Span(*span)) for span in entry.spans],
        "shown": len(entry.frames),
        "sufficient": entry.sufficient,
    }
    if entry.reason is not None:
        found["reason"] = entry.reason
    if entry.missing:
        found["missing"] = entry.missing
    found["observations"] = [
        {"time": format_time(seen.time, decimals=1), "text": seen.text}
        | ({} if seen.line is None else {"heard": True})
        for seen in entry.observations
    ]
    if with_answer and entry.sufficient:
        found["answer"] = entry.answer
        if entry.choice:
            found["choice"] = entry.choice
    if rejected:
        found["rejected"] = [dict(item) for item in rejected]
    return found


def too_early() -> str:
    """What a planner is told that gives up before it has searched and looked."""
    return render("planner_too_early")


def past_prompt(earlier: Sequence[PastQuestion]) -> str:
    """The thread's earlier questions and answers, which a new one may speak of.

    Not part of `plan_version`: whoever asks one question a thread never reads it.
    """
    said = [
        {
            "question": past.question.text,
            "video": past.video_id,
            "answer": past.answer or "none was found",
            "proven": past.proven,
            "seen": [str(Span(*span)) for span in past.seen],
        }
        for past in earlier
    ]
    lines = "\n".join(json.dumps(item, ensure_ascii=False) for item in said)
    return escape_special(render("planner_past", earlier=lines))


def hint_text(hint: str) -> str:
    """A person's hint, as the planner reads it."""
    return escape_special(render("planner_hint", hint=" ".join(hint.split())))


def struck_text(names: Sequence[str]) -> str:
    """What the planner is told when a person marked evidence as wrong."""
    return render("planner_struck", evidence=escape_special(", ".join(names)))


def answer_text(answer: Answer) -> str:
    """The outcome as a chat shows it, with where it was seen."""
    if answer.outcome == "abstained":
        return f"No proven answer: {answer.reason}."
    letter = f"({answer.choice}) " if answer.choice else ""
    if not answer.proven:
        label = "Forced guess" if answer.forced else "Unproven"
        return f"{letter}{answer.text}\n{label}: no inspected frame is claimed to carry this."
    heard = {line.start for cited in answer.citations for line in cited.lines}
    times = heard or {frame.time for cited in answer.citations for frame in cited.frames}
    moments = ", ".join(format_time(time) for time in sorted(times))
    return f"{letter}{answer.text}\n{'Heard' if heard else 'Seen'} at {moments}."
