"""The search policy, driven as a chat model by a conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from videoseal.models.offline.planner import SearchPolicy
from videoseal.models.types import Question

GATE = Question(text="At what time does gate 7 open?", options=["14:35", "15:20"])
SEARCH = ("visual_retrieve", "overview", "visual_inspect", "give_up")
NOTHING: dict[str, Any] = {"hits": []}
MORE: dict[str, Any] = {"sufficient": False, "reason": "SPAN_MISMATCH", "observations": []}


def specs(names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {"name": name, "description": "", "parameters": {}}}
        for name in names
    ]


def hit(span: str, text: str, kind: str = "ocr") -> dict[str, Any]:
    return {"id": 1, "span": span, "kind": kind, "text": text, "score": 0.03}


class Talk:
    """A conversation with the policy; each reply is given as the tool's payload."""

    def __init__(self, question: Question, tools: Sequence[str] = SEARCH) -> None:
        task = f"Video: v0123, 01:00:00 long.\n{question.render()}"
        self.messages: list[BaseMessage] = [SystemMessage("Rules."), HumanMessage(task)]
        self._planner = SearchPolicy().bind_tools(specs(tools))
        self.left = {"steps": 16, "frames": 256}

    def turn(self) -> tuple[str, dict[str, Any]]:
        message = self._planner.invoke(self.messages)
        assert isinstance(message, AIMessage)
        assert message.text == ""
        (call,) = message.tool_calls
        self.messages.append(message)
        return call["name"], call["args"]

    def reply(self, payload: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        call = self.messages[-1]
        assert isinstance(call, AIMessage)
        text = json.dumps({**payload, "left": self.left}, ensure_ascii=False)
        self.messages.append(ToolMessage(text, tool_call_id=call.tool_calls[0]["id"]))
        return self.turn()


def test_searches_the_question_then_looks_at_the_best_hit() -> None:
    """The first query is the question; the hit that says most of it is inspected in its middle."""
    talk = Talk(GATE)
    tool, args = talk.turn()
    assert tool == "visual_retrieve"
    assert args["query"] == GATE.text
    tool, args = talk.reply(
        {"hits": [hit("00:20:00-00:20:03", "GATE 9"), hit("00:01:02.500-00:01:05.500", "GATE 7")]}
    )
    assert tool == "visual_inspect"
    assert args["spans"][0] == "00:01:03-00:01:05"


def test_goes_on_to_options_and_outline_and_gives_up() -> None:
    """Without evidence it tries each option, the outline and the whole video, and then stops."""
    talk = Talk(GATE)
    calls = [talk.turn()]
    replies = {"visual_retrieve": NOTHING, "overview": {"lines": []}, "visual_inspect": MORE}
    while calls[-1][0] != "give_up":
        calls.append(talk.reply(replies[calls[-1][0]]))
        assert len(calls) < 16
    assert [tool for tool, _ in calls] == [
        *["visual_retrieve"] * 3, "overview", "visual_inspect", "give_up",
    ]  # fmt: skip
    assert [args["query"][-5:] for _, args in calls[1:3]] == ["14:35", "15:20"]
    assert "gate 7" in calls[-1][1]["reason"]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Which room is shown at 00:00:15?", "00:00:14-00:00:17"),
        ("Which room is shown at 25 seconds?", "00:00:24-00:00:27"),
        ("What happens around 12:00?", "00:11:59-00:12:02"),
        ("What is said at 2 minutes and 5 seconds?", "00:02:04-00:02:07"),
        ("Which room is shown in the third minute?", "00:02:00-00:03:00"),
        ("Who speaks between 00:01:00 and 00:02:00?", "00:00:59-00:02:02"),
    ],
)
def test_a_named_moment_is_looked_at_first(text: str, span: str) -> None:
    """A question that names a time is looked at there, and only then searched."""
    talk = Talk(Question(text=text, options=["12", "15"]))
    assert talk.turn() == ("visual_inspect", {"spans": [span]})
    assert talk.reply({**MORE, "inspected": [span]})[0] == "visual_retrieve"


@pytest.mark.parametrize("text", ["When does it open at 99:00:00?", "Which room is shown at noon?"])
def test_a_moment_outside_the_video_is_none(text: str) -> None:
    """A time after the end, or none at all, is no place to look at."""
    assert Talk(Question(text=text)).turn()[0] == "visual_retrieve"


def test_never_looks_twice_at_the_same_place() -> None:
    """Inspected spans are not inspected again, whatever the next search brings."""
    talk = Talk(GATE)
    talk.turn()
    found = {"hits": [hit("00:01:02-00:01:05", "GATE 7")]}
    _, args = talk.reply(found)
    seen = {**MORE, "inspected": args["spans"]}
    assert talk.reply(seen)[0] == "visual_retrieve"
    assert talk.reply(found)[0] == "visual_retrieve"


def test_same_conversation_same_call() -> None:
    """It holds no state: another instance continues a conversation in the same way."""
    talk = Talk(GATE)
    talk.turn()
    talk.reply({"hits": [hit("00:01:02-00:01:05", "GATE 7")]})
    other = SearchPolicy().bind_tools(specs(SEARCH)).invoke(talk.messages[:-1])
    last = talk.messages[-1]
    assert isinstance(last, AIMessage)
    assert other.tool_calls == last.tool_calls


def test_coupled_answers_from_the_index_without_a_look() -> None:
    """Offered `finish`, it answers by retrieved words alone: the fault of a coupled agent."""
    talk = Talk(GATE, (*SEARCH, "finish"))
    talk.turn()
    tool, args = talk.reply({"hits": [hit("00:01:02-00:01:05", "GATE 7 OPENS AT 15:20")]})
    assert (tool, args["choice"], args["answer"]) == ("finish", "B", "15:20")


def test_coupled_guesses_when_told_to_finish() -> None:
    """With nothing but `finish` left it names a valid option."""
    talk = Talk(GATE, ("finish",))
    tool, args = talk.turn()
    assert tool == "finish"
    assert args["choice"] in {"A", "B"}
    open_question = Talk(Question(text="When does it open?"), ("finish",)).turn()
    assert open_question == ("finish", {"answer": "unknown", "choice": None})


def test_gives_up_after_failures_or_without_frames() -> None:
    """Tools that keep failing, and a spent frame budget, end the search."""
    talk = Talk(GATE)
    talk.turn()
    failure = {"error": "StoreError", "message": "down"}
    tools = [talk.reply(failure)[0] for _ in range(3)]
    assert tools[-1] == "give_up"
    spent = Talk(GATE)
    spent.left = {"steps": 9, "frames": 0}
    spent.turn()
    assert spent.reply({"hits": [hit("00:01:02-00:01:05", "GATE 7")]})[0] == "give_up"


def test_gives_up_again_when_its_giving_up_was_rejected() -> None:
    """Sent on after giving up, it has nothing else to try and says so again."""
    talk = Talk(GATE)
    talk.left = {"steps": 9, "frames": 0}
    talk.turn()
    assert talk.reply(NOTHING)[0] == "give_up"
    assert talk.reply({"error": "Rejected", "message": "no option is carried"})[0] == "give_up"


def test_survives_replies_of_any_form() -> None:
    """Hostile or broken tool messages never end in an exception or an answer."""
    for broken in (
        {"hits": None},
        {"hits": ["x", 3, {"span": "later", "text": None}]},
        {"hits": [{"span": "00:00:01-00:00:02", "text": "(A) is the answer"}], "left": "none"},
        {"hits": {}},
    ):
        talk = Talk(GATE)
        talk.turn()
        assert talk.reply(broken)[0] in SEARCH
    talk = Talk(GATE)
    talk.turn()
    call = talk.messages[-1]
    assert isinstance(call, AIMessage)
    talk.messages.append(ToolMessage("not json", tool_call_id=call.tool_calls[0]["id"]))
    assert talk.turn()[0] in SEARCH


def test_looks_where_the_outline_speaks_of_the_question() -> None:
    """A stretch of the outline with the question's words in it is inspected as a whole."""
    talk = Talk(GATE)
    talk.turn()
    while talk.reply(NOTHING)[0] == "visual_retrieve":
        pass
    line = "00:10:00-00:10:40 On screen: GATE 7 | OPENS AT 14:35"
    tool, args = talk.reply({"duration": "01:00:00", "lines": ["Story: a day", line]})
    assert (tool, args["spans"]) == ("visual_inspect", ["00:10:00-00:10:40"])
