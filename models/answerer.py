"""The answerer at an endpoint: joins the notes of several inspections."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from videoseal.models import prompts
from videoseal.models.reading.reply_schema import NULL, SHARE, either, listing, obj, one_of, text
from videoseal.models.reading.wire import Flag, Share, Texts, Wire, Words
from videoseal.models.structured import Form, Malformed, StructuredRole, answer_of
from videoseal.models.types import AnswerDraft, AnswerRequest, Reply

__all__ = ["ChatAnswerer"]


class ChatAnswerer(StructuredRole):
    """Joins partial evidence through an OpenAI-compatible endpoint.

    A forced request always gets an answer (and a letter where there are options); `supported`
    still says whether the evidence carries it.
    """

    role = "answerer"
    told = "answer"

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        """Propose an answer that cites the ledger; raises ModelError."""
        form = Form(_Draft, lambda wire: _draft(wire, request), _rules(request))
        return await self._ask(prompts.answer_task(request), lambda _: form)


class _Draft(Wire):
    decides = "supported"
    # The reason comes before the answer, so that the answer can follow from it.
    why: Words = ""
    supported: Flag
    answer: Words = ""
    choice: Any = None
    cites: Texts = Field(default_factory=list)
    confidence: Share = 0.0


def _rules(request: AnswerRequest) -> dict[str, Any]:
    """All that a draft must be, as a schema: one shape for yes and one for no."""
    letter = one_of(*request.question.letters) if request.question.options else NULL
    ids = [note.id for note in request.evidence]
    cited = listing(one_of(*ids), len(ids), 1) if ids else None
    none, answer = listing(text(0), 0), text(300, 1)
    guess = (answer, letter, cited or none) if request.forced else (one_of(""), NULL, none)

    def shape(carried: bool, answer: Any, choice: Any, cites: Any) -> Any:
        return obj(
            why=text(500), supported=one_of(carried), answer=answer, choice=choice, cites=cites,
            confidence=SHARE,
        )  # fmt: skip

    no = shape(False, *guess)
    return either(shape(True, answer, letter, cited), no) if cited else no


def _draft(wire: _Draft, request: AnswerRequest) -> AnswerDraft:
    """The draft, if it holds together; Malformed says what does not."""
    answers = wire.supported or request.forced
    answer, choice = answer_of(wire, request.question, due=answers)
    known = {note.id.casefold(): note.id for note in request.evidence}
    cites = [_id(cite) for cite in wire.cites] if answers else []
    if strangers := [cite for cite in cites if cite not in known]:
        named = ", ".join(known.values())
        raise Malformed(f'"cites" names {strangers[0]!r:.20}; the notes are {named}')
    if wire.supported and not cites:
        raise Malformed('"supported" is true, but "cites" is empty')
    return AnswerDraft(
        supported=wire.supported,
        answer=answer,
        choice=choice,
        cites=list(dict.fromkeys(known[cite] for cite in cites)),
        why=wire.why.strip(),
        confidence=wire.confidence,
    )


def _id(cite: str) -> str:
    """An id as it is also written: `note e1`, `[E1]`."""
    return re.sub(r"^(?:note|evidence|id)\b", "", cite.strip().casefold()).strip(" \"'[]():#.")
