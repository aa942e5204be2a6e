"""What a server was found not to take: asked once, and left out for the rest of the process.

Servers say so in many words. A field that is named in a refusal is left out at once; the schema of
a reply is tried without where nothing else explains a refusal, and kept if that changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from videoseal.core.errors import ModelError, ModelRejected
from videoseal.core.files import write_whole
from videoseal.core.settings import Endpoint
from videoseal.models.limits.refusals import (
    about_form,
    about_model,
    about_number,
    about_pictures,
    about_strict,
    about_system,
    about_tools,
    is_blind,
    lengths,
    named,
    numbers_of,
    too_big,
    too_long,
    too_much_asked,
)

__all__ = ["ECHOED", "Learned", "keep_learned", "learned_of"]

log = logging.getLogger(__name__)

ECHOED: Final = ("reasoning_content", "reasoning", "reasoning_details")
"""Fields of a reply that some servers want back with the next request, and others refuse."""
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
"""Names of the limit of a reply, the older one first."""
_FILE: Final = "models.json"
_SCHEMA: Final = "response_format"
_SYSTEM: Final = "system"
_STRICT: Final = "strict"
_NEEDED: Final = frozenset({"model", "messages", "input", "tools", "stream", _SCHEMA})
_SAID: Final = {_SYSTEM: "turns of the role system", _SCHEMA: "a schema for its replies",
                _STRICT: "tools that are strict"}  # fmt: skip
_TAUGHT: Final = (400, 403, 404, 405, 408, 413, 415, 422, 500, 501)
"""Statuses of refusals that may be about what was sent."""


_USEFUL: Final = 512
"""Tokens of a reply below which a limit is that of one long prompt, and not remembered."""


@dataclass(slots=True)
class Learned:
    """What is known of one model at one address."""

    refused: set[str] = field(default_factory=set)
    """Fields of a request that it does not take; `system` stands for messages of that role."""
    asked: bool = False
    """Whether it was asked to find all this out."""
    held: bool = False
    """Whether it has replied to a request that holds the reply to a form."""
    json_object: bool = False
    """Whether it was found to know the form `json_object`."""
    context: int | None = None
    """Tokens of prompt and reply together; None while nobody said."""
    reply: int | None = None
    """Tokens that a reply may have; None while no limit was met."""
    hung: int = 0
    """Requests for a form that it gave no reply to, and then one without it."""
    full: int | None = None
    """Characters of a conversation that was too long for it; None while none was."""
    pictures: int | None = None
    """Pictures that one request may hold; None while no limit was met."""
    body: int | None = None
    """Bytes of pictures, in base64, that one request may hold; None while no limit was met."""
    picture_share: float = 1.0
    """Tokens of a picture as it counts them, over those that the arithmetic of its family says."""
    texts: int | None = None
    """Texts that one request for vectors may hold; None while no limit was met."""
    blind: str = ""
    """What it said when it refused all pictures."""

    def fitted(
        self, request: Mapping[str, Any], without: Set[str] = frozenset(), limit: int | None = None
    ) -> dict[str, Any]:
        """The request without what is refused; `limit` is what was found for its reply."""
        out = self.refused | without
        fitted = {name: value for name, value in request.items() if name not in {*out, *_LIMITS}}
        if more := fitted.get("extra_body"):
            fitted["extra_body"] = {name: more[name] for name in more if name not in out}
        if name := next((name for name in _LIMITS if name not in out), None):
            told = [limit, self.reply, request.get(_LIMITS[0])] if _LIMITS[0] in request else []
            fitted |= {name: min(filter(None, told))} if any(told) else {}
        if _SCHEMA in out and _SCHEMA in request and self.json_object:
            fitted[_SCHEMA] = {"type": "json_object"}
        if out & {*ECHOED}:
            fitted["messages"] = [
                {name: value for name, value in message.items() if name not in out}
                for message in fitted["messages"]
            ]
        if _SYSTEM in out:
            fitted["messages"] = _without_system(fitted["messages"])
        if _STRICT in out and "tools" in fitted:
            fitted["tools"] = [_lax(tool) for tool in fitted["tools"]]
        return fitted

    def lesson(self, error: ModelError, sent: Mapping[str, Any]) -> tuple[set[str], int | None]:
        """What to leave out after a refusal, and how long a reply may be.

        Neither where it says that something else is wrong.
        """
        said, status = error.said, error.status
        if status not in _TAUGHT:
            return set(), None
        roles = [message.get("role") for message in sent.get("messages", [])]
        if _SYSTEM in roles and about_system(said):
            return {_SYSTEM}, None
        limit = next((name for name in _LIMITS if name in sent), "")
        if limit and (less := too_much_asked(said, sent[limit])):
            return set(), less
        echoed = {name for message in sent.get("messages", []) for name in message} & {*ECHOED}
        fields = {*sent, *sent.get("extra_body", {}), *echoed} - _NEEDED
        if found := {name for name in fields if named(name, said)}:
            return found, None
        return self._suspects(error, sent), None

    def _suspects(self, error: ModelError, sent: Mapping[str, Any]) -> set[str]:
        """What holds a reply to a form, where a refusal may be about that."""
        strict = any(tool["function"].get(_STRICT) for tool in sent.get("tools", []))
        if strict and about_strict(error.said):
            return {_STRICT}
        forms = {_SCHEMA, "tool_choice"} & set(sent) | ({_STRICT} if strict else set())
        if about_form(error.said):
            return forms
        broken = error.status in (408, 500, 501) and not self.held
        explained = (
            too_long(error)
            or too_big(error)
            or about_pictures(error.said)
            or about_tools(error)
            or about_model(error)
        )
        unclear = error.status in (400, 422) and isinstance(error, ModelRejected)
        return forms if (broken or unclear) and not explained else set()

    def remember(
        self, without: Set[str], limit: int | None, sent: Mapping[str, Any], place: str
    ) -> None:
        """A request went through without these fields, and with that limit of its reply."""
        self.held = self.held or bool({_SCHEMA, "tool_choice"} & set(sent))
        if limit and limit >= _USEFUL:
            self.reply = min(limit, self.reply or limit)
        for name in sorted(without - self.refused):
            log.warning("%s does not take %s: sent without it from now on",
                        place, _SAID.get(name, name))  # fmt: skip
        self.refused |= without

    def fewer_pictures(self, error: ModelError, shown: int) -> int | None:
        """How many pictures to try after a refusal of so many; None where they are not at fault."""
        said = error.said
        if error.status not in (400, 403, 404, 413, 415, 422, 500, 501) or shown < 1:
            return None
        if too_big(error):
            return shown // 2 or None
        if too_long(error):
            told = lengths(said)
            share = 0.9 * told.allowed / told.needed if told else 0.5
            self.context = told.allowed if told else self.context
            return min(shown - 1, max(1, int(shown * share))) or None
        known = about_pictures(said) and 0 not in numbers_of(said)
        if known and (fewer := about_number(said, shown)):
            return fewer
        if is_blind(said):
            self.blind = said
        return None


def learned_of(endpoint: Endpoint, folder: Path) -> Learned:
    """What is known of the model at an endpoint; all clients of a process share it.

    It begins with what `keep_learned` kept in that data folder.
    """
    return _learned(_name(endpoint), folder)


def keep_learned(endpoint: Endpoint, learned: Learned, folder: Path) -> None:
    """Let what was found be known here and to later processes; raises OSError."""
    known, learned.asked = learned_of(endpoint, folder), True
    for each in fields(Learned):
        setattr(known, each.name, getattr(learned, each.name))
    kept = {**_kept(folder), _name(endpoint): {**asdict(known), "refused": sorted(known.refused)}}
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / _FILE, json.dumps(kept, indent=1))


@cache
def _learned(name: str, folder: Path) -> Learned:
    known = _kept(folder).get(name)
    names = {each.name for each in fields(Learned)}
    if not isinstance(known, dict) or not known.keys() <= names:
        return Learned()
    return Learned(**{**known, "refused": set(known.get("refused", []))})


def _kept(folder: Path) -> dict[str, Any]:
    try:
        kept = json.loads((folder / _FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.model} at {endpoint.base_url}"


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules at the head of the first turn of the user, and no two of its turns in a row."""
    rules = [str(m["content"]) for m in messages if m.get("role") == _SYSTEM]
    found: list[dict[str, Any]] = []
    for message in [{"role": "user", "content": "\n\n".join(rules)}, *messages]:
        if message.get("role") == _SYSTEM:
            continue
        if found and found[-1].get("role") == "user" == message.get("role"):
            joined = f"{found[-1]['content']}\n\n{message['content']}"
            found[-1] = {"role": "user", "content": joined}
        else:
            found.append(message)
    return found


def _lax(tool: dict[str, Any]) -> dict[str, Any]:
    function = {name: value for name, value in tool["function"].items() if name != _STRICT}
    return {**tool, "function": function}
