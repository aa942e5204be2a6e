"""What judges see of a record: nothing that tells the systems apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evals.made import evidence, item, proven, record
from videoseal.evals.judging.blind_view import blind_view, plain_answer, plain_line
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.graph.answers import Answer
from videoseal.models import prompts
from videoseal.models.types import Question

FERRY = item(question=Question(text="When does it leave?", options=["9:10", "14:35", "x", "y"]))
LINES = {3.2: "a quay", 61.26: "GATE 7 / DEPARTS 14:35", 400.0: "it may read EXIT"}


def _task(entry: SampleRecord) -> bytes:
    request = blind_view(entry)
    assert request is not None
    return prompts.judge_task(request).encode()


def _entry(number: int, texts: dict[float, str], **changes: Any) -> dict[str, Any]:
    made = evidence(number, tuple(texts)).model_dump(mode="json")
    seen = [{"time": time, "text": text} for time, text in texts.items()]
    return {**made, "observations": seen, **changes}


def _record(entries: list[dict[str, Any]], answer: dict[str, Any], **episode: Any) -> SampleRecord:
    made = record(FERRY, proven())
    assert made.episode is not None
    given = {**made.episode["answer"], **answer}
    fields = {**made.episode, "answer": given, "evidence": entries, **episode}
    return made.model_copy(update={"episode": fields})


PLAIN = _record([_entry(1, LINES)], {"text": "14:35", "choice": "B"})


@given(
    mode=st.sampled_from(["decoupled", "coupled", "direct", "blind"]),
    variant=st.text(max_size=20),
    model=st.text(max_size=20),
    wording=st.text(min_size=1, max_size=200),
    said=st.text(max_size=200),
    steps=st.integers(0, 5),
    order=st.permutations(list(LINES)),
    cut=st.integers(1, 3),
    lead=st.sampled_from(["", "The frame shows ", "In this frame, ", "I can see ", "- ", "**"]),
    jitter=st.floats(0, 0.05),
    cited=st.booleans(),
)
def test_records_that_differ_in_style_alone_are_one_request(
    mode: str, variant: str, model: str, wording: str, said: str, steps: int, order: list[float],
    cut: int, lead: str, jitter: float, cited: bool,
) -> None:  # fmt: skip
    """Mode, variant, models, words, thoughts, steps, order, citations: byte for byte the same."""
    tail = "**" if lead == "**" else "."
    texts = {time + jitter: f"{lead}{LINES[time]}{tail}" for time in order}
    times = list(texts)
    parts = [{t: texts[t] for t in chunk} for chunk in (times[:cut], times[cut:]) if chunk]
    entries = [
        _entry(n, part, inspector=model, answer=said, missing=said, sufficient=n % 2 == 0)
        for n, part in enumerate(parts, start=3)
    ]
    answer = {"text": wording, "reason": said, "choice": "B", "by": "planner", "confidence": 0.1}
    if not cited:
        answer["citations"] = []
    styled = _record(
        entries, answer, models={"planner": model}, usage={},
        steps=[{"number": n, "said": said, "tool": "x", "result": {}} for n in range(steps)],
    ).model_copy(update={"mode": mode, "variant": variant, "seconds": 77.0})  # fmt: skip
    assert _task(styled) == _task(PLAIN)


def test_what_is_said_and_seen_does_make_a_difference() -> None:
    """Another answer, another reading and another second are another request."""
    tasks = {
        _task(PLAIN),
        _task(_record([_entry(1, LINES)], {"choice": "A"})),
        _task(_record([_entry(1, {**LINES, 3.2: "a key"})], {"choice": "B"})),
        _task(_record([_entry(1, {**LINES, 5.0: "a quay"})], {"choice": "B"})),
    }
    assert len(tasks) == 4


def test_view_holds_no_gold() -> None:
    """The gold letter and the gold spans change nothing."""
    other = FERRY.model_copy(update={"answer": "D", "evidence": [(1.0, 2.0)], "categories": ["z"]})
    assert _task(PLAIN.model_copy(update={"item": other})) == _task(PLAIN)


def test_lines_are_in_order_of_time_and_each_once() -> None:
    """The same words in the same second are one line; an unshown frame is no evidence."""
    unshown = _entry(2, {7.0: "a boat"}, frames=[])
    entries = [_entry(1, {9.0: "b", 3.1: "a quay", 3.4: "a quay"}), unshown]
    request = blind_view(_record(entries, {}))
    assert request is not None
    assert prompts.evidence_text(request) == "1. [00:00:03] a quay\n2. [00:00:09] b"


@pytest.mark.parametrize(
    "entry",
    [record(), record(error=SampleError(type="X", message="m"))],
    ids=["abstained", "failed"],
)
def test_without_an_answer_there_is_nothing_to_judge(entry: SampleRecord) -> None:
    """An abstention claims nothing."""
    assert blind_view(entry) is None


def test_an_answer_without_a_letter_is_none() -> None:
    """Of multiple choice only an option can be derived."""
    vague = Answer(outcome="answered", forced=True, text="some sign", by="answerer")
    assert blind_view(record(answer=vague)) is None


def test_what_searches_told_counts_only_where_it_is_asked_for() -> None:
    """The paper's tool outputs are there as well, with their spans, and unreadable ones are not."""
    steps = [
        {"number": 1, "result": {"hits": [{"span": "00:01:00-00:01:16", "text": "Visual: a ferry"},
                             {"span": "soon", "text": "x"}, "y"]}},
        {"number": 2, "result": {"lines": ["00:00:00-00:00:30 a harbour", "nothing"]}},
        {"number": 3, "result": {"error": "StoreError"}},
    ]  # fmt: skip
    entry = _record([_entry(1, {3.2: "a quay"})], {}, steps=steps)
    seen, gathered = (blind_view(entry, kind) for kind in ("seen", "gathered"))  # type: ignore[arg-type]
    assert seen is not None
    assert gathered is not None
    assert [line.text for line in seen.evidence] == ["a quay"]
    assert prompts.evidence_text(gathered) == (
        "1. [00:00:00-00:00:30] a harbour\n2. [00:00:03] a quay\n"
        "3. [00:01:00-00:01:16] Visual: a ferry"
    )


def test_too_much_evidence_keeps_what_was_seen_last() -> None:
    """The judge is told how many lines it is not given."""
    entries = [_entry(n, {1000.0 - n: f"{n} " + "x" * 500}) for n in range(1, 101)]
    request = blind_view(_record(entries, {}))
    assert request is not None
    assert request.evidence[0].text.startswith("100 ")
    assert len(request.evidence) + request.left_out == 100
    assert sum(len(line.text) for line in request.evidence) < 24_000
    assert prompts.evidence_text(request).endswith(f"{request.left_out} more lines.)")


@pytest.mark.parametrize(
    "text",
    [
        "a red car",
        "A red car.",
        "**A red car**",
        "It is probably a red car"[6:],
        "The answer is: a red car.",
        "Based on the frames, it seems that a red car!",
        "- I think the answer is a red car",
        "1. Clearly, a red car",
        "So, the final answer is `a red car`.",
    ],
)
def test_open_answers_lose_their_style(text: str) -> None:
    """Markup, lead-ins, hedges and the last full stop."""
    assert plain_answer(text) == "a red car"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The sign possibly reads EXIT", "the sign possibly reads EXIT"),
        ("IN SERVICE", "IN SERVICE"),
        ("7. HERON 14:35", "7. HERON 14:35"),
        ("In this frame, I can see a dog", "a dog"),
        ("The picture on the wall shows a ship", "the picture on the wall shows a ship"),
        ("May 5, 2021", "May 5, 2021"),
        ("画面中有一只狗", "一只狗"),
        ("5 * 3 * 2", "5 * 3 * 2"),
    ],
)
def test_lines_of_evidence_keep_what_they_say(text: str, kept: str) -> None:
    """Doubt, numbers on a board, names and capitals are content."""
    assert plain_line(text) == kept


@given(st.text(max_size=3000))
def test_any_text_becomes_one_short_line(text: str) -> None:
    """Length is a matter of style too, and a line break would look like another line."""
    assert len(plain_answer(text)) <= 400
    assert len(plain_line(text)) <= 600
    assert "\n" not in plain_answer(text) + plain_line(text)
