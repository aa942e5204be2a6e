"""The answerer at an endpoint: joins the notes of several inspections."""

from __future__ import annotations

from videoseal.core.settings import Endpoint, Settings
from videoseal.models import prompts
from videoseal.models.client import EndpointChat, chat_options
from videoseal.models.structured import Form, Malformed, StructuredChat, Wire, choice_of
from videoseal.models.types import AnswerDraft, AnswerRequest, Reply

__all__ = ["ChatAnswerer"]


class ChatAnswerer:
    """Joins partial evidence through an OpenAI-compatible endpoint.

    A forced request always gets an answer (and a letter where there are options); `supported`
    still says whether the evidence carries it.
    """

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._chat = StructuredChat(EndpointChat(**chat_options(settings, endpoint, "answerer")))
        self.name = f"{endpoint.model}@{prompts.version('answer')}"

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        """Propose an answer that cites the ledger; raises ModelError."""
        form = Form(_Draft, lambda wire: _draft(wire, request), request.question.letters)
        return await self._chat.ask(prompts.render("answer"), prompts.answer_task(request), form)


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
    if not 0 <= wire.confidence <= 1:
        raise Malformed(f'"confidence" is {wire.confidence}; it must lie in 0 to 1')
    answers = wire.supported or request.forced
    choice = choice_of(wire.choice, request.question) if answers else None
    if answers and not wire.answer.strip():
        raise Malformed('"answer" is empty, but an answer is due')
    if answers and request.question.options and choice is None:
        raise Malformed('"choice" is null, but the letter of an option is due')
    known = [note.id for note in request.evidence]
    cites = list(dict.fromkeys(wire.cites)) if answers else []
    if strangers := [cite for cite in cites if cite not in known]:
        raise Malformed(f'"cites" names {strangers[0]!r:.20}; the notes are {", ".join(known)}')
    if wire.supported and not cites:
        raise Malformed('"supported" is true, but "cites" is empty')
    return AnswerDraft(
        supported=wire.supported,
        answer=wire.answer.strip() if answers else "",
        choice=choice,
        cites=cites,
        why=wire.why.strip(),
        confidence=wire.confidence,
    )
