"""Settings on their way to a Ray worker: all but the secrets are sent, those it has itself."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any, NamedTuple

from videoseal.core.errors import SettingsError
from videoseal.core.settings import REFERENCE_NAMES, ROLES, Endpoint, Settings
from videoseal.evals.running.system_settings import Endpoints

__all__ = ["Received", "Sent", "received", "secrets_of", "sent"]

_DATABASE = "DATABASE_URL"
_NO_KEY = "none"
"""What an endpoint without a key has for one."""


class Sent(NamedTuple):
    """What a worker is told; fit to stand in a log."""

    settings: dict[str, Any]
    endpoints: dict[str, dict[str, str]]
    """Those that cells name, by the prefix of their variables."""
    secrets: tuple[str, ...]
    """Variables that the worker must have in its environment."""


class Received(NamedTuple):
    """The same with the secrets, as a worker has it."""

    settings: Settings
    endpoints: Endpoints


def sent(settings: Settings, endpoints: Endpoints) -> Sent:
    """The settings without keys and passwords."""
    roles = [role for role in ROLES if settings.endpoint(role) is not None]
    left_out: Any = {"database_url": True, **{role: {"api_key"} for role in roles}}
    return Sent(
        json.loads(settings.model_dump_json(exclude=left_out)),
        {name: each.model_dump(exclude={"api_key"}) for name, each in endpoints.items()},
        tuple(secrets_of(settings, endpoints)),
    )


def secrets_of(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    """Keys and passwords by the variable that a worker finds them in."""
    own = {f"VIDEOSEAL_{role.upper()}": settings.endpoint(role) for role in ROLES}
    found = {
        f"{prefix}_API_KEY": endpoint.api_key.get_secret_value()
        for prefix, endpoint in {**own, **endpoints}.items()
        if endpoint is not None
    }
    found = {name: value for name, value in found.items() if value != _NO_KEY}
    if settings.database_url is not None:
        found[_DATABASE] = settings.database_url.get_secret_value()
    return found


def received(told: Sent, environ: Mapping[str, str]) -> Received:
    """What was sent, with the secrets that this process has in its environment.

    Raises SettingsError naming the first variable that is not there.
    """
    known = {name: _secret(name, environ) for name in told.secrets}
    values = dict(told.settings)
    for role in ROLES:
        if key := known.get(f"VIDEOSEAL_{role.upper()}_API_KEY"):
            values[role] = {**values[role], "api_key": key}
    values["database_url"] = known.get(_DATABASE)
    endpoints = {
        prefix: Endpoint.model_validate(
            {**each, "api_key": known.get(f"{prefix}_API_KEY", _NO_KEY)}
        )
        for prefix, each in told.endpoints.items()
    }
    return Received(Settings.model_validate(values), endpoints)


def _secret(name: str, environ: Mapping[str, str]) -> str:
    others = [
        f"{reference}_API_KEY"
        for reference, role in REFERENCE_NAMES.items()
        if name == f"VIDEOSEAL_{role.upper()}_API_KEY"
    ]
    for candidate in (name, *others):
        if environ.get(candidate):
            return environ[candidate]
    raise SettingsError(
        f"the Ray worker on {platform.node()} has no {name} in its environment",
        hint="set it where Ray is started on every node; keys are never sent",
    )
