"""A policy as a planner's endpoint, where there is no vLLM.

An OpenAI-compatible `/v1/chat/completions` on the loopback over the engine that played its
episodes, for one user on a laptop. Use vLLM for anything else.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Self

import torch
from aiohttp import web
from jinja2 import TemplateError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from videoseal.core.errors import first_fault
from videoseal.rl.episodes.chat_templates import chat_template_of
from videoseal.rl.worker.compat import SamplingParams
from videoseal.rl.worker.engine import Completion, HfEngine

__all__ = ["application", "load", "run"]

_TURN_TOKENS: Final = 512


class _Message(BaseModel):
    """A message; templates of tools and pictures are not those of the rollouts."""

    role: Literal["system", "user", "assistant"]
    content: str


class _Asked(BaseModel):
    """What can be asked for; the rest of OpenAI's form is refused unless it asks for nothing."""

    model_config = ConfigDict(extra="allow", strict=True)

    messages: list[_Message] = Field(min_length=1)
    temperature: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    model: object = None
    user: object = None
    seed: object = None
    stream: Literal[False] | None = None
    n: Literal[1] | None = None
    top_p: Literal[1] | None = None
    logprobs: Literal[False] | None = None

    @model_validator(mode="after")
    def _nothing_else(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if value not in (None, [], {}):
                raise ValueError(f"{name} is not known here")
        return self


def application(engine: HfEngine, name: str) -> web.Application:
    """The server of one engine; a request that it cannot carry out is answered with status 400."""

    async def complete(request: web.Request) -> web.Response:
        try:
            prompt, sampling = _read(engine, _Asked.model_validate_json(await request.read()))
            choice = (await engine.generate(prompt, sampling)).outputs[0]
        except ValidationError as problem:
            return _refusal(first_fault(problem, "request"))
        except ValueError as problem:
            return _refusal(str(problem))
        except TemplateError as problem:
            return _refusal(f"the chat template refuses these messages: {problem}")
        told = engine.tokenizer.decode(
            choice.token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return web.json_response(_completion(name, str(told), len(prompt), choice))

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"}]})

    async def stop(_: web.Application) -> None:
        await engine.close()

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", complete), web.get("/v1/models", models)])
    app.on_cleanup.append(stop)
    return app


def load(folder: Path, seed: int | None = None) -> HfEngine:
    """The engine of a Hugging Face folder; raises TemplateRefused, and OSError for no such."""
    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    chat_template_of(tokenizer)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").to(device)
    return HfEngine(model, tokenizer, seed=seed)


def run(engine: HfEngine, name: str, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve on a bound socket until SIGINT or SIGTERM; `ready` is called when it listens."""

    async def tell(_: web.Application) -> None:
        ready()

    # Whoever asks from now on is answered as soon as the loop runs.
    listener.listen()
    app = application(engine, name)
    app.on_startup.append(tell)
    web.run_app(app, sock=listener, print=None)


def _read(engine: HfEngine, asked: _Asked) -> tuple[list[int], SamplingParams]:
    """Prompt, tokenised as the rollouts did, and sampling; raises ValueError, TemplateError."""
    plain = [turn.model_dump() for turn in asked.messages]
    text = engine.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    prompt: list[int] = engine.tokenizer(text, add_special_tokens=False)["input_ids"]
    room = engine.model.config.max_position_embeddings - len(prompt)
    if room < 1:
        raise ValueError(f"{len(prompt)} tokens leave the model no room to answer")
    usual = getattr(engine.model.generation_config, "temperature", None)
    heat = next((each for each in (asked.temperature, usual) if each is not None), 1.0)
    most = asked.max_tokens or asked.max_completion_tokens or _TURN_TOKENS
    return prompt, SamplingParams(temperature=heat, max_tokens=min(most, room))


def _refusal(problem: str) -> web.Response:
    told = {"message": problem, "type": "invalid_request_error"}
    return web.json_response({"error": told}, status=400)


def _completion(name: str, told: str, read: int, choice: Completion) -> dict[str, Any]:
    written = len(choice.token_ids)
    return {
        "id": f"chatcmpl-{time.monotonic_ns()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": told},
                "finish_reason": choice.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        },
    }
