"""The offline answerer: joins what several inspections read, by the inspector's own rules."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from videoseal.models.offline.decide import decide, guess
from videoseal.models.offline.layout import Passage
from videoseal.models.types import AnswerDraft, AnswerRequest, EvidenceNote, Question, Reply, Usage

__all__ = ["MatchingAnswerer"]


class MatchingAnswerer:
    """Compares all observations of the ledger with the question, word for word.

    It follows one link from a name in one observation to another, gathers lists and takes
    differences of times; anything that needs understanding it leaves unsupported.
    """

    name = "matching-1"

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        """Propose what exactly one option, or one line, is carried by; a guess when forced."""
        started = time.perf_counter()
        draft = _draft(request)
        return Reply(draft, Usage(calls=1, seconds=time.perf_counter() - started))


def _draft(request: AnswerRequest) -> AnswerDraft:
    question = request.question
    found = list(_passages(request.evidence))
    decision = decide(question, found)
    if decision.settled:
        cites = list(dict.fromkeys(passage.source for passage in decision.carriers))
        texts = "; ".join(dict.fromkeys(passage.text for passage in decision.carriers))
        return AnswerDraft(
            supported=True,
            answer=decision.answer,
            choice=None if decision.option is None else question.letters[decision.option],
            cites=cites,
            why=f"read: {texts}"[:300],
            confidence=0.9,
        )
    lacking = ", ".join(clue.raw for clue in decision.lacking)
    why = "several options are carried alike" if decision.rivals else "no option is carried"
    why += f"; not read: {lacking}" if lacking else ""
    if request.forced:
        return _guessed(question, found, why)
    return AnswerDraft(supported=False, why=why[:300])


def _guessed(question: Question, found: Sequence[Passage], why: str) -> AnswerDraft:
    option = guess(question, found)
    if option is None:
        text = found[0].text if found else "unknown"
        return AnswerDraft(supported=False, answer=text, why=f"a guess: {why}"[:300])
    return AnswerDraft(
        supported=False,
        answer=question.options[option],
        choice=question.letters[option],
        why=f"a guess: {why}"[:300],
    )


def _passages(evidence: Iterable[EvidenceNote]) -> Iterable[Passage]:
    """What was observed, as passages that keep the rows the inspector read them in."""
    for note in evidence:
        for seen in note.observations:
            rows = tuple(part for part in seen.text.split(" / ") if part)
            reach = 0 if len(rows) == 1 else len(rows)
            yield Passage(seen.time, rows, reach, whole=False, source=note.id)
