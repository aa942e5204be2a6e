"""What each role is told: one file each in this folder, and what is put into them.

The stable part comes first and what changes from call to call last, so that servers can reuse
their prefix caches. Everything that comes from outside is fenced. A prompt's version is the hash
of its text; the texts that runs and indexes are recorded under have names, in `released.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from string import Template

from videoseal.core.span import Span, format_time
from videoseal.models.fence import fence
from videoseal.models.types import (
    AnswerRequest,
    CaptionRequest,
    EvidenceLine,
    EvidenceNote,
    InspectRequest,
    JudgeRequest,
    MatchRequest,
    Observation,
    Question,
    SpokenLine,
)

__all__ = [
    "answer_task",
    "caption_task",
    "evidence_text",
    "inspect_task",
    "judge_prompt",
    "judge_task",
    "match_task",
    "render",
    "repair",
    "role_texts",
    "story_task",
    "version",
    "version_of",
]


@cache
def _file(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8").removesuffix("\n")


def render(name: str, **values: str | None) -> str:
    """The text of `<name>.md` with its `$places` filled in.

    A paragraph with a place whose value is None is left out. `$untrusted` is always the same
    sentence. Raises KeyError for a place without a value.
    """
    given = {"untrusted": _file("untrusted.md"), **values}
    paragraphs = [Template(part) for part in _file(f"{name}.md").split("\n\n")]
    return "\n\n".join(
        part.substitute(given)
        for part in paragraphs
        if not any(given[place] is None for place in part.get_identifiers())
    )


def version(role: str) -> str:
    """The version of what `inspect`, `answer`, `caption`, `story`, `judge` or `match` is told."""
    return version_of(role, role_texts()[role])


def version_of(role: str, text: str) -> str:
    """The name of a released text, else the role with the start of the text's hash."""
    found = hashlib.sha256(text.encode("utf-8")).hexdigest()
    released: dict[str, str] = json.loads(_file("released.json"))
    return released.get(found, f"{role}-{found[:8]}")


def role_texts() -> dict[str, str]:
    """All that each role but the planner is ever told, with `{places}` for the data."""
    question = Question(text="{question}", options=["{option}"])
    inspection = InspectRequest(question, [Span(0, 1)], [], 1.0, ["{look_for}"], "{notes}", True)
    said = SpokenLine(start=0, end=1, text="{line}", source="{source}")
    note = EvidenceNote(
        id="{id}",
        spans=[(0, 1)],
        shown=[0],
        sufficient=False,
        observations=[Observation(time=0, text="{seen}")],
        missing="{missing}",
    )
    match = MatchRequest(question, "{answer}", "{reference}")
    clip = CaptionRequest(Span(0, 1), [], on_screen=["{word}"])
    asked = {
        "inspect": [render("inspect"), inspect_task(inspection), repair("{problem}")],
        # Told where there are lines; without any an inspection is told what it always was.
        "heard": [inspect_task(replace(inspection, lines=[said]))],
        "answer": [
            render("answer"),
            answer_task(AnswerRequest(question, [note], True)),
            repair("{problem}"),
        ],
        "caption": [render("caption"), caption_task(clip), repair("{problem}")],
        "story": [render("story"), render("story_join"), story_task(["{line}"])],
        "judge": [judge_prompt(), repair("{problem}")],
        "match": [render("match"), match_task(match), repair("{problem}")],
    }
    return {role: "\n\n".join(texts) for role, texts in asked.items()}


def inspect_task(request: InspectRequest) -> str:
    """What stands before the frames: the question, the place, what the planner may add."""
    return render(
        "inspect_task",
        question=fence("question", request.question.render()),
        duration=format_time(request.duration),
        spans=_listed(request.spans),
        lines=fence("spoken", _spoken(request.lines)) if request.lines else None,
        look_for=fence("look_for", "\n".join(request.focus)) if request.focus else None,
        notes=fence("notes", request.notes) if request.notes else None,
        forced=render("forced") if request.forced else None,
    )


def answer_task(request: AnswerRequest) -> str:
    """The question and the evidence ledger."""
    return render(
        "answer_task",
        question=fence("question", request.question.render()),
        evidence=fence("evidence", "\n\n".join(_note(note) for note in request.evidence)),
        forced=render("forced") if request.forced else None,
    )


def caption_task(request: CaptionRequest) -> str:
    """What stands before the frames of a clip."""
    words = fence("read_text", "\n".join(request.on_screen)) if request.on_screen else None
    return render("caption_task", span=str(request.span), words=words)


def story_task(lines: list[str]) -> str:
    """The notes or accounts to retell."""
    return fence("account", "\n".join(lines))


def judge_task(request: JudgeRequest) -> str:
    """The question, the proposed answer and the evidence, each fenced."""
    letter = f"({request.choice}) " if request.choice else ""
    return render(
        "judge_task",
        question=fence("question", request.question.render()),
        answer=fence("proposed_answer", letter + " ".join(request.answer.split())),
        evidence=fence("evidence", evidence_text(request)),
    )


def match_task(request: MatchRequest) -> str:
    """The question, the reference and the proposed answer, each fenced."""
    return render(
        "match_task",
        question=fence("question", request.question.render()),
        reference=fence("reference_answer", " ".join(request.reference.split())),
        answer=fence("proposed_answer", " ".join(request.answer.split())),
    )


def evidence_text(request: JudgeRequest) -> str:
    """The numbered lines of evidence as a judge reads them, one below the other."""
    lines = [
        f"{number}. [{_when(line)}] {' '.join(line.text.split())}"
        for number, line in enumerate(request.evidence, start=1)
    ]
    if request.left_out:
        lines.append(f"(Not given for want of room: {request.left_out} more lines.)")
    return "\n".join(lines)


def judge_prompt() -> str:
    """Everything that is the same in all requests to a judge, to be pinned with its verdicts."""
    question = Question(text="{question}", options=["{option}"])
    lines = [EvidenceLine(0, 0, "{seen}"), EvidenceLine(0, 1, "{found}")]
    task = judge_task(JudgeRequest(question, "A", "{answer}", lines, left_out=1))
    return f"{render('judge')}\n\n{task}"


def repair(problem: str) -> str:
    """The second and last request for a reply of the right form."""
    return render("repair", problem=fence("problem", problem))


def _listed(spans: list[Span]) -> str:
    return ", ".join(str(span) for span in spans)


def _spoken(lines: Sequence[SpokenLine]) -> str:
    return "\n".join(
        f"[{number}] {format_time(line.start, decimals=1)}-{format_time(line.end, decimals=1)}"
        f" ({line.source}) {' '.join(line.text.split())}"
        for number, line in enumerate(lines, start=1)
    )


def _when(line: EvidenceLine) -> str:
    start = format_time(line.start)
    return start if line.end <= line.start else f"{start}-{format_time(line.end)}"


def _note(note: EvidenceNote) -> str:
    spans = _listed([Span(start, end) for start, end in note.spans])
    verdict = "sufficient" if note.sufficient else note.reason or "not sufficient"
    lines = [f"note {note.id}: looked at {spans}, {len(note.shown)} frames, {verdict}"]
    if note.earlier:
        lines.append(f"- looked at for an earlier question: {' '.join(note.earlier.split())}")
    for seen in note.observations:
        how = "" if seen.line is None else "said: "
        lines.append(f"- {format_time(seen.time, decimals=1)} {how}{' '.join(seen.text.split())}")
    if note.missing:
        lines.append(f"- still missing: {' '.join(note.missing.split())}")
    return "\n".join(lines)
