"""The planner at an endpoint, in both forms of tool calls."""

from __future__ import annotations

import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from videoseal.core.errors import ModelReplyError, ModelUnavailable
from videoseal.models.client import usage_of
from videoseal.models.planner import make_planner
from videoseal.models.types import Usage

TOOL = {
    "type": "function",
    "function": {
        "name": "visual_retrieve",
        "description": "Search.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
    },
}
START = [SystemMessage("Find it."), HumanMessage("Question: what <|im_end|> is it?")]


@pytest.fixture
def planner(lane, settings):
    """A planner with one tool, in the form asked for."""

    def make(form, **changes):
        chosen = settings.model_copy(update={"tool_call_format": form, **changes})
        return make_planner(chosen, lane.endpoint).bind_tools([TOOL])

    return make


def call(arguments, name="visual_retrieve"):
    """A tool call as the server writes it."""
    return {"name": name, "arguments": arguments}


async def test_native_calls_are_read(lane, planner):
    """Tools go out as OpenAI functions, and a call comes back as data with its usage."""
    lane.script(lane.chat(None, tool_calls=[call('{"query": "red car"}')]))
    reply = await planner("native").ainvoke(START)
    (made,) = reply.tool_calls
    assert (made["name"], made["args"], made["id"]) == (
        "visual_retrieve",
        {"query": "red car"},
        "srv_0",
    )
    assert usage_of(reply) == Usage(1, 11, 7)
    body = lane.seen()[0]["body"]
    assert body["tools"] == [{**TOOL, "function": {**TOOL["function"], "strict": True}}]
    assert body["tool_choice"] == "required"
    assert body["messages"][1]["content"] == "Question: what ‹|im_end|› is it?"


@pytest.mark.parametrize(
    "arguments", ['{"query": ', "[1]", '"x"', "null", '{"a": NaN}', '{"a": 1, "a": 2}']
)
async def test_native_arguments_that_cannot_be_read_are_invalid_calls(lane, planner, arguments):
    """The reply is kept, and the call can be answered by its id."""
    lane.script(lane.chat("hm", tool_calls=[call(arguments), call('{"query": "ok"}')]))
    reply = await planner("native").ainvoke(START)
    assert [made["args"] for made in reply.tool_calls] == [{"query": "ok"}]
    (invalid,) = reply.invalid_tool_calls
    assert invalid["id"] == "srv_0"
    assert invalid["error"]


async def test_native_history_with_an_invalid_call_can_be_sent_back(lane, planner):
    """Servers parse the arguments of past calls, so these go back as readable JSON."""
    lane.script(lane.chat(None, tool_calls=[call('{"query": "a', name=None)]))
    model = planner("native")
    reply = await model.ainvoke(START)
    (invalid,) = reply.invalid_tool_calls
    answer = ToolMessage('{"error": "<tool_call>"}', tool_call_id=invalid["id"])
    await model.ainvoke([*START, reply, answer])
    first, second = (seen["body"]["messages"] for seen in lane.seen())
    assert second[: len(first)] == first
    past = second[2]["tool_calls"][0]
    assert json.loads(past["function"]["arguments"]) == {"unreadable": '{"query": "a'}
    assert past["id"] == second[3]["tool_call_id"]
    assert second[3]["content"] == '{"error": "‹tool_call>"}'


async def test_text_calls_are_read(lane, planner):
    """Nothing but plain chat is asked of the server, and the reply is kept word for word."""
    text = '<think>look</think><tool_call>{"name": "visual_retrieve", "arguments": {}}</tool_call>'
    lane.script(lane.chat(text))
    reply = await planner("text").ainvoke(START)
    assert isinstance(reply, AIMessage)
    assert [made["name"] for made in reply.tool_calls] == ["visual_retrieve"]
    assert reply.text == text
    assert usage_of(reply) == Usage(1, 11, 7)
    body = lane.seen()[0]["body"]
    assert "tools" not in body
    assert "tool_choice" not in body
    assert "visual_retrieve" in body["messages"][0]["content"]


async def test_text_conversations_only_grow(lane, planner):
    """The second request repeats the first and adds the reply and its result."""
    bad = "<tool_call>{oops}</tool_call>"
    lane.script(lane.chat(bad), lane.chat("done"))
    model = planner("text")
    reply = await model.ainvoke(START)
    (invalid,) = reply.invalid_tool_calls
    answer = ToolMessage("<|im_start|>", tool_call_id=invalid["id"])
    last = await model.ainvoke([*START, reply, answer])
    first, second = (seen["body"]["messages"] for seen in lane.seen())
    assert second[: len(first)] == first
    assert second[len(first) :] == [
        {"role": "assistant", "content": bad},
        {"role": "user", "content": "<tool_response>\n‹|im_start|›\n</tool_response>"},
    ]
    assert (last.tool_calls, last.invalid_tool_calls) == ([], [])


@pytest.mark.parametrize("form", ["native", "text"])
async def test_failures_are_model_errors(lane, planner, form):
    """The graph meets the same errors from the planner as from any role."""
    empty = {"kind": "empty_choices"}
    lane.script(empty, empty, lane.status(500))
    with pytest.raises(ModelReplyError):
        await planner(form).ainvoke(START)
    with pytest.raises(ModelUnavailable) as caught:
        await planner(form, max_retries=0).ainvoke(START)
    assert caught.value.role == "planner"


async def test_streaming_callers_get_whole_replies(lane, planner):
    """A reply is one piece, because half of one cannot be tried again."""
    lane.script(lane.status(503), lane.chat("a b c"))
    pieces = [piece.text async for piece in planner("native").astream(START)]
    assert [piece for piece in pieces if piece] == ["a b c"]


def test_waiting_calls_are_refused(planner):
    """There is no second, unguarded way to the endpoint."""
    with pytest.raises(NotImplementedError, match="ainvoke"):
        planner("native").invoke(START)


async def test_json_calls_are_held_to_the_schema_and_kept_as_text(lane, planner):
    """The server is given the tools' schema; the history shows calls in the described form."""
    lane.script(lane.chat('{"name": "visual_retrieve", "arguments": {"query": "red"}}'))
    model = planner("json")
    reply = await model.ainvoke(START)
    assert reply.tool_calls[0]["args"] == {"query": "red"}
    schema = lane.seen()[0]["body"]["response_format"]["json_schema"]["schema"]
    (allowed,) = schema["anyOf"]
    assert allowed["properties"]["name"] == {"const": "visual_retrieve"}
    answer = ToolMessage("{}", tool_call_id=reply.tool_calls[0]["id"])
    await model.ainvoke([*START, reply, answer])
    first, second = (seen["body"]["messages"] for seen in lane.seen())
    assert second[: len(first)] == first
    assert second[len(first)]["content"].startswith('<tool_call>{"name": "visual_retrieve"')


async def test_brief_planners_send_the_short_rules_and_read_calls_as_text(lane, planner):
    """The served form of a planner that was trained on the short prompt."""
    lane.script(lane.chat('<tool_call>{"name": "visual_retrieve", "arguments": {}}</tool_call>'))
    reply = await planner("brief").ainvoke(START)
    assert reply.tool_calls[0]["name"] == "visual_retrieve"
    body = lane.seen()[0]["body"]
    assert body["messages"][0]["content"].startswith("Find where the video shows the answer.")
    assert "tools" not in body


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "visual_retrieve", "arguments": {"query": "red"}}</tool_call>',
        '```json\n{"name": "visual_retrieve", "parameters": {"query": "red"}}\n```',
        "<function=visual_retrieve><parameter=query>red</parameter></function>",
    ],
)
async def test_native_calls_that_the_server_left_in_the_words_are_read(lane, planner, text):
    """Many servers have no parser of them; the history then shows the call once, as data."""
    lane.script(lane.chat(text))
    model = planner("native")
    reply = await model.ainvoke(START)
    assert [made["args"] for made in reply.tool_calls] == [{"query": "red"}]
    answer = ToolMessage("{}", tool_call_id=reply.tool_calls[0]["id"])
    await model.ainvoke([*START, reply, answer])
    said = lane.seen()[1]["body"]["messages"][2]
    assert not said["content"]
    assert said["tool_calls"][0]["function"]["name"] == "visual_retrieve"


@pytest.mark.parametrize("form", ["native", "text"])
async def test_what_cannot_be_read_is_told_with_a_form_to_copy(lane, planner, form):
    """The second time in other words."""
    lane.script(lane.chat("<tool_call>look for it</tool_call>"))
    model = planner(form)
    first = await model.ainvoke(START)
    (told,) = first.invalid_tool_calls
    second = await model.ainvoke([*START, first, ToolMessage("x", tool_call_id=told["id"])])
    (again,) = second.invalid_tool_calls
    copy = '<tool_call>{"name": "visual_retrieve", "arguments": {}}</tool_call>'
    assert copy in told["error"]
    assert copy in again["error"]
    assert told["error"] != again["error"]


async def test_a_thought_that_was_cut_is_an_error_with_its_settings(lane, planner):
    """It is no turn without a call: nothing would be better the next time."""
    thought = {"message": {"reasoning_content": "I should"}, "finish_reason": "length"}
    lane.script(lane.chat("", **thought))
    with pytest.raises(ModelReplyError, match="still thinking") as caught:
        await planner("native").ainvoke(START)
    assert "VIDEOSEAL_PLANNER_MAX_TOKENS" in caught.value.hint


LOOP = {"content": None, "reasoning_content": "It may be red.", "tool_calls": [
    {"id": "a", "type": "function", "function": {"name": "visual_retrieve", "arguments": "{}"},
     "extra_content": {"google": {"thought_signature": "c2ln"}}}]}  # fmt: skip


async def asked_twice(lane, planner, more):
    """What the second request says of the first reply."""
    lane.script(lane.chat(None, message=LOOP))
    asked = planner("native")
    first = await asked.ainvoke(START)
    await asked.ainvoke([*START, first, ToolMessage("none", tool_call_id="a"), *more])
    return next(m for m in lane.seen()[-1]["body"]["messages"] if m["role"] == "assistant")


async def test_thoughts_and_signatures_go_back_within_a_loop_of_tools(lane, planner):
    """Servers that sign or continue their thoughts refuse a turn without them."""
    sent = await asked_twice(lane, planner, [])
    assert sent["reasoning_content"] == "It may be red."
    assert sent["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}


async def test_thoughts_of_earlier_questions_stay_away(lane, planner):
    """After a turn of the user they are no part of the loop."""
    assert "reasoning_content" not in await asked_twice(lane, planner, [HumanMessage("And now?")])


async def test_a_server_that_refuses_thoughts_is_asked_without(lane, planner):
    """Learned once, like any field."""
    refused = lane.status(400, message="messages[2]: unknown field reasoning_content")
    lane.script(lane.chat(None, message=LOOP), refused, lane.chat(None, message=LOOP))
    asked = planner("native")
    first = await asked.ainvoke(START)
    turns = [*START, first, ToolMessage("none", tool_call_id="a")]
    await asked.ainvoke(turns)
    await asked.ainvoke(turns)
    held = ["reasoning_content" in seen["body"]["messages"][2] for seen in lane.seen()[1:]]
    assert held == [True, False, False]


async def test_thoughts_in_words_are_not_sent_back(lane, planner):
    """A template would read them as something said."""
    lane.script(lane.chat("ok", tool_calls=[call("{}")]))
    said = AIMessage("<think>maybe</think>I search.", tool_calls=[
        {"name": "visual_retrieve", "args": {}, "id": "a"}])  # fmt: skip
    await planner("native").ainvoke([*START, said, ToolMessage("none", tool_call_id="a")])
    assert lane.seen()[0]["body"]["messages"][2]["content"] == "I search."
