"""The chat client of a role: langchain-openai with our limits and strictness."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Self

import openai
from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI
from pydantic import Field

from videoseal.core.errors import ModelError, ModelRejected, ModelReplyError, ModelUnavailable
from videoseal.core.settings import Endpoint, Role, Settings
from videoseal.core.text import clean_text
from videoseal.models.limits.learned import ECHOED, Learned, learned_of
from videoseal.models.limits.purse import held_for
from videoseal.models.limits.refusals import about_model
from videoseal.models.limits.sight import tokens_of
from videoseal.models.pictures import frames_in
from videoseal.models.reading.completions import message_of, read_body
from videoseal.models.request_policy import RequestPolicy
from videoseal.models.types import Usage

__all__ = ["ECHO", "EndpointChat", "echo_of", "reasoning_of", "usage_of", "was_cut"]

log = logging.getLogger(__name__)

_REASONING: Final = "reasoning"
_OPTIONS: Final = ("extra_headers", "extra_query", "timeout")
"""Of a request, and not in its body."""
ECHO: Final = "echo"
"""Where a message holds what its server wants back."""
_BESIDE: Final = "beside_calls"
_FORMS: Final = ("response_format", "tool_choice")
_MILLION: Final = 1_000_000
_LONGEST: Final = 16_384
"""Tokens of a reply without a limit that are reckoned with."""
_COLD: Final = 2
"""Time-outs over a form before it counts as refused."""


class EndpointChat(ChatOpenAI):
    """An OpenAI-compatible chat endpoint; every failure is a ModelError.

    A reply is always read whole, so that a lost connection can be tried again.
    """

    policy: RequestPolicy = Field(exclude=True, repr=False)
    learned: Learned = Field(exclude=True, repr=False)
    max_dollars: float | None = Field(None, exclude=True, repr=False)
    """What the whole process may spend."""

    @classmethod
    def at(cls, settings: Settings, endpoint: Endpoint, role: Role, **more: Any) -> Self:
        """The client of a role; SettingsError when no request could be sent."""
        policy = RequestPolicy.of(settings, endpoint, role)
        return cls(
            policy=policy,
            max_dollars=settings.max_dollars,
            learned=learned_of(endpoint, settings.data_dir),
            model=endpoint.model,
            api_key=endpoint.api_key,
            http_async_client=policy.http_client,
            **policy.client_options,
            disable_streaming=True,
            use_responses_api=False,
            # Otherwise langchain-openai reads a proxy of its own from the environment.
            openai_proxy="",
            **more,
        )

    async def ask(self, messages: list[BaseMessage], **options: Any) -> AIMessage:
        """One reply, kept out of the chat that a graph streams to its user."""
        config: RunnableConfig = {"run_name": self.policy.role, "tags": ["nostream"]}
        return await self.ainvoke(messages, config=config, **options)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(await self._ask(messages, kwargs, stop))

    async def _ask(
        self, messages: list[BaseMessage], options: dict[str, Any], stop: list[str] | None
    ) -> dict[str, Any]:
        endpoint, given = self.policy.endpoint, dict(options)
        told = {**endpoint.sampling, **{n: given.pop(n) for n in ("max_tokens",) if n in given}}
        payload = {**self._get_request_payload(messages, stop=stop, **given), **told}
        payload["messages"] = _echoing(messages, payload["messages"])
        if endpoint.body:
            payload["extra_body"] = endpoint.body
        read, written = endpoint.price or (0.0, 0.0)
        asked, late = self._tokens(payload), list[int]()
        most = asked * read + (told.get("max_tokens") or _LONGEST) * written
        with held_for(self.max_dollars, most / _MILLION) as cost:
            try:
                body = await self._whole(payload, late)
            except ModelError as error:
                if late:
                    # A server reads what it is sent, whether or not anybody waits for it.
                    error.cost = Usage(len(late), round(asked) * len(late))
                    cost.append(asked * len(late) * read / _MILLION)
                raise
            used = body.get("usage") or {}
            if used.get("prompt_tokens"):
                for name in ("prompt_tokens", "total_tokens"):
                    used[name] = (used.get(name) or 0) + round(asked) * len(late)
            counted = [used.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")]
            cost.append((counted[0] * read + counted[1] * written or most) / _MILLION)
        return body

    def _tokens(self, payload: dict[str, Any]) -> float:
        """At most so many are read, in all likelihood: a token has three bytes and more."""
        size = len(
            json.dumps([payload["messages"], payload.get("tools")], ensure_ascii=False).encode()
        )
        shown = [
            frame for message in payload["messages"] for frame in frames_in(message["content"])
        ]
        return size / 3 + tokens_of(shown, self.policy.endpoint.model, self.learned)

    async def _whole(self, payload: dict[str, Any], late: list[int]) -> dict[str, Any]:
        """The reply; one that is empty or cut is asked for once more, a web page is not."""
        try:
            return self._body(await self._fitting(payload, late))
        except ModelReplyError as error:
            if not self.max_retries or error.said.lstrip()[:1] == "<":
                raise
        return self._body(await self._fitting(payload, late))

    async def _fitting(self, payload: dict[str, Any], late: list[int]) -> Any:
        """The reply to what the server takes of a request; each refusal that teaches costs one.

        `late` gets an entry for each request whose reply was given up.
        """
        without: set[str] = set()
        limit: int | None = None
        hung = False
        while True:
            sent = self.learned.fitted(payload, without, limit)
            # A server that breaks over a form is not asked for the same many times.
            once = hung or (not self.learned.held and bool({*sent} & {*_FORMS}))
            send = partial(self.root_async_client.chat.completions.create, **_as_it_is(sent))
            try:
                response = await self.policy.call(send, once=once, late=late)
            except (ModelRejected, ModelUnavailable) as error:
                more, less = self.learned.lesson(error, sent)
                if more <= without and less in (None, limit):
                    raise await self._with_models(error) from None
                without, limit = without | more, less or limit
                hung = error.status == 408
            else:
                self.learned.hung += hung
                # One time-out may be that of a cold start.
                kept = set() if hung and self.learned.hung < _COLD else without
                self.learned.remember(kept, limit, sent, self.policy.place)
                return response

    async def _with_models(self, error: ModelError) -> ModelError:
        """A refused name of a model, with those that the server lists."""
        if about_model(error):
            client = self.root_async_client.with_options(max_retries=0, timeout=5)
            with suppress(openai.APIError, ValueError, KeyError, TypeError):
                told: Any = await client.get("/models", cast_to=object)
                listed = ", ".join(str(model["id"]) for model in told["data"][:8])
                error.hint = f"set {self.policy.setting('MODEL')} to one of {listed}"
        return error

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("endpoints are asked asynchronously: use ainvoke")

    def _body(self, response: Any) -> dict[str, Any]:
        """The reply as plain data, with at least one choice that holds a message."""
        if hasattr(response, "model_dump"):
            body: dict[str, Any] = response.model_dump(warnings=False)
        else:
            found = read_body(str(response))
            if found is None:
                raise self.policy.bad_reply(f"not JSON but {str(response)!r}", str(response))
            body = found
        choices = body.get("choices")
        if not isinstance(choices, list) or not choices:
            said = f": {body['error']}" if body.get("error") else ""
            raise self.policy.bad_reply(f"it holds no choice{said}")
        for choice in choices:
            message = message_of(choice)
            if message is None:
                raise self.policy.bad_reply("a choice holds no message")
            choice["message"] = message
            message["content"] = clean_text(_text(message.get("content")))
        return body

    def _result(self, body: dict[str, Any]) -> ChatResult:
        """What langchain makes of the reply, and the thoughts that it would drop."""
        try:
            result = self._create_chat_result(body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.debug("cannot read the reply of %s", self.policy.place, exc_info=error)
            raise self.policy.bad_reply(f"{type(error).__name__}: {error}") from None
        for generation, choice in zip(result.generations, body["choices"], strict=True):
            told = generation.message.response_metadata
            told["finish_reason"] = choice.get("finish_reason")
            told["refusal"] = _text(choice["message"].get("refusal"))
            if not choice["message"]["content"]:
                told[_REASONING] = _thought(choice["message"])
        return result


def usage_of(message: BaseMessage, *, frames: int = 0, seconds: float = 0.0) -> Usage:
    """What one reply cost by its `usage_metadata`; tokens are 0 where the server counts none."""
    metadata = message.usage_metadata if isinstance(message, AIMessage) else None
    return Usage(
        calls=1,
        prompt_tokens=metadata["input_tokens"] if metadata else 0,
        completion_tokens=metadata["output_tokens"] if metadata else 0,
        frames=frames,
        seconds=seconds,
    )


def reasoning_of(message: BaseMessage) -> str:
    """What a model thought where it said nothing, as far as its server passes that on."""
    return str(message.response_metadata.get(_REASONING) or "")


def echo_of(message: Mapping[str, Any], calls: object) -> dict[str, Any]:
    """What a server wants back within a loop of tools: thoughts, and what is beside its calls."""
    found: dict[str, Any] = {name: message[name] for name in ECHOED if message.get(name)}
    own = {"id", "type", "function", "index"}
    beside = {
        str(call.get("id")): {name: value for name, value in call.items() if name not in own}
        for call in (calls if isinstance(calls, list) else [])
        if isinstance(call, dict) and call.keys() - own
    }
    return {**found, **({_BESIDE: beside} if beside else {})}


def _as_it_is(sent: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `create` for a body that is ready: messages and tools are plain JSON.

    Given as such, the client would walk through all of them by their types, 3 ms of CPU a call.
    """
    own: dict[str, Any] = {name: sent[name] for name in _OPTIONS if name in sent}
    body = {name: value for name, value in sent.items() if name not in (*_OPTIONS, "extra_body")}
    body |= sent.get("extra_body") or {}
    return {"model": sent["model"], "messages": [], "extra_body": body, **own}


def _echoing(
    messages: Sequence[BaseMessage], sent: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """With what servers want back of the turns after the last of the user."""
    users = [place for place, message in enumerate(messages) if isinstance(message, HumanMessage)]
    found = list(sent)
    for place in range(users[-1] if users else 0, len(messages)):
        echo = dict(messages[place].additional_kwargs.get(ECHO, {}))
        beside = echo.pop(_BESIDE, {})
        if echo or beside:
            told = {**found[place], **echo}
            if calls := told.get("tool_calls"):
                told["tool_calls"] = [{**call, **beside.get(call["id"], {})} for call in calls]
            found[place] = told
    return found


def was_cut(message: BaseMessage) -> bool:
    """Whether a reply ended where the limit of tokens was reached."""
    return message.response_metadata.get("finish_reason") == "length"


def _thought(message: dict[str, Any]) -> str:
    names = ("reasoning_content", "reasoning")
    return next((clean_text(said) for name in names if (said := _text(message.get(name)))), "")


def _text(content: object) -> str:
    """The words of a reply; some servers send them as a list of parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""
