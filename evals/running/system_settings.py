"""What a system under test may change of the run's settings and models.

The index is made once, with the run's own settings, so only what matters while a question is asked
can differ. Endpoints are named by a prefix of environment variables (`SMALL_BASE_URL`,
`SMALL_MODEL`, `SMALL_API_KEY`), so that no key ever stands in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from pydantic import ValidationError

from videoseal.core.errors import SettingsError, faults, first_fault
from videoseal.core.settings import Endpoint, Settings
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleRecord
from videoseal.evals.running.sample import run_sample
from videoseal.graph.resources import Resources
from videoseal.models.build import build_models

__all__ = ["ROLES", "SETTINGS", "Endpoints", "Systems", "check_system", "model_names",
           "read_endpoints", "settings_of"]  # fmt: skip

Endpoints = Mapping[str, Endpoint]
"""By the prefix of their variables."""

SETTINGS: Final = (
    "frame_side", "jpeg_quality", "ocr_model", "tool_call_format", "local_llm",
    "request_timeout_s", "max_retries",
)  # fmt: skip
"""Settings that may differ between the systems of a run."""
ROLES: Final = ("planner", "inspector", "answerer")
"""Roles that may have another endpoint; those that made the index may not."""
_PREFIX: Final = re.compile(r"(?!VIDEOSEAL_)[A-Z][A-Z0-9_]*[A-Z0-9]")


def check_system(system: SystemSpec) -> None:
    """Raise SettingsError for the first setting or endpoint that a system may not change."""
    for part, names, free in (
        ("settings", system.settings, SETTINGS), ("endpoints", system.endpoints, ROLES),
    ):  # fmt: skip
        for name in names:
            if name not in free:
                raise SettingsError(
                    f"{part}.{name}: cannot differ between the systems of a run",
                    hint=f"what can: {', '.join(free)}",
                )
    for role, prefix in system.endpoints.items():
        if not _PREFIX.fullmatch(prefix):
            raise SettingsError(
                f"endpoints.{role}: {prefix!r} is no prefix of environment variables",
                hint="capitals, digits and underscores; VIDEOSEAL_ is taken by the settings",
            )
    try:
        Settings.model_validate(system.settings)
    except ValidationError as error:
        raise _bad_setting(error) from None


def read_endpoints(
    systems: Iterable[SystemSpec], environ: Mapping[str, str]
) -> dict[str, Endpoint]:
    """The endpoints that systems name; SettingsError lists the variables that are missing."""
    found: dict[str, Endpoint] = {}
    for prefix in dict.fromkeys(p for system in systems for p in system.endpoints.values()):
        url, model = environ.get(f"{prefix}_BASE_URL"), environ.get(f"{prefix}_MODEL")
        if not url or not model:
            raise SettingsError(
                f"the experiment needs an endpoint: set {prefix}_BASE_URL and {prefix}_MODEL",
                hint=f"and {prefix}_API_KEY where the server asks for a key",
            )
        given = {"base_url": url, "model": model, "api_key": environ.get(f"{prefix}_API_KEY")}
        try:
            found[prefix] = Endpoint.model_validate({k: v for k, v in given.items() if v})
        except ValidationError as error:
            first = faults(error)[0]
            part = str(first.place[0]).upper()
            raise SettingsError(f"{prefix}_{part}: {first.message}") from None
    return found


def settings_of(system: SystemSpec, base: Settings, endpoints: Endpoints) -> Settings:
    """The run's settings as this system has them; SettingsError for what it may not change."""
    check_system(system)
    missing = [prefix for prefix in system.endpoints.values() if prefix not in endpoints]
    if missing:
        raise SettingsError(f"no endpoint is known by the name {missing[0]}")
    changes = {**system.settings, **{r: endpoints[p] for r, p in system.endpoints.items()}}
    if not changes:
        return base
    try:
        checked = Settings.model_validate(changes)
    except ValidationError as error:
        raise _bad_setting(error) from None
    return base.model_copy(update={name: getattr(checked, name) for name in changes})


class Systems:
    """The resources of every system; systems with the same settings share theirs."""

    def __init__(self, resources: Resources, endpoints: Endpoints) -> None:
        self._base = resources
        self._endpoints = endpoints
        self._made: list[Resources] = [resources]

    def of(self, system: SystemSpec) -> Resources:
        """What to ask this system's questions with; what made the index is the run's."""
        settings = settings_of(system, self._base.settings, self._endpoints)
        known = next((made for made in self._made if made.settings == settings), None)
        if known is not None:
            return known
        whole, own = self._base.models, build_models(settings)
        models = replace(whole, planner=own.planner, inspector=own.inspector, answerer=own.answerer)
        made = replace(self._base, settings=settings, models=models)
        self._made.append(made)
        return made

    async def sample(
        self, item: Item, system: SystemSpec, video_id: str, duration: float
    ) -> SampleRecord:
        """Ask one question of a system here."""
        return await run_sample(self.of(system), item, system, video_id, duration)


def model_names(resources: Resources) -> dict[str, str]:
    """Model and prompt version by role."""
    return resources.models.names("planner", "inspector", "answerer", "captioner", "embedder")


def _bad_setting(error: ValidationError) -> SettingsError:
    return SettingsError(f"settings.{first_fault(error)}")
