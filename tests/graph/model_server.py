"""An OpenAI-compatible planner and inspector for a served agent, as a process of its own.

`python model_server.py PORT DELAY_S`: the planner looks at two spans at once and then gives up;
the inspector sees nothing that settles anything. Each reply takes DELAY_S seconds, that to the
second look three times as long. `GET /count` returns how many requests came, by model and by the
step of their conversation, how many of them were replied to (`done ...`), and how many clients
hung up while they waited.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

COUNT: Counter[str] = Counter()
DELAY = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
LATE = "00:00:12-00:00:14"
VERDICT = {
    "sufficient": False, "answer": "", "choice": None, "reason": "SPAN_MISMATCH",
    "observations": [], "missing": "all of it", "confidence": 0.0,
}  # fmt: skip


def planned(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The planner's call at this point of its conversation."""
    done = sum(message["role"] == "assistant" for message in messages)
    looks = [("visual_inspect", {"spans": [span]}) for span in ("00:00:08-00:00:10", LATE)]
    steps = [[("overview", {})], looks, [("give_up", {"reason": "nothing"})]]
    calls = [
        {"id": f"c{done}-{place}", "type": "function",
         "function": {"name": name, "arguments": json.dumps(args)}}
        for place, (name, args) in enumerate(steps[min(done, len(steps) - 1)])
    ]  # fmt: skip
    return {"content": "", "tool_calls": calls}


async def chat(request: Request) -> JSONResponse:
    """One completion, late; what is not waited for is counted as hung up."""
    body = await request.json()
    turns = sum(message["role"] == "assistant" for message in body["messages"])
    name = f"{body['model']}-{turns}"
    COUNT[name] += 1
    slow = body["model"] == "inspector" and LATE[:8] in json.dumps(body)
    for _ in range(max(1, int(DELAY * 20) * (3 if slow else 1))):
        await asyncio.sleep(min(DELAY, 0.05))
        if await request.is_disconnected():
            COUNT["hung up"] += 1
            return JSONResponse({})
    COUNT[f"done {name}"] += 1
    planner = body["model"] == "planner"
    message = planned(body["messages"]) if planner else {"content": json.dumps(VERDICT)}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return JSONResponse({"id": "x", "object": "chat.completion", "created": 0,
                         "model": body["model"], "choices": [choice], "usage": usage})  # fmt: skip


async def count(_: Request) -> JSONResponse:
    """What came so far."""
    return JSONResponse(dict(COUNT))


app = Starlette(
    routes=[
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/count", count),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
