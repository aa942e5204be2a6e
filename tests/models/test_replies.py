"""What models and servers really write, in tables: read as a careful person would, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from langchain_core.messages import AIMessage
from pydantic import ValidationError

from tests.shared_data import CASES
from videoseal.core.errors import SpanError
from videoseal.core.span import Span
from videoseal.models.inspector import verdict_form
from videoseal.models.reading.letters import parse_choice, read_choice
from videoseal.models.reply import read_native_calls, read_strict_calls, read_text_calls
from videoseal.models.structured import Malformed
from videoseal.models.types import Frame, InspectRequest, Question, Verdict
from videoseal.tools.schemas import VisualInspect, tool_specs

OWN = Path(__file__).with_name("replies")
TOOLS = tool_specs(("visual_retrieve", "overview", "visual_inspect", "give_up"))
VAN = {"question": "Which colour is the van?", "options": ["white", "red", "green"],
       "times": [63.25, 64.75], "forced": False}  # fmt: skip
BADGE = {"question": "Which number is on the badge?",
         "options": ["8125", "2851", "2815", "2185"],
         "times": [83.25, 84.75, 86.25], "forced": False}  # fmt: skip


def own(name: str) -> list[Any]:
    """Our own rows."""
    lines = (OWN / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def shared(name: str) -> list[Any]:
    """Rows of the cases beside the checkout, with their ids; none where they are not at hand."""
    path = CASES / "replies" / f"{name}.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return [pytest.param(row := json.loads(line), id=row["id"]) for line in lines]


@pytest.mark.parametrize(("text", "letter"), own("letters"))
def test_letters_are_read_where_they_are_stated(text: str, letter: str | None) -> None:
    """And only there: our own wordings."""
    assert parse_choice(text, "ABCD") == letter


@pytest.mark.parametrize("row", shared("answers"))
def test_shared_letters_are_read(row: Any) -> None:
    """The same of the shared cases."""
    assert parse_choice(row["text"], "ABCDEFGHIJ"[: row["options"]]) == row["letter"]


LETTERS = st.sampled_from(
    ["A", "B", "(C)", "answer", " is ", "\n", ".", "<think>", "\\boxed{", "}", "not ", "wait, ",
     ":", '{"choice":', " or "]
)  # fmt: skip


@given(st.lists(LETTERS | st.text(max_size=3)))
def test_letters_end_with_a_letter_or_none(pieces: list[str]) -> None:
    """Whatever the text, and as a field with the options beside it."""
    text = "".join(pieces)
    assert parse_choice(text, "ABC") in ("A", "B", "C", None)
    try:
        found = read_choice(text, Question(text="q", options=["a red car", "a boat", "A"]))
    except ValueError:
        return
    assert found in ("A", "B", "C", None)


def calls_of(text: str) -> tuple[list[Any], bool]:
    """The calls that a reply means, and whether a failed one is told."""
    found = read_text_calls(text, 3, TOOLS)
    return [[call["name"], call["args"]] for call in found.calls], bool(found.invalid)


@pytest.mark.parametrize(("text", "calls", "told"), own("planner"))
def test_calls_are_read_in_every_dialect(text: str, calls: list[Any], told: bool) -> None:
    """Our own wordings."""
    assert calls_of(text) == (calls, told)


@pytest.mark.parametrize("row", shared("planner_text"))
def test_shared_calls_are_read(row: Any) -> None:
    """The same of the shared cases."""
    assert calls_of(row["text"]) == (row["expect"], row.get("told", False))


DIALECT = st.sampled_from(
    ["<tool_call>", "</tool_call>", "<think>", "</think>", "```json\n", "```", "[TOOL_CALLS]", "{",
     "}", '"name"', ":", '"visual_retrieve"', "visual_retrieve", "(", ")", "query=", "'a'", "\n",
     "<function=visual_retrieve>", "<parameter=query>", "</function>", "<arg_key>", "Action: ",
     '{"name": "overview"}', "to=functions.overview", "Action Input:", "<｜tool▁sep｜>", "[", "]"]
)  # fmt: skip


@given(st.lists(DIALECT | st.text(max_size=3), max_size=30).map("".join))
def test_calls_always_end_as_calls_or_told(text: str) -> None:
    """Any text is some calls and some that are told, each with an id of its own."""
    for found in (read_text_calls(text, 2, TOOLS), read_strict_calls(text, 2)):
        ids = [call["id"] for call in [*found.calls, *found.invalid]]
        assert len(set(ids)) == len(ids)
        assert all(isinstance(call["args"], dict) and call["name"] for call in found.calls)
        assert all(call["error"] for call in found.invalid)
        json.dumps(found.calls, allow_nan=False)


@given(st.lists(DIALECT | st.text(max_size=3), max_size=20).map("".join))
def test_nothing_in_a_thought_is_called(text: str) -> None:
    """A thought without an end has no call, whatever stands in it."""
    inner = text.replace("</think>", "")
    assert read_text_calls(f"<think>{inner}", 1, TOOLS) == ([], [])


def spans_of(arguments: Any, duration: float = 3600.0) -> list[Span] | None:
    """The spans that the tool would look at; None where the planner is told instead."""
    call = {"id": "a", "function": {"name": "visual_inspect", "arguments": arguments}}
    found: list[Span] = []
    try:
        spans = VisualInspect.model_validate(read_native_calls([call], 1).calls[0]["args"]).spans
    except (ValidationError, IndexError):
        return None
    for text in spans:
        try:
            found.append(Span.parse(text).within(duration))
        except SpanError:
            continue
    return found[:16] if found and len(spans) <= 16 else None


def check_spans(found: list[Span] | None, expected: Any) -> None:
    """Pairs are exact, a moment lies in a span of at most half a minute."""
    if expected == "refuse" or found is None:
        assert found is None, found
        assert expected == "refuse"
        return
    wanted = [{"moment": 1200.0}] if expected == "moment" else expected
    assert len(found) == len(wanted)
    for span, want in zip(found, wanted, strict=True):
        if isinstance(want, dict):
            assert span.contains(want["moment"])
            assert span.duration <= 30
        else:
            assert [span.start, span.end] == want


@pytest.mark.parametrize(("arguments", "expected"), own("spans"))
def test_spans_are_read_in_every_form(arguments: Any, expected: Any) -> None:
    """Our own wordings, as data and as the text that servers send."""
    check_spans(spans_of(arguments), expected)
    check_spans(spans_of(json.dumps(arguments)), expected)


@pytest.mark.parametrize("row", shared("arguments"))
def test_shared_spans_are_read(row: Any) -> None:
    """The same of the shared cases."""
    check_spans(spans_of(row["arguments"], row["duration"]), row["expect"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 4000) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["00:01:00", "60-76", "00:01:00-00:01:16", "76-60", "1m", "at ", "[60, 76]"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["spans", "start", "end", "from", "to", "time", "x"]), inner),
    max_leaves=8,
)  # fmt: skip


@given(JSON)
def test_arguments_end_as_spans_or_as_a_fault_of_theirs(value: Any) -> None:
    """Nothing else comes out, and no span is turned round."""
    for given_as in (value, {"spans": value}):
        try:
            args = VisualInspect.model_validate(given_as)
        except ValidationError:
            continue
        assert all(isinstance(text, str) for text in args.spans)


@given(st.integers(0, 3000), st.integers(1, 500))
def test_ends_before_starts_are_never_turned_round(start: int, length: int) -> None:
    """In any form."""
    first, last = start + length, start
    for given_as in ([[first, last]], [f"{first}-{last}"], [{"start": first, "end": last}]):
        assert spans_of({"spans": given_as}) is None


def request_of(row: Any, world: Any) -> InspectRequest:
    """The look that a row is about."""
    told = {**world, **row.get("request", {})}
    told |= {name: row[name] for name in ("options", "forced") if name in row}
    question = Question(text=told["question"], options=told["options"])
    frames = [Frame(time, b"") for time in told["times"]]
    return InspectRequest(question, [Span(60, 90)], frames, 3600, forced=told["forced"])


def verdict_of(row: Any, world: Any) -> Verdict | None:
    """The verdict of a row; None where it is asked for again."""
    message = row.get("message") or {"content": row["reply"]}
    content = message["content"]
    if isinstance(content, list):
        content = "".join(part["text"] for part in content)
    reasoning = message.get("reasoning_content", row.get("reasoning", ""))
    metadata = {"finish_reason": row.get("finish_reason", "stop"), "reasoning": reasoning}
    reply = AIMessage(content, response_metadata=metadata)
    try:
        return verdict_form(request_of(row, world)).parse(reply)[0]
    except Malformed:
        return None


def check_verdict(verdict: Verdict | None, expected: Any) -> None:
    """Field by field, as far as the row says."""
    if expected == "repair" or verdict is None:
        assert verdict is None, verdict
        assert expected == "repair"
        return
    found = verdict.model_dump()
    found["observations"] = [[seen.time, seen.text] for seen in verdict.observations]
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("row", own("inspector"))
def test_verdicts_are_read_in_every_wrapping(row: Any) -> None:
    """Our own wordings."""
    check_verdict(verdict_of(row, VAN), row["expect"])


@pytest.mark.parametrize("row", shared("inspector"))
def test_shared_verdicts_are_read(row: Any) -> None:
    """The same of the shared cases."""
    check_verdict(verdict_of(row, BADGE), row["expect"])


YES = {
    "observations": [{"time": "00:01:03.2", "text": "a red van"}], "sufficient": True,
    "answer": "red", "choice": "B", "reason": None, "missing": "", "confidence": 0.8,
}  # fmt: skip
NO = {**YES, "sufficient": False, "answer": "", "choice": None, "reason": "VISUAL_UNCLEAR",
      "missing": "the van by day"}  # fmt: skip
OTHERS = [NO, {**YES, "choice": "C", "answer": "green"}, {**NO, "missing": "the driver"}]
BETWEEN = st.sampled_from(["\n", " or ", ", ", "\n```\n", "</answer>", "x", "", " then: ", "] ["])
AROUND = st.sampled_from(["{}", "[{}]", "```json\n{}\n```", '{{"verdict": {}}}', "<answer>{}"])


@given(st.sampled_from(OTHERS), st.booleans(), BETWEEN, AROUND, st.sampled_from([json.dumps, str]))
def test_two_different_verdicts_prove_nothing(
    other: Any, yes_first: bool, between: str, around: str, write: Any
) -> None:
    """However they stand together, the model is asked which one counts."""
    pair = (YES, other) if yes_first else (other, YES)
    text = around.format(between.join(map(write, pair)))
    assert verdict_of({"reply": text}, VAN) is None


@given(st.sampled_from([json.dumps(YES), json.dumps(NO), str(YES)]), st.data())
def test_verdicts_that_were_cut_prove_nothing(text: str, data: Any) -> None:
    """Wherever the limit of tokens was reached."""
    end = data.draw(st.integers(0, len(text) - 1))
    assert verdict_of({"reply": text[:end], "finish_reason": "length"}, VAN) is None


MARKS = st.sampled_from(
    ["{", "}", '"sufficient"', ": ", "true", ",", "[", "]", "'", '"', "null", "\\", "//", "…",
     "<think>", "</think>", json.dumps(YES)]
)  # fmt: skip


@given(st.lists(MARKS | st.text(max_size=3), max_size=25).map("".join))
def test_any_text_is_a_verdict_or_asked_again(text: str) -> None:
    """No other error comes out."""
    verdict_of({"reply": text}, VAN)
    verdict_of({"reply": "", "reasoning": text}, VAN)


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("options", [[], ["white", "red", "green"]])
def test_the_schema_lets_valid_verdicts_alone_pass(forced: bool, options: list[str]) -> None:
    """What it allows is read without mending, and what is asked again breaks it."""
    world = {**VAN, "forced": forced, "options": options}
    schema = Draft202012Validator(verdict_form(request_of({}, world)).rules)
    letter = "B" if options else None
    good = [{**YES, "choice": letter}]
    good += [{**NO, "answer": "red", "choice": letter} if forced else NO]
    for value in good:
        assert schema.is_valid(value)
        assert verdict_of({"reply": json.dumps(value)}, world) is not None
    bad = [{"observations": []}, {"observations": [{"time": "00:01:09.0", "text": "x"}]},
           {"answer": ""}, {"choice": "D"}, {"confidence": 77}, {"confidence": -1},
           {"reason": "SPAN_MISMATCH"}, {"observations": [{"time": "00:01:03.2", "text": ""}]},
           {"sufficient": "true"}, {"more": 1}, {"answer": "x" * 4000}]  # fmt: skip
    assert not [change for change in bad if schema.is_valid({**good[0], **change})]
    wrong = [{"reason": None}, {"reason": "DARK"}, {"sufficient": True}]
    assert not [change for change in wrong if schema.is_valid({**good[1], **change})]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["function"]["name"])
def test_every_list_and_text_of_a_tool_has_an_end(tool: Any) -> None:
    """A model that is held to the schema cannot write for ever."""

    def endless(form: Any) -> list[Any]:
        if isinstance(form, list):
            return [found for item in form for found in endless(item)]
        if not isinstance(form, dict):
            return []
        end = {"string": "maxLength", "array": "maxItems"}.get(str(form.get("type")), "type")
        found = [] if end in form or "type" not in form else [form]
        return found + [bad for value in form.values() for bad in endless(value)]

    assert not endless(tool["function"]["parameters"])
