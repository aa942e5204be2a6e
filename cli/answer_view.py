"""What a person sees of a run: lines while it happens, then the answer with its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from videoseal.cli.output import clock, near, notes, results
from videoseal.core.span import Span, format_time
from videoseal.core.text import plain

if TYPE_CHECKING:
    from rich.console import Console

    from videoseal.graph.answers import Answer, Citation
    from videoseal.graph.episode import Episode
    from videoseal.graph.proof.evidence_folder import EvidenceFolder

__all__ = ["EventLines", "print_answer"]

_HITS: Final = 3
_SPANS: Final = 2
_WIDTH: Final = 88
_MOST_FRAMES: Final = 4


class EventLines:
    """One line for each thing the agent does."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: Any) -> None:
        """Print the event's line, if it has one."""
        describe = getattr(self, f"_{event.event}", None)
        if describe is not None:
            for line in describe(event):
                self._console.print(_cut(line), soft_wrap=True)

    def _started(self, event: Any) -> list[str]:
        length = format_time(event.duration)
        how = "going on with" if event.resumed else "asking"
        return [f"{how} {plain(event.title)} ({length}): {plain(event.question)}"]

    def _retrieved(self, event: Any) -> list[str]:
        lines = [f"{event.step:>3}  searched  {plain(event.query)}"]
        for hit in event.hits[:_HITS]:
            lines.append(f"       found   {hit.get('span', '')}  {plain(str(hit.get('text', '')))}")
        if not event.hits:
            lines.append("       found   nothing")
        return lines

    def _overviewed(self, event: Any) -> list[str]:
        return [f"{event.step:>3}  skimmed   the outline ({event.lines} lines)"]

    def _inspected(self, event: Any) -> list[str]:
        entry = event.evidence
        spans = ", ".join(str(Span(*pair)) for pair in entry.spans[:_SPANS])
        more = f" and {len(entry.spans) - _SPANS} more" if len(entry.spans) > _SPANS else ""
        verdict = "sufficient" if entry.sufficient else str(entry.reason)
        return [
            f"{event.step:>3}  looked at {spans}{more}",
            f"       saw     {len(entry.frames)} frames: {verdict} ({entry.id})",
        ]

    def _refused(self, event: Any) -> list[str]:
        return [f"{event.step:>3}  refused   {plain(event.error)}: {plain(event.message)}"]

    def _rejected(self, event: Any) -> list[str]:
        return [f"{event.step:>3}  rejected  {plain(event.reason)}"]


def print_answer(episode: Episode, folder: EvidenceFolder) -> None:
    """Print the outcome, what proves it, what it cost, and where the evidence lies."""
    console = results()
    for line in _outcome(episode):
        console.print(line, soft_wrap=True)
    for citation in episode.answer.citations:
        for line in _proof(citation, folder):
            console.print(line, soft_wrap=True)
    total = episode.usage["total"]
    console.print(
        f"cost      {len(episode.steps)} steps, {total.frames} frames, {total.calls} model calls, "
        f"{total.prompt_tokens + total.completion_tokens} tokens, {episode.timings.total:.1f} s"
        + (f", ${episode.dollars:.4f}" if episode.dollars else ""),
        soft_wrap=True,
    )
    if folder.problem is None:
        console.print(f"evidence  {near(folder.path)}", soft_wrap=True)
    if folder.frames:
        console.print(f"picture   {near(folder.contact_sheet)}", soft_wrap=True)
    if folder.page:
        console.print(f"page      {near(folder.page)}", soft_wrap=True)
    if folder.clips:
        console.print(f"clips     {', '.join(map(near, folder.clips))}", soft_wrap=True)
    if folder.missing:
        lost = f"{folder.missing} frames are neither cached nor in the video file any more"
        notes().print(f"warning: {lost}", soft_wrap=True)


def _outcome(episode: Episode) -> list[str]:
    answer = episode.answer
    if episode.error is not None:
        return ["answer    none: the run failed"]
    if answer.outcome == "abstained":
        return [f"answer    none: {plain(answer.reason) or answer.cause}"]
    letter = f"({answer.choice}) " if answer.choice else ""
    return [f"answer    {letter}{plain(answer.text)}", f"proof     {_standing(answer)}"]


def _standing(answer: Answer) -> str:
    if answer.proven:
        count = len(answer.citations)
        return f"yes, by {count} inspection{'' if count == 1 else 's'}"
    return "none: a forced guess" if answer.forced else "none: the planner's own word"


def _proof(citation: Citation, folder: EvidenceFolder) -> list[str]:
    times = [frame.time for frame in citation.frames]
    spans = [Span(*pair) for pair in citation.spans]
    held = [span for span in spans if any(span.contains(time) for time in times)]
    lines = [f"  {citation.evidence:<6}  {', '.join(str(span) for span in held)}"]
    said = {
        plain(line.text): f"{clock(line.start)}, {plain(line.source)}" for line in citation.lines
    }
    seen = [text for text in dict.fromkeys(map(plain, citation.seen)) if text not in said]
    lines += [f"          seen: {_cut(text)}" for text in seen[:3]]
    lines += [f"          said: {_cut(text)} ({where})" for text, where in [*said.items()][:3]]
    for time in times[:_MOST_FRAMES]:
        where = near(folder.frames[time]) if time in folder.frames else "(not saved)"
        lines.append(f"          {clock(time)}  {where}")
    if len(times) > _MOST_FRAMES:
        lines.append(f"          and {len(times) - _MOST_FRAMES} more frames")
    return lines


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"
