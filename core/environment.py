"""The process environment, over what a `.env` file says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from videoseal.core.errors import SettingsError

__all__ = ["environment"]


def environment(folder: Path | None = None) -> Mapping[str, str]:
    """The process environment over the `.env` of `folder` (the current one).

    Raises SettingsError for a `.env` that is not UTF-8 or has a line that is no assignment.
    """
    path = (folder or Path.cwd()) / ".env"
    values: dict[str, str] = {}
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
