"""The answerer at an endpoint: joins the notes of several inspections."""

from __future__ import annotations

from videoseal.models import prompts
from videoseal.models.structured import Form, Malformed, StructuredRole, Wire, answer_of
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
        form = Form(_Draft, lambda wire: _draft(wire, request), request.question.letters)
        return await self._ask(prompts.answer_task(request), form)


class _Draft(Wire):
    # The reason comes before the answer, so that the answer can follow from it.
    why: str
    supported: bool
    answer: str
    choice: str | None
    cites: list[str]
    confidence: float


def _draft(wire: _Draft, request: AnswerRequest) -> AnswerDraft:
    """The draft, if it holds together; Malformed says what does not."""
    answers = wire.supported or request.forced
    answer, choice = answer_of(wire, request.question, due=answers)
    known = [note.id for note in request.evidence]
    cites = list(dict.fromkeys(wire.cites)) if answers else []
    if strangers := [cite for cite in cites if cite not in known]:
        raise Malformed(f'"cites" names {strangers[0]!r:.20}; the notes are {", ".join(known)}')
    if wire.supported and not cites:
        raise Malformed('"supported" is true, but "cites" is empty')
    return AnswerDraft(
        supported=wire.supported,
        answer=answer,
        choice=choice,
        cites=cites,
        why=wire.why.strip(),
        confidence=wire.confidence,
    )
