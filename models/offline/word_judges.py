"""Judges without an endpoint: they compare words, and so carry the path of judging, no finding.

Neither knows what a sentence means. A paraphrase is ungrounded to both, and the stricter one
follows the very rules by which the offline inspector and answerer answer, so that it is kind to
them. They see what every judge sees: no gold, and not whose answer it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from videoseal.models.offline.clues import AskedFor, read_question
from videoseal.models.offline.decide import decide
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.match import Reading, options_in, read
from videoseal.models.offline.timing import option_spans
from videoseal.models.offline.words import is_content, tokens
from videoseal.models.types import JudgeRequest, Reply, Ruling, Usage

__all__ = ["RuleJudge", "WordJudge"]

_NO_SETTINGS: Final[Mapping[str, Any]] = {}


class WordJudge:
    """Grounded if the question's names and the answer's own words stand in the evidence.

    The lenient one: that other options stand there too, or that the words belong to different
    things, it does not notice.
    """

    name = "word-match-1"
    prompt = ""
    settings = _NO_SETTINGS

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Compare the words; never raises."""
        return _timed(_by_words, request)


class RuleJudge:
    """Grounded if the rules of the offline answerer settle on the same answer.

    The strict one: names, numbers and quotations must stand beside exactly one option.
    """

    name = "answerer-rules-1"
    prompt = ""
    settings = _NO_SETTINGS

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Derive an answer and compare; never raises."""
        return _timed(_by_rules, request)


def _timed(rule: Callable[[JudgeRequest], Ruling], request: JudgeRequest) -> Reply[Ruling]:
    started = time.perf_counter()
    ruling = rule(request)
    return Reply(ruling, Usage(calls=1, seconds=time.perf_counter() - started))


def _by_words(request: JudgeRequest) -> Ruling:
    asked = read_question(request.question)
    readings = [read(asked, passage) for passage in _passages(request)]
    named = {clue for reading in readings for clue in reading.places}
    lacking = [clue.raw for clue in asked.hard if clue not in named]
    lines = _lines_with(request, asked, readings)
    if lines and not lacking:
        return Ruling(grounded=True, why=f"the answer's words stand in {_listed(lines)}")
    if not lines:
        lacking.append(request.answer)
    return Ruling(
        grounded=False, why="words of question or answer stand nowhere", missing="; ".join(lacking)
    )


def _lines_with(request: JudgeRequest, asked: AskedFor, readings: Sequence[Reading]) -> list[int]:
    """Numbers of the lines in which the proposed answer stands."""
    numbered = list(enumerate(readings, start=1))
    if request.choice is None:
        wanted = {token.text for token in tokens(request.answer) if is_content(token)}
        return [n for n, r in numbered if wanted and wanted <= {token.text for token in r.flat}]
    option = request.question.letters.index(request.choice)
    spans = option_spans(request.question)
    return [
        number
        for number, reading in numbered
        if option in options_in(asked, reading)
        # Options such as 14:35 may be times of the video, or what a clock in it shows.
        or (spans and reading.places and spans[option].contains(reading.passage.time))
    ]


def _by_rules(request: JudgeRequest) -> Ruling:
    decision = decide(request.question, list(_passages(request)))
    lines = sorted({int(passage.source) for passage in decision.carriers})
    if not decision.settled:
        lacking = "; ".join(clue.raw for clue in decision.lacking)
        why = "several options are carried alike" if decision.rivals else "no answer is carried"
        return Ruling(grounded=False, why=why, missing=lacking or "one line that names both")
    if request.choice is None:
        wanted = {token.text for token in tokens(request.answer) if is_content(token)}
        same = bool(wanted) and wanted <= {token.text for token in tokens(decision.answer)}
    else:
        same = decision.option == request.question.letters.index(request.choice)
    if not same:
        why = f"{_listed(lines)} carry another answer: {decision.answer}"
        return Ruling(grounded=False, why=why, missing=request.answer)
    return Ruling(grounded=True, why=f"{_listed(lines)} carry this answer and no other")


def _passages(request: JudgeRequest) -> Iterable[Passage]:
    """The lines as passages that keep the rows they were read in; their source is their number."""
    for number, line in enumerate(request.evidence, start=1):
        rows = tuple(part for part in line.text.split(" / ") if part)
        reach = 0 if len(rows) == 1 else len(rows)
        yield Passage(line.start, rows, reach, whole=False, source=str(number))


def _listed(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:8])) + (", ..." if len(lines) > 8 else "")
    return f"line {shown}" if len(lines) == 1 else f"lines {shown}"
