"""The offline answerer: joins what several inspections read, by the inspector's own rules."""

from __future__ import annotations

import time

from videoseal.models.offline.matcher import bridge, decide, guess
from videoseal.models.offline.passages import passage_of
from videoseal.models.types import AnswerDraft, AnswerRequest, Reply, Usage

__all__ = ["MatchingAnswerer"]


class MatchingAnswerer:
    """Compares all observations of the ledger with the question, word for word.

    It follows one link, a name that two observations share; anything that needs understanding it
    leaves unsupported.
    """

    name = "matching-3"

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        """Propose what exactly one option, or one line, is carried by; a guess when forced."""
        started = time.perf_counter()
        draft = _draft(request)
        return Reply(draft, Usage(calls=1, seconds=time.perf_counter() - started))


def _draft(request: AnswerRequest) -> AnswerDraft:
    question, notes = request.question, request.evidence
    found = [passage_of(o.text, o.time, note.id) for note in notes for o in note.observations]
    decision = decide(question, found)
    if not decision.answer and not decision.rivals:
        decision = bridge(question, found)
    texts = "; ".join(dict.fromkeys(passage.text for passage in decision.carriers))
    why = "several options are carried alike" if decision.rivals else "no option is carried"
    why += f"; not read: {', '.join(decision.lacking)}" if decision.lacking else ""
    option, answer = decision.option, decision.answer
    if not answer and request.forced:
        option, why = guess(question, found), f"a guess: {why}"
        read = found[0].text if found else "unknown"
        answer = read if option is None else question.options[option]
    supported = bool(decision.answer)
    return AnswerDraft(
        supported=supported,
        answer=answer,
        choice=None if option is None else question.letters[option],
        cites=list(dict.fromkeys(passage.source for passage in decision.carriers)),
        why=(f"read: {texts}" if supported else why)[:300],
        confidence=0.9 if supported else 0.0,
    )
