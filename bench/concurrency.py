"""Many questions at once against models of one second: how far from the ideal, and what waits.

`python bench/concurrency.py [--questions 50 200] [--json]` asks so many questions of one process
through the agent, each with three model calls (two of the planner, one of the inspector with 64
frames of 60 kB) at an HTTP server that takes a second for each and does little else. Reported:
seconds over the ideal of three, CPU a question, longest pause of the event loop, peak memory.
Targets: 50 at most 1.3 of the ideal, 200 at most 2.5, no pause over 0.3 s, under 700 MiB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTIONS = (50, 200)
DELAY_S = 1.0
CALLS = 3
FRAMES = 64


def serve(port: int) -> None:
    """The models: the planner reads the outline, then looks; the inspector settles it."""
    look = json.dumps({"spans": ["60-76"]})
    seen = [{"time": "00:01:00.0", "text": "EXIT"}]
    verdict = json.dumps(
        {"sufficient": True, "answer": "EXIT", "choice": "A", "reason": None, "missing": "",
         "observations": seen, "confidence": 0.9}
    )  # fmt: skip

    def reply(start: bytes) -> bytes:
        planner = b'"model":"planner"' in start or b'"tools"' in start
        name, args = ("visual_inspect", look) if b'"assistant"' in start else ("overview", "{}")
        call = {"id": "c", "type": "function", "function": {"name": name, "arguments": args}}
        message = {"content": "", "tool_calls": [call]} if planner else {"content": verdict}
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return json.dumps({"id": "x", "object": "chat.completion", "created": 0, "model": "m",
                           "choices": [choice], "usage": usage}).encode()  # fmt: skip

    async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                began = time.monotonic()
                length = int(head.partition(b"content-length:")[2].split(b"\r")[0] or 0)
                start = await reader.readexactly(min(length, 50_000))
                left = length - len(start)
                while left:
                    left -= len(await reader.read(min(left, 1 << 20)))
                if length:
                    await asyncio.sleep(max(0.0, DELAY_S - (time.monotonic() - began)))
                body = reply(start)
                told = f"content-type: application/json\r\ncontent-length: {len(body)}"
                writer.write(f"HTTP/1.1 200 OK\r\n{told}\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(chat, "127.0.0.1", port, limit=1 << 20, backlog=1000)
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def models() -> Iterator[str]:
    """The address of the models, in a process of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


async def measure(questions: int, url: str) -> dict[str, Any]:
    """One round of so many questions at once."""
    from videoseal.core.settings import Settings
    from videoseal.graph.ask import ask
    from videoseal.graph.context import Context
    from videoseal.graph.resources import Resources
    from videoseal.indexing.index_rows import VideoRow
    from videoseal.models.build import build_models
    from videoseal.models.types import Frame, Question

    class Store:
        def video(self, video_id: str) -> VideoRow:
            now = datetime(2026, 1, 1, tzinfo=UTC)
            return VideoRow(video_id, Path("v.mp4"), "V", 3600.0, 1280, 720, 25.0, False, 1,
                            "ready", "f", now, now)  # fmt: skip

        def texts(self, *_: Any) -> list[Any]:
            return []

        def seal_key(self) -> bytes:
            return b"bench"

    jpeg = b"\xff\xd8" + bytes(60_000)
    shown = [Frame(60.0 + n / 4, jpeg) for n in range(FRAMES)]
    environ = {
        f"VIDEOSEAL_{role.upper()}_{part}": value
        for role in ("planner", "inspector")
        for part, value in (("BASE_URL", url), ("MODEL", role), ("API_KEY", "k"))
    }
    settings = Settings.from_env(environ)
    held = Resources(settings, cast(Any, Store()), build_models(settings), cast(Any, None))
    question = Question(text="What does the sign say?", options=["EXIT", "OPEN"])
    pauses = [0.0]

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            pauses.append(time.perf_counter() - began - 0.01)

    with (
        patch("videoseal.graph.nodes.visual_inspect.show_frames", lambda *_, **__: shown),
        patch("videoseal.graph.nodes.overview.read_outline", lambda *_, **__: "00:00:00 a sign"),
    ):
        await ask(held, question, "v", Context())
        watching = asyncio.create_task(watch())
        began, cpu = time.perf_counter(), time.process_time()
        episodes = await asyncio.gather(
            *(ask(held, question, f"v{n}", Context()) for n in range(questions))
        )
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        watching.cancel()
    assert all(episode.answer.proven for episode in episodes), episodes[0]
    return {
        "questions": questions,
        "of_ideal": round(took / (CALLS * DELAY_S), 2),
        "cpu_ms_a_question": round(1000 * cpu / questions, 1),
        "longest_pause_s": round(max(pauses), 3),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Many questions at once.")
    parser.add_argument("--questions", type=int, nargs="+", default=QUESTIONS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=int)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    with models() as url:
        found = [asyncio.run(measure(count, url)) for count in options.questions]
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for row in found:
        print(
            f"{row['questions']:5} questions: {row['of_ideal']:.2f} of the ideal,"
            f" {row['cpu_ms_a_question']:.0f} ms of CPU each, longest pause"
            f" {row['longest_pause_s']:.2f} s, {row['peak_mib']} MiB"
        )


if __name__ == "__main__":
    main()
