"""The judge at an endpoint: says whether evidence alone carries an answer."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from videoseal.core.settings import Endpoint, JudgeRole, Settings
from videoseal.models import prompts
from videoseal.models.structured import Form, Malformed, StructuredRole, Wire
from videoseal.models.types import JudgeRequest, Reply, Ruling

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

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Rule on one answer; raises ModelError."""
        return await self._ask(prompts.judge_task(request), Form(_Ruling, _ruling))


class _Ruling(Wire):
    # The reason comes before the verdict, so that the verdict can follow from it.
    why: str
    grounded: bool
    missing: str


def _ruling(wire: _Ruling) -> Ruling:
    """The ruling with its reason; what is "missing" beside a yes is dropped, as models add it."""
    why = " ".join(wire.why.split())
    if not why:
        raise Malformed('"why" is empty, but a reason is due')
    missing = "" if wire.grounded else " ".join(wire.missing.split())
    return Ruling(grounded=wire.grounded, why=why[:_LONGEST], missing=missing[:_LONGEST])
