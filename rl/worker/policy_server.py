"""A policy as a planner's endpoint, where there is no vLLM.

An OpenAI-compatible `/v1/chat/completions` on the loopback over the engine that played its
episodes, for one user on a laptop. Use vLLM for anything else.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from aiohttp import web
from jinja2 import TemplateError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from videoseal.rl.episodes.chat_templates import chat_template_of
from videoseal.rl.worker.compat import SamplingParams
from videoseal.rl.worker.engine import Completion, HfEngine

__all__ = ["application", "load", "run"]

_TURN_TOKENS: Final = 512
_ROLES: Final = ("system", "user", "assistant")
_KNOWN: Final = ("model", "messages", "temperature", "max_tokens", "max_completion_tokens", "user",
                 "seed")  # fmt: skip
_OFF: Final = {"stream": False, "n": 1, "top_p": 1, "logprobs": False}
"""What may be asked for as long as nothing is asked with it."""


def application(engine: HfEngine, name: str) -> web.Application:
    """The server of one engine; a request that it cannot carry out is answered with status 400."""

    async def complete(request: web.Request) -> web.Response:
        try:
            prompt, sampling = _read(engine, await request.json())
            choice = (await engine.generate(prompt, sampling)).outputs[0]
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


def _read(engine: HfEngine, asked: object) -> tuple[list[int], SamplingParams]:
    """Prompt and sampling of a request; raises ValueError for one that cannot be carried out."""
    if not isinstance(asked, dict):
        raise ValueError("the body is no JSON object")
    for key, value in asked.items():
        if key in _OFF and value not in (None, _OFF[key]):
            raise ValueError(f"{key} can only be {_OFF[key]}")
        if key not in _OFF and key not in _KNOWN and value not in (None, [], {}):
            raise ValueError(f"{key} is not known here")
    prompt = _tokens(engine, asked.get("messages"))
    usual = getattr(engine.model.generation_config, "temperature", None)
    most = asked.get("max_tokens") or asked.get("max_completion_tokens")
    sampling = SamplingParams(
        temperature=float(_number(asked, "temperature", 1.0 if usual is None else usual)),
        max_tokens=_TURN_TOKENS
        if most is None
        else int(_number({"max_tokens": most}, "max_tokens", 0)),
    )
    room = engine.model.config.max_position_embeddings - len(prompt)
    if room < 1:
        raise ValueError(f"{len(prompt)} tokens leave the model no room to answer")
    assert sampling.max_tokens is not None
    sampling.max_tokens = min(sampling.max_tokens, room)
    return prompt, sampling


def _tokens(engine: HfEngine, messages: object) -> list[int]:
    """The conversation as the rollouts tokenised it; raises ValueError, TemplateError."""
    if not isinstance(messages, list) or not messages:
        raise ValueError("messages is no list of messages")
    plain = [_turn(number, message) for number, message in enumerate(messages)]
    text = engine.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    found: list[int] = engine.tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _turn(number: int, message: object) -> dict[str, str]:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise ValueError(f"messages[{number}] has none of the roles {', '.join(_ROLES)}")
    content = message.get("content")
    if not isinstance(content, str):
        raise ValueError(f"messages[{number}] has no text as its content")
    return {"role": message["role"], "content": content}


def _number(asked: dict[str, Any], key: str, default: float) -> float:
    value = asked.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} is no number")
    return value


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
