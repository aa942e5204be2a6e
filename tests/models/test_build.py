"""Which model takes a role, and that what is not chosen is not loaded."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from langchain_core.language_models import BaseChatModel

from videoseal.core.errors import SettingsError
from videoseal.core.settings import Endpoint, Settings
from videoseal.models.build import build_models

SERVED = ("planner", "inspector", "answerer", "captioner", "embedder", "summariser")
CLIENTS = {
    "planner": "EndpointPlanner",
    "inspector": "ChatInspector",
    "answerer": "ChatAnswerer",
    "captioner": "ChatCaptioner",
    "embedder": "HttpEmbedder",
    "summariser": "ChatSummariser",
}


@pytest.fixture
def plain(tmp_path):
    """Settings without an endpoint, and without loading a text reader."""
    return Settings(data_dir=tmp_path, ocr=False)


def test_without_endpoints_every_role_is_a_stand_in(plain):
    """Each has the name that its results are recorded under."""
    models = build_models(plain)
    assert isinstance(models.planner, BaseChatModel)
    names = [getattr(models, role).name for role in SERVED if role != "planner"]
    assert all(names)
    modules = {type(getattr(models, role)).__module__ for role in SERVED if role != "embedder"}
    assert all(module.startswith("videoseal.models.offline.") for module in modules)


@pytest.mark.parametrize("role", SERVED)
def test_an_endpoint_takes_its_role_and_no_other(plain, role):
    """The rule is the same for all: an unset role is its stand-in, whatever the others are."""
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", model="m")
    models = build_models(plain.model_copy(update={role: endpoint}))
    found = {served: type(getattr(models, served)).__name__ for served in SERVED}
    assert found[role] == CLIENTS[role]
    assert not {found[other] for other in SERVED if other != role} & set(CLIENTS.values())


def test_the_form_of_tool_calls_is_chosen_by_its_setting(plain):
    """Text where the settings say so."""
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", model="m")
    update = {"planner": endpoint, "tool_call_format": "text"}
    assert build_models(plain.model_copy(update=update)).planner.call_format == "text"


def test_an_address_that_is_none_is_found_at_once(plain):
    """Before the first call, and with the setting named."""
    endpoint = Endpoint(base_url="http://host:port/v1", model="m")
    with pytest.raises(SettingsError, match="VIDEOSEAL_EMBEDDER_BASE_URL"):
        build_models(plain.model_copy(update={"embedder": endpoint}))


def test_stand_ins_do_not_load_the_clients():
    """Two seconds of imports are left to those who set an endpoint."""
    code = (
        "import json, sys\n"
        "from videoseal.models.build import build_models\n"
        "from videoseal.core.settings import Settings\n"
        "build_models(Settings(ocr=False))\n"
        "print(json.dumps([name for name in ('openai', 'langchain_openai', 'tiktoken', 'torch')"
        " if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_models_outlive_the_event_loop_that_used_them(lane, plain):
    """One bundle serves several loops, one after the other, without a trace of the last."""
    lane.script(lane.chat("ready"), lane.chat("ready"), {"kind": "embeddings"})
    endpoints = {"summariser": lane.endpoint, "embedder": lane.endpoint}
    models = build_models(plain.model_copy(update=endpoints))
    for _ in range(2):
        assert asyncio.run(models.summariser.summarise(["a"])).value == "ready"
    assert asyncio.run(models.embedder.query("a")).value.shape == (1, 8)
    assert asyncio.run(models.embedder.query("a")).value.shape == (1, 8)


async def test_many_calls_at_once_keep_their_own_usage(lane, plain):
    """A shared client counts nothing itself."""
    lane.script(lane.chat("ready"))
    models = build_models(plain.model_copy(update={"summariser": lane.endpoint}))
    replies = await asyncio.gather(*(models.summariser.summarise([f"{n}"]) for n in range(24)))
    assert {reply.usage._replace(seconds=0) for reply in replies} == {(1, 11, 7, 0, 0)}
    assert len(lane.seen()) == 24
