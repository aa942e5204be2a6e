"""A run as a page to read: what was asked, each step, and what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from videoseal.core.span import format_time
from videoseal.core.text import plain

if TYPE_CHECKING:
    from videoseal.graph.answers import Answer
    from videoseal.graph.episode import Episode, Step

__all__ = ["said_lines", "trajectory", "verdict"]

_FENCE = "~~~~"


def trajectory(episode: Episode) -> str:
    """Markdown of the whole run; words of models and of the video stand in fenced blocks only."""
    parts = [
        f"# {_inline(episode.question.text)}",
        *(f"- {_inline(line)}" for line in episode.question.lettered()),
        f"\n**{_inline(verdict(episode))}**",
        *(f"\n> {_inline(line)}" for line in said_lines(episode.answer)),
        f"\nVideo `{episode.video_id}`, mode `{episode.context.mode}`, "
        f"{episode.timings.total:.1f} s. Models:",
        *(f"- {role}: {_inline(name)}" for role, name in episode.models.items()),
        *(_step(step) for step in episode.steps),
    ]
    return "\n".join(parts) + "\n"


def verdict(episode: Episode) -> str:
    """The outcome in one line."""
    answer = episode.answer
    if episode.error is not None:
        return f"Failed: {episode.error.message}"
    if answer.outcome == "abstained":
        return f"No answer: {answer.reason or answer.cause}"
    letter = f"({answer.choice}) " if answer.choice else ""
    return f"{letter}{answer.text}  [{'proven' if answer.proven else 'not proven'}]"


def said_lines(answer: Answer) -> list[str]:
    """The lines that an answer rests on, each once, with their times and where they come from."""
    return list(
        dict.fromkeys(
            f"{format_time(line.start, decimals=1)} \u201c{plain(line.text)}\u201d ({line.source})"
            for cited in answer.citations
            for line in cited.lines
        )
    )


def _step(step: Step) -> str:
    lines = [f"\n## {step.number}. {step.tool or 'no tool'}"]
    if step.said:
        lines.append(_fenced(step.said))
    if step.tool:
        lines.append(_fenced(_json(step.args)))
    lines.append(_fenced(_json(step.result)))
    lines.append(f"{step.model_seconds:.2f} s in models, {step.tool_seconds:.2f} s in tools")
    return "\n".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _fenced(text: str) -> str:
    safe = text.replace("~~~", "~ ~ ~")
    return f"{_FENCE}\n{safe}\n{_FENCE}"


def _inline(text: str) -> str:
    """One line in which no markup of Markdown or HTML has an effect."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|!" else letter for letter in plain(text))
