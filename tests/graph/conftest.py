"""A small world for the graph: scripted models, and tools that need no video."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field

from videoseal.core.errors import UnknownVideo
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.graph.app import build_agent
from videoseal.graph.ask import ask
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode
from videoseal.graph.events import Event
from videoseal.graph.resources import Resources, holding
from videoseal.indexing.index_rows import Hit, VideoRow
from videoseal.models.roles import Models
from videoseal.models.types import (
    AnswerDraft,
    AnswerRequest,
    Frame,
    InspectRequest,
    Observation,
    Question,
    Reply,
    SpokenLine,
    Usage,
    Verdict,
)

VIDEO = "v0123456789abcdef"
DURATION = 3600.0
COST = Usage(calls=1, prompt_tokens=10, completion_tokens=5)


class ScriptedPlanner(BaseChatModel):
    """Says what the script says, then gives up; remembers what it was asked."""

    script: list[Any] = Field(default_factory=list)
    """AIMessages, exceptions to raise, or functions of the messages."""
    requests: list[list[BaseMessage]] = Field(default_factory=list)
    tools: list[list[str]] = Field(default_factory=list)
    tokens: int = 0
    delay: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return cast("Runnable[Any, AIMessage]", self.bind(tools=tools))

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.requests.append(messages)
        self.tools.append([tool["function"]["name"] for tool in kwargs["tools"]])
        await asyncio.sleep(self.delay)
        turn = self.script[len(self.requests) - 1 :][:1] or [call("give_up")]
        found = turn[0](messages) if callable(turn[0]) else turn[0]
        if isinstance(found, Exception):
            raise found
        if self.tokens:
            told = {"input_tokens": self.tokens, "output_tokens": 0, "total_tokens": self.tokens}
            found = found.model_copy(update={"usage_metadata": told})
        return ChatResult(generations=[ChatGeneration(message=found)])


@dataclass
class FakeInspector:
    """Gives the verdict that `verdict` makes of a request."""

    verdict: Callable[[InspectRequest], Verdict]
    requests: list[InspectRequest] = field(default_factory=list)
    usage: Usage = COST
    delay: float = 0.0
    name: str = "fake-inspector"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        return Reply(self.verdict(request), self.usage)


@dataclass
class FakeAnswerer:
    """Gives the draft that `draft` makes of a request."""

    draft: Callable[[AnswerRequest], AnswerDraft]
    requests: list[AnswerRequest] = field(default_factory=list)
    usage: Usage = COST
    delay: float = 0.0
    name: str = "fake-answerer"

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        return Reply(self.draft(request), self.usage)


class FakeStore:
    """Knows one video."""

    def seal_key(self) -> bytes:
        return b"of the tests"

    def video(self, video_id: str) -> VideoRow:
        if video_id != VIDEO:
            raise UnknownVideo(f"no video {video_id}")
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return VideoRow(
            id=VIDEO, path=Path("film.mp4"), title="Film", duration=DURATION, width=64, height=36,
            fps=25.0, has_audio=False, size_bytes=1, status="ready", fingerprint="f",
            created=now, updated=now,
        )  # fmt: skip


@dataclass
class FakeEmbedder:
    """Only has a name: the fake search needs no vectors."""

    name: str = "fake-embedder"


def call(tool: str, *, text: str = "", call_id: str = "c1", **args: Any) -> AIMessage:
    """A planner's message with one tool call."""
    return AIMessage(text, tool_calls=[{"name": tool, "args": args, "id": call_id}])


def calls(*wanted: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    """A planner's message with several tool calls."""
    named = [{"name": tool, "args": args, "id": f"c{n}"} for n, (tool, args) in enumerate(wanted)]
    return AIMessage(text, tool_calls=named)


def insufficient(request: InspectRequest) -> Verdict:
    """Saw something in the first frame that does not settle the question."""
    seen = Observation(time=request.frames[0].time, text="half of it")
    return Verdict(
        sufficient=False, reason="PARTIAL_EVIDENCE", observations=[seen], missing="the rest"
    )


def nothing_seen(request: InspectRequest) -> Verdict:
    """Saw nothing of use."""
    return Verdict(sufficient=False, reason="SPAN_MISMATCH", missing="all of it")


def sufficient(request: InspectRequest) -> Verdict:
    """Saw the answer in the first frame."""
    seen = Observation(time=request.frames[0].time, text="a red door")
    choice = "B" if request.question.options else None
    return Verdict(
        sufficient=True, answer="a red door", choice=choice, observations=[seen], confidence=0.9
    )


def heard(request: InspectRequest) -> Verdict:
    """Heard the answer in the last line."""
    number = len(request.lines)
    said = Observation(time=0.0, text="the door is red", line=number)
    choice = "B" if request.question.options else None
    return Verdict(sufficient=True, answer="red", choice=choice, observations=[said])


def unsupported(request: AnswerRequest) -> AnswerDraft:
    """Finds that the evidence carries nothing."""
    return AnswerDraft(supported=False, why="half is missing", answer="a guess", choice="A")


def supported(request: AnswerRequest) -> AnswerDraft:
    """Joins all the evidence."""
    cites = [note.id for note in request.evidence]
    return AnswerDraft(supported=True, answer="a red door", choice="B", cites=cites, why="both")


@dataclass
class World:
    """Scripted models, fake tools, and what happened."""

    script: list[Any] = field(default_factory=list)
    verdict: Callable[[InspectRequest], Verdict] = insufficient
    draft: Callable[[AnswerRequest], AnswerDraft] = unsupported
    hits: Callable[[str], list[Hit]] = lambda query: [
        Hit(7, "ocr", Span(60.0, 76.0), f"found {query}", 0.03)
    ]
    frames: Callable[[list[Span], int], list[Frame]] = lambda spans, most: [
        Frame(span.start + at * span.duration / 4, f"{span.start}/{at}".encode())
        for span in spans
        for at in range(4)
    ][:most]
    lines: Callable[[list[Span]], list[SpokenLine]] = lambda spans: []
    events: list[Event] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    """Frames of each inspection."""

    def __post_init__(self) -> None:
        self.planner = ScriptedPlanner(script=self.script)
        self.inspector = FakeInspector(self.verdict)
        self.answerer = FakeAnswerer(self.draft)
        self.store = FakeStore()

    @property
    def resources(self) -> Resources:
        """The world as the graph takes it."""
        none = cast(Any, None)
        models = Models(
            self.planner, self.inspector, self.answerer, none, cast(Any, FakeEmbedder()), none
        )
        return Resources(Settings(), cast(Any, self.store), models, none)

    async def ask(self, question: Question | None = None, **choices: Any) -> Episode:
        """Run one question; `choices` are the context's, `graph` and `thread_id` are ask's."""
        named = ("graph", "thread_id", "on_interrupt")
        more = {name: choices.pop(name) for name in named if name in choices}
        video_id = choices.pop("ask_about", VIDEO)
        return await ask(
            self.resources,
            question or Question(text="What colour is the door?", options=["blue", "red"]),
            video_id,
            Context(**choices),
            self.events.append,
            **more,
        )

    def agent(self, **more: Any) -> Any:
        """The served graph on these resources."""
        return build_agent(holding(self.resources), **more)

    def told(self) -> list[dict[str, Any]]:
        """What tools told the planner, as far as it read it."""
        last = self.planner.requests[-1]
        return [json.loads(m.text) for m in last if isinstance(m, ToolMessage)]


@pytest.fixture(scope="module")
def world() -> Iterator[type[World]]:
    """Build worlds whose tools are replaced by fakes of the world that asks."""
    worlds: list[World] = []

    class Here(World):
        def __post_init__(self) -> None:
            super().__post_init__()
            worlds.append(self)

    async def search(
        store: Any, embedder: Any, video_id: str, query: str, *, limit: int
    ) -> Reply[list[Hit]]:
        return Reply(worlds[-1].hits(query)[:limit], Usage(1, 3, 0, 0, 0.0))

    def show(video: VideoRow, spans: list[Span], *, max_frames: int, **rest: Any) -> list[Frame]:
        frames = worlds[-1].frames(spans, max_frames)
        worlds[-1].shown.append(min(len(frames), max_frames))
        return frames

    def spoken(store: Any, video_id: str, spans: list[Span]) -> list[SpokenLine]:
        return worlds[-1].lines(spans)

    def outline(store: Any, video_id: str, **rest: Any) -> str:
        return "00:00:00-00:04:00 a street\n00:04:00-00:08:00 a door\n"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("videoseal.graph.nodes.visual_retrieve.search_index", search)
        patch.setattr("videoseal.graph.nodes.visual_inspect.show_frames", show)
        patch.setattr("videoseal.graph.nodes.overview.read_outline", outline)
        patch.setattr("videoseal.graph.nodes.visual_inspect.spoken_lines", spoken)
        yield Here


@pytest.fixture(scope="session")
def say() -> Any:
    """The vocabulary of scripts: messages, verdicts and drafts."""

    class Say:
        call = staticmethod(call)
        calls = staticmethod(calls)
        heard = staticmethod(heard)
        insufficient = staticmethod(insufficient)
        nothing_seen = staticmethod(nothing_seen)
        sufficient = staticmethod(sufficient)
        supported = staticmethod(supported)
        unsupported = staticmethod(unsupported)
        video = VIDEO

    return Say
