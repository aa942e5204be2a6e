"""One experiment: systems that are asked the same questions, and how their figure is drawn.

A system is a mode with a variant; every mode meets every variant. A file:

    title: Accuracy against the search budget
    about: One line for the list of experiments.
    modes: [decoupled, coupled]
    base: {context: {forced_choice: true}}
    variants:
      - {name: steps=2, context: {max_steps: 2}}
      - {name: steps=4, context: {max_steps: 4}}
    baseline: {mode: decoupled, variant: steps=4}
    figure: {x: context.max_steps, y: [accuracy, grounded accuracy], series: mode}
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videoseal.core.errors import SettingsError
from videoseal.core.yaml_source import YamlSource, read_yaml
from videoseal.evals.manifest import MANIFEST, SystemSpec
from videoseal.evals.running.padding import PaddedContext
from videoseal.evals.running.system_settings import ROLES, SETTINGS, check_system
from videoseal.evals.scoring.scores import MEASURES
from videoseal.graph.context import Mode

__all__ = [
    "EXPERIMENT",
    "Baseline",
    "Changes",
    "Experiment",
    "FigureSpec",
    "Loaded",
    "Variant",
    "find_experiment",
    "keep",
    "load_experiment",
    "packaged",
    "value_of",
]

EXPERIMENT: Final = "experiment.yaml"
"""The experiment's own file, kept beside the records of its run."""
_OWN: Final = ("mode", "video_id")
"""Fields of the context that a variant does not set: they are said elsewhere."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Changes(_Part):
    """What differs from the defaults of a run."""

    context: dict[str, Any] = Field(default_factory=dict)
    """Fields of the graph's Context."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Those of `evals.running.system_settings.SETTINGS`."""
    endpoints: dict[str, str] = Field(default_factory=dict)
    """Prefix of the environment variables that name an endpoint, by role."""


class Variant(Changes):
    """One value of what is varied."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._=+-]{0,39}$")


class Baseline(_Part):
    """The system that all others are compared with."""

    mode: Mode
    variant: str = ""


class FigureSpec(_Part):
    """What the figure shows: a panel a measure, a mark a system."""

    x: str
    """`mode`, `variant`, `context.FIELD`, `settings.FIELD` or `endpoints.ROLE`."""
    y: list[str] = Field(min_length=1, max_length=4)
    """Measures by their names in the report."""
    series: str = "mode"
    """Like `x`; marks of one series have one colour."""
    label: str = ""
    """Of the horizontal axis; the name of `x` where it is empty."""
    note: str = ""
    """What a reader must know to read it."""


class Experiment(_Part):
    """The whole file."""

    title: str = Field(min_length=1)
    about: str = Field(min_length=1)
    modes: list[Mode] = Field(min_length=1)
    base: Changes = Changes()
    """What all systems have in common."""
    variants: list[Variant] = Field(default_factory=list)
    """None for one system a mode, without a variant's name."""
    baseline: Baseline
    figure: FigureSpec

    def systems(self) -> list[SystemSpec]:
        """Every system: modes in order, the variants of each in order."""
        return [self._cell(mode, variant) for mode in self.modes for variant in self._variants()]

    def _variants(self) -> list[Variant | None]:
        return [*self.variants] or [None]

    def _cell(self, mode: Mode, variant: Variant | None) -> SystemSpec:
        base, own = self.base, variant or Changes()
        changes = {part: getattr(base, part) | getattr(own, part) for part in Changes.model_fields}
        return SystemSpec(mode=mode, variant=variant.name if variant else "", **changes)


class Loaded(NamedTuple):
    """An experiment with the text that it was read from."""

    name: str
    """Its file's name without the ending."""
    experiment: Experiment
    text: str


def packaged() -> list[Path]:
    """The files of the experiments that ship."""
    return sorted(Path(str(files("videoseal.evals.experiments"))).glob("*.yaml"))


def find_experiment(name: str) -> Path:
    """The file of that name, else the one that ships under it; SettingsError lists those."""
    known = {path.stem: path for path in packaged()}
    if name in known and not Path(name).is_file():
        return known[name]
    if not Path(name).is_file():
        raise SettingsError(f"no experiment file at {name}", hint=f"these ship: {', '.join(known)}")
    return Path(name)


def load_experiment(path: Path) -> Loaded:
    """Read and check an experiment; SettingsError names file, line and field."""
    source = read_yaml(path)
    try:
        experiment = Experiment.model_validate(source.value)
    except ValidationError as error:
        raise source.invalid(error) from None
    _check_changes(source, ["base"], experiment.base)
    names: set[str] = set()
    for number, variant in enumerate(experiment.variants):
        _check_changes(source, ["variants", number], variant)
        if variant.name in names:
            raise source.error(["variants", number, "name"], f"{variant.name!r} is there twice")
        names.add(variant.name)
    if len(set(experiment.modes)) < len(experiment.modes):
        raise source.error(["modes"], "a mode is there twice")
    _check_figure(source, experiment)
    return Loaded(path.stem, experiment, source.text)


def keep(loaded: Loaded, folder: Path, *, anew: bool) -> None:
    """Put the file beside the records, so that reports draw its figure.

    Unless `anew` a folder that holds a run is left alone: it may be another's.
    """
    if anew or not (folder / MANIFEST).exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / EXPERIMENT).write_text(loaded.text, encoding="utf-8")


def value_of(system: SystemSpec, axis: str) -> Any:
    """Where a system stands on an axis; None where it has what the run has."""
    part, _, name = axis.partition(".")
    if not name:
        return getattr(system, part)
    if part == "context":
        return system.context.get(name, PaddedContext.model_fields[name].default)
    given: Mapping[str, Any] = system.settings if part == "settings" else system.endpoints
    return given.get(name)


def _check_changes(source: YamlSource, place: list[str | int], changes: Changes) -> None:
    for name in changes.context:
        if name not in PaddedContext.model_fields or name in _OWN:
            known = ", ".join(field for field in PaddedContext.model_fields if field not in _OWN)
            raise source.error([*place, "context", name], f"no such field; there are {known}")
    try:
        PaddedContext.model_validate(changes.context, strict=True)
    except ValidationError as error:
        raise source.invalid(error, [*place, "context"]) from None
    try:
        check_system(SystemSpec(settings=changes.settings, endpoints=changes.endpoints))
    except SettingsError as error:
        field, _, why = str(error).partition(": ")
        hint = f"; {error.hint}" if error.hint else ""
        raise source.error([*place, *field.split(".")], f"{why}{hint}") from None


def _check_figure(source: YamlSource, experiment: Experiment) -> None:
    figure, systems = experiment.figure, experiment.systems()
    for number, name in enumerate(figure.y):
        if name not in MEASURES:
            known = ", ".join(MEASURES)
            raise source.error(["figure", "y", number], f"{name!r} is no measure of {known}")
    axes = _axes()
    for field in ("x", "series"):
        if getattr(figure, field) not in axes:
            raise source.error(["figure", field], f"no such axis; there are {', '.join(axes)}")
    base = experiment.baseline
    if (base.mode, base.variant) not in {(system.mode, system.variant) for system in systems}:
        raise source.error(["baseline"], "is none of the experiment's systems")
    places: dict[tuple[str, str], SystemSpec] = {}
    for system in systems:
        at = (str(value_of(system, figure.x)), str(value_of(system, figure.series)))
        if at in places:
            both = f"{places[at].name} and {system.name} would be one mark, at {' / '.join(at)}"
            raise source.error(["figure"], both)
        places[at] = system


def _axes() -> list[str]:
    context = [f"context.{name}" for name in PaddedContext.model_fields if name not in _OWN]
    settings = [f"settings.{name}" for name in SETTINGS]
    return ["mode", "variant", *context, *settings, *(f"endpoints.{role}" for role in ROLES)]
