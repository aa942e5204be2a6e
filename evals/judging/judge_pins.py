"""What each judge of a run was, pinned beside its verdicts so that they can be repeated.

`judges.json` holds model, prompt word for word and by hash, settings, and what judges were shown.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videoseal.core.errors import first_fault
from videoseal.core.files import write_whole
from videoseal.core.provenance import RunMismatch
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.judging.blind_view import VIEW_VERSION, Gathered
from videoseal.evals.verdicts import JUDGEMENTS
from videoseal.models.roles import Judge

__all__ = ["JUDGES", "JudgePin", "Pins", "pin_judges", "pin_of", "read_pins"]

JUDGES: Final = "judges.json"
_DAMAGED: Final = f"without it and {JUDGEMENTS} the run is judged anew"


class JudgePin(BaseModel):
    """What a judge was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_sha256: str = ""
    prompt: str = ""
    """Word for word, with places for what changes; empty for a stand-in."""
    match: str = ""
    """Version of what it was told to compare answers by; empty where it compared none."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Model, place and sampling, without secrets."""
    view: str = VIEW_VERSION
    """Version of the form in which it was shown records."""
    created: datetime


class Pins(BaseModel):
    """All judges of a run; what they were shown is the same for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    evidence: Gathered
    judges: dict[str, JudgePin] = Field(default_factory=dict)


def pin_of(judge: Judge, created: datetime, match: str = "") -> JudgePin:
    """Everything that the judge's verdicts depend on."""
    digest = hashlib.sha256(judge.prompt.encode()).hexdigest() if judge.prompt else ""
    return JudgePin(
        prompt_sha256=digest, prompt=judge.prompt, match=match, settings=dict(judge.settings),
        created=created,
    )  # fmt: skip


def pin_judges(folder: Path, new: Pins) -> None:
    """Write down new judges, or check that known ones are what they were.

    Raises RunMismatch naming the first thing that differs.
    """
    before = read_pins(folder) or new
    if before.evidence != new.evidence:
        raise RunMismatch(
            f"run {folder.name} was judged by what was {before.evidence}, not {new.evidence}",
            hint="judge a copy of the run's folder: verdicts on different evidence do not compare",
        )
    for name, pin in [*new.judges.items()]:
        known = before.judges.get(name, pin)
        # A run that was judged before has no version of it yet, and a part of one may need none.
        known = known.model_copy(update={"match": known.match or pin.match})
        pin = pin.model_copy(update={"match": pin.match or known.match})
        before.judges[name] = known
        for part in ("prompt_sha256", "settings", "view", "match"):
            if getattr(known, part) != getattr(pin, part):
                raise RunMismatch(
                    f"{name} was another judge when it judged {folder.name}: its {part} differs",
                    hint=f"judge a copy of the run's folder without {JUDGEMENTS} and {JUDGES}",
                )
    write_whole(folder / JUDGES, before.model_dump_json(indent=1))


def read_pins(folder: Path) -> Pins | None:
    """What judged the run; None where nothing did. AnnotationError for a file that is none."""
    path = folder / JUDGES
    try:
        return Pins.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise AnnotationError(f"{path}: {first_fault(error)}", hint=_DAMAGED) from None
    except ValueError as error:
        raise AnnotationError(f"{path}: {error}", hint=_DAMAGED) from None
