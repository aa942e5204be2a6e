"""Servers that refuse, break and mumble: the shared cases and others of their kinds, over HTTP."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from tests.shared_data import CASES
from videoseal.core.errors import ModelError
from videoseal.core.span import Span
from videoseal.models.embedder import HttpEmbedder
from videoseal.models.inspector import ChatInspector
from videoseal.models.judge import ChatJudge
from videoseal.models.planner import make_planner
from videoseal.models.types import EvidenceLine, Frame, InspectRequest, JudgeRequest, Question
from videoseal.tools.schemas import tool_specs

TOOLS = tool_specs(("visual_retrieve", "overview", "visual_inspect", "give_up"))
BADGE = Question(text="Which number is on the badge?", options=["8125", "2851", "2815", "2185"])
SEEN = [{"time": time, "text": "a badge reads 2185"} for time in ("00:01:23.2", "00:01:31.2")]
VERDICT = {"observations": SEEN, "sufficient": True, "answer": "2185", "choice": "D",
           "reason": None, "missing": "", "confidence": 0.9}  # fmt: skip
CALL = {"name": "visual_retrieve", "arguments": '{"query": "blue badge"}'}
NATIVE = {"content": None, "tool_calls": [{"id": "a", "type": "function", "function": CALL}]}
WORDS = '<tool_call>{"name": "visual_retrieve", "arguments": {"query": "blue badge"}}</tool_call>'
FRAMES = [Frame(83.25 + i / 4, b"\xff\xd8" + os.urandom(30_000)) for i in range(64)]
RULING = {"why": "it reads so", "grounded": True, "missing": ""}


def said(message: Any, ended: str = "stop") -> Any:
    """A completion of one choice; text is its content, other data its content as JSON."""
    if not isinstance(message, dict) or "content" not in message:
        text = message if isinstance(message, str) else json.dumps(message)
        message = {"content": text}
    choice = {"index": 0, "finish_reason": ended, "message": {"role": "assistant", **message}}
    return {"choices": [choice]}


GOOD = {
    "planner": {"tools": said(NATIVE, "tool_calls"), "else": said(WORDS)},
    "inspector": {"else": said(VERDICT)},
    "judge": {"else": said(RULING)},
    "embedder": {},
}


def shared() -> list[Any]:
    """The cases beside the checkout; none where they are not at hand."""
    path = CASES / "servers" / "servers.json"
    return json.loads(path.read_text("utf-8"))["servers"] if path.is_file() else []


class Met:
    """What came of two requests of a role, one after the other."""

    def __init__(self, lane: Any, role: str, made: Any, ask: Any) -> None:
        self.lane, self.role, self.made, self.ask = lane, role, made, ask
        self.values: list[Any] = []
        self.errors: list[ModelError] = []
        self.counts: list[int] = []
        self.lost = False
        """Whether a limit of tokens was left out."""

    async def again(self) -> None:
        before = len(self.lane.seen())
        try:
            self.values.append(await self.ask(self.made))
        except ModelError as error:
            self.errors.append(error)
        seen = self.lane.seen()
        self.counts.append(len(seen) - before)
        last = seen[-1]["body"] if seen and "body" in seen[-1] else {}
        limits = {"max_tokens", "max_completion_tokens"}
        self.lost = self.lost or ("messages" in last and not limits & set(last))


HISTORY = [
    SystemMessage("Find it."),
    HumanMessage("Question: which badge?"),
    *(
        message
        for i in range(6)
        for message in (
            AIMessage("", tool_calls=[{"name": "overview", "args": {}, "id": f"c{i}"}]),
            ToolMessage("row " * 400, tool_call_id=f"c{i}"),
        )
    ),
]


async def _plan(planner: Any) -> Any:
    return await planner.ainvoke(HISTORY)


async def _look(inspector: Any) -> Any:
    request = InspectRequest(BADGE, [Span(80, 100)], FRAMES, 3600)
    return (await inspector.inspect(request)).value


async def _judge(judge: Any) -> Any:
    line = EvidenceLine(83.0, 83.0, "a badge reads 2185")
    return (await judge.judge(JudgeRequest(BADGE, "D", "2185", [line]))).value


async def _embed(embedder: Any) -> Any:
    texts = [f"text {i}" for i in range(40)]
    return (await embedder.passages([*texts, "long " * 700])).value


@pytest.fixture
def meet(lane, settings):
    """Ask a role twice of a server on which these cases hold."""

    async def twice(role, *cases, path="/v1"):
        lane.script({"kind": "case", "cases": list(cases), "good": GOOD[role]})
        chosen = settings.model_copy(update={"request_timeout_s": 1.0})
        endpoint = lane.endpoint.model_copy(update={"base_url": f"{lane.address}{path}"})
        make, ask = {
            "planner": (lambda s, e: make_planner(s, e).bind_tools(TOOLS), _plan),
            "inspector": (ChatInspector, _look),
            "judge": (ChatJudge, _judge),
            "embedder": (HttpEmbedder, _embed),
        }[role]
        met = Met(lane, role, make(chosen, endpoint), ask)
        await met.again()
        await met.again()
        return met

    return twice


def own() -> list[Any]:
    """Further kinds of our own: cases that hold together, and what must come of them."""
    lines = Path(__file__).with_name("servers.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


OWN = {row["id"]: row["cases"] for row in own()}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in own()])
async def test_a_refusal_is_learned_once_or_is_one_sentence(meet, row):
    """What can be mended costs one request and the second ask none; else a setting is named."""
    met = await meet(row["role"], *row["cases"])
    assert met.counts == row["requests"]
    assert len(met.errors) == (2 if "error" in row else 0)
    assert all(re.search(row["error"], f"{error} {error.hint}") for error in met.errors)
    assert not met.lost


MET = {
    "no-tool-parser": ([2, 1], "VIDEOSEAL_TOOL_CALL_FORMAT=text"),
    "tools-unsupported": ([2, 1], "VIDEOSEAL_TOOL_CALL_FORMAT=text"),
    "cut-thought": ([2, 2], None, "while it was still thinking .* VIDEOSEAL_PLANNER_MAX_TOKENS"),
    "context-full": ([2, 2], None, "8192 tokens.* 9120 tokens.* --max-model-len"),
    "system-role": ([2, 1], "role system"),
    "schema-400": ([2, 1], "a schema"), "schema-500": ([2, 1], "a schema"),
    "schema-timeout": ([2, 2], None), "images-over-10": ([2, 1], None),
    "body-over-1mb": ([3, 1], None), "image-tokens": ([3, 1], None),
    "no-pictures": ([1, 0], None, "takes no pictures: .* VIDEOSEAL_INSPECTOR_MODEL"),
    "filtered": ([1, 1], None, "held back by its filter"),
    "reply-cut": ([2, 2], None, "cut off by the limit .* VIDEOSEAL_INSPECTOR_MAX_TOKENS"),
    "repair-with-pictures": ([2, 2], None, "twice replied in the wrong form"),
    "batch-over-10": ([6, 5], None), "batch-over-16": ([5, 3], None),
    "text-too-long": ([2, 2], "only their start"), "text-too-long-400": ([3, 3], "only their"),
    "encoding-format": ([2, 1], "encoding_format"), "temperature": ([2, 1], "temperature"),
    "wrong-path": ([1, 1], None, "404: Not Found .* VIDEOSEAL_INSPECTOR_BASE_URL to http.*/v1$"),
    "no-such-model": ([2, 2], None, "VIDEOSEAL_PLANNER_MODEL to one of test-model, other"),
    "loading": ([3, 1], "loading its model"),
    "quota": ([1, 1], None, "exceeded your current quota"),
    "retry-after-hour": ([1, 1], None, "left alone for 3600 s"),
    "forbidden-region": ([1, 1], None, "Country, region, .* the key is not what is wrong"),
    "login-page": ([1, 1], None, "VIDEOSEAL_INSPECTOR_BASE_URL"),
    "error-in-200": ([3, 3], None, "3 tries, last 502: upstream overloaded"),
}  # fmt: skip
"""Requests of both asks, what is logged, and the words of the errors; else one request each."""


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in shared()])
async def test_shared_servers_are_met(meet, case, caplog):
    """As each case says that it should be."""
    caplog.set_level(logging.WARNING)
    counts, logged, *words = MET.get(case["id"], ([1, 1], None))
    met = await meet(case["role"], case, path="" if case["id"] == "wrong-path" else "/v1")
    assert met.counts == counts
    assert not logged or any(logged in message for message in caplog.messages)
    assert len(met.errors) == (2 if words else 0)
    assert all(re.search(words[0], f"{error} {error.hint}") for error in met.errors)
    assert not met.lost


async def test_calls_of_two_in_a_turn_are_both_read(meet):
    """With ids of our own where the server gives none."""
    cases = [case for case in shared() if case["id"] in ("two-calls", "same-ids")]
    for case in cases:
        for reply in (await meet("planner", case)).values:
            assert [call["name"] for call in reply.tool_calls] == ["visual_retrieve", "overview"]
            assert len({call["id"] for call in reply.tool_calls} - {""}) == 2


async def test_what_was_really_shown_is_told(meet):
    """A verdict names the frames that the server took, spread over all of them."""
    verdict = (await meet("inspector", *OWN["images-too-many"])).values[0]
    assert len(verdict.shown) == 16
    assert verdict.shown[0] < 85 < 97 < verdict.shown[-1]


async def test_an_old_result_is_cut_before_a_new_one(meet, lane):
    """A conversation that is too long loses the ends of its oldest results, and no more."""
    await meet("planner", *OWN["full-openai"])
    sent = [m["content"] for m in lane.seen()[-1]["body"]["messages"] if m["role"] == "tool"]
    short = [text.endswith("(shortened)") for text in sent]
    assert short == sorted(short, reverse=True)
    assert not short[-1]


async def test_twice_the_tokens_for_a_thought_that_was_cut(meet, lane):
    """The one repair of a planner that was still thinking."""
    await meet("planner", *OWN["thought-once"])
    assert [entry["body"]["max_tokens"] for entry in lane.seen()] == [4096, 8192, 4096]
