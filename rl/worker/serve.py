"""`python -m rl.worker.serve FOLDER`: a policy as a planner's endpoint, where there is no vLLM.

An OpenAI-compatible `/v1/chat/completions` on the loopback over the engine that played its
episodes, for one user on a laptop. Use vLLM for anything else.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from rl.worker.compat import SamplingParams
from rl.worker.engine import HfEngine

__all__ = ["application", "main"]

_TURN_TOKENS: Final = 512


def application(engine: HfEngine, name: str) -> web.Application:
    """The server of one engine; a request that it cannot carry out is answered with status 400."""

    async def complete(request: web.Request) -> web.Response:
        try:
            asked = await request.json()
            prompt = _tokens(engine, asked["messages"])
            sampling = SamplingParams(
                temperature=_number(asked.get("temperature"), 1.0),
                max_tokens=int(asked.get("max_tokens") or _TURN_TOKENS),
            )
            room = engine.model.config.max_position_embeddings - len(prompt)
            if room < 1:
                raise ValueError(f"{len(prompt)} tokens leave the model no room to answer")
            sampling.max_tokens = min(sampling.max_tokens or room, room)
        except (KeyError, TypeError, ValueError) as problem:
            return web.json_response({"error": {"message": str(problem)}}, status=400)
        choice = (await engine.generate(prompt, sampling)).outputs[0]
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


def main() -> None:
    """Serve until interrupted; prints the address when it listens."""
    parser = argparse.ArgumentParser(prog="python -m rl.worker.serve", description=__doc__)
    parser.add_argument("folder", type=Path, help="a model as `videoseal train export` writes it")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(given.folder, dtype="auto").to(device)
    engine = HfEngine(model, AutoTokenizer.from_pretrained(given.folder), seed=given.seed)
    web.run_app(application(engine, given.folder.name), host="127.0.0.1", port=given.port)


def _tokens(engine: HfEngine, messages: list[dict[str, Any]]) -> list[int]:
    """The conversation as the rollouts tokenised it."""
    plain = [{"role": message["role"], "content": message["content"] or ""} for message in messages]
    text = engine.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    found: list[int] = engine.tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _completion(name: str, told: str, read: int, choice: Any) -> dict[str, Any]:
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


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


if __name__ == "__main__":
    main()
