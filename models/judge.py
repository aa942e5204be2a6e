"""The judge at an endpoint: whether evidence carries an answer, and whether two answers agree."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from videoseal.core.settings import Endpoint, JudgeRole, Settings
from videoseal.models import prompts
from videoseal.models.reading.reply_schema import either, obj, one_of, text
from videoseal.models.reading.wire import Flag, Wire, Words
from videoseal.models.structured import Form, Malformed, StructuredRole
from videoseal.models.types import JudgeRequest, Match, MatchRequest, Reply, Ruling

__all__ = ["ChatJudge"]

_LONGEST: Final = 2000
"""Characters kept of a reason."""


class ChatJudge(StructuredRole):
    """Rules on answers through an OpenAI-compatible endpoint.

    It is told the question, the proposed answer and the evidence as fenced data; nothing in them
    can close its fence.
    """

    told = "judge"
    options = MappingProxyType({"temperature": 0.0})
    """A judge that is asked again should say the same again, as far as its server lets it."""

    def __init__(self, settings: Settings, endpoint: Endpoint, role: JudgeRole = "judge") -> None:
        self.role = role
        super().__init__(settings, endpoint)
        self.prompt = prompts.judge_prompt()
        place = self._chat.policy.place
        self.settings = {"model": endpoint.model, "place": place, **self.options}
        self._matcher = _ChatMatcher(settings, endpoint, role)

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Rule on one answer; raises ModelError."""
        return await self._ask(prompts.judge_task(request), Form(_Ruling, _ruling, _RULES))

    async def match(self, request: MatchRequest) -> Reply[Match]:
        """Say whether an answer in words is the published one; raises ModelError."""
        return await self._matcher.match(request)


class _ChatMatcher(StructuredRole):
    told = "match"
    options = ChatJudge.options

    def __init__(self, settings: Settings, endpoint: Endpoint, role: JudgeRole) -> None:
        self.role = role
        super().__init__(settings, endpoint)

    async def match(self, request: MatchRequest) -> Reply[Match]:
        return await self._ask(prompts.match_task(request), Form(_Match, _match, _MATCH))


class _Match(Wire):
    decides = "same"
    why: Words = ""
    same: Flag


_MATCH: Final = obj(why=text(_LONGEST, 1), same=one_of(True, False))


def _match(wire: _Match) -> Match:
    return Match(same=wire.same, why=" ".join(wire.why.split())[:_LONGEST])


class _Ruling(Wire):
    decides = "grounded"
    # The reason comes before the verdict, so that the verdict can follow from it.
    why: Words = ""
    grounded: Flag
    missing: Words = ""


_RULES: Final = either(
    obj(why=text(_LONGEST, 1), grounded=one_of(True), missing=one_of("")),
    obj(why=text(_LONGEST, 1), grounded=one_of(False), missing=text(_LONGEST)),
)


def _ruling(wire: _Ruling) -> Ruling:
    """The ruling with its reason; what is "missing" beside a yes is dropped, as models add it."""
    why = " ".join(wire.why.split())
    if not why:
        raise Malformed('"why" is empty, but a reason is due')
    missing = "" if wire.grounded else " ".join(wire.missing.split())
    return Ruling(grounded=wire.grounded, why=why[:_LONGEST], missing=missing[:_LONGEST])
