"""What servers can do is found out, kept, and told with what mends it."""

from __future__ import annotations

import json
import re

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from tests.models.test_servers import BADGE, FRAMES, NATIVE, TOOLS, VERDICT, said
from videoseal.cli import doctor
from videoseal.core.errors import ModelAuthError
from videoseal.core.span import Span
from videoseal.models.check import probe_endpoint
from videoseal.models.inspector import ChatInspector
from videoseal.models.limits import learned
from videoseal.models.planner import make_planner
from videoseal.models.types import InspectRequest

TURN = [SystemMessage("Find it."), HumanMessage("Question: which gate?")]
GOOD = {"tools": said(NATIVE), "response_format": said({"ready": True}), "else": said("ready, red")}
NO_PARSER = {
    "when": {"has": "tools"},
    "status": 400,
    "body": {
        "message": (
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        )
    },
}
ONE = {
    "when": {"images_over": 1},
    "status": 400,
    "body": {"message": ("At most 1 image(s) may be provided in one prompt. (parameter=image)")},
}
BLIND = {
    "when": {"images_over": 0},
    "status": 400,
    "body": {"message": ("tiny is not a multimodal model")},
}
WORDS = {"when": {"has": "tools"}, "status": 200, "body": said("I would look around.")}
NO_FORM = {
    "when": {"has": "response_format"},
    "status": 400,
    "body": {"message": ("response_format is not supported")},
}
NO_SCHEMA = {
    "when": {"schema": True},
    "status": 400,
    "body": {"message": ("json_schema is not supported, use json_object")},
}
UNCOUNTED = {"when": {"always": True}, "status": 200, "body": said("ready, red")}


@pytest.fixture
def probe(lane, settings):
    """Probe a role of a server on which these cases hold; what is found, as one text a line."""

    async def one(role, *cases, **more):
        lane.script({"kind": "case", "cases": list(cases), "good": GOOD})
        endpoint = lane.endpoint.model_copy(update=more)
        chosen = settings.model_copy(update={role: endpoint})
        found = await probe_endpoint(chosen, role, TURN, TOOLS)
        return [f"{check.state} {check.text} -> {check.hint}" for check in found]

    return one


def line(found, words):
    """The first line with these words, or nothing."""
    return next((text for text in found if re.search(words, text)), "")


@pytest.mark.parametrize("role", ["planner", "inspector", "answerer", "judge"])
async def test_a_server_that_can_do_all_has_nothing_to_mend(probe, role):
    """All lines are good, its context and its stream among them."""
    found = await probe(role)
    assert [text for text in found if not text.startswith("ok ")] == []
    assert line(found, "context: 32768 tokens")
    assert line(found, "streams, 1 pieces")
    assert line(found, "native tool calls" if role == "planner" else "held to a JSON schema")


FOUND = [
    ("planner", NO_PARSER, "warn tools: .* VIDEOSEAL_TOOL_CALL_FORMAT=text, .*--tool-call-parser"),
    ("planner", WORDS, "warn turn: .*I would look around.* VIDEOSEAL_PLANNER_MODEL may be"),
    ("planner", WORDS, "warn tool_choice: required is not kept to: no call came"),
    ("inspector", ONE, "warn pictures: 1 in one request.*--limit-mm-per-prompt"),
    ("inspector", BLIND, "warn pictures: takes no pictures.*VIDEOSEAL_INSPECTOR_MODEL"),
    ("answerer", NO_FORM, "warn schema: no JSON schema .*only described"),
    ("answerer", NO_SCHEMA, "warn schema: no JSON schema .*json_object is"),
    ("answerer", UNCOUNTED, "warn chat: .*not counted"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "case", "words"), FOUND)
async def test_what_is_short_of_the_best_names_what_mends_it(probe, role, case, words):
    """The setting, or the switch of the server."""
    assert line(await probe(role, case), words)


async def test_a_wrong_name_is_told_with_the_right_ones(probe):
    """As the server lists them."""
    found = await probe("answerer", model="tset-model")
    assert line(found, "warn model: .*VIDEOSEAL_ANSWERER_MODEL to one of test-model, other")


async def test_a_refused_key_ends_the_probe(lane, settings):
    """Nothing else could be found out."""
    lane.script(lane.status(401))
    with pytest.raises(ModelAuthError):
        await probe_endpoint(settings.model_copy(update={"judge": lane.endpoint}), "judge", [], [])


def test_doctor_asks_for_a_real_turn(lane, settings):
    """With the planner's own rules, tools and first message."""
    lane.script({"kind": "case", "cases": [], "good": GOOD})
    found = doctor._probed(settings.model_copy(update={"planner": lane.endpoint}), "planner")
    assert [check.text for check in found if check.state != "ok"] == []
    last = [seen["body"] for seen in lane.seen() if "body" in seen][-1]
    assert [message["role"] for message in last["messages"]] == ["system", "user"]
    assert "Which number is on the gate" in last["messages"][1]["content"]
    assert len(last["tools"]) == 4


async def test_the_context_is_told_by_a_refusal(lane, probe):
    """Of a server that lists none: nothing long is ever sent."""
    words = "max_tokens is too large: 100000000. This model's maximum context length is 8192 tokens"
    case = {
        "when": {"value": ["max_tokens", 100_000_000]},
        "status": 400,
        "body": {"message": words},
    }
    assert line(await probe("answerer", case, model="other"), "warn context: 8192 tokens")
    assert max(len(json.dumps(seen.get("body", ""))) for seen in lane.seen()) < 5000


async def test_later_processes_know_what_was_found(lane, settings, probe):
    """The first look keeps to the limit, and the first turn is in the form that is taken."""
    await probe("inspector", ONE)
    learned._learned.cache_clear()
    before = len(lane.seen())
    lane.script({"kind": "case", "cases": [ONE], "good": {"else": said(VERDICT)}})
    request = InspectRequest(BADGE, [Span(80, 100)], FRAMES, 3600)
    reply = await ChatInspector(settings, lane.endpoint).inspect(request)
    assert len(reply.value.shown) == 1
    assert (before > 5, len(lane.seen())) == (True, 1)
    await probe("planner", NO_PARSER)
    learned._learned.cache_clear()
    words = '<tool_call>{"name": "overview", "arguments": {}}</tool_call>'
    lane.script({"kind": "case", "cases": [NO_PARSER], "good": {"else": said(words)}})
    turn = await make_planner(settings, lane.endpoint).bind_tools(TOOLS).ainvoke(TURN)
    assert isinstance(turn, AIMessage)
    assert [call["name"] for call in turn.tool_calls] == ["overview"]
    assert len(lane.seen()) == 1


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"test-model at x": 1}'])
def test_what_was_kept_and_is_damaged_is_as_nothing(lane, tmp_path, kept):
    """It only saves requests."""
    (tmp_path / "models.json").write_text(kept)
    assert learned.learned_of(lane.endpoint, tmp_path) == learned.Learned()
