"""Options that a benchmark wrote into the question's text."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["split_options"]

_OPTION: Final = re.compile(r"^\s*\(?([A-Z])[).:]\s*(.*)$")


def split_options(text: str) -> tuple[str, list[str]]:
    """Part a stem and its `(A) one` lines into the stem and the option texts.

    Options must be lettered from A without a gap; ValueError otherwise. A text without options
    is a stem alone.
    """
    stem: list[str] = []
    options: list[str] = []
    for line in text.strip().splitlines():
        match = _OPTION.match(line)
        if match and ord(match.group(1)) - ord("A") == len(options):
            options.append(match.group(2).strip())
        elif options and line.strip():
            options[-1] = f"{options[-1]} {line.strip()}".strip()
        else:
            stem.append(line)
    if len(options) == 1:
        raise ValueError("question: a single option (A) is no choice")
    return " ".join(" ".join(stem).split()), options
