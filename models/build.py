"""Choosing the models of a process: an endpoint where settings name one, else a stand-in.

The clients import langchain-openai and the stand-ins their engines, so each is imported only when
it is chosen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from langchain_core.language_models import BaseChatModel

from videoseal.core.errors import SettingsError
from videoseal.core.settings import JUDGE_ROLES, JudgeRole, Settings
from videoseal.models.roles import (
    Answerer,
    Captioner,
    Embedder,
    Inspector,
    Judge,
    Models,
    Summariser,
)

__all__ = ["build_judges", "build_models", "load_embedder", "search_policy"]

log = logging.getLogger(__name__)


def build_models(settings: Settings) -> Models:
    """One model a role; a role without an endpoint is its stand-in, whatever the others are.

    Endpoints are not asked yet: a wrong key or a dead server shows with the first call. Raises
    SettingsError for an endpoint that no request could be sent to, and what loading the text
    reader of the offline inspector raises.
    """
    settings = _with_local_llm(settings)
    return Models(
        planner=_planner(settings),
        inspector=_inspector(settings),
        answerer=_answerer(settings),
        captioner=_captioner(settings),
        embedder=_embedder(settings),
        summariser=_summariser(settings),
    )


def build_judges(settings: Settings, roles: Sequence[JudgeRole] = ()) -> list[Judge]:
    """The judges of those roles, else of those that are set.

    Raises SettingsError when there is none, and for two roles with one model.
    """
    from videoseal.models.judge import ChatJudge

    judges: list[Judge] = []
    for role in roles or [role for role in JUDGE_ROLES if settings.endpoint(role)] or ["judge"]:
        endpoint = settings.endpoint(role)
        if endpoint is None:
            raise SettingsError(
                f"no {role} is set, and evidence is judged by a model",
                hint=f"set VIDEOSEAL_{role.upper()}_BASE_URL and VIDEOSEAL_{role.upper()}_MODEL",
            )
        judges.append(ChatJudge(settings, endpoint, role))
    if len({judge.name for judge in judges}) < len(judges):
        raise SettingsError(
            "the same judge is asked for twice: it would agree with itself",
            hint="let VIDEOSEAL_JUDGE2_MODEL be another model than VIDEOSEAL_JUDGE_MODEL",
        )
    return judges


def _with_local_llm(settings: Settings) -> Settings:
    """The same settings with the local language model where planner or answerer have no endpoint.

    It reads text only, so the inspector stays what it is.
    """
    if not settings.local_llm or (settings.planner and settings.answerer):
        return settings
    from videoseal.models.local_llm import local_endpoint

    endpoint = local_endpoint(settings.data_dir)
    update: dict[str, object] = {"answerer": settings.answerer or endpoint}
    if settings.planner is None:
        update.update(planner=endpoint, tool_call_format="json")
    return settings.model_copy(update=update)


def _planner(settings: Settings) -> BaseChatModel:
    if settings.planner:
        from videoseal.models.planner import make_planner

        return make_planner(settings, settings.planner)
    return search_policy()


def search_policy() -> BaseChatModel:
    """The offline planner, whatever planner settings name."""
    from videoseal.models.offline.planner import SearchPolicy

    return SearchPolicy()


def _inspector(settings: Settings) -> Inspector:
    if settings.inspector:
        from videoseal.models.inspector import ChatInspector

        return ChatInspector(settings, settings.inspector)
    from videoseal.models.ocr.reader import load_text_reader
    from videoseal.models.offline.inspector import ReadingInspector

    return ReadingInspector(load_text_reader(settings))


def _answerer(settings: Settings) -> Answerer:
    if settings.answerer:
        from videoseal.models.answerer import ChatAnswerer

        return ChatAnswerer(settings, settings.answerer)
    from videoseal.models.offline.inspector import MatchingAnswerer

    return MatchingAnswerer()


def _captioner(settings: Settings) -> Captioner:
    if settings.captioner:
        from videoseal.models.captioner import ChatCaptioner

        return ChatCaptioner(settings, settings.captioner)
    from videoseal.models.offline.captioner import TemplateCaptioner

    return TemplateCaptioner()


def _embedder(settings: Settings) -> Embedder:
    if settings.embedder:
        from videoseal.models.embedder import HttpEmbedder

        return HttpEmbedder(settings, settings.embedder)
    return load_embedder(log.warning)


def load_embedder(warn: Callable[[str], None]) -> Embedder:
    """The offline embedder; `warn` is told where only spelling can be compared."""
    from videoseal.models.local_embedder import load_embedder as load

    return load(warn)


def _summariser(settings: Settings) -> Summariser:
    if settings.summariser:
        from videoseal.models.summariser import ChatSummariser

        return ChatSummariser(settings, settings.summariser)
    from videoseal.models.offline.captioner import ExtractSummariser

    return ExtractSummariser()
