"""What the documents promise is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from videoseal.core.settings import ROLES, Settings

ROOT = Path(__file__).resolve().parents[1]


def _names() -> set[str]:
    plain = {f"VIDEOSEAL_{name.upper()}" for name in Settings.model_fields}
    plain -= {f"VIDEOSEAL_{name.upper()}" for name in (*ROLES, "database_url")}
    parts = ("BASE_URL", "API_KEY", "MODEL")
    return plain | {f"VIDEOSEAL_{role.upper()}_{part}" for role in ROLES for part in parts}


def test_env_example_lists_every_setting_and_no_other() -> None:
    """`.env.example` names exactly the variables that Settings reads."""
    listed = re.findall(r"^#(VIDEOSEAL_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(_names())


def test_env_example_shows_the_defaults() -> None:
    """A value shown for a plain setting is its default."""
    shown = dict(re.findall(r"^#(VIDEOSEAL_\w+)=(\S+)$", (ROOT / ".env.example").read_text(), re.M))
    endpoints = {name: value for name, value in shown.items() if _is_endpoint(name)}
    plain = {k: v for k, v in shown.items() if k not in endpoints and k != "VIDEOSEAL_DATA_DIR"}
    assert plain
    defaults, read = Settings.from_env({}), Settings.from_env(plain)
    assert read == defaults


def _is_endpoint(name: str) -> bool:
    return any(name.startswith(f"VIDEOSEAL_{role.upper()}_") for role in ROLES)
