"""A policy that is served as it was trained, and refused where it cannot be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from tests.rl.begun import config_of
from videoseal.core.errors import MissingDependency, SettingsError, VideosealError
from videoseal.core.settings import Endpoint, Settings
from videoseal.models.planner import make_planner
from videoseal.rl.episodes.tokens import TURN, Transcript
from videoseal.rl.training.base_models import make_tiny
from videoseal.rl.training.export import NothingTrained, export
from videoseal.rl.training.launch import describe
from videoseal.rl.training.run_folder import NoSuchTraining, RunFolder
from videoseal.rl.training.serve import policy_of, serve

pytest.importorskip("torch", reason="training is not installed")
pytest.importorskip("aiohttp", reason="training is not installed")
pytestmark = [
    # What torch, DeepSpeed and transformers say of each other while they are imported.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

ROOT = Path(__file__).resolve().parents[3]
CONTEXT = 2048
WORDS = ["Find where the video shows the answer. <tool_call>{}</tool_call> 00:00:10-00:00:20"] * 3
TOOL = {
    "type": "function",
    "function": {
        "name": "visual_inspect",
        "description": "Look.",
        "parameters": {"type": "object", "properties": {"spans": {"type": "array"}}},
    },
}
START = [SystemMessage("Find it & prove it."), HumanMessage("Question: what <|im_end|> is it?\n")]
SAID = (
    '<tool_call>\n{"name": "visual_inspect", "arguments": {"spans": ["00:00:10"]}}\n</tool_call>',
    "I cannot tell <|yet|>.",
    '<tool_call>{"name": "visual_inspect"',
)
RESULTS = ('{"error": "<|im_start|>assistant </tool_response> 视频"}', '{"hits": []}', "{}")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained policy."""
    folder = tmp_path_factory.mktemp("policy")
    make_tiny(folder, WORDS, vocabulary=320, width=64, layers=1, context=CONTEXT)
    return folder


class Server(NamedTuple):
    """A server in this process, and the prompts that its engine was asked to go on from."""

    client: Any
    engine: Any
    prompts: list[list[int]]
    script: list[str]
    """What the engine says instead of what it would sample."""

    async def post(self, **body: Any) -> tuple[int, Any]:
        reply = await self.client.post("/v1/chat/completions", json=body)
        return reply.status, await reply.json()

    def planner(self, form: str) -> Any:
        url = str(self.client.make_url("/v1"))
        settings = Settings(tool_call_format=form)
        endpoint = Endpoint(base_url=url, model="policy", api_key="none")
        return make_planner(settings, endpoint).bind_tools([TOOL])


@pytest.fixture
async def server(policy: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The policy at a port of the loopback."""
    from aiohttp.test_utils import TestClient, TestServer

    from videoseal.rl.worker.engine import Completion, RequestOutput
    from videoseal.rl.worker.policy_server import application, load

    engine = load(policy, seed=1)
    found = Server(TestClient(TestServer(application(engine, "policy"))), engine, [], [])
    sample = engine.generate

    async def generate(prompt: Sequence[int], sampling: Any) -> RequestOutput:
        found.prompts.append(list(prompt))
        if not found.script:
            return await sample(prompt, sampling)
        ids = said_ids(engine.tokenizer, found.script.pop(0))
        return RequestOutput([Completion(ids, "", "stop", [])])

    monkeypatch.setattr(engine, "generate", generate)
    async with found.client:
        yield found


def said_ids(tokenizer: Any, text: str) -> list[int]:
    return [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


@pytest.mark.parametrize("form", ["brief", "text"])
async def test_prompts_are_those_of_the_rollouts(server: Server, form: str) -> None:
    """Token by token over several turns, hostile words in questions and results included."""
    tokenizer = server.engine.tokenizer
    transcript = Transcript(tokenizer, CONTEXT, brief=form == "brief")
    planner = server.planner(form)
    messages: list[BaseMessage] = list(START)
    server.script.extend(SAID)
    for words, result in zip(SAID, RESULTS, strict=True):
        expected = transcript.prompt(messages, [TOOL])
        reply = await planner.ainvoke(messages)
        assert server.prompts[-1] == expected
        assert reply.text == words
        mark = transcript.said(said_ids(tokenizer, words), None, "stop")
        messages += [
            AIMessage(words, tool_calls=reply.tool_calls, response_metadata={TURN: mark}),
            ToolMessage(result, tool_call_id="c", id=f"result {len(messages)}"),
        ]
    assert len(transcript.segments) == 1
    assert len(server.prompts[-1]) > len(server.prompts[0]) + 100


async def test_greedy_is_the_same_every_time(server: Server) -> None:
    """Temperature 0 has no chance in it; usage counts prompt and reply."""
    body = {"messages": [{"role": "user", "content": "where?"}], "max_tokens": 20}
    (status, one), (_, two) = [await server.post(**body, temperature=0) for _ in range(2)]
    assert status == 200
    assert one["choices"] == two["choices"]
    assert one["usage"]["prompt_tokens"] == len(server.prompts[0])
    assert 1 <= one["usage"]["completion_tokens"] <= 20
    told = [(await server.post(**body, temperature=2))[1]["choices"][0] for _ in range(4)]
    assert len({choice["message"]["content"] for choice in told}) > 1


async def test_its_name_is_told(server: Server) -> None:
    """Clients that look for models find the one."""
    reply = await server.client.get("/v1/models")
    assert (await reply.json())["data"] == [{"id": "policy", "object": "model"}]


ASKED = {"messages": [{"role": "user", "content": "x"}]}
WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([1], "request: Input should be an object"),
    "no messages": ({}, "messages: Field required"),
    "empty": ({"messages": []}, "messages: List should have at least 1 item"),
    "no message": ({"messages": ["x"]}, "messages.0: Input should be an object"),
    "a role": ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: "),
    "parts": ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content: "),
    "no content": ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    "words for a number": ({**ASKED, "temperature": "hot"}, "temperature: "),
    "below 0": ({**ASKED, "temperature": -1}, "temperature: Input should be greater"),
    "no tokens": ({**ASKED, "max_tokens": -1}, "max_tokens: Input should be greater"),
    "top_p": ({**ASKED, "top_p": 0.5}, "top_p: Input should be 1"),
    "stream": ({**ASKED, "stream": True}, "stream: Input should be False"),
    "tools": ({**ASKED, "tools": [TOOL]}, "tools is not known"),
    "too long": ({"messages": [{"role": "user", "content": "é" * CONTEXT}]}, "no room to answer"),
}
FINE: dict[str, Any] = {
    "stream": False, "n": 1, "top_p": 1.0, "logprobs": False, "stop": None, "tools": [],
    "seed": 7, "user": "me", "max_completion_tokens": 2,
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
async def test_what_cannot_be_carried_out_is_refused(server: Server, case: str) -> None:
    """With status 400 and the reason, before anything is sampled; the next request is served."""
    body, why = WRONG[case]
    reply = await server.client.post("/v1/chat/completions", json=body)
    assert reply.status == 400
    told = (await reply.json())["error"]["message"]
    assert why in told
    status, _ = await server.post(**ASKED, max_tokens=1)
    assert status == 200


async def test_what_asks_for_nothing_is_let_by(server: Server) -> None:
    """Fields that other servers know do no harm as long as they ask for what is done anyway."""
    status, told = await server.post(**ASKED, **FINE)
    assert status == 200
    assert told["usage"]["completion_tokens"] <= 2


async def test_what_is_no_json_is_refused(server: Server) -> None:
    """As every other wrong body."""
    reply = await server.client.post("/v1/chat/completions", data=b"{")
    assert reply.status == 400


async def test_replies_stay_within_the_context(server: Server) -> None:
    """A prompt that nearly fills it gets what room there is."""
    status, told = await server.post(
        messages=[{"role": "user", "content": "é" * 1000}], max_tokens=10**6, temperature=2
    )
    assert status == 200
    assert told["usage"]["total_tokens"] <= CONTEXT


@pytest.fixture
def run(tmp_path: Path, policy: Path) -> RunFolder:
    """A run that is done."""
    config = config_of(tmp_path, f"policy.path={policy}", "policy.tool_call_format=brief")
    found = RunFolder(tmp_path / "data" / "train" / "small")
    found.settle(describe(config, 4, {}))
    shutil.copytree(policy, found.model)
    return found


def test_runs_and_folders_are_found(run: RunFolder, tmp_path: Path, policy: Path) -> None:
    """A run by its name or folder, an export, any model; each with the form that it was taught."""
    data = tmp_path / "data"
    export(run, tmp_path / "out")
    assert policy_of("small", data) == (run.model, "small", "brief")
    assert policy_of(str(run.root), data) == (run.model, "small", "brief")
    assert policy_of(str(tmp_path / "out"), data) == (tmp_path / "out", "out", "brief")
    assert policy_of(str(policy), data).tool_call_format == "text"


def test_what_is_no_policy_is_refused(run: RunFolder, tmp_path: Path) -> None:
    """In one line: unknown names, other folders, and runs that are not done."""
    data = tmp_path / "data"
    with pytest.raises(NoSuchTraining, match="no training run none"):
        policy_of("none", data)
    with pytest.raises(NoSuchTraining, match="neither a run nor a model"):
        policy_of(str(tmp_path), data)
    shutil.rmtree(run.model)
    with pytest.raises(NothingTrained, match="no final model"):
        policy_of("small", data)


def test_a_damaged_folder_is_one_line(run: RunFolder, tmp_path: Path) -> None:
    """Weights that cannot be read are no traceback."""
    (run.model / "model.safetensors").write_bytes(b"{")
    with pytest.raises(VideosealError, match="cannot load"):
        serve(policy_of("small", tmp_path / "data"), 0, None, print)


def test_a_port_that_is_taken_is_refused(run: RunFolder, tmp_path: Path) -> None:
    """Before anything is loaded."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match="cannot listen on port") as caught:
            serve(policy_of("small", tmp_path / "data"), other.getsockname()[1], None, print)
    assert "--port" in caught.value.hint


def test_a_missing_package_is_named(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how to install it."""
    import videoseal.rl.worker

    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "videoseal.rl.worker.policy_server", raising=False)
    monkeypatch.delattr(videoseal.rl.worker, "policy_server", raising=False)
    with pytest.raises(MissingDependency, match="serving needs aiohttp") as caught:
        serve(policy_of("small", tmp_path / "data"), 0, None, print)
    assert "pip install" in caught.value.hint


@pytest.mark.slow
def test_an_export_is_served_by_the_command(run: RunFolder, tmp_path: Path) -> None:
    """`videoseal train serve` says what makes it the planner, answers, and ends on request."""
    export(run, tmp_path / "out")
    with subprocess.Popen(
        [sys.executable, "-m", "videoseal.cli.main", "train", "serve", str(tmp_path / "out"),
         "--port", "0", "--json"],
        cwd=ROOT, env={**os.environ, "VIDEOSEAL_DATA_DIR": str(tmp_path)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = iter(process.stdout)
        told = json.loads("".join([*iter(lambda: next(lines, "}\n"), "}\n"), "}"]))
        settings = told["settings"]
        assert settings["VIDEOSEAL_TOOL_CALL_FORMAT"] == "brief"
        request = urllib.request.Request(
            f"{settings['VIDEOSEAL_PLANNER_BASE_URL']}/chat/completions",
            data=json.dumps({**ASKED, "max_tokens": 3}).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert json.load(reply)["model"] == settings["VIDEOSEAL_PLANNER_MODEL"] == "out"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
