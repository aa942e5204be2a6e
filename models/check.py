"""Tiny calls to the endpoint of a role: does it work, and what can it do.

`probe_endpoint` takes nothing from a name or a document: tools, forms, pictures, context and counts
are tried, and what is short of the best names the setting or the server's switch that mends it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any, Final

import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from videoseal.core.checks import Check
from videoseal.core.errors import ModelAuthError, ModelError
from videoseal.core.settings import JUDGE_ROLES, Endpoint, Role, Settings
from videoseal.models.client import EndpointChat, usage_of
from videoseal.models.limits.learned import Learned, keep_learned
from videoseal.models.limits.refusals import lengths, numbers_of
from videoseal.models.limits.sight import correct
from videoseal.models.pictures import Illustrated
from videoseal.models.planner import make_planner
from videoseal.models.reading.json_text import json_parts
from videoseal.models.reading.reply_schema import obj
from videoseal.models.reply import read_text_calls
from videoseal.models.types import Frame

__all__ = ["check_endpoint", "probe_endpoint", "told"]

_LOOKS: Final = ("inspector", "captioner")
_MANY: Final = 64
"""Pictures of the largest look that a question makes by itself."""
_SMALL_CONTEXT: Final = 16_384
_ENDLESS: Final = 100_000_000
"""Tokens that no server grants: its refusal tells what it has."""
_PATIENCE_S: Final = 60.0
_READY: Final = [SystemMessage("Be brief."), HumanMessage("Reply with the word ready.")]
_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "ready",
        "description": "Say that you are ready.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string", "maxLength": 20}},
            "required": ["word"],
            "additionalProperties": False,
        },
    },
}
_FORM: Final = {
    "type": "json_schema",
    "json_schema": {"name": "ready", "strict": True, "schema": obj(ready={"type": "boolean"})},
}


async def check_endpoint(settings: Settings, role: Role) -> str:
    """One line on what answered for `role`, and on what it is told.

    Raises ModelError or SettingsError with a hint.

    The planner is asked for a tool call, the roles that look are shown a picture, and the
    embedder's dimension is learnt.
    """
    endpoint = settings.endpoint(role)
    if endpoint is None:
        return "none is set" if role in JUDGE_ROLES else "offline stand-in"
    if role == "embedder":
        found = await _embed(settings, endpoint)
    elif role == "planner":
        found = await _plan(settings, endpoint)
    else:
        found = await _chat(settings, endpoint, role)
    return f"{endpoint.model}: {found}; {told(endpoint)}"


def told(endpoint: Endpoint) -> str:
    """What its requests say, as far as it differs from nothing."""
    names = [name for name in Endpoint.model_fields if name not in ("base_url", "model", "api_key")]
    given = {name: getattr(endpoint, name) for name in names}
    parts = [f"{n} {v if isinstance(v, str) else json.dumps(v)}" for n, v in given.items()
             if v not in (None, [], {})]  # fmt: skip
    return ", ".join(parts) or "told nothing else"


async def _embed(settings: Settings, endpoint: Endpoint) -> str:
    from videoseal.models.embedder import HttpEmbedder

    reply = await HttpEmbedder(settings, endpoint).query("ready")
    return f"vectors of {reply.value.shape[1]} numbers"


async def _plan(settings: Settings, endpoint: Endpoint) -> str:
    planner = make_planner(settings, endpoint).bind_tools([_TOOL])
    reply = await planner.ainvoke([HumanMessage("Call the function ready now.")])
    form = settings.tool_call_format
    if isinstance(reply, AIMessage) and reply.tool_calls:
        return f"answers with {form} tool calls"
    other = "text" if form == "native" else "native"
    return f"answers, but made no {form} tool call (try VIDEOSEAL_TOOL_CALL_FORMAT={other})"


async def _chat(settings: Settings, endpoint: Endpoint, role: Role) -> str:
    sees = role in ("inspector", "captioner")
    shown = Illustrated("Reply with the word ready.", [Frame(0.0, _picture())] if sees else [])
    chat = EndpointChat.at(settings, endpoint, role)
    await chat.ainvoke([HumanMessage(shown.content)])
    return "answers and takes pictures" if sees else "answers"


def _picture(size: tuple[int, int] = (64, 64)) -> bytes:
    """A red JPEG, as large as the smallest patch of any vision model at least."""
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", size, (220, 20, 20)).save(buffer, "JPEG")
    return buffer.getvalue()


async def probe_endpoint(
    settings: Settings, role: Role, turn: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]
) -> list[Check]:
    """What the server of a role can do; the planner is also asked for one real `turn`.

    A role without an endpoint has none, and neither has the embedder. Raises ModelError where it
    cannot be asked at all. What was found is kept for all processes that use the data folder.
    """
    endpoint = settings.endpoint(role)
    if endpoint is None or role == "embedder":
        return []
    patient = min(settings.request_timeout_s, _PATIENCE_S)
    once = settings.model_copy(update={"max_retries": 0, "request_timeout_s": patient})
    return await _Probe(once, endpoint, role).run(turn, tools)


class _Probe:
    def __init__(self, settings: Settings, endpoint: Endpoint, role: Role) -> None:
        self.settings, self.endpoint, self.role = settings, endpoint, role
        self.learned = Learned()
        self.policy = self._chat().policy

    def _chat(self, learned: Learned | None = None) -> EndpointChat:
        chat = EndpointChat.at(self.settings, self.endpoint, self.role)
        chat.learned = learned or self.learned
        return chat

    def _said(self, error: ModelError) -> str:
        """The server's words, short; a refused key ends it all."""
        if isinstance(error, ModelAuthError):
            raise error
        return self.policy.redact(error.said or str(error))

    async def _try(self, messages: list[BaseMessage], **options: Any) -> AIMessage | ModelError:
        """A reply without learning from it, so that each try stands alone."""
        scratch = replace(self.learned, refused=set(self.learned.refused))
        try:
            return await self._chat(scratch).ask(messages, **options)
        except ModelError as error:
            return error

    async def _create(self, **more: Any) -> Any:
        """A reply to the least that can be asked, as the server sends it."""
        said = [{"role": "user", "content": "Reply with the word ready."}]
        sent = {"model": self.endpoint.model, "messages": said, **self.endpoint.sampling, **more}
        return await self._chat().root_async_client.chat.completions.create(
            **self.learned.fitted(sent)
        )

    def _told(self, what: str, found: str, mend: str = "") -> Check:
        """One line; what was not tried has no text."""
        return Check(self.role, "warn" if mend else "ok", found and f"{what}: {found}", mend)

    async def run(
        self, turn: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]
    ) -> list[Check]:
        listed = await self._listed()
        found = [await self._answers(), listed, await self._context()]
        steps: list[Callable[[], Awaitable[Check]]] = [self._stream]
        if self.role == "planner":
            native = self.settings.tool_call_format == "native"
            steps = [self._tools, self._required, *steps] if native else steps
        elif self.role != "summariser":
            steps = [self._schema, *steps]
        if self.role in _LOOKS:
            steps = [self._picture, self._pictures, *steps]
        found += [await step() for step in steps]
        keep_learned(self.endpoint, self.learned, self.settings.data_dir)
        if self.role == "planner":
            found.append(await self._turn(turn, tools))
        return [check for check in found if check.text]

    async def _listed(self) -> Check:
        """The model in the server's list, which often tells its context."""
        client = openai.AsyncOpenAI(
            api_key=self.endpoint.api_key.get_secret_value(),
            http_client=self.policy.http_client,
            **self.policy.client_options,
        )
        try:
            body: Any = await client.get("/models", cast_to=object)
            models = {str(model["id"]): model for model in body["data"]}
        except (openai.APIError, ValueError, KeyError, TypeError):
            return self._told("model", "")
        if self.endpoint.model not in models:
            names = ", ".join(list(models)[:8])
            mend = f"set {self.policy.setting('MODEL')} to one of {names}"
            return self._told("model", f"{self.endpoint.model} is not in the server's list", mend)
        told = models[self.endpoint.model]
        meta = told.get("meta") if isinstance(told.get("meta"), dict) else {}
        known = [told.get(name) for name in ("max_model_len", "context_length", "context_window")]
        self.learned.context = next(
            (n for n in (*known, meta.get("n_ctx")) if isinstance(n, int) and n > 0), None
        )
        return self._told("model", f"{self.endpoint.model} is listed")

    async def _answers(self) -> Check:
        reply = await self._chat().ask(list(_READY))
        counted = usage_of(reply).prompt_tokens
        left_out = ", ".join(sorted(self.learned.refused))
        found = f"answers; tokens are {'counted' if counted else 'not counted'}"
        found += f"; does not take {left_out}" if left_out else ""
        mend = "" if counted else "no budget of tokens or dollars can hold without counts"
        return self._told("chat", found, mend)

    async def _context(self) -> Check:
        if not self.learned.context:
            try:
                await self.policy.call(partial(self._create, max_tokens=_ENDLESS))
            except ModelError as told:
                both = lengths(told.said, _ENDLESS)
                named = [n for n in numbers_of(told.said) if 256 <= n < _ENDLESS]
                self.learned.context = both.allowed if both else max(named, default=None)
        context = self.learned.context
        if not context:
            return self._told("context", "not told; learned when a request is too long")
        mend = ""
        if context < _SMALL_CONTEXT:
            mend = "serve it with more (vLLM: --max-model-len, llama.cpp: --ctx-size)"
        return self._told("context", f"{context} tokens", mend)

    async def _tools(self) -> Check:
        asked: list[BaseMessage] = [HumanMessage("Call the function ready with the word yes.")]
        told = await self._try(asked, tools=[_TOOL])
        flags = "VIDEOSEAL_TOOL_CALL_FORMAT=text, or vLLM with --enable-auto-tool-choice " \
                "--tool-call-parser (hermes for Qwen), llama.cpp with --jinja"  # fmt: skip
        if isinstance(told, ModelError):
            self.learned.refused.add("tools")
            return self._told("tools", f"no native tool calls: {self._said(told)}", flags)
        if told.tool_calls:
            return self._told("tools", "native tool calls")
        if read_text_calls(str(told.text), 0, [_TOOL]).calls:
            return self._told("tools", "calls come as words, and are read", flags)
        return self._told("tools", "takes tools, but called none when told to", flags)

    async def _required(self) -> Check:
        if "tools" in self.learned.refused:
            return self._told("tool_choice", "")
        strict = {**_TOOL, "function": {**_TOOL["function"], "strict": True}}  # type: ignore[dict-item]
        told = await self._try([_READY[1]], tools=[strict], tool_choice="required")
        if isinstance(told, AIMessage) and told.tool_calls:
            return self._told("tool_choice", "required calls are kept to")
        why = self._said(told) if isinstance(told, ModelError) else "no call came"
        return self._told("tool_choice", f"required is not kept to: {why}",
                       "nothing to do: a turn without a call is asked again")  # fmt: skip

    async def _schema(self) -> Check:
        asked: list[BaseMessage] = [HumanMessage('Reply with JSON: {"ready": true}')]
        told = await self._try(asked, response_format=_FORM)
        if _is_ready(told):
            self.learned.held = True
            return self._told("schema", "replies are held to a JSON schema")
        self.learned.refused |= {"response_format"} if isinstance(told, ModelError) else set()
        other = await self._try(asked, response_format={"type": "json_object"})
        self.learned.json_object = _is_ready(other)
        other_found = "json_object is" if self.learned.json_object else "the form is only described"
        why = self._said(told) if isinstance(told, ModelError) else "taken and ignored"
        return self._told("schema", f"no JSON schema ({why}); {other_found}",
                       "nothing to do: replies are read leniently; vLLM and llama.cpp hold to "
                       "schemas")  # fmt: skip

    async def _look(self, count: int, size: tuple[int, int], **more: Any) -> AIMessage | ModelError:
        frames = [Frame(float(n), _picture(size)) for n in range(count)]
        shown = Illustrated("Which colour is it? One word.", frames)
        return await self._try([HumanMessage(shown.content)], **more)

    async def _picture(self) -> Check:
        told = await self._look(1, (64, 64))
        mend = f"set {self.policy.setting('MODEL')} to a vision model (llama.cpp: --mmproj)"
        if isinstance(told, ModelError):
            self.learned.fewer_pictures(told, 1)
            return self._told("pictures", f"takes no pictures: {self._said(told)}", mend)
        if "red" not in str(told.text).casefold():
            said = self.policy.redact(str(told.text)) or "nothing"
            return self._told("pictures", f"takes pictures, but calls a red one {said!r}", mend)
        return self._told("pictures", "sees a red picture as red")

    async def _pictures(self) -> Check:
        """How many, and what they are counted at."""
        most: int | None = _MANY
        told: AIMessage | ModelError | None = None
        while most and not self.learned.blind:
            told = await self._look(most, (64, 64))
            if isinstance(told, AIMessage):
                break
            most = self.learned.fewer_pictures(told, most)
        if not most or self.learned.blind or not isinstance(told, AIMessage):
            return self._told("pictures", "")
        if most < _MANY:
            self.learned.pictures = most
        large = await self._look(4, (640, 360))
        if isinstance(large, AIMessage):
            shown = [Frame(0.0, _picture((640, 360)))] * 4
            counted = usage_of(large).prompt_tokens
            correct(self.learned, counted and counted + 600, "", shown, self.endpoint.model)
        share = self.learned.picture_share
        told_share = f", counted at {share:.2f} of the published arithmetic" if share != 1 else ""
        mend = f"vLLM: --limit-mm-per-prompt '{{\"image\": {_MANY}}}'" if most < _MANY else ""
        return self._told("pictures", f"{most} in one request{told_share}", mend)

    async def _stream(self) -> Check:
        pieces = 0
        try:
            async with asyncio.timeout(self.policy.timeout_s):
                async for _ in await self._create(stream=True, max_tokens=16):
                    pieces += 1
        except (openai.APIError, ValueError, TimeoutError) as error:
            return self._told("streaming", f"no stream: {self.policy.redact(str(error))}")
        return self._told("streaming", f"streams, {pieces} pieces" if pieces else "an empty stream")

    async def _turn(self, turn: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> Check:
        planner = make_planner(self.settings, self.endpoint).bind_tools(tools)
        weak = f"{self.policy.setting('MODEL')} may be too weak to plan, or try another form: " \
               "VIDEOSEAL_TOOL_CALL_FORMAT=json"  # fmt: skip
        try:
            reply = await planner.ainvoke(list(turn))
        except ModelError as error:
            return self._told("turn", f"a real turn failed: {error}", error.hint or weak)
        assert isinstance(reply, AIMessage)
        known = {tool["function"]["name"] for tool in tools}
        calls = [call["name"] for call in reply.tool_calls]
        if calls and set(calls) <= known:
            return self._told("turn", f"a real turn calls {', '.join(calls)}")
        said = self.policy.redact(str(reply.text)) or "nothing"
        return self._told("turn", f"a real turn makes no call that can be read: {said}", weak)


def _is_ready(told: AIMessage | ModelError) -> bool:
    if isinstance(told, ModelError):
        return False
    parts = [part.value for part in json_parts(str(told.text))]
    bare = str(told.text).lstrip()[:1] == "{"
    return bare and any(isinstance(value, dict) and "ready" in value for value in parts)
