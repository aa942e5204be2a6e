"""The process environment, over what `.env` and `videoseal.toml` say."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

from videoseal.core.errors import SettingsError

__all__ = ["FILE", "environment", "told"]

FILE: Final = "videoseal.toml"
_SECRETS: Final = ("_API_KEY", "_SEAL_KEY", "_DATABASE_URL")


def environment(folder: Path | None = None) -> Mapping[str, str]:
    """The process environment over the `.env` over the `videoseal.toml` of `folder`.

    The folder is the current one. Raises SettingsError for a file that is not UTF-8 or not of its
    form, and for a secret in `videoseal.toml`.
    """
    path = (folder or Path.cwd()) / ".env"
    values = told(path.with_name(FILE))
    if path.is_file():
        try:
            with path.open(encoding="utf-8") as stream:
                bindings = list(parse_stream(stream))
        except UnicodeDecodeError:
            raise SettingsError(f"{path} is not UTF-8 text") from None
        for binding in bindings:
            if binding.error:
                raise SettingsError(
                    f"{path}:{binding.original.line}: not a setting",
                    hint="write one NAME=value a line",
                )
            if binding.key is not None and binding.value is not None:
                values[binding.key] = binding.value
    return {**values, **os.environ}


def told(path: Path) -> dict[str, str]:
    """The settings of a `videoseal.toml` under the names of their variables; none without a file.

    `[planner]` with `temperature = 0.2` is `VIDEOSEAL_PLANNER_TEMPERATURE`. Raises SettingsError.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    flat = {
        f"VIDEOSEAL_{name}{part and '_'}{part}".upper(): value
        for name, given in tables.items()
        for part, value in (given if isinstance(given, dict) else {"": given}).items()
    }
    if secret := next((name for name in flat if name.endswith(_SECRETS)), None):
        raise SettingsError(
            f"{path} holds a secret", hint=f"put it into the environment or .env as {secret}"
        )
    return {n: v if isinstance(v, str) else json.dumps(v) for n, v in flat.items()}
