"""One tiny call to the endpoint of a role, to see that it works before a long job does."""

from __future__ import annotations

import json
from io import BytesIO

from langchain_core.messages import AIMessage, HumanMessage

from videoseal.core.settings import JUDGE_ROLES, Endpoint, Role, Settings
from videoseal.models.types import Frame

__all__ = ["check_endpoint", "told"]

_TOOL = {
    "type": "function",
    "function": {
        "name": "ready",
        "description": "Say that you are ready.",
        "parameters": {"type": "object", "properties": {}},
    },
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
    from videoseal.models.planner import make_planner

    planner = make_planner(settings, endpoint).bind_tools([_TOOL])
    reply = await planner.ainvoke([HumanMessage("Call the function ready now.")])
    form = settings.tool_call_format
    if isinstance(reply, AIMessage) and reply.tool_calls:
        return f"answers with {form} tool calls"
    other = "text" if form == "native" else "native"
    return f"answers, but made no {form} tool call (try VIDEOSEAL_TOOL_CALL_FORMAT={other})"


async def _chat(settings: Settings, endpoint: Endpoint, role: Role) -> str:
    from videoseal.models.client import EndpointChat
    from videoseal.models.pictures import Illustrated

    sees = role in ("inspector", "captioner")
    shown = Illustrated("Reply with the word ready.", [Frame(0.0, _picture())] if sees else [])
    chat = EndpointChat.at(settings, endpoint, role)
    await chat.ainvoke([HumanMessage(shown.content)])
    return "answers and takes pictures" if sees else "answers"


def _picture() -> bytes:
    """A grey JPEG, large enough for the smallest patch of any vision model."""
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (64, 64), (128, 128, 128)).save(buffer, "JPEG")
    return buffer.getvalue()
