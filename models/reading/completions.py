"""Bodies of replies that are not as agreed and have one meaning all the same."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["message_of", "read_body"]


def read_body(said: str) -> dict[str, Any] | None:
    """A body that came as text: JSON of another type, or a stream that nobody asked for."""
    text = said.lstrip("\ufeff \r\n")
    if not text.startswith("data:"):
        found = _json(text)
        return found if isinstance(found, dict) else None
    pieces = [_json(line[5:]) for line in text.splitlines() if line.startswith("data:")]
    events = [piece for piece in pieces if isinstance(piece, dict)]
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    body: dict[str, Any] = {}
    ended: Any = None
    for event in events:
        body |= {name: value for name, value in event.items() if value is not None}
        for choice in (event.get("choices") or [])[:1]:
            ended = choice.get("finish_reason") or ended
            _add(message, choice.get("delta") or {})
    choice = {"index": 0, "finish_reason": ended, "message": message}
    return {**body, "choices": [choice]} if events and "choices" in body else None


def message_of(choice: Any) -> dict[str, Any] | None:
    """The message of a choice, also one of the older completions; None where there is none."""
    if not isinstance(choice, dict):
        return None
    for name in ("message", "delta"):
        if isinstance(choice.get(name), dict):
            message: dict[str, Any] = choice[name]
            called = message.get("function_call")
            if isinstance(called, dict) and not message.get("tool_calls"):
                message["tool_calls"] = [{"id": "", "type": "function", "function": called}]
            if isinstance(message.get("tool_calls"), dict):
                message["tool_calls"] = [message["tool_calls"]]
            return {**message, "role": message.get("role") or "assistant"}
    text = choice.get("text")
    return {"role": "assistant", "content": text} if isinstance(text, str) else None


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    """Put a piece of a streamed message to what there is."""
    for name, value in delta.items():
        if name == "tool_calls":
            for call in value or []:
                _add_call(message["tool_calls"], call)
        elif isinstance(value, str) and name != "role":
            message[name] = (message.get(name) or "") + value


def _add_call(calls: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    number = piece.get("index", len(calls) - (not piece.get("id")))
    while len(calls) <= number:
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    calls[number]["id"] = calls[number]["id"] or piece.get("id") or ""
    for name, value in (piece.get("function") or {}).items():
        if isinstance(value, str):
            calls[number]["function"][name] += value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
