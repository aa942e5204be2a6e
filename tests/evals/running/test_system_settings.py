"""What one system of a run may change of settings and models, and what is shared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from videoseal.core.errors import SettingsError
from videoseal.core.settings import Settings
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.running.system_settings import (
    Systems,
    check_system,
    model_names,
    read_endpoints,
    settings_of,
)
from videoseal.graph.resources import Resources
from videoseal.models.build import build_models

SMALL = {"SMALL_BASE_URL": "http://127.0.0.1:9/v1", "SMALL_MODEL": "small", "SMALL_API_KEY": "s3"}


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (SystemSpec(settings={"clip_seconds": 4}), "settings.clip_seconds: cannot differ"),
        (SystemSpec(settings={"data_dir": "x"}), "settings.data_dir: cannot differ"),
        (SystemSpec(settings={"inspector": {}}), "settings.inspector: cannot differ"),
        (SystemSpec(settings={"frame_side": 1}), "settings.frame_side: "),
        (SystemSpec(settings={"ocr_model": "huge"}), "settings.ocr_model: "),
        (SystemSpec(endpoints={"embedder": "SMALL"}), "endpoints.embedder: cannot differ"),
        (SystemSpec(endpoints={"planner": "sk-123"}), "endpoints.planner: 'sk-123' is no prefix"),
        (SystemSpec(endpoints={"planner": "VIDEOSEAL_PLANNER"}), "endpoints.planner: "),
    ],
)
def test_cell_names_what_it_may_not_change(cell: SystemSpec, says: str) -> None:
    """What made the index stays as it is; keys and wrong values are refused by field."""
    with pytest.raises(SettingsError) as caught:
        check_system(cell)
    assert str(caught.value).startswith(says)


def test_missing_endpoint_names_its_variables() -> None:
    """The message says which two variables to set, and never what they hold."""
    cells = [SystemSpec(endpoints={"inspector": "SMALL"})]
    assert read_endpoints(cells, SMALL)["SMALL"].model == "small"
    assert read_endpoints([SystemSpec()], {}) == {}
    for name in ("SMALL_BASE_URL", "SMALL_MODEL"):
        without = {key: value for key, value in SMALL.items() if key != name}
        with pytest.raises(SettingsError, match="set SMALL_BASE_URL and SMALL_MODEL"):
            read_endpoints(cells, without)
    with pytest.raises(SettingsError, match="SMALL_BASE_URL: ") as caught:
        read_endpoints(cells, {**SMALL, "SMALL_BASE_URL": "ftp://s3"})
    assert "s3" not in str(caught.value)
    with pytest.raises(SettingsError, match="SMALL"):
        settings_of(cells[0], Settings(), {})


def test_settings_of_a_cell_are_the_runs_with_its_changes() -> None:
    """All else, other endpoints included, stays."""
    base = Settings.model_validate({"frame_side": 640, "answerer": {
        "base_url": "http://h/v1", "model": "m"}})  # fmt: skip
    endpoints = read_endpoints([SystemSpec(endpoints={"inspector": "SMALL"})], SMALL)
    cell = SystemSpec(settings={"frame_side": 320}, endpoints={"inspector": "SMALL"})
    made = settings_of(cell, base, endpoints)
    assert made == base.model_copy(update={"frame_side": 320, "inspector": endpoints["SMALL"]})
    assert settings_of(SystemSpec(context={"max_steps": 2}), base, endpoints) is base


def test_index_and_models_that_made_it_are_shared(tmp_path: Any) -> None:
    """Store, cache and embedder are the run's; equal cells share all; only own roles differ."""
    settings = Settings(data_dir=tmp_path, ocr=False)
    store: Any = SimpleNamespace()
    cache: Any = SimpleNamespace()
    base = Resources(settings, store, build_models(settings), cache)
    cell = SystemSpec(settings={"frame_side": 320}, endpoints={"inspector": "SMALL"})
    systems = Systems(base, read_endpoints([cell], SMALL))
    own = systems.of(cell)
    assert systems.of(SystemSpec()) is base
    assert systems.of(SystemSpec(mode="coupled", **cell.model_dump(exclude={"mode"}))) is own
    assert (own.store, own.cache, own.models.embedder) == (store, cache, base.models.embedder)
    assert own.settings.frame_side == 320
    assert model_names(own)["inspector"] != model_names(base)["inspector"]
    assert model_names(own)["planner"] == model_names(base)["planner"]
