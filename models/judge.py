"""The judge at an endpoint: whether evidence carries an answer, and whether two answers agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from langchain_core.messages import HumanMessage

from videoseal.core.settings import Endpoint, JudgeRole, Settings
from videoseal.models import prompts
from videoseal.models.limits.learned import keep_learned
from videoseal.models.reading.reply_schema import either, obj, one_of, text
from videoseal.models.reading.wire import Flag, Wire, Words
from videoseal.models.structured import Form, Malformed, StructuredRole
from videoseal.models.types import JudgeRequest, Match, MatchRequest, Reply, Ruling

__all__ = ["ChatJudge"]

_LONGEST: Final = 2000
"""Characters kept of a reason."""
_LIMIT: Final = "max_tokens"


class ChatJudge(StructuredRole):
    """Rules on answers through an OpenAI-compatible endpoint.

    It is told the question, the proposed answer and the evidence as fenced data; nothing in them
    can close its fence.
    """

    told = "judge"

    def __init__(self, settings: Settings, endpoint: Endpoint, role: JudgeRole = "judge") -> None:
        self.role = role
        super().__init__(settings, endpoint)
        self._folder = settings.data_dir
        self.prompt = prompts.judge_prompt()
        self._matcher = _ChatMatcher(settings, endpoint, role)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What else its verdicts depend on, as far as its server takes it."""
        policy, refused = self._chat.policy, self._chat.learned.refused
        told = {n: v for n, v in policy.endpoint.sampling.items() if n not in {*refused, _LIMIT}}
        return {"model": policy.endpoint.model, "place": policy.place, **told}

    async def ready(self) -> None:
        """Ask once in a few words, and keep what its server refused: then `settings` are true.

        Raises ModelError.
        """
        if not self._chat.learned.asked:
            await self._chat.ask([HumanMessage("Reply with the word ready.")])
            keep_learned(self._chat.policy.endpoint, self._chat.learned, self._folder)

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Rule on one answer; raises ModelError."""
        form = Form(_Ruling, _ruling, _RULES)
        return await self._ask(prompts.judge_task(request), lambda _: form)

    async def match(self, request: MatchRequest) -> Reply[Match]:
        """Say whether an answer in words is the published one; raises ModelError."""
        return await self._matcher.match(request)


class _ChatMatcher(StructuredRole):
    told = "match"

    def __init__(self, settings: Settings, endpoint: Endpoint, role: JudgeRole) -> None:
        self.role = role
        super().__init__(settings, endpoint)

    async def match(self, request: MatchRequest) -> Reply[Match]:
        form = Form(_Match, _match, _MATCH)
        return await self._ask(prompts.match_task(request), lambda _: form)


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
