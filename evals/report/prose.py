"""What the page says in sentences: what was run, what was found, how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from videoseal.evals.report.numbers import percent
from videoseal.evals.scoring.systems import System

__all__ = ["describe_run", "facts_of", "sentences_of"]

_MOST_SENTENCES: Final = 6


def facts_of(systems: Sequence[System]) -> list[str]:
    """What the report is of."""
    if not systems:
        return ["No sample is recorded yet."]
    runs = len({system.key.run for system in systems})
    asked = sum(system.counts["asked"] for system in systems)
    return [
        _count(runs, "run"),
        _count(len(systems), "system"),
        _count(max(system.counts["asked"] for system in systems), "question"),
        _count(max(system.frame["video"].nunique() for system in systems), "video"),
        _count(asked, "sample"),
    ]


def sentences_of(systems: Sequence[System]) -> list[str]:
    """What was found, a sentence for each of the first systems."""
    return [_sentence(system) for system in systems[:_MOST_SENTENCES] if system.counts["asked"]]


def describe_run(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a manifest that a reader asks for, as text; empty without a manifest."""
    spec = _mapping(manifest.get("spec"))
    systems = [_mapping(system) for system in spec.get("cells") or []]
    told = {
        "benchmark": spec.get("benchmark"),
        "cells": "; ".join(_cell(system) for system in systems),
        "seed": spec.get("seed"),
        "limit": spec.get("limit"),
        "sample": spec.get("sample"),
        "annotations": _short(manifest.get("dataset_sha256"), "SHA-256 "),
        **{f"{role} model": name for role, name in _mapping(manifest.get("models")).items()},
        "git": _short(manifest.get("git"), ""),
        "Python": manifest.get("python"),
        "started": manifest.get("created"),
    }
    return {name: str(value) for name, value in told.items() if value not in (None, "")}


def _sentence(system: System) -> str:
    found = system.scores
    accuracy, never = found["accuracy"], found["right but never shown"]
    asked = _count(accuracy.n, "question")
    text = f"{system.label} was right on {percent(accuracy.mean)}% of {asked}"
    if not accuracy.n:
        text = f"{system.label} was asked {_count(system.counts['asked'], 'question')}"
    if never.n:
        lucky = system.quadrants.right_ungrounded
        text += (
            f"; {lucky:,} of its {_count(never.n, 'right answer')} ({percent(never.mean)}%)"
            " came without a frame of the evidence"
        )
    hopeless = found["abstained on unanswerable"]
    if hopeless.n:
        text += f"; it abstained on {percent(hopeless.mean)}% of {hopeless.n:,} unanswerable ones"
    return f"{text}."


def _cell(system: Mapping[str, Any]) -> str:
    parts = [_mapping(system.get(part)) for part in ("context", "settings", "endpoints")]
    context = ", ".join(f"{key} {value}" for part in parts for key, value in part.items())
    name = " ".join(str(system[key]) for key in ("mode", "variant") if system.get(key))
    return f"{name} ({context})" if context else name


def _short(value: object, before: str) -> str | None:
    """A long hash by its first digits; a trailing `+` tells of uncommitted changes."""
    if not value:
        return None
    text = str(value)
    return f"{before}{text[:12]}{'+' if text.endswith('+') else ''}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"
